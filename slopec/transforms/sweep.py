"""Counted loops as they are built: over numbers, over rows of tensors, and in segments.

A loop in segments is a loop of loops. The inner loop, which runs through one segment, is
checkpointed: the reverse derivative keeps what is carried from segment to segment, and computes one
segment at a time again. With √N segments of √N iterations, memory grows as √N.
A. Griewank, A. Walther, "Evaluating Derivatives", 2nd ed., 2008, section 12.
"""

from collections.abc import Callable, Sequence
from math import isqrt
from typing import Any, Literal

from slopec import dtypes, hlo, tracing
from slopec.diagnostics import TransformError
from slopec.tensor import Tensor
from slopec.tracing import TensorType
from slopec.transforms.checkpoint import checkpoint

Segments = int | Literal["sqrt"] | None
Tensors = Sequence[Tensor]
Step = Callable[[Tensors, Tensors], tuple[Tensors, Tensors]]
"""One iteration: what is carried and the rows it reads ↦ what is carried and the rows it makes."""


def counted_loop(
    trips: int, init: Tensors, step: Callable[[Tensor, Tensors], Tensors]
) -> tuple[Tensor, ...]:
    """Run `values = step(i, values)` for i = 0 … trips − 1."""
    limit = hlo.full((), trips, dtypes.int32)

    def more(*values: Tensor) -> Tensor:
        return hlo.compare(values[0], limit, "LT")

    def body(*values: Tensor) -> list[Tensor]:
        following = hlo.add(values[0], hlo.full((), 1, dtypes.int32))
        return [following, *step(values[0], values[1:])]

    start = hlo.full((), 0, dtypes.int32)
    return hlo.while_loop([start, *init], more, body)[1:]


def sweep(
    step: Step,
    init: Tensors,
    rows: Tensors,
    count: int,
    made: Sequence[TensorType],
    reverse: bool = False,
) -> tuple[list[Tensor], list[Tensor]]:
    """Run `step` for each of the `count` rows; return what was carried, and what was made, stacked.

    `made` are the types of the rows that an iteration makes. `reverse` begins at the last row.
    """
    carried = len(init)
    empty = [hlo.full((count, *shape), 0, dtype) for shape, dtype in made]

    def body(i: Tensor, values: Tensors) -> list[Tensor]:
        place = hlo.subtract(hlo.full((), count - 1, dtypes.int32), i) if reverse else i
        after, results = step(values[:carried], [take_row(x, place) for x in rows])
        stacks = zip(values[carried:], results, strict=True)
        return [*after, *(put_row(stack, row, place) for stack, row in stacks)]

    results = counted_loop(count, [*init, *empty], body)
    return list(results[:carried]), list(results[carried:])


def in_segments(
    size: int,
    step: Step,
    init: Tensors,
    rows: Tensors,
    count: int,
    made: Sequence[TensorType],
    reverse: bool = False,
) -> tuple[list[Tensor], list[Tensor]]:
    """`sweep` by segments of `size` rows, each checkpointed; what remains comes last."""
    segments, rest = divmod(count, size)
    whole = segments * size

    @checkpoint
    def segment(carry: Tensors, items: Tensors) -> tuple[Tensors, Tensors]:
        return sweep(step, carry, items, size, made, reverse)

    parts = [
        hlo.reshape(_rows(x, rest if reverse else 0, whole), (segments, size, *x.shape[1:]))
        for x in rows
    ]
    blocks: list[TensorType] = [((size, *shape), dtype) for shape, dtype in made]
    carry, stacks = sweep(segment, init, parts, segments, blocks, reverse)
    results = [hlo.reshape(stack, (whole, *stack.shape[2:])) for stack in stacks]
    if not rest:
        return carry, results
    left = [_rows(x, 0 if reverse else whole, rest) for x in rows]
    carry, ends = sweep(step, carry, left, rest, made, reverse)
    pairs = zip(ends, results, strict=True) if reverse else zip(results, ends, strict=True)
    return carry, [hlo.concatenate(pair, 0) for pair in pairs]


def numbers(lower: int, count: int) -> Tensor:
    """lower, lower + 1, …: rows for a loop that only counts."""
    first = hlo.full((count,), lower, dtypes.int32)
    return hlo.add(hlo.iota((count,), 0, dtypes.int32), first)


def segment_size(verb: str, given: Any, count: int) -> int | None:
    """The length of a segment of a loop of `count` iterations; None for one without segments.

    Raises TransformError (S0216) unless `given` is a positive int, "sqrt" or None.
    """
    if given is None:
        return None
    if given == "sqrt":
        return max(1, isqrt(count))
    if isinstance(given, int) and not isinstance(given, bool) and given > 0:
        return min(given, max(1, count))
    raise TransformError(
        "S0216",
        f"{verb}: checkpoint={given!r} is no length of a segment",
        span=tracing.here(),
        hint='give the iterations between checkpoints, or "sqrt" for about √N',
    )


def put_row(stack: Tensor, row: Tensor, place: Tensor) -> Tensor:
    """`stack` with another row number `place`."""
    zero = hlo.full((), 0, dtypes.int32)
    wide = hlo.reshape(row, (1, *row.shape))
    return hlo.dynamic_update_slice(stack, wide, [place, *[zero] * row.ndim])


def take_row(stack: Tensor, place: Tensor) -> Tensor:
    """Row number `place` of a stack."""
    zero = hlo.full((), 0, dtypes.int32)
    shape = stack.shape[1:]
    row = hlo.dynamic_slice(stack, [place, *[zero] * len(shape)], (1, *shape))
    return hlo.reshape(row, shape)


def _rows(x: Tensor, start: int, count: int) -> Tensor:
    """The rows start … start + count − 1."""
    none = (0,) * (x.ndim - 1)
    return hlo.slice_(x, (start, *none), (start + count, *x.shape[1:]))
