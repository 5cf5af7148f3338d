"""What slopec makes of a program's dispatches is what IREE's own phase makes of them."""

import re
from collections import Counter

import pytest

from slopec.emit_process import COMPILER, Request
from slopec.targets import parse_target

WEIGHTS = "dense<{}> : tensor<64x64xf32>"
PROGRAMS = {
    "weights": f"""
func.func @main(%x: tensor<64x64xf32>) -> tensor<64x64xf32> {{
  %a = stablehlo.constant {WEIGHTS.format(0.5)}
  %b = stablehlo.constant {WEIGHTS.format(0.25)}
  %0 = stablehlo.dot %x, %a : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
  %1 = stablehlo.tanh %0 : tensor<64x64xf32>
  %2 = stablehlo.dot %1, %b : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
  return %2 : tensor<64x64xf32>
}}
func.func @other(%x: tensor<64x64xf32>) -> (tensor<64x64xf32>, tensor<64x64xf32>) {{
  %0 = call @main(%x) : (tensor<64x64xf32>) -> tensor<64x64xf32>
  return %0, %x : tensor<64x64xf32>, tensor<64x64xf32>
}}""",
    "loop": """
func.func @main(%x: tensor<16x64xf32>, %i: tensor<i32>) -> tensor<16x64xf32> {
  %zero = stablehlo.constant dense<0> : tensor<i32>
  %one = stablehlo.constant dense<1> : tensor<i32>
  %nine = stablehlo.constant dense<9> : tensor<i32>
  %0:2 = stablehlo.while(%n = %i, %y = %x) : tensor<i32>, tensor<16x64xf32>
    cond {
      %1 = stablehlo.compare LT, %n, %nine : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %1 : tensor<i1>
    } do {
      %1 = stablehlo.add %n, %one : tensor<i32>
      %2 = stablehlo.slice %x [0:1, 0:64] : (tensor<16x64xf32>) -> tensor<1x64xf32>
      %3 = stablehlo.exponential %2 : tensor<1x64xf32>
      %4 = stablehlo.dynamic_update_slice %y, %3, %n, %zero
        : (tensor<16x64xf32>, tensor<1x64xf32>, tensor<i32>, tensor<i32>) -> tensor<16x64xf32>
      stablehlo.return %1, %4 : tensor<i32>, tensor<16x64xf32>
    }
  return %0#1 : tensor<16x64xf32>
}""",
}
OP = re.compile(r"\b(?:stream|util|hal|scf|cf)\.[a-z_.]+")
# A flag that says the default, with which IREE's own phase runs.
OWN = "--iree-scheduling-optimize-bindings=true"


def streams(text: str, *flags: str) -> Counter[str]:
    target = parse_target("llvm-cpu")
    wanted = (*target.flags, *flags)
    answer = COMPILER.compile(Request(text.encode(), wanted, target.process_flags, until="stream"))
    assert answer.output is not None, answer.diagnostics
    return Counter(OP.findall(bytes(answer.output).decode()))


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_same_ops(name):
    """Tidying less leaves no op behind that IREE would have removed."""
    ours, theirs = streams(PROGRAMS[name]), streams(PROGRAMS[name], OWN)
    assert ours["stream.cmd.dispatch"]
    assert ours == theirs
