"""Folds of columns by kernels equal NumPy's, whatever is computed with them and whoever wants it."""

import numpy as np
import pytest

import slopec as sp
from slopec import ir
from slopec.emit import emit, resolve
from slopec.kernels import place_kernels
from tests.kernels.run import HOST, TARGETS, legal, placed, run

rng = np.random.default_rng(0)


def array(*shape, dtype=np.float32):
    return rng.standard_normal(shape).astype(dtype)


def batch_norm(x, scale, shift, dy):
    """What batch norm and ReLU make of x, and the gradients of x, scale and shift."""
    axes = tuple(range(x.ndim - 1))
    count = x[..., 0].size
    mean = x.mean(axis=axes)
    centred = x - mean
    variance = (centred * centred).mean(axis=axes) + 1e-5
    inverse = 1 / np.sqrt(variance)
    y = centred * inverse * scale + shift
    dy = np.where(y > 0, dy, 0)
    dshift, dscale = dy.sum(axes), (dy * centred * inverse).sum(axes)
    dx = scale * inverse * (dy - dshift / count - centred * inverse * dscale / count)
    return np.maximum(y, 0), dx, dscale, dshift


def batch_norm_by_slopec(x, scale, shift, dy):
    """The same, derived."""

    def y(x, scale, shift):
        axes = tuple(range(x.ndim - 1))
        mean = sp.mean(x, axis=axes)
        centred = x - mean
        variance = sp.mean(centred * centred, axis=axes) + 1e-5
        return sp.maximum(centred * sp.rsqrt(variance) * scale + shift, 0.0)

    value, back = sp.vjp(y, x, scale, shift)
    return value, *back(dy)


def scaled_rows(np_):
    """Gradients of what is scaled and added to every row, with numbers of the rows in between."""

    def main(x, mean, dy):
        centred = x - mean[:, None]
        return (dy * centred).sum(axis=0), dy.sum(axis=0)

    return main


def mixed(np_):
    """Two kinds of folds of one matrix, chosen elements, and what is computed of the folds."""

    def main(x, y):
        chosen = np_.where(x > y, x * 2.0, abs(y))
        low, high = np_.min(chosen, axis=0), np_.max(x, axis=0)
        return np_.sum(x, axis=0), low, high, (high - low) / (abs(high) + 1.0)

    return main


def chain(np_):
    """Folds that are made of folds, and a matrix that three of them want."""

    def main(x, y, z):
        a = np_.exp(x * 0.1) + y * z
        first = np_.sum(a, axis=0) * 0.001
        b = np_.sum(a * first, axis=0) * 0.001
        return np_.sum((a - b) * y, axis=0), a * b - first

    return main


def kept(np_):
    """A matrix that two kernels want, and before both of them a fold of its rows."""

    def main(x, y, z):
        a = x + y * z
        length = np_.sqrt(np_.sum(a * a, axis=1))
        first = np_.sum(a / length[:, None], axis=0)
        second = np_.sum(a * first, axis=0)
        return length, first, second, np_.sum(a * second, axis=0)

    return main


def both_ways(np_):
    """A vector as numbers of the rows and of the columns."""

    def main(x, y):
        a = y * x[:, None] - x + y
        return a.sum(axis=0), (a * a).sum(axis=0)

    return main


# The function, NumPy's, and the arguments.
CASES = {
    "a few columns": (
        batch_norm_by_slopec,
        batch_norm,
        [array(8, 20, 21, 16), array(16), array(16), array(8, 20, 21, 16)],
    ),
    "many columns": (
        batch_norm_by_slopec,
        batch_norm,
        [array(4, 9, 7, 70), array(70), array(70), array(4, 9, 7, 70)],
    ),
    "an odd number of columns": (
        batch_norm_by_slopec,
        batch_norm,
        [array(1999, 13), array(13), array(13), array(1999, 13)],
    ),
    "float64": (
        batch_norm_by_slopec,
        batch_norm,
        [array(*shape, dtype=np.float64) for shape in ((31, 41, 11), (11,), (11,), (31, 41, 11))],
    ),
    "numbers of rows": (
        scaled_rows(sp),
        scaled_rows(np),
        [array(1030, 200), array(1030), array(1030, 200)],
    ),
    "both ways": (both_ways(sp), both_ways(np), [array(300), array(300, 300)]),
    "mixed folds": (mixed(sp), mixed(np), [array(333, 50), array(333, 50)]),
    "kept for kernels": (kept(sp), kept(np), [array(3000, 24) for _ in range(3)]),
    "a chain": (chain(sp), chain(np), [array(600, 24), array(600, 24), array(600, 24)]),
}


def kernels_of(module):
    return placed(module).count("::@slopec_columns")


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.cpu)
def test_columns(target):
    def main(*arguments):
        given = iter(arguments)
        made = [f(*(next(given) for _ in a)) for f, _, a in CASES.values()]
        return tuple(value for several in made for value in several)

    arguments = [a for _, _, given in CASES.values() for a in given]
    module = legal(main, arguments)
    assert kernels_of(module) >= len(CASES)
    results = iter(run(emit(ir.bytecode(module), target), *arguments))
    for name, (_, expected, given) in CASES.items():
        tolerance = 2e-5 if given[0].dtype == np.float32 else 1e-11
        for wanted in expected(*(a.astype("float64") for a in given)):
            scale = np.abs(wanted).max()
            np.testing.assert_allclose(
                next(results), wanted, rtol=tolerance, atol=tolerance * scale, err_msg=name
            )


def test_columns_with_special_numbers():
    x = array(300, 32)
    x[3, 0], x[4, 1], x[5, 2], x[:, 3] = np.nan, np.inf, -np.inf, -np.inf
    y = array(300, 32)
    module = legal(mixed(sp), [x, y])
    assert kernels_of(module) == 1
    results = run(emit(ir.bytecode(module), HOST), x, y)
    with np.errstate(all="ignore"):
        for got, wanted in zip(results, mixed(np)(x, y), strict=True):
            np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-4)


def test_columns_in_a_loop():
    def main(x):
        def centred(_, y):
            return normalized(y * 2.0)

        return sp.fori_loop(0, 3, centred, x)

    x = array(500, 40)
    module = legal(main, [x])
    assert kernels_of(module)
    (got,) = run(emit(ir.bytecode(module), HOST), x)
    wanted = x.astype("float64")
    for _ in range(3):
        wanted = normalized(wanted * 2.0)
    np.testing.assert_allclose(got, wanted, rtol=2e-5, atol=2e-5)


def normalized(x):
    centred = x - x.mean(0)
    return centred / (centred * centred).mean(0) ** 0.5


# The function, the shapes of its arguments, and its kernels on this machine.
COUNTS = [
    (lambda x: x.sum(0), [(4096, 256)], 0),  # IREE does as well
    (lambda x: (x.sum(0), (x * x).sum(0)), [(4096, 256)], 1),
    (lambda x, y: (x.sum(0), y.sum(0)), [(4096, 256), (4096, 256)], 0),  # nothing in common
    (normalized, [(2048, 256)], 1),  # a workgroup has its columns for itself
    (normalized, [(32768, 4)], 0),  # too narrow for vectors
    (normalized, [(32768, 8)], 3),  # the mean, the variance, and what is made of them
    (lambda x: x.sum(1), [(256, 256)], 0),
    (lambda x: (x.astype("int32").sum(0), x.astype("int32").max(0)), [(256, 256)], 0),
    (lambda x: (x[:8].sum(0), x[:8].max(0)), [(256, 256)], 0),  # too few rows
]


@pytest.mark.parametrize(("function", "shapes", "count"), COUNTS)
def test_how_many_kernels(function, shapes, count):
    assert kernels_of(legal(function, [array(*shape) for shape in shapes])) == count


def test_the_same_program_has_the_same_kernels():
    _, _, arguments = CASES["a few columns"]
    texts = set()
    for _ in range(2):
        module = legal(batch_norm_by_slopec, arguments)
        place_kernels(module, resolve(HOST))
        texts.add(str(module))
    assert len(texts) == 1
