"""What can be known of a value without running the program: its sign, its number, its elements."""

import numpy as np

from slopec import dtypes
from slopec.passes.op import Op, any_producer, numbers
from slopec.tensor import Tensor

_DEPTH = 6
MOVES = frozenset("broadcast_in_dim reshape transpose slice reverse dynamic_slice gather".split())
"""The ops whose results are elements of their first operand."""

_NONNEGATIVE = frozenset("abs exponential logistic iota".split())
_KEEPS_SIGN = frozenset("add multiply divide maximum minimum power sqrt concatenate pad".split())


def is_nonnegative(x: Tensor, depth: int = _DEPTH) -> bool:
    """Whether every element of a real tensor is NaN or at least +0, never -0."""
    if x.dtype == dtypes.bool_ or dtypes.is_unsigned(x.dtype):
        return True
    op = any_producer(x)
    if op is None or depth == 0 or dtypes.is_complex(x.dtype):
        return False
    if op.name in _NONNEGATIVE:
        return op.name != "abs" or dtypes.is_floating(x.dtype)
    if op.name == "constant":
        return _all_positive(x)
    if op.name == "multiply" and _is_square(op) and dtypes.is_floating(x.dtype):
        return True
    if op.name in MOVES:
        return is_nonnegative(op.operands[0], depth - 1)
    if op.name == "convert" and not dtypes.is_integer(x.dtype):
        return is_nonnegative(op.operands[0], depth - 1)
    if op.name == "select":
        return all(is_nonnegative(y, depth - 1) for y in op.operands[1:])
    floating_or_moved = dtypes.is_floating(x.dtype) or op.name in ("concatenate", "pad")
    if op.name in _KEEPS_SIGN and floating_or_moved:
        return all(is_nonnegative(y, depth - 1) for y in op.operands)
    return False


def is_never_minus_zero(x: Tensor, depth: int = _DEPTH) -> bool:
    """Whether no element of `x` is -0; a sum is -0 only if both summands are."""
    if not dtypes.is_floating(x.dtype):
        return not dtypes.is_complex(x.dtype)
    if is_nonnegative(x, depth):
        return True
    op = any_producer(x)
    if op is None or depth == 0:
        return False
    if op.name == "constant":
        value = numbers(x)
        return value is not None and not _has_minus_zero(value)
    if op.name == "convert":
        return not dtypes.is_floating(op.operands[0].dtype)
    if op.name == "add":
        return any(is_never_minus_zero(y, depth - 1) for y in op.operands)
    if op.name == "subtract" or op.name in MOVES:
        return is_never_minus_zero(op.operands[0], depth - 1)
    return False


def _is_square(op: Op) -> bool:
    x, y = op.operation.operands
    return bool(x == y)


def _all_positive(x: Tensor) -> bool:
    value = numbers(x)
    if value is None:
        return False
    wide = value if value.dtype.kind in "iu" else value.astype(np.float64)
    return bool(np.all(wide >= 0)) and not _has_minus_zero(value)


def _has_minus_zero(value: np.ndarray) -> bool:
    wide = value.astype(np.float64)
    return bool(np.any((wide == 0) & np.signbit(wide)))


_KNOWN_LIMIT = 65536
_COMPUTABLE = frozenset(
    """add and broadcast_in_dim clamp compare concatenate convert divide iota maximum minimum
    multiply negate not or remainder reshape reverse select slice subtract transpose xor""".split()
)


def known(x: Tensor, depth: int = 8) -> np.ndarray | None:
    """The elements of a small tensor that depends on no input, such as a range of indices."""
    value = numbers(x)
    if value is not None:
        return np.broadcast_to(value, x.shape)
    op = any_producer(x)
    if op is None or depth == 0 or op.name not in _COMPUTABLE or x.size > _KNOWN_LIMIT:
        return None
    from slopec.reference import evaluate_op

    values = [known(y, depth - 1) for y in op.operands]
    if any(value is None for value in values):
        return None
    return evaluate_op(op.operation, values)[0]
