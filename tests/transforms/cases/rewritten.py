"""Ops that are rewritten into others before they are derived, and ops known by their text alone."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from tests.transforms.harness import Case, normal, spread


def module(arguments, result, *lines, more=""):
    """A module whose function `main` takes `%a`, `%b` … and returns `%r`."""
    given = ", ".join(f"%{n}: tensor<{t}>" for n, t in zip("abcdefg", arguments, strict=False))
    results = [f"tensor<{t}>" for t in result]
    names = ["%r"] if len(results) == 1 else [f"%r#{i}" for i in range(len(results))]
    types, body = ", ".join(results), "\n".join(lines)
    return f"""
    module {{
      func.func public @main({given}) -> ({types}) {{
        {body}
        return {", ".join(names)} : {types}
      }}
      {more}
    }}"""


def one(op, arguments, result, attributes="{}", region=""):
    """A module of one op."""
    names = ", ".join(f"%{n}" for n, _ in zip("abcdefg", arguments, strict=False))
    types = ", ".join(f"tensor<{t}>" for t in arguments)
    results = ", ".join(f"tensor<{t}>" for t in result)
    count = f":{len(result)}" if len(result) > 1 else ""
    line = f'%r{count} = "{op}"({names}) {region} {attributes} : ({types}) -> ({results})'
    return module(arguments, result, line)


def batch_norm(x, scale, offset, mean, variance):
    shape = (1, -1, 1)
    centered = (x - mean.reshape(shape)) / jnp.sqrt(variance.reshape(shape) + 0.01)
    return centered * scale.reshape(shape) + offset.reshape(shape)


def batch_norm_training(x, scale, offset):
    mean, variance = x.mean((0, 2)), x.var((0, 2))
    return batch_norm(x, scale, offset, mean, variance), mean, variance


def batch_norm_grad(x, scale, mean, variance, ct):
    """Through the statistics too, which are given."""

    def trained(x, scale, offset):
        own = x.mean((0, 2)), x.var((0, 2))
        stopped = [lax.stop_gradient(s) for s in own]
        shifted = [g + s - t for g, s, t in zip((mean, variance), own, stopped, strict=True)]
        return batch_norm(x, scale, offset, *shifted)

    return jax.vjp(trained, x, scale, jnp.zeros_like(scale))[1](ct)


NORM = "{epsilon = 0.01 : f32, feature_index = 1 : i64}"
X = normal(4, 3, 5)
SCALE, OFFSET, MEAN = normal(3), normal(3, seed=1), normal(3, seed=2)

BROADCASTING = {
    "add": jnp.add,
    "atan2": jnp.arctan2,
    "divide": jnp.divide,
    "maximum": jnp.maximum,
    "minimum": jnp.minimum,
    "multiply": jnp.multiply,
    "power": jnp.power,
    "remainder": jnp.remainder,
    "subtract": jnp.subtract,
    "complex": lambda a, b: lax.complex(*jnp.broadcast_arrays(a, b)),
}
F64 = "tensor<f64>"
SIN_TIMES = f"""({{
  ^bb0(%x: {F64}, %y: {F64}):
    %s = stablehlo.sine %x : {F64}
    %c = stablehlo.constant dense<2.0> : {F64}
    %t = stablehlo.multiply %s, %y : {F64}
    %u = stablehlo.add %t, %c : {F64}
    stablehlo.return %u : {F64}
}})"""
SCAN = """
  %r:2 = "chlo.scan"(%a, %b) <{dimension = 1 : i64, is_reverse = REVERSE,
      operandSegmentSizes = array<i32: 1, 1>, resultSegmentSizes = array<i32: 1, 1>}> ({
  ^bb0(%x: tensor<3xf64>, %y: tensor<3xf64>):
    %s = stablehlo.sine %y : tensor<3xf64>
    %t = stablehlo.multiply %s, %x : tensor<3xf64>
    %u = stablehlo.add %t, %y : tensor<3xf64>
    stablehlo.return %t, %u : tensor<3xf64>, tensor<3xf64>
  }) : (tensor<3x4xf64>, tensor<3xf64>) -> (tensor<3x4xf64>, tensor<3xf64>)
"""


def scan(reverse):
    def step(carry, x):
        item = jnp.sin(carry) * x
        return item + carry, item

    def function(xs, start):
        last, items = lax.scan(step, start, xs.T, reverse=reverse)
        return items.T, last

    return function


def ragged(lhs, rhs, result, numbers):
    text = f"{{ragged_dot_dimension_numbers = #chlo.ragged_dot<{numbers}>}}"
    return one("chlo.ragged_dot", [lhs, rhs, "3xi32"], [result], text)


SIZES = np.int32([2, 0, 3])
CONTRACT = "lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [{}]"
PACKED = """
func.func private @impl(%x: tensor<3x4xf64>) -> tensor<3x4xf64> {
  %y = stablehlo.exponential %x : tensor<3x4xf64>
  return %y : tensor<3x4xf64>
}"""

TOP_K = """
func.func private @impl(%x: tensor<3x4xf64>) -> (tensor<3x2xf64>, tensor<3x2xi32>) {
  %y:2 = chlo.top_k(%x, k = 2) : tensor<3x4xf64> -> (tensor<3x2xf64>, tensor<3x2xi32>)
  return %y#0, %y#1 : tensor<3x2xf64>, tensor<3x2xi32>
}"""

CASES = [
    Case(
        "dot",
        one("stablehlo.dot", ["3x4xf64", "4xf64"], ["3xf64"]),
        (normal(3, 4), normal(4)),
        jax=jnp.dot,
    ),
    Case(
        "broadcast",
        one("stablehlo.broadcast", ["2xf64"], ["3x2xf64"], "{broadcast_sizes = array<i64: 3>}"),
        (normal(2),),
        jax=lambda x: lax.broadcast(x, (3,)),
    ),
    Case(
        "einsum",
        one(
            "stablehlo.einsum",
            ["2x3xf64", "3x2x4xf64"],
            ["4x3xf64"],
            '{einsum_config = "ab, bac -> cb"}',
        ),
        (normal(2, 3), normal(3, 2, 4)),
        jax=lambda x, y: jnp.einsum("ab,bac->cb", x, y),
    ),
    Case(
        "unary_einsum",
        one("stablehlo.unary_einsum", ["3x2x3xf64"], ["2xf64"], '{einsum_config = "aba->b"}'),
        (normal(3, 2, 3),),
        jax=lambda x: jnp.einsum("aba->b", x),
    ),
    Case(
        "map",
        one(
            "stablehlo.map",
            ["2x3xf64", "2x3xf64"],
            ["2x3xf64"],
            "{dimensions = array<i64: 0, 1>}",
            SIN_TIMES,
        ),
        (normal(2, 3), normal(2, 3, seed=1)),
        jax=lambda x, y: jnp.sin(x) * y + 2.0,
    ),
    Case(
        "torch_index_select",
        one(
            "stablehlo.torch_index_select",
            ["2x5x3xf64", "4xi32"],
            ["2x4x3xf64"],
            "{dim = 1 : i64, batch_dims = 0 : i64}",
        ),
        (normal(2, 5, 3), np.int32([1, 4, 4, 0])),
        jax=lambda x, i: jnp.take(x, i, 1),
    ),
    Case(
        "torch_index_select in batches",
        one(
            "stablehlo.torch_index_select",
            ["2x5x3xf64", "2x4xi32"],
            ["2x4x3xf64"],
            "{dim = 1 : i64, batch_dims = 1 : i64}",
        ),
        (normal(2, 5, 3), np.int32([[1, 4, 4, 0], [2, 2, 0, 1]])),
        jax=jax.vmap(lambda x, i: jnp.take(x, i, 0)),
    ),
    Case(
        "tuple",
        module(
            ["3xf64", "3xf64"],
            ["3xf64"],
            "%t = stablehlo.tuple %a, %b : tuple<tensor<3xf64>, tensor<3xf64>>",
            "%u = stablehlo.tuple %t, %a : tuple<tuple<tensor<3xf64>, tensor<3xf64>>, tensor<3xf64>>",
            '%v = "stablehlo.get_tuple_element"(%u) {index = 0 : i32} : (tuple<tuple<tensor<3xf64>, '
            "tensor<3xf64>>, tensor<3xf64>>) -> tuple<tensor<3xf64>, tensor<3xf64>>",
            '%w = "stablehlo.get_tuple_element"(%v) {index = 1 : i32} : '
            "(tuple<tensor<3xf64>, tensor<3xf64>>) -> tensor<3xf64>",
            "%r = stablehlo.sine %w : tensor<3xf64>",
        ),
        (normal(3), normal(3, seed=1)),
        jax=lambda a, b: jnp.sin(b),
    ),
    Case(
        "batch_norm_inference",
        one("stablehlo.batch_norm_inference", ["4x3x5xf64", *["3xf64"] * 4], ["4x3x5xf64"], NORM),
        (X, SCALE, OFFSET, MEAN, spread(3)),
        jax=batch_norm,
    ),
    Case(
        "batch_norm_training",
        one(
            "stablehlo.batch_norm_training",
            ["4x3x5xf64", *["3xf64"] * 2],
            ["4x3x5xf64", "3xf64", "3xf64"],
            NORM,
        ),
        (X, SCALE, OFFSET),
        jax=batch_norm_training,
    ),
    Case(
        "batch_norm_grad",
        one(
            "stablehlo.batch_norm_grad",
            ["4x3x5xf64", *["3xf64"] * 3, "4x3x5xf64"],
            ["4x3x5xf64", "3xf64", "3xf64"],
            NORM,
        ),
        (X, SCALE, X.mean((0, 2)), X.var((0, 2)), normal(4, 3, 5, seed=3)),
    ),
    *(
        Case(
            f"broadcast_{name}",
            one(
                f"chlo.broadcast_{name}",
                ["2x1x3xf64", "4x1xf64"],
                ["2x4x3xcomplex<f64>" if name == "complex" else "2x4x3xf64"],
            ),
            (spread(2, 1, 3), spread(4, 1) + 0.1),
            jax=function,
        )
        for name, function in BROADCASTING.items()
    ),
    Case(
        "broadcast_add, placed",
        one(
            "chlo.broadcast_add",
            ["2x3xf64", "2xf64"],
            ["2x3xf64"],
            "{broadcast_dimensions = array<i64: 0>}",
        ),
        (normal(2, 3), normal(2)),
        jax=lambda a, b: a + b[:, None],
    ),
    *(
        Case(
            f"broadcast_{name}",
            one(f"chlo.broadcast_{name}", ["3xf64", "f64"], ["3xf64"]),
            (np.array([1.0, 2.0, 3.0]), np.array(2.3)),
            numeric=False,
            jax=False,
            wrt=(1,) if name != "next_after" else None,
        )
        for name in ("next_after", "polygamma")
    ),
    Case(
        "broadcast_zeta",
        one("chlo.broadcast_zeta", ["f64", "3xf64"], ["3xf64"]),
        (np.array(2.3), np.array([1.0, 2.0, 3.0])),
        wrt=(1,),
    ),
    Case(
        "broadcast_select",
        module(
            ["2x3xf64", "3xf64"],
            ["2x3xf64"],
            "%p = chlo.broadcast_compare %a, %b {comparison_direction = "
            "#chlo<comparison_direction LT>} : (tensor<2x3xf64>, tensor<3xf64>) -> tensor<2x3xi1>",
            "%r = chlo.broadcast_select %p, %a, %b : "
            "(tensor<2x3xi1>, tensor<2x3xf64>, tensor<3xf64>) -> tensor<2x3xf64>",
        ),
        (normal(2, 3), normal(3)),
        jax=jnp.minimum,
    ),
    Case(
        "composite",
        module(
            ["3x4xf64"],
            ["3x4xf64"],
            '%r = stablehlo.composite "my.exp" %a {decomposition = @impl} : '
            "(tensor<3x4xf64>) -> tensor<3x4xf64>",
            more=PACKED,
        ),
        (normal(3, 4),),
        jax=jnp.exp,
    ),
    Case(
        "composite of chlo",
        module(
            ["3x4xf64"],
            ["3x2xf64", "3x2xi32"],
            '%r:2 = stablehlo.composite "chlo.top_k" %a {composite_attributes = {k = 2 : i64}, '
            "decomposition = @impl} : (tensor<3x4xf64>) -> (tensor<3x2xf64>, tensor<3x2xi32>)",
            more=TOP_K,
        ),
        (normal(3, 4),),
        jax=lambda x: lax.top_k(x, 2),
    ),
    Case(
        "custom_call of mhlo",
        module(
            ["3x4xf64"],
            ["3x4xf64"],
            "%s = stablehlo.custom_call @Sharding(%a) : (tensor<3x4xf64>) -> tensor<3x4xf64>",
            "%r = stablehlo.custom_call @mhlo.erf(%s) {mhlo.attributes = {}} : "
            "(tensor<3x4xf64>) -> tensor<3x4xf64>",
        ),
        (normal(3, 4),),
        jax=lax.erf,
    ),
    *(
        Case(
            f"scan {'backwards' if reverse else 'forwards'}",
            module(
                ["3x4xf64", "3xf64"],
                ["3x4xf64", "3xf64"],
                SCAN.replace("REVERSE", str(reverse).lower()),
            ),
            (normal(3, 4), normal(3)),
            jax=scan(reverse),
        )
        for reverse in (False, True)
    ),
    Case(
        "ragged_dot by rows",
        ragged(
            "6x4xf64",
            "3x4x2xf64",
            "6x2xf64",
            CONTRACT.format(1) + ", lhs_ragged_dimensions = [0], rhs_group_dimensions = [0]",
        ),
        (normal(6, 4), normal(3, 4, 2), SIZES),
        jax=lax.ragged_dot,
    ),
    Case(
        "ragged_dot by terms",
        ragged(
            "4x5xf64", "5x2xf64", "3x4x2xf64", CONTRACT.format(0) + ", lhs_ragged_dimensions = [1]"
        ),
        (normal(4, 5), normal(5, 2), SIZES),
    ),
    Case(
        "ragged_dot by batches",
        ragged(
            "5x3x4xf64",
            "5x4x2xf64",
            "5x3x2xf64",
            "lhs_batching_dimensions = [0], rhs_batching_dimensions = [0], "
            "lhs_contracting_dimensions = [2], rhs_contracting_dimensions = [1], "
            "lhs_ragged_dimensions = [0]",
        ),
        (normal(5, 3, 4), normal(5, 4, 2), SIZES),
        jax=lambda a, b, _: a @ b,
    ),
    Case(
        "dynamic_broadcast_in_dim",
        module(
            ["3xf64"],
            ["2x3xf64"],
            "%s = stablehlo.constant dense<[2, 3]> : tensor<2xi32>",
            '%r = "stablehlo.dynamic_broadcast_in_dim"(%a, %s) {broadcast_dimensions = '
            "array<i64: 1>} : (tensor<3xf64>, tensor<2xi32>) -> tensor<2x3xf64>",
        ),
        (normal(3),),
    ),
    Case(
        "dynamic_reshape",
        module(
            ["2x3xf64"],
            ["6xf64"],
            "%s = stablehlo.constant dense<[6]> : tensor<1xi32>",
            "%r = stablehlo.dynamic_reshape %a, %s : (tensor<2x3xf64>, tensor<1xi32>) "
            "-> tensor<6xf64>",
        ),
        (normal(2, 3),),
    ),
    Case(
        "dynamic_pad",
        module(
            ["2x3xf64", "f64"],
            ["4x5xf64"],
            "%n = stablehlo.get_dimension_size %a, dim = 0 : (tensor<2x3xf64>) -> tensor<i32>",
            "%o = stablehlo.reshape %n : (tensor<i32>) -> tensor<1xi32>",
            "%z = stablehlo.constant dense<0> : tensor<1xi32>",
            "%l = stablehlo.concatenate %o, %z, dim = 0 : (tensor<1xi32>, tensor<1xi32>) "
            "-> tensor<2xi32>",
            "%h = stablehlo.constant dense<0> : tensor<2xi32>",
            "%i = stablehlo.constant dense<[0, 1]> : tensor<2xi32>",
            "%r = stablehlo.dynamic_pad %a, %b, %l, %h, %i : (tensor<2x3xf64>, tensor<f64>, "
            "tensor<2xi32>, tensor<2xi32>, tensor<2xi32>) -> tensor<4x5xf64>",
        ),
        (normal(2, 3), np.array(0.5)),
    ),
    Case(
        "dynamic_pad at run time",
        module(
            ["2x3xf64", "f64", "2xi32"],
            ["4x5xf64"],
            "%n = stablehlo.constant dense<2> : tensor<2xi32>",
            "%h = stablehlo.subtract %n, %c : tensor<2xi32>",
            "%i = stablehlo.constant dense<0> : tensor<2xi32>",
            "%r = stablehlo.dynamic_pad %a, %b, %c, %h, %i : (tensor<2x3xf64>, tensor<f64>, "
            "tensor<2xi32>, tensor<2xi32>, tensor<2xi32>) -> tensor<4x5xf64>",
        ),
        (normal(2, 3), np.array(0.5), np.int32([2, -1])),
    ),
    Case(
        "dynamic_conv at run time",
        module(
            ["1x5x2xf64", "3x2x4xf64", "1x2xi32"],
            ["1x4x4xf64"],
            '%r = "stablehlo.dynamic_conv"(%a, %b, %c) {dimension_numbers = #stablehlo.conv<'
            "[b, 0, f]x[0, i, o]->[b, 0, f]>, feature_group_count = 1 : i64, "
            "batch_group_count = 1 : i64} : (tensor<1x5x2xf64>, tensor<3x2x4xf64>, "
            "tensor<1x2xi32>) -> tensor<1x4x4xf64>",
        ),
        (normal(1, 5, 2), normal(3, 2, 4), np.int32([[1, 0]])),
    ),
    Case(
        "dynamic_gather",
        module(
            ["5x3xf64", "2x1xi32"],
            ["2x3xf64"],
            "%s = stablehlo.constant dense<[1, 3]> : tensor<2xi32>",
            '%r = "stablehlo.dynamic_gather"(%a, %b, %s) {dimension_numbers = #stablehlo.gather<'
            "offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], "
            "index_vector_dim = 1>} : (tensor<5x3xf64>, tensor<2x1xi32>, tensor<2xi32>) "
            "-> tensor<2x3xf64>",
        ),
        (normal(5, 3), np.int32([[4], [4]])),
    ),
    Case(
        "dynamic_conv",
        module(
            ["1x5x2xf64", "3x2x4xf64"],
            ["1x4x4xf64"],
            "%p = stablehlo.constant dense<[[1, 0]]> : tensor<1x2xi32>",
            '%r = "stablehlo.dynamic_conv"(%a, %b, %p) {dimension_numbers = #stablehlo.conv<'
            "[b, 0, f]x[0, i, o]->[b, 0, f]>, feature_group_count = 1 : i64, "
            "batch_group_count = 1 : i64} : (tensor<1x5x2xf64>, tensor<3x2x4xf64>, "
            "tensor<1x2xi32>) -> tensor<1x4x4xf64>",
        ),
        (normal(1, 5, 2), normal(3, 2, 4)),
    ),
    Case(
        "real_dynamic_slice",
        module(
            ["7x3xf64", "2xi32"],
            ["3x2xf64"],
            "%s = stablehlo.constant dense<[2, 1]> : tensor<2xi32>",
            "%n = stablehlo.constant dense<[5, 2]> : tensor<2xi32>",
            "%l = stablehlo.add %b, %n : tensor<2xi32>",
            "%r = stablehlo.real_dynamic_slice %a, %b, %l, %s : (tensor<7x3xf64>, tensor<2xi32>, "
            "tensor<2xi32>, tensor<2xi32>) -> tensor<3x2xf64>",
        ),
        (normal(7, 3), np.int32([1, 1])),
    ),
]
