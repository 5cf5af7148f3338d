"""The formula that sizes follow: what a program makes of symbolic dimensions, from its traces.

A program is traced once per choice of sizes, so the sizes of its results are known for each choice,
and the simplest formula that gives all of them is what the artifact says.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from slopec_runtime.sizes import evaluate

_DIVISORS = range(2, 65)


def formula(values: Sequence[int], choices: Sequence[Mapping[str, int]]) -> int | str | None:
    """The simplest formula of dimensions that is `values[i]` for the sizes `choices[i]`.

    A number, or, where d is a dimension or a product of some: d, `a * d + b` or `(d + b) // c`.
    None if there is none.

    >>> formula([8, 12], [{"n": 2, "heads": 4}, {"n": 3, "heads": 4}])
    'heads * n'
    >>> formula([3, 6], [{"n": 5}, {"n": 11}])
    '(n + 1) // 2'
    >>> formula([7, 7], [{"n": 5}, {"n": 11}])
    7
    """
    if len(set(values)) == 1:
        return values[0]
    for candidate in _candidates(values, choices):
        if all(evaluate(candidate, c) == v for v, c in zip(values, choices, strict=True)):
            return candidate
    return None


def _candidates(values: Sequence[int], choices: Sequence[Mapping[str, int]]) -> Iterator[str]:
    dims = sorted(d for d in choices[0] if len({choice[d] for choice in choices}) > 1)
    rest = sorted(d for d in choices[0] if d not in dims)
    products = [
        " * ".join(sorted(part)) for n in range(1, len(dims) + 1) for part in combinations(dims, n)
    ]
    yield from products
    yield from (" * ".join(sorted((product, other))) for product in products for other in rest)
    for product in products:
        yield from _affine(product, values, choices)
    for product in products:
        yield from _divided(product, values, choices)


def _affine(
    product: str, values: Sequence[int], choices: Sequence[Mapping[str, int]]
) -> Iterator[str]:
    """a * d + b through two of the points."""
    points = sorted({(evaluate(product, c), v) for v, c in zip(values, choices, strict=True)})
    (x, y), (x2, y2) = points[0], points[-1]
    if x == x2 or (y2 - y) % (x2 - x):
        return
    slope = (y2 - y) // (x2 - x)
    term = product if slope == 1 else f"{slope} * {product}"
    offset = y - slope * x
    yield term if offset == 0 else f"{term} {'+' if offset > 0 else '-'} {abs(offset)}"


def _divided(
    product: str, values: Sequence[int], choices: Sequence[Mapping[str, int]]
) -> Iterator[str]:
    """(d + b) // c, where a window or a stride leaves a part of a dimension."""
    size, value = evaluate(product, choices[0]), values[0]
    for divisor in _DIVISORS:
        for offset in range(divisor * value - size, divisor * (value + 1) - size):
            if offset == 0:
                yield f"{product} // {divisor}"
            else:
                yield f"({product} {'+' if offset > 0 else '-'} {abs(offset)}) // {divisor}"
