"""Functions that run before or after a module's `forward` and replace what goes in or comes out.

They are constants of the module: a jitted function compiles once for each set of them, and a hook
that is called within a trace sees traced tensors.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, eq=False)
class Hook:
    """A function that runs `before` or after `forward`; `with_kwargs` passes it keywords too."""

    function: Callable[..., Any]
    before: bool
    with_kwargs: bool


class Handle:
    """What `register_forward_hook` gives: `remove()` undoes it, and so does the end of a `with`."""

    def __init__(self, module: Any, hook: Hook) -> None:
        """The handle of a hook that the module has."""
        self._module, self._hook = module, hook

    def remove(self) -> None:
        """Take the hook off; once is enough."""
        self._module._hooks = tuple(h for h in self._module._hooks if h is not self._hook)

    def __enter__(self) -> "Handle":
        """The handle itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the hook."""
        self.remove()


def add(module: Any, hook: Hook, prepend: bool) -> Handle:
    """Put a hook on a module, behind those that it has or, with `prepend`, before them."""
    module._hooks = (hook, *module._hooks) if prepend else (*module._hooks, hook)
    return Handle(module, hook)


def run(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`module.forward` between its hooks; what one returns, if not None, takes its place."""
    for hook in module._hooks:
        if hook.before:
            args, kwargs = _given(hook, module, args, kwargs)
    output = module.forward(*args, **kwargs)
    for hook in module._hooks:
        if not hook.before:
            known = (args, kwargs) if hook.with_kwargs else (args,)
            new = hook.function(module, *known, output)
            output = output if new is None else new
    return output


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
