"""Sorts by kernels equal JAX's, of every type, up and down, equals and NaN included."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import export, lax

import slopec as sp
from tests.kernels.run import ON_X86, legal, placed

RNG = np.random.default_rng(0)
SPECIAL = np.array([3, np.nan, -np.inf, 0.0, -0.0, np.inf, -1, -np.nan] * 9)


def rows(dtype, *shape):
    """Numbers with many equals, the least and the largest of their type among them."""
    ends = np.iinfo(dtype) if np.issubdtype(dtype, np.integer) else np.finfo(dtype)
    made = np.abs(RNG.normal(size=shape) * 20).astype(dtype)
    made.flat[::11], made.flat[5::13] = ends.min, ends.max
    return made


def down(x):
    return jnp.argsort(x, descending=True)


def keyed(x):
    """What is sorted by keys, besides places."""
    return lax.sort((x, x * 2, lax.iota("int32", x.shape[0])), num_keys=1)


CASES = (
    (jnp.sort, rows("f4", 3, 700)),
    (jnp.argsort, rows("f4", 1 << 15)),
    (down, rows("f4", 5, 129)),
    (jnp.argsort, SPECIAL.astype("f4")),
    (down, SPECIAL.astype("f8")),
    (jnp.sort, SPECIAL.astype("f4")[:20]),  # compared in pairs
    (jnp.argsort, rows("f8", 4, 100)),
    (lambda x: jnp.sort(x, 0), rows("f8", 70, 3)),
    (jnp.argsort, rows("f2", 2, 90)),
    *((jnp.argsort, rows(f"{kind}{size}", 2, 300)) for kind in "iu" for size in (1, 2, 4, 8)),
    (down, rows("u8", 5, 70)),
    (down, rows("i4", 17, 301)),
    (jnp.argsort, np.full((2, 80), 7, "i4")),
    (jnp.argsort, rows("i4", 2, 400) > 5),
    (keyed, rows("i8", 333)),
    (jnp.median, rows("f4", 513)),
)


@ON_X86
def test_sorted_rows_are_those_of_jax():
    def all_of_them(*xs):
        return [f(x) for x, (f, _) in zip(xs, CASES, strict=True)]

    with jax.enable_x64(True):
        xs = [x for _, x in CASES]
        expected = jax.tree.leaves(jax.jit(all_of_them)(*xs))
        text = export.export(jax.jit(all_of_them))(*xs).mlir_module()
    ours = sp.from_stablehlo(text)
    module = legal(ours, list(map(sp.tensor, xs)))
    assert placed(module).count("::@slopec_order") == len(CASES) - 1
    results = sp.tree.leaves(sp.jit(ours)(*map(sp.tensor, xs)))
    for got, wanted in zip(results, expected, strict=True):
        np.testing.assert_array_equal(got.numpy(), wanted)
