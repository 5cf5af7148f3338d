"""Folds of dimensions in the middle equal NumPy's, whatever is left of a row beside its vectors."""

import jax.numpy as jnp
import numpy as np

from slopec import ir
from slopec.emit import emit
from tests.kernels.run import ON_X86, TARGETS, legal, of_jax, placed, run

RNG = np.random.default_rng(0)


def array(*shape, dtype="f4"):
    return RNG.standard_normal(shape).astype(dtype)


ODD = array(3, 40, 29)
ODD[0, 7, 3] = np.nan

CASES = (
    (lambda x: x.sum(1), (array(5, 33, 129),)),
    (lambda x: x.mean((1, 2)), (array(2, 7, 9, 67),)),
    (lambda x: x.max(1), (ODD,)),
    (lambda x: x.min(2), (array(2, 3, 11, 5, 7),)),
    (lambda x, y, s: (jnp.exp(x * s) - y).sum(1), (array(4, 9, 18), array(4, 9, 18), array())),
    (lambda x: abs(x).sum(1), (array(6, 70, 300, dtype="f8"),)),
)  # fmt: skip
LEFT = (
    (lambda x: x.sum(1), (array(4, 8, 64),)),  # vectors divide its rows
    (lambda x: x.sum(1), (array(4, 8, 3),)),  # too narrow
)


@ON_X86
def test_middle_folds():
    cases = (*CASES, *LEFT)
    given = [np.asarray(x) for _, inputs in cases for x in inputs]
    ours, expected = of_jax(cases, given, [x.astype("f8") for x in given])
    module = legal(ours, given)
    assert placed(module).count("::@slopec_middle") == len(CASES)
    for target in TARGETS:
        results = run(emit(ir.bytecode(module), target), *given)
        for got, wanted in zip(results, expected, strict=True):
            np.testing.assert_allclose(got, wanted, rtol=2e-5, atol=1e-5)
