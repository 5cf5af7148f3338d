"""Functions of probabilities and of Γ that statistics are written in, made of others."""

import math

from slopec import hlo
from slopec.ops.common import ArrayLike, bad_argument, floating, refuse_complex
from slopec.ops.logic import where
from slopec.ops.powers import xlogy
from slopec.ops.unary import erfc, lgamma
from slopec.tensor import Tensor

__all__ = ["betaln", "entr", "multigammaln", "ndtr", "rel_entr"]


def entr(x: ArrayLike, /) -> Tensor:
    """−x log x: what a probability adds to the entropy; 0 at 0, −∞ below.

    >>> import slopec as sp
    >>> print(sp.entr(sp.tensor([0.0, 0.5, 1.0])).round(decimals=4))
    tensor([0.     0.3466 0.    ], float32[3], cpu)
    """
    x = _real("entr", x)
    positive = hlo.compare(x, hlo.zeros_like(x), "GT")
    inside = 0.0 - xlogy(where(positive, x, 1.0), where(positive, x, 1.0))
    return where(positive, inside, where(hlo.compare(x, hlo.zeros_like(x), "LT"), -math.inf, 0 * x))


def rel_entr(p: ArrayLike, q: ArrayLike, /) -> Tensor:
    """p log(p / q), the terms of Kullback and Leibler's divergence; 0 where p is 0 and q ≥ 0.

    ∞ where p or q is negative, or q alone is 0.

    >>> import slopec as sp
    >>> print(sp.rel_entr(sp.tensor([0.0, 0.5]), sp.tensor([0.5, 0.25])).round(decimals=4))
    tensor([0.     0.3466], float32[2], cpu)
    """
    p, q = _real("rel_entr", p), _real("rel_entr", q)
    inside = (p > 0) & (q > 0)
    left, right = where(inside, p, 1.0), where(inside, q, 1.0)
    none = (p == 0) & (q >= 0)
    return where(inside, xlogy(left, left / right), where(none, 0.0, math.inf))


def ndtr(x: ArrayLike, /) -> Tensor:
    """The normal distribution's share below x: ½ erfc(−x / √2).

    >>> import slopec as sp
    >>> print(sp.ndtr(sp.tensor([0.0, 1.0])).round(decimals=4))
    tensor([0.5    0.8413], float32[2], cpu)
    """
    x = _real("ndtr", x)
    return 0.5 * erfc(x * -math.sqrt(0.5))


def betaln(a: ArrayLike, b: ArrayLike, /) -> Tensor:
    """log |Γ(a) Γ(b) / Γ(a + b)|.

    >>> import slopec as sp
    >>> print(sp.betaln(2.0, 3.0).round(decimals=4))
    tensor(-2.4849, float32[], cpu)
    """
    a, b = _real("betaln", a), _real("betaln", b)
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def multigammaln(x: ArrayLike, /, d: int) -> Tensor:
    """d(d − 1)/4 log π + Σ log Γ(x − i/2), i from 0 to d − 1; real where x > (d − 1)/2.

    >>> import slopec as sp
    >>> print(sp.multigammaln(3.0, 2).round(decimals=4))
    tensor(1.5502, float32[], cpu)
    """
    if isinstance(d, bool) or not hasattr(d, "__index__") or d < 1:
        raise bad_argument(f"multigammaln: the dimension is at least 1, got {d!r}")
    x = _real("multigammaln", x)
    total = lgamma(x) + d * (d - 1) / 4 * math.log(math.pi)
    for i in range(1, d):
        total = total + lgamma(x - i / 2)
    return total


def _real(name: str, x: ArrayLike) -> Tensor:
    given = floating(name, x)
    refuse_complex(name, given)
    return given
