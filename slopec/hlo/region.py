"""Regions: the small functions inside reduce, sort, while and their kin."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from slopec import ir, tracing
from slopec.dtypes import DType
from slopec.tensor import Tensor
from slopec.tracing import TensorType, Trace


@dataclass(frozen=True)
class Binary:
    """Fills a region with one binary op, `name`, on two tensors without dimensions."""

    name: str
    dtype: DType
    closed: ClassVar[bool] = True

    def __call__(self, region: Any, location: ir.Location) -> None:
        """Fill `region`."""
        scalar = ir.tensor_type((), self.dtype)
        block = region.blocks.append(scalar, scalar, arg_locs=[location, location])
        point = ir.InsertionPoint(block)
        name = f"stablehlo.{self.name}"
        op = ir.create(name, [scalar], list(block.arguments), None, location, point)
        ir.create("stablehlo.return", [], list(op.results), None, location, point)


@dataclass(frozen=True)
class Second:
    """Fills a region that returns the second of two tensors without dimensions."""

    dtype: DType
    closed: ClassVar[bool] = True

    def __call__(self, region: Any, location: ir.Location) -> None:
        """Fill `region`."""
        scalar = ir.tensor_type((), self.dtype)
        block = region.blocks.append(scalar, scalar, arg_locs=[location, location])
        new = [block.arguments[1]]
        ir.create("stablehlo.return", [], new, None, location, ir.InsertionPoint(block))


@dataclass(frozen=True)
class Written:
    """Fills a region by running `body` on tensors of the given types."""

    body: Callable[..., Tensor | Sequence[Tensor]]
    arguments: Sequence[TensorType]

    def __call__(self, region: Any, location: ir.Location) -> None:
        """Fill `region`."""
        build_region(region, self.body, self.arguments)


def binary_region(region: Any, name: str, dtype: DType) -> None:
    """Fill `region` with one binary op on two tensors without dimensions."""
    Binary(name, dtype)(region, tracing.location())


def build_region(
    region: Any,
    body: Callable[..., Tensor | Sequence[Tensor]],
    arguments: Sequence[TensorType],
    after: Callable[[Trace, Sequence[Tensor]], Sequence[Tensor]] | None = None,
) -> tuple[Tensor, ...]:
    """Fill `region` by running `body` on tensors of the given types; return its results.

    The body may use tensors of the enclosing trace. `after` may replace the results, still inside.
    """
    outer = tracing.current()
    where = tracing.location()
    types = [ir.tensor_type(shape, dtype) for shape, dtype in arguments]
    block = region.blocks.append(*types, arg_locs=[where] * len(types))
    inner = Trace(outer.module, block, outer)
    inner.location = outer.location
    with tracing.writing(inner):
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
