"""The rest: dynamic shapes, batch normalisation, constants, custom calls, collectives, quantisation."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from slopec import ir
from slopec.diagnostics import SlopecError
from tests.reference.harness import dtype, run, same, sample


def program(inputs: str, outputs: str, body: str, returned: str = "%0") -> str:
    """A module whose @main takes `inputs` and returns values of the types `outputs`."""
    return f"func.func @main({inputs}) -> ({outputs}) {{\n{body}\nreturn {returned} : {outputs} }}"


# --- dynamic shapes ---

X = sample((2, 3), "float32")


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


DYNAMIC: dict[str, tuple[str, list[np.ndarray], np.ndarray]] = {
    "reshape": (
        program(
            "%x: tensor<2x3xf32>, %s: tensor<2xi32>",
            "tensor<?x?xf32>",
            "%0 = stablehlo.dynamic_reshape %x, %s : (tensor<2x3xf32>, tensor<2xi32>) -> tensor<?x?xf32>",
        ),
        [X, ints(3, 2)],
        X.reshape(3, 2),
    ),
    "broadcast": (
        program(
            "%x: tensor<2x3xf32>, %s: tensor<3xi32>",
            "tensor<?x?x?xf32>",
            """%0 = stablehlo.dynamic_broadcast_in_dim %x, %s, dims = [1, 2]
              : (tensor<2x3xf32>, tensor<3xi32>) -> tensor<?x?x?xf32>""",
        ),
        [X, ints(4, 2, 3)],
        np.broadcast_to(X, (4, 2, 3)),
    ),
    "iota": (
        program(
            "%s: tensor<2xi32>",
            "tensor<?x?xi64>",
            "%0 = stablehlo.dynamic_iota %s, dim = 1 : (tensor<2xi32>) -> tensor<?x?xi64>",
        ),
        [ints(2, 3)],
        np.broadcast_to(np.arange(3), (2, 3)),
    ),
    "pad": (
        program(
            "%x: tensor<2x3xf32>, %v: tensor<f32>, %l: tensor<2xi32>, %h: tensor<2xi32>, %i: tensor<2xi32>",
            "tensor<?x?xf32>",
            """%0 = stablehlo.dynamic_pad %x, %v, %l, %h, %i : (tensor<2x3xf32>, tensor<f32>,
              tensor<2xi32>, tensor<2xi32>, tensor<2xi32>) -> tensor<?x?xf32>""",
        ),
        [X, np.array(9, np.float32), ints(1, 0), ints(0, -1), ints(0, 1)],
        np.array([[9] * 4, [X[0, 0], 9, X[0, 1], 9], [X[1, 0], 9, X[1, 1], 9]], np.float32),
    ),
    "slice": (
        program(
            "%x: tensor<2x3xf32>, %a: tensor<2xi32>, %b: tensor<2xi32>, %c: tensor<2xi32>",
            "tensor<?x?xf32>",
            """%0 = stablehlo.real_dynamic_slice %x, %a, %b, %c : (tensor<2x3xf32>, tensor<2xi32>,
              tensor<2xi32>, tensor<2xi32>) -> tensor<?x?xf32>""",
        ),
        [X, ints(0, 0), ints(2, 3), ints(1, 2)],
        X[:, ::2],
    ),
    "gather": (
        program(
            "%x: tensor<2x3xf32>, %i: tensor<2xi32>, %n: tensor<2xi32>",
            "tensor<2x?xf32>",
            """%0 = "stablehlo.dynamic_gather"(%x, %i, %n) {dimension_numbers =
              #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0],
              start_index_map = [0], index_vector_dim = 1>}
              : (tensor<2x3xf32>, tensor<2xi32>, tensor<2xi32>) -> tensor<2x?xf32>""",
        ),
        [X, ints(1, 5), ints(1, 2)],
        X[[1, 1], :2],
    ),
    "convolution": (
        program(
            "%x: tensor<1x3x1xf32>, %k: tensor<2x1x1xf32>, %p: tensor<1x2xi32>",
            "tensor<1x?x1xf32>",
            """%0 = "stablehlo.dynamic_conv"(%x, %k, %p) {dimension_numbers =
              #stablehlo.conv<[b, 0, f]x[0, i, o]->[b, 0, f]>,
              feature_group_count = 1 : i64, batch_group_count = 1 : i64}
              : (tensor<1x3x1xf32>, tensor<2x1x1xf32>, tensor<1x2xi32>) -> tensor<1x?x1xf32>""",
        ),
        [X[:1, :, None], np.array([2, 5], np.float32).reshape(2, 1, 1), ints(1, 0).reshape(1, 2)],
        np.array([5 * X[0, 0], 2 * X[0, 0] + 5 * X[0, 1], 2 * X[0, 1] + 5 * X[0, 2]]).reshape(
            1, 3, 1
        ),
    ),
    "size": (
        program(
            "%x: tensor<2x3xf32>",
            "tensor<i32>",
            "%0 = stablehlo.get_dimension_size %x, dim = 1 : (tensor<2x3xf32>) -> tensor<i32>",
        ),
        [X],
        np.array(3, np.int32),
    ),
    "cut": (
        program(
            "%x: tensor<2x3xf32>, %n: tensor<i32>",
            "tensor<2x?xf32, #stablehlo.bounds<?, 3>>",
            """%0 = stablehlo.set_dimension_size %x, %n, dim = 1
              : (tensor<2x3xf32>, tensor<i32>) -> tensor<2x?xf32, #stablehlo.bounds<?, 3>>""",
        ),
        [X, np.array(2, np.int32)],
        X[:, :2],
    ),
}


@pytest.mark.parametrize("name", list(DYNAMIC))
def test_dynamic_shapes(name: str) -> None:
    text, arrays, expected = DYNAMIC[name]
    same(run(text, *arrays)[0], expected, 1e-6)


# --- batch normalisation ---

IMAGE = sample((4, 3, 5), "float32")
SCALE, OFFSET = sample((3,), "float32", 1), sample((3,), "float32", 2)


def normalised(x: Any, scale: Any, offset: Any) -> tuple[Any, Any, Any]:
    mean, variance = x.mean((0, 2)), x.var((0, 2))
    unit = (x - mean[:, None]) / jnp.sqrt(variance[:, None] + 1e-3)
    return scale[:, None] * unit + offset[:, None], mean, variance


BATCH = "tensor<4x3x5xf32>"
ROW = "tensor<3xf32>"
FACTS = "{epsilon = 1.0e-3 : f32, feature_index = 1 : i64}"


def test_batch_norm_training() -> None:
    text = program(
        f"%x: {BATCH}, %s: {ROW}, %o: {ROW}",
        f"{BATCH}, {ROW}, {ROW}",
        f"""%0:3 = "stablehlo.batch_norm_training"(%x, %s, %o) {FACTS}
          : ({BATCH}, {ROW}, {ROW}) -> ({BATCH}, {ROW}, {ROW})""",
        "%0#0, %0#1, %0#2",
    )
    theirs = normalised(IMAGE, SCALE, OFFSET)
    for ours, reference in zip(run(text, IMAGE, SCALE, OFFSET), theirs, strict=True):
        same(ours, np.asarray(reference), 1e-5)


def test_batch_norm_inference() -> None:
    text = program(
        f"%x: {BATCH}, %s: {ROW}, %o: {ROW}, %m: {ROW}, %v: {ROW}",
        BATCH,
        f"""%0 = "stablehlo.batch_norm_inference"(%x, %s, %o, %m, %v) {FACTS}
          : ({BATCH}, {ROW}, {ROW}, {ROW}, {ROW}) -> {BATCH}""",
    )
    output, mean, variance = (np.asarray(a) for a in normalised(IMAGE, SCALE, OFFSET))
    same(run(text, IMAGE, SCALE, OFFSET, mean, variance)[0], output, 1e-5)


def test_batch_norm_grad() -> None:
    text = program(
        f"%x: {BATCH}, %s: {ROW}, %m: {ROW}, %v: {ROW}, %g: {BATCH}",
        f"{BATCH}, {ROW}, {ROW}",
        f"""%0:3 = "stablehlo.batch_norm_grad"(%x, %s, %m, %v, %g) {FACTS}
          : ({BATCH}, {ROW}, {ROW}, {ROW}, {BATCH}) -> ({BATCH}, {ROW}, {ROW})""",
        "%0#0, %0#1, %0#2",
    )
    gradient = sample((4, 3, 5), "float32", 9)
    _, mean, variance = (np.asarray(a) for a in normalised(IMAGE, SCALE, OFFSET))
    _, pull = jax.vjp(lambda *a: normalised(*a)[0], IMAGE, SCALE, OFFSET)
    theirs = pull(gradient)
    for ours, reference in zip(
        run(text, IMAGE, SCALE, mean, variance, gradient), theirs, strict=True
    ):
        same(ours, np.asarray(reference), 1e-4)


# --- constants ---

RESOURCES = """func.func @main() -> (tensor<4xf32>, tensor<2xbf16>, tensor<3xi1>, tensor<2xi64>) {
  %0 = stablehlo.constant dense_resource<first> : tensor<4xf32>
  %1 = stablehlo.constant dense_resource<second> : tensor<2xbf16>
  %2 = stablehlo.constant dense_resource<third> : tensor<3xi1>
  %3 = stablehlo.constant dense_resource<fourth> : tensor<2xi64>
  return %0, %1, %2, %3 : tensor<4xf32>, tensor<2xbf16>, tensor<3xi1>, tensor<2xi64> }
{-# dialect_resources: { builtin: {
  first: "0x040000000000803F000000400000404000008040",
  second: "0x02000000803F0040",
  third: "0x01000000010001",
  fourth: "0x08000000FFFFFFFFFFFFFFFF0200000000000000"
} } #-}"""


@pytest.mark.parametrize(
    "source", [RESOURCES, ir.bytecode(ir.parse(RESOURCES))], ids=["text", "bytes"]
)
def test_constants_in_resources(source: str | bytes) -> None:
    ours = run(source)
    same(ours[0], np.array([1, 2, 3, 4], np.float32))
    same(ours[1], np.array([1, 2], dtype("bfloat16")))
    same(ours[2], np.array([True, False, True]))
    same(ours[3], np.array([-1, 2]))


CONSTANTS = {
    "tensor<2x2xf32>": ("[[1.5, -0.0], [0x7FC00000, 0x7F800000]]", [[1.5, -0.0], [np.nan, np.inf]]),
    "tensor<3xbf16>": ("[1.5, 2.0, 0x7F80]", [1.5, 2, np.inf]),
    "tensor<2xf16>": ("[1.5, 0xFC00]", [1.5, -np.inf]),
    "tensor<2xf8E4M3FN>": ("[1.5, -2.0]", [1.5, -2]),
    "tensor<2xcomplex<f32>>": ("[(1.0, 2.0), (-3.0, 0.5)]", [1 + 2j, -3 + 0.5j]),
    "tensor<2x1xcomplex<f64>>": ("(1.0, 2.0)", [[1 + 2j], [1 + 2j]]),
    "tensor<3xi1>": ("[true, false, true]", [True, False, True]),
    "tensor<2xi1>": ("true", [True, True]),
    "tensor<i64>": ("-5", -5),
    "tensor<3xui8>": ("[1, 2, 255]", [1, 2, 255]),
    "tensor<0xf32>": ("", []),
}


@pytest.mark.parametrize("kind", list(CONSTANTS))
@pytest.mark.parametrize("dialect", ["stablehlo", "chlo"])
def test_constants(kind: str, dialect: str) -> None:
    spelled, expected = CONSTANTS[kind]
    text = program("", kind, f"%0 = {dialect}.constant dense<{spelled}> : {kind}")
    (ours,) = run(text)
    same(ours, np.array(expected).astype(ours.dtype).reshape(ours.shape), 0.0)


def test_constant_like() -> None:
    text = program(
        "%x: tensor<2x3xf32>",
        "tensor<2x3xf32>",
        '%0 = "chlo.constant_like"(%x) {value = 2.5 : f32} : (tensor<2x3xf32>) -> tensor<2x3xf32>',
    )
    same(run(text, X)[0], np.full((2, 3), 2.5, np.float32))


# --- custom calls ---


def call(target: str, attributes: str = "", results: str = "tensor<2x3xf32>") -> str:
    return program(
        "%x: tensor<2x3xf32>",
        results,
        f"%0 = stablehlo.custom_call @{target}(%x) {attributes} : (tensor<2x3xf32>) -> {results}",
    )


def test_custom_calls() -> None:
    same(run(call("Sharding"), X)[0], X)
    same(run(call("annotate_device_placement"), X)[0], X)
    same(run(call("mhlo.erf"), X)[0], np.asarray(jax.lax.erf(X)))
    same(run(call("chlo.sinh"), X)[0], np.sinh(X))


@pytest.mark.parametrize("largest", [True, False])
def test_custom_call_of_top_k(largest: bool) -> None:
    text = program(
        "%x: tensor<2x3xf32>",
        "tensor<2x2xf32>, tensor<2x2xi32>",
        f"""%0:2 = stablehlo.custom_call @mhlo.topk(%x)
          {{mhlo.attributes = {{k = 2 : i64, largest = {str(largest).lower()}}}}}
          : (tensor<2x3xf32>) -> (tensor<2x2xf32>, tensor<2x2xi32>)""",
        "%0#0, %0#1",
    )
    values, indices = run(text, X)
    order = np.argsort(-X if largest else X, axis=1)[:, :2]
    same(indices, order.astype(np.int32))
    same(values, np.take_along_axis(X, order, 1))


def test_an_unknown_target_is_told() -> None:
    with pytest.raises(
        SlopecError, match=r"nothing is known of the target @Shardin(.|\n)*`Sharding`"
    ):
        run(call("Shardin"), X)


def test_shape_assertion() -> None:
    text = """func.func @main(%p: tensor<i1>) {
      stablehlo.custom_call @shape_assertion(%p) {error_message = "batch must be even",
        has_side_effect = true} : (tensor<i1>) -> ()
      return }"""
    assert run(text, np.array(True)) == []
    with pytest.raises(SlopecError, match="batch must be even"):
        run(text, np.array(False))


# --- collectives ---

ADD = """({ ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %s = stablehlo.add %a, %b : tensor<f32>
    stablehlo.return %s : tensor<f32> })"""
ALONE = "replica_groups = dense<0> : tensor<1x1xi64>"
SAME_TYPE = ": (tensor<2x3xf32>) -> tensor<2x3xf32>"
COLLECTIVES = {
    "all_gather": f'"stablehlo.all_gather"(%x) {{all_gather_dim = 0 : i64, {ALONE}}} {SAME_TYPE}',
    "all_reduce": f'"stablehlo.all_reduce"(%x) {ADD} {{{ALONE}}} {SAME_TYPE}',
    "reduce_scatter": f'"stablehlo.reduce_scatter"(%x) {ADD} {{scatter_dimension = 0 : i64, {ALONE}}} {SAME_TYPE}',
    "all_to_all": f"""'stablehlo.all_to_all'(%x) {{split_dimension = 0 : i64, concat_dimension = 1 : i64,
        split_count = 1 : i64, {ALONE}}} {SAME_TYPE}""".replace("'", '"'),
    "collective_broadcast": f'"stablehlo.collective_broadcast"(%x) {{{ALONE}}} {SAME_TYPE}',
    "collective_permute": f"""'stablehlo.collective_permute'(%x)
        {{source_target_pairs = dense<0> : tensor<1x2xi64>}} {SAME_TYPE}""".replace("'", '"'),
}


@pytest.mark.parametrize("name", list(COLLECTIVES))
def test_collectives_of_one_process_change_nothing(name: str) -> None:
    text = program("%x: tensor<2x3xf32>", "tensor<2x3xf32>", f"%0 = {COLLECTIVES[name]}")
    same(run(text, X)[0], X)


def test_nobody_sends_to_this_process() -> None:
    permute = COLLECTIVES["collective_permute"].replace(
        "dense<0> : tensor<1x2xi64>", "dense<> : tensor<0x2xi64>"
    )
    text = program("%x: tensor<2x3xf32>", "tensor<2x3xf32>", f"%0 = {permute}")
    same(run(text, X)[0], np.zeros_like(X))


def test_collectives_of_several_processes_are_refused() -> None:
    op = COLLECTIVES["all_reduce"].replace(
        "dense<0> : tensor<1x1xi64>", "dense<[[0, 1]]> : tensor<1x2xi64>"
    )
    with pytest.raises(SlopecError, match="it spans 2 processes"):
        run(program("%x: tensor<2x3xf32>", "tensor<2x3xf32>", f"%0 = {op}"), X)


def test_process_ids() -> None:
    text = program(
        "",
        "tensor<ui32>, tensor<ui32>",
        "%0 = stablehlo.replica_id : tensor<ui32>\n%1 = stablehlo.partition_id : tensor<ui32>",
        "%0, %1",
    )
    assert [int(value) for value in run(text)] == [0, 0]


# --- quantisation ---


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
        (np.clip(np.rint(x / [0.5, 0.25, 1]) + [1, 0, -2], -128, 127) - [1, 0, -2]) * [0.5, 0.25, 1]
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
