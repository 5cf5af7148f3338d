"""Generators written out make the bits that the reference makes; `rng` is refused at its line."""

import numpy as np
import pytest

from slopec import ir, reference
from slopec.diagnostics import CompileError
from slopec.passes import parse_pipeline, run_pipeline

BITS = """func.func @main(%s: tensor<{words}xui64>) -> (tensor<{words}xui64>, tensor<{type}>) {{
  %0, %1 = stablehlo.rng_bit_generator %s, algorithm = {kind}
    : (tensor<{words}xui64>) -> (tensor<{words}xui64>, tensor<{type}>)
  return %0, %1 : tensor<{words}xui64>, tensor<{type}> }}"""

RNG = """func.func @main(%a: tensor<f32>, %b: tensor<f32>) -> tensor<4xf32> {
  %s = stablehlo.constant dense<4> : tensor<1xi64>
  %0 = stablehlo.rng %a, %b, %s, distribution = UNIFORM
    : (tensor<f32>, tensor<f32>, tensor<1xi64>) -> tensor<4xf32>
  return %0 : tensor<4xf32> }"""


@pytest.mark.parametrize(
    "type_", ["9xui32", "ui32", "3x5xi8", "7xui64", "2x3xf32", "5xf64", "4xbf16"]
)
@pytest.mark.parametrize(("kind", "words"), [("PHILOX", 3), ("DEFAULT", 2), ("THREE_FRY", 2)])
@pytest.mark.parametrize("start", [9, 2**64 - 2])
def test_the_bits_stay(kind, words, type_, start):
    state = np.array([2**63 + 7, start, 2**64 - 1], np.uint64)[:words]
    module = ir.parse(BITS.format(kind=kind, words=words, type=type_))
    before = reference.evaluate(module, "main", state)
    run_pipeline(module, parse_pipeline("expand-random"))
    ir.verify(module)
    after = reference.evaluate(module, "main", state)

    for a, b in zip(before, after, strict=True):
        assert (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())


def test_what_needs_nothing_stays():
    module = ir.parse(BITS.format(kind="PHILOX", words=2, type="4xui32"))
    before = str(module)
    run_pipeline(module, parse_pipeline("expand-random"))

    assert str(module) == before


def test_hidden_state_is_refused():
    with pytest.raises(CompileError, match="S0302") as caught:
        run_pipeline(ir.parse(RNG), parse_pipeline("refuse"))
    assert caught.value.span.line == 3
