"""Counted loops: a `while` that runs a number of times that is known when it is compiled."""

from dataclasses import dataclass

from slopec import ir
from slopec.transforms.body import defining, returned

_STEPS_UP = {"LT": 0, "LE": 1}
_STEPS_DOWN = {"GT": 0, "GE": 1}


@dataclass(frozen=True)
class Count:
    """The carried value `place` goes start, start + step, … for `trips` iterations."""

    place: int
    start: int
    step: int
    trips: int


def count_of(op: ir.Operation) -> Count | None:
    """How often a `while` runs, when it compares a counter with a constant; else None.

    The counter begins at a constant and grows or shrinks by a constant each iteration.
    """
    cond, body = (region.blocks[0] for region in op.regions)
    (test,) = returned(cond)
    compare = defining(test)
    if compare is None or compare.name != "stablehlo.compare":
        return None
    direction = str(compare.attributes["comparison_direction"]).split()[-1].rstrip(">")
    left, right = compare.operands
    if left not in list(cond.arguments):
        left, right = right, left
        direction = direction.translate(str.maketrans("LG", "GL"))
    if left not in list(cond.arguments):
        return None
    place = list(cond.arguments).index(left)
    limit = _constant(right, op, cond)
    start = _constant(op.operands[place], op, cond)
    step = _step(op, body, place, cond)
    if limit is None or start is None or step is None:
        return None
    return _count(place, start, step, limit, direction)


def _count(place: int, start: int, step: int, limit: int, direction: str) -> Count | None:
    if direction == "NE" and step and (limit - start) % step == 0 and (limit - start) // step >= 0:
        return Count(place, start, step, (limit - start) // step)
    if step > 0 and direction in _STEPS_UP:
        return Count(place, start, step, max(0, -(-(limit + _STEPS_UP[direction] - start) // step)))
    if step < 0 and direction in _STEPS_DOWN:
        past = limit - _STEPS_DOWN[direction]
        return Count(place, start, step, max(0, -(-(start - past) // -step)))
    return None


def _constant(value: ir.Value, op: ir.Operation, block: ir.Block) -> int | None:
    """The integer that a value always is: a constant, or a carried value that never changes."""
    arguments = list(block.arguments)
    if value in arguments:
        place = arguments.index(value)
        body = op.regions[1].blocks[0]
        if returned(body)[place] != body.arguments[place]:
            return None
        return _constant(op.operands[place], op, block)
    made = defining(value)
    if made is None:
        return None
    if made.name in ("stablehlo.convert", "stablehlo.reshape", "stablehlo.optimization_barrier"):
        return _constant(made.operands[0], op, block)
    if made.name != "stablehlo.constant":
        return None
    array = ir.constant_array(made)
    return int(array) if array.size == 1 and array.dtype.kind in "iu" else None


def _step(op: ir.Operation, body: ir.Block, place: int, cond: ir.Block) -> int | None:
    """What the body adds to the carried value `place`, when that is a constant."""
    counter = body.arguments[place]
    made = defining(returned(body)[place])
    if made is None or made.name not in ("stablehlo.add", "stablehlo.subtract"):
        return None
    left, right = made.operands
    if made.name == "stablehlo.add" and right == counter:
        left, right = right, left
    if left != counter:
        return None
    step = _constant(right, op, body)
    return step if step is None or made.name == "stablehlo.add" else -step


def along(value: ir.Value, counter: ir.Value) -> tuple[int, int] | None:
    """(a, b) where an integer is a + b·`counter`, by additions and subtractions of constants."""
    if value == counter:
        return 0, 1
    made = defining(value)
    if made is None:
        return None
    if made.name == "stablehlo.constant":
        array = ir.constant_array(made)
        return (int(array), 0) if array.size == 1 and array.dtype.kind in "iu" else None
    if made.name not in ("stablehlo.add", "stablehlo.subtract", "stablehlo.convert"):
        return None
    parts = [along(operand, counter) for operand in made.operands]
    if any(part is None for part in parts):
        return None
    sign = -1 if made.name == "stablehlo.subtract" else 1
    (a, b), (c, d) = [part for part in (*parts, (0, 0)) if part is not None][:2]
    return a + sign * c, b + sign * d
