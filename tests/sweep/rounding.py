"""Unary ops that are exact: signs, rounding, tests of a number, bits."""

from collections.abc import Callable, Iterator

import numpy as np
from jax import lax

from tests.sweep.case import Case
from tests.sweep.programs import elementwise
from tests.sweep.values import (
    FLOATS,
    INTEGERS,
    SIGNED,
    SMALL_FLOATS,
    dtype,
    edges,
    every,
    magnitudes,
    subnormals,
)
from tests.sweep.xla import xla

Array = np.ndarray


def _sign(x: Array) -> Array:
    return np.where((x == 0) | np.isnan(x), x, np.copysign(1, x))


def _away_from_zero(x: Array) -> Array:
    """Halves go away from 0; adding a half would round for the largest number below it."""
    whole = np.trunc(x)
    return np.where(np.abs(x - whole) >= 0.5, whole + np.copysign(1, x), np.copysign(whole, x))


FLOATING: dict[str, Callable[[Array], Array]] = {
    "stablehlo.abs": np.abs,
    "stablehlo.negate": np.negative,
    "stablehlo.sign": _sign,
    "stablehlo.floor": np.floor,
    "stablehlo.ceil": np.ceil,
    "stablehlo.round_nearest_even": np.rint,
    "stablehlo.round_nearest_afz": _away_from_zero,
    "chlo.square": np.square,
    "chlo.conj": np.positive,
    "stablehlo.real": np.positive,
    "stablehlo.imag": np.zeros_like,
}
TESTS: dict[str, Callable[[Array], Array]] = {
    "stablehlo.is_finite": np.isfinite,
    "chlo.is_inf": np.isinf,
    "chlo.is_pos_inf": np.isposinf,
    "chlo.is_neg_inf": np.isneginf,
}
INTEGER: dict[str, Callable[[Array], Array]] = {
    "stablehlo.abs": np.abs,
    "stablehlo.negate": np.negative,
    "stablehlo.sign": np.sign,
    "stablehlo.not": np.invert,
    "stablehlo.popcnt": xla(lax.population_count),
    "stablehlo.count_leading_zeros": xla(lax.clz),
}
_ONLY_SIGNED = ("stablehlo.abs", "stablehlo.sign")


def cases() -> Iterator[Case]:
    for name in (*FLOATS, *SMALL_FLOATS):
        for op, reference in FLOATING.items():
            yield elementwise(op, name, [_floats(name)], reference)
        for op, reference in TESTS.items():
            yield elementwise(op, name, [_floats(name)], reference, result="bool")
    for name in INTEGERS:
        for op, reference in INTEGER.items():
            if name in SIGNED or op not in _ONLY_SIGNED:
                yield elementwise(op, name, [edges(name)], reference)
    yield elementwise("stablehlo.not", "bool", [edges("bool")], np.logical_not)
    for name in INTEGERS:
        x, y = (v.ravel() for v in np.meshgrid(edges(name), edges(name)))
        yield elementwise("chlo.mulhi", name, [x, y], _high)


def _floats(name: str) -> Array:
    """What rounding may trip over: halves, the last fractions, the first whole numbers."""
    if name in SMALL_FLOATS:
        return every(name)
    digits = np.finfo(np.float32).nmant if name == "bfloat16" else np.finfo(name).nmant
    last = 2.0 ** (7 if name == "bfloat16" else digits)
    halves = np.array(
        [0.5, 1.5, 2.5, 3.5, last / 2 - 0.5, last / 4 - 0.75, last - 1, last, last + 1]
    )
    below = np.nextafter(dtype(name).type(0.5), dtype(name).type(0))
    parts = [edges(name), halves, -halves, [below, -below], magnitudes(name, 16), subnormals(name)]
    return np.concatenate([np.asarray(p).astype(dtype(name)) for p in parts])


def _high(x: Array, y: Array) -> Array:
    """The upper half of the product, with Python's integers."""
    width = 8 * x.dtype.itemsize
    high = [int(a) * int(b) >> width for a, b in zip(x, y, strict=True)]
    return np.array(high, x.dtype)
