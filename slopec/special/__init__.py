"""Special functions with derivatives of their own, under SciPy's names, at the top of `slopec`.

factorials   Γ, and what is made of its values
incomplete   shares of the gamma and beta distributions, and numbers below which a share lies
bessel       modified Bessel functions
"""

from slopec.special.bessel import i0, i0e, i1
from slopec.special.factorials import beta, comb, factorial, gamma, poch
from slopec.special.incomplete import betainc, gammainc, gammaincc, ndtri

__all__ = [
    "beta",
    "betainc",
    "comb",
    "factorial",
    "gamma",
    "gammainc",
    "gammaincc",
    "i0",
    "i0e",
    "i1",
    "ndtri",
    "poch",
]
