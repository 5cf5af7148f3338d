"""Whether results are right: beside JAX's, as far as rounding may take them."""

from collections.abc import Sequence

import ml_dtypes
import numpy as np

Arrays = Sequence[np.ndarray]
COARSEST = {"bfloat16": 2.0**-8, "float16": 2.0**-11}


def problem(
    got: Arrays, expected: Arrays, wider: Arrays | None = None, coarse: float = 2.0**-24
) -> str | None:
    """What is wrong with results, None if nothing.

    Floats may be off by some hundred roundings of `coarse`, the unit roundoff of the program's
    narrowest type, and ten times as far as `expected` is from the results in double precision.
    """
    for place, (x, y) in enumerate(zip(got, expected, strict=True)):
        if x.dtype != y.dtype or x.shape != y.shape:
            return f"result {place} is {x.dtype}{list(x.shape)} instead of {y.dtype}{list(y.shape)}"
        exact = None if wider is None else wider[place]
        said = _difference(x, y, exact, coarse)
        if said is not None:
            return f"result {place} of {x.dtype}{list(x.shape)}: {said}"
    return None


def _difference(
    x: np.ndarray, y: np.ndarray, exact: np.ndarray | None, coarse: float
) -> str | None:
    if x.dtype.kind in "biu":
        off = x != y
        if exact is not None:
            # Where double precision has another number too, rounding decides which.
            off &= exact == y
        return _told(x, y, off) if off.sum() > 0.02 * off.size * (exact is not None) else None
    a, b = (_wide(v) for v in (x, y))
    eps = max(float(ml_dtypes.finfo(np.zeros(0, x.dtype).real.dtype).eps) / 2, coarse)
    finite = np.isfinite(b)
    scale = float(np.abs(b[finite]).max(initial=0.0)) + 1e-3
    allowed = np.full(b.shape, 300 * eps * scale)
    if exact is not None:
        spread = np.abs(_wide(exact) - b)
        allowed = allowed + 10 * float(spread[np.isfinite(spread)].max(initial=0.0))
    with np.errstate(all="ignore"):
        off = np.where(finite & np.isfinite(a), np.abs(a - b) > allowed, ~_same(a, b))
    if exact is not None:
        off &= np.isfinite(_wide(exact)) == finite
    return _told(x, y, off)


def _same(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    both = np.isnan(a) & np.isnan(b)
    return both | (a == b) | (~np.isfinite(a) & ~np.isfinite(b) & (a.dtype.kind == "c"))


def _wide(x: np.ndarray) -> np.ndarray:
    return x.astype(np.complex128 if x.dtype.kind == "c" else np.float64)


def _told(x: np.ndarray, y: np.ndarray, off: np.ndarray) -> str | None:
    if not off.any():
        return None
    first = tuple(int(i) for i in np.argwhere(off)[0])
    return f"{int(off.sum())} of {off.size} differ, first at {list(first)}: {x[first]} instead of {y[first]}"
