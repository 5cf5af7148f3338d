"""How far to go along a direction: to where the function is lower, and flat enough.

A point t is good by the strong Wolfe conditions when

    f(t) ≤ f(0) + c₁ t f'(0)  and  |f'(t)| ≤ c₂ |f'(0)|

which an interval must contain whose ends tell so; it is found by going further and further, then
narrowed (Nocedal & Wright, *Numerical Optimization*, 2006, algorithms 3.5 and 3.6).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

DECREASE, FLATNESS = 1e-4, 0.9
"""c₁ and c₂, as for quasi-Newton directions."""

TRIALS = 25


@dataclass(frozen=True)
class Point:
    """A point of the line: how far it is, the function and its slope there, and its gradient."""

    at: float
    value: float
    slope: float
    gradient: Any


def strong_wolfe(
    evaluate: Callable[[float], Point], start: Point, at: float, size: float, tolerance: float
) -> Point:
    """A good point, `at` if that is one; the best that was seen after `TRIALS` others.

    The line goes downhill from `start`. An interval that moves no parameter by more than
    `tolerance` is not narrowed: `size` is how far a unit of the line moves one. A value that is not
    a number is a point too far.
    """

    def low_enough(point: Point) -> bool:
        return point.value <= start.value + DECREASE * point.at * start.slope

    def flat_enough(point: Point) -> bool:
        return abs(point.slope) <= -FLATNESS * start.slope

    before, here, trials = start, evaluate(at), 0
    while trials < TRIALS:
        if not low_enough(here) or (trials > 1 and here.value >= before.value):
            break
        if flat_enough(here):
            return here
        if here.slope >= 0:
            break
        ahead = here.at + 0.01 * (here.at - before.at), 10 * here.at
        before, here = here, evaluate(_lowest(before, here, ahead))
        trials += 1
    else:
        before = start

    low, high = _sorted(before, here)
    near_an_end = False
    while trials < TRIALS and abs(high.at - low.at) * size >= tolerance:
        at, near_an_end = _within(low, high, near_an_end)
        here = evaluate(at)
        trials += 1
        if not low_enough(here) or not here.value < low.value:
            low, high = _sorted(low, here)
            continue
        if flat_enough(here):
            return here
        if here.slope * (high.at - low.at) >= 0:
            high = low
        low = here
    return low


def _sorted(a: Point, b: Point) -> tuple[Point, Point]:
    """The lower point, then the other."""
    return (b, a) if b.value < a.value else (a, b)


def _within(low: Point, high: Point, near_an_end: bool) -> tuple[float, bool]:
    """Where to look next, and whether it is near an end; not so twice, which narrows little."""
    left, right = sorted((low.at, high.at))
    at, margin = _lowest(low, high, (left, right)), 0.1 * (right - left)
    if min(right - at, at - left) >= margin:
        return at, False
    if not near_an_end and left < at < right:
        return at, True
    return (right - margin if right - at < at - left else left + margin), False


def _lowest(a: Point, b: Point, within: tuple[float, float]) -> float:
    """Where the cubic through two points with their slopes is lowest, or the middle if nowhere."""
    if a.at > b.at:
        a, b = b, a
    least, most = within
    mean = a.slope + b.slope - 3 * (a.value - b.value) / (a.at - b.at)
    square = mean * mean - a.slope * b.slope
    if not square >= 0:
        return (least + most) / 2
    root = math.sqrt(square)
    divisor = b.slope - a.slope + 2 * root
    if divisor == 0:
        return (least + most) / 2
    at = b.at - (b.at - a.at) * ((b.slope + root - mean) / divisor)
    return min(max(at, least), most)
