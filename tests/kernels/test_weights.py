"""What kernels take of a program's constants is in the module as they take it."""

import re

import jax
import numpy as np
import pytest

import slopec as sp
from slopec import ir, kernels
from slopec.emit import emit, resolve
from tests.kernels.run import ON_X86, TARGETS, legal, of_jax, placed, run, typed

RNG = np.random.default_rng(0)
BY_ROWS = RNG.standard_normal((48, 72), np.float32)
BY_COLUMNS = RNG.standard_normal((8, 9, 48), np.float32)
OF_ONE_PLACE = RNG.standard_normal((1, 1, 96, 24), np.float32)
WINDOWS = RNG.standard_normal((32, 16, 3, 3), np.float32)


def constant(array):
    return f'stablehlo.constant dense<"0x{array.tobytes().hex()}"> : {typed(array.shape)}'


TEXT = f"""
func.func @main(%x: tensor<24x48xf32>, %y: tensor<2x9x9x16xf32>, %z: tensor<1x1x1x96xf32>)
    -> (tensor<24x72xf32>, tensor<24x72xf32>, tensor<2x7x7x32xf32>, tensor<1x1x1x24xf32>) {{
  %a = {constant(BY_ROWS)}
  %0 = stablehlo.dot_general %x, %a, contracting_dims = [1] x [0]
    : (tensor<24x48xf32>, tensor<48x72xf32>) -> tensor<24x72xf32>
  %b = {constant(BY_COLUMNS)}
  %r = stablehlo.reshape %b : (tensor<8x9x48xf32>) -> tensor<72x48xf32>
  %t = stablehlo.transpose %r, dims = [1, 0] : (tensor<72x48xf32>) -> tensor<48x72xf32>
  %o = stablehlo.optimization_barrier %t : tensor<48x72xf32>
  %1 = stablehlo.dot_general %x, %o, contracting_dims = [1] x [0]
    : (tensor<24x48xf32>, tensor<48x72xf32>) -> tensor<24x72xf32>
  %w = {constant(WINDOWS)}
  %k = stablehlo.transpose %w, dims = [2, 3, 1, 0]
    : (tensor<32x16x3x3xf32>) -> tensor<3x3x16x32xf32>
  %2 = stablehlo.convolution(%y, %k) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f],
    window = {{}} {{batch_group_count = 1 : i64, feature_group_count = 1 : i64}}
    : (tensor<2x9x9x16xf32>, tensor<3x3x16x32xf32>) -> tensor<2x7x7x32xf32>
  %v = {constant(OF_ONE_PLACE)}
  %3 = stablehlo.convolution(%z, %v) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f],
    window = {{}} {{batch_group_count = 1 : i64, feature_group_count = 1 : i64}}
    : (tensor<1x1x1x96xf32>, tensor<1x1x96x24xf32>) -> tensor<1x1x1x24xf32>
  return %0, %1, %2, %3
    : tensor<24x72xf32>, tensor<24x72xf32>, tensor<2x7x7x32xf32>, tensor<1x1x1x24xf32>
}}
"""


@ON_X86
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.cpu)
def test_constants_are_packed_and_turned_ahead(target):
    module = ir.parse(TEXT)
    assert kernels.place_kernels(module, resolve(target))
    assert not list(ir.ops_in(module, "stablehlo.transpose", "linalg.pack"))
    assert not list(ir.ops_in(module, "stablehlo.convolution", "stablehlo.dot_general"))
    constants = list(ir.ops_in(module, "stablehlo.constant"))
    kept = [ir.type_of(op.results[0])[0] for op in constants if op.results[0].type.rank]
    assert len(kept) == 4
    assert (1, 24, 96) in kept
    assert (3, 3, 16, 32) not in kept
    x = RNG.standard_normal((24, 48), np.float32)
    y = RNG.standard_normal((2, 9, 9, 16), np.float32)
    z = RNG.standard_normal((1, 1, 1, 96), np.float32)
    kernel = WINDOWS.transpose(2, 3, 1, 0)
    order = ("NHWC", "HWIO", "NHWC")
    convolved = jax.lax.conv_general_dilated(
        y, kernel, (1, 1), "VALID", dimension_numbers=order, precision="highest"
    )
    expected = (x @ BY_ROWS, x @ BY_COLUMNS.reshape(72, 48).T, convolved, z @ OF_ONE_PLACE[0, 0])
    for got, exact in zip(run(emit(TEXT.encode(), target), x, y, z), expected, strict=True):
        np.testing.assert_allclose(got, exact, rtol=1e-4, atol=1e-4)


WINDOWED = (
    # x, weights, strides, groups
    ((2, 9, 11, 20), (3, 3, 20, 37), (1, 1), 1),
    ((1, 8, 9, 60), (3, 2, 20, 51), (2, 1), 3),
    ((1, 14, 14, 16), (1, 1, 16, 140), (2, 2), 1),
    ((2, 8, 8, 24), (3, 3, 12, 6), (1, 1), 2),
)


def windowed(shape, strides, groups):
    weights = RNG.standard_normal(shape, np.float32)

    def f(x):
        return jax.lax.conv_general_dilated(
            x,
            weights,
            strides,
            "SAME",
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
            feature_group_count=groups,
        )

    return f


@ON_X86
def test_windows_are_packed_ahead():
    given = [RNG.standard_normal(shape, np.float32) for shape, *_ in WINDOWED]
    cases = [(windowed(*case), [x]) for (_, *case), x in zip(WINDOWED, given, strict=True)]
    ours, exact = of_jax(cases, given)
    text = placed(legal(ours, [sp.tensor(x) for x in given]))
    assert len(re.findall(r"flow.dispatch @\w+::@slopec_conv_\w+_by\d+\(", text)) == len(given)
    for got, want in zip(sp.jit(ours)(*given), exact, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)
