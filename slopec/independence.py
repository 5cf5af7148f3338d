"""Independent rows: a proof that row i of every result depends on row i of the inputs alone.

With that proof a batch of any size can be computed in pieces of the sizes that were compiled. The
batch dimension is followed through every op; an op that mixes rows, or combines them with values
that differ from row to row, ends the proof with its line. Numbers that were computed from the
batch size show when the same program, traced for another size, has other constants.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from slopec import ir
from slopec.diagnostics import Span
from slopec.dialects.attributes import (
    ConvDimensionNumbers,
    DotDimensionNumbers,
    GatherDimensionNumbers,
)


@dataclass(frozen=True)
class Rows:
    """Where the rows of a value lie: along `dim`, `block` consecutive places to a row."""

    dim: int
    block: int = 1


class MixedError(Exception):
    """Rows depend on each other, or on their number."""

    def __init__(self, why: str, span: Span | None) -> None:
        """Keep the reason and the user's line."""
        super().__init__(why)
        self.why = why
        self.span = span


def prove(function: ir.Operation, batch: Mapping[int, int], size: int) -> list[int | None]:
    """The row dimension of every result of a function whose argument i has rows along batch[i].

    None means a result that does not depend on the rows at all. Raises MixedError when there is no
    proof.
    """
    return _Proof(function, size).run(batch)


def same_but_for_size(a: ir.Operation, b: ir.Operation) -> None:
    """Raise MixedError unless two functions differ in shapes only."""
    ours, theirs = (
        [view.operation for view in ir.body_of(function).operations] for function in (a, b)
    )
    if [op.name for op in ours] != [op.name for op in theirs]:
        raise MixedError("the program has other operations for another size", ir.span_of(a))
    for one, other in zip(ours, theirs, strict=True):
        if one.name == "stablehlo.constant" and not _same_constant(one, other):
            raise MixedError("a number in the program depends on the size", ir.span_of(one))


def _same_constant(a: ir.Operation, b: ir.Operation) -> bool:
    x, y = ir.constant_array(a), ir.constant_array(b)
    if x.shape == y.shape:
        return x.tobytes() == y.tobytes()
    first = x.ravel()[:1]
    return bool(x.size and y.size and _all_equal(x, first) and _all_equal(y, first))


def _all_equal(x: np.ndarray, first: np.ndarray) -> bool:
    return bool((x == first).all())


class _Proof:
    """One walk over a function, keeping where the rows of each value lie."""

    def __init__(self, function: ir.Operation, size: int) -> None:
        self.function = function
        self.size = size
        self.rows: dict[ir.Value, Rows] = {}

    def run(self, batch: Mapping[int, int]) -> list[int | None]:
        block = ir.body_of(self.function)
        self.rows = {block.arguments[i]: Rows(dim) for i, dim in batch.items()}
        *ops, end = [view.operation for view in block.operations]
        for op in ops:
            if any(value in self.rows for value in op.operands):
                self._step(op)
        result: list[int | None] = []
        for value in end.operands:
            rows = self.rows.get(value)
            if rows is not None and rows.block != 1:
                raise MixedError("a result merges the rows with another dimension", ir.span_of(end))
            result.append(None if rows is None else rows.dim)
        return result

    def _step(self, op: ir.Operation) -> None:
        rule = _RULES.get(op.name.removeprefix("stablehlo."))
        if rule is None:
            if len(op.regions) or not _is_elementwise(op):
                raise self._mixed(op)
            rule = _Proof._elementwise
        rows = rule(self, op)
        for result in op.results:
            self.rows[result] = rows

    def _mixed(self, op: ir.Operation) -> MixedError:
        return MixedError(f"{op.name} may mix rows", ir.span_of(op))

    def _only(self, op: ir.Operation, index: int = 0) -> Rows:
        """The rows of operand `index`, all other operands being free of them."""
        values = list(op.operands)
        rows = self.rows.get(values[index])
        others = values[:index] + values[index + 1 :]
        if rows is None or any(value in self.rows for value in others):
            raise self._mixed(op)
        return rows

    def _elementwise(self, op: ir.Operation) -> Rows:
        found = {self.rows[value] for value in op.operands if value in self.rows}
        if len(found) != 1:
            raise self._mixed(op)
        (rows,) = found
        for value in op.operands:
            if value not in self.rows and not constant_along(value, rows.dim):
                raise MixedError(f"{op.name} adds something that differs by row", ir.span_of(op))
        return rows

    def _broadcast(self, op: ir.Operation) -> Rows:
        rows = self._only(op)
        place = list(op.attributes["broadcast_dimensions"])[rows.dim]
        if ir.type_of(op.results[0])[0][place] != ir.type_of(op.operands[0])[0][rows.dim]:
            raise self._mixed(op)
        return Rows(place, rows.block)

    def _transpose(self, op: ir.Operation) -> Rows:
        rows = self._only(op)
        return Rows(list(op.attributes["permutation"]).index(rows.dim), rows.block)

    def _reshape(self, op: ir.Operation) -> Rows:
        """The rows keep their outer extent and their stride in memory."""
        rows = self._only(op)
        before, after = ir.type_of(op.operands[0])[0], ir.type_of(op.results[0])[0]
        outer = math.prod(before[: rows.dim])
        stride = math.prod(before[rows.dim + 1 :]) * rows.block
        for dim, size in enumerate(after):
            inner = math.prod(after[dim + 1 :])
            if (
                math.prod(after[:dim]) == outer
                and inner
                and stride % inner == 0
                and size == self.size * (stride // inner)
            ):
                return Rows(dim, stride // inner)
        raise self._mixed(op)

    def _slice(self, op: ir.Operation) -> Rows:
        rows = self._only(op)
        return self._whole(op, rows)

    def _whole(self, op: ir.Operation, rows: Rows) -> Rows:
        """Rows that an op leaves in place: their dimension keeps its size."""
        before, after = ir.type_of(op.operands[0])[0], ir.type_of(op.results[0])[0]
        if before[rows.dim] != after[rows.dim]:
            raise self._mixed(op)
        return rows

    def _pad(self, op: ir.Operation) -> Rows:
        rows = self._only(op)
        names = ("edge_padding_low", "edge_padding_high", "interior_padding")
        if any(list(op.attributes[name])[rows.dim] for name in names):
            raise self._mixed(op)
        return rows

    def _concatenate(self, op: ir.Operation) -> Rows:
        rows = self._elementwise(op)
        if rows.dim == int(op.attributes["dimension"]):
            raise self._mixed(op)
        return rows

    def _other_dims(self, op: ir.Operation) -> Rows:
        """Ops along listed dimensions, which must not be the rows'."""
        rows = self._only(op)
        if rows.dim in list(op.attributes["dimensions"]):
            raise self._mixed(op)
        return rows

    def _reduce(self, op: ir.Operation) -> Rows:
        half = len(op.operands) // 2
        found = {self.rows.get(value) for value in list(op.operands)[:half]}
        dims = list(op.attributes["dimensions"])
        if len(found) != 1 or any(v in self.rows for v in list(op.operands)[half:]):
            raise self._mixed(op)
        rows = found.pop()
        if rows is None or rows.dim in dims:
            raise MixedError(f"{op.name} folds rows into one", ir.span_of(op))
        return Rows(rows.dim - sum(d < rows.dim for d in dims), rows.block)

    def _window(self, op: ir.Operation) -> Rows:
        rows = self._only(op)
        if list(op.attributes["window_dimensions"])[rows.dim] != 1:
            raise self._mixed(op)
        return self._whole(op, rows)

    def _sort(self, op: ir.Operation) -> Rows:
        rows = self._elementwise(op)
        if rows.dim == int(op.attributes["dimension"]):
            raise self._mixed(op)
        return rows

    def _dot(self, op: ir.Operation) -> Rows:
        numbers = DotDimensionNumbers.parse(op.attributes["dot_dimension_numbers"])
        lhs, rhs = (self.rows.get(value) for value in op.operands)
        batch = len(numbers.lhs_batching)
        if lhs is not None and rhs is not None:
            shared = list(zip(numbers.lhs_batching, numbers.rhs_batching, strict=True))
            if (lhs.dim, rhs.dim) in shared and lhs.block == rhs.block:
                return Rows(shared.index((lhs.dim, rhs.dim)), lhs.block)
            raise self._mixed(op)
        if lhs is not None:
            taken = {*numbers.lhs_batching, *numbers.lhs_contracting}
            place = batch + sum(d not in taken for d in range(lhs.dim))
            rows, used = lhs, taken
        else:
            assert rhs is not None
            used = {*numbers.rhs_batching, *numbers.rhs_contracting}
            left = len(ir.type_of(op.operands[0])[0]) - batch - len(numbers.lhs_contracting)
            place = batch + left + sum(d not in used for d in range(rhs.dim))
            rows = rhs
        if rows.dim in used:
            raise MixedError(f"{op.name} sums over rows", ir.span_of(op))
        return Rows(place, rows.block)

    def _convolution(self, op: ir.Operation) -> Rows:
        numbers = ConvDimensionNumbers.parse(op.attributes["dimension_numbers"])
        rows = self._only(op)
        if rows.dim != numbers.input_batch or int(op.attributes["batch_group_count"]) != 1:
            raise self._mixed(op)
        return Rows(numbers.output_batch, rows.block)

    def _gather(self, op: ir.Operation) -> Rows:
        numbers = GatherDimensionNumbers.parse(op.attributes["dimension_numbers"])
        rank = len(ir.type_of(op.results[0])[0])
        batch_dims = [d for d in range(rank) if d not in numbers.offset_dims]
        operand, indices = (self.rows.get(value) for value in op.operands)
        if operand is None and indices is not None and indices.dim != numbers.index_vector_dim:
            place = indices.dim - (indices.dim > numbers.index_vector_dim)
            return Rows(batch_dims[place], indices.block)
        gone = {*numbers.collapsed_slice_dims, *numbers.operand_batching_dims}
        if operand is None or indices is not None or operand.dim in gone:
            raise self._mixed(op)
        size = ir.type_of(op.operands[0])[0][operand.dim]
        if list(op.attributes["slice_sizes"])[operand.dim] != size:
            raise self._mixed(op)
        kept = [d for d in range(len(ir.type_of(op.operands[0])[0])) if d not in gone]
        return Rows(numbers.offset_dims[kept.index(operand.dim)], operand.block)

    def _matrices(self, op: ir.Operation) -> Rows:
        """Ops on the last two dimensions, applied row by row."""
        rows = self._elementwise(op)
        if rows.dim >= len(ir.type_of(op.operands[0])[0]) - 2:
            raise self._mixed(op)
        return rows


_RULES = {
    "broadcast_in_dim": _Proof._broadcast,
    "cholesky": _Proof._matrices,
    "concatenate": _Proof._concatenate,
    "convolution": _Proof._convolution,
    "dot_general": _Proof._dot,
    "dynamic_slice": _Proof._slice,
    "gather": _Proof._gather,
    "pad": _Proof._pad,
    "reduce": _Proof._reduce,
    "reduce_window": _Proof._window,
    "reshape": _Proof._reshape,
    "reverse": _Proof._other_dims,
    "slice": _Proof._slice,
    "sort": _Proof._sort,
    "transpose": _Proof._transpose,
    "triangular_solve": _Proof._matrices,
}


def _is_elementwise(op: ir.Operation) -> bool:
    """Whether every operand has the shape of the results, or no dimensions."""
    names = op.name.split(".")
    if names[0] == "chlo" and names[1] in ("top_k", "scan", "ragged_dot"):
        return False
    if names[1] in ("custom_call", "fft", "rng_bit_generator", "scatter", "while", "case", "if"):
        return False
    shape = ir.type_of(op.results[0])[0]
    return all(ir.type_of(value)[0] in (shape, ()) for value in op.operands)


def constant_along(value: ir.Value, dim: int) -> bool:
    """Whether the elements of a value certainly do not differ along `dim`."""
    shape, _ = ir.type_of(value)
    if not shape:
        return True
    op = value.owner
    if isinstance(op, ir.Block):
        return False
    op = op.operation
    if op.name == "stablehlo.constant":
        array = ir.constant_array(op)
        return array.size == 0 or bool((array == array.take([0], axis=dim)).all())
    if op.name == "stablehlo.iota":
        return dim != int(op.attributes["iota_dimension"])
    if op.name == "stablehlo.broadcast_in_dim":
        dims = list(op.attributes["broadcast_dimensions"])
        if dim not in dims:
            return True
        source = dims.index(dim)
        stretched = ir.type_of(op.operands[0])[0][source] != shape[dim]
        return stretched or constant_along(op.operands[0], source)
    if op.name == "stablehlo.transpose":
        return constant_along(op.operands[0], list(op.attributes["permutation"])[dim])
    if not len(op.regions) and len(op.operands) and _is_elementwise(op):
        return all(constant_along(operand, dim) for operand in op.operands)
    return False
