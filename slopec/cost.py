"""What a program costs: floating point operations and bytes moved, counted op by op."""

import math
from dataclasses import dataclass

from slopec import ir
from slopec.dialects.attributes import ConvDimensionNumbers, DotDimensionNumbers
from slopec.transforms.counted import count_of
from slopec.transforms.inline import callee

_FREE = {
    "stablehlo.reshape",
    "stablehlo.constant",
    "stablehlo.return",
    "stablehlo.optimization_barrier",
    "func.return",
    "func.func",
}
_MOVES = {
    "stablehlo.broadcast_in_dim",
    "stablehlo.transpose",
    "stablehlo.slice",
    "stablehlo.pad",
    "stablehlo.concatenate",
    "stablehlo.reverse",
    "stablehlo.gather",
    "stablehlo.dynamic_slice",
    "stablehlo.dynamic_update_slice",
    "stablehlo.iota",
    "stablehlo.convert",
    "stablehlo.select",
}


@dataclass(frozen=True)
class Cost:
    """Floating point operations, and bytes that ops read and write when nothing is fused."""

    flops: float = 0.0
    bytes: float = 0.0

    def __add__(self, other: "Cost") -> "Cost":
        """The cost of both."""
        return Cost(self.flops + other.flops, self.bytes + other.bytes)


def _size(value: ir.Value) -> int:
    return math.prod(ir.type_of(value)[0])


def _flops(op: ir.Operation, name: str) -> float:
    if name in _MOVES:
        return 0.0
    if name == "stablehlo.dot_general":
        numbers = DotDimensionNumbers.parse(op.attributes["dot_dimension_numbers"])
        shape, _ = ir.type_of(op.operands[0])
        return 2.0 * _size(op.results[0]) * math.prod(shape[d] for d in numbers.lhs_contracting)
    if name == "stablehlo.convolution":
        layout = ConvDimensionNumbers.parse(op.attributes["dimension_numbers"])
        kernel, _ = ir.type_of(op.operands[1])
        taps = math.prod(kernel) / max(1, kernel[layout.kernel_output_feature])
        return 2.0 * _size(op.results[0]) * taps
    if name in ("stablehlo.reduce", "stablehlo.sort", "stablehlo.scatter"):
        return float(_size(op.operands[0]))
    if name in ("stablehlo.reduce_window", "stablehlo.select_and_scatter"):
        window = math.prod(op.attributes["window_dimensions"])
        return float(window * min(_size(op.results[0]), _size(op.operands[0])))
    return float(sum(_size(result) for result in op.results))


def cost_of(function: ir.Operation) -> Cost:
    """The cost of one call of a function; a loop counts as often as it runs, once if not known.

    A fused multiply-add counts as two operations, an elementwise function of an element as one.
    """
    return cost_of_block(ir.body_of(function))


def cost_of_block(block: ir.Block) -> Cost:
    """The cost of running a block once; see `cost_of`."""
    return sum((_op_cost(view.operation) for view in block.operations), Cost())


def _times(count: int, cost: Cost) -> Cost:
    return Cost(count * cost.flops, count * cost.bytes)


def _op_cost(op: ir.Operation) -> Cost:
    name = op.name
    if name in _FREE:
        return Cost()
    if name == "func.call":
        function = callee(op)
        return Cost() if function is None else cost_of(function)
    if name in ("stablehlo.while", "stablehlo.case", "stablehlo.if"):
        inner = sum((cost_of_block(region.blocks[0]) for region in op.regions), Cost())
        count = count_of(op) if name == "stablehlo.while" else None
        return _times(1 if count is None else count.trips, inner)
    try:
        moved = sum(map(ir.size_in_bytes, op.operands)) + sum(map(ir.size_in_bytes, op.results))
        return Cost(_flops(op, name), float(moved))
    except TypeError:  # tokens and tuples have no size
        return Cost()


def spell_bytes(count: float) -> str:
    """A number of bytes for people.

    >>> spell_bytes(1536)
    '1.5 KiB'
    """
    if count < 1024:
        return f"{count:.0f} B"
    for unit in ("KiB", "MiB"):
        count /= 1024
        if count < 1024:
            return f"{count:.1f} {unit}"
    return f"{count / 1024:.1f} GiB"
