"""Custom calls whose target has one clear meaning, by the names that frameworks emit."""

import numpy as np

from slopec import ir
from slopec.diagnostics import did_you_mean
from slopec.dialects import calls
from slopec.reference.bits import converted
from slopec.reference.shape import unchanged
from slopec.reference.sort import largest
from slopec.reference.table import (
    SUPPORTED,
    Array,
    Kernel,
    Scope,
    attribute,
    cannot,
    result_dtype,
    result_shape,
    rule,
    scoped_rule,
)

_UNARY = (
    "acos acosh asin asinh atan atanh bessel_i1e cosh digamma erf erf_inv erfc lgamma sinh "
    "square tan"
).split()
_BINARY = ("next_after", "polygamma", "zeta")
SIZED = "stablehlo.dynamic_"
"""Begins targets whose last operand is the shape, or the size, of the result."""
OF_CHLO = {
    **{f"{p}.{name}": f"chlo.{name}" for name in (*_UNARY, *_BINARY) for p in ("mhlo", "chlo")},
    **{f"{SIZED}{name}": f"chlo.{name}" for name in _UNARY},
}
"""Targets that are CHLO ops, spelled as calls where CHLO is not at hand."""

_TOP_K = ("mhlo.topk", "mhlo.top_k", "chlo.top_k", "TopK", f"{SIZED}top_k")

IDENTITIES = (
    "LayoutConstraint",
    "MoveToDevice",
    "MoveToHost",
    "SPMDFullToShardShape",
    "SPMDShardToFullShape",
    "Sharding",
    "annotate_device_placement",
    "xla.sdy.FuncResultSharding",
)
"""Targets that say where values live, which is here."""


@rule(*calls.QUANTILES)
def quantile(op: ir.Operation) -> Kernel:
    """The number that was drawn."""
    return lambda x, *parameters: x


@scoped_rule("stablehlo.custom_call")
def custom_call(op: ir.Operation, scope: Scope) -> Kernel:
    """The function that `call_target_name` names."""
    target: str = attribute(op, "call_target_name")
    if target in calls.OPERANDS:
        return SUPPORTED[target](op, scope)
    if target in IDENTITIES:
        return unchanged
    if target in OF_CHLO:
        kernel = SUPPORTED[OF_CHLO[target]](op, scope)
        return (lambda x, *_: kernel(x)) if target.startswith(SIZED) else kernel
    if target in _TOP_K:
        return _top_k(op)
    if target == "shape_assertion":
        return lambda holds, *_: _assert(op, holds)
    known = [*IDENTITIES, *OF_CHLO, "mhlo.topk", "shape_assertion"]
    raise cannot(op, f"nothing is known of the target @{target}", did_you_mean(target, known))


def _top_k(op: ir.Operation) -> Kernel:
    facts = op.attributes.get("mhlo.attributes") or op.attributes.get("composite_attributes") or {}
    found = largest(result_shape(op)[-1], result_dtype(op, 1))
    if "largest" in facts and not facts["largest"].value:
        return lambda x: _smallest(found, x)
    return lambda x, *_: found(x)


def _smallest(kernel: Kernel, x: Array) -> list[Array]:
    _, order = kernel(np.invert(x) if x.dtype.kind in "iub" else np.negative(x))
    return [np.take_along_axis(x, converted(order, np.dtype(np.int64)), -1), order]


def _assert(op: ir.Operation, holds: Array) -> list[Array]:
    if not np.all(holds):
        raise cannot(op, attribute(op, "error_message", "its assertion about shapes does not hold"))
    return []
