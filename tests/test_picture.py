"""Pictures of modules: a box for every op, an arrow for every value that an op takes."""

import re

import pytest

import slopec as sp
from slopec import cli, ir
from slopec.picture import dot

X = sp.ones(3)
PROGRAMS = {
    "chain": lambda x: sp.tanh(x * 2.0) + x,
    "gradient": sp.grad(lambda x: (x**2).sum()),
    "loop": lambda x: sp.fori_loop(0, 3, lambda i, c: c * x, x),
    "branches": lambda x: sp.cond(x.sum() > 0, sp.sin, lambda y: y * x, x),
    "several results": lambda x: sp.topk(x, 2),
}


def _ops(module):
    """The ops of a module that are not in the box of another one, and the values they take."""

    def is_folded(op):
        return op.parent is not None and op.parent.name == "stablehlo.reduce"

    outer = ("builtin.module", "func.func")
    return [op for op in ir.ops_in(module) if op.name not in outer and not is_folded(op)]


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_op_and_value_is_drawn(name):
    module = sp.jit(PROGRAMS[name]).lower(X)
    text = dot(module)
    boxes = re.findall(r"^ *(n\d+) \[label=\"([^\"]*)\"", text, re.MULTILINE)
    arrows = re.findall(r"^ *(n\d+) -> (n\d+) ", text, re.MULTILINE)

    ops = _ops(module)
    labels = [label for _, label in boxes if not label.startswith("argument")]
    assert sorted(label.split()[0] for label in labels) == sorted(
        op.name.split(".")[-1] for op in ops
    )
    assert len(arrows) == sum(len(op.operands) for op in ops)
    assert len({box for box, _ in boxes}) == len(boxes)
    assert {end for arrow in arrows for end in arrow} <= {box for box, _ in boxes}
    assert text.count("{") == text.count("}")


def test_the_command_draws(tmp_path):
    source, picture = tmp_path / "f.mlir", tmp_path / "f.dot"
    source.write_text(str(sp.jit(PROGRAMS["chain"]).lower(X)))

    assert cli.main(["opt", str(source), "-p", "cse", "-o", str(picture)]) == 0
    assert '[label="tanh", fillcolor=white];' in picture.read_text()
