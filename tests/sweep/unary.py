"""Ops of one real operand: every floating type, at special points, everywhere, and where it is hard."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy import special

from tests.sweep.case import Case
from tests.sweep.programs import elementwise
from tests.sweep.values import FLOATS, dtype, edges, magnitudes, spread, subnormals

Array = np.ndarray


@dataclass(frozen=True)
class Function:
    """An op, its reference in a wider type, an interval of interest, the ulps it may be off."""

    op: str
    reference: Callable[[Array], Array]
    low: float
    high: float
    ulps: float = 2.0
    hard: tuple[tuple[float, float], ...] = ()
    """Intervals where the usual formulas lose digits."""
    floor: float = 0.0
    """An error, in units of the last place of 1, that is right where the result crosses 0."""


FUNCTIONS = (
    Function("stablehlo.sine", np.sin, -10, 10, 2, ((3.1, 3.2), (-700, 700))),
    Function("stablehlo.cosine", np.cos, -10, 10, 2, ((1.5, 1.6), (-700, 700))),
    Function("stablehlo.tan", np.tan, -10, 10, 3, ((1.5, 1.6), (-700, 700))),
    Function("stablehlo.tanh", np.tanh, -10, 10, 4, ((-1e-3, 1e-3), (0.1, 1))),
    Function("stablehlo.exponential", np.exp, -80, 80, 2, ((-1e-3, 1e-3),)),
    Function("stablehlo.exponential_minus_one", np.expm1, -10, 10, 3, ((-1e-3, 1e-3), (-1, 1))),
    Function("stablehlo.log", np.log, 1e-3, 100, 2, ((0.99, 1.01), (0.5, 2))),
    Function("stablehlo.log_plus_one", np.log1p, -0.99, 10, 3, ((-1e-3, 1e-3), (-0.5, 1))),
    Function("stablehlo.logistic", special.expit, -20, 20, 3, ((-85, -20),)),
    Function("stablehlo.cbrt", np.cbrt, -100, 100, 2, ((-1e-3, 1e-3),)),
    Function("stablehlo.sqrt", np.sqrt, 0, 100, 1),
    Function("stablehlo.rsqrt", lambda x: 1 / np.sqrt(x), 1e-3, 100, 2),
)


def cases() -> Iterator[Case]:
    for function in FUNCTIONS:
        for name in FLOATS:
            yield from cases_of(function, name)


def cases_of(function: Function, name: str) -> Iterator[Case]:
    """A function of one floating type."""
    facts = {"ulps": function.ulps if dtype(name).itemsize > 2 else 1.0}
    kind = np.dtype("float32" if name == "bfloat16" else name)
    # float16 is computed in float32, which holds its subnormal numbers.
    least = 0.0 if name == "float16" else float(np.finfo(kind).smallest_normal)

    def case(what: str, x: Array) -> Case:
        # Only on the negative axis are there zeros that no formula knows.
        crossing = function.floor * (1 if np.nanmin(x) < 0 else 0.02) * float(np.finfo(kind).eps)
        # Where a step towards the result is subnormal, it counts as zero.
        floor = max(crossing, 64 * least)
        return elementwise(
            function.op, f"{name}/{what}", [x], function.reference, floor=floor, **facts
        )

    yield case("edges", edges(name))
    yield case("interval", spread(name, function.low, function.high))
    for low, high in function.hard:
        yield case(f"{low:g} to {high:g}", spread(name, low, high))
    yield case("subnormal", subnormals(name))
    sizes = magnitudes(name)
    yield case("all sizes", np.concatenate([sizes, -sizes]))
