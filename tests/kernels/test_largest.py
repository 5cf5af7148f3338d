"""The largest of rows by kernels: JAX's values and places, of every type, equals and NaN included."""

import jax
import numpy as np
from jax import export, lax

import slopec as sp
from tests.kernels.run import ON_X86, legal, placed

RNG = np.random.default_rng(0)
SPECIAL = np.array([3, np.nan, -np.inf, 0.0, -0.0, np.inf, -1, -np.nan] * 9)


def rows(dtype, *shape):
    """Numbers with many equals, the least and the largest of their type among them."""
    ends = np.iinfo(dtype) if np.issubdtype(dtype, np.integer) else np.finfo(dtype)
    made = (RNG.normal(size=shape) * 20).astype(dtype)
    made.flat[::11], made.flat[5::13] = ends.min, ends.max
    return made


CASES = (
    (rows("f4", 3, 700), 5),
    (rows("f4", 2, 3, 517), 64),
    (rows("f8", 4, 100), 1),
    (rows("i4", 5, 333), 9),
    (rows("i8", 2, 40), 40),
    (np.sort(rows("f4", 1, 900)), 33),
    (rows("f4", 2, 600), 257),
    (SPECIAL.astype("f4"), 72),
    (np.zeros((2, 50), "f4"), 17),
    (rows("i2", 2, 90), 8),
)


@ON_X86
def test_the_largest_are_those_of_jax():
    def all_of_them(*xs):
        return [lax.top_k(x, k) for x, (_, k) in zip(xs, CASES, strict=True)]

    with jax.enable_x64(True):
        xs = [x for x, _ in CASES]
        expected = jax.tree.leaves(jax.jit(all_of_them)(*xs))
        text = export.export(jax.jit(all_of_them))(*xs).mlir_module()
    ours = sp.from_stablehlo(text)
    module = legal(ours, list(map(sp.tensor, xs)))
    text = placed(module)
    assert text.count("::@slopec_largest") == len(CASES) - 2  # too many, too narrow
    assert text.count("::@slopec_order") == 1
    for got, wanted in zip(sp.jit(ours)(*map(sp.tensor, xs)), expected, strict=True):
        np.testing.assert_array_equal(got.numpy(), wanted)
        np.testing.assert_array_equal(np.signbit(got.numpy()), np.signbit(wanted))
