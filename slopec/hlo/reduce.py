"""Ops that fold many elements into one, with a small function as their region."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from slopec import ir, tracing
from slopec.dtypes import DType
from slopec.hlo.region import Binary, Written
from slopec.tensor import Tensor

if TYPE_CHECKING:
    from slopec.tracing import TensorType

Body = str | Callable[..., Tensor | Sequence[Tensor]]


def reduce(
    operands: Tensor | Sequence[Tensor],
    init_values: Tensor | Sequence[Tensor],
    body: Body,
    dimensions: Sequence[int],
) -> Tensor | tuple[Tensor, ...]:
    """`stablehlo.reduce` over `dimensions`.

    `body` is the name of a binary op (`"add"`, `"maximum"` …) or a function of the accumulators
    followed by the new elements, all tensors without dimensions.
    """
    single = isinstance(operands, Tensor)
    xs = [operands] if isinstance(operands, Tensor) else list(operands)
    inits = [init_values] if isinstance(init_values, Tensor) else list(init_values)
    shape = tuple(n for d, n in enumerate(xs[0].shape) if d not in dimensions)
    attributes = {"dimensions": ir.i64s(*dimensions)}
    results = [(shape, x.dtype) for x in xs]
    fill = _fill(body, [x.dtype for x in xs])
    outs = tracing.emit_with("stablehlo.reduce", [*xs, *inits], results, attributes, [fill])
    return outs[0] if single else outs


def _fill(body: Body, dtypes: Sequence[DType]) -> tracing.Fill:
    if isinstance(body, str):
        return Binary(body, dtypes[0])
    scalars: list[TensorType] = [((), dtype) for dtype in dtypes]
    return Written(body, [*scalars, *scalars])


def reduce_window(
    operand: Tensor,
    init_value: Tensor,
    body: str,
    window: Sequence[int],
    strides: Sequence[int] | None = None,
    padding: Sequence[tuple[int, int]] | None = None,
    base_dilation: Sequence[int] | None = None,
    window_dilation: Sequence[int] | None = None,
) -> Tensor:
    """`stablehlo.reduce_window`: fold each window of the (padded, dilated) operand.

    `body` names a binary op. Output size per dimension: (padded − dilated window) // stride + 1.
    """
    ones = (1,) * operand.ndim
    strides, base_dilation = strides or ones, base_dilation or ones
    window_dilation = window_dilation or ones
    padding = padding or ((0, 0),) * operand.ndim
    shape = tuple(
        window_count(size, w, s, p, b, d)
        for size, w, s, p, b, d in zip(
            operand.shape, window, strides, padding, base_dilation, window_dilation, strict=True
        )
    )
    attributes = {
        "window_dimensions": ir.i64s(*window),
        "window_strides": ir.i64s(*strides),
        "base_dilations": ir.i64s(*base_dilation),
        "window_dilations": ir.i64s(*window_dilation),
        "padding": ir.matrix_i64(padding),
    }
    (out,) = tracing.emit_with(
        "stablehlo.reduce_window",
        [operand, init_value],
        [(shape, operand.dtype)],
        attributes,
        [Binary(body, operand.dtype)],
    )
    return out


def extent(count: int, step: int) -> int:
    """The places from the first of some elements to the last, which lie `step` apart.

    >>> extent(3, 2), extent(0, 2)
    (5, 0)
    """
    return (count - 1) * step + 1 if count else 0


def window_count(
    size: int, window: int, stride: int, padding: tuple[int, int], base: int, dilation: int
) -> int:
    """How many windows fit along one dimension (StableHLO, *reduce_window*)."""
    span = extent(window, dilation)
    padded = extent(size, base) + padding[0] + padding[1]
    return 0 if padded < span or padded == 0 else (padded - span) // stride + 1


def select_and_scatter(
    operand: Tensor,
    source: Tensor,
    init_value: Tensor,
    direction: str,
    window: Sequence[int],
    strides: Sequence[int],
    padding: Sequence[tuple[int, int]],
) -> Tensor:
    """`stablehlo.select_and_scatter`: add each source element where its window's winner is.

    `direction` is the comparison that keeps the first operand, `"GE"` for the maximum.
    """
    attributes = {
        "window_dimensions": ir.i64s(*window),
        "window_strides": ir.i64s(*strides),
        "padding": ir.matrix_i64(padding),
    }
    from slopec.hlo.elementwise import compare

    scalars: list[TensorType] = [((), operand.dtype)] * 2
    chosen = Written(lambda a, b: compare(a, b, direction), scalars)
    (out,) = tracing.emit_with(
        "stablehlo.select_and_scatter",
        [operand, source, init_value],
        [(operand.shape, operand.dtype)],
        attributes,
        [chosen, Binary("add", operand.dtype)],
    )
    return out
