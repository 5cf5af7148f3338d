"""Numbers as people read them, and Markdown tables of them."""

from collections.abc import Iterable, Sequence
from typing import Any

_UNITS = ((1.0, "s", 1), (1e-3, "ms", 1), (1e-6, "µs", 0))
_PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def rounded(value: Any) -> Any:
    """Numbers to four digits, within lists and dictionaries too.

    >>> rounded({"a": [1.23456, 7]})
    {'a': [1.235, 7]}
    """
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(inner) for inner in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table, all columns but the first to the right.

    >>> print(table(["a", "b"], [["x", "1"]]))
    | a | b |
    |---|--:|
    | x | 1 |
    """
    lines = [f"| {' | '.join(cells)} |" for cells in (heads, *rows)]
    return "\n".join([lines[0], "|---|" + "--:|" * (len(heads) - 1), *lines[1:]])


def duration(value: float) -> str:
    """Seconds in a readable unit.

    >>> duration(0.0123), duration(4.5e-5)
    ('12.3 ms', '45 µs')
    """
    for size, unit, digits in _UNITS:
        if value >= size:
            return f"{value / size:.{digits}f} {unit}"
    return f"{value * 1e6:.1f} µs"


def amount(value: float, unit: str) -> str:
    """A number with a prefix.

    >>> amount(2.5e9, "FLOP"), amount(800.0, "B")
    ('2.5 GFLOP', '800 B')
    """
    for size, prefix in _PREFIXES:
        if value >= size:
            return f"{value / size:.3g} {prefix}{unit}"
    return f"{value:.3g} {unit}"
