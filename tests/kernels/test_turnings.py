"""Tensors turned by kernels, with what is computed on the way, equal NumPy's."""

import math

import numpy as np
import pytest

from slopec import dtypes, ir, kernels
from slopec.emit import emit, resolve
from slopec.kernels.kernel import Kernel, call
from tests.kernels.run import ON_X86, TARGETS, run, typed

# Shape and permutation.
CASES = (
    ((64, 32, 3, 3), (2, 3, 1, 0)),
    ((20, 17, 3, 3), (2, 3, 0, 1)),
    ((33, 1, 5), (2, 1, 0)),
    ((3, 7, 40), (2, 0, 1)),
    ((2, 3, 4, 5, 6), (4, 0, 3, 1, 2)),
    ((1, 16, 32, 1), (2, 1, 0, 3)),
)
STAY = (
    ((4, 5, 6), (1, 0, 2)),  # the last dimension stays
    ((5, 1, 6), (1, 0, 2)),  # nothing moves in memory
    ((4, 0, 6), (2, 1, 0)),
)
PARTS = 3


def copying(shape):
    """A kernel, for others to be around."""
    count = math.prod(shape)

    def write(k, x, y):
        with k.loop(0, count) as trip:
            y.store(x.load(trip.index), trip.index)

    flat = ((count,), dtypes.float32)
    return Kernel(f"copying_{count}", (flat,), (flat,), (1, 1, 1), write)


def copied(module, value, before):
    """A value as a kernel leaves it; what else used it uses that."""
    shape, _ = ir.type_of(value)
    (made,) = call(copying(shape), [value], module, before, [shape])
    value.replace_all_uses_except(made, made.owner.operation)


def turned(shape, order):
    return tuple(shape[d] for d in order)


def module_of(cases):
    """A function that turns its arguments for kernels."""
    names = range(len(cases))
    given = ", ".join(f"%x{i}: {typed(cases[i][0])}" for i in names)
    made = [typed(turned(*case)) for case in cases]
    lines = "\n".join(
        f"%y{i} = stablehlo.transpose %x{i}, dims = {list(order)} : ({typed(shape)}) -> {made[i]}"
        for i, (shape, order) in enumerate(cases)
    )
    values = ", ".join(f"%y{i}" for i in names)
    text = f"func.func @main({given}) -> ({', '.join(made)}) {{ {lines} return {values} : {', '.join(made)} }}"
    module = ir.parse(text)
    *moves, end = [op.operation for op in ir.body_of(ir.function(module, "main")).operations]
    for move in moves:
        copied(module, move.results[0], end)
    return module


@ON_X86
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.cpu)
def test_what_is_turned_for_kernels(target):
    module = module_of(CASES)
    assert kernels.place_kernels(module, resolve(target))
    assert "stablehlo.transpose" not in str(module)
    rng = np.random.default_rng(0)
    drawn = [rng.standard_normal(shape, np.float32) for shape, _ in CASES]
    got = run(emit(ir.bytecode(module), target), *drawn)
    for (_, order), x, y in zip(CASES, drawn, got, strict=True):
        np.testing.assert_array_equal(y, x.transpose(order))


def test_what_does_not_turn_stays():
    module = module_of(STAY)
    assert not kernels.place_kernels(module, resolve(TARGETS[1]))
    assert str(module).count("stablehlo.transpose") == len(STAY)


UPDATE = """
func.func @main(%x: PARTS, %m: T, %w: T, %s: tensor<f32>) -> (T, T, SHAPE) {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %sum = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [0] : (PARTS, tensor<f32>) -> SHAPE
  %g = stablehlo.transpose %sum, dims = ORDER : (SHAPE) -> T
  %c = stablehlo.constant dense<0.25> : T
  %sb = stablehlo.broadcast_in_dim %s, dims = [] : (tensor<f32>) -> T
  %mb = stablehlo.optimization_barrier %m : T
  %old = stablehlo.multiply %mb, %c : T
  %new = stablehlo.add %old, %g : T
  %le = stablehlo.compare LE, %new, %c, FLOAT : (T, T) -> TRUTH
  %least = stablehlo.select %le, %c, %new : TRUTH, T
  %step = stablehlo.multiply %least, %sb : T
  %out = stablehlo.subtract %w, %step : T
  %also = ALSO
  return %new, %out, %also : T, T, SHAPE
}
"""
NEGATED = "stablehlo.negate %sum : SHAPE"
OF_RESULT = """stablehlo.transpose %out, dims = BACK : (T) -> SHAPE"""


def update_of(shape, order, also):
    """A function that makes an update of sums of what a kernel wrote."""
    back = [order.index(d) for d in range(len(order))]
    words = {"PARTS": typed((PARTS, *shape)), "ORDER": list(order), "BACK": back}
    after = typed(turned(shape, order))
    words |= {"SHAPE": typed(shape), "TRUTH": after.replace("f32", "i1"), " T": f" {after}"}
    text = UPDATE.replace("ALSO", also).replace("(T", "( T")
    for word, meaning in words.items():
        text = text.replace(word, str(meaning))
    module = ir.parse(text)
    function = ir.function(module, "main")
    first = next(iter(ir.body_of(function).operations)).operation
    copied(module, ir.body_of(function).arguments[0], first)
    return module


@ON_X86
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.cpu)
@pytest.mark.parametrize(("shape", "order"), [CASES[0], CASES[3]], ids=str)
def test_sums_are_turned_with_their_update(target, shape, order):
    module = update_of(shape, order, "stablehlo.constant dense<1.0> : SHAPE")
    assert kernels.place_kernels(module, resolve(target))
    text = str(module)
    assert not any(f"stablehlo.{name} " in text for name in ("transpose", "subtract", "select"))
    rng = np.random.default_rng(0)
    x = rng.standard_normal((PARTS, *shape), np.float32)
    m, w = rng.standard_normal((2, *turned(shape, order)), np.float32)
    new, out, _ = run(emit(ir.bytecode(module), target), x, m, w, np.float32(0.5))
    wanted = m * 0.25 + x.sum(0).transpose(order)
    np.testing.assert_allclose(new, wanted, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(out, w - np.maximum(wanted, 0.25) * 0.5, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("also", [NEGATED, OF_RESULT], ids=["sum", "result"])
def test_sums_and_results_that_others_compute_with_stay(also):
    module = update_of(*CASES[0], also)
    kernels.place_kernels(module, resolve(TARGETS[1]))
    assert "stablehlo.select" in str(module)


COMPUTED = b"""
func.func @main(%x: tensor<300x260xf32>, %y: tensor<260x300xf32>, %z: tensor<20x260x300xf32>)
    -> (tensor<300x260xf32>, tensor<20x300x260xf32>) {
  %0 = stablehlo.transpose %y, dims = [1, 0] : (tensor<260x300xf32>) -> tensor<300x260xf32>
  %1 = stablehlo.multiply %x, %0 : tensor<300x260xf32>
  %2 = stablehlo.subtract %1, %0 : tensor<300x260xf32>
  %3 = stablehlo.transpose %z, dims = [0, 2, 1] : (tensor<20x260x300xf32>) -> tensor<20x300x260xf32>
  %4 = stablehlo.tanh %3 : tensor<20x300x260xf32>
  return %2, %4 : tensor<300x260xf32>, tensor<20x300x260xf32>
}
"""


@ON_X86
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.cpu)
def test_what_is_computed_of_many_turned_numbers_is_computed_on_the_way(target):
    module = ir.parse(COMPUTED)
    assert kernels.place_kernels(module, resolve(target))
    assert "stablehlo" not in str(module)
    rng = np.random.default_rng(0)
    shapes = ((300, 260), (260, 300), (20, 260, 300))
    x, y, z = (rng.standard_normal(shape, np.float32) for shape in shapes)
    one, other = run(emit(COMPUTED, target), x, y, z)
    np.testing.assert_allclose(one, x * y.T - y.T, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(other, np.tanh(z.transpose(0, 2, 1)), rtol=1e-6, atol=1e-6)
