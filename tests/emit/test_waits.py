"""No branch of a compiled program hands one point in time on twice."""

import re

import pytest

from slopec.emit_process import Request
from slopec.targets import parse_target

BRANCH = re.compile(r"\^bb\d+\(([^()]*) : [^()]*\)")

LOOP = b"""func.func @main(%x: tensor<96x96xf32>, %w: tensor<96x96xf32>) -> tensor<96x96xf32> {
  %zero = stablehlo.constant dense<0> : tensor<i32>
  %one = stablehlo.constant dense<1> : tensor<i32>
  %count = stablehlo.constant dense<17> : tensor<i32>
  %made = stablehlo.exponential %x : tensor<96x96xf32>
  %r:3 = stablehlo.while(%i = %zero, %a = %x, %b = %made)
      : tensor<i32>, tensor<96x96xf32>, tensor<96x96xf32>
  cond {
    %less = stablehlo.compare LT, %i, %count : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %less : tensor<i1>
  } do {
    %next = stablehlo.add %i, %one : tensor<i32>
    %p = stablehlo.dot %w, %a : (tensor<96x96xf32>, tensor<96x96xf32>) -> tensor<96x96xf32>
    %q = stablehlo.dot %b, %a : (tensor<96x96xf32>, tensor<96x96xf32>) -> tensor<96x96xf32>
    stablehlo.return %next, %p, %q : tensor<i32>, tensor<96x96xf32>, tensor<96x96xf32>
  }
  %n = stablehlo.dot %r#2, %w : (tensor<96x96xf32>, tensor<96x96xf32>) -> tensor<96x96xf32>
  return %n : tensor<96x96xf32>
}"""


@pytest.mark.parametrize("text", [LOOP])
def test_points_are_handed_on_once(compiler, text):
    """The first carry is an argument, which is there already, the other is made beforehand."""
    flags = parse_target("llvm-cpu:host").flags
    answer = compiler.compile(Request(text, flags, until="stream"))
    branches = BRANCH.findall(bytes(answer.output or b"").decode())
    handed_on = [re.findall(r"%\w+", values) for values in branches]
    assert any(len(values) > 2 for values in handed_on)
    assert all(len({*values}) == len(values) for values in handed_on)
