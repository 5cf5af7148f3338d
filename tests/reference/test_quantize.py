"""Uniform quantisation, against its formula."""

from collections.abc import Callable

import numpy as np
import pytest

from slopec.diagnostics import SlopecError
from tests.reference.harness import program, run, same, sample

X = sample((2, 3), "float32")
SCALES, ZEROS = np.array([0.5, 0.25, 1.0]), np.array([1, 0, -2])


def requantise(quantized: str, shape: str = "2x3") -> str:
    return program(
        f"%x: tensor<{shape}xf32>",
        f"tensor<{shape}xf32>",
        f"""%q = stablehlo.uniform_quantize %x : (tensor<{shape}xf32>) -> tensor<{shape}x!quant.uniform<{quantized}>>
          %0 = stablehlo.uniform_dequantize %q : (tensor<{shape}x!quant.uniform<{quantized}>>) -> tensor<{shape}xf32>""",
    )


QUANTIZED: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "i8:f32, 0.5:3": lambda x: (np.clip(np.rint(x / 0.5) + 3, -128, 127) - 3) * 0.5,
    "u8:f32, 0.25": lambda x: np.clip(np.rint(x / 0.25), 0, 255) * 0.25,
    "i8<-3:3>:f32, 0.5": lambda x: np.clip(np.rint(x / 0.5), -3, 3) * 0.5,
    "i4:f32, 0.5": lambda x: np.clip(np.rint(x / 0.5), -8, 7) * 0.5,
    "i8:f32:1, {0.5:1, 0.25, 1.0:-2}": lambda x: (
        (np.clip(np.rint(x / SCALES) + ZEROS, -128, 127) - ZEROS) * SCALES
    ),
}


@pytest.mark.parametrize("kind", list(QUANTIZED))
def test_quantisation_rounds_and_clips(kind: str) -> None:
    x = X * 3
    same(run(requantise(kind), x)[0], QUANTIZED[kind](x).astype(np.float32))


def test_quantising_again() -> None:
    first, second = "!quant.uniform<i8:f32, 0.5>", "!quant.uniform<u8:f32, 1.0:128>"
    text = program(
        "%x: tensor<2x3xf32>",
        "tensor<2x3xf32>",
        f"""%q = stablehlo.uniform_quantize %x : (tensor<2x3xf32>) -> tensor<2x3x{first}>
          %r = stablehlo.uniform_quantize %q : (tensor<2x3x{first}>) -> tensor<2x3x{second}>
          %0 = stablehlo.uniform_dequantize %r : (tensor<2x3x{second}>) -> tensor<2x3xf32>""",
    )
    same(run(text, X)[0], np.rint(np.rint(X / 0.5) * 0.5).astype(np.float32))


def test_arithmetic_on_quantised_tensors_is_refused() -> None:
    kind = "tensor<2x3x!quant.uniform<i8:f32, 0.5>>"
    text = f"""func.func @main(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {{
      %q = stablehlo.uniform_quantize %x : (tensor<2x3xf32>) -> {kind}
      %r = stablehlo.add %q, %q : {kind}
      %0 = stablehlo.uniform_dequantize %r : ({kind}) -> tensor<2x3xf32>
      return %0 : tensor<2x3xf32> }}"""
    with pytest.raises(SlopecError, match=r"cannot evaluate `stablehlo\.add`: element type !quant"):
        run(text, X)
