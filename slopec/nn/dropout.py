"""Dropout as modules: active while training, with keys from the caller or the current stream."""

from typing import Any

from slopec.nn import functional
from slopec.nn.module import Module
from slopec.tensor import Tensor


class Dropout(Module):
    """Zero elements with probability `p` while training, and scale the others by 1 / (1 − p).

    Keys come from the current stream unless one is given: within a traced step open one with
    `sp.random.stream(key)`.

    >>> import slopec as sp
    >>> drop = sp.nn.Dropout(0.5)
    >>> print(drop(sp.ones(4), key=sp.random.key(0)), drop.eval()(sp.ones(4)))
    tensor([0. 0. 2. 2.], float32[4], cpu) tensor([1. 1. 1. 1.], float32[4], cpu)
    """

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        """Remember the probability; `inplace` changes nothing."""
        self.p = p

    def forward(self, x: Tensor, *, key: Any = None) -> Tensor:
        """The same shape."""
        return functional.dropout(x, self.p, self.training, key=key)

    def extra_repr(self) -> str:
        """The constructor's argument."""
        return f"p={self.p}"


class Dropout1d(Dropout):
    """Dropout of whole channels of (N, C, …)."""

    def forward(self, x: Tensor, *, key: Any = None) -> Tensor:
        """The same shape."""
        return functional.feature_dropout(x, self.p, self.training, key=key)


class Dropout2d(Dropout1d):
    """Dropout of whole channels of (N, C, H, W)."""


class Dropout3d(Dropout1d):
    """Dropout of whole channels of (N, C, D, H, W)."""


class FeatureAlphaDropout(Dropout):
    """`AlphaDropout` of whole channels of (N, C, …)."""

    def forward(self, x: Tensor, *, key: Any = None) -> Tensor:
        """The same shape."""
        return functional.feature_alpha_dropout(x, self.p, self.training, key=key)


class AlphaDropout(Dropout):
    """Dropout that keeps mean and variance after `SELU`."""

    def forward(self, x: Tensor, *, key: Any = None) -> Tensor:
        """The same shape."""
        return functional.alpha_dropout(x, self.p, self.training, key=key)
