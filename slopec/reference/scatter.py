"""Scatter: every update becomes a position in the flat operand, and NumPy combines the values.

As the specification has it, each element is dropped on its own when it falls outside; updates that
meet are combined in the order of their indices.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from slopec import ir
from slopec.dialects.attributes import ScatterDimensionNumbers
from slopec.reference.bits import converted
from slopec.reference.bodies import monoids, overwrites
from slopec.reference.gather import along, batch_axes, index_vectors
from slopec.reference.rounding import wide_dtype
from slopec.reference.table import (
    Array,
    Body,
    Kernel,
    Scope,
    argument_dtypes,
    scoped_rule,
)

Scatter = Callable[[list[Array], Array, list[Array]], list[Array]]
"""Combine flat operands, positions and flat updates."""


@lru_cache(maxsize=4096)
def dimension_numbers(attribute_: Any) -> ScatterDimensionNumbers:
    """The dimension numbers that an attribute spells."""
    return ScatterDimensionNumbers.parse(attribute_)


@scoped_rule("stablehlo.scatter")
def scatter(op: ir.Operation, scope: Scope) -> Kernel:
    """N operands with N updates combined into them at computed places."""
    numbers = dimension_numbers(op.attributes["scatter_dimension_numbers"])
    count = len(op.results)
    block = op.regions[0].blocks[0]
    dtypes = argument_dtypes(block)[:count]
    ufuncs = monoids(block)
    body = scope.region(op.regions[0])
    if overwrites(block):
        combine: Scatter = _overwrite
    elif ufuncs is not None:
        combine = _by_ufuncs(ufuncs)
    elif body.lanewise:
        combine = _in_rounds(body)
    else:
        combine = _one_by_one(body)

    def kernel(*operands: Array) -> list[Array]:
        inputs, indices, updates = operands[:count], operands[count], operands[count + 1 :]
        shape = inputs[0].shape
        positions, inside = _positions(shape, indices, updates[0].shape, numbers)
        flat = [
            converted(x, d).astype(d, order="C").reshape(-1)
            for x, d in zip(inputs, dtypes, strict=True)
        ]
        values = [converted(u, d).reshape(-1) for u, d in zip(updates, dtypes, strict=True)]
        if inside is not None:
            values = [value[inside] for value in values]
        return [x.reshape(shape) for x in combine(flat, positions, values)]

    return kernel


def _positions(
    shape: ir.Shape, indices: Array, updates: ir.Shape, numbers: ScatterDimensionNumbers
) -> tuple[Array, Array | None]:
    """The flat position of each update that falls inside, and which do (None: all)."""
    rank = len(updates)
    window_dims = numbers.update_window_dims
    scatter_dims = [d for d in range(rank) if d not in window_dims]
    vectors = index_vectors(indices, numbers.index_vector_dim)
    batch = vectors.shape[:-1]
    inserted = {*numbers.inserted_window_dims, *numbers.input_batching_dims}
    window_of = dict(
        zip([d for d in range(len(shape)) if d not in inserted], window_dims, strict=True)
    )
    start_of: dict[int, Array] = {
        d: vectors[..., component]
        for component, d in enumerate(numbers.scatter_dims_to_operand_dims)
    }
    axes = batch_axes(numbers.scatter_indices_batching_dims, numbers.index_vector_dim)
    for d, axis in zip(numbers.input_batching_dims, axes, strict=True):
        start_of[d] = along(axis, batch)
    spread = [batch[scatter_dims.index(d)] if d in scatter_dims else 1 for d in range(rank)]
    positions = np.zeros((1,) * rank, np.int64)
    inside: Array | None = None
    stride = 1
    for d in reversed(range(len(shape))):
        index = np.zeros((1,) * rank, np.int64)
        if d in start_of:
            index = np.broadcast_to(start_of[d], batch).reshape(spread)
        if d in window_of:
            axis = window_of[d]
            index = index + np.arange(updates[axis]).reshape(
                [-1 if a == axis else 1 for a in range(rank)]
            )
        fits = (index >= 0) & (index < shape[d])
        if not fits.all():
            inside = fits if inside is None else inside & fits
        positions = positions + index * stride
        stride *= shape[d]
    positions = np.broadcast_to(positions, updates).reshape(-1)
    if inside is None:
        return positions, None
    inside = np.broadcast_to(inside, updates).reshape(-1)
    return positions[inside], inside


def _overwrite(xs: list[Array], positions: Array, values: list[Array]) -> list[Array]:
    for x, value in zip(xs, values, strict=True):
        x[positions] = value
    return xs


def _by_ufuncs(ufuncs: list[np.ufunc]) -> Scatter:
    def combine(xs: list[Array], positions: Array, values: list[Array]) -> list[Array]:
        results = []
        for ufunc, x, value in zip(ufuncs, xs, values, strict=True):
            wide = x.astype(wide_dtype(x.dtype), copy=False)
            ufunc.at(wide, positions, value.astype(wide.dtype, copy=False))
            results.append(wide.astype(x.dtype, copy=False))
        return results

    return combine


def _in_rounds(body: Body) -> Scatter:
    """Whole arrays at a time: in round r each position takes its r-th update."""

    def combine(xs: list[Array], positions: Array, values: list[Array]) -> list[Array]:
        order = np.argsort(positions, kind="stable")
        ordered = positions[order]
        first = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]][: len(ordered)])
        runs = np.diff(np.r_[first, len(ordered)])
        rounds = np.arange(len(ordered)) - np.repeat(first, runs)
        for turn in range(int(runs.max(initial=0))):
            chosen = order[rounds == turn]
            at = positions[chosen]
            for x, new in zip(
                xs, body(*(x[at] for x in xs), *(v[chosen] for v in values)), strict=True
            ):
                x[at] = new
        return xs

    return combine


def _one_by_one(body: Body) -> Scatter:
    def combine(xs: list[Array], positions: Array, values: list[Array]) -> list[Array]:
        for index, at in enumerate(positions):
            old = [np.asarray(x[at]) for x in xs]
            new = body(*old, *(np.asarray(v[index]) for v in values))
            for x, value in zip(xs, new, strict=True):
                x[at] = value
        return xs

    return combine
