"""Ops of complex numbers: at ordinary points, on branch cuts, near zeros, at the largest sizes."""

from collections.abc import Callable, Iterator

import numpy as np

from tests.sweep.case import Case
from tests.sweep.programs import elementwise
from tests.sweep.values import COMPLEX, dtype, magnitudes, spread

Array = np.ndarray


def _sign(x: Array) -> Array:
    return np.where(x == 0, 0, x / np.where(x == 0, 1, np.abs(x)))


def _expm1(x: Array) -> Array:
    """NumPy's loses digits near 0; here extended precision does not."""
    x = x.astype(np.clongdouble)
    half = np.sin(x.imag / 2)
    real = np.expm1(x.real) * np.cos(x.imag) - 2 * half * half
    return real + 1j * (np.exp(x.real) * np.sin(x.imag))


def _log1p(x: Array) -> Array:
    """The same of the logarithm."""
    x = x.astype(np.clongdouble)
    small = np.abs(x) < 0.5
    inner = np.where(small, x, 0)
    near = np.log1p(inner.real * (inner.real + 2) + inner.imag**2) / 2
    # Adding 1 to the whole would lose the sign of a zero.
    angle = np.arctan2(x.imag, 1 + x.real)
    return np.where(small, near, np.log(np.abs(1 + x))) + 1j * angle


def _cbrt(x: Array) -> Array:
    """The principal root."""
    angle = np.angle(x) / 3
    return np.cbrt(np.abs(x)) * (np.cos(angle) + 1j * np.sin(angle))


def _atan2(y: Array, x: Array) -> Array:
    return -1j * np.log((x + 1j * y) / np.sqrt(x * x + y * y))


UNARY: dict[str, tuple[Callable[[Array], Array], str]] = {
    "stablehlo.abs": (np.abs, "cuts tiny huge endless"),
    "stablehlo.negate": (np.negative, "cuts tiny huge"),
    "stablehlo.sign": (_sign, "cuts tiny huge"),
    "stablehlo.real": (np.real, "cuts tiny huge"),
    "stablehlo.imag": (np.imag, "cuts tiny huge"),
    "stablehlo.exponential": (np.exp, "cuts tiny"),
    "stablehlo.exponential_minus_one": (_expm1, "cuts tiny"),
    "stablehlo.log": (np.log, "cuts huge endless"),
    "stablehlo.log_plus_one": (_log1p, "cuts tiny huge"),
    "stablehlo.logistic": (lambda x: 1 / (1 + np.exp(-x)), "cuts tiny"),
    "stablehlo.sqrt": (np.sqrt, "cuts tiny huge endless"),
    "stablehlo.cbrt": (_cbrt, "huge"),
    "stablehlo.rsqrt": (lambda x: 1 / np.sqrt(x), "huge"),
    "stablehlo.tanh": (np.tanh, "cuts tiny"),
    "stablehlo.sine": (np.sin, "cuts tiny"),
    "stablehlo.cosine": (np.cos, "cuts tiny"),
    "stablehlo.tan": (np.tan, "cuts tiny"),
    "chlo.conj": (np.conj, "cuts tiny huge"),
    "chlo.square": (np.square, "cuts"),
    "chlo.sinh": (np.sinh, "cuts tiny"),
    "chlo.cosh": (np.cosh, "cuts tiny"),
    "chlo.tan": (np.tan, "cuts tiny"),
    "chlo.asin": (np.arcsin, "cuts tiny huge endless"),
    "chlo.acos": (np.arccos, "cuts tiny huge endless"),
    "chlo.atan": (np.arctan, "cuts tiny huge endless"),
    "chlo.asinh": (np.arcsinh, "cuts tiny huge endless"),
    "chlo.acosh": (np.arccosh, "cuts tiny huge endless"),
    "chlo.atanh": (np.arctanh, "cuts tiny huge endless"),
}
BINARY: dict[str, Callable[[Array, Array], Array]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "power": np.power,
    "atan2": _atan2,
    "maximum": np.maximum,
    "minimum": np.minimum,
}
_REAL = ("abs", "real", "imag")


def cases() -> Iterator[Case]:
    for name in COMPLEX:
        for op, (reference, more) in UNARY.items():
            yield from _unary(op, name, reference, more.split())
        for op, reference in BINARY.items():
            yield from _binary(op, name, reference)
        part = "float32" if name == "complex64" else "float64"
        x = spread(part, -10, 10)
        made = elementwise(
            "stablehlo.complex", name, [x, x[::-1]], lambda a, b: a + 1j * b, result=name
        )
        yield made


def _join(real: Array, imag: Array, name: str) -> Array:
    made = np.empty(np.broadcast_shapes(np.shape(real), np.shape(imag)), dtype(name))
    made.real, made.imag = real, imag
    return made


def _points(name: str) -> dict[str, Array]:
    """Arguments by their kind.

    Infinite ones are for inverse functions alone, since for others every library has its rules.
    """
    part = "float32" if name == "complex64" else "float64"
    real, imag = spread(part, -4, 4), np.roll(spread(part, -4, 4, seed=1)[::-1], 9)
    cut = np.array([-3.0, -1.0, -0.5, -0.0, 0.0, 0.5, 1.0, 3.0])
    zero = np.array([0.0, -0.0, 1e-30, -1e-30, 2.0])
    on_cuts = [v.ravel() for v in np.meshgrid(cut, zero)]
    sizes = magnitudes(part, 48, largest=1e-3)
    small = _join(sizes, np.roll(sizes[::-1], 5), name)
    large = magnitudes(part, 96)[64:]
    most = np.finfo(part).max
    ends = np.array([-np.inf, -most, -1.5, -0.0, 0.0, 1.5, most, np.inf], part)
    far = [v.ravel() for v in np.meshgrid(ends, ends)]
    beyond = np.maximum(*map(np.abs, far)) >= most
    return {
        "ordinary": _join(real, imag, name),
        "cuts": np.concatenate([_join(*on_cuts, name), _join(*on_cuts[::-1], name)]),
        "tiny": np.concatenate([small, -small, small.conj()]),
        "endless": _join(far[0][beyond], far[1][beyond], name),
        "huge": np.concatenate([_join(large, np.roll(large, 3), name), _join(-large, 1, name)]),
    }


def _unary(op: str, name: str, reference: Callable, more: list[str]) -> Iterator[Case]:
    short = op.partition(".")[2]
    result = ("float32" if name == "complex64" else "float64") if short in _REAL else name
    points = _points(name)
    for kind in ("ordinary", *more):
        yield elementwise(op, f"{name}/{kind}", [points[kind]], reference, result=result, ulps=4.0)


def _binary(op: str, name: str, reference: Callable) -> Iterator[Case]:
    points = _points(name)
    x, full = points["ordinary"], f"stablehlo.{op}"
    # The exponent multiplies the error of the logarithm.
    ulps = 128.0 if op == "power" else 4.0
    yield elementwise(full, f"{name}/ordinary", [x, np.roll(x, 5)], reference, ulps=ulps)
    if op == "power":
        zero = _join(np.zeros(4), np.zeros(4), name)
        given = [zero, _join(np.array([1.0, 2.0, 0.5, 3.0]), 0.0, name)]
        yield elementwise(full, f"{name}/of zero", given, reference, ulps=4.0)
        whole = _join(np.resize([1.0, 2.0, 3.0, -1.0], x.size), 0.0, name)
        yield elementwise(full, f"{name}/whole exponents", [x, whole], reference, ulps=128.0)
    if op in ("maximum", "minimum"):
        zero = _join(np.array([0.0, -0.0, 1.0, 1.0]), np.array([1.0, 2.0, 3.0, 2.0]), name)
        yield elementwise(full, f"{name}/equal parts", [zero, zero[::-1]], reference)
        yield elementwise(full, f"{name}/equal parts, turned", [zero, np.roll(zero, 1)], reference)
    if op == "divide":
        y = points["huge"]
        yield elementwise(full, f"{name}/huge", [y, np.roll(y, 5)], reference, ulps=4.0)
        tiny = points["tiny"]
        yield elementwise(full, f"{name}/tiny", [tiny, np.roll(tiny, 5)], reference, ulps=4.0)
