"""Polynomials of whole arrays. NumPy has these too, in a package that takes longer to load."""

from collections.abc import Sequence

from slopec.reference.table import Array


def horner(x: Array, coefficients: Sequence[float]) -> Array:
    """Σ cₖ xᵏ by Horner's rule."""
    *rest, last = coefficients
    total: Array = x * 0 + last
    for coefficient in reversed(rest):
        total = total * x + coefficient
    return total


def chebyshev(x: Array, coefficients: Sequence[float]) -> Array:
    """Σ cₖ Tₖ(x) by Clenshaw's recurrence."""
    first, *rest = coefficients
    current: Array = x * 0
    previous: Array = x * 0
    for coefficient in reversed(rest):
        current, previous = 2 * x * current - previous + coefficient, current
    total: Array = x * current - previous + first
    return total
