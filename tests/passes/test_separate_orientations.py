"""Reductions spread both ways at once, which IREE fuses wrongly."""

import numpy as np

import slopec as sp
from slopec import ir
from slopec.passes import parse_pipeline, run_pipeline

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(6, 6)).astype("float32"), RNG.normal(size=(2, 40, 7)).astype("float32")


def both_ways(xp, x, y):
    s, m, b = x.sum(axis=1), x.max(axis=0), y.sum(axis=2)
    squares = (y * y).sum(axis=2)
    turned = b[:, :, None] * squares[:, None, :]
    return (
        s[None, :] + s[:, None],
        xp.exp(m)[None, :] * m[:, None],
        b[:, :, None] - b[:, None, :],
        squares[:, :, None] + squares[:, None, :] - 2 * y @ xp.swapaxes(y, 1, 2),
        turned + xp.swapaxes(turned, 1, 2),
        xp.exp(x - s[:, None]) / s[:, None],
    )


def test_compiled():
    found = sp.jit(lambda x, y: both_ways(sp, x, y))(X, Y)
    for got, wanted in zip(found, both_ways(np, X, Y), strict=True):
        scale = np.abs(wanted).max()
        np.testing.assert_allclose(got.numpy() / scale, wanted / scale, atol=1e-5)


def test_one_way_stays():
    text = """
    func.func @main(%x: tensor<3x4xf32>) -> tensor<3x4xf32> {
      %z = stablehlo.constant dense<0.0> : tensor<f32>
      %s = stablehlo.reduce(%x init: %z) applies stablehlo.add across dimensions = [1] : (tensor<3x4xf32>, tensor<f32>) -> tensor<3xf32>
      %a = stablehlo.broadcast_in_dim %s, dims = [0] : (tensor<3xf32>) -> tensor<3x4xf32>
      %e = stablehlo.exponential %s : tensor<3xf32>
      %b = stablehlo.broadcast_in_dim %e, dims = [0] : (tensor<3xf32>) -> tensor<3x4xf32>
      %y = stablehlo.add %a, %b : tensor<3x4xf32>
      return %y : tensor<3x4xf32>
    }"""
    module = ir.parse(text)
    run_pipeline(module, parse_pipeline("separate-orientations"))
    assert "gather" not in str(module)
