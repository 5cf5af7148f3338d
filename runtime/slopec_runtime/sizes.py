"""Sizes that follow symbolic dimensions: `batch`, `2 * n`, `batch * heads`, `(n - 1) // 2 + 1`.

A size in a shape is a number or such a formula. Formulas are read with Python's parser and may hold
names, integers, `+`, `-`, `*` and `//`, nothing else.
"""

from __future__ import annotations

import ast
import operator
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Size = int | str

LONGEST = 200
"""Characters that a formula may have; no program needs more, and parsing stays cheap."""

_OPERATORS: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
}


def names(size: Size) -> tuple[str, ...]:
    """The dimensions that a size follows, in order of appearance.

    Raises ValueError for text that is no formula.

    >>> names("batch * heads"), names(3)
    (('batch', 'heads'), ())
    """
    if isinstance(size, int):
        return ()
    found = [node.id for node in ast.walk(_parsed(size)) if isinstance(node, ast.Name)]
    return tuple(dict.fromkeys(found))


def is_name(size: Size) -> bool:
    """Whether a size is a dimension itself.

    >>> is_name("batch"), is_name("2 * batch"), is_name(2)
    (True, False, False)
    """
    return isinstance(size, str) and size.isidentifier()


def evaluate(size: Size, dims: Mapping[str, int]) -> int:
    """The number that a size is when the dimensions have these sizes.

    Raises ValueError for text that is no formula and where it divides by zero.

    >>> evaluate("(n - 1) // 2 + heads", {"n": 6, "heads": 4})
    6
    """
    if isinstance(size, int):
        return size
    if size in dims:
        return dims[size]
    try:
        return _value(_parsed(size), dims)
    except ZeroDivisionError:
        raise ValueError(f"{size!r} divides by zero") from None


@lru_cache(maxsize=1024)
def _parsed(text: str) -> ast.expr:
    problem = ValueError(f"{text!r} is no formula of dimensions")
    if len(text) > LONGEST:
        raise problem
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise problem from None
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant):
            allowed = type(node.value) is int
        elif isinstance(node, ast.BinOp):
            allowed = type(node.op) in _OPERATORS
        else:
            allowed = isinstance(node, ast.Name | ast.Load | ast.operator)
        if not allowed:
            raise problem
    return tree


def _value(node: ast.expr, dims: Mapping[str, int]) -> int:
    if isinstance(node, ast.Name):
        return dims[node.id]
    if isinstance(node, ast.Constant):
        return int(node.value)  # type: ignore[arg-type]
    assert isinstance(node, ast.BinOp)
    return _OPERATORS[type(node.op)](_value(node.left, dims), _value(node.right, dims))
