"""What has no derivative says so at its line, why, and what to do instead."""

import pytest

from slopec import ir
from slopec.diagnostics import TransformError
from slopec.transforms.derive import derive
from slopec.transforms.function import declare_jvp, declare_vjp, differentiable
from tests.transforms.cases.rewritten import module, one
from tests.transforms.harness import traced_of

DIVIDE = """({
  ^bb0(%x: tensor<f64>, %y: tensor<f64>):
    %z = stablehlo.divide %x, %y : tensor<f64>
    stablehlo.return %z : tensor<f64>
})"""
MAP_INDEX = """({
  ^bb0(%x: tensor<f64>):
    %z = stablehlo.custom_call @f(%x) : (tensor<f64>) -> tensor<f64>
    stablehlo.return %z : tensor<f64>
})"""
INSERT = (
    "scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], "
    "scatter_dims_to_operand_dims = [0], index_vector_dim = 1>"
)
QUANTIZED = "tensor<3x!quant.uniform<i8:f32, 0.1>>"

REFUSED = {
    "unknown custom call": (
        module(
            ["3xf64"],
            ["3xf64"],
            "%r = stablehlo.custom_call @my_kernel(%a) : (tensor<3xf64>) -> tensor<3xf64>",
        ),
        "stablehlo.custom_call calls a target whose derivative is not known",
        "sp.custom_vjp",
    ),
    "order of polygamma": (
        one("chlo.polygamma", ["3xf64", "3xf64"], ["3xf64"]),
        "chlo.polygamma has no derivative in its order",
        "hold the order constant",
    ),
    "exponent of zeta": (
        one("chlo.zeta", ["3xf64", "3xf64"], ["3xf64"]),
        "chlo.zeta has no derivative in its exponent",
        "constant",
    ),
    "scatter by division": (
        one(
            "stablehlo.scatter",
            ["5xf64", "3x1xi32", "3xf64"],
            ["5xf64"],
            f"{{{INSERT}}}",
            DIVIDE,
        ),
        "stablehlo.scatter with this body has no derivative rule",
        "declare the indices unique",
    ),
    "map of a custom call": (
        one("stablehlo.map", ["3xf64"], ["3xf64"], "{dimensions = array<i64: 0>}", MAP_INDEX),
        "stablehlo.map with this body has no derivative rule",
        "scalar operations alone",
    ),
    "all_reduce by division": (
        one(
            "stablehlo.all_reduce",
            ["3xf64"],
            ["3xf64"],
            "{replica_groups = dense<0> : tensor<1x1xi64>}",
            DIVIDE,
        ),
        "stablehlo.all_reduce with this body has no derivative rule",
        "sum, max or min",
    ),
    "collective_reduce": (
        one(
            "stablehlo.collective_reduce",
            ["3xf64"],
            ["3xf64"],
            "{replica_groups = dense<0> : tensor<1x1xi64>}",
            DIVIDE.replace("divide", "add"),
        ),
        "stablehlo.collective_reduce leaves a result on one process",
        "all_reduce",
    ),
    "sizes from data": (
        module(
            ["5xf64", "1xi32"],
            ["5xf64"],
            "%p = stablehlo.dynamic_reshape %a, %b : (tensor<5xf64>, tensor<1xi32>) -> tensor<?xf64>",
            "%n = stablehlo.constant dense<5> : tensor<1xi32>",
            "%r = stablehlo.dynamic_reshape %p, %n : (tensor<?xf64>, tensor<1xi32>) "
            "-> tensor<5xf64>",
        ),
        "stablehlo.dynamic_reshape has sizes that are known only at run time",
        "static shapes",
    ),
    "quantization": (
        module(
            ["3xf32"],
            ["3xf32"],
            f"%q = stablehlo.uniform_quantize %a : (tensor<3xf32>) -> {QUANTIZED}",
            f"%r = stablehlo.uniform_dequantize %q : ({QUANTIZED}) -> tensor<3xf32>",
        ),
        "rounds to a few values and has no derivative",
        "quantize afterwards",
    ),
}


@pytest.mark.parametrize("mode", ["vjp", "jvp"])
@pytest.mark.parametrize("name", REFUSED)
def test_refusal(name, mode):
    text, why, hint = REFUSED[name]
    given = ir.parse(text)
    main = traced_of(given, "main")
    declare = {"vjp": declare_vjp, "jvp": declare_jvp}[mode]
    declare(given, main, differentiable(main.inputs), differentiable(main.outputs))

    with pytest.raises(TransformError) as caught:
        derive(given)

    error = caught.value
    assert why in error.message
    assert hint in (error.hint or "")
    assert error.span is not None
    assert error.code in ("S0201", "S0202")
