"""Ops whose places come from data: dynamic slices, gather, scatter, sort, random bits."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from slopec import ir, tracing
from slopec.dialects.attributes import GatherDimensionNumbers, ScatterDimensionNumbers
from slopec.dtypes import DType
from slopec.hlo.region import Binary, Second, Written
from slopec.hlo.shape import full
from slopec.tensor import Tensor

if TYPE_CHECKING:
    from slopec.tracing import TensorType


def dynamic_slice(operand: Tensor, starts: Sequence[Tensor], sizes: Sequence[int]) -> Tensor:
    """`stablehlo.dynamic_slice`; starts are scalars, moved so that the slice lies inside."""
    return tracing.emit(
        "stablehlo.dynamic_slice",
        [operand, *starts],
        tuple(sizes),
        operand.dtype,
        {"slice_sizes": ir.i64s(*sizes)},
    )


def dynamic_update_slice(operand: Tensor, update: Tensor, starts: Sequence[Tensor]) -> Tensor:
    """`stablehlo.dynamic_update_slice`: the operand with `update` written at `starts`."""
    return tracing.emit(
        "stablehlo.dynamic_update_slice",
        [operand, update, *starts],
        operand.shape,
        operand.dtype,
    )


def gather(
    operand: Tensor,
    start_indices: Tensor,
    numbers: GatherDimensionNumbers,
    slice_sizes: Sequence[int],
    *,
    sorted_: bool = False,
) -> Tensor:
    """`stablehlo.gather`: windows of `slice_sizes` at the start indices, which are clamped."""
    dropped = {*numbers.collapsed_slice_dims, *numbers.operand_batching_dims}
    window = [n for d, n in enumerate(slice_sizes) if d not in dropped]
    batch = [n for d, n in enumerate(start_indices.shape) if d != numbers.index_vector_dim]
    offset = iter(window)
    rest = iter(batch)
    shape = tuple(
        next(offset) if d in numbers.offset_dims else next(rest)
        for d in range(len(window) + len(batch))
    )
    if 0 in shape and 0 in operand.shape:
        # There is nothing to gather from, and StableHLO refuses slices that do not fit in there.
        return full(shape, 0, operand.dtype)
    attributes = {
        "dimension_numbers": ir.attr(str(numbers)),
        "slice_sizes": ir.i64s(*slice_sizes),
        "indices_are_sorted": ir.boolean(sorted_),
    }
    return tracing.emit(
        "stablehlo.gather", [operand, start_indices], shape, operand.dtype, attributes
    )


def scatter(
    operand: Tensor,
    indices: Tensor,
    updates: Tensor,
    numbers: ScatterDimensionNumbers,
    body: str | None,
    *,
    sorted_: bool = False,
    unique: bool = False,
) -> Tensor:
    """`stablehlo.scatter`; `body` names the binary op that combines, None overwrites.

    Updates that fall outside the operand are dropped.
    """
    attributes = {
        "scatter_dimension_numbers": ir.attr(str(numbers)),
        "indices_are_sorted": ir.boolean(sorted_),
        "unique_indices": ir.boolean(unique),
    }
    (out,) = tracing.emit_with(
        "stablehlo.scatter",
        [operand, indices, updates],
        [(operand.shape, operand.dtype)],
        attributes,
        [Second(operand.dtype) if body is None else Binary(body, operand.dtype)],
    )
    return out


def sort(
    operands: Sequence[Tensor],
    comparator: Callable[..., Tensor],
    dimension: int,
    *,
    stable: bool = True,
) -> tuple[Tensor, ...]:
    """`stablehlo.sort` of several tensors together along `dimension`.

    `comparator` takes (a₀, b₀, a₁, b₁, …), scalars of each operand, and says whether a is first.
    """
    types = [(x.shape, x.dtype) for x in operands]
    attributes = {"dimension": ir.i64(dimension), "is_stable": ir.boolean(stable)}
    scalars: list[TensorType] = [((), x.dtype) for x in operands for _ in range(2)]
    fill = Written(comparator, scalars)
    return tracing.emit_with("stablehlo.sort", operands, types, attributes, [fill])


def rng_bit_generator(
    state: Tensor, shape: Sequence[int], dtype: DType, algorithm: str = "THREE_FRY"
) -> tuple[Tensor, Tensor]:
    """`stablehlo.rng_bit_generator`: (the next state, random bits of unsigned `dtype`)."""
    results: list[TensorType] = [(state.shape, state.dtype), (tuple(shape), dtype)]
    attributes = {"rng_algorithm": ir.attr(f"#stablehlo<rng_algorithm {algorithm}>")}
    after, bits = tracing.emit_with("stablehlo.rng_bit_generator", [state], results, attributes)
    return after, bits
