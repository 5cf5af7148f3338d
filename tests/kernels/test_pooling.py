"""Pools by kernels are JAX's, bit for bit but for the order of sums, and none is left to IREE."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

import slopec as sp
from slopec import ir
from slopec.build import LEGALIZE
from tests.kernels.run import ON_X86, legal, of_jax, placed

RNG = np.random.default_rng(0)
BY_HAND = LEGALIZE.replace("separate-windows", "separate-windows{hand-written}")
STARTS = {lax.max: -np.inf, lax.min: np.inf, lax.add: 0.0}


def draw(*shape, dtype=np.float32, strange=False):
    x = RNG.standard_normal(shape).astype(dtype)
    if strange:
        places = RNG.integers(0, x.size, 60)
        x.flat[places] = RNG.choice([np.nan, np.inf, -np.inf, 0.0, -0.0], 60)
    return x


def pool(fold, window, strides, padding, dilation=None, then=lambda y: y):
    def f(x):
        made = lax.reduce_window(
            x, x.dtype.type(STARTS[fold]), fold, window, strides, padding, None, dilation
        )
        return then(made)

    return f


IMAGE = draw(2, 13, 15, 24, strange=True)
CLEAN = draw(2, 13, 15, 24)  # XLA loses what is no number where windows begin inside
CASES = (
    (pool(lax.max, (1, 3, 3, 1), (1, 2, 2, 1), "SAME"), (IMAGE,)),
    (pool(lax.max, (1, 3, 3, 1), (1, 1, 1, 1), "VALID"), (IMAGE,)),
    (pool(lax.min, (1, 2, 4, 1), (1, 2, 3, 1), [(0, 0), (1, 0), (2, 3), (0, 0)]), (IMAGE,)),
    (pool(lax.max, (1, 3, 2, 1), (1, 1, 2, 1), "VALID", (1, 2, 3, 1)), (IMAGE,)),
    (pool(lax.max, (1, 2, 2, 1), (1, 2, 2, 1), [(0, 0), (-1, -2), (0, -3), (0, 0)]), (CLEAN,)),
    (
        pool(lax.add, (1, 3, 3, 1), (1, 1, 1, 1), "SAME", None, lambda y: y / 9),
        (draw(1, 7, 9, 37),),
    ),
    (pool(lax.add, (1, 3, 1), (1, 2, 1), "SAME", None, jnp.tanh), (draw(3, 40, 9),)),
    (pool(lax.max, (2, 1, 1), (2, 1, 1), "VALID"), (draw(40, 3, 9, dtype=np.float64),)),
)


@ON_X86
def test_pools_are_jax_s():
    given = [x for _, inputs in CASES for x in inputs]
    ours, exact = of_jax(CASES, given)
    results = sp.jit(ours)(*given)
    for got, want in zip(jax.tree.leaves(results), jax.tree.leaves(exact), strict=True):
        np.testing.assert_allclose(got, want, rtol=2e-6, atol=1e-6)


@ON_X86
def test_several_alike_are_kernels():
    def f(x):
        again = pool(lax.max, (1, 3, 3, 1), (1, 1, 1, 1), "SAME")
        return again(again(x)) * 2

    ours, _ = of_jax([(f, (IMAGE,))], (IMAGE,))
    text = placed(legal(ours, (sp.tensor(IMAGE),), BY_HAND))
    assert text.count("flow.dispatch @") == 2
    assert not list(ir.ops_in(ir.parse(text), "stablehlo.reduce_window", "stablehlo.multiply"))
