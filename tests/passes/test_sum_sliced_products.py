"""Products with a column of another matrix, which IREE's packed products get wrong."""

import numpy as np

import slopec as sp
from slopec import ir
from slopec.passes import parse_pipeline, run_pipeline

RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(8, 8)).astype("float32"), RNG.normal(size=(8, 5)).astype("float32")


def test_compiled():
    found = sp.jit(
        lambda a, b: (a @ b[:, 2], a @ b[:, 2:3], b[:, 1] @ a, (b.T @ a)[:, 3:4].T @ b.T[:, 2:3])
    )(A, B)
    wanted = (A @ B[:, 2], A @ B[:, 2:3], B[:, 1] @ A, (B.T @ A)[:, 3:4].T @ B.T[:, 2:3])
    for got, expected in zip(found, wanted, strict=True):
        np.testing.assert_allclose(got.numpy(), expected, rtol=1e-4, atol=1e-5)


def test_other_products_stay():
    text = """
    func.func @main(%a: tensor<8x8xf32>, %b: tensor<8x5xf32>) -> (tensor<8x2xf32>, tensor<8xf32>) {
      %s = stablehlo.slice %b [0:8, 2:4] : (tensor<8x5xf32>) -> tensor<8x2xf32>
      %y = stablehlo.dot_general %a, %s, contracting_dims = [1] x [0] : (tensor<8x8xf32>, tensor<8x2xf32>) -> tensor<8x2xf32>
      %t = stablehlo.slice %b [0:8, 1:2] : (tensor<8x5xf32>) -> tensor<8x1xf32>
      %v = stablehlo.reshape %t : (tensor<8x1xf32>) -> tensor<8xf32>
      %z = stablehlo.dot_general %a, %v, contracting_dims = [1] x [0] : (tensor<8x8xf32>, tensor<8xf32>) -> tensor<8xf32>
      return %y, %z : tensor<8x2xf32>, tensor<8xf32>
    }"""
    module = ir.parse(text)
    run_pipeline(module, parse_pipeline("sum-sliced-products"))
    ir.verify(module)
    assert str(module).count("dot_general") == 1
    assert str(module).count("stablehlo.reduce(") == 1
