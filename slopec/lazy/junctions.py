"""Gradients on their way, for whoever wants to see or change them: hooks on recorded values.

`backward` derives from the loss to the nearest leaves and junctions, hands a junction the gradient
that has arrived there from all sides, and goes on from it with what its hooks return. A junction of
several values, such as the inputs of a module, waits for all of them.
"""

from collections.abc import Callable, Sequence
from typing import Any

from slopec import dtypes, tracing
from slopec.diagnostics import UsageError
from slopec.lazy.errors import gradient_of, traced, without_gradient
from slopec.lazy.graph import ALIAS, Value
from slopec.lazy.record import record_values
from slopec.tensor import Tensor

Slopes = list[Tensor | None]
Hook = Callable[[Tensor], Any]
Hooks = dict[object, Hook]
"""Hooks in the order of their registration, each under a key that its handle alone knows."""


class Handle:
    """What registering a hook gives: `remove()` undoes it, and so does the end of a `with`."""

    def __init__(self, remove: Callable[[], None]) -> None:
        """The handle of something that `remove` undoes."""
        self._remove: Callable[[], None] | None = remove

    def remove(self) -> None:
        """Take the hook off; once is enough."""
        if self._remove is not None:
            self._remove()
            self._remove = None

    def __enter__(self) -> "Handle":
        """The handle itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the hook."""
        self.remove()


def added(hooks: Hooks, hook: Hook) -> Handle:
    """Put a hook behind the others; the handle takes it out again."""
    key = object()  # the same function may be there twice
    hooks[key] = hook

    def remove() -> None:
        del hooks[key]

    return Handle(remove)


class Junction:
    """Values whose gradients go through hooks of each, then through a function of all of them."""

    def __init__(
        self, values: Sequence[Value], together: Callable[[Slopes], Slopes] | None = None
    ) -> None:
        """Become the junction of `values`, which have none."""
        self.hooks: list[Hooks] = [{} for _ in values]
        self.together = together
        self.count = len(values)
        for place, value in enumerate(values):
            value.junction = (self, place)

    def passed(self, slopes: Slopes) -> Slopes:
        """The gradients behind the hooks; None where nothing arrived."""
        slopes = [
            slope if slope is None else through(hooks, slope)
            for hooks, slope in zip(self.hooks, slopes, strict=True)
        ]
        return slopes if self.together is None else self.together(slopes)


class LeafHooks:
    """Hooks of a leaf: on its gradient `before` that is added to `grad`, on the leaf `after`."""

    def __init__(self) -> None:
        """None yet."""
        self.before: Hooks = {}
        self.after: Hooks = {}


def through(hooks: Hooks, slope: Tensor) -> Tensor:
    """A gradient behind hooks: what one returns, unless None, takes its place."""
    for hook in tuple(hooks.values()):
        slope = replaced(slope, hook(slope))
    return slope


def replaced(slope: Tensor, new: Any) -> Tensor:
    """What a hook made of a gradient; raises ShapeError (S0143) for another type."""
    if new is None:
        return slope
    hint = "return a tensor like the gradient, or None to leave it as it is"
    return gradient_of(slope, new, "the gradient that a hook returned", hint)


def joined(tensors: Sequence[Tensor], together: Callable[[Slopes], Slopes]) -> list[Tensor]:
    """The tensors once more, with a junction between these and those."""
    made: list[Tensor] = []
    for tensor in tensors:
        value = tracing.outside(tensor)
        made += record_values(ALIAS, [value], [tensor.requires_grad], (value.type,))
    Junction([tracing.outside(tensor) for tensor in made], together)
    return made


def register_hook(self: Tensor, hook: Hook) -> Handle:
    """Call `hook(gradient)` in every `backward` that goes through the tensor.

    The gradient is what has arrived from all sides; what the hook returns, unless None, takes its
    place. Raises TraceError (S0141) for a traced tensor, UsageError (S0142) for one that does not
    require a gradient.

    >>> import slopec as sp
    >>> x = sp.tensor([1.0, 2.0], requires_grad=True)
    >>> y = x * x
    >>> handle = y.register_hook(lambda gradient: gradient.clip(-1.0, 1.0))
    >>> (5.0 * y).sum().backward()
    >>> print(x.grad)
    tensor([2. 4.], float32[2], cpu)
    """
    value = _hooked(self, "register_hook")
    if value.owner is not None:
        return added(_of_leaf(self).before, hook)
    junction, place = value.junction or (Junction([value]), 0)
    return added(junction.hooks[place], hook)


def register_post_accumulate_grad_hook(self: Tensor, hook: Hook) -> Handle:
    """Call `hook(tensor)` whenever `backward` has added to `grad` of this leaf.

    Raises as `register_hook`, and UsageError (S0144) for a computed tensor.

    >>> import slopec as sp
    >>> x = sp.tensor(3.0, requires_grad=True)
    >>> with x.register_post_accumulate_grad_hook(lambda x: print(x.grad)):
    ...     (x * x).backward()
    tensor(6., float32[], cpu)
    """
    if _hooked(self, "register_post_accumulate_grad_hook").owner is None:
        raise UsageError(
            "S0144",
            "register_post_accumulate_grad_hook: only leaves collect gradients in `grad`",
            span=tracing.here(),
            hint="use `register_hook` for the gradient of a computed tensor",
        )
    return added(_of_leaf(self).after, hook)


def _of_leaf(tensor: Tensor) -> LeafHooks:
    """The hooks of a leaf, made when the first is registered."""
    hooks: LeafHooks | None = getattr(tensor, "_hooks", None)
    if hooks is None:
        hooks = tensor._hooks = LeafHooks()
    return hooks


def _hooked(tensor: Tensor, name: str) -> Value:
    """The value of a tensor that derivatives flow through; raises for others."""
    if tensor._trace is not None:
        hint = "use `sp.custom_vjp` to change a gradient there"
        raise traced(f"{name} inside a traced function", hint)
    if not tensor.requires_grad or not dtypes.is_differentiable(tensor.dtype):
        raise without_gradient(name)
    return tracing.outside(tensor)
