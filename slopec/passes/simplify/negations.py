"""Negations move out of sums and contractions, where they cost less and meet others.

This is more than tidiness: GPU code generation refuses a sum whose summands are negated, because
it folds the negation into the combining op and then no longer knows its neutral element.
"""

import math

from slopec import dtypes, hlo
from slopec.passes.op import Op, producer
from slopec.passes.pattern import pattern
from slopec.passes.simplify.reductions import Reduction
from slopec.tensor import Tensor

_MOVES = ("broadcast_in_dim", "convert", "reshape", "transpose", "slice", "reverse")


@pattern("reduce", of="|".join(("negate", *_MOVES)), changes="rounding")
def sum_of_negated(op: Op) -> Tensor | None:
    """Σ -x → -(Σ x)

    Also where moves and conversions come between the negation and the sum.
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


def _is_negated(x: Tensor) -> bool:
    """Whether `x` is moved or converted from the negative of something."""
    op = producer(x, "negate", *_MOVES)
    while op is not None and op.name != "negate":
        (x,) = op.operands
        op = producer(x, "negate", *_MOVES) if dtypes.is_floating(x.dtype) else None
    return op is not None


def _positive(x: Tensor) -> Tensor:
    """The negative of an `x` of which `_is_negated` holds."""
    op = producer(x, "negate", *_MOVES)
    assert op is not None
    (y,) = op.operands
    return y if op.name == "negate" else op.again(_positive(y))
