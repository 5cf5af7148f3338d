"""Functions that fold, accumulate, order or count along axes, against JAX and NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import slopec as sp
from tests.ops.harness import BFLOAT16, Case, check, integers, normal, positive, same

X = normal(2, 3, 4)
AXES = [None, 0, -1, (0, 2), (-1, 1), ()]
FOLDS = "sum prod mean max min all any count_nonzero var std logsumexp norm ptp".split()
NO_EMPTY_AXES = ("ptp", "norm", "std", "prod")


def fold(name, axis, keepdims, **options):
    """The function over an axis, and the same in JAX."""

    def call(np, x):
        return getattr(np, name)(x, axis=axis, keepdims=keepdims, **options)

    def reference(np, x):
        if name == "logsumexp":
            return jax.scipy.special.logsumexp(x, axis=axis, keepdims=keepdims)
        if name == "norm":
            root = jnp.sqrt(jnp.sum(x * x, axis=axis, keepdims=keepdims))
            return root.astype(x.dtype)
        if name == "mean" and axis == ():
            return x
        return call(np, x)

    return {"call": call, "reference": reference}


FOLD_CASES = tuple(
    [
        Case(f"{name} {axis} {keep}", inputs=(positive(2, 3, 4),), looser=3, **fold(name, axis, keep))
        for name in FOLDS
        for axis in AXES
        for keep in (False, True)
        if not (axis == () and name in NO_EMPTY_AXES)
    ]
    + [
        Case(f"{name} of {dtype}", inputs=(normal(3, 5, dtype=dtype),), **fold(name, 1, False))
        for name in ("sum", "prod", "max", "min", "mean", "any", "count_nonzero")
        for dtype in ("int8", "uint8", "int16", "uint16", "int32", "bool", "float16", BFLOAT16)
        if not (name in ("mean", "prod") and dtype == BFLOAT16)
    ]
    + [
        Case(f"{name} of complex", inputs=(normal(3, 5, dtype="complex64"),), **fold(name, 0, False))
        for name in ("sum", "prod", "mean", "var")
    ]
    + [
        Case(f"{name} of nothing", inputs=(normal(0, 3),), **fold(name, 0, False))
        for name in ("sum", "prod", "all", "any", "count_nonzero", "logsumexp")
    ]
    + [
        Case("var correction", inputs=(X,), **fold("var", 1, False, correction=1)),
        Case("std correction", inputs=(X,), **fold("std", None, False, correction=1)),
        Case("sum dtype", inputs=(integers(5),), **fold("sum", 0, False, dtype="float32")),
        Case("scalar", lambda np, x: (np.sum(x), np.max(x), np.mean(x)), (np.float32(3),)),
        Case("sum of many halves", lambda np, x: (np.sum(x), np.mean(x)),
             (np.full(4096, 1.25, np.float16),)),
    ]
)  # fmt: skip


@pytest.mark.parametrize("case", FOLD_CASES, ids=str)
def test_fold(case):
    check(case, FOLD_CASES)


TIES = np.float32([[1, 3, 3, 2], [5, 5, 5, 5]])
OTHER_CASES = (
    Case("max of ties", lambda np, x: np.max(x, axis=1), (TIES,)),
    Case("min of ties", lambda np, x: np.min(x), (TIES,)),
    Case("max of nan", lambda np, x: np.max(x), (np.float32([1, np.nan, 3]),), gradient=False),
    Case("prod with zero", lambda np, x: np.prod(x, axis=1), (np.float32([[0, 2, 3], [0, 0, 3]]),)),
    Case("logsumexp of infinities", lambda np, x: np.logsumexp(x, axis=1),
         (np.float32([[-np.inf, -np.inf], [0, -np.inf], [500, 500]]),), gradient=False,
         reference=lambda np, x: jax.scipy.special.logsumexp(x, axis=1)),
    Case("norm 1", lambda np, x: np.norm(x, 1, axis=1), (X,), reference=lambda np, x: np.sum(abs(x), 1)),
    Case("norm 3", lambda np, x: np.norm(x, 3, axis=1), (positive(2, 3),), reference=lambda np, x: np.sum(x**3, 1) ** (1 / 3)),
    Case("norm inf", lambda np, x: np.norm(x, np.inf), (X,), reference=lambda np, x: np.max(abs(x))),
    Case("norm 0", lambda np, x: np.norm(x, 0), (TIES - 5,), gradient=False, reference=lambda np, x: np.sum(x != 0).astype(np.float32)),
    Case("norm of integers", lambda np, x: np.norm(x), (integers(5),), reference=lambda np, x: np.sqrt(np.sum(x * 1.0 * x))),
    *(Case(f"{name} {axis}", lambda np, x, name=name, axis=axis: getattr(np, name)(x, axis=axis), (X,))
      for name in ("argmax", "argmin") for axis in (None, 0, 1, -1)),
    *(Case(f"{name} {label}", lambda np, x, name=name: getattr(np, name)(x, axis=0, keepdims=True), (x,))
      for name in ("argmax", "argmin")
      for label, x in (("ties", TIES.T), ("nan", np.float32([1, np.nan, 3, np.nan])), ("int8", integers(7, dtype="int8")), ("bool", normal(6, dtype="bool")))),
    *(Case(f"{name} {axis}", lambda np, x, name=name, axis=axis: getattr(np, name)(x, axis=axis), (positive(2, 7, 3),), looser=3)
      for name in ("cumsum", "cumprod") for axis in (None, 0, 1, -1)),
    Case("cumulative_sum initial", lambda np, x: np.cumulative_sum(x, axis=1, include_initial=True), (X,)),
    Case("cumulative_prod initial", lambda np, x: np.cumulative_prod(x, axis=1, include_initial=True), (X,)),
    Case("cumsum of int8", lambda np, x: np.cumulative_sum(x), (integers(5, dtype="int8"),)),
    Case("cumsum of nothing", lambda np, x: np.cumsum(x), (normal(0),)),
    Case("cumprod with zeros", lambda np, x: np.cumprod(x), (np.float32([2, 0, 3, 0, 4]),)),
    Case("cummax", lambda np, x: np.cummax(x, 1), (normal(2, 9),), reference=lambda np, x: jax.lax.cummax(x, 1)),
    Case("cummin", lambda np, x: np.cummin(x, 1), (normal(2, 9),), reference=lambda np, x: jax.lax.cummin(x, 1)),
    Case("cummax of integers", lambda np, x: np.cummax(x, 0), (integers(9),), reference=lambda np, x: jax.lax.cummax(x, 0)),
    Case("cumlogsumexp", lambda np, x: np.cumlogsumexp(x, 0), (normal(9),), reference=lambda np, x: jax.lax.cumlogsumexp(x, 0)),
    Case("diff", lambda np, x: (np.diff(x), np.diff(x, n=2, axis=1)), (X,)),
    *(Case(f"sort {axis} {down}", lambda np, x, axis=axis, down=down: np.sort(x, axis=axis, descending=down), (X,))
      for axis in (None, 0, 1, -1) for down in (False, True)),
    *(Case(f"argsort {label} {down}", lambda np, x, down=down: np.argsort(x, descending=down, stable=True), (x,))
      for label, x in (("floats", normal(3, 7)), ("ties", integers(3, 9)), ("bytes", integers(9, low=0, dtype="uint8"))) for down in (False, True)),
    Case("sort of bool", lambda np, x: np.sort(x), (normal(7, dtype="bool"),)),
    Case("topk", lambda np, x: np.topk(x, 3), (normal(2, 7),), reference=lambda np, x: jax.lax.top_k(x, 3)),
    Case("topk axis", lambda np, x: np.topk(x, 2, axis=0)[0], (normal(4, 3),), reference=lambda np, x: np.moveaxis(jax.lax.top_k(np.moveaxis(x, 0, -1), 2)[0], -1, 0)),
    Case("median", lambda np, x: (np.median(x), np.median(x, axis=1), np.median(x, axis=(0, 2), keepdims=True)), (X,)),
    Case("median of integers", lambda np, x: np.median(x), (integers(7),)),
    Case("quantile", lambda np, x: (np.quantile(x, 0.3), np.quantile(x, np.asarray(QUANTILES), axis=1)), (X,)),
    Case("quantile keepdims", lambda np, x: np.quantile(x, np.asarray(QUANTILES), axis=(0, 2), keepdims=True), (X,)),
    Case("quantile nan", lambda np, x: np.quantile(x, 0.5, axis=1), (np.float32([[1, np.nan, 2], [1, 3, 2]]),), gradient=False),
    *(Case(f"searchsorted {side}", lambda np, x, y, side=side: np.searchsorted(x, y, side=side), (np.float32([1, 2, 2, 5, 8, 9]), np.float32([[0, 1, 2], [3, 9, 10]]))) for side in ("left", "right")),
    *(Case(f"digitize {right}", lambda np, x, right=right: np.digitize(x, np.asarray(EDGES), right=right), (np.float32([-1, 0, 0.5, 1, 7]),)) for right in (False, True)),
    Case("bincount", lambda np, x: np.bincount(x, length=6), (integers(20, low=0),)),
    Case("bincount weights", lambda np, x, w: np.bincount(x, weights=w, length=6), (integers(20, low=0), normal(20))),
    Case("histogram", lambda np, x: np.histogram(x, 5), (normal(50),), gradient=False, reference=lambda np, x: (np.histogram(x, 5)[0].astype("int32"), np.histogram(x, 5)[1])),
    Case("histogram range", lambda np, x: np.histogram(x, 4, range=(-1.0, 1.0))[1], (normal(50),), gradient=False),
    Case("histogram density", lambda np, x: np.histogram(x, np.asarray(EDGES), density=True), (normal(50),), gradient=False),
    Case("cov", lambda np, x: np.cov(x), (normal(3, 8),), looser=3),
    Case("cov columns", lambda np, x: np.cov(x, rowvar=False), (normal(8, 3),), looser=3),
    Case("corrcoef", lambda np, x: np.corrcoef(x), (normal(3, 8),), gradient=False),
)  # fmt: skip
QUANTILES = np.float32([0.0, 0.25, 0.8, 1.0])
EDGES = np.float32([-1, 0, 1, 2])


@pytest.mark.parametrize("case", OTHER_CASES, ids=str)
def test_other(case):
    check(case, OTHER_CASES)


@pytest.mark.parametrize("size", range(1, 18))
def test_searchsorted_of_every_size_is_as_in_numpy(size):
    ordered = np.sort(integers(size, seed=size))
    wanted = np.arange(-7, 8, dtype=np.int32)

    for side in ("left", "right"):
        found = sp.searchsorted(ordered, wanted, side=side)
        same(found, np.searchsorted(ordered, wanted, side=side).astype(np.int32))


def test_nan_is_sorted_last_and_first_when_descending():
    x = sp.tensor([np.nan, 1.0, np.nan, -np.inf, np.inf])

    np.testing.assert_array_equal(sp.sort(x).numpy(), [-np.inf, 1, np.inf, np.nan, np.nan])
    np.testing.assert_array_equal(
        sp.sort(x, descending=True).numpy(), [np.nan, np.nan, np.inf, 1, -np.inf]
    )
    assert sp.argsort(x).tolist() == [3, 1, 4, 0, 2]


def test_the_least_integer_has_positive_divisors():
    least = np.array([-(2**31), -(2**31), 12], np.int32)
    others = np.array([5, 6, -(2**31)], np.int32)

    assert np.array_equal(sp.gcd(least, others), np.gcd(least, others))


def test_float_power_keeps_every_digit_of_integers():
    odd = np.array([2**31 - 1, 2**53 - 1])

    assert np.array_equal(sp.float_power(-1, odd), [-1.0, -1.0])
    assert sp.float_power(sp.tensor(2), 0.1).item() == 2**0.1


def test_median_of_infinities():
    assert sp.median(sp.tensor([np.inf, np.inf, 1.0])).item() == np.inf


def test_norm_has_a_gradient_at_zero():
    assert sp.grad(sp.norm)(sp.zeros(3)).tolist() == [0, 0, 0]


def test_half_sums_do_not_overflow_on_the_way_to_a_mean():
    x = sp.full((4096,), 60.0, dtype="float16")

    assert sp.mean(x).item() == 60
    assert sp.mean(x).dtype == sp.float16


def test_histogram_counts_both_ends_of_the_last_bin():
    counts, edges = sp.histogram(sp.tensor([0.0, 1.0, 1.0, 2.0, 9.0]), 2, range=(0.0, 2.0))

    assert counts.tolist() == [1, 3]
    assert edges.tolist() == [0, 1, 2]


def test_sets_of_known_values():
    x = sp.tensor([[3, 1], [3, 2]])
    values, indices, inverse, counts = sp.unique_all(x)

    assert values.tolist() == [1, 2, 3]
    assert indices.tolist() == [1, 3, 0]
    assert inverse.tolist() == [[2, 0], [2, 1]]
    assert counts.tolist() == [1, 1, 2]
    assert [i.tolist() for i in sp.nonzero(x > 2)] == [[0, 1], [0, 0]]
