"""Collectives, communication and custom calls: of one device, or refused."""

from collections.abc import Iterator
from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import scipy.special
from jax import lax
from jax.extend.random import threefry_2x32

from tests.sweep.case import Case
from tests.sweep.modules import case, combine, one_op, sample, traced, type_of
from tests.sweep.programs import program

X = sample((4, 6))
T = type_of(X)
GROUP = "replica_groups = dense<0> : tensor<1x1xi64>"
UNKNOWN = "S0302"
"""The code of what no back end compiles."""


def cases() -> Iterator[Case]:
    yield from collectives()
    yield from communication()
    yield from known_calls()
    yield from packed_calls()
    yield from quantized()


def collectives() -> Iterator[Case]:
    add = combine("add", "float32")
    for extra in ("", ", channel_handle = #stablehlo.channel_handle<handle = 1, type = 1>"):
        word = "in a channel" if extra else "plain"
        yield one_op(f"all_reduce/{word}", [X], [X], GROUP + extra, [add])
        yield one_op(f"all_gather/{word}", [X], [X], f"all_gather_dim = 1 : i64, {GROUP}{extra}")
        yield one_op(f"reduce_scatter/{word}", [X], [X], f"scatter_dimension = 0 : i64, {GROUP}{extra}", [add])  # fmt: skip
        yield one_op(f"all_to_all/{word}", [X], [X], f"split_dimension = 1 : i64, concat_dimension = 0 : i64, split_count = 1 : i64, {GROUP}{extra}")  # fmt: skip
        yield one_op(f"collective_permute/{word}", [X], [X], f"source_target_pairs = dense<0> : tensor<1x2xi64>{extra}")  # fmt: skip
        yield one_op(f"collective_broadcast/{word}", [X], [X], GROUP + extra)
    yield one_op("collective_permute/to nobody", [X], [0 * np.abs(X)], "source_target_pairs = dense<> : tensor<0x2xi64>")  # fmt: skip
    yield one_op("all_reduce/maximum", [X], [X], GROUP, [combine("maximum", "float32")])
    yield one_op("all_reduce/of integers", [sample((3,), "int8")], [sample((3,), "int8")], GROUP, [combine("add", "int8")])  # fmt: skip
    for name in ("replica_id", "partition_id"):
        yield one_op(f"{name}/plain", [], [np.uint32(0)])
    yield case("cross-replica-sum/plain", [X], [X], f'%r = "stablehlo.cross-replica-sum"(%0) {{{GROUP}}} : ({T}) -> {T}')  # fmt: skip
    two = "replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>"
    wide = np.concatenate([X, X], 1)
    for refused in (
        one_op("all_reduce/of two", [X], [X], two, [add]),
        one_op("all_gather/of two", [X], [wide], f"all_gather_dim = 1 : i64, {two}"),
        one_op("collective_permute/to another", [X], [X], "source_target_pairs = dense<[[0, 1]]> : tensor<1x2xi64>"),
    ):  # fmt: skip
        yield replace(refused, refusal=UNKNOWN)


def communication() -> Iterator[Case]:
    token, channel = "!stablehlo.token", "channel_handle = #stablehlo.channel_handle<handle = 1, type = 2>"  # fmt: skip
    make = f"%t = stablehlo.create_token : {token}\n"
    bodies = {
        "infeed": f'%r, %u = "stablehlo.infeed"(%t) {{infeed_config = ""}} : ({token}) -> ({T}, {token})',
        "outfeed": f'%u = "stablehlo.outfeed"(%0, %t) {{outfeed_config = ""}} : ({T}, {token}) -> {token}\n%r = stablehlo.add %0, %0 : {T}',
        "send": f'%u = "stablehlo.send"(%0, %t) {{{channel}}} : ({T}, {token}) -> {token}\n%r = stablehlo.add %0, %0 : {T}',
        "recv": f'%r, %u = "stablehlo.recv"(%t) {{{channel}, is_host_transfer = true}} : ({token}) -> ({T}, {token})',
    }
    for name, body in bodies.items():
        text = program([X], make + body, T)
        yield Case(f"{name}/of one", text, (X,), (X,), ("float32",), refusal=UNKNOWN)
    after = f"{make}%u = stablehlo.after_all %t, %t : {token}\n%r = stablehlo.add %0, %0 : {T}"
    yield case("after_all/tokens", [X], [X + X], after)


def call(
    what: str, target: str, inputs: list, outputs: list, facts: str = "", **how: object
) -> Case:
    operands = ", ".join(f"%{i}" for i in range(len(inputs)))
    types, made = (", ".join(map(type_of, xs)) for xs in (inputs, outputs))
    count = f":{len(outputs)}" if len(outputs) > 1 else ""
    body = f'%r{count} = "stablehlo.custom_call"({operands}) {{call_target_name = "{target}"{facts}}} : ({types}) -> ({made})'  # fmt: skip
    return case(f"custom_call/{what}", inputs, outputs, body, **how)


def known_calls() -> Iterator[Case]:
    for target in ("Sharding", "SPMDFullToShardShape", "SPMDShardToFullShape", "annotate_device_placement", "LayoutConstraint", "MoveToDevice", "MoveToHost", "xla.sdy.FuncResultSharding"):  # fmt: skip
        yield call(f"@{target}", target, [X], [X])
    refused = call("@nobody knows", "nobody_knows", [X], [X])
    yield replace(refused, refusal=UNKNOWN)
    refused = call("with effects", "xla_python_cpu_callback", [X], [X], ", has_side_effect = true")
    yield replace(refused, refusal=UNKNOWN)
    wide = X.astype("float64")
    functions = {"erf": scipy.special.erf, "sinh": np.sinh, "cosh": np.cosh, "asinh": np.arcsinh, "tan": np.tan}  # fmt: skip
    for name, function in functions.items():
        for prefix in ("mhlo", "chlo"):
            small = call(f"@{prefix}.{name}", f"{prefix}.{name}", [X / 8], [X])
            yield replace(small, expected=(function(wide / 8),), ulps=16)
    order = np.argsort(-X, 1, kind="stable")[:, :3]
    top = [np.take_along_axis(X, order, 1), order.astype("int32")]
    for target in ("mhlo.topk", "mhlo.top_k", "chlo.top_k"):
        yield call(f"@{target}", target, [X], top, ", mhlo.attributes = {k = 3 : i64, largest = true}, mhlo.version = 1 : i64")  # fmt: skip
    up = np.argsort(X, 1, kind="stable")[:, :3]
    yield call("@mhlo.topk of the smallest", "mhlo.topk", [X], [np.take_along_axis(X, up, 1), up.astype("int32")], ", mhlo.attributes = {k = 3 : i64, largest = false}, mhlo.version = 1 : i64")  # fmt: skip
    holds = np.True_
    body = f'"stablehlo.custom_call"(%1) {{call_target_name = "shape_assertion", error_message = "no", has_side_effect = true}} : (tensor<i1>) -> ()\n%r = stablehlo.add %0, %0 : {T}'
    yield case("custom_call/@shape_assertion", [X, holds], [X + X], body)


def packed_calls() -> Iterator[Case]:
    """What frameworks write for a platform rather than for none."""
    yield traced("custom_call/@ApproxTopK", lambda x: lax.approx_max_k(x, 2), X)
    yield traced("custom_call/cumulative sums", lambda x: (jnp.cumsum(x, 1), jnp.cumprod(x / 8, 0)), X, ulps=64)  # fmt: skip
    key, bits = np.uint32([7, 2**31 + 5]), np.arange(12, dtype="uint32") * np.uint32(99991)
    made = [np.asarray(y) for y in jnp.split(threefry_2x32(key, bits), 2)]
    keys = [np.full(6, k) for k in key]
    for target in ("cu_threefry2x32", "cu_threefry2x32_ffi"):
        yield call(f"@{target}", target, [*keys, *np.split(bits, 2)], made)


def quantized() -> Iterator[Case]:
    q = "tensor<4x6x!quant.uniform<i8:f32, 5.0e-1:3>>"
    there = f"%q = stablehlo.uniform_quantize %0 : ({T}) -> {q}\n"
    back = f"%r = stablehlo.uniform_dequantize %s : ({q}) -> {T}"
    for word, between in {
        "there and back": "",
        "arithmetic": f"%s = stablehlo.add %q, %q : {q}\n",
    }.items():
        text = there + (between or "") + (back if between else back.replace("%s", "%q"))
        yield replace(case(f"uniform_quantize/{word}", [X], [X], text), refusal=UNKNOWN)
