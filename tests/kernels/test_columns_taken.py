"""Columns that a kernel takes by indices are those of JAX, wherever the indices point."""

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
    return jnp.take(x, p, axis=-1, mode="clip")


CASES = (
    (lambda x, p: x[:, p], (array(67, 50), places(70) % 50)),
    (take, (array(5, 31, 40), places(33))),
    (take, (array(90, 31, dtype="i8"), places(9, 7, dtype="i8"))),
    (lambda x, p: take(x, p) * 2, (array(80, 31, dtype="f8"), places(100, 1))),
)
LEFT = (
    (lambda x, p: x[p], (array(50, 128), places(70) % 50)),  # rows
    (take, (array(3, 50), places(3000))),  # few
)


@ON_X86
def test_columns_taken():
    cases = (*CASES, *LEFT)
    given = [x for _, inputs in cases for x in inputs]
    ours, expected = of_jax(cases, given)
    module = legal(ours, given)
    assert placed(module).count("::@slopec_columns") == len(CASES)
    for target in TARGETS:
        results = run(emit(ir.bytecode(module), target), *given)
        for got, wanted in zip(results, expected, strict=True):
            np.testing.assert_array_equal(got, wanted)
