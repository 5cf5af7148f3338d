"""Sums of pieces, as gradients produce them: parts that were cut apart are joined again."""

from slopec import hlo
from slopec.passes.op import Op, is_same, is_zero, producer
from slopec.passes.pattern import pattern
from slopec.passes.simplify.pads import padding
from slopec.tensor import Tensor


@pattern("add", of="pad, pad", changes="zero sign")
def add_padded(op: Op) -> Tensor | None:
    """pad(x, 0) + pad(y, 0) → pad(concatenate(x, y), 0)

    For neighbours: where x ends, y begins. The padding disappears where nothing is left of it.
    """
    return _joined(op.source(0), op.source(1))


@pattern("add", of="add, pad", changes="zero sign")
def add_padded_later(op: Op) -> Tensor | None:
    """(z + pad(x, 0)) + pad(y, 0) → z + pad(concatenate(x, y), 0)

    For neighbours, where nothing else uses the first sum.
    """
    inner, last = op.source(0), op.source(1)
    if not inner.used_once:
        return None
    for z, other in (inner.operands, inner.operands[::-1]):
        padded = producer(other, "pad")
        joined = None if padded is None else _joined(padded, last)
        if joined is not None:
            return hlo.add(z, joined)
    return None


@pattern("add", of="select, select", changes="zero sign")
def add_selected(op: Op) -> Tensor | None:
    """select(p, x, 0) + select(p, 0, y) → select(p, x, y)"""
    p, x, other = op.source(0).operands
    q, y, another = op.source(1).operands
    if not is_same(p, q):
        return None
    if is_zero(other) and is_zero(y):
        return hlo.select(p, x, another)
    return hlo.select(p, y, other) if is_zero(x) and is_zero(another) else None


def _joined(a: Op, b: Op) -> Tensor | None:
    """Two tensors padded with 0 to one shape, as one, if they are neighbours along a dimension."""
    if not (is_zero(a.operands[1]) and is_zero(b.operands[1]) and a.used_once and b.used_once):
        return None
    if a.operation == b.operation or any(padding(a)[2]) or any(padding(b)[2]):
        return None
    for first, second in ((a, b), (b, a)):
        (low, high, _), (later, after, _) = padding(first), padding(second)
        x, zero = first.operands
        differs = [d for d in range(x.ndim) if (low[d], high[d]) != (later[d], after[d])]
        if len(differs) != 1 or min((*low, *high, *later, *after)) < 0:
            continue
        (d,) = differs
        if low[d] + x.shape[d] == later[d]:
            joined = hlo.concatenate([x, second.operands[0]], d)
            return hlo.pad(joined, zero, low, [*high[:d], after[d], *high[d + 1 :]])
    return None
