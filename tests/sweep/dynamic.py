"""Ops whose sizes are operands, where these are constants or follow from shapes."""

from collections.abc import Iterator, Sequence

import numpy as np
from jax import lax

from tests.sweep.case import Case
from tests.sweep.convolving import Window, convolve
from tests.sweep.modules import case, sample, type_of, wide

X = sample((3, 4))


def ints(name: str, values: Sequence[int], kind: str = "i32") -> str:
    """A constant of sizes."""
    return f"%{name} = stablehlo.constant dense<{list(values)}> : tensor<{len(values)}x{kind}>\n"


def cases() -> Iterator[Case]:
    for kind in ("i32", "i64"):
        yield from shapes(kind)
        yield from at_run_time(kind)
    yield from sizes()
    yield from chains()


def shapes(kind: str) -> Iterator[Case]:
    yield case(f"dynamic_reshape/{kind}", [X], [X.reshape(2, 6)], ints("s", (2, 6), kind) + f"%r = stablehlo.dynamic_reshape %0, %s : (tensor<3x4xf32>, tensor<2x{kind}>) -> tensor<2x6xf32>")  # fmt: skip
    yield case(f"dynamic_broadcast_in_dim/{kind}", [X], [np.array(np.broadcast_to(X, (2, 3, 4)))], ints("s", (2, 3, 4), kind) + f"%r = stablehlo.dynamic_broadcast_in_dim %0, %s, dims = [1, 2] : (tensor<3x4xf32>, tensor<3x{kind}>) -> tensor<2x3x4xf32>")  # fmt: skip
    yield case(f"dynamic_iota/{kind}", [], [np.array(np.broadcast_to(np.arange(4, dtype="int32"), (3, 4)))], ints("s", (3, 4), kind) + f"%r = stablehlo.dynamic_iota %s, dim = 1 : (tensor<2x{kind}>) -> tensor<3x4xi32>")  # fmt: skip
    padded = np.pad(X, ((1, 0), (0, 2)), constant_values=9)
    body = ints("l", (1, 0), kind) + ints("h", (0, 2), kind) + ints("i", (0, 0), kind)
    yield case(f"dynamic_pad/{kind}", [X, np.float32(9)], [padded], body + f"%r = stablehlo.dynamic_pad %0, %1, %l, %h, %i : (tensor<3x4xf32>, tensor<f32>, tensor<2x{kind}>, tensor<2x{kind}>, tensor<2x{kind}>) -> tensor<4x6xf32>")  # fmt: skip
    body = ints("a", (0, 1), kind) + ints("b", (3, 4), kind) + ints("c", (2, 1), kind)
    yield case(f"real_dynamic_slice/{kind}", [X], [np.array(X[::2, 1:])], body + f"%r = stablehlo.real_dynamic_slice %0, %a, %b, %c : (tensor<3x4xf32>, tensor<2x{kind}>, tensor<2x{kind}>, tensor<2x{kind}>) -> tensor<2x3xf32>")  # fmt: skip
    numbers = "#stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>"  # fmt: skip
    indices = np.int32([2, 9, -1, 0])
    yield case(f"dynamic_gather/{kind}", [X, indices], [X[np.clip(indices, 0, 2)]], ints("n", (1, 4), kind) + f'%r = "stablehlo.dynamic_gather"(%0, %1, %n) {{dimension_numbers = {numbers}, indices_are_sorted = false}} : (tensor<3x4xf32>, tensor<4xi32>, tensor<2x{kind}>) -> tensor<4x4xf32>')  # fmt: skip
    x, w = sample((1, 2, 5, 5)), sample((3, 2, 3, 3))
    y = convolve(wide(x), wide(w), Window(padding=((1, 0), (0, 2)))).astype("float32")
    body = f"%p = stablehlo.constant dense<[[1, 0], [0, 2]]> : tensor<2x2x{kind}>\n"
    body += f"""%r = "stablehlo.dynamic_conv"(%0, %1, %p) {{dimension_numbers = #stablehlo.conv<[b, f, 0, 1]x[o, i, 0, 1]->[b, f, 0, 1]>,
      window_strides = array<i64: 1, 1>, batch_group_count = 1 : i64, feature_group_count = 1 : i64}} : ({type_of(x)}, {type_of(w)}, tensor<2x2x{kind}>) -> {type_of(y)}"""
    yield case(f"dynamic_conv/{kind}", [x, w], [y], body, ulps=4)


def at_run_time(kind: str) -> Iterator[Case]:
    """The numbers come with the call; that the result has its shape is a promise."""
    dtype = kind.replace("i", "int")
    pairs = f"tensor<2x{kind}>"
    for low, high, between in (([1, 0], [0, 2], [0, 0]), ([-1, 2], [3, -1], [1, 2]), ([4, 0], [-3, -1], [0, 3])):  # fmt: skip
        made = np.asarray(lax.pad(X, np.float32(9), list(zip(low, high, between, strict=True))))
        given = [np.array(n, dtype) for n in (low, high, between)]
        yield case(f"dynamic_pad/at run time, {low} {kind}", [X, np.float32(9), *given], [made], f"%r = stablehlo.dynamic_pad %0, %1, %2, %3, %4 : (tensor<3x4xf32>, tensor<f32>, {pairs}, {pairs}, {pairs}) -> {type_of(made)}")  # fmt: skip
    given = [np.array(n, dtype) for n in ((0, 1), (3, 4), (2, 1))]
    yield case(f"real_dynamic_slice/at run time, {kind}", [X, *given], [np.array(X[::2, 1:])], f"%r = stablehlo.real_dynamic_slice %0, %1, %2, %3 : (tensor<3x4xf32>, {pairs}, {pairs}, {pairs}) -> tensor<2x3xf32>")  # fmt: skip
    numbers = "#stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>"  # fmt: skip
    indices = np.int32([2, 9, -1, 0])
    yield case(f"dynamic_gather/at run time, {kind}", [X, indices, np.array([1, 4], dtype)], [X[np.clip(indices, 0, 2)]], f'%r = "stablehlo.dynamic_gather"(%0, %1, %2) {{dimension_numbers = {numbers}, indices_are_sorted = false}} : (tensor<3x4xf32>, tensor<4xi32>, {pairs}) -> tensor<4x4xf32>')  # fmt: skip
    x, w = sample((1, 2, 5, 5)), sample((3, 2, 3, 3))
    for name, how in {
        "padding": Window(padding=((1, 0), (0, 2))),
        "all": Window((2, 1), ((2, -1), (-1, 3)), (1, 2), (2, 1)),
    }.items():
        y = convolve(wide(x), wide(w), how).astype("float32")
        margins = np.array(how.padding, dtype)
        steps = "" if name == "padding" else "lhs_dilation = array<i64: 1, 2>, rhs_dilation = array<i64: 2, 1>,"  # fmt: skip
        strides = "1, 1" if name == "padding" else "2, 1"
        body = f"""%r = "stablehlo.dynamic_conv"(%0, %1, %2) {{dimension_numbers = #stablehlo.conv<[b, f, 0, 1]x[o, i, 0, 1]->[b, f, 0, 1]>, {steps}
          window_strides = array<i64: {strides}>, batch_group_count = 1 : i64, feature_group_count = 1 : i64}} : ({type_of(x)}, {type_of(w)}, tensor<2x2x{kind}>) -> {type_of(y)}"""
        yield case(f"dynamic_conv/at run time, {name} {kind}", [x, w, margins], [y], body, ulps=4)


def sizes() -> Iterator[Case]:
    for dim in (0, 1):
        yield case(f"get_dimension_size/{dim}", [X], [np.int32(X.shape[dim])], f"%r = stablehlo.get_dimension_size %0, dim = {dim} : (tensor<3x4xf32>) -> tensor<i32>")  # fmt: skip
    full = "%n = stablehlo.constant dense<4> : tensor<i32>\n"
    yield case("set_dimension_size/all of it", [X], [X], full + "%r = stablehlo.set_dimension_size %0, %n, dim = 1 : (tensor<3x4xf32>, tensor<i32>) -> tensor<3x4xf32>")  # fmt: skip


def chains() -> Iterator[Case]:
    """Shapes that were dynamic when exported, and are known since the arguments are."""
    body = """%n = stablehlo.get_dimension_size %0, dim = 0 : (tensor<3x4xf32>) -> tensor<i32>
      %a = stablehlo.reshape %n : (tensor<i32>) -> tensor<1xi32>
      %b = stablehlo.constant dense<2> : tensor<1xi32>
      %m = stablehlo.multiply %a, %b : tensor<1xi32>
      %s = stablehlo.concatenate %b, %m, dim = 0 : (tensor<1xi32>, tensor<1xi32>) -> tensor<2xi32>
      %r = stablehlo.dynamic_reshape %0, %s : (tensor<3x4xf32>, tensor<2xi32>) -> tensor<2x6xf32>"""
    yield case("dynamic_reshape/a computed shape", [X], [X.reshape(2, 6)], body)
    inner = """%s = stablehlo.constant dense<[2, 6]> : tensor<2xi32>
      %d = stablehlo.dynamic_reshape %0, %s : (tensor<3x4xf32>, tensor<2xi32>) -> tensor<?x?xf32>
      %e = stablehlo.add %d, %d : tensor<?x?xf32>
      %t = stablehlo.transpose %e, dims = [1, 0] : (tensor<?x?xf32>) -> tensor<?x?xf32>
      %f = stablehlo.constant dense<[12]> : tensor<1xi32>
      %r = stablehlo.dynamic_reshape %t, %f : (tensor<?x?xf32>, tensor<1xi32>) -> tensor<12xf32>"""
    yield case("dynamic_reshape/unknown sizes inside", [X], [(2 * X.reshape(2, 6)).T.ravel()], inner)  # fmt: skip
    inner = """%s = stablehlo.constant dense<[2, 3, 4]> : tensor<3xi32>
      %d = stablehlo.dynamic_broadcast_in_dim %0, %s, dims = [1, 2] : (tensor<3x4xf32>, tensor<3xi32>) -> tensor<?x?x?xf32>
      %z = stablehlo.constant dense<0.0> : tensor<f32>
      %q = stablehlo.reduce(%d init: %z) applies stablehlo.add across dimensions = [0, 1] : (tensor<?x?x?xf32>, tensor<f32>) -> tensor<?xf32>
      %f = stablehlo.constant dense<[4]> : tensor<1xi32>
      %r = stablehlo.dynamic_reshape %q, %f : (tensor<?xf32>, tensor<1xi32>) -> tensor<4xf32>"""
    yield case("dynamic_broadcast_in_dim/unknown sizes inside", [X], [(2 * X).sum(0)], inner, ulps=4)  # fmt: skip
    inner = """%s = stablehlo.constant dense<[5]> : tensor<1xi32>
      %d = stablehlo.dynamic_iota %s, dim = 0 : (tensor<1xi32>) -> tensor<?xi32>
      %t = stablehlo.dynamic_reshape %d, %s : (tensor<?xi32>, tensor<1xi32>) -> tensor<5xi32>
      %r = stablehlo.add %t, %0 : tensor<5xi32>"""
    yield case("dynamic_iota/unknown sizes inside", [np.int32([5, 4, 3, 2, 1])], [np.int32([5] * 5)], inner)  # fmt: skip
    body = """%s = stablehlo.constant dense<[3, 4]> : tensor<2xi32>
      %d = stablehlo.dynamic_reshape %0, %s : (tensor<3x4xf32>, tensor<2xi32>) -> tensor<?x?xf32>
      %e = chlo.broadcast_add %d, %1 : (tensor<?x?xf32>, tensor<4xf32>) -> tensor<?x?xf32>
      %r = stablehlo.dynamic_reshape %e, %s : (tensor<?x?xf32>, tensor<2xi32>) -> tensor<3x4xf32>"""
    yield case("broadcast_add/unknown sizes", [X, X[0]], [X + X[0]], body)
