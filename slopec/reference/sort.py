"""Sorting: a comparator that compares keys is replaced by the keys, which NumPy sorts.

The comparators that frameworks write order by `key(left) < key(right)`, or lexicographically by
several such keys. Any other comparator is called for pairs of elements.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cmp_to_key

import numpy as np

from slopec import dtypes, ir
from slopec.reference.bits import total_order
from slopec.reference.bodies import returned
from slopec.reference.table import (
    LANEWISE,
    Array,
    Body,
    Kernel,
    Scope,
    attribute,
    result_dtype,
    rule,
    scoped_rule,
)


@dataclass(frozen=True)
class Key:
    """A value to sort by, in terms of one of the two elements that a comparator is given."""

    value: ir.Value
    other: ir.Value
    descending: bool
    total: bool


@scoped_rule("stablehlo.sort")
def sort(op: ir.Operation, scope: Scope) -> Kernel:
    """N operands put in the order that a comparator defines along a dimension; always stable."""
    axis = attribute(op, "dimension", -1)
    block = op.regions[0].blocks[0]
    keys = _keys(returned(block)[0], block)
    if keys is None:
        body = scope.region(op.regions[0])
        return lambda *xs: _apply(_order_by_comparing(body, xs, axis), xs, axis)
    extract = scope.region(op.regions[0], [key.value for key in keys])

    def kernel(*xs: Array) -> list[Array]:
        values = extract(*(x for x in xs for _ in range(2)))
        columns = [_column(v, k, xs[0].shape) for v, k in zip(values, keys, strict=True)]
        order = (
            np.argsort(columns[0], axis=axis, kind="stable")
            if len(columns) == 1
            else np.lexsort(columns[::-1], axis=axis)
        )
        return _apply(order, xs, axis)

    return kernel


def _apply(order: Array, xs: Sequence[Array], axis: int) -> list[Array]:
    return [np.take_along_axis(x, order, axis) for x in xs]


def _column(values: Array, key: Key, shape: ir.Shape) -> Array:
    """A key as integers in ascending order."""
    if dtypes.is_floating(values.dtype):
        if not key.total:  # an ordinary comparison does not tell −0 from +0
            values = np.where(values == 0, np.zeros((), values.dtype), values)
        values = total_order(values)
    elif values.dtype == dtypes.bool_:
        values = values.astype(np.uint8)
    values = np.broadcast_to(values, shape)
    return np.invert(values) if key.descending else values


def _order_by_comparing(body: Body, xs: Sequence[Array], axis: int) -> Array:
    """The order of each lane, found by calling the comparator."""
    moved = [np.moveaxis(x, axis, -1) for x in xs]
    order = np.empty(moved[0].shape, np.int64)
    for lane in np.ndindex(order.shape[:-1]):
        columns = [x[lane] for x in moved]

        def compare(i: int, j: int, columns: list[Array] = columns) -> int:
            pair = [np.asarray(column[k]) for column in columns for k in (i, j)]
            return -1 if body(*pair)[0] else 1

        order[lane] = sorted(range(order.shape[-1]), key=cmp_to_key(compare))
    return np.moveaxis(order, -1, axis)


# --- reading comparators ---------------------------------------------------------------------


def _keys(value: ir.Value, block: ir.Block) -> list[Key] | None:
    """The keys of a comparator that returns `value`, most significant first, or None.

    Knows `a < b`, `or(a < b, and(a == b, rest))` and `select(a == b, rest, a < b)`.
    """
    op = _owner(value)
    if op is None:
        return None
    operands = list(op.operands)
    if op.name == "stablehlo.compare":
        return _single(op, block)
    if op.name == "stablehlo.or":
        for less, tie in (operands, operands[::-1]):
            both = _owner(tie)
            if both is None or both.name != "stablehlo.and":
                continue
            for equal, rest in (list(both.operands), list(both.operands)[::-1]):
                found = _chain(less, equal, rest, block)
                if found is not None:
                    return found
    if op.name == "stablehlo.select":
        return _chain(operands[2], operands[0], operands[1], block)
    return None


def _chain(less: ir.Value, equal: ir.Value, rest: ir.Value, block: ir.Block) -> list[Key] | None:
    """The key of `less`, if `equal` compares it as well, followed by those of `rest`."""
    first, tie = _owner(less), _owner(equal)
    if first is None or tie is None or {first.name, tie.name} != {"stablehlo.compare"}:
        return None
    head = _single(first, block)
    if head is None or attribute(tie, "comparison_direction") != "EQ":
        return None
    key = head[0]
    left, right = tie.operands
    same = _same(left, key.value, {}) and _same(right, key.other, {})
    swapped = _same(right, key.value, {}) and _same(left, key.other, {})
    if not (same or swapped):
        return None
    tail = _keys(rest, block)
    return None if tail is None else head + tail


def _single(compare: ir.Operation, block: ir.Block) -> list[Key] | None:
    """The key of a strict comparison of one expression in the left and in the right element."""
    direction = attribute(compare, "comparison_direction")
    if direction not in ("LT", "GT"):
        return None
    total = attribute(compare, "compare_type") == "TOTALORDER"
    arguments = list(block.arguments)
    to_right = dict(zip(arguments[0::2], arguments[1::2], strict=True))
    left, right = compare.operands
    if _same(left, right, to_right):
        return [Key(left, right, direction == "GT", total)]
    if _same(right, left, to_right):
        return [Key(right, left, direction == "LT", total)]
    return None


def _same(a: ir.Value, b: ir.Value, renamed: dict[ir.Value, ir.Value]) -> bool:
    """Whether `b` is the expression `a` with its arguments renamed."""
    pending = [(a, b)]
    while pending:
        a, b = pending.pop()
        first, second = _owner(a), _owner(b)
        if first is None or second is None:
            if renamed.get(a, a) != b or (renamed and a not in renamed):
                return False
            continue
        alike = (
            first.name == second.name
            and first.name in LANEWISE
            and dict(first.attributes.items()) == dict(second.attributes.items())
            and len(first.operands) == len(second.operands)
        )
        if not alike:
            return False
        pending += zip(first.operands, second.operands, strict=True)
    return True


def _owner(value: ir.Value) -> ir.Operation | None:
    return value.owner.operation if isinstance(value, ir.OpResult) else None


@rule("chlo.top_k")
def top_k(op: ir.Operation) -> Kernel:
    """The k largest elements of the last dimension, in total order, and where they were."""
    return largest(attribute(op, "k"), result_dtype(op, 1))


def largest(k: int, index_dtype: dtypes.DType) -> Kernel:
    """The kernel of `top_k`; among equals the first come first."""

    def kernel(x: Array) -> list[Array]:
        order = np.argsort(np.invert(total_order(x)), axis=-1, kind="stable")[..., :k]
        return [np.take_along_axis(x, order, -1), order.astype(index_dtype)]

    return kernel
