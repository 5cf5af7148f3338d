"""compare in every direction and order, select and clamp, of every element type."""

from collections.abc import Callable, Iterator

import numpy as np

from tests.sweep.case import Case
from tests.sweep.programs import elementwise
from tests.sweep.values import ALL, COMPLEX, FLOATS, SMALL_FLOATS, dtype, edges, is_float

Array = np.ndarray

DIRECTIONS: dict[str, Callable[[Array, Array], Array]] = {
    "EQ": np.equal,
    "NE": np.not_equal,
    "LT": np.less,
    "LE": np.less_equal,
    "GT": np.greater,
    "GE": np.greater_equal,
}


def cases() -> Iterator[Case]:
    for name in ALL:
        x, y = (v.ravel() for v in np.meshgrid(_points(name), _points(name)))
        for direction, reference in DIRECTIONS.items():
            if name in COMPLEX and direction not in ("EQ", "NE"):
                continue
            yield _compare(name, direction, _kind(name), [x, y], reference)
            if name in (*FLOATS, *SMALL_FLOATS):
                yield _compare(name, direction, "TOTALORDER", [x, y], _total(reference))
        chosen = np.arange(x.size) % 3 == 0
        yield elementwise(
            "stablehlo.select", f"{name}/each", [chosen, x, y], np.where, widened=False
        )
        one = np.array(False)
        yield elementwise("stablehlo.select", f"{name}/all", [one, x, y], np.where, widened=False)
        if name not in COMPLEX:
            yield from _clamp(name)


def _points(name: str) -> Array:
    return edges(name)[::2] if name in COMPLEX else edges(name)


def _kind(name: str) -> str:
    kind = dtype(name)
    if is_float(kind) or kind.kind == "c":
        return "FLOAT"
    return "UNSIGNED" if kind.kind in "ub" else "SIGNED"


def _compare(name: str, direction: str, kind: str, given: list[Array], reference: Callable) -> Case:
    facts = (
        f"comparison_direction = #stablehlo<comparison_direction {direction}>, "
        f"compare_type = #stablehlo<comparison_type {kind}>"
    )
    what = f"{name}/{direction} {kind}"
    total = kind == "TOTALORDER"
    return elementwise(
        "stablehlo.compare",
        what,
        given,
        reference,
        result="bool",
        attributes=facts,
        widened=not total,
    )


def _total(reference: Callable[[Array, Array], Array]) -> Callable[[Array, Array], Array]:
    """Compare the bits: negative numbers in reverse, below the positive ones."""

    def rank(x: Array) -> Array:
        bits = x.view(f"i{x.dtype.itemsize}").astype(object)
        return np.where(bits < 0, -(2 ** (8 * x.dtype.itemsize - 1)) - bits - 1, bits)

    return lambda x, y: reference(rank(x), rank(y)).astype(bool)


def _clamp(name: str) -> Iterator[Case]:
    kind = dtype(name)
    x = _points(name)
    low, high = (np.array(v).astype(kind) for v in ((False, True) if name == "bool" else (1, 3)))
    yield elementwise(
        "stablehlo.clamp", f"{name}/scalar bounds", [low, x, high], _clamped, result=name
    )
    bounds = [np.resize(x, x.size), np.resize(x[::-1], x.size)]
    given = [bounds[0], np.roll(x, 3), bounds[1]]
    yield elementwise("stablehlo.clamp", f"{name}/tensors", given, _clamped)


def _clamped(low: Array, x: Array, high: Array) -> Array:
    """min(max(x, low), high), as the specification has it."""
    return np.minimum(np.maximum(x, low), high)
