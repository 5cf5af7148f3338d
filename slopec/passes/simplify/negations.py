"""Negations move out of sums and contractions, where they cost less and meet others.

This is more than tidiness: GPU code generation refuses a sum whose summands are negated, because
it folds the negation into the combining op and then no longer knows its neutral element.
"""

import math

from slopec import dtypes, hlo
from slopec.passes.op import Op, is_zero, producer
from slopec.passes.pattern import pattern
from slopec.passes.simplify.reductions import Reduction
from slopec.tensor import Tensor

_MOVES = ("broadcast_in_dim", "reshape", "transpose", "slice", "reverse")
_THROUGH = ("negate", "subtract", "multiply", "divide", "convert", "select", "pad", *_MOVES)


@pattern("reduce", of="|".join(_THROUGH), changes="rounding")
def sum_of_negated(op: Op) -> Tensor | None:
    """Σ -x → -(Σ x)

    Also where the negation hides behind moves, conversions, products and selections of 0.
    """
    r = Reduction.of(op)
    if r is None or r.kind != "add" or not r.starts_neutral or not _is_negated(r.x):
        return None
    return hlo.negate(r.over(_positive(r.x), r.dims))


@pattern("dot_general", "convolution", of="negate, negate")
def contraction_of_negated(op: Op) -> Tensor | None:
    """-x · -y → x · y

    For matrices and convolutions.
    """
    if op.dtype != op.operands[0].dtype or not dtypes.is_floating(op.dtype):
        return None
    return op.again(op.source(0).operands[0], op.source(1).operands[0])


@pattern("dot_general", "convolution", among="negate", changes="rounding")
def negation_out_of_contraction(op: Op) -> Tensor | None:
    """-x · y → -(x · y)

    For matrices and convolutions, where the result is not larger than x.
    """
    if op.dtype != op.operands[0].dtype or not dtypes.is_floating(op.dtype):
        return None
    operands = list(op.operands)
    for index, x in enumerate(operands):
        negated = producer(x, "negate")
        if negated is not None and math.prod(op.shape) <= math.prod(x.shape):
            operands[index] = negated.operands[0]
            return hlo.negate(op.again(*operands))
    return None


@pattern("select", of="_, negate, negate")
def select_negated(op: Op) -> Tensor | None:
    """select(p, -x, -y) → -select(p, x, y)"""
    p = op.operands[0]
    return hlo.negate(hlo.select(p, op.source(1).operands[0], op.source(2).operands[0]))


def _is_negated(x: Tensor, depth: int = 6) -> bool:
    """Whether `x` is the negative of something that can be had for the same price."""
    op = producer(x, *_THROUGH)
    cheap = op is not None and (op.name in ("negate", *_MOVES) or op.used_once)
    if op is None or depth == 0 or not cheap:
        return False
    if op.name == "negate":
        return True
    if op.name == "subtract":
        return is_zero(op.operands[0])
    if op.name == "select":
        return all(is_zero(y) or _is_negated(y, depth - 1) for y in op.operands[1:])
    if op.name == "multiply" and _is_negated(op.operands[1], depth - 1):
        return True
    if op.name == "convert" and not dtypes.is_floating(op.operands[0].dtype):
        return False
    padded = op.name == "pad" and not is_zero(op.operands[1])
    return not padded and _is_negated(op.operands[0], depth - 1)


def _positive(x: Tensor) -> Tensor:
    """The negative of an `x` of which `_is_negated` holds; zeros stay zeros."""
    if is_zero(x):
        return x
    op = producer(x, *_THROUGH)
    assert op is not None
    if op.name == "negate":
        return op.operands[0]
    if op.name == "subtract":
        return op.operands[1]
    operands = list(op.operands)
    if op.name == "select":
        return op.again(operands[0], *(_positive(y) for y in operands[1:]))
    index = int(op.name == "multiply" and not _is_negated(operands[0]))
    operands[index] = _positive(operands[index])
    return op.again(*operands)
