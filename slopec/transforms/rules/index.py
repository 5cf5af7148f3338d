"""Reading and writing at computed places: what is read is added back where it came from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from slopec import dtypes, hlo
from slopec.dialects.attributes import GatherDimensionNumbers, ScatterDimensionNumbers
from slopec.ir import Shape
from slopec.tensor import Tensor
from slopec.transforms import linear as maps
from slopec.transforms.linear import LinearMap
from slopec.transforms.ranges import within
from slopec.transforms.rule import Maps, Point, linear


@dataclass(frozen=True)
class Places:
    """Windows of an operand of `shape`, as gather and scatter describe them."""

    shape: Shape
    indices: Tensor
    numbers: GatherDimensionNumbers
    sizes: Shape
    sorted_: bool = False
    unique: bool = False

    @staticmethod
    def of_scatter(point: Point) -> "Places":
        """The windows that a scatter writes, in each of its operands."""
        numbers = ScatterDimensionNumbers.parse(point.attribute("scatter_dimension_numbers"))
        count = len(point.results)
        operand, indices, updates = (point.operands[i] for i in (0, count, count + 1))
        windows = iter(numbers.update_window_dims)
        dropped = {*numbers.inserted_window_dims, *numbers.input_batching_dims}
        sizes = tuple(
            1 if d in dropped else updates.shape[next(windows)] for d in range(operand.ndim)
        )
        gathered = GatherDimensionNumbers(
            numbers.update_window_dims,
            numbers.inserted_window_dims,
            numbers.input_batching_dims,
            numbers.scatter_indices_batching_dims,
            numbers.scatter_dims_to_operand_dims,
            numbers.index_vector_dim,
        )
        return Places(
            operand.shape,
            indices,
            gathered,
            sizes,
            point.flag("indices_are_sorted"),
            point.flag("unique_indices"),
        )

    @property
    def last_starts(self) -> list[int]:
        """For each component of an index the greatest start whose window lies inside."""
        return [self.shape[d] - self.sizes[d] for d in self.numbers.start_index_map]

    @property
    def component_axis(self) -> int | None:
        """The dimension of the indices along which the components of an index lie."""
        axis = self.numbers.index_vector_dim
        return axis if axis < self.indices.ndim else None

    @property
    def distinct(self) -> bool:
        """Whether no two windows are known to overlap: they were declared so, or there is one."""
        axis = self.component_axis
        return self.unique or all(
            n == 1 or d == axis or d in self.numbers.start_indices_batching_dims
            for d, n in enumerate(self.indices.shape)
        )

    def inside(self) -> bool:
        """Whether every window is known to lie inside the operand."""
        value = self.indices._value
        return value is not None and within(value, self.component_axis, self.last_starts)

    def limits(self, values: Sequence[int]) -> Tensor:
        """One integer per component of an index, in the shape and dtype of the indices."""
        kept = [min(value, np.iinfo(self.indices.dtype).max) for value in values]
        axis = self.component_axis
        if axis is None or len(set(kept)) == 1:
            return hlo.full_like(self.indices, kept[0] if kept else 0)
        row = hlo.constant(np.array(kept, self.indices.dtype))
        return hlo.broadcast_in_dim(row, self.indices.shape, (axis,))

    def at(self, indices: Tensor) -> "Places":
        """The same windows at other indices."""
        return replace(self, indices=indices)

    def clamped(self) -> "Places":
        """The windows moved inside the operand, as a gather moves them."""
        if self.inside():
            return self
        low = hlo.zeros_like(self.indices)
        moved = hlo.clamp(low, self.indices, self.limits(self.last_starts))
        return replace(self, indices=moved, sorted_=False, unique=False)

    def read(self, x: Tensor) -> Tensor:
        """The windows of `x`; those outside are moved inside."""
        return hlo.gather(x, self.indices, self.numbers, self.sizes, sorted_=self.sorted_)

    def scatter(self, x: Tensor, updates: Tensor, body: str | None) -> Tensor:
        """`x` with updates combined by `body` into the windows; outside elements are dropped."""
        n = self.numbers
        numbers = ScatterDimensionNumbers(
            n.offset_dims,
            n.collapsed_slice_dims,
            n.operand_batching_dims,
            n.start_indices_batching_dims,
            n.start_index_map,
            n.index_vector_dim,
        )
        return hlo.scatter(
            x, self.indices, updates, numbers, body, sorted_=self.sorted_, unique=self.unique
        )

    def add(self, updates: Tensor) -> Tensor:
        """Zeros with the updates added."""
        return self.scatter(hlo.full(self.shape, 0, updates.dtype), updates, "add")

    def collect(self, x: Tensor) -> Tensor:
        """The windows of `x` with zeros for elements outside: the transpose of `add`."""
        if self.inside():
            return self.read(x)
        if any(self.sizes[d] != 1 for d in self.numbers.start_index_map):
            return self._collect_padded(x)
        read = self.read(x)
        keep = self._each_inside()
        batch = [d for d in range(read.ndim) if d not in self.numbers.offset_dims]
        wide = hlo.broadcast_in_dim(keep, read.shape, batch)
        return hlo.select(wide, read, hlo.zeros_like(read))

    def align(self, x: Tensor) -> Tensor:
        """The windows of `x`, right for all elements inside, as cheaply as can be."""
        single = all(self.sizes[d] == 1 for d in self.numbers.start_index_map)
        return self.read(x) if single else self.collect(x)

    def _each_inside(self) -> Tensor:
        """For each index whether its window, of one element per component, lies inside."""
        low = hlo.compare(self.indices, hlo.zeros_like(self.indices), "GE")
        high = hlo.compare(self.indices, self.limits(self.last_starts), "LE")
        both = hlo.and_(low, high)
        axis = self.component_axis
        if axis is None:
            return both
        if both.shape[axis] == 1:
            return hlo.reshape(both, both.shape[:axis] + both.shape[axis + 1 :])
        every = hlo.reduce(both, hlo.full((), True, both.dtype), "and", (axis,))
        assert isinstance(every, Tensor)
        return every

    def _collect_padded(self, x: Tensor) -> Tensor:
        """Read from `x` within a border of zeros as wide as the windows."""
        indices = self.indices
        if indices.dtype not in (dtypes.int32, dtypes.int64):
            signed = dtypes.int32 if indices.dtype.itemsize < 4 else dtypes.int64
            return self.at(hlo.convert(indices, signed))._collect_padded(x)
        border = [self.sizes[d] if d in self.numbers.start_index_map else 0 for d in range(x.ndim)]
        wide = hlo.pad(x, hlo.full((), 0, x.dtype), border, border)
        widths = [self.sizes[d] for d in self.numbers.start_index_map]
        lowest = hlo.negate(self.limits(widths))
        highest = self.limits([self.shape[d] for d in self.numbers.start_index_map])
        start = hlo.add(hlo.clamp(lowest, indices, highest), self.limits(widths))
        return hlo.gather(wide, start, self.numbers, self.sizes)


def along(indices: Tensor, dimension: int, shape: Shape) -> LinearMap:
    """Reading at `indices` along `dimension`, at the same place in all others, none of them twice.

    What is read from has `shape`.
    """
    others = tuple(d for d in range(indices.ndim) if d != dimension)
    numbers = GatherDimensionNumbers((), (dimension,), others, others, (dimension,), indices.ndim)
    places = Places(shape, indices, numbers, (1,) * len(shape), unique=True)
    if 0 not in indices.shape:
        return LinearMap(places.read, places.add)
    return LinearMap(
        lambda t: hlo.full(indices.shape, 0, t.dtype), lambda ct: hlo.full(shape, 0, ct.dtype)
    )


@linear("stablehlo.gather")
def _gather(point: Point) -> Maps:
    """Back: each window is added to where it was read from, which is inside."""
    x, indices = point.operands
    places = Places(
        x.shape,
        indices,
        GatherDimensionNumbers.parse(point.attribute("dimension_numbers")),
        point.ints("slice_sizes"),
        point.flag("indices_are_sorted"),
    )
    return [LinearMap(lambda t: point.again(0, t), lambda ct: places.clamped().add(ct)), None]


@linear("stablehlo.dynamic_slice")
def _dynamic_slice(point: Point) -> Maps:
    """Back: the slice is written into zeros at the same start."""
    x, *starts = point.operands

    def back(ct: Tensor) -> Tensor:
        return hlo.dynamic_update_slice(hlo.zeros_like(x), ct, starts)

    return [LinearMap(lambda t: point.again(0, t), back), *(None for _ in starts)]


@linear("stablehlo.dynamic_update_slice")
def _dynamic_update_slice(point: Point) -> Maps:
    """The operand passes except where the update lies; the update is read there."""
    x, update, *starts = point.operands
    zeros = hlo.zeros_like(update)

    def cleared(t: Tensor) -> Tensor:
        return hlo.dynamic_update_slice(t, zeros, starts)

    def placed(t: Tensor) -> Tensor:
        return hlo.dynamic_update_slice(hlo.zeros_like(x), t, starts)

    written = LinearMap(placed, lambda ct: hlo.dynamic_slice(ct, starts, update.shape))
    return [maps.same(cleared), written, *(None for _ in starts)]
