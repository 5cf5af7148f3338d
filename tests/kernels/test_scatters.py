"""Rows and points scattered by kernels equal NumPy's, in order, wherever the indices point."""

import numpy as np
import pytest

import slopec as sp
from slopec import hlo
from slopec.dialects.attributes import ScatterDimensionNumbers
from slopec.kernels.scatter import KINDS
from tests.kernels.run import ON_X86, legal, placed

COMBINED = {
    "add": np.add,
    "multiply": np.multiply,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "second": lambda _, y: y,
}
CASES = (
    # table, width, updates, elements, indices
    ((9,), (), (300,), "float32", "int32"),
    ((9,), (3,), (40,), "int32", "int64"),
    ((70,), (37,), (5, 60), "float32", "int64"),
    ((8, 11), (), (400,), "float64", "int32"),
    ((5, 6), (2, 130), (90,), "float32", "int32"),
    ((1,), (64,), (200,), "int64", "int32"),
)


def scattered(kind, table, width, updates):
    """A function that scatters rows, some of them to places that are not there."""
    count, batch = len(table), len(updates)
    numbers = ScatterDimensionNumbers(
        tuple(range(batch, batch + len(width))),
        tuple(range(count)),
        (),
        (),
        tuple(range(count)),
        batch,
    )

    body = None if kind == "second" else kind

    def f(x, indices, y):
        return hlo.scatter(x, indices, y, numbers, body)

    return f


def given(rng, case):
    table, width, updates, dtype, index = case
    x = rng.integers(-4, 5, (*table, *width)).astype(dtype)
    y = rng.integers(-2, 3, (*updates, *width)).astype(dtype)
    places = [rng.integers(-2, size + 2, updates) for size in table]
    indices = np.stack(places, -1).astype(index)
    indices.flat[0] = np.iinfo(index).min
    return x, indices, y


def expected(kind, x, indices, y, count):
    x, flat = x.copy(), indices.reshape(-1, count)
    for at, row in zip(flat, y.reshape(len(flat), *x.shape[count:]), strict=True):
        if ((at >= 0) & (at < x.shape[:count])).all():
            x[tuple(at)] = COMBINED[kind](x[tuple(at)], row)
    return x


@ON_X86
@pytest.mark.parametrize("kind", KINDS)
def test_rows_and_points_in_order_and_those_outside_dropped(kind):
    rng = np.random.default_rng(0)
    functions = [scattered(kind, *case[:3]) for case in CASES]
    arguments = [given(rng, case) for case in CASES]

    def f(*groups):
        return [one(*group) for one, group in zip(functions, groups, strict=True)]

    text = placed(legal(f, arguments))
    assert text.count("flow.dispatch") == len(CASES)
    for case, group, got in zip(CASES, arguments, sp.jit(f)(*arguments), strict=True):
        np.testing.assert_array_equal(got, expected(kind, *group, len(case[0])))


@ON_X86
def test_what_is_still_needed_is_not_overwritten():
    rng = np.random.default_rng(0)
    x, indices, y = given(rng, CASES[2])
    f = scattered("add", *CASES[2][:3])

    def twice(x, indices, y):
        once = f(x, indices, y)
        return once, f(once, indices, y), x * 2

    first = expected("add", x, indices, y, 1)
    results = (first, expected("add", first, indices, y, 1), x * 2)
    for got, exact in zip(sp.jit(twice)(x, indices, y), results, strict=True):
        np.testing.assert_allclose(got, exact)
