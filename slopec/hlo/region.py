"""Regions: the small functions inside reduce, sort, while and their kin."""

from collections.abc import Callable, Sequence
from typing import Any

from slopec import ir, trace
from slopec.dtypes import DType
from slopec.tensor import Tensor
from slopec.trace import TensorType, Trace


def binary_region(region: Any, name: str, dtype: DType) -> None:
    """Fill `region` with one binary op on two tensors without dimensions."""
    scalar = ir.tensor_type((), dtype)
    where = trace.location(trace.current())
    block = region.blocks.append(scalar, scalar, arg_locs=[where, where])
    point = ir.InsertionPoint(block)
    op = ir.create(f"stablehlo.{name}", [scalar], list(block.arguments), None, where, point)
    ir.create("stablehlo.return", [], list(op.results), None, where, point)


def build_region(
    region: Any,
    body: Callable[..., Tensor | Sequence[Tensor]],
    arguments: Sequence[TensorType],
    after: Callable[[Trace, Sequence[Tensor]], Sequence[Tensor]] | None = None,
) -> tuple[Tensor, ...]:
    """Fill `region` by running `body` on tensors of the given types; return its results.

    The body may use tensors of the enclosing trace. `after` may replace the results, still inside.
    """
    outer = trace.current()
    where = trace.location(outer)
    types = [ir.tensor_type(shape, dtype) for shape, dtype in arguments]
    block = region.blocks.append(*types, arg_locs=[where] * len(types))
    inner = Trace(outer.module, block, outer)
    inner.location = outer.location
    with trace.writing(inner):
        inputs = [
            Tensor._of_value(value, inner, shape, dtype)
            for value, (shape, dtype) in zip(block.arguments, arguments, strict=True)
        ]
        returned = body(*inputs)
        results = [returned] if isinstance(returned, Tensor) else list(returned)
        if after is not None:
            results = list(after(inner, results))
        values = [inner.value_of(result) for result in results]
        ir.create("stablehlo.return", [], values, None, where, inner.point)
    inner.closed = True
    return tuple(results)
