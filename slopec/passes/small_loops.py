"""Loops of little work in each trip: recurrences of a few numbers, Newton's method, pivots.

IREE makes dispatches of a trip, and decides on the host whether there is another one: microseconds,
or with workers tens of them, for what takes nanoseconds. In one dispatch that runs all trips the
numbers stay in the nearest cache, and nobody waits for anybody.
"""

from math import prod

from slopec import dtypes, ir
from slopec.dialects.attributes import DotDimensionNumbers
from slopec.passes.separate_buffers import source_of
from slopec.transforms.body import block_of

_WORK = 16_384
"""Numbers made by one core in about as long as it takes to start a dispatch and end a trip."""
_STARTED = frozenset(
    f"stablehlo.{name}" for name in "scatter reduce dot_general pad concatenate while".split()
)
"""Ops that IREE starts dispatches for, of which two are taken to be as long as one is started."""
_TERMS = 4  # of a product that are summed while one number is made otherwise
_ROOM = 256 << 10
"""Bytes of what a loop makes and carries, but for what it only writes some rows of."""
_OPS = 512
_FREE = frozenset(f"stablehlo.{name}" for name in "return constant broadcast_in_dim iota".split())
"""Ops that make no numbers but those that others read."""

ELEMENTWISE = frozenset(
    f"stablehlo.{name}"
    for name in "add subtract multiply divide remainder maximum minimum negate abs sign and or xor"
    " not compare select clamp convert bitcast_convert is_finite floor ceil round_nearest_even sqrt"
    " rsqrt exponential exponential_minus_one log log_plus_one tanh logistic shift_left"
    " shift_right_logical shift_right_arithmetic popcnt count_leading_zeros".split()
)
"""The ops on each number that such a loop may have."""

MOVES = frozenset(
    f"stablehlo.{name}"
    for name in "broadcast_in_dim reshape transpose slice dynamic_slice reverse iota constant"
    " optimization_barrier".split()
)
"""Ops of which an element is one of the operand's, or known."""

_OTHERS = frozenset(
    f"stablehlo.{name}"
    for name in "reduce dot_general gather scatter dynamic_update_slice pad concatenate while"
    " return sine cosine power atan2 tan".split()
)

TYPES = frozenset(
    {
        *(dtypes.float32, dtypes.float64, dtypes.bool_),
        *(dtypes.int8, dtypes.int16, dtypes.int32, dtypes.int64),
        *(dtypes.uint8, dtypes.uint16, dtypes.uint32, dtypes.uint64),
    }
)
"""The types of what such a loop computes with."""


def is_small(loop: ir.Operation) -> bool:
    """Whether a `while` is best run as a whole by one worker."""
    inside = ir.ops_in(loop)
    known = ELEMENTWISE | MOVES | _OTHERS
    if len(inside) > _OPS or not all(op.name in known for op in inside):
        return False
    values = [value for op in inside for value in (*op.operands, *op.results)]
    types = [ir.static_shape_and_dtype(value.type) for value in values]
    if any(t is None or t[1] not in TYPES or 0 in t[0] for t in types):
        return False
    work = sum(_work(block_of(loop, region)) for region in range(2))
    dispatches = sum(op.name in _STARTED for op in inside) // 2
    return work <= _WORK * max(1, dispatches) and sum(map(_room, inside)) <= _ROOM


def _work(block: ir.Block) -> int:
    """About how many numbers are made by the ops of a block, in one trip of each loop of it."""
    return sum(_work_of(view.operation) for view in block.operations)


def _work_of(op: ir.Operation) -> int:
    if op.name == "stablehlo.while":
        return sum(_work(block_of(op, region)) for region in range(2))
    if op.name in _FREE or source_of(op) is not None:
        return 0
    if op.name == "stablehlo.dynamic_update_slice":
        return _size(op.operands[1])
    if op.name == "stablehlo.reduce":
        return _size(op.operands[0])
    if op.name == "stablehlo.dot_general":
        numbers = DotDimensionNumbers.parse(op.attributes["dot_dimension_numbers"])
        shape = ir.type_of(op.operands[0])[0]
        terms = _size(op.results[0]) * prod(shape[d] for d in numbers.lhs_contracting)
        return terms // _TERMS
    return max(map(_size, op.results))


def _size(value: ir.Value) -> int:
    return prod(ir.type_of(value)[0])


def _room(op: ir.Operation) -> int:
    """Bytes of what an op makes."""
    updates = op.name in ("stablehlo.while", "stablehlo.dynamic_update_slice")
    if updates or op.name in _FREE or source_of(op) is not None:
        return 0
    return sum(map(ir.size_in_bytes, op.results))
