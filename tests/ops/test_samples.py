"""Folds without NaN, functions at samples, whole numbers: values, types and gradients are JAX's."""

import numpy as np
import pytest

import slopec as sp
from slopec.diagnostics import DTypeError, UsageError
from tests.ops.harness import Case, check, integers, normal, positive

X, P = normal(3, 4, 5), positive(3, 4, 5)
NAN = np.where(np.abs(X) > 1, np.nan, X).astype(np.float32)
NOTHING = np.float32([[np.nan, np.nan], [1, np.nan]])
A, B = integers(12), integers(12)[::-1].copy()
RISING = np.cumsum(positive(7)).astype(np.float32)
QUANTILES = np.float32([0.1, 0.6])
ALL = ((None, False), (1, True), ((0, 2), False), (-1, True))

CASES = (
    *(Case(f"{name} {axis}", lambda np, x, name=name, axis=axis, kept=kept: getattr(np, name)(x, axis=axis, keepdims=kept), (NAN,), looser=3)
      for name in ("nansum", "nanmean", "nanvar", "nanstd", "nanmax", "nanmin", "nanmedian") for axis, kept in ALL),
    Case("nanvar correction", lambda np, x: np.nanvar(x, 1, correction=1), (NAN,), reference=lambda np, x: np.nanvar(x, 1, ddof=1), looser=3),
    *(Case(f"nanprod {axis}", lambda np, x, axis=axis: np.nanprod(x, axis=axis), (np.where(NAN == NAN, P, NAN).astype(np.float32),), looser=5) for axis in (0, -1)),
    *(Case(f"{name} {axis}", lambda np, x, name=name, axis=axis: getattr(np, name)(x, axis=axis), (NAN,), looser=3)
      for name in ("nancumsum", "nancumprod") for axis in (None, 1)),
    *(Case(f"{name} {axis}", lambda np, x, name=name, axis=axis: getattr(np, name)(x, axis=axis), (NAN,))
      for name in ("nanargmax", "nanargmin") for axis in (None, 0, -1)),
    Case("folds of nothing", lambda np, x: (np.nansum(x, axis=1), np.nanmean(x, axis=1), np.nanmax(x, axis=1), np.nanmin(x, axis=1), np.nanmedian(x, axis=1)), (NOTHING,), gradient=False),
    Case("folds of integers", lambda np, x: (np.nansum(x), np.nanmax(x, axis=0), np.nanmean(x)), (A,)),
    *(Case(f"nanquantile {axis}", lambda np, x, axis=axis: np.nanquantile(x, np.asarray(QUANTILES), axis=axis, keepdims=True), (NAN,)) for axis in (None, 1, (0, 2))),
    *(Case(f"percentile {how}", lambda np, x, how=how: (np.percentile(x, 37.0, axis=1, method=how), np.nanpercentile(x, 61.0, axis=0, method=how)), (X,)) for how in ("linear", "lower", "higher", "midpoint", "nearest")),
    Case("average", lambda np, x, w: (np.average(x), np.average(x, axis=1), np.average(x, weights=w), np.average(x, axis=2, weights=w, keepdims=True)), (X, P), looser=3),
    Case("average along", lambda np, x, w: np.average(x, axis=1, weights=w), (X, positive(4)), looser=3),
    Case("interp", lambda np, x, p, f: np.interp(x, p, f), (normal(9) * 3, RISING, normal(7)), looser=10),
    Case("interp ends", lambda np, x, p, f: np.interp(x, p, f, left=-1.0, right=5.0), (normal(9) * 9, RISING, normal(7)), looser=10),
    Case("gradient", lambda np, x: np.gradient(x), (X,), looser=2),
    Case("gradient of some", lambda np, x: (np.gradient(x, 2.0, axis=1), *np.gradient(x, 0.5, 3.0, axis=(0, 2))), (X,), looser=2),
    *(Case(f"convolve {mode} {n}", lambda np, x, y, mode=mode: np.convolve(x, y, mode=mode), (normal(m), normal(n)), looser=3)
      for mode in ("full", "same", "valid") for m, n in ((7, 3), (3, 7), (6, 4), (4, 4))),
    *(Case(f"correlate {mode} {n}", lambda np, x, y, mode=mode: np.correlate(x, y, mode=mode), (normal(m), normal(n)), looser=3)
      for mode in ("full", "same", "valid") for m, n in ((7, 3), (3, 7), (6, 4), (4, 7), (4, 4))),
    Case("correlate complex", lambda np, x, y: np.correlate(x, y, mode="full"), (normal(5, dtype="complex64"), normal(3, dtype="complex64"))),
    *(Case(f"{name} {dtype}", lambda np, x, y, name=name: getattr(np, name)(x, y), (A.astype(dtype), B.astype(dtype)))
      for name in ("gcd", "lcm") for dtype in ("int32", "int8", "uint16")),
    Case("gcd broadcasts", lambda np, x, y: np.gcd(x[:, None], y), (A, B)),
    Case("modf", lambda np, x: np.modf(x), (5 * X,)),
    Case("frexp", lambda np, x: np.frexp(x), (np.float32([0, 1, -1, 0.75, 3e38, 1e-30, 0.49999997, np.inf, 7]),), gradient=False),
    Case("array_equal", lambda np, x, y: (np.array_equal(x, x), np.array_equal(x, y), np.array_equal(y, y, equal_nan=True), np.array_equal(x, x[0])), (X, NAN), gradient=False),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_against_jax(case):
    check(case, CASES)


def test_the_derivative_of_a_mantissa():
    slope = sp.grad(lambda x: (sp.frexp(x)[0] * sp.tensor([1.0, 2.0])).sum())

    assert slope(sp.tensor([8.0, -0.75])).tolist() == [0.0625, 2.0]


def test_refusals():
    with pytest.raises(DTypeError, match="expected integers"):
        sp.gcd(sp.ones(2), 2)
    with pytest.raises(UsageError, match="at least 2"):
        sp.gradient(sp.ones((1,)))
    with pytest.raises(UsageError, match="full, same, valid"):
        sp.convolve(sp.ones(2), sp.ones(3), "none")
    with pytest.raises(UsageError, match="weights of shape"):
        sp.average(X, axis=(0, 1), weights=np.ones(3))
    with pytest.raises(UsageError, match="known are linear"):
        sp.quantile(X, 0.5, method="inverted_cdf")
