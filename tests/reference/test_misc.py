"""The rest: dynamic shapes, batch normalisation and constants."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from slopec import dtypes, ir
from tests.reference.harness import dtype, program, run, same, sample

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


@pytest.mark.parametrize(
    ("kind", "spelled", "value"),
    [
        ("f32", "2.5 : f32", 2.5),
        ("bf16", "1.5 : bf16", 1.5),
        ("ui8", "3 : ui8", 3),
        ("i1", "true", True),
        ("complex<f32>", "#complex.number<:f32 1.0, -2.0>", 1 - 2j),
    ],
)
def test_constant_like(kind: str, spelled: str, value: complex) -> None:
    type_ = f"tensor<2x3x{kind}>"
    text = program(
        f"%x: {type_}",
        type_,
        f'%0 = "chlo.constant_like"(%x) {{value = {spelled}}} : ({type_}) -> {type_}',
    )
    x = np.zeros((2, 3), dtypes.FROM_MLIR[kind])
    same(run(text, x)[0], np.full((2, 3), value).astype(x.dtype))
