"""Padding and concatenation: nothing added, several at once, pieces that belong together again."""

import math
from collections.abc import Iterator

from slopec import hlo
from slopec.passes.op import Op, is_same, is_same_number, producer, splat
from slopec.passes.pattern import pattern
from slopec.passes.simplify.shapes import Dims
from slopec.passes.simplify.slices import window
from slopec.tensor import Tensor


def padding(op: Op) -> tuple[Dims, Dims, Dims]:
    """The low, high and interior padding of a pad."""
    return (
        op.ints("edge_padding_low"),
        op.ints("edge_padding_high"),
        op.ints("interior_padding"),
    )


@pattern("pad")
def pad_nothing(op: Op) -> Tensor | None:
    """pad(x) → x

    By nothing on any side; between elements only where there are several.
    """
    x, _ = op.operands
    low, high, gaps = padding(op)
    nothing = all(gap == 0 or n <= 1 for gap, n in zip(gaps, x.shape, strict=True))
    return x if nothing and not any(low) and not any(high) else None


@pattern("pad")
def pad_by_less_than_nothing(op: Op) -> Tensor | None:
    """pad(x) → slice(x)

    Where nothing is added and elements are cut off.
    """
    x, _ = op.operands
    low, high, gaps = padding(op)
    if any(n > 0 for n in (*low, *high, *gaps)) or not any((*low, *high)):
        return None
    if math.prod(op.shape) == 0:
        return None
    limits = [n + cut for n, cut in zip(x.shape, high, strict=True)]
    return hlo.slice_(x, [-cut for cut in low], limits)


@pattern("pad", of="constant")
def pad_with_own_value(op: Op) -> Tensor | None:
    """pad(c, c) → c

    For a constant whose elements all are the padding value.
    """
    x, value = op.operands
    number = splat(x)
    if number is None or not is_same_number(x, value):
        return None
    return hlo.full(op.shape, number.item(), op.dtype)


@pattern("pad", of="broadcast_in_dim")
def pad_broadcast_of_value(op: Op) -> Tensor | None:
    """pad(broadcast(c), c) → broadcast(c)"""
    x, value = op.operands
    inner = producer(x, "broadcast_in_dim")
    if inner is None or not is_same(inner.operands[0], value):
        return None
    return hlo.broadcast_in_dim(value, op.shape, ())


@pattern("pad")
def pad_emptiness(op: Op) -> Tensor | None:
    """pad(x, c) → broadcast(c)

    For x without elements.
    """
    x, value = op.operands
    return hlo.broadcast_in_dim(value, op.shape, ()) if 0 in x.shape else None


@pattern("pad", of="pad")
def pad_twice(op: Op) -> Tensor | None:
    """pad(pad(x, c), c) → pad(x, c)"""
    inner = op.source()
    if not is_same_number(inner.operands[1], op.operands[1]):
        return None
    low, high, gaps = padding(op)
    first_low, first_high, first_gaps = padding(inner)
    if any(gaps) or min((*low, *high, *first_low, *first_high), default=0) < 0:
        return None
    return hlo.pad(
        inner.operands[0],
        op.operands[1],
        [a + b for a, b in zip(first_low, low, strict=True)],
        [a + b for a, b in zip(first_high, high, strict=True)],
        first_gaps,
    )


@pattern("concatenate")
def concatenate_one(op: Op) -> Tensor | None:
    """concatenate(x) → x, concatenate(x, empty) → x"""
    dim = op.integer("dimension")
    kept = [x for x in op.operands if x.shape[dim]]
    if len(kept) == len(op.operands) > 1 or not kept:
        return None
    return hlo.concatenate(kept, dim)


@pattern("concatenate", among="concatenate")
def concatenate_nested(op: Op) -> Tensor | None:
    """concatenate(concatenate(x, y), z) → concatenate(x, y, z)"""
    dim = op.integer("dimension")
    inner = [producer(x, "concatenate") for x in op.operands]
    merge = [i is not None and i.used_once and i.integer("dimension") == dim for i in inner]
    if not any(merge):
        return None
    parts: list[Tensor] = []
    for x, nested, take in zip(op.operands, inner, merge, strict=True):
        parts += nested.operands if nested is not None and take else [x]
    return hlo.concatenate(parts, dim)


@pattern("concatenate", among="slice")
def concatenate_slices(op: Op) -> Tensor | None:
    """concatenate(slice(x), slice(x)) → slice(x)

    For slices that lie next to each other in x.
    """
    dim = op.integer("dimension")
    runs = list(_runs(op.operands, dim))
    if len(runs) == len(op.operands):
        return None
    parts = [_covering(run, dim) if len(run) > 1 else run[0] for run in runs]
    return hlo.concatenate(parts, dim)


@pattern("concatenate")
def concatenate_copies(op: Op) -> Tensor | None:
    """concatenate(x, x) → broadcast(x), concatenate(c, c) → c

    For x of size 1 along the dimension, or constants whose elements all are equal.
    """
    first, *others = op.operands
    dim = op.integer("dimension")
    number = splat(first)
    if number is not None and all(is_same_number(first, x) for x in others):
        return hlo.full(op.shape, number.item(), op.dtype)
    if first.shape[dim] != 1 or not others or not all(is_same(first, x) for x in others):
        return None
    return hlo.broadcast_in_dim(first, op.shape, range(first.ndim))


@pattern("concatenate", of="transpose")
def concatenate_transposed(op: Op) -> Tensor | None:
    """concatenate(transpose(x), transpose(y)) → transpose(concatenate(x, y))"""
    inner = [producer(x, "transpose") for x in op.operands]
    transposes = [i for i in inner if i is not None and i.used_once]
    if len(transposes) < len(inner):
        return None
    permutation = transposes[0].ints("permutation")
    if any(i.ints("permutation") != permutation for i in transposes):
        return None
    joined = hlo.concatenate(
        [i.operands[0] for i in transposes], permutation[op.integer("dimension")]
    )
    return hlo.transpose(joined, permutation)


def _runs(parts: list[Tensor], dim: int) -> Iterator[list[Tensor]]:
    """Operands in groups, each slices of one tensor that follow one another along `dim`."""
    run = parts[:1]
    for x in parts[1:]:
        if _follows(run[-1], x, dim):
            run.append(x)
            continue
        yield run
        run = [x]
    yield run


def _follows(x: Tensor, y: Tensor, dim: int) -> bool:
    a, b = producer(x, "slice"), producer(y, "slice")
    if a is None or b is None or not is_same(a.operands[0], b.operands[0]):
        return False
    (start_a, limit_a, steps_a), (start_b, limit_b, steps_b) = window(a), window(b)
    if steps_a != steps_b or steps_a[dim] != 1 or limit_a[dim] != start_b[dim]:
        return False
    return all(
        d == dim or (start_a[d], limit_a[d]) == (start_b[d], limit_b[d])
        for d in range(len(steps_a))
    )


def _covering(run: list[Tensor], dim: int) -> Tensor:
    first, last = producer(run[0], "slice"), producer(run[-1], "slice")
    assert first is not None
    assert last is not None
    starts, limits, strides = window(first)
    end = window(last)[1][dim]
    limits = tuple(end if d == dim else n for d, n in enumerate(limits))
    return hlo.slice_(first.operands[0], starts, limits, strides)
