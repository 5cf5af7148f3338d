"""Arithmetic identities: what adding, multiplying and negating with special operands comes to."""

import numpy as np

from slopec import dtypes, hlo
from slopec.dtypes import DType
from slopec.passes.facts import is_never_minus_zero, is_nonnegative
from slopec.passes.op import Op, constant, holds, is_same, is_zero, numbers, producer
from slopec.passes.pattern import pattern
from slopec.tensor import Tensor
from slopec.transforms.body import COMMUTATIVE


def _exact(dtype: DType) -> bool:
    """Whether arithmetic on `dtype` has neither rounding nor special values: integers and bool."""
    return dtypes.is_integer(dtype) or dtype == dtypes.bool_


@pattern(*COMMUTATIVE, of="constant")
def constant_to_the_right(op: Op) -> Tensor | None:
    """c ∘ x → x ∘ c

    For commutative ∘; the other patterns look for constants on the right alone.
    """
    c, x = op.operands
    return op.again(x, c) if producer(x, "constant") is None else None


@pattern("add", of="_, constant")
def add_zero(op: Op) -> Tensor | None:
    """x + 0 → x

    For floats where the 0 is -0, or where x cannot be -0.
    """
    x, y = op.operands
    if not is_zero(y):
        return None
    neutral = _exact(x.dtype) or holds(y, -0.0) or is_never_minus_zero(x)
    return x if neutral else None


@pattern("add", of="_, constant", changes="zero sign")
def add_plus_zero(op: Op) -> Tensor | None:
    """x + 0 → x

    For any x: -0 + 0 is +0.
    """
    x, y = op.operands
    return x if is_zero(y) else None


@pattern("subtract", of="_, constant")
def subtract_zero(op: Op) -> Tensor | None:
    """x - 0 → x"""
    x, y = op.operands
    return x if is_zero(y) and (_exact(x.dtype) or holds(y, 0.0)) else None


@pattern("subtract", of="constant")
def subtract_from_zero(op: Op) -> Tensor | None:
    """0 - x → -x

    For floats where the 0 is -0.
    """
    x, y = op.operands
    return hlo.negate(y) if is_zero(x) and (_exact(x.dtype) or holds(x, -0.0)) else None


@pattern("subtract", of="constant", changes="zero sign")
def subtract_from_plus_zero(op: Op) -> Tensor | None:
    """0 - x → -x

    For any x: 0 - 0 is +0.
    """
    x, y = op.operands
    return hlo.negate(y) if is_zero(x) else None


@pattern("subtract")
def subtract_itself(op: Op) -> Tensor | None:
    """x - x → 0

    For integers.
    """
    x, y = op.operands
    return hlo.zeros_like(x) if is_same(x, y) and _exact(x.dtype) else None


@pattern("subtract", changes="special values")
def subtract_itself_loosely(op: Op) -> Tensor | None:
    """x - x → 0

    For any x: inf - inf is NaN.
    """
    x, y = op.operands
    return hlo.zeros_like(x) if is_same(x, y) else None


@pattern("add", among="negate")
def add_negated(op: Op) -> Tensor | None:
    """x + -y → x - y, -x + y → y - x"""
    x, y = op.operands
    negated = producer(y, "negate")
    if negated is not None:
        return hlo.subtract(x, negated.operands[0])
    return hlo.subtract(y, op.source().operands[0])


@pattern("subtract", of="_, negate")
def subtract_negated(op: Op) -> Tensor | None:
    """x - -y → x + y"""
    return hlo.add(op.operands[0], op.source(1).operands[0])


@pattern("negate", of="negate")
def negate_negated(op: Op) -> Tensor | None:
    """-(-x) → x"""
    inner = op.source()
    return inner.operands[0]


@pattern("negate", of="subtract")
def negate_difference(op: Op) -> Tensor | None:
    """-(x - y) → y - x

    For integers.
    """
    inner = op.source()
    if not _exact(op.dtype):
        return None
    x, y = inner.operands
    return hlo.subtract(y, x)


@pattern("negate", of="subtract", changes="zero sign")
def negate_difference_loosely(op: Op) -> Tensor | None:
    """-(x - y) → y - x

    For any x: the difference of equal numbers is +0 either way round.
    """
    inner = op.source()
    x, y = inner.operands
    return hlo.subtract(y, x)


@pattern("multiply", of="_, constant")
def multiply_one(op: Op) -> Tensor | None:
    """x · 1 → x"""
    x, y = op.operands
    return x if holds(y, 1) and not dtypes.is_complex(x.dtype) else None


@pattern("multiply", of="_, constant")
def multiply_minus_one(op: Op) -> Tensor | None:
    """x · -1 → -x"""
    x, y = op.operands
    signed = dtypes.is_floating(x.dtype) or _signed_integer(x.dtype)
    return hlo.negate(x) if signed and holds(y, -1) else None


@pattern("multiply", of="_, constant")
def multiply_zero(op: Op) -> Tensor | None:
    """x · 0 → 0

    For integers.
    """
    x, y = op.operands
    return y if _exact(x.dtype) and is_zero(y) else None


@pattern("multiply", of="_, constant", changes="special values")
def multiply_zero_loosely(op: Op) -> Tensor | None:
    """x · 0 → 0

    For any x: inf · 0 is NaN.
    """
    _, y = op.operands
    return y if is_zero(y) else None


@pattern("multiply", "divide", of="negate, negate")
def negations_cancel(op: Op) -> Tensor | None:
    """-x · -y → x · y, -x / -y → x / y"""
    if not dtypes.is_floating(op.dtype):
        return None
    return op.again(op.source(0).operands[0], op.source(1).operands[0])


@pattern("multiply", "divide", of="negate, constant")
def negation_into_constant(op: Op) -> Tensor | None:
    """-x · c → x · -c, -x / c → x / -c"""
    value = numbers(op.operands[1])
    if value is None or not dtypes.is_floating(op.dtype):
        return None
    return op.again(op.source().operands[0], constant(-value, op.result))


@pattern("negate", of="multiply|divide")
def negate_scaled(op: Op) -> Tensor | None:
    """-(x · c) → x · -c, -(x / c) → x / -c"""
    inner = op.source()
    if not inner.used_once or not dtypes.is_floating(op.dtype):
        return None
    value = numbers(inner.operands[1])
    return None if value is None else inner.again(inner.operands[0], constant(-value, op.result))


@pattern("divide", of="_, constant")
def divide_one(op: Op) -> Tensor | None:
    """x / 1 → x"""
    x, y = op.operands
    return x if holds(y, 1) and not dtypes.is_complex(x.dtype) else None


@pattern("divide", of="_, constant")
def divide_minus_one(op: Op) -> Tensor | None:
    """x / -1 → -x"""
    x, y = op.operands
    return hlo.negate(x) if dtypes.is_floating(x.dtype) and holds(y, -1) else None


@pattern("divide", of="_, constant")
def divide_power_of_two(op: Op) -> Tensor | None:
    """x / 2ⁿ → x · 2⁻ⁿ"""
    x, y = op.operands
    divisor = numbers(y) if x.dtype in (dtypes.float32, dtypes.float64) else None
    if divisor is None:
        return None
    fraction, exponent = np.frexp(divisor)
    limit = np.finfo(x.dtype).maxexp - 2
    exact = np.all(np.abs(fraction) == 0.5) and np.all(np.abs(exponent) < limit)
    return hlo.multiply(x, constant(1 / divisor, x)) if exact else None


@pattern("divide", of="_, constant", changes="special values")
def divide_constant(op: Op) -> Tensor | None:
    """x / c → x · (1 / c)"""
    x, y = op.operands
    divisor = numbers(y) if dtypes.is_floating(x.dtype) else None
    if divisor is None or not np.all(divisor):
        return None
    return hlo.multiply(x, constant(1 / divisor, x))


@pattern("divide", changes="special values")
def divide_itself(op: Op) -> Tensor | None:
    """x / x → 1"""
    x, y = op.operands
    return hlo.full_like(x, 1) if is_same(x, y) else None


@pattern("divide", of="divide", changes="special values")
def divide_quotient(op: Op) -> Tensor | None:
    """(x / y) / z → x / (y · z)"""
    _, z = op.operands
    inner = op.source()
    if not dtypes.is_floating(op.dtype):
        return None
    x, y = inner.operands
    return hlo.divide(x, hlo.multiply(y, z))


@pattern("multiply", among="divide", changes="special values")
def multiply_reciprocal(op: Op) -> Tensor | None:
    """x · (1 / y) → x / y"""
    for x, other in (op.operands, op.operands[::-1]):
        quotient = producer(other, "divide")
        if quotient is not None and quotient.used_once and holds(quotient.operands[0], 1):
            return hlo.divide(x, quotient.operands[1]) if dtypes.is_floating(x.dtype) else None
    return None


@pattern("abs", of="abs")
def abs_of_abs(op: Op) -> Tensor | None:
    """|(|x|)| → |x|"""
    return op.operands[0] if op.dtype == op.operands[0].dtype else None


@pattern("abs", of="negate")
def abs_of_negated(op: Op) -> Tensor | None:
    """|-x| → |x|"""
    inner = op.source()
    return hlo.abs_(inner.operands[0])


@pattern("abs")
def abs_of_nonnegative(op: Op) -> Tensor | None:
    """|x| → x

    Where x cannot be negative: an exponential, a square, a sum of such …
    """
    (x,) = op.operands
    return x if is_nonnegative(x) else None


@pattern("add", "multiply", of="add|multiply, constant")
def combine_constants(op: Op) -> Tensor | None:
    """(x ∘ c) ∘ d → x ∘ (c ∘ d)

    For + and · of integers.
    """
    return _combined(op) if dtypes.is_integer(op.dtype) else None


@pattern("maximum", "minimum", "and", "or", "xor", of="maximum|minimum|and|or|xor, constant")
def combine_bounds(op: Op) -> Tensor | None:
    """(x ∘ c) ∘ d → x ∘ (c ∘ d)

    For max, min, and, or, xor.
    """
    return _combined(op)


@pattern("add", "multiply", of="add|multiply, constant", changes="special values")
def combine_constants_loosely(op: Op) -> Tensor | None:
    """(x ∘ c) ∘ d → x ∘ (c ∘ d)

    For + and · of any type.
    """
    return _combined(op)


def _combined(op: Op) -> Tensor | None:
    inner = op.source()
    if inner.name != op.name or producer(inner.operands[1], "constant") is None:
        return None
    x, c = inner.operands
    return op.again(x, op.again(c, op.operands[1])) if producer(x, "constant") is None else None


@pattern("add", "subtract", of="multiply, multiply", changes="special values")
def factor_out(op: Op) -> Tensor | None:
    """x · z ± y · z → (x ± y) · z"""
    left, right = op.source(0), op.source(1)
    if not (left.used_once and right.used_once):
        return None
    for x, z in (left.operands, left.operands[::-1]):
        for y, other in (right.operands, right.operands[::-1]):
            if is_same(z, other):
                return hlo.multiply(op.again(x, y), z)
    return None


def _signed_integer(dtype: DType) -> bool:
    return dtypes.is_integer(dtype) and not dtypes.is_unsigned(dtype)
