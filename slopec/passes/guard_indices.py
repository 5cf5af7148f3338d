"""Keep gathers and scatters inside their tensors, as StableHLO's specification says.

IREE reads and writes wherever an index points. The specification moves the window of a gather
inside the operand and drops the elements of a scatter's update that fall outside. Indices that are
known to lie inside stay as they are.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from slopec import dtypes, hlo, ir, tracing
from slopec.dialects.attributes import GatherDimensionNumbers, ScatterDimensionNumbers
from slopec.dtypes import DType
from slopec.passes.each import each, put
from slopec.passes.facts import known
from slopec.passes.op import Op, binary_body, producer
from slopec.tensor import Scalar, Tensor


@dataclass(frozen=True)
class GuardIndices:
    """gather(x, i) → gather(x, clamp(i)); scattered updates outside change nothing."""

    name: ClassVar[str] = "guard-indices"

    def run(self, module: ir.Module) -> None:
        """Guard every gather and scatter in `module` whose indices may point outside."""
        for op in each(module, "stablehlo.gather"):
            _guard_gather(op)
        for op in each(module, "stablehlo.scatter"):
            _guard_scatter(op)


def _guard_gather(op: Op) -> None:
    x, indices = op.operands
    numbers = GatherDimensionNumbers.parse(op.attribute("dimension_numbers"))
    sizes = op.ints("slice_sizes")
    limits = [x.shape[d] - sizes[d] for d in numbers.start_index_map]
    bounds = _Bounds(indices, numbers.index_vector_dim, [0] * len(limits), limits)
    if not bounds.hold():
        put(op, 1, bounds.clamped())


class _Bounds:
    """The least and the greatest index of each component of index vectors."""

    def __init__(
        self, indices: Tensor, vector_dim: int, low: Sequence[int], high: Sequence[int]
    ) -> None:
        self.indices, self.vector_dim = indices, vector_dim
        self.low, self.high = self.spread(low), self.spread(high)

    def spread(self, components: Sequence[int]) -> np.ndarray:
        """One number for each component, in the shape of the indices and what they can hold."""
        numbers = np.iinfo(self.indices.dtype)
        values = np.array([min(max(n, numbers.min), numbers.max) for n in components])
        shape = [len(components) if d == self.vector_dim else 1 for d in range(self.indices.ndim)]
        return np.broadcast_to(values.astype(self.indices.dtype).reshape(shape), self.indices.shape)

    def hold(self) -> bool:
        """Whether all indices are known to lie inside, by value or because they were clamped."""
        values = known(self.indices)
        if values is not None:
            return bool(((values >= self.low) & (values <= self.high)).all())
        clamp = producer(self.indices, "clamp")
        if clamp is None:
            return not self.indices.size
        low, high = known(clamp.operands[0]), known(clamp.operands[2])
        if low is None or high is None:
            return False
        return bool((low >= self.low).all() and (high <= self.high).all())

    def clamped(self) -> Tensor:
        """The indices moved inside."""
        return hlo.clamp(_smallest(self.low), self.indices, _smallest(self.high))

    def inside(self) -> Tensor:
        """Whether each index vector lies inside in all its components; without their dimension."""
        low = hlo.compare(self.indices, hlo.constant(np.array(self.low)), "GE")
        high = hlo.compare(self.indices, hlo.constant(np.array(self.high)), "LE")
        both = hlo.and_(low, high)
        if self.vector_dim == self.indices.ndim:
            return both
        result = hlo.reduce(both, hlo.full((), True, dtypes.bool_), "and", [self.vector_dim])
        assert isinstance(result, Tensor)
        return result


def _smallest(values: np.ndarray) -> Tensor:
    """A bound of `clamp`: of rank 0 where all are one number."""
    same = values.size and (values == values.flat[0]).all()
    return hlo.constant(np.array(values.flat[0] if same else values))


def _guard_scatter(op: Op) -> None:
    if len(op.operands) != 3:
        return
    x, indices, y = op.operands
    numbers = ScatterDimensionNumbers.parse(op.attribute("scatter_dimension_numbers"))
    window = _window(x, y, numbers)
    dims = numbers.scatter_dims_to_operand_dims
    limits = [x.shape[d] - window[d] for d in dims]
    bounds = _Bounds(indices, numbers.index_vector_dim, [0] * len(dims), limits)
    if not dims or (min(limits) >= 0 and bounds.hold()):
        return
    neutral = _NEUTRAL.get(binary_body(op) or "")
    if neutral is None or any(window[d] != 1 for d in dims):
        _redirect(op, numbers, window)
        return
    batch = [d for d in range(y.ndim) if d not in numbers.update_window_dims]
    inside = hlo.broadcast_in_dim(bounds.inside(), y.shape, batch)
    put(op, 1, bounds.clamped())
    put(op, 2, hlo.select(inside, y, hlo.full_like(y, neutral(y.dtype))))


def _window(x: Tensor, y: Tensor, numbers: ScatterDimensionNumbers) -> list[int]:
    """The size of one update along each dimension of the operand."""
    sizes = iter([y.shape[d] for d in numbers.update_window_dims])
    dropped = {*numbers.inserted_window_dims, *numbers.input_batching_dims}
    return [1 if d in dropped else next(sizes) for d in range(x.ndim)]


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


_NEUTRAL: dict[str, Callable[[DType], Scalar]] = {
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


def _redirect(op: Op, numbers: ScatterDimensionNumbers, window: Sequence[int]) -> None:
    """Give the operand margins that catch what falls outside, and cut them off again.

    Around each indexed dimension of windows of size w lie w - 1 elements, so that a window that
    sticks out keeps what is inside. Windows that are wholly outside go behind the first of them.
    """
    x, indices, y = op.operands
    dims = numbers.scatter_dims_to_operand_dims
    low, high = ([window[d] - 1 if d in dims else 0 for d in range(x.ndim)] for _ in range(2))
    high[dims[0]] += 1
    wide = hlo.pad(x, hlo.full((), 0, x.dtype), low, high)
    shift = [low[d] for d in dims]
    touching = _Bounds(
        indices, numbers.index_vector_dim, [-n for n in shift], [x.shape[d] - 1 for d in dims]
    )
    spread = [d for d in range(indices.ndim) if d != numbers.index_vector_dim]
    chosen = hlo.broadcast_in_dim(touching.inside(), indices.shape, spread)
    moved = _Bounds(
        hlo.convert(indices, dtypes.int64 if indices.dtype.itemsize == 8 else dtypes.int32),
        numbers.index_vector_dim,
        [0] * len(dims),
        [wide.shape[d] - window[d] for d in dims],
    )
    moved.indices = hlo.select(
        chosen,
        hlo.add(moved.indices, hlo.constant(np.array(moved.spread(shift)))),
        hlo.constant(np.array(moved.high)),
    )
    # The clamp changes nothing; it says that these indices lie inside.
    moved.indices = moved.clamped()
    kept = {name: op.operation.attributes[name] for name in op.operation.attributes}
    made, (result,) = tracing.emit_many(
        "stablehlo.scatter", [wide, moved.indices, y], [(wide.shape, wide.dtype)], kept, regions=1
    )
    op.operation.regions[0].blocks[0].append_to(made.regions[0])
    inner = [n + size for n, size in zip(low, x.shape, strict=True)]
    _replace(op, hlo.slice_(result, low, inner))


def _replace(op: Op, result: Tensor) -> None:
    op.operation.results[0].replace_all_uses_with(op.trace.value_of(result))
    op.operation.erase()
