"""What kernels take by indices, rows and columns, is that of JAX, wherever the indices point."""

import jax.numpy as jnp
import numpy as np
import pytest

from slopec import ir
from slopec.emit import emit
from tests.kernels.run import ON_X86, TARGETS, legal, of_jax, placed, run

RNG = np.random.default_rng(0)


def array(*shape, dtype="f4"):
    return (100 * RNG.standard_normal(shape)).astype(dtype)


def places(*shape, dtype="i4"):
    return RNG.integers(-60, 60, shape).astype(dtype)  # some of them outside


def row(x, p):
    return jnp.take(x, p, axis=0, mode="clip")


def column(x, p):
    return jnp.take(x, p, axis=-1, mode="clip")


COLUMNS = (
    (lambda x, p: x[:, p], (array(67, 50), places(70) % 50)),
    (column, (array(5, 31, 40), places(33))),
    (column, (array(90, 31, dtype="i8"), places(9, 7, dtype="i8"))),
    (lambda x, p: column(x, p) * 2, (array(80, 31, dtype="f8"), places(100, 1))),
)
ROWS = (
    (lambda x, p: x[p], (array(50, 128), places(70) % 50)),
    (row, (array(50, 128), places(70))),
    (lambda x, p: x[p] * 2, (array(31, 3, 7, dtype="f8"), places(9, 33, dtype="i8"))),
    (lambda x, p, q: x[p, q] + 1, (array(40, 50, 3), places(2000), places(2000))),
    (lambda x, p, q: x[p, q], (array(5, 9), places(70, 70), places(70, 70))),
    (row, (array(50, 1, dtype="i8"), places(5000))),
    (row, (array(3, 5000, dtype="i4"), places(2))),
)
LEFT = (
    (column, (array(3, 50), places(3000))),  # few rows
    (row, (array(50, 3), places(100))),  # few
    (lambda x, p, q: x[p, :, q], (array(40, 3, 50), places(2000), places(2000))),  # not the first
)


@ON_X86
@pytest.mark.parametrize(("kind", "cases"), [("columns", COLUMNS), ("rows", ROWS), ("", ())])
def test_taken(kind, cases):
    cases = cases or LEFT
    given = [x for _, inputs in cases for x in inputs]
    ours, expected = of_jax(cases, given)
    module = legal(ours, given)
    taken = placed(module)
    for name in ("columns", "rows"):
        assert taken.count(f"::@slopec_{name}") == (len(cases) if name == kind else 0)
    for target in TARGETS:
        results = run(emit(ir.bytecode(module), target), *given)
        for got, wanted in zip(results, expected, strict=True):
            np.testing.assert_array_equal(got, wanted)
