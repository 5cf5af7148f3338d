"""Long products and convolutions of 16-bit floats are rounded once, at the end."""

import ml_dtypes
import numpy as np
import pytest
from jax import lax

import slopec as sp
from slopec import ir, reference
from slopec.passes import parse_pipeline, run_pipeline
from tests.transforms.harness import lower

DRAW = np.random.default_rng(0)
NHWC = ("NHWC", "HWIO", "NHWC")


def positive(shape, kind):
    return DRAW.uniform(0.25, 1, shape).astype(kind)


def products(kind):
    """A long product of vectors, one of a row and a matrix, a convolution of many features."""
    x, y = positive(4096, kind), positive(4096, kind)
    row, matrix = positive((1, 512), kind), positive((512, 33), kind)
    image, kernel = positive((1, 5, 5, 256), kind), positive((3, 3, 256, 4), kind)
    arguments = (x, y, row, matrix, image, kernel)

    def function(x, y, row, matrix, image, kernel):
        convolved = lax.conv_general_dilated(image, kernel, (1, 1), "SAME", dimension_numbers=NHWC)
        return lax.dot(x, y), lax.dot(row, matrix), convolved

    return function, arguments


@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
def test_long_sums_keep_their_digits(kind):
    dtype = np.dtype(kind)
    function, arguments = products(dtype)
    exact = function(*(a.astype("float32") for a in arguments))
    compiled = sp.jit(sp.from_stablehlo(lower(function, *arguments)))

    eps = float(ml_dtypes.finfo(dtype).eps)
    for mine, expected in zip(compiled(*arguments), exact, strict=True):
        assert mine.dtype == dtype
        found = mine.numpy().astype("float64")
        np.testing.assert_allclose(found, np.asarray(expected), rtol=0.55 * eps)


def test_other_products_stay():
    for kinds in (("float32", "float32"), ("int8", "int8"), ("complex64", "complex64")):
        x, y = (np.ones((3, 3), kind) for kind in kinds)
        before = ir.parse(lower(lax.dot, x, y))
        text = str(before)
        run_pipeline(before, parse_pipeline("widen-sums"))
        assert str(before) == text


def test_the_result_keeps_its_type():
    x = positive((4, 4), np.float16)
    module = ir.parse(lower(lax.dot, x, x))
    run_pipeline(module, parse_pipeline("widen-sums"))
    ir.verify(module)
    (made,) = reference.evaluate(module, "main", x, x)
    assert "-> tensor<4x4xf32>" in str(module)
    assert made.dtype == np.float16
