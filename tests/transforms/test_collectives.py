"""Collectives, on processes that this test plays one after the other."""

import numpy as np
import pytest

from slopec import ir, reference
from tests.transforms.harness import Case, Derived, inner, random, scalar_close

PROCESSES = 4
GROUPS = "replica_groups = dense<[[0, 2], [3, 1]]> : tensor<2x2xi64>"
FOLD = """({{
  ^bb0(%x: tensor<f64>, %y: tensor<f64>):
    %z = stablehlo.{} %x, %y : tensor<f64>
    stablehlo.return %z : tensor<f64>
}})"""


def module(op, attributes, given="4x2", result="4x2", region=""):
    types = f"(tensor<{given}xf64>) -> tensor<{result}xf64>"
    return f"""
    func.func public @main(%a: tensor<{given}xf64>) -> tensor<{result}xf64> {{
      %0 = "stablehlo.{op}"(%a) <{{{attributes}}}> {region} : {types}
      return %0 : tensor<{result}xf64>
    }}"""


EXCHANGE = f"{GROUPS}, split_dimension = 0 : i64, concat_dimension = 1 : i64, split_count = 2 : i64"
PAIRS = "source_target_pairs = dense<[[0, 1], [1, 3], [3, 2]]> : tensor<3x2xi64>"
TEXTS = {
    "all_reduce add": module("all_reduce", GROUPS, region=FOLD.format("add")),
    "all_reduce maximum": module("all_reduce", GROUPS, region=FOLD.format("maximum")),
    "all_gather": module("all_gather", f"{GROUPS}, all_gather_dim = 0 : i64", "4x2", "8x2"),
    "reduce_scatter": module(
        "reduce_scatter", f"{GROUPS}, scatter_dimension = 0 : i64", "4x2", "2x2", FOLD.format("add")
    ),
    "all_to_all": module("all_to_all", EXCHANGE, "4x2", "2x4"),
    "collective_permute": module("collective_permute", PAIRS),
    "collective_broadcast": module("collective_broadcast", GROUPS),
    "cross-replica-sum": module("cross-replica-sum", GROUPS),
}


def groups(op) -> list[list[int]]:
    return np.array(op.attributes["replica_groups"]).tolist()


def exchanged(op, values):
    """The results of a collective for the operands of all processes."""
    name = op.name.removeprefix("stablehlo.")
    shape = ir.type_of(op.results[0])[0] if len(op.results) else ()
    found = [np.zeros(shape) for _ in values]
    if name == "collective_permute":
        for source, target in np.array(op.attributes["source_target_pairs"]):
            found[target] = values[source]
        return found
    for group in groups(op):
        members = [values[process] for process in group]
        for place, process in enumerate(group):
            found[process] = part(op, name, members, place)
    return found


def part(op, name, members, place):
    """What the member at `place` of a group gets."""

    def axis(attribute):
        return int(op.attributes[attribute])

    if name in ("all_reduce", "cross-replica-sum"):
        greatest = name == "all_reduce" and "maximum" in str(op.regions[0].blocks[0])
        return np.max(members, axis=0) if greatest else np.sum(members, axis=0)
    if name == "all_gather":
        return np.concatenate(members, axis("all_gather_dim"))
    if name == "reduce_scatter":
        whole = np.sum(members, axis=0)
        return np.split(whole, len(members), axis("scatter_dimension"))[place]
    if name == "all_to_all":
        parts = [np.split(x, len(members), axis("split_dimension"))[place] for x in members]
        return np.concatenate(parts, axis("concat_dimension"))
    assert name == "collective_broadcast"
    return members[0]


def run(module_, symbol, arguments):
    """The results of a function on every process; `arguments` lists them per process."""
    block = ir.body_of(ir.function(module_, symbol))
    known = {}
    for i, argument in enumerate(block.arguments):
        known[argument] = [given[i] for given in arguments]
    *ops, end = [view.operation for view in block.operations]
    for op in ops:
        operands = [known[operand] for operand in op.operands]
        if op.name == "stablehlo.replica_id":
            known[op.results[0]] = [np.uint32(process) for process in range(PROCESSES)]
        elif "replica_groups" in op.attributes or "source_target_pairs" in op.attributes:
            known[op.results[0]] = exchanged(op, operands[0])
        else:
            known[op.results[0]] = [
                reference.evaluate_op(op, [x[process] for x in operands])[0]
                for process in range(PROCESSES)
            ]
    return [[known[value][process] for value in end.operands] for process in range(PROCESSES)]


@pytest.mark.parametrize("name", TEXTS)
def test_transposes(name):
    given = ir.parse(TEXTS[name])
    (shape,) = (ir.shape_and_dtype(t)[0] for t in ir.function_type(ir.function(given, "main"))[0])
    derived = Derived(Case(name, TEXTS[name], (np.zeros(shape),), order=2, jax=False))
    ins = [derived.inputs[0]] * PROCESSES
    outs = [derived.outputs[0]] * PROCESSES
    xs, us, vs = random(ins, 0), random(ins, 1), random(outs, 2)

    forward = [r[-1] for r in run(derived.module, derived.jvp, list(zip(xs, us, strict=True)))]
    reverse = [r[-1] for r in run(derived.module, derived.vjp, list(zip(xs, vs, strict=True)))]
    step = 1e-6
    ahead, behind = (
        run(derived.module, "main", [(x + s * u,) for x, u in zip(xs, us, strict=True)])
        for s in (step, -step)
    )

    for tangent, (a,), (b,) in zip(forward, ahead, behind, strict=True):
        np.testing.assert_allclose(tangent, (a - b) / (2 * step), rtol=1e-6, atol=1e-6)
    scalar_close(inner(vs, forward), inner(reverse, us), 1e-12)
