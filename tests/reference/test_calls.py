"""Custom calls and collectives: what has one meaning on one device is done, the rest is refused."""

import jax
import numpy as np
import pytest

from slopec.diagnostics import SlopecError
from tests.reference.harness import program, run, same, sample

X = sample((2, 3), "float32")

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
    several = text.replace("tensor<i1>", "tensor<2xi1>")
    assert run(several, np.array([True, True])) == []
    with pytest.raises(SlopecError, match="batch must be even"):
        run(several, np.array([True, False]))


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
