"""Truth values, comparisons, selections and bounds."""

import numpy as np

from slopec import dtypes, hlo
from slopec.dtypes import DType
from slopec.passes.op import Op, holds, is_same, producer, splat
from slopec.passes.pattern import pattern
from slopec.tensor import Tensor

_INVERSE = {"EQ": "NE", "NE": "EQ", "LT": "GE", "GE": "LT", "GT": "LE", "LE": "GT"}


def _word(op: Op, name: str) -> str:
    """The last word of an enumeration attribute, such as `EQ`; empty when it is absent."""
    attribute = op.attribute(name)
    return "" if attribute is None else str(attribute).rpartition(" ")[2].rstrip(">")


def _floats(x: Tensor) -> bool:
    return dtypes.is_differentiable(x.dtype)


def extreme(dtype: DType, sign: int) -> float | int:
    """The largest (sign 1) or smallest (sign -1) value of a real type, infinite for floats."""
    if dtypes.is_floating(dtype):
        return sign * np.inf
    if dtype == dtypes.bool_:
        return max(sign, 0)
    info = np.iinfo(dtype)
    return int(info.max if sign > 0 else info.min)


# --- not, and, or, xor -----------------------------------------------------------------------


@pattern("not", of="not")
def not_not(op: Op) -> Tensor | None:
    """not not x → x"""
    inner = op.source()
    return inner.operands[0]


@pattern("and", "or", "maximum", "minimum")
def idempotent(op: Op) -> Tensor | None:
    """x ∘ x → x

    For and, or, max, min.
    """
    x, y = op.operands
    return x if is_same(x, y) else None


@pattern("and", "or", "xor", of="_, constant")
def logic_with_constant(op: Op) -> Tensor | None:
    """x and 1…1 → x, x and 0 → 0, x or 0 → x, x or 1…1 → 1…1, x xor 0 → x, x xor 1…1 → not x"""
    x, y = op.operands
    value = splat(y)
    if value is None or int(value) not in (0, int(np.invert(np.zeros((), x.dtype)))):
        return None
    ones = bool(value)
    if op.name == "xor":
        return hlo.not_(x) if ones else x
    return x if ones == (op.name == "and") else y


@pattern("xor")
def xor_itself(op: Op) -> Tensor | None:
    """x xor x → 0"""
    x, y = op.operands
    return hlo.zeros_like(x) if is_same(x, y) else None


# --- compare ---------------------------------------------------------------------------------


@pattern("compare")
def compare_itself(op: Op) -> Tensor | None:
    """x = x → true, x ≤ x → true, x ≠ x → false, x < x → false

    For floats only x < x and x > x: NaN is not equal to itself.
    """
    x, y = op.operands
    direction = _word(op, "comparison_direction")
    if not is_same(x, y) or (_floats(x) and direction not in ("LT", "GT")):
        return None
    return hlo.full(op.shape, direction in ("EQ", "LE", "GE"), dtypes.bool_)


@pattern("compare", of="_, constant")
def compare_truth(op: Op) -> Tensor | None:
    """(p = true) → p, (p ≠ false) → p, (p = false) → not p, (p ≠ true) → not p"""
    p, y = op.operands
    value, direction = splat(y), _word(op, "comparison_direction")
    if p.dtype != dtypes.bool_ or value is None or direction not in ("EQ", "NE"):
        return None
    return p if bool(value) == (direction == "EQ") else hlo.not_(p)


@pattern("compare", of="convert, constant")
def compare_converted_truth(op: Op) -> Tensor | None:
    """(convert(p) ≠ 0) → p, (convert(p) = 0) → not p

    For a truth value p.
    """
    converted = op.source()
    direction = _word(op, "comparison_direction")
    if direction not in ("EQ", "NE") or not holds(op.operands[1], 0):
        return None
    p = converted.operands[0]
    if p.dtype != dtypes.bool_:
        return None
    return p if direction == "NE" else hlo.not_(p)


@pattern("not", of="compare")
def not_compare(op: Op) -> Tensor | None:
    """not (x < y) → x ≥ y

    For floats only = and ≠: with NaN, neither x < y nor x ≥ y.
    """
    inner = op.source()
    if not inner.used_once:
        return None
    direction, kind = (_word(inner, f"compar{end}") for end in ("ison_direction", "e_type"))
    if _floats(inner.operands[0]) and kind != "TOTALORDER" and direction not in ("EQ", "NE"):
        return None
    x, y = inner.operands
    return hlo.compare(x, y, _INVERSE[direction], total_order=kind == "TOTALORDER")


# --- select ----------------------------------------------------------------------------------


@pattern("select", of="constant")
def select_constant(op: Op) -> Tensor | None:
    """select(true, x, y) → x, select(false, x, y) → y"""
    p, x, y = op.operands
    value = splat(p)
    if value is None:
        return None
    return x if value else y


@pattern("select")
def select_same(op: Op) -> Tensor | None:
    """select(p, x, x) → x"""
    _, x, y = op.operands
    return x if is_same(x, y) else None


@pattern("select", of="not")
def select_not(op: Op) -> Tensor | None:
    """select(not p, x, y) → select(p, y, x)"""
    inner = op.source()
    _, x, y = op.operands
    return hlo.select(inner.operands[0], y, x)


@pattern("select", of="_, constant, constant")
def select_truth(op: Op) -> Tensor | None:
    """select(p, true, false) → p, select(p, false, true) → not p"""
    p, x, y = op.operands
    on_true, on_false = splat(x), splat(y)
    if x.dtype != dtypes.bool_ or p.shape != x.shape or on_true is None or on_false is None:
        return None
    if bool(on_true) == bool(on_false):
        return x
    return p if on_true else hlo.not_(p)


@pattern("select", among="select")
def select_nested(op: Op) -> Tensor | None:
    """select(p, select(p, x, y), z) → select(p, x, z)

    Likewise for the other branch.
    """
    p, x, y = op.operands
    on_true, on_false = producer(x, "select"), producer(y, "select")
    if on_true is not None and is_same(on_true.operands[0], p):
        return hlo.select(p, on_true.operands[1], y)
    if on_false is not None and is_same(on_false.operands[0], p):
        return hlo.select(p, x, on_false.operands[2])
    return None


# --- bounds ----------------------------------------------------------------------------------


@pattern("maximum", "minimum", of="_, constant")
def bound_without_effect(op: Op) -> Tensor | None:
    """max(x, -inf) → x, min(x, inf) → x

    For integers with the smallest and the largest value.
    """
    x, y = op.operands
    if dtypes.is_complex(x.dtype):
        return None
    return x if holds(y, extreme(x.dtype, -1 if op.name == "maximum" else 1)) else None


@pattern("clamp", among="constant")
def clamp_unbounded(op: Op) -> Tensor | None:
    """clamp(-inf, x, y) → min(x, y), clamp(y, x, inf) → max(x, y), clamp(-inf, x, inf) → x"""
    low, x, high = op.operands
    if dtypes.is_complex(x.dtype):
        return None
    no_low, no_high = holds(low, extreme(x.dtype, -1)), holds(high, extreme(x.dtype, 1))
    if no_low and no_high:
        return x
    if no_low:
        return hlo.minimum(x, _as_large(high, x))
    return hlo.maximum(x, _as_large(low, x)) if no_high else None


def _as_large(bound: Tensor, x: Tensor) -> Tensor:
    return hlo.broadcast_in_dim(bound, x.shape, range(bound.ndim)) if bound.ndim < x.ndim else bound
