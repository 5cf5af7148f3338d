"""Loops, branches, calls and scans, with regions that use values from outside."""

import tracemalloc

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from slopec import ir, reference
from slopec.diagnostics import ShapeError, SlopecError, UsageError
from tests.reference.harness import Group, run, same, sample

X = sample((3, 4), "float32")
CONTROL = Group()
CONTROL.add("for", lambda x: lax.fori_loop(0, 5, lambda i, s: s * 0.5 + x + i, x), X)
CONTROL.add(
    "while",
    lambda x: lax.while_loop(lambda s: s[0] < 10, lambda s: (s[0] * 2, s[1] + x), (1.0, x)),
    X,
)
CONTROL.add("if", lambda p, x: lax.cond(p, lambda y: y + x, lambda y: y * 2, x), True, X)
CONTROL.add("else", lambda p, x: lax.cond(p, lambda y: y + x, lambda y: y * 2, x), False, X)
for _index in (-3, 0, 2, 9):
    CONTROL.add(
        f"case {_index}",
        lambda i, x: lax.switch(i, [lambda y: y, lambda y: y + 1, lambda y: y * x], x),
        np.int32(_index),
        X,
    )
CONTROL.add("scan", lambda x: lax.scan(lambda c, r: (c + r, c * r), x[0], x), X)
CONTROL.add(
    "scan backwards", lambda x: lax.scan(lambda c, r: (c + r, c * r), x[0], x, reverse=True), X
)
CONTROL.add(
    "scan gradient",
    jax.grad(lambda x: lax.scan(lambda c, r: (jnp.sin(c) * r, c), x[0], x)[0].sum()),
    X,
)
CONTROL.add("map", lambda x: lax.map(lambda r: jnp.sort(r)[::-1], x), X)
CONTROL.add(
    "nested",
    lambda x: lax.fori_loop(
        0, 3, lambda i, s: lax.fori_loop(0, 2, lambda j, t: t + i * j * x, s), x
    ),
    X,
)
CONTROL.add("associative scan", lambda x: lax.associative_scan(jnp.maximum, x, axis=1), X)
CONTROL.add("barrier", lambda x: lax.optimization_barrier((x, x + 1)), X)
CONTROL.add("call", lambda x: jax.jit(lambda y: y + 1)(x) + jax.jit(lambda y: y + 1)(2 * x), X)
CONTROL.add(
    "checkpoint", jax.grad(lambda x: jax.checkpoint(lambda y: jnp.sin(jnp.sin(y)))(x).sum()), X
)


@pytest.mark.parametrize("name", list(CONTROL.cases))
def test_control(name: str) -> None:
    CONTROL.check(name)


def test_map_runs_its_function_on_every_element() -> None:
    text = """func.func @main(%x: tensor<2x3xf32>, %y: tensor<2x3xf32>) -> tensor<2x3xf32> {
      %c = stablehlo.constant dense<2.0> : tensor<f32>
      %0 = "stablehlo.map"(%x, %y) ({
        ^bb0(%a: tensor<f32>, %b: tensor<f32>):
          %1 = stablehlo.multiply %a, %c : tensor<f32>
          %2 = stablehlo.subtract %1, %b : tensor<f32>
          stablehlo.return %2 : tensor<f32>
      }) {dimensions = array<i64: 0, 1>} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
      return %0 : tensor<2x3xf32> }"""
    x, y = sample((2, 3), "float32", 1), sample((2, 3), "float32", 2)
    same(run(text, x, y)[0], 2 * x - y)


def test_map_with_a_branch_runs_lane_by_lane() -> None:
    text = """func.func @main(%x: tensor<4xi32>) -> tensor<4xi1> {
      %0 = "stablehlo.map"(%x) ({
        ^bb0(%a: tensor<i32>):
          %z = stablehlo.constant dense<0> : tensor<i32>
          %p = stablehlo.compare LT, %a, %z : (tensor<i32>, tensor<i32>) -> tensor<i1>
          %r = "stablehlo.if"(%p) ({ stablehlo.return %p : tensor<i1> }, {
            %n = stablehlo.not %p : tensor<i1>
            %f = stablehlo.xor %n, %n : tensor<i1>
            stablehlo.return %f : tensor<i1>
          }) : (tensor<i1>) -> tensor<i1>
          stablehlo.return %r : tensor<i1>
      }) {dimensions = array<i64: 0>} : (tensor<4xi32>) -> tensor<4xi1>
      return %0 : tensor<4xi1> }"""
    x = np.array([-2, 0, 5, -1], np.int32)
    same(run(text, x)[0], x < 0)


def test_composite_is_its_decomposition() -> None:
    text = """func.func @main(%x: tensor<3xf32>) -> tensor<3xf32> {
      %0 = stablehlo.composite "my.double" %x {decomposition = @double} : (tensor<3xf32>) -> tensor<3xf32>
      return %0 : tensor<3xf32> }
    func.func private @double(%x: tensor<3xf32>) -> tensor<3xf32> {
      %0 = stablehlo.add %x, %x : tensor<3xf32>
      return %0 : tensor<3xf32> }"""
    x = sample((3,), "float32")
    same(run(text, x)[0], 2 * x)


SCAN = """func.func @main(%x: tensor<3x4xf32>, %c: tensor<4xf32>) -> (tensor<3x4xf32>, tensor<4xf32>) {{
  %0, %1 = "chlo.scan"(%x, %c) ({{
    ^bb0(%a: tensor<4xf32>, %s: tensor<4xf32>):
      %2 = stablehlo.add %a, %s : tensor<4xf32>
      %3 = stablehlo.multiply %a, %s : tensor<4xf32>
      stablehlo.return %3, %2 : tensor<4xf32>, tensor<4xf32>
  }}) {{dimension = 0 : i64, is_reverse = {backwards},
       operandSegmentSizes = array<i32: 1, 1>, resultSegmentSizes = array<i32: 1, 1>}}
    : (tensor<3x4xf32>, tensor<4xf32>) -> (tensor<3x4xf32>, tensor<4xf32>)
  return %0, %1 : tensor<3x4xf32>, tensor<4xf32> }}"""


@pytest.mark.parametrize("backwards", ["false", "true"])
def test_chlo_scan_hands_its_carry_on(backwards: str) -> None:
    start = sample((4,), "float32", 3)
    carry, stacked = start, {}
    for row in reversed(range(3)) if backwards == "true" else range(3):
        stacked[row] = X[row] * carry
        carry = X[row] + carry
    ours = run(SCAN.format(backwards=backwards), X, start)
    same(ours[0], np.stack([stacked[row] for row in range(3)]))
    same(ours[1], carry)


TUPLES = """func.func @main(%x: tensor<2xf32>, %y: tensor<i32>) -> (tensor<i32>, tensor<2xf32>) {
  %t = stablehlo.tuple %x, %y : tuple<tensor<2xf32>, tensor<i32>>
  %k = stablehlo.create_token : !stablehlo.token
  %l = stablehlo.after_all %k, %k : !stablehlo.token
  %0 = stablehlo.get_tuple_element %t[1] : (tuple<tensor<2xf32>, tensor<i32>>) -> tensor<i32>
  %1 = stablehlo.get_tuple_element %t[0] : (tuple<tensor<2xf32>, tensor<i32>>) -> tensor<2xf32>
  return %0, %1 : tensor<i32>, tensor<2xf32> }"""


def test_tuples_and_tokens() -> None:
    x, y = sample((2,), "float32"), np.array(5, np.int32)
    ours = run(TUPLES, x, y)
    same(ours[0], y)
    same(ours[1], x)


# --- single ops ---

CAPTURE = """func.func @main(%p: tensor<i1>, %x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = "stablehlo.if"(%p) ({
    %1 = stablehlo.add %x, %x : tensor<2xf32>
    stablehlo.return %1 : tensor<2xf32>
  }, { stablehlo.return %x : tensor<2xf32> }) : (tensor<i1>) -> tensor<2xf32>
  return %0 : tensor<2xf32> }"""


def test_one_op_alone() -> None:
    module = ir.parse(CAPTURE)
    block = ir.body_of(ir.function(module, "main"))
    branch = block.operations[0].operation
    x = sample((2,), "float32")
    (ours,) = reference.evaluate_op(branch, [np.array(True)], {block.arguments[1]: x})
    same(ours, 2 * x)
    add = branch.regions[0].blocks[0].operations[0].operation
    (scalar,) = reference.evaluate_op(add, [np.array(1, np.float32), np.array(2, np.float32)])
    same(scalar, np.array(3, np.float32))


def test_a_region_that_lacks_a_captured_value_is_told() -> None:
    module = ir.parse(CAPTURE)
    branch = ir.body_of(ir.function(module, "main")).operations[0].operation
    with pytest.raises(UsageError, match="is used and not given"):
        reference.evaluate_op(branch, [np.array(True)])


def test_values_are_let_go_after_their_last_use() -> None:
    steps = "".join(
        f"%{i + 1} = stablehlo.add %{i}, %{i} : tensor<100000xf32>\n" for i in range(40)
    )
    text = f"""func.func @main(%x: tensor<100000xf32>) -> tensor<100000xf32> {{
      %0 = stablehlo.negate %x : tensor<100000xf32>
      {steps} return %40 : tensor<100000xf32> }}"""
    module, x = ir.parse(text), np.zeros(100000, np.float32)
    tracemalloc.start()
    reference.evaluate(module, "main", x)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * x.nbytes


# --- mistakes ---


def test_an_op_without_evaluator_is_named_with_its_line() -> None:
    text = """module {
      func.func @main(%t: !stablehlo.token) -> !stablehlo.token {
        %0:2 = "stablehlo.infeed"(%t) : (!stablehlo.token) -> (tensor<2xf32>, !stablehlo.token) loc("feed.py":7:3)
        return %0#1 : !stablehlo.token } }"""
    with pytest.raises(
        SlopecError, match=r"error\[S0380\]: cannot evaluate `stablehlo.infeed`"
    ) as caught:
        run(text, None)
    assert (caught.value.span.file, caught.value.span.line) == ("feed.py", 7)


def test_recursion_is_refused() -> None:
    text = """func.func @main(%x: tensor<f32>) -> tensor<f32> {
      %0 = func.call @main(%x) : (tensor<f32>) -> tensor<f32>
      return %0 : tensor<f32> }"""
    with pytest.raises(SlopecError, match="@main calls itself"):
        run(text, np.float32(1))


def test_a_declared_function_cannot_be_run() -> None:
    text = """func.func private @f(%x: tensor<f32>) -> tensor<f32>
    func.func @main(%x: tensor<f32>) -> tensor<f32> {
      %0 = func.call @f(%x) : (tensor<f32>) -> tensor<f32>
      return %0 : tensor<f32> }"""
    with pytest.raises(SlopecError, match=r"@f is declared but has no body(.|\n)*derive"):
        run(text, np.float32(1))


def test_a_missing_function_is_told_with_those_there_are() -> None:
    module = ir.parse(CAPTURE)
    with pytest.raises(
        UsageError, match=r"no function @mian(.|\n)*@main(.|\n)*did you mean `main`"
    ):
        reference.evaluate(module, "mian")


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ([np.array(True)], "takes 2 arguments, got 1"),
        (
            [np.array(True), np.zeros(3, np.float32)],
            r"argument 1 of @main has shape \(2,\), got \(3,\)",
        ),
        (
            [np.array(True), np.zeros(2)],
            "argument 1 of @main has element type float32, got float64",
        ),
    ],
)
def test_arguments_that_do_not_fit(arrays: list[np.ndarray], told: str) -> None:
    with pytest.raises((ShapeError, TypeError), match=told):
        run(CAPTURE, *arrays)


def test_a_shape_that_fails_at_run_time_is_told_with_its_op() -> None:
    text = """func.func @main(%x: tensor<6xf32>, %s: tensor<2xi32>) -> tensor<?x?xf32> {
      %0 = stablehlo.dynamic_reshape %x, %s : (tensor<6xf32>, tensor<2xi32>) -> tensor<?x?xf32>
      return %0 : tensor<?x?xf32> }"""
    with pytest.raises(SlopecError, match=r"cannot evaluate `stablehlo\.dynamic_reshape`"):
        run(text, np.zeros(6, np.float32), np.array([4, 2], np.int32))
