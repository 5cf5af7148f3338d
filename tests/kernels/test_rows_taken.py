"""Rows that a kernel takes by indices are those of JAX, wherever the indices point."""

import jax.numpy as jnp
import numpy as np

from slopec import ir
from slopec.emit import emit
from tests.kernels.run import ON_X86, TARGETS, legal, of_jax, placed, run

RNG = np.random.default_rng(0)


def array(*shape, dtype="f4"):
    return (100 * RNG.standard_normal(shape)).astype(dtype)


def places(*shape, dtype="i4"):
    return RNG.integers(-60, 60, shape).astype(dtype)  # some of them outside


def take(x, p):
    return jnp.take(x, p, axis=0, mode="clip")


CASES = (
    (take, (array(50, 128), places(70))),
    (lambda x, p: x[p] * 2, (array(31, 3, 7, dtype="f8"), places(9, 33, dtype="i8"))),
    (lambda x, p, q: x[p, q] + 1, (array(40, 50, 3), places(2000), places(2000))),
    (lambda x, p, q: x[p, q], (array(5, 9), places(70, 70), places(70, 70))),
    (take, (array(50, 1, dtype="i8"), places(5000))),
    (take, (array(3, 5000, dtype="i4"), places(2))),
)
LEFT = (
    (lambda x, p: x[:, p], (array(67, 50), places(70) % 50)),  # columns
    (take, (array(50, 3), places(100))),  # few
    (lambda x, p, q: x[p, :, q], (array(40, 3, 50), places(2000), places(2000))),  # not the first
)


@ON_X86
def test_rows_taken():
    cases = (*CASES, *LEFT)
    given = [x for _, inputs in cases for x in inputs]
    ours, expected = of_jax(cases, given)
    module = legal(ours, given)
    assert placed(module).count("::@slopec_rows") == len(CASES)
    for target in TARGETS:
        results = run(emit(ir.bytecode(module), target), *given)
        for got, wanted in zip(results, expected, strict=True):
            np.testing.assert_array_equal(got, wanted)
