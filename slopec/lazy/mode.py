"""Whether what is recorded keeps the history that `backward` needs: `no_grad`, `enable_grad`."""

from contextlib import ContextDecorator
from contextvars import ContextVar, Token
from typing import Any

_enabled: ContextVar[bool] = ContextVar("slopec_gradients", default=True)


def records_gradients() -> bool:
    """Whether ops on tensors that require gradients are recorded for `backward`."""
    return _enabled.get()


class _Mode(ContextDecorator):
    """A state of recording, for the length of a `with` block or of a decorated function's call."""

    def __init__(self, enabled: bool) -> None:
        """The state to be in."""
        self.enabled = enabled
        self._tokens: list[Token[bool]] = []

    def _recreate_cm(self) -> "_Mode":
        return _Mode(self.enabled)  # calls of a decorated function may overlap in threads

    def __enter__(self) -> None:
        """Enter the state."""
        self._tokens.append(_enabled.set(self.enabled))

    def __exit__(self, *raised: object) -> None:
        """Return to the state before."""
        _enabled.reset(self._tokens.pop())


def no_grad(function: Any = None) -> Any:
    """Record no history for `backward`: `with no_grad():`, or a decorator.

    Results do not require gradients, so what made them is freed as soon as they are evaluated.

    >>> import slopec as sp
    >>> w = sp.tensor([1.0, 2.0], requires_grad=True)
    >>> with sp.no_grad():
    ...     y = w * 2.0
    >>> y.requires_grad
    False
    """
    return _Mode(False) if function is None else _Mode(False)(function)


def enable_grad(function: Any = None) -> Any:
    """Record history for `backward` again, within `no_grad`: `with enable_grad():`, or a decorator.

    >>> import slopec as sp
    >>> w = sp.tensor([1.0, 2.0], requires_grad=True)
    >>> with sp.no_grad(), sp.enable_grad():
    ...     y = w * 2.0
    >>> y.requires_grad
    True
    """
    return _Mode(True) if function is None else _Mode(True)(function)


def is_grad_enabled() -> bool:
    """Whether history is recorded here.

    >>> import slopec as sp
    >>> with sp.no_grad():
    ...     print(sp.is_grad_enabled())
    False
    """
    return _enabled.get()
