"""Ops on each number: which ones kernels know, and how they are written on numbers and vectors."""

from collections.abc import Sequence

from slopec import dtypes, ir
from slopec.kernels.body import Body, Term
from slopec.kernels.exponential import exponential

EACH = {
    "stablehlo.add": "arith.addf",
    "stablehlo.subtract": "arith.subf",
    "stablehlo.multiply": "arith.mulf",
    "stablehlo.divide": "arith.divf",
    "stablehlo.maximum": "arith.maximumf",
    "stablehlo.minimum": "arith.minimumf",
    "stablehlo.negate": "arith.negf",
    "stablehlo.abs": "math.absf",
    "stablehlo.exponential": "math.exp",
    "stablehlo.log": "math.log",
    "stablehlo.rsqrt": "math.rsqrt",
    "stablehlo.sqrt": "math.sqrt",
    "stablehlo.tanh": "math.tanh",
}
"""Ops from numbers to a number of the same type, as kernels spell them."""

_KINDS = EACH | {f"stablehlo.{name}": name for name in ("select", "logistic", "compare")}

_COMPARED = {"EQ": 1, "GT": 2, "GE": 3, "LT": 4, "LE": 5, "NE": 13}
_STRICT = {"GE": "GT", "LE": "LT"}


def kind_of(op: ir.Operation) -> str | None:
    """What `computed` is to do in an op's place, None if it cannot."""
    kind = _KINDS.get(op.name)
    type_ = None if kind is None else ir.static_shape_and_dtype(op.results[0].type)
    if type_ is None:
        return None
    if kind == "compare":
        return _comparison(op)
    return None if type_[1] == dtypes.bool_ else kind


def number_of(op: ir.Operation | None) -> float | None:
    """The number that all elements of a constant are; None of what is no such constant."""
    if op is None or op.name != "stablehlo.constant" or not ir.is_uniform(op):
        return None
    return float(ir.constant_array(op).flat[0])


def _comparison(op: ir.Operation) -> str | None:
    """The sign of a comparison of numbers."""
    if not dtypes.is_floating(ir.type_of(op.operands[0])[1]):
        return None
    if "compare_type" in op.attributes and "TOTALORDER" in str(op.attributes["compare_type"]):
        return None
    spelled = str(op.attributes["comparison_direction"])
    sign = next((sign for sign in _COMPARED if f" {sign}>" in spelled), None)
    return _STRICT.get(sign, sign) if sign is not None and _chooses(op) else sign


def _chooses(op: ir.Operation) -> bool:
    """Whether a comparison only chooses between what it compares, of which equals are the same.

    Strict ones with their choice are one instruction.
    """
    compared = set(op.operands)
    users = [use.owner.operation for use in op.results[0].uses]
    return all(
        user.name == "stablehlo.select"
        and user.operands[0] == op.results[0]
        and {user.operands[1], user.operands[2]} == compared
        for user in users
    )


def computed(k: Body, kind: str, of: Sequence[Term]) -> Term:
    """What an op of a kind makes of numbers, or of vectors."""
    if kind == "select":
        return k.select(*of)
    if kind in _COMPARED:
        lanes = k.lanes(of[0])
        type_ = f"vector<{lanes}xi1>" if lanes else "i1"
        return k.op("arith.cmpf", *of, type=type_, predicate=ir.i64(_COMPARED[kind]))
    if kind == "logistic":
        (x,) = of
        one = k.like(1, x)
        return one / (computed(k, "math.exp", [k.op("arith.negf", x)]) + one)
    if kind == "math.exp" and k.dtype(of[0]) == dtypes.float32:
        return exponential(k, of[0])
    return k.op(kind, *of)
