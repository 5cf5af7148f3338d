"""Make stable sorts say how ties fall, because IREE's sort does not keep equal elements in order.

The place of every element is carried along and compared where the comparator calls neither of two
elements first. A sort of one tensor needs nothing: its equal elements cannot be told apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from slopec import dtypes, hlo, ir, tracing
from slopec.passes.each import each
from slopec.passes.op import Op, producer, tensor_of
from slopec.tensor import Tensor
from slopec.transforms.inline import copy_op


@dataclass(frozen=True)
class OrderTies:
    """sort(x, y …; a < b), stable → sort(x, y …, iota; a < b, or neither and i < j)."""

    name: ClassVar[str] = "order-ties"

    def run(self, module: ir.Module) -> None:
        """Rewrite every stable sort of several tensors in `module`."""
        for op in each(module, "stablehlo.sort"):
            if len(op.operands) > 1 and op.attribute("is_stable").value:
                _rewrite(op)


def _rewrite(op: Op) -> None:
    operands, along = op.operands, op.integer("dimension")
    block = op.operation.regions[0].blocks[0]
    place = next((i for i, x in enumerate(operands) if _counts(x, along)), len(operands))
    if place == len(operands):
        operands = [*operands, hlo.iota(op.shape, along, dtypes.int32)]

    def before(*pairs: Tensor) -> Tensor:
        known = pairs[: len(block.arguments)]
        swapped = [x for a, b in zip(known[::2], known[1::2], strict=True) for x in (b, a)]
        later = hlo.not_(_inlined(block, swapped))
        earlier = hlo.compare(pairs[2 * place], pairs[2 * place + 1], "LT")
        return hlo.or_(_inlined(block, known), hlo.and_(later, earlier))

    sorted_ = hlo.sort(operands, before, along, stable=False)
    for old, new in zip(op.operation.results, sorted_, strict=False):
        old.replace_all_uses_with(op.trace.value_of(new))
    op.operation.erase()


def _counts(x: Tensor, along: int) -> bool:
    """Whether `x` holds the place of each element along a dimension."""
    iota = producer(x, "iota")
    return iota is not None and iota.integer("iota_dimension") == along


def _inlined(block: ir.Block, arguments: Sequence[Tensor]) -> Tensor:
    """The result of a block of ops, copied to where the trace is, for other arguments."""
    where = tracing.current()
    values = [where.value_of(x) for x in arguments]
    renamed = dict(zip(block.arguments, values, strict=True))
    *ops, end = [view.operation for view in block.operations]
    for inner in ops:
        copy_op(inner, renamed, where.point)
    (result,) = end.operands
    return tensor_of(renamed.get(result, result), where)
