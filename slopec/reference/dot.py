"""Contractions as batched matrix products, which NumPy hands to BLAS."""

import re
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from slopec import dtypes, ir
from slopec.dialects.attributes import Dims, DotDimensionNumbers
from slopec.dtypes import DType
from slopec.reference.bits import converted
from slopec.reference.rounding import wide_dtype
from slopec.reference.table import (
    Array,
    Kernel,
    attribute,
    cannot,
    check_element_type,
    operand_shape,
    result_dtype,
    rule,
)


@lru_cache(maxsize=4096)
def dimension_numbers(attribute_: Any) -> DotDimensionNumbers:
    """The dimension numbers that an attribute spells."""
    return DotDimensionNumbers.parse(attribute_)


@rule("stablehlo.dot_general")
def dot_general(op: ir.Operation) -> Kernel:
    """Sum of products over the contracting dimensions, for each batch index.

    `precision_config` and `algorithm` ask for less exact products and are not needed here.
    """
    check_element_type(op)
    numbers, dtype = dimension_numbers(op.attributes["dot_dimension_numbers"]), result_dtype(op)
    return lambda x, y: contracted(x, y, numbers, dtype)


@rule("stablehlo.dot")
def dot(op: ir.Operation) -> Kernel:
    """The product of two vectors or matrices."""
    last = len(operand_shape(op)) - 1
    numbers, dtype = DotDimensionNumbers((), (), (last,), (0,)), result_dtype(op)
    return lambda x, y: contracted(x, y, numbers, dtype)


def contracted(x: Array, y: Array, numbers: DotDimensionNumbers, dtype: DType) -> Array:
    """`dot_general` of two arrays, computed at least as precisely as `dtype` and the operands."""
    computed = computed_dtype(x.dtype, y.dtype, dtype)
    rows, columns, left_order, right_order = _orders(numbers, x.ndim, y.ndim)
    sums = len(numbers.lhs_contracting)
    left, right = x.transpose(left_order), y.transpose(right_order)
    product: Array
    if len(rows) == sums == len(columns) == 1:
        product = np.matmul(_ready(left, computed), _ready(right, computed))
        return product.astype(dtype, copy=False)
    left, right = _matrices(left, len(rows), sums), _matrices(right, sums, len(columns))
    product = np.matmul(_ready(left, computed), _ready(right, computed))
    batch = [x.shape[d] for d in numbers.lhs_batching]
    shape = batch + [x.shape[d] for d in rows] + [y.shape[d] for d in columns]
    return product.reshape(shape).astype(dtype, copy=False)


@lru_cache(maxsize=4096)
def _orders(
    numbers: DotDimensionNumbers, left_rank: int, right_rank: int
) -> tuple[Dims, Dims, Dims, Dims]:
    """The free dimensions of both operands, and orders that make stacks of matrices of them."""
    rows = _free(left_rank, numbers.lhs_batching, numbers.lhs_contracting)
    columns = _free(right_rank, numbers.rhs_batching, numbers.rhs_contracting)
    left = (*numbers.lhs_batching, *rows, *numbers.lhs_contracting)
    return rows, columns, left, (*numbers.rhs_batching, *numbers.rhs_contracting, *columns)


def computed_dtype(x: DType, y: DType, result: DType) -> DType:
    """Integers wrap alike at every width, so the result's will do; floats take the widest."""
    if dtypes.is_integer(result) or result == dtypes.bool_:
        return result
    return np.result_type(wide_dtype(x), wide_dtype(y), wide_dtype(result))


def _free(rank: int, batching: Dims, contracting: Dims) -> Dims:
    return tuple(d for d in range(rank) if d not in batching and d not in contracting)


def _matrices(x: Array, first: int, second: int) -> Array:
    """The last `first + second` dimensions joined into rows and columns."""
    batch = x.ndim - first - second
    shape = x.shape
    rows, columns = prod(shape[batch : batch + first]), prod(shape[batch + first :])
    return x.reshape(*shape[:batch], rows, columns)


def _ready(matrices: Array, dtype: DType) -> Array:
    """The matrices in the precision of the product, laid out so that NumPy will call BLAS."""
    cast = converted(matrices, dtype)
    return cast if _suits_blas(cast) else np.ascontiguousarray(cast)


def _suits_blas(matrices: Array) -> bool:
    """Whether NumPy will call BLAS: unit stride in one direction and no overlap in the other."""
    (rows, columns), (down, across) = matrices.shape[-2:], matrices.strides[-2:]
    unit = matrices.itemsize
    by_row = across == unit and down >= columns * unit
    return by_row or (down == unit and across >= rows * unit)


@rule("stablehlo.einsum")
def einsum(op: ir.Operation) -> Kernel:
    """The Einstein sum that `einsum_config` spells, such as `ij,jk->ik`."""
    return _einsum(attribute(op, "einsum_config"), result_dtype(op))


@rule("stablehlo.unary_einsum")
def unary_einsum(op: ir.Operation) -> Kernel:
    """The Einstein sum of one operand, such as `ij->i`."""
    return _einsum(attribute(op, "einsum_config").lstrip(","), result_dtype(op))


def _einsum(config: str, dtype: DType) -> Kernel:
    wide = wide_dtype(dtype)
    return lambda *xs: np.asarray(
        np.einsum(config, *(converted(x, wide) for x in xs), optimize=True)
    ).astype(dtype, copy=False)


@lru_cache(maxsize=1024)
def _ragged(text: str) -> dict[str, tuple[int, ...]]:
    found = re.findall(r"(\w+)_dimensions = \[([^\]]*)\]", text)
    return {key: tuple(int(d) for d in dims.split(",") if d.strip()) for key, dims in found}


@rule("chlo.ragged_dot")
def ragged_dot(op: ir.Operation) -> Kernel:
    """A product in which runs of one dimension of lhs belong to groups, of sizes `group_sizes`.

    The ragged dimension is free (each run meets its group's matrix), contracted (each group sums
    its own run, giving a new first dimension) or a batch dimension (then groups do not matter).
    """
    facts = _ragged(str(op.attributes["ragged_dot_dimension_numbers"]))
    keys = ("lhs_batching", "rhs_batching", "lhs_contracting", "rhs_contracting")
    numbers = DotDimensionNumbers(*(facts.get(key, ()) for key in keys))
    (ragged,), dtype = facts["lhs_ragged"], result_dtype(op)
    if ragged in numbers.lhs_batching:
        return lambda x, y, sizes: contracted(x, y, numbers, dtype)
    if operand_shape(op, 2)[:-1]:
        raise cannot(op, "group sizes that differ between batch elements")
    if ragged in numbers.lhs_contracting:
        other = numbers.rhs_contracting[numbers.lhs_contracting.index(ragged)]
        return lambda x, y, sizes: np.stack(
            [
                contracted(_run(x, ragged, run), _run(y, other, run), numbers, dtype)
                for run in _runs(sizes)
            ]
        )
    (group,) = facts["rhs_group"]
    one_group = DotDimensionNumbers(
        numbers.lhs_batching,
        tuple(d - (d > group) for d in numbers.rhs_batching),
        numbers.lhs_contracting,
        tuple(d - (d > group) for d in numbers.rhs_contracting),
    )

    def kernel(x: Array, y: Array, sizes: Array) -> Array:
        free = _free(x.ndim, numbers.lhs_batching, numbers.lhs_contracting)
        axis = len(numbers.lhs_batching) + free.index(ragged)
        parts = [
            contracted(_run(x, ragged, run), y.take(index, group), one_group, dtype)
            for index, run in enumerate(_runs(sizes))
        ]
        left = x.shape[ragged] - int(np.sum(sizes))
        rest = list(parts[0].shape)
        rest[axis] = left
        return np.concatenate([*parts, np.zeros(rest, dtype)], axis)

    return kernel


def _runs(sizes: Array) -> list[slice]:
    ends = np.cumsum(sizes.astype(np.int64))
    return [slice(int(end - n), int(end)) for end, n in zip(ends, sizes, strict=True)]


def _run(x: Array, axis: int, run: slice) -> Array:
    part: Array = x[(slice(None),) * axis + (run,)]
    return part
