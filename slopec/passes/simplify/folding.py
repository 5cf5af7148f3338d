"""Constants: what depends on constants alone is computed here, and so is what has no elements."""

import math
from collections.abc import Sequence

import numpy as np

from slopec import hlo, ir
from slopec.diagnostics import SlopecError
from slopec.passes.op import Op, numbers, splat
from slopec.passes.pattern import Pattern, pattern
from slopec.passes.simplify.shapes import ELEMENTWISE
from slopec.tensor import Tensor

_MOVING = """bitcast_convert broadcast_in_dim concatenate dynamic_slice dynamic_update_slice gather
    pad reshape reverse slice transpose""".split()
_COMBINING = "convolution dot_general reduce reduce_window scatter sort".split()
FOLDED = tuple(n for n in (*ELEMENTWISE, *_MOVING, *_COMBINING) if not n.startswith("chlo."))
WORK_LIMIT = 64
"""Folding reads at most this many times the bytes that it may produce."""


@pattern(
    *ELEMENTWISE, *_MOVING, "dot_general", "convolution", "reduce", "iota", without_elements=True
)
def nothing_at_all(op: Op) -> list[Tensor] | None:
    """f(x) → constant

    For results without elements.
    """
    if 0 not in op.shape:
        return None
    types = [ir.type_of(value) for value in op.operation.results]
    return [hlo.constant(np.zeros(shape, dtype)) for shape, dtype in types]


@pattern(*(name for name in ELEMENTWISE if "." not in name), of="constant")
def fold_splats(op: Op) -> Tensor | None:
    """f(c) → c

    For constants whose elements all are equal: the result is one number, however large.
    """
    values = [value for x in op.operands if (value := splat(x)) is not None]
    if len(values) < len(op.operands):
        return None
    results = _evaluate(op, values)
    return None if results is None else hlo.full(op.shape, results[0].item(), op.dtype)


def folding(limit: int) -> Pattern:
    """The pattern that folds ops with results of at most `limit` bytes."""

    @pattern(*FOLDED, of="constant")
    def fold(op: Op) -> list[Tensor] | None:
        """f(c) → c

        For constants, where the result is small; repetitions cost nothing as they are.
        """
        if op.name == "broadcast_in_dim" and math.prod(op.shape) > op.operands[0].size:
            return None
        results = [ir.type_of(value) for value in op.operation.results]
        size = sum(dtype.itemsize * int(np.prod(shape)) for shape, dtype in results)
        if size > limit or sum(x.nbytes for x in op.operands) > WORK_LIMIT * limit:
            return None
        arrays = [
            np.broadcast_to(value, x.shape)
            for x in op.operands
            if (value := numbers(x)) is not None
        ]
        if len(arrays) < len(op.operands) or _captures(op):
            return None
        folded = _evaluate(op, arrays)
        return None if folded is None else [hlo.constant(array) for array in folded]

    return fold


fold = folding(65536)


def _evaluate(op: Op, values: Sequence[np.ndarray]) -> list[np.ndarray] | None:
    """The results of an op as the reference computes them; None if it cannot."""
    from slopec.reference import evaluate_op

    try:
        return evaluate_op(op.operation, values)
    except SlopecError:
        return None


def _captures(op: Op) -> bool:
    """Whether the regions of an op use values from outside, or have regions themselves."""
    for region in op.operation.regions:
        block = region.blocks[0]
        inside = set(block.arguments)
        for view in block.operations:
            inner = view.operation
            if len(inner.regions) or any(value not in inside for value in inner.operands):
                return True
            inside.update(inner.results)
    return False
