"""StableHLO's operations element by element, as operators of ONNX."""

import numpy as np

from slopec import dtypes, ir
from slopec.interop.onnx.types import number_of
from slopec.interop.onnx_writing.writer import Rule, Writer
from slopec.reference.table import attribute


def _same(kind: str, **attributes: int) -> Rule:
    return lambda w, op: w.add(kind, w.operands(op), **attributes)


def _chain(*kinds: str) -> Rule:
    def rule(w: Writer, op: ir.Operation) -> str:
        (name,) = w.operands(op)
        for kind in kinds:
            name = w.add(kind, [name])
        return name

    return rule


def _logical(of_bools: str, of_others: str) -> Rule:
    def rule(w: Writer, op: ir.Operation) -> str:
        is_bool = ir.type_of(op.results[0])[1] == dtypes.bool_
        return w.add(of_bools if is_bool else of_others, w.operands(op))

    return rule


_COMPARISONS = {
    "EQ": "Equal",
    "LT": "Less",
    "LE": "LessOrEqual",
    "GT": "Greater",
    "GE": "GreaterOrEqual",
}


def compare(w: Writer, op: ir.Operation) -> str:
    """A comparison; of booleans after widening, where ONNX only knows equality."""
    direction = attribute(op, "comparison_direction")
    operands = w.operands(op)
    if ir.type_of(op.operands[0])[1] == dtypes.bool_ and direction not in ("EQ", "NE"):
        operands = [w.add("Cast", [name], to=number_of(np.dtype(np.int32))) for name in operands]
    if direction == "NE":
        return w.add("Not", [w.add("Equal", operands)])
    return w.add(_COMPARISONS[direction], operands)


def convert(w: Writer, op: ir.Operation) -> str:
    """Another dtype."""
    return w.add("Cast", w.operands(op), to=number_of(ir.type_of(op.results[0])[1]))


def clamp(w: Writer, op: ir.Operation) -> str:
    """The elements moved between two bounds."""
    low, x, high = w.operands(op)
    return w.add("Min", [w.add("Max", [x, low]), high])


def is_finite(w: Writer, op: ir.Operation) -> str:
    """Neither infinite nor not a number."""
    (x,) = w.operands(op)
    return w.add("Not", [w.add("Or", [w.add("IsInf", [x]), w.add("IsNaN", [x])])])


def exponential_minus_one(w: Writer, op: ir.Operation) -> str:
    """eˣ − 1 = 2 t / (1 − t) with t = tanh(x / 2), which keeps its digits near 0; else eˣ − 1."""
    (x,) = w.operands(op)
    one, two = w.number(1, op.operands[0]), w.number(2, op.operands[0])
    t = w.add("Tanh", [w.add("Div", [x, two])])
    near = w.add("Div", [w.add("Mul", [t, two]), w.add("Sub", [one, t])])
    far = w.add("Sub", [w.add("Exp", [x]), one])
    return w.add("Where", [w.add("Less", [w.add("Abs", [x]), one]), near, far])


def log_plus_one(w: Writer, op: ir.Operation) -> str:
    """log(1 + x) with the rounding of 1 + x taken back (Kahan): log(u) x / (u − 1), u = 1 + x.

    The quotient is 1 for large x, so that nothing overflows.
    """
    (x,) = w.operands(op)
    one = w.number(1, op.operands[0])
    u = w.add("Add", [x, one])
    rest = w.add("Sub", [u, one])
    ratio = w.add("Where", [w.add("IsInf", [u]), one, w.add("Div", [x, rest])])
    lost = w.add("Equal", [rest, w.number(0, op.operands[0])])
    return w.add("Where", [lost, x, w.add("Mul", [w.add("Log", [u]), ratio])])


TABLE: dict[str, Rule] = {
    "stablehlo.add": _logical("Or", "Add"),
    "stablehlo.subtract": _same("Sub"),
    "stablehlo.multiply": _logical("And", "Mul"),
    "stablehlo.divide": _same("Div"),
    "stablehlo.remainder": _same("Mod", fmod=1),
    "stablehlo.power": _same("Pow"),
    "stablehlo.maximum": _logical("Or", "Max"),
    "stablehlo.minimum": _logical("And", "Min"),
    "stablehlo.and": _logical("And", "BitwiseAnd"),
    "stablehlo.or": _logical("Or", "BitwiseOr"),
    "stablehlo.xor": _logical("Xor", "BitwiseXor"),
    "stablehlo.not": _logical("Not", "BitwiseNot"),
    "stablehlo.negate": _same("Neg"),
    "stablehlo.abs": _same("Abs"),
    "stablehlo.sign": _same("Sign"),
    "stablehlo.floor": _same("Floor"),
    "stablehlo.ceil": _same("Ceil"),
    "stablehlo.round_nearest_even": _same("Round"),
    "stablehlo.exponential": _same("Exp"),
    "stablehlo.exponential_minus_one": exponential_minus_one,
    "stablehlo.log": _same("Log"),
    "stablehlo.log_plus_one": log_plus_one,
    "stablehlo.sqrt": _same("Sqrt"),
    "stablehlo.rsqrt": _chain("Sqrt", "Reciprocal"),
    "stablehlo.logistic": _same("Sigmoid"),
    "stablehlo.tanh": _same("Tanh"),
    "stablehlo.sine": _same("Sin"),
    "stablehlo.cosine": _same("Cos"),
    "stablehlo.tan": _same("Tan"),
    "stablehlo.is_finite": is_finite,
    "stablehlo.compare": compare,
    "stablehlo.select": _same("Where"),
    "stablehlo.clamp": clamp,
    "stablehlo.convert": convert,
    "chlo.erf": _same("Erf"),
    **{
        f"chlo.{name}": _same(name.capitalize())
        for name in ("acos", "acosh", "asin", "asinh", "atan", "atanh", "cosh", "sinh", "tan")
    },
}
