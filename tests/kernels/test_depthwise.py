"""Depthwise convolutions and their gradients by kernels equal JAX's, whatever the window."""

import jax
import numpy as np
import pytest

from slopec import ir, kernels
from slopec.emit import emit, resolve
from tests.kernels.run import ON_X86, TARGETS, convolutions, run

# Images, rows, columns, features, window, strides, gaps in x, dilation, and padding.
CASES = (
    (2, 9, 8, 16, (3, 3), (1, 1), (1, 1), (1, 1), ((1, 1), (1, 1))),
    (1, 7, 13, 37, (3, 3), (2, 2), (1, 1), (1, 1), ((1, 1), (1, 1))),
    (1, 7, 7, 200, (5, 5), (1, 1), (1, 1), (1, 1), ((2, 2), (2, 2))),
    (3, 6, 40, 5, (4, 7), (1, 3), (1, 1), (1, 1), ((0, 0), (3, 3))),
    (2, 10, 12, 33, (3, 2), (1, 1), (1, 1), (2, 3), ((2, 1), (0, 3))),
    (2, 7, 6, 24, (3, 3), (1, 1), (2, 2), (1, 1), ((1, 2), (1, 2))),
    (1, 5, 4, 19, (4, 5), (1, 1), (3, 2), (1, 1), ((2, -1), (-1, 4))),
    (1, 3, 4, 8, (5, 9), (1, 1), (1, 1), (1, 1), ((4, 4), (8, 8))),
    (2, 1, 50, 21, (1, 4), (1, 1), (1, 1), (1, 1), ((0, 0), (3, 0))),
)


def places(case):
    """The spatial sizes of the result."""
    _, h, w, _, window, strides, gaps, dilation, padding = case
    axes = zip((h, w), window, strides, gaps, dilation, padding, strict=True)
    return [((s - 1) * g + 1 + sum(p) - (t - 1) * d - 1) // r + 1 for s, t, r, g, d, p in axes]


def spelled(case):
    """The convolution of a case: shapes of operands and result, and text."""
    n, h, w, f, window, strides, gaps, dilation, padding = case
    text = (
        "dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f],"
        f" window = {{stride = {list(strides)}, pad = {[list(p) for p in padding]},"
        f" lhs_dilate = {list(gaps)}, rhs_dilate = {list(dilation)}}}"
        f" {{batch_group_count = 1 : i64, feature_group_count = {f} : i64}}"
    )
    return ((n, h, w, f), (*window, 1, f), (n, *places(case), f)), text


def spelled_gradient(case):
    """The gradient of its weights."""
    n, h, w, f, window, strides, _, dilation, padding = case
    y = places(case)
    axes = zip((h, w), window, strides, dilation, y, padding, strict=True)
    back = [[p[0], (t - 1) * d + (r - 1) * s + 1 - size - p[0]] for size, t, s, d, r, p in axes]
    text = (
        "dim_numbers = [f, 0, 1, b]x[i, 0, 1, o]->[0, 1, b, f],"
        f" window = {{stride = {list(dilation)}, pad = {back}, rhs_dilate = {list(strides)}}}"
        f" {{batch_group_count = {f} : i64, feature_group_count = 1 : i64}}"
    )
    return ((n, h, w, f), (n, *y, f), (*window, 1, f)), text


def exact(case, x, k, slope=None):
    """The convolution in double precision, or the gradient of its weights."""
    *_, f, _, strides, gaps, dilation, padding = case

    def convolve(k):
        return jax.lax.conv_general_dilated(
            x.astype(np.float64),
            k,
            strides,
            padding,
            lhs_dilation=gaps,
            rhs_dilation=dilation,
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
            feature_group_count=f,
        )

    with jax.enable_x64(True):
        y, pull = jax.vjp(convolve, k.astype(np.float64))
        return np.asarray(y if slope is None else pull(slope.astype(np.float64))[0])


@ON_X86
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.cpu)
def test_depthwise_convolutions(target):
    calls = [spelled(case) for case in CASES]
    module = ir.parse(convolutions(calls))
    assert kernels.place_kernels(module, resolve(target))
    assert "stablehlo.convolution" not in str(module)
    rng = np.random.default_rng(0)
    drawn = [[rng.standard_normal(s, np.float32) for s in shapes[:2]] for shapes, _ in calls]
    got = run(emit(ir.bytecode(module), target), *(part for pair in drawn for part in pair))
    for case, result, (x, k) in zip(CASES, got, drawn, strict=True):
        wanted = exact(case, x, k)
        np.testing.assert_allclose(result, wanted, rtol=1e-5, atol=1e-5, err_msg=str(case))


@ON_X86
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.cpu)
def test_gradients_of_the_weights(target):
    cases = [case for case in CASES if case[6] == (1, 1)]
    calls = [spelled_gradient(case) for case in cases]
    module = ir.parse(convolutions(calls))
    assert kernels.place_kernels(module, resolve(target))
    assert "stablehlo.convolution" not in str(module)
    rng = np.random.default_rng(0)
    drawn = [[rng.standard_normal(s, np.float32) for s in shapes] for shapes, _ in calls]
    operands = (part for x, slope, _ in drawn for part in (x, slope))
    got = run(emit(ir.bytecode(module), target), *operands)
    for case, result, (x, slope, k) in zip(cases, got, drawn, strict=True):
        wanted = exact(case, x, k, slope)
        scale = np.abs(wanted).max()
        np.testing.assert_allclose(result, wanted, rtol=0, atol=1e-5 * scale, err_msg=str(case))


@ON_X86
def test_in_one_dimension_with_what_follows():
    text = """func.func @main(%x: tensor<2x30x21xf32>, %k: tensor<4x1x21xf32>, %s: tensor<21xf32>, %r: tensor<2x30x21xf32>)
        -> (tensor<2x30x21xf32>, tensor<4x1x21xf32>) {
      %y = stablehlo.convolution(%x, %k) dim_numbers = [b, 0, f]x[0, i, o]->[b, 0, f], window = {pad = [[3, 0]]}
        {batch_group_count = 1 : i64, feature_group_count = 21 : i64} : (tensor<2x30x21xf32>, tensor<4x1x21xf32>) -> tensor<2x30x21xf32>
      %sb = stablehlo.broadcast_in_dim %s, dims = [2] : (tensor<21xf32>) -> tensor<2x30x21xf32>
      %a = stablehlo.add %y, %sb : tensor<2x30x21xf32>
      %low = stablehlo.constant dense<0.5> : tensor<2x30x21xf32>
      %le = stablehlo.compare LE, %a, %low, FLOAT : (tensor<2x30x21xf32>, tensor<2x30x21xf32>) -> tensor<2x30x21xi1>
      %c = stablehlo.select %le, %low, %a : tensor<2x30x21xi1>, tensor<2x30x21xf32>
      %t = stablehlo.multiply %c, %r : tensor<2x30x21xf32>
      %g = stablehlo.convolution(%x, %r) dim_numbers = [f, 0, b]x[i, 0, o]->[0, b, f], window = {pad = [[3, 0]]}
        {batch_group_count = 21 : i64, feature_group_count = 1 : i64} : (tensor<2x30x21xf32>, tensor<2x30x21xf32>) -> tensor<4x1x21xf32>
      return %t, %g : tensor<2x30x21xf32>, tensor<4x1x21xf32>
    }"""
    module = ir.parse(text)
    assert kernels.place_kernels(module, resolve(TARGETS[0]))
    assert "stablehlo.convolution" not in str(module)
    for kind in ("add", "compare", "select", "multiply"):
        assert f"stablehlo.{kind} %" not in str(module)
    rng = np.random.default_rng(0)
    shapes = (2, 30, 21), (4, 1, 21), (21,), (2, 30, 21)
    x, k, s, r = (rng.standard_normal(shape, np.float32) for shape in shapes)
    x[1, 7, 3] = np.nan
    got, slope = run(emit(ir.bytecode(module), TARGETS[0]), x, k, s, r)
    padded = np.pad(x.astype(np.float64), ((0, 0), (3, 0), (0, 0)))
    y = sum(padded[:, t : t + 30] * k[t] for t in range(4))
    np.testing.assert_allclose(got, np.maximum(y + s, 0.5) * r, rtol=1e-5, atol=1e-5)
    wanted = np.stack([(padded[:, t : t + 30] * r).sum((0, 1)) for t in range(4)])[:, None]
    np.testing.assert_allclose(slope, wanted, rtol=1e-5, atol=1e-4)
