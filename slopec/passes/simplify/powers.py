"""Powers, roots, exponentials and logarithms."""

from slopec import dtypes, hlo
from slopec.passes.facts import is_nonnegative
from slopec.passes.op import Op, holds, is_same, producer, splat
from slopec.passes.pattern import pattern
from slopec.tensor import Tensor

LARGEST_EXPONENT = 8


def _exponent(op: Op) -> float | None:
    """The constant real exponent of a power."""
    value = splat(op.operands[1])
    return None if value is None or dtypes.is_complex(op.dtype) else float(value)


@pattern("power", of="_, constant")
def power_one(op: Op) -> Tensor | None:
    """xⁿ → x for n = 1"""
    return op.operands[0] if _exponent(op) == 1 else None


@pattern("power", of="_, constant")
def power_zero(op: Op) -> Tensor | None:
    """xⁿ → 1 for n = 0"""
    return hlo.full_like(op.operands[0], 1) if _exponent(op) == 0 else None


@pattern("power", of="constant")
def power_of_one(op: Op) -> Tensor | None:
    """1ʸ → 1

    For floats; an integer 1 has this as well, whatever the exponent.
    """
    x, _ = op.operands
    return x if holds(x, 1) and not dtypes.is_complex(x.dtype) else None


@pattern("power", of="_, constant", changes="rounding")
def power_integer(op: Op) -> Tensor | None:
    """xⁿ → x · x · … for n = 2 … 8

    By repeated squaring, which takes at most four products.
    """
    exponent = _exponent(op)
    if exponent is None or not 2 <= exponent <= LARGEST_EXPONENT or exponent % 1:
        return None
    return _repeated(op.operands[0], int(exponent))


@pattern("power", of="_, constant", changes="rounding")
def power_minus_one(op: Op) -> Tensor | None:
    """xⁿ → 1 / x for n = -1"""
    x, _ = op.operands
    if _exponent(op) != -1 or not dtypes.is_floating(x.dtype):
        return None
    return hlo.divide(hlo.full_like(x, 1), x)


@pattern("power", of="_, constant", changes="rounding")
def power_half(op: Op) -> Tensor | None:
    """xⁿ → √x for n = 1/2

    Where x cannot be negative: the power of -0 is +0, that of -inf is +inf.
    """
    x, _ = op.operands
    return hlo.sqrt(x) if _exponent(op) == 0.5 and is_nonnegative(x) else None


@pattern("power", of="_, constant", changes="special values")
def power_half_loosely(op: Op) -> Tensor | None:
    """xⁿ → √x for n = 1/2"""
    return hlo.sqrt(op.operands[0]) if _exponent(op) == 0.5 else None


@pattern("power", of="_, constant", changes="rounding")
def power_minus_half(op: Op) -> Tensor | None:
    """xⁿ → 1 / √x for n = -1/2

    Where x cannot be negative.
    """
    x, _ = op.operands
    return hlo.rsqrt(x) if _exponent(op) == -0.5 and is_nonnegative(x) else None


@pattern("divide", of="constant, sqrt", changes="rounding")
def reciprocal_of_root(op: Op) -> Tensor | None:
    """1 / √x → rsqrt(x)"""
    root = op.source(1)
    if not root.used_once or not holds(op.operands[0], 1) or dtypes.is_complex(op.dtype):
        return None
    return hlo.rsqrt(root.operands[0])


@pattern("sqrt", of="multiply", changes="special values")
def root_of_square(op: Op) -> Tensor | None:
    """√(x · x) → |x|"""
    square = op.source()
    if dtypes.is_complex(op.dtype) or not is_same(*square.operands):
        return None
    return hlo.abs_(square.operands[0])


@pattern("multiply", of="sqrt", changes="special values")
def square_of_root(op: Op) -> Tensor | None:
    """√x · √x → x"""
    root = op.source()
    return root.operands[0] if is_same(*op.operands) else None


@pattern("exponential", "log", of="exponential|log", changes="special values")
def exponential_and_log(op: Op) -> Tensor | None:
    """eˡⁿ⁽ˣ⁾ → x, ln(eˣ) → x"""
    inner = op.source()
    opposite = inner.name != op.name and not dtypes.is_complex(op.dtype)
    return inner.operands[0] if opposite else None


@pattern("multiply", of="exponential, exponential", changes="special values")
def product_of_exponentials(op: Op) -> Tensor | None:
    """eˣ · eʸ → eˣ⁺ʸ"""
    x, y = op.source(0), op.source(1)
    if not (x.used_once and y.used_once):
        return None
    return hlo.exponential(hlo.add(x.operands[0], y.operands[0]))


def _repeated(x: Tensor, count: int) -> Tensor:
    """The product of `count` times x."""
    product: Tensor | None = None
    square = x
    while count:
        if count & 1:
            product = square if product is None else hlo.multiply(product, square)
        count >>= 1
        square = hlo.multiply(square, square) if count else square
    assert product is not None
    return product


@pattern("divide", of="constant|broadcast_in_dim, add", changes="rounding")
def logistic_written_out(op: Op) -> Tensor | None:
    """1 / (exp(-x) + 1) → logistic(x)

    Whose derivative is made of its result alone.
    """
    one, below = op.operands[0], op.source(1)
    powers = [producer(part, "exponential") for part in below.operands]
    power = next((p for p in powers if p is not None), None)
    ones = [one, *(x for x, p in zip(below.operands, powers, strict=True) if p is None)]
    if power is None or not all(map(_is_one, ones)):
        return None
    negated = producer(power.operands[0], "negate")
    return None if negated is None else hlo.logistic(negated.operands[0])


def _is_one(x: Tensor) -> bool:
    spread = producer(x, "broadcast_in_dim")
    return holds(x if spread is None else spread.operands[0], 1.0)
