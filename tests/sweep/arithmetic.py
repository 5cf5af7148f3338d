"""Arithmetic of two operands that IEEE 754 and modular integers define to the last bit."""

from collections.abc import Callable, Iterator

import numpy as np

from tests.sweep.case import Case
from tests.sweep.programs import elementwise
from tests.sweep.values import FLOATS, INTEGERS, edges, magnitudes, spread

Array = np.ndarray

OPS: dict[str, Callable[[Array, Array], Array]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
}


def cases() -> Iterator[Case]:
    for op, reference in OPS.items():
        for name in (*FLOATS, *INTEGERS):
            x = edges(name)
            pairs = [v.ravel() for v in np.meshgrid(x, x)]
            yield elementwise(f"stablehlo.{op}", f"{name}/edges", pairs, reference)
        for name in FLOATS:
            x, y = spread(name, -10, 10), magnitudes(name)
            yield elementwise(f"stablehlo.{op}", f"{name}/sizes", [x, y], reference)
