"""Functions that run before or after a module's `forward`, and on the gradients that come back.

They are constants of the module: a jitted function compiles once for each set of them, and a hook
that is called within a trace sees traced tensors. Hooks on gradients belong to `backward()`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from slopec import tracing
from slopec.lazy.errors import traced
from slopec.lazy.junctions import Handle, Slopes, joined, replaced
from slopec.ops.common import bad_argument
from slopec.tensor import Tensor

Place = Literal["before", "after", "backward before", "backward after"]


@dataclass(frozen=True, eq=False)
class Hook:
    """A function that runs at a place of a call; `with_kwargs` passes it keywords too."""

    function: Callable[..., Any]
    place: Place
    with_kwargs: bool = False


class Hooked:
    """What a module's hooks are registered by."""

    _hooks: tuple[Hook, ...] = ()

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> Handle:
        """Call `hook(module, args)` before `forward`, which takes what it returns unless None."""
        return self._register(Hook(hook, "before", with_kwargs), prepend)

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> Handle:
        """Call `hook(module, args, output)` after `forward`; what it returns replaces the output.

        >>> import slopec as sp
        >>> layer = sp.nn.Linear(2, 3)
        >>> with layer.register_forward_hook(lambda module, args, y: print(y.shape)):
        ...     _ = layer(sp.ones((4, 2)))
        (4, 3)
        """
        return self._register(Hook(hook, "after", with_kwargs), prepend)

    def register_full_backward_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> Handle:
        """Call `hook(module, grad_output)` when `backward()` comes to the module's outputs.

        `grad_output` is a tuple, with None for outputs that no gradient came to; what the hook
        returns takes its place unless None. Raises as `register_full_backward_hook`.
        """
        return self._register(Hook(hook, "backward before"), prepend)

    def register_full_backward_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> Handle:
        """Call `hook(module, grad_input, grad_output)` when `backward()` leaves the module.

        `grad_input` is a tuple, with None for positional arguments that no gradient came to; what
        the hook returns takes its place unless None. Raises TraceError (S0141) when the module is
        called in a traced function, where `backward()` does not go.

        >>> import slopec as sp
        >>> layer = sp.nn.ReLU()
        >>> x = sp.tensor([1.0, -1.0], requires_grad=True)
        >>> with layer.register_full_backward_hook(lambda module, into, out: print(into[0])):
        ...     layer(x).sum().backward()
        tensor([1. 0.], float32[2], cpu)
        """
        return self._register(Hook(hook, "backward after"), prepend)

    def _register(self, hook: Hook, prepend: bool) -> Handle:
        """Put a hook behind those that there are or, with `prepend`, before them."""
        self._hooks = (hook, *self._hooks) if prepend else (*self._hooks, hook)

        def remove() -> None:
            self._hooks = tuple(h for h in self._hooks if h is not hook)

        return Handle(remove)


def run(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`module.forward` between its hooks; what one returns, if not None, takes its place."""
    hooks: tuple[Hook, ...] = module._hooks
    for hook in hooks:
        if hook.place == "before":
            args, kwargs = _given(hook, module, args, kwargs)
    backward = _Backward(module, hooks) if any("backward" in h.place for h in hooks) else None
    if backward is not None:
        args = backward.entered(args)
    output = module.forward(*args, **kwargs)
    for hook in hooks:
        if hook.place == "after":
            known = (args, kwargs) if hook.with_kwargs else (args,)
            new = hook.function(module, *known, output)
            output = output if new is None else new
    return output if backward is None else backward.left(output)


def _given(
    hook: Hook, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if hook.with_kwargs:
        new = hook.function(module, args, kwargs)
        return (args, kwargs) if new is None else new
    new = hook.function(module, args)
    if new is None:
        return args, kwargs
    return (new if isinstance(new, tuple) else (new,)), kwargs


class _Backward:
    """The hooks on the gradients of one call of a module."""

    def __init__(self, module: Any, hooks: tuple[Hook, ...]) -> None:
        """The hooks that `module` has now."""
        if tracing.is_tracing():
            raise traced(
                f"a {type(module).__name__} with backward hooks is called in a traced function",
                "remove the hooks, or use `sp.custom_vjp` to change a gradient there",
            )
        self.module = module
        self.before = [hook.function for hook in hooks if hook.place == "backward before"]
        self.after = [hook.function for hook in hooks if hook.place == "backward after"]
        self.into: Slopes | None = None
        self.out: Slopes = []

    def entered(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments behind a junction, if derivatives flow to any."""
        places = [i for i, arg in enumerate(args) if _follows(arg)]
        if not places or not self.after:
            self.into = [None] * len(args)
            return args
        given = list(args)

        def together(slopes: Slopes) -> Slopes:
            into: Slopes = [None] * len(args)
            for place, slope in zip(places, slopes, strict=True):
                into[place] = slope
            into = self._through_after(into)
            return [into[place] for place in places]

        for place, tensor in zip(places, joined([args[i] for i in places], together), strict=True):
            given[place] = tensor
        return tuple(given)

    def left(self, output: Any) -> Any:
        """The output, a tensor or a sequence of some, behind a junction."""
        outputs = list(output) if isinstance(output, tuple | list) else [output]
        places = [i for i, part in enumerate(outputs) if _follows(part)]
        if not places:
            return output

        def together(slopes: Slopes) -> Slopes:
            out: Slopes = [None] * len(outputs)
            for place, slope in zip(places, slopes, strict=True):
                out[place] = slope
            for function in self.before:
                out = _replaced(out, function(self.module, tuple(out)))
            self.out = out
            if self.into is not None:
                self._through_after(self.into)
            return [out[place] for place in places]

        behind = joined([outputs[i] for i in places], together)
        for place, tensor in zip(places, behind, strict=True):
            outputs[place] = tensor
        if not isinstance(output, tuple | list):
            return outputs[0]
        named = hasattr(output, "_fields")
        return type(output)(*outputs) if named else type(output)(outputs)

    def _through_after(self, into: Slopes) -> Slopes:
        for function in self.after:
            into = _replaced(into, function(self.module, tuple(into), tuple(self.out)))
        return into


def _follows(part: Any) -> bool:
    return isinstance(part, Tensor) and part.requires_grad


def _replaced(slopes: Slopes, new: Any) -> Slopes:
    """Gradients, and what a hook made of them."""
    if new is None:
        return slopes
    given = new if isinstance(new, tuple | list) else (new,)
    if len(given) != len(slopes):
        raise bad_argument(f"a hook returned {len(given)} gradients for {len(slopes)}")
    return [
        old if old is None else replaced(old, made) for old, made in zip(slopes, given, strict=True)
    ]
