"""Keep gathers, scatters and slices inside their tensors, as StableHLO's specification says.

IREE reads and writes wherever an index points. The specification moves the window of a gather
inside the operand and drops the elements of a scatter's update that fall outside. Indices that are
known to lie inside stay as they are. Scatters of windows become scatters of points before
(`scatter_points.py`).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from slopec import dtypes, hlo, ir
from slopec.dialects.attributes import GatherDimensionNumbers, ScatterDimensionNumbers
from slopec.dtypes import DType
from slopec.passes.bounds import Bounds
from slopec.passes.each import each, put, put_results
from slopec.passes.op import Op, any_producer, binary_body, producer
from slopec.passes.scatter_points import replaced, window_sizes, write_points
from slopec.tensor import Scalar, Tensor

_GUARDED = "slope.guarded"
"""The attribute of a scatter that tells how: "neutral" updates, or "redirected" ones."""


@dataclass(frozen=True)
class GuardIndices:
    """gather(x, i) → gather(x, clamp(i)); scattered updates outside change nothing."""

    name: ClassVar[str] = "guard-indices"

    def run(self, module: ir.Module) -> None:
        """Guard every op of `module` whose indices may point outside."""
        for op in each(module, "stablehlo.gather"):
            _guard_gather(op)
        for op in each(module, "stablehlo.scatter"):
            write_points(op)
        for op in each(module, "stablehlo.scatter"):
            _guard_scatter(op)
        for op in each(module, "stablehlo.dynamic_slice"):
            _guard_slice(op, 1, op.ints("slice_sizes"))
        for op in each(module, "stablehlo.dynamic_update_slice"):
            _guard_slice(op, 2, op.operands[1].shape)


def _guard_gather(op: Op) -> None:
    x, indices = op.operands
    numbers = GatherDimensionNumbers.parse(op.attribute("dimension_numbers"))
    sizes = op.ints("slice_sizes")
    limits = [x.shape[d] - sizes[d] for d in numbers.start_index_map]
    put(op, 1, _inside(indices, numbers.index_vector_dim, limits))
    if numbers.operand_batching_dims and numbers.index_vector_dim < indices.ndim - 1:
        _put_vectors_last(op, numbers)


def _inside(indices: Tensor, dim: int, limits: Sequence[int]) -> Tensor:
    """Index vectors moved inside, each component before they are put together, if they are."""
    bounds = Bounds(indices, dim, [0] * len(limits), limits)
    if bounds.hold():
        return indices
    parts = producer(indices, "concatenate")
    if parts is None or parts.integer("dimension") != dim:
        return bounds.clamped()
    if len(limits) == 1 or any(x.shape[dim] != 1 for x in parts.operands):
        return bounds.clamped()
    pairs = zip(parts.operands, limits, strict=True)
    return hlo.concatenate([_inside(x, dim, [most]) for x, most in pairs], dim)


def _put_vectors_last(op: Op, numbers: GatherDimensionNumbers) -> None:
    """Transpose the indices of a gather in batches; IREE crashes on others."""
    indices, vector = Op(op.operation, op.trace).operands[1], numbers.index_vector_dim
    last = indices.ndim - 1
    put(op, 1, hlo.transpose(indices, [*(d for d in range(last + 1) if d != vector), vector]))
    batching = tuple(d - (d > vector) for d in numbers.start_indices_batching_dims)
    moved = replace(numbers, start_indices_batching_dims=batching, index_vector_dim=last)
    op.operation.attributes["dimension_numbers"] = ir.attr(str(moved))


def _guard_slice(op: Op, first: int, sizes: Sequence[int]) -> None:
    """Move starts inside in their own type where IREE, which does it in another, gets it wrong."""
    shape = op.operands[0].shape
    for place, (n, size) in enumerate(zip(shape, sizes, strict=True), first):
        start = op.operands[place]
        if start.dtype in (dtypes.int32, dtypes.int64):
            continue
        bounds = Bounds(start, 0, [0], [n - size])
        inside = start if bounds.hold() else bounds.clamped()
        put(op, place, hlo.convert(inside, dtypes.int32 if n < 2**31 else dtypes.int64))


def _guard_scatter(op: Op) -> None:
    count = len(op.operation.results)
    xs, indices, ys = op.operands[:count], op.operands[count], op.operands[count + 1 :]
    numbers = ScatterDimensionNumbers.parse(op.attribute("scatter_dimension_numbers"))
    dims = numbers.scatter_dims_to_operand_dims
    window = window_sizes(xs[0], ys[0], numbers)
    limits = [xs[0].shape[d] - window[d] for d in dims]
    bounds = Bounds(indices, numbers.index_vector_dim, [0] * len(dims), limits)
    if not dims or (min(limits) >= 0 and bounds.hold()):
        return
    neutral = NEUTRAL.get(binary_body(op) or "") if count == 1 else None
    if neutral is None or min(limits) < 0:
        _redirect(op, numbers, bounds)
        return
    (y,) = ys
    batch = [d for d in range(y.ndim) if d not in numbers.update_window_dims]
    inside = hlo.broadcast_in_dim(bounds.inside(), y.shape, batch)
    put(op, 1, bounds.clamped())
    put(op, 2, hlo.select(inside, y, hlo.full_like(y, neutral(y.dtype))))
    op.operation.attributes[_GUARDED] = ir.string("neutral")


def _lowest(dtype: DType) -> Scalar:
    if dtype == dtypes.bool_:
        return False
    return int(np.iinfo(dtype).min) if dtypes.is_integer(dtype) else -math.inf


def _highest(dtype: DType) -> Scalar:
    if dtype == dtypes.bool_:
        return True
    return int(np.iinfo(dtype).max) if dtypes.is_integer(dtype) else math.inf


def _ones(dtype: DType) -> Scalar:
    return dtype == dtypes.bool_ or (int(np.iinfo(dtype).max) if dtypes.is_unsigned(dtype) else -1)


NEUTRAL: dict[str, Callable[[DType], Scalar]] = {
    # x + -0 is x, of every sign; x + 0 is not.
    "add": lambda dtype: -0.0 if dtypes.is_floating(dtype) else 0,
    "multiply": lambda _: 1,
    "minimum": _highest,
    "maximum": _lowest,
    "and": _ones,
    "or": lambda _: 0,
    "xor": lambda _: 0,
}
"""What an element can be combined with to stay as it is."""


def _redirect(op: Op, numbers: ScatterDimensionNumbers, bounds: Bounds) -> None:
    """Give the operands a row behind their last, which takes what falls outside and is cut off."""
    count = len(op.operation.results)
    xs, ys = op.operands[:count], op.operands[count + 1 :]
    dims, shape = numbers.scatter_dims_to_operand_dims, xs[0].shape
    none = [0] * len(shape)
    wide = [
        hlo.pad(x, hlo.full((), 0, x.dtype), none, [int(d == dims[0]) for d in range(x.ndim)])
        for x in xs
    ]
    vectors = [d for d in range(bounds.indices.ndim) if d != numbers.index_vector_dim]
    inside = hlo.broadcast_in_dim(bounds.inside(), bounds.indices.shape, vectors)
    kind = dtypes.int64 if bounds.indices.dtype.itemsize == 8 else dtypes.int32
    moved = Bounds(
        hlo.convert(bounds.indices, kind),
        numbers.index_vector_dim,
        [0] * len(dims),
        [wide[0].shape[d] - 1 for d in dims],
    )
    outside = moved.spread([shape[d] if d == dims[0] else 0 for d in dims])
    moved.indices = hlo.select(inside, moved.indices, hlo.constant(np.array(outside)))
    # The clamp changes nothing; it says that these indices lie inside.
    results = replaced(op, wide, moved.clamped(), ys, numbers)
    made = any_producer(results[0])
    assert made is not None
    made.operation.attributes[_GUARDED] = ir.string("redirected")
    put_results(op, [hlo.slice_(result, none, shape) for result in results])


def unguarded(op: Op) -> tuple[Tensor, Tensor, Tensor, ir.Operation]:
    """What a scatter of one operand was given before it was guarded, for who looks at each index.

    The operand, the indices and the updates, and the op whose result was the scatter's.
    """
    x, indices, y = op.operands
    given = x, indices, y, op.operation
    guard = op.attribute(_GUARDED)
    clamp = producer(indices, "clamp")
    if guard is None or clamp is None:
        return given
    if guard.value == "neutral":
        chosen = producer(y, "select")
        return given if chosen is None else (x, clamp.operands[1], chosen.operands[1], given[3])
    moved, wide = producer(clamp.operands[1], "select"), widened(op)
    last = last_of(op.operation)
    if moved is None or wide is None or last == op.operation:
        return given
    return wide.operands[0], moved.operands[1], y, last


def widened(op: Op) -> Op | None:
    """The op that gives what a scatter writes into a row for redirected updates, if any."""
    guard = op.attribute(_GUARDED)
    redirected = guard is not None and guard.value == "redirected"
    return producer(op.operands[0], "pad") if redirected else None


def last_of(scatter: ir.Operation) -> ir.Operation:
    """The op whose result is the scatter's: what cuts the row behind the last off, if anything."""
    if _GUARDED not in scatter.attributes or len(scatter.results) != 1:
        return scatter
    if ir.string_in(scatter, _GUARDED) != "redirected":
        return scatter
    (reader,) = [use.owner.operation for use in scatter.results[0].uses]
    return reader if reader.name == "stablehlo.slice" else scatter
