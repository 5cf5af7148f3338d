"""Functions of two real numbers: power, atan2, next_after, zeta, polygamma; with constants too."""

from collections.abc import Iterator

import numpy as np
from scipy import special

from tests.sweep.case import Case
from tests.sweep.programs import by_constants, elementwise
from tests.sweep.values import FLOATS, dtype, edges, magnitudes, spread, subnormals

Array = np.ndarray

EXPONENTS = (0.0, 1.0, -1.0, 2.0, -2.0, 3.0, -3.0, 4.0, 0.5, -0.5, 1 / 3, 1.5, 2.5, 5.0, 10.0, 40.0)
BASES = (0.0, -0.0, 1.0, -1.0, 2.0, 10.0, 0.5, np.e, -2.0, np.inf, -np.inf, np.nan)
ORDERS = (0.0, 1.0, 2.0, 3.0, 6.0, 10.0)


def cases() -> Iterator[Case]:
    for name in FLOATS:
        narrow = dtype(name).itemsize == 2
        yield from _power(name, 0.51 if narrow else 2.0)
        yield from _atan2(name, 0.51 if narrow else 2.0)
        yield from _next_after(name)
        # SciPy's are off by as much as 7 themselves.
        yield from _zeta(name, 1.0 if narrow else 8.0)
        yield from _polygamma(name, 1.0 if narrow else 8.0)


def _pairs(x: Array) -> list[Array]:
    return [v.ravel() for v in np.meshgrid(x, x)]


def _power(name: str, ulps: float) -> Iterator[Case]:
    op, facts = "stablehlo.power", {"ulps": ulps}
    yield elementwise(op, f"{name}/edges", _pairs(edges(name)), np.power, **facts)
    x, y = spread(name, 1e-3, 30), spread(name, -10, 10, seed=1)[::-1]
    yield elementwise(op, f"{name}/ordinary", [x, y], np.power, **facts)
    # The exponent multiplies the error of the logarithm: here it is the largest.
    z = magnitudes(name)
    limit = np.log2(z.astype(np.float64))
    largest = np.log2(float(np.finfo("float32" if name == "bfloat16" else name).max))
    steps = spread("float64", 0.9, 0.99, z.size)
    extreme = (np.abs(largest / np.where(np.abs(limit) < 1e-3, 1, limit)) * steps).astype(
        dtype(name)
    )
    yield elementwise(op, f"{name}/towards overflow", [z, extreme], np.power, **facts)
    whole = np.round(y)
    yield elementwise(op, f"{name}/negative bases", [-x, whole], np.power, **facts)
    near = spread(name, 0.95, 1.05)
    big = magnitudes(name, largest=1e3)
    yield elementwise(op, f"{name}/bases near 1", [near, big], np.power, **facts)
    points = np.concatenate([edges(name), spread(name, -10, 10, 16)])
    # Small whole exponents become products, each of which rounds.
    products = (4 if dtype(name).itemsize == 2 else 2) * ulps
    yield by_constants(op, f"{name}/by constants", points, EXPONENTS, np.power, ulps=products)
    yield by_constants(op, f"{name}/of constants", points, BASES, np.power, ulps=ulps, swapped=True)


def _atan2(name: str, ulps: float) -> Iterator[Case]:
    op, facts = "stablehlo.atan2", {"ulps": ulps}
    yield elementwise(op, f"{name}/edges", _pairs(edges(name)), np.arctan2, **facts)
    y, x = spread(name, -10, 10), spread(name, -10, 10, seed=1)[::-1]
    yield elementwise(op, f"{name}/ordinary", [y, np.roll(x, 11)], np.arctan2, **facts)
    z = magnitudes(name)
    signs = np.where(np.arange(z.size) % 2, 1, -1).astype(z.dtype)
    yield elementwise(op, f"{name}/all sizes", [z * signs, np.roll(z, 7)], np.arctan2, **facts)
    one = np.ones_like(z)
    yield elementwise(op, f"{name}/small", [spread(name, -0.1, 0.1), one], np.arctan2, **facts)


def _next_after(name: str) -> Iterator[Case]:
    points = np.concatenate([edges(name), subnormals(name)])

    def reference(x: Array, y: Array) -> Array:
        return np.where(x == y, y, np.nextafter(x, y))

    yield elementwise("chlo.next_after", f"{name}/edges", _pairs(points), reference, widened=False)


def _zeta(name: str, ulps: float) -> Iterator[Case]:
    """Where the sum converges, s > 1, and no term has a pole, q > 0."""
    s, q = spread(name, 1.1, 20), spread(name, 0.1, 30, seed=1)
    q = np.roll(q[::-1], 5)
    facts = {"ulps": ulps, "widened": False}
    yield elementwise("chlo.zeta", f"{name}/ordinary", [s, q], _in_double(special.zeta), **facts)
    points = np.array([1.0, 1.5, 2.0, 3.5, 10.0, np.nan]).astype(dtype(name))
    yield elementwise("chlo.zeta", f"{name}/edges", _pairs(points), _in_double(_hurwitz), **facts)


def _hurwitz(s: Array, q: Array) -> Array:
    """SciPy's, but infinite at the pole whatever the argument."""
    found = special.zeta(s, q)
    return np.where((s == 1) & ~np.isnan(q), np.inf, found)


def _polygamma(name: str, ulps: float) -> Iterator[Case]:
    for order in ORDERS:
        # So far that the result is a normal number.
        x = np.concatenate(
            [spread(name, 0.05, 30, 48), spread(name, 30, 1e4 / 10 ** (order / 3), 16)]
        )
        n = np.full(x.shape, order, dtype(name))
        given, facts = [n, x], {"ulps": ulps, "floor": 1e-6 if order == 0 else 0.0}
        reference = _in_double(lambda n, x: special.polygamma(n.astype(int), x))
        yield elementwise(
            "chlo.polygamma", f"{name}/order {order:g}", given, reference, widened=False, **facts
        )
    points = np.array([0.0, -0.0, -1.0, -2.0, 1e-3, np.inf, np.nan]).astype(dtype(name))
    n = np.ones_like(points)
    facts = {"ulps": ulps, "widened": False}
    yield elementwise(
        "chlo.polygamma", f"{name}/edges", [n, points], _in_double(_trigamma), **facts
    )


def _trigamma(n: Array, x: Array) -> Array:
    """Infinite at the poles, 0 at infinity."""
    found = special.polygamma(1, np.where(np.isinf(x), 1, x))
    return np.where(np.isinf(x), 0, np.where((x <= 0) & (x == np.floor(x)), np.inf, found))


def _in_double(function):
    def run(*arrays: Array) -> Array:
        return function(*(a.astype(np.float64) for a in arrays))

    return run
