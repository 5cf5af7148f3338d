"""Products of a matrix and a vector, or few rows or columns, by kernels equal NumPy's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export

import slopec as sp
from slopec import dtypes, ir, kernels
from slopec.emit import emit, resolve
from slopec.kernels.hardware import Vectors
from slopec.kernels.matvec import Applied, scheduled
from tests.kernels.run import ON_X86, TARGETS, legal, placed, run

CASES = (
    # left, right, and how einsum spells it
    ((130, 67), (67,), "mk,k->m"),
    ((67, 130), (67,), "km,k->m"),
    ((200,), (200, 77), "k,kn->n"),
    ((1, 90), (301, 90), "mk,nk->mn"),
    ((90, 301), (90, 1), "km,kn->mn"),
    ((70001,), (70001,), "k,k->"),
    ((3, 300000), (300000,), "mk,k->m"),
    ((30000, 20), (30000,), "km,k->m"),
    ((5, 33, 80), (5, 80), "bmk,bk->bm"),
    ((5, 80, 33), (5, 80), "bkm,bk->bm"),
    ((2, 3, 40, 70), (2, 3, 70), "abmk,abk->abm"),
    ((16, 5), (300, 16, 5), "kl,nkl->n"),
    ((2, 700), (700, 600), "mk,kn->mn"),
    ((15, 700), (600, 700), "mk,nk->mn"),
    ((600, 700), (700, 3), "mk,kn->mn"),
    ((2, 700, 300), (2, 700, 5), "bkm,bkn->bmn"),
)


def spelled(shape, element="f32"):
    return f"tensor<{'x'.join(map(str, (*shape, element)))}>"


def dot(i, left, right, spelling):
    """The line of a product."""
    (a, b), result = spelling.partition("->")[0].split(","), spelling.partition("->")[2]
    batch = [c for c in a if c in b and c in result]
    summed = [c for c in a if c in b and c not in result]
    pairs = [f"{[a.index(c) for c in cs]} x {[b.index(c) for c in cs]}" for cs in (batch, summed)]
    dims = f"contracting_dims = {pairs[1]}"
    dims = f"batching_dims = {pairs[0]}, {dims}" if batch else dims
    sizes = dict(zip(a + b, left + right, strict=True))
    shape = tuple(sizes[c] for c in result)
    types = f"({spelled(left)}, {spelled(right)}) -> {spelled(shape)}"
    return f"%y{i} = stablehlo.dot_general %a{i}, %b{i}, {dims} : {types}", spelled(shape)


def module_of(cases):
    lines = [dot(i, *case) for i, case in enumerate(cases)]
    given = ", ".join(
        f"%a{i}: {spelled(a)}, %b{i}: {spelled(b)}" for i, (a, b, _) in enumerate(cases)
    )
    names, types = ", ".join(f"%y{i}" for i in range(len(cases))), ", ".join(t for _, t in lines)
    body = "\n".join(line for line, _ in lines)
    return f"func.func @main({given}) -> ({types}) {{\n{body}\nreturn {names} : {types}\n}}"


@ON_X86
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.cpu)
@pytest.mark.parametrize("element", ["f32", "f64"])
def test_products_with_a_vector(target, element):
    rng = np.random.default_rng(0)
    kind = {"f32": np.float32, "f64": np.float64}[element]
    given = [rng.standard_normal(shape).astype(kind) for a, b, _ in CASES for shape in (a, b)]
    given[0][2, 5], given[0][7, 66] = np.nan, np.inf  # stay in their row
    text = module_of(CASES).replace("f32", element).encode()
    module = ir.parse(text)
    assert kernels.place_kernels(module, resolve(target))
    assert "dot_general" not in str(module)
    results = run(emit(text, target), *given)
    for i, ((a, _, spelling), result) in enumerate(zip(CASES, results, strict=True)):
        wide = [x.astype(np.float64) for x in given[2 * i : 2 * i + 2]]
        scale = np.finfo(kind).eps * 8 * np.sqrt(max(a))
        np.testing.assert_allclose(result, np.einsum(spelling, *wide), rtol=scale, atol=scale * 8)


NARROW = ((130, 67), (67,), "mk,k->m"), ((5, 80, 33), (5, 80), "bkm,bk->bm")


@ON_X86
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.cpu)
def test_narrow_factors_are_widened_where_they_are_read(target):
    def main(*given):
        pairs = zip(NARROW * 2, given[::2], given[1::2], strict=True)
        return [jnp.einsum(s, a, b, preferred_element_type=np.float32) for (_, _, s), a, b in pairs]

    rng = np.random.default_rng(0)
    shapes = [shape for a, b, _ in NARROW for shape in (a, b)]
    given = [
        rng.standard_normal(s).astype(k) for k in (dtypes.bfloat16, np.float16) for s in shapes
    ]
    text = export.export(jax.jit(main))(*given).mlir_module()
    module = sp.from_stablehlo(text).module
    assert "stablehlo.dot_general" not in placed(legal(sp.from_stablehlo(text), given))
    results = run(emit(ir.bytecode(module), target), *given)
    wide = [x.astype(np.float64) for x in given]
    for (_, _, s), a, b, got in zip(NARROW * 2, wide[::2], wide[1::2], results, strict=True):
        np.testing.assert_allclose(got, np.einsum(s, a, b), rtol=1e-4, atol=1e-4)


FOLLOWED = b"""
func.func @main(%w: tensor<301x90xf32>, %x: tensor<1x90xf32>, %b: tensor<301xf32>,
    %y: tensor<1x301xf32>, %q: tensor<90x301xi8>) -> (tensor<1x301xf32>, tensor<1x301xf32>) {
  %0 = stablehlo.dot_general %x, %w, contracting_dims = [1] x [1]
    : (tensor<1x90xf32>, tensor<301x90xf32>) -> tensor<1x301xf32>
  %1 = stablehlo.broadcast_in_dim %b, dims = [1] : (tensor<301xf32>) -> tensor<1x301xf32>
  %2 = stablehlo.add %0, %1 : tensor<1x301xf32>
  %3 = stablehlo.tanh %2 : tensor<1x301xf32>
  %4 = stablehlo.multiply %3, %y : tensor<1x301xf32>
  %5 = stablehlo.convert %q : (tensor<90x301xi8>) -> tensor<90x301xf32>
  %6 = stablehlo.dot_general %x, %5, contracting_dims = [1] x [0]
    : (tensor<1x90xf32>, tensor<90x301xf32>) -> tensor<1x301xf32>
  return %4, %6 : tensor<1x301xf32>, tensor<1x301xf32>
}
"""


@ON_X86
def test_what_follows_is_done_by_the_kernel_and_widened_weights_stay_small():
    module = ir.parse(FOLLOWED)
    assert kernels.place_kernels(module, resolve(TARGETS[0]))
    assert "stablehlo.tanh" not in str(module)
    assert str(module).count("dot_general") == 1
    rng = np.random.default_rng(0)
    shapes = ((301, 90), (1, 90), (301,), (1, 301))
    w, x, b, y = (rng.standard_normal(shape, np.float32) for shape in shapes)
    q = rng.integers(-9, 9, (90, 301)).astype(np.int8)
    got = run(emit(FOLLOWED, TARGETS[0]), w, x, b, y, q)
    np.testing.assert_allclose(got[0], np.tanh(x @ w.T + b) * y, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(got[1], x @ q.astype(np.float32), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("vectors", [Vectors(64, 32), Vectors(32, 16)], ids=str)
@pytest.mark.parametrize("by_rows", [True, False])
def test_parts_cover_the_depth(vectors, by_rows):
    types = dtypes.float32, dtypes.float32
    for batch, results, depth in ((1, 1, 10**6), (1, 4096, 4096), (40, 3, 70), (1, 50, 9)):
        work, cut = scheduled(Applied(batch, results, depth, *types, by_rows), vectors)
        assert (work.parts - 1) * cut.depth < depth <= work.parts * cut.depth
        assert cut.rows <= vectors.registers
