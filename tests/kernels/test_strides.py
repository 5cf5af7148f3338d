"""Slices with strides, and stacks of numbers, by kernels: what NumPy makes, of every width."""

import jax.numpy as jnp
import numpy as np

from slopec import ir
from slopec.emit import emit
from tests.kernels.run import ON_X86, TARGETS, legal, of_jax, placed, run

RNG = np.random.default_rng(0)


def array(*shape, dtype="f4"):
    return (100 * RNG.standard_normal(shape)).astype(dtype)


def stack(*xs):
    return jnp.stack(xs, -1)


CASES = (
    (lambda x: x[:, ::2], (array(33, 129),)),
    (lambda x: x[:, 1::2], (array(64, 128),)),
    (lambda x: x[1::2, :, 2:51:3], (array(7, 9, 53),)),
    (lambda x: x[::-1, ::5], (array(64, 90),)),
    (lambda x: x[..., ::8], (array(200, 6 * 8 + 1),)),
    (lambda x: x[::7], (array(7169, dtype="i4"),)),
    (lambda x: x[:, ::4], (array(40, 129, dtype="f8"),)),
    (lambda x: x[:, ::3], (array(40, 100, dtype="i8"),)),
    (stack, (array(31, 37), array(31, 37))),
    (stack, tuple(array(1025) for _ in range(3))),
    (stack, tuple(array(5, 300, dtype="i8") for _ in range(4))),
    (lambda x: stack(x[..., 1::2], -x[..., ::2]).reshape(x.shape), (array(4, 9, 64),)),
)
LEFT = (
    (lambda x: x[:, ::2], (array(300, 7),)),  # too narrow
    (lambda x: x[:, ::9], (array(40, 900),)),  # too far apart
    (lambda x: x[::2], (array(64, 64),)),  # whole rows
    (lambda x, y: jnp.concatenate([x, y], -1), (array(90, 2), array(90, 2))),
)


@ON_X86
def test_strides():
    cases = (*CASES, *LEFT)
    given = [x for _, inputs in cases for x in inputs]
    ours, expected = of_jax(cases, given)
    module = legal(ours, given)
    text = placed(module)
    assert text.count("::@slopec_slice") == 10
    assert text.count("::@slopec_stack") == 4
    for target in TARGETS:
        results = run(emit(ir.bytecode(module), target), *given)
        for got, wanted in zip(results, expected, strict=True):
            np.testing.assert_array_equal(got, wanted)
