"""Binary ops that IEEE 754, modular integers and bits define exactly; beside arguments, constants."""

from collections.abc import Callable, Iterator

import numpy as np
from jax import lax

from tests.sweep.case import Case
from tests.sweep.programs import by_constants, elementwise
from tests.sweep.values import (
    FLOATS,
    INTEGERS,
    SMALL_FLOATS,
    dtype,
    edges,
    every,
    magnitudes,
    spread,
)
from tests.sweep.xla import xla

Array = np.ndarray
Reference = Callable[[Array, Array], Array]

FLOATING: dict[str, Reference] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "remainder": np.fmod,
    "maximum": lambda x, y: _larger(x, y),
    "minimum": lambda x, y: -_larger(-x, -y),
}
INTEGER: dict[str, Reference] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": xla(lax.div),
    "remainder": xla(lax.rem),
    "maximum": np.maximum,
    "minimum": np.minimum,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
    "power": lambda x, y: _power(x, y),
}
SHIFTS: dict[str, Reference] = {
    "shift_left": xla(lax.shift_left),
    "shift_right_arithmetic": xla(lax.shift_right_arithmetic),
    "shift_right_logical": xla(lax.shift_right_logical),
}
# On i1, addition is disjunction and multiplication conjunction; the order is false < true.
BOOLEAN: dict[str, Reference] = {
    "add": np.logical_or,
    "multiply": np.logical_and,
    "maximum": np.logical_or,
    "minimum": np.logical_and,
    "and": np.logical_and,
    "or": np.logical_or,
    "xor": np.logical_xor,
}
CONSTANTS = (0.0, -0.0, 1.0, -1.0, 2.0, 0.5, 3.0, 0.1, 1e4, np.inf, np.nan)


def pairs(x: Array) -> list[Array]:
    """Every element beside every other."""
    return [v.ravel() for v in np.meshgrid(x, x)]


def cases() -> Iterator[Case]:
    for op, reference in FLOATING.items():
        for name in FLOATS:
            yield from _floating(op, name, reference)
        for name in SMALL_FLOATS:
            yield elementwise(f"stablehlo.{op}", f"{name}/all", pairs(every(name)[::3]), reference)
    for op, reference in INTEGER.items():
        for name in INTEGERS:
            yield from _integer(op, name, reference)
    for op, reference in SHIFTS.items():
        for name in INTEGERS:
            yield _shift(op, name, reference)
    for op, reference in BOOLEAN.items():
        yield elementwise(f"stablehlo.{op}", "bool/all", pairs(edges("bool")), reference)


def _floating(op: str, name: str, reference: Reference) -> Iterator[Case]:
    full = f"stablehlo.{op}"
    yield elementwise(full, f"{name}/edges", pairs(edges(name)), reference)
    x, y = spread(name, -10, 10), magnitudes(name)
    y = np.concatenate([y[::2], -y[::2]])
    yield elementwise(full, f"{name}/sizes", [x, y[::-1]], reference)
    yield elementwise(full, f"{name}/sizes swapped", [y, x], reference)
    z = np.concatenate([edges(name), spread(name, -10, 10, 16)])
    yield by_constants(full, f"{name}/by constants", z, CONSTANTS, reference)
    yield by_constants(full, f"{name}/of constants", z, CONSTANTS, reference, swapped=True)


def _integer(op: str, name: str, reference: Reference) -> Iterator[Case]:
    full = f"stablehlo.{op}"
    yield elementwise(full, f"{name}/edges", pairs(edges(name)), reference)
    constants = [n for n in (0, 1, 2, 3, 7, 8, 100, -1, -2, -8) if n >= np.iinfo(dtype(name)).min]
    yield by_constants(full, f"{name}/by constants", edges(name), constants, reference)


def _shift(op: str, name: str, reference: Reference) -> Case:
    width = 8 * dtype(name).itemsize
    amounts = np.array([0, 1, 2, width - 2, width - 1, width, width + 1, 2 * width]).astype(
        dtype(name)
    )
    if name.startswith("int"):
        amounts = np.append(amounts, dtype(name).type(-1))
    given = [v.ravel() for v in np.meshgrid(edges(name), amounts)]
    return elementwise(f"stablehlo.{op}", f"{name}/edges", given, reference)


def _power(x: Array, y: Array) -> Array:
    """Modulo 2 to the width, with Python's integers; a negative exponent leaves ±1 or 0."""

    def one(a: int, b: int) -> int:
        if b < 0:
            return 1 if a == 1 or (a == -1 and b % 2 == 0) else -1 if a == -1 else 0
        return pow(a, b, 2 ** (8 * x.dtype.itemsize))

    made = [one(int(a), int(b)) for a, b in zip(x, y, strict=True)]
    return np.array([n % 2**64 for n in made], np.uint64).astype(x.dtype)


def _larger(x: Array, y: Array) -> Array:
    """IEEE 754's maximum, to which 0 is more than -0."""
    both = (x == 0) & (y == 0)
    return np.where(both & np.signbit(x), y, np.where(both, x, np.maximum(x, y)))
