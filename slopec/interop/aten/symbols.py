"""Numbers beside tensors: sizes and arithmetic on them, parts of results, checks."""

import builtins
import math
import operator
from collections.abc import Callable
from typing import Any

from slopec.tensor import Tensor


def getitem(parts: Any, index: Any) -> Any:
    """A part of a result, computed now if it was left to be."""
    part = parts[index]
    return part() if callable(part) and not isinstance(part, Tensor) else part


def _nothing(*_: Any, **__: Any) -> None:
    """A check that PyTorch makes while running, of what held when it was exported."""


_OPERATORS = (
    "add sub mul truediv floordiv mod neg pow eq ne lt le gt ge and_ or_ not_ xor abs index"
)

TABLE: dict[str, Callable[..., Any]] = {
    "operator.getitem": getitem,
    **{f"operator.{name}": getattr(operator, name) for name in _OPERATORS.split()},
    **{f"math.{name}": getattr(math, name) for name in ("ceil", "floor", "trunc", "sqrt")},
    **{f"builtins.{name}": getattr(builtins, name) for name in ("round", "max", "min", "abs")},
    "sym_max": max,
    "sym_min": min,
    "sym_int": int,
    "sym_float": float,
    "sym_not": operator.not_,
    "sym_ite": lambda condition, yes, no: yes if condition else no,
    "sym_size.int": lambda x, dim: x.shape[dim],
    "sym_numel": lambda x: x.size,
    "item": lambda x: x.item(),
    "_local_scalar_dense": lambda x: x.item(),
    "_assert_scalar": _nothing,
    "_assert_async": _nothing,
    "_assert_tensor_metadata": _nothing,
    "sym_constrain_range": _nothing,
    "sym_constrain_range_for_size": _nothing,
}
