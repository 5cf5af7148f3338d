"""Factorizations of which only parts are used become those that give these parts alone.

The others may have no derivative: Householder's reflections one by one, as LAPACK holds them, or
columns that only make an orthonormal basis complete.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from slopec import hlo, ir
from slopec.hlo import matrices
from slopec.reference.table import SUPPORTED
from slopec.tensor import Tensor
from slopec.transforms.body import defining
from slopec.transforms.rule import Point, rewritten, unsupported

_ADVICE = "factor with `sp.linalg.qr`, or export a program that uses `jnp.linalg.qr`"
_PRODUCT = "slopec.householder_product"

unsupported(_PRODUCT, why="of single reflections has no derivative rule", hint=_ADVICE)


@rewritten(
    "slopec.householder",
    why="has no derivative rule where its reflections are used one by one",
    hint=_ADVICE,
)
def _householder(point: Point) -> Sequence[Tensor] | None:
    """Q and R, where only the upper triangle is used and the product of all reflections."""
    packed, taus = point.results
    rows, columns = packed.shape[-2:]
    products = [use.owner.operation for use in point.op.results[1].uses]
    known = set(products)
    if not all(ir.kind_of(op) == _PRODUCT for op in products):
        return None
    if not _only_all_at_once(point.op.results[0], known):
        return None
    wanted = max((ir.type_of(op.results[0])[0][-1] for op in products), default=0)
    q, r = hlo.qr(point.operands[0], full=wanted > min(rows, columns))
    for op in products:
        count = ir.type_of(op.results[0])[0][-1]
        first = matrices.part(q, 0, rows, 0, count)
        op.results[0].replace_all_uses_with(point.trace.value_of(first))
        op.erase()
    return [matrices.extended(r, rows - r.shape[-2], 0), hlo.zeros_like(taus)]


@rewritten("slopec.svd")
def _svd(point: Point) -> Sequence[Tensor] | None:
    """Where no vectors are used but those that belong to singular values: these alone."""
    u, s, vh = point.results
    columns, k = vh.shape[-1], s.shape[-1]
    thin = ((*u.shape[:-1], k), (*vh.shape[:-2], k, columns))
    if (u.shape, vh.shape) == thin:
        return None
    left, right = point.op.results[0], point.op.results[2]
    if not (_only_first(left, thin[0]) and _only_first(right, thin[1])):
        return None
    found = hlo.svd(point.operands[0], full=False)
    return [
        matrices.extended(found[0], 0, u.shape[-1] - k),
        found[1],
        matrices.extended(found[2], vh.shape[-2] - k, 0),
    ]


def _only_first(value: ir.Value, shape: tuple[int, ...]) -> bool:
    """Whether nothing but the first part, of the given shape, is used, turned perhaps."""
    if ir.type_of(value)[0] == shape:
        return True
    for use in value.uses:
        op = use.owner.operation
        if op.name == "stablehlo.transpose":
            turned = tuple(shape[d] for d in op.attributes["permutation"])
            if not _only_first(op.results[0], turned):
                return False
            continue
        if op.name != "stablehlo.slice" or any(op.attributes["start_indices"]):
            return False
        if any(n > m for n, m in zip(ir.type_of(op.results[0])[0], shape, strict=True)):
            return False
    return True


def _only_all_at_once(packed: ir.Value, products: set[ir.Operation]) -> bool:
    """Whether what is below the diagonal of `packed` is used by products alone."""
    for use in packed.uses:
        op = use.owner.operation
        whole = op in products or _takes_upper(op, use.operand_number)
        cut = op.name == "stablehlo.slice" and not any(op.attributes["start_indices"])
        if not whole and not (
            (cut or op.name == "stablehlo.pad") and _only_all_at_once(op.results[0], products)
        ):
            return False
    return True


def _takes_upper(op: ir.Operation, place: int) -> bool:
    """Whether an op selects elements of the upper triangle alone from its operand `place`."""
    if op.name != "stablehlo.select" or place == 0:
        return False
    mask = _known(op.operands[0])
    if mask is None or mask.ndim < 2:
        return False
    taken = mask if place == 1 else ~mask
    return not np.tril(taken, -1).any()


def _known(value: ir.Value) -> np.ndarray[Any, Any] | None:
    """The elements of a value that depends on no argument, through ops on whole arrays."""
    op = defining(value)
    if op is None or len(op.regions) or len(op.results) != 1 or op.name not in SUPPORTED:
        return None
    operands = [_known(operand) for operand in op.operands]
    if any(operand is None for operand in operands):
        return None
    scope: Any = None
    return np.asarray(SUPPORTED[op.name](op, scope)(*operands))
