"""Let loops read everything that they carry: IREE forgets what is only computed anew.

Of a `while` that repeats until something holds, IREE 3.13 drops the values that no iteration reads
of the one before, counts fewer values into the loop than out of it, and crashes.
"""

from dataclasses import dataclass
from typing import ClassVar

from slopec import dtypes, hlo, ir
from slopec.passes.each import each
from slopec.passes.op import Op, tensor_of
from slopec.passes.separate_buffers import unknown
from slopec.transforms.body import block_of, defining, returned


@dataclass(frozen=True)
class ReadCarried:
    """while(x) { y } → while(x) { select(false, x, y) }, where nothing in the loop reads x."""

    name: ClassVar[str] = "read-carried"

    def run(self, module: ir.Module) -> None:
        """Rewrite every loop of `module` that IREE makes no `for` of."""
        for op in each(module, "stablehlo.while"):
            if not _counts_up(op.operation):
                _read_all(op)


def _read_all(op: Op) -> None:
    """Let every iteration choose between what it is given and what it makes, always the latter."""
    body = block_of(op.operation, 1)
    end = list(body.operations)[-1].operation
    unread = [i for i, x in enumerate(body.arguments) if op.operands[i].size and not list(x.uses)]
    if not unread:
        return
    (never,) = unknown([hlo.full((), False, dtypes.bool_)])
    op.trace.point = ir.InsertionPoint(end)
    for place in unread:
        given, made = (tensor_of(x, op.trace) for x in (body.arguments[place], end.operands[place]))
        end.operands[place] = op.trace.value_of(hlo.select(never, given, made))


def _counts_up(op: ir.Operation) -> bool:
    """Whether IREE makes a `for` of a loop: while(i < n) { i + step }, of signed integers."""
    cond, body = block_of(op, 0), block_of(op, 1)
    test = defining(returned(cond)[0])
    if test is None or test.name != "stablehlo.compare" or test.block != cond:
        return False
    arguments, (counter, limit) = list(cond.arguments), test.operands
    if counter not in arguments or ir.type_of(counter)[1].kind != "i":
        return False
    place = arguments.index(counter)
    step = defining(returned(body)[place])
    if step is None or step.name != "stablehlo.add" or step.operands[0] != body.arguments[place]:
        return False
    return (
        "LT" in str(test.attributes["comparison_direction"])
        and _stays(limit, cond)
        and _stays(step.operands[1], body)
        and all(view.operation.name in _COUNTING for view in cond.operations)
    )


_COUNTING = ("stablehlo.constant", "stablehlo.compare", "stablehlo.return")


def _stays(value: ir.Value, block: ir.Block) -> bool:
    """Whether a value is a constant, or comes from outside the loop that `block` is a part of."""
    made = defining(value)
    if made is not None and made.name == "stablehlo.constant":
        return True
    home: ir.Block = value.owner if made is None else made.block
    return bool(home != block)
