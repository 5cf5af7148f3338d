"""Functions of rows by kernels equal NumPy's, at every width, and are left alone where IREE fuses."""

import numpy as np
import pytest

import slopec as sp
from slopec import ir
from slopec.emit import emit
from slopec.nn import functional
from tests.kernels.run import HOST, TARGETS, legal, placed, run

rng = np.random.default_rng(0)


def array(*shape, dtype=np.float32):
    return rng.standard_normal(shape).astype(dtype)


def variance(x):
    return ((x - x.mean(-1, keepdims=True)) ** 2).mean(-1, keepdims=True)


def exponentials(x):
    return np.exp(x - x.max(-1, keepdims=True))


CASES = {
    "softmax": (
        lambda x: functional.softmax(x),
        lambda x: exponentials(x) / exponentials(x).sum(-1, keepdims=True),
        [array(70, 1000)],
    ),
    "softmax past the caches": (
        lambda x: functional.softmax(x),
        lambda x: exponentials(x) / exponentials(x).sum(-1, keepdims=True),
        [array(3100, 2048)],
    ),
    "log_softmax": (
        lambda x: functional.log_softmax(x, -1),
        lambda x: np.log(exponentials(x) / exponentials(x).sum(-1, keepdims=True)),
        [array(3, 5, 64)],
    ),
    "layer_norm": (
        lambda x, w, b: functional.layer_norm(x, (x.shape[-1],), w, b),
        lambda x, w, b: (x - x.mean(-1, keepdims=True)) / np.sqrt(variance(x) + 1e-5) * w + b,
        [array(9, 130), array(130), array(130)],
    ),
    "rms_norm": (
        lambda x: x * sp.rsqrt((x * x).mean(-1, keepdims=True) + 1e-3),
        lambda x: x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-3),
        [array(2, 77, dtype=np.float64)],
    ),
    "softmax of long odd rows": (
        lambda x: functional.softmax(x, -1),
        lambda x: exponentials(x) / exponentials(x).sum(-1, keepdims=True),
        [array(3, 5, 7001)],
    ),
    "log of a sum, of rows in parts": (
        lambda x: sp.log(sp.exp(x - x.max(-1, keepdims=True)).sum(-1)),
        lambda x: np.log(exponentials(x).sum(-1)),
        [array(17, 8198)],
    ),
    "sums of long rows beside what is not finite": (
        lambda x, s: sp.exp(x - sp.where(s > 0, s, 0.0)[:, None]).sum(-1),
        lambda x, s: np.exp(x - np.where(s > 0, s, 0.0)[:, None]).sum(-1),
        [array(17, 4097), array(17)],
    ),
    "distance to a row": (
        lambda x, c, s: sp.exp(x - c) * (sp.exp(x - c).sum(-1) + s)[:, None],
        lambda x, c, s: np.exp(x - c) * (np.exp(x - c).sum(-1) + s)[:, None],
        [array(65, 65), array(65), array(65)],
    ),
}


def kernels_of(module):
    return placed(module).count("::@slopec_rows")


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.cpu)
def test_rows(target):
    def main(*arguments):
        given = iter(arguments)
        return tuple(f(*(next(given) for _ in a)) for f, _, a in CASES.values())

    arguments = [a for _, _, given in CASES.values() for a in given]
    module = legal(main, arguments)
    assert kernels_of(module) == len(CASES) + 1  # the largest of those in parts
    results = run(emit(ir.bytecode(module), target), *arguments)
    for got, (_, expected, given) in zip(results, CASES.values(), strict=True):
        wanted = expected(*(a.astype("float64") for a in given))
        tolerance = 1e-5 if got.dtype == np.float32 else 1e-12
        np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance)


def test_rows_with_special_numbers():
    x = array(8, 100)
    x[0, 3], x[1, 99], x[2, 0], x[3, :], x[4, 5:50] = np.nan, np.inf, -np.inf, -np.inf, -np.inf
    x[5, :], x[6, 17], x[7, 4] = np.inf, 1e30, -1e30

    def main(x):
        return functional.softmax(x)

    module = legal(main, [x])
    assert kernels_of(module) == 1
    (got,) = run(emit(ir.bytecode(module), HOST), x)
    with np.errstate(all="ignore"):
        wanted = exponentials(x) / exponentials(x).sum(-1, keepdims=True)
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.cpu)
def test_the_largest_is_no_number_if_one_is_not(target):
    x = array(151, 150)
    np.fill_diagonal(x, np.nan)
    x[150, 7], x[150, 8] = np.inf, -np.inf

    def main(x):
        return sp.maximum(x, 0.0) - x.max(-1, keepdims=True), x - x.min(-1, keepdims=True)

    module = legal(main, [x])
    assert kernels_of(module) == 2
    got = run(emit(ir.bytecode(module), target), x)
    with np.errstate(all="ignore"):
        wanted = (np.maximum(x, 0.0) - x.max(-1, keepdims=True), x - x.min(-1, keepdims=True))
    assert np.isnan(wanted[0][:150]).all()
    np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: functional.softmax(x) @ x.T,  # IREE packs what it computes
        lambda x: functional.softmax(sp.where(x > 0, x, 0.0)),
        lambda x: functional.softmax(x[:, :20]),
        lambda x: functional.softmax(x).sum(),
        lambda x: sp.exp(x),
        lambda x: (x.sum(-1), x.max(-1)),
    ],
)
def test_what_is_fused_has_no_kernel(function):
    assert kernels_of(legal(function, [array(6, 128)])) == 0


FOLDS = {
    "max": (lambda x: sp.max(x, axis=-1), lambda x: x.max(-1), array(70, 1023)),
    "mean of squares": (lambda x: (x * x).mean(-1), lambda x: (x * x).mean(-1), array(3, 31, 101)),
    "least": (lambda x: sp.min(sp.exp(x), axis=-1), lambda x: np.exp(x).min(-1), array(2, 20009)),
    "sum": (lambda x: x.sum(-1), lambda x: x.sum(-1), array(9, 77, dtype=np.float64)),
}


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.cpu)
def test_folds_of_rows_that_vectors_do_not_divide(target):
    arguments = [x for _, _, x in FOLDS.values()]
    arguments[0][5, 1022] = np.nan

    def main(*given):
        return tuple(f(x) for (f, _, _), x in zip(FOLDS.values(), given, strict=True))

    module = legal(main, arguments)
    assert kernels_of(module) == len(FOLDS)
    results = run(emit(ir.bytecode(module), target), *arguments)
    for got, (_, expected, x) in zip(results, FOLDS.values(), strict=True):
        tolerance = 1e-5 if got.dtype == np.float32 else 1e-12
        np.testing.assert_allclose(got, expected(x.astype("float64")), rtol=tolerance)
