"""StableHLO's elementwise ops on numbers and vectors of every type, as the specification has them.

What is undefined in LLVM is defined there: quotients by zero, the quotient that overflows, shifts
by more bits than there are.
"""

from collections.abc import Callable, Sequence

import numpy as np

from slopec import dtypes, ir
from slopec.dtypes import DType
from slopec.kernels.body import Body, Term
from slopec.kernels.elementwise import computed
from slopec.kernels.kernel import stored
from slopec.passes.small_loops import TYPES

_ANY = {  # for floats, integers, those without a sign, and Booleans
    "add": ("arith.addf", "arith.addi", "arith.addi", "arith.ori"),
    "subtract": ("arith.subf", "arith.subi", "arith.subi", ""),
    "multiply": ("arith.mulf", "arith.muli", "arith.muli", "arith.andi"),
    "maximum": ("arith.maximumf", "arith.maxsi", "arith.maxui", "arith.ori"),
    "minimum": ("arith.minimumf", "arith.minsi", "arith.minui", "arith.andi"),
    "and": ("", "arith.andi", "arith.andi", "arith.andi"),
    "or": ("", "arith.ori", "arith.ori", "arith.ori"),
    "xor": ("", "arith.xori", "arith.xori", "arith.xori"),
}
_OF_FLOATS = {
    "divide": "arith.divf",
    "negate": "arith.negf",
    "abs": "math.absf",
    "sqrt": "math.sqrt",
    "floor": "math.floor",
    "ceil": "math.ceil",
    "round_nearest_even": "math.roundeven",
}
_OF_SINGLES = {
    "exponential": "math.exp",
    "log": "math.log",
    "log_plus_one": "math.log1p",
    "exponential_minus_one": "math.expm1",
    "rsqrt": "math.rsqrt",
    "tanh": "math.tanh",
    "logistic": "logistic",
}
_FLOAT_ORDERS = {"EQ": 1, "GT": 2, "GE": 3, "LT": 4, "LE": 5, "NE": 13}
_SIGNED_ORDERS = {"EQ": 0, "NE": 1, "LT": 2, "LE": 3, "GT": 4, "GE": 5}
_UNSIGNED_ORDERS = {"EQ": 0, "NE": 1, "LT": 6, "LE": 7, "GT": 8, "GE": 9}
_SHIFTS = {
    "shift_left": "arith.shli",
    "shift_right_logical": "arith.shrui",
    "shift_right_arithmetic": "arith.shrsi",
}


def element(dtype: DType) -> str:
    """How a number of a type is spelled, which knows no signs."""
    return dtypes.MLIR_NAMES[dtype].removeprefix("u")


def typed(dtype: DType, lanes: int) -> str:
    """How a number, or a vector of `lanes`, is spelled."""
    return f"vector<{lanes}x{element(dtype)}>" if lanes else element(dtype)


def number(k: Body, value: object, dtype: DType, lanes: int = 0) -> Term:
    """A constant, or a vector with `lanes` times the same."""
    if dtype != dtypes.bool_:
        return k.number(value, stored(dtype), lanes)  # type: ignore[arg-type]
    spelled = str(bool(value)).lower()
    type_ = typed(dtype, lanes)
    attribute = f"dense<{spelled}> : {type_}" if lanes else spelled
    return k.constant(attribute, type_)


def is_known(op: ir.Operation) -> bool:
    """Whether `each` can compute an op; its name is one of an elementwise op then."""
    name = op.name.removeprefix("stablehlo.")
    dtype = ir.type_of(op.operands[0])[1] if len(op.operands) else None
    result = ir.type_of(op.results[0])[1] if len(op.results) else None
    if dtype not in TYPES or result not in TYPES:
        return False
    if name in _ANY:
        return bool(_ANY[name][_column(dtype)])
    if name in _OF_SINGLES:
        return dtype == dtypes.float32
    if name in ("floor", "ceil", "round_nearest_even", "sqrt", "is_finite"):
        return dtypes.is_floating(dtype)
    if name == "compare":
        return "TOTALORDER" not in str(op.attributes.get("compare_type"))
    if name == "bitcast_convert":
        return dtype.itemsize == result.itemsize and dtypes.bool_ not in (dtype, result)
    return name in _SPECIAL and (name in _WITH_BOOLEANS or dtype != dtypes.bool_)


def each(k: Body, op: ir.Operation, of: Sequence[Term]) -> Term:
    """What an op that is known makes of numbers, or of vectors."""
    name = op.name.removeprefix("stablehlo.")
    dtype = ir.type_of(op.operands[0])[1]
    if name in _ANY:
        return k.op(_ANY[name][_column(dtype)], *of)
    if name in _OF_SINGLES:
        return computed(k, _OF_SINGLES[name], of)
    if name in _OF_FLOATS and dtypes.is_floating(dtype):
        return k.op(_OF_FLOATS[name], *of)
    return _SPECIAL[name](k, op, of)


def folded(k: Body, kind: str, dtype: DType, a: Term, b: Term) -> Term:
    """Two numbers, or vectors, combined by "add", "maximum" or another op of two."""
    return k.op(_ANY[kind][_column(dtype)], a, b)


def folds(kind: str | None, dtype: DType) -> bool:
    """Whether `folded` knows an op, which is associative."""
    return kind in _ANY and kind != "subtract" and bool(_ANY[kind][_column(dtype)])


def _column(dtype: DType) -> int:
    if dtype == dtypes.bool_:
        return 3
    return 0 if dtypes.is_floating(dtype) else 1 + dtypes.is_unsigned(dtype)


def _compared(k: Body, dtype: DType, order: str, a: Term, b: Term) -> Term:
    type_ = typed(dtypes.bool_, k.lanes(a))
    if dtypes.is_floating(dtype):
        return k.op("arith.cmpf", a, b, type=type_, predicate=ir.i64(_FLOAT_ORDERS[order]))
    unsigned = dtypes.is_unsigned(dtype) or dtype == dtypes.bool_
    orders = _UNSIGNED_ORDERS if unsigned else _SIGNED_ORDERS
    return k.op("arith.cmpi", a, b, type=type_, predicate=ir.i64(orders[order]))


def _compare(k: Body, op: ir.Operation, of: Sequence[Term]) -> Term:
    order = str(op.attributes["comparison_direction"]).rstrip(">").split()[-1]
    return _compared(k, ir.type_of(op.operands[0])[1], order, *of)


def _select(k: Body, op: ir.Operation, of: Sequence[Term]) -> Term:
    return k.select(*of)


def _clamp(k: Body, op: ir.Operation, of: Sequence[Term]) -> Term:
    low, x, high = of
    dtype = ir.type_of(op.operands[1])[1]
    return folded(k, "minimum", dtype, folded(k, "maximum", dtype, x, low), high)


def _not(k: Body, op: ir.Operation, of: Sequence[Term]) -> Term:
    dtype = ir.type_of(op.operands[0])[1]
    ones = True if dtype == dtypes.bool_ else -1
    return k.op("arith.xori", of[0], _same(k, ones, dtype, of[0]))


def _same(k: Body, value: object, dtype: DType, like: Term) -> Term:
    """A constant in as many lanes as another."""
    if dtypes.is_unsigned(dtype):
        dtype = stored(dtype)
    return number(k, value, dtype, k.lanes(like))


def _negate(k: Body, op: ir.Operation, of: Sequence[Term]) -> Term:
    return k.op("arith.subi", _same(k, 0, ir.type_of(op.operands[0])[1], of[0]), of[0])


def _abs(k: Body, op: ir.Operation, of: Sequence[Term]) -> Term:
    return k.op("arith.maxsi", of[0], _negate(k, op, of))


def _sign(k: Body, op: ir.Operation, of: Sequence[Term]) -> Term:
    (x,), dtype = of, ir.type_of(op.operands[0])[1]
    zero, one, less = (_same(k, n, dtype, x) for n in (0, 1, -1))
    made = k.select(_compared(k, dtype, "GT", x, zero), one, x)
    return k.select(_compared(k, dtype, "LT", x, zero), less, made)


def _is_finite(k: Body, op: ir.Operation, of: Sequence[Term]) -> Term:
    dtype = ir.type_of(op.operands[0])[1]
    size = k.op("math.absf", of[0])
    return _compared(k, dtype, "LT", size, _same(k, np.inf, dtype, size))


def _divide(k: Body, op: ir.Operation, of: Sequence[Term]) -> Term:
    """By zero all bits are ones; the quotient that overflows is the dividend."""
    return _divided(k, op, of, "div", lambda x, zero: (_same(k, -1, zero, x), x))


def _remainder(k: Body, op: ir.Operation, of: Sequence[Term]) -> Term:
    """By zero it is the dividend, and 0 where the quotient overflows."""
    if dtypes.is_floating(ir.type_of(op.operands[0])[1]):
        return k.op("arith.remf", *of)
    return _divided(k, op, of, "rem", lambda x, dtype: (x, _same(k, 0, dtype, x)))


def _divided(
    k: Body,
    op: ir.Operation,
    of: Sequence[Term],
    kind: str,
    special: Callable[[Term, DType], tuple[Term, Term]],
) -> Term:
    (x, y), dtype = of, ir.type_of(op.operands[0])[1]
    by_zero, overflowing = special(x, dtype)
    nothing = _compared(k, dtype, "EQ", y, _same(k, 0, dtype, y))
    divisor = k.select(nothing, _same(k, 1, dtype, y), y)
    if dtypes.is_unsigned(dtype):
        return k.select(nothing, by_zero, k.op(f"arith.{kind}ui", x, divisor))
    least = _compared(k, dtype, "EQ", x, _same(k, np.iinfo(dtype).min, dtype, x))
    opposite = _compared(k, dtype, "EQ", y, _same(k, -1, dtype, y))
    beyond = k.op("arith.andi", least, opposite)
    divisor = k.select(beyond, _same(k, 1, dtype, y), divisor)
    made = k.select(beyond, overflowing, k.op(f"arith.{kind}si", x, divisor))
    return k.select(nothing, by_zero, made)


def _shift(k: Body, op: ir.Operation, of: Sequence[Term]) -> Term:
    """By all bits or more nothing is left, of a number with a sign the sign."""
    (x, y), dtype = of, ir.type_of(op.operands[0])[1]
    name, bits = op.name.removeprefix("stablehlo."), 8 * dtype.itemsize
    last = k.op("arith.minui", y, _same(k, bits - 1, dtype, y))
    made = k.op(_SHIFTS[name], x, last)
    if name == "shift_right_arithmetic":
        return made
    same = k.op("arith.cmpi", y, last, type=typed(dtypes.bool_, k.lanes(y)), predicate=ir.i64(0))
    return k.select(same, made, _same(k, 0, dtype, x))


def _op(name: str) -> Callable[[Body, ir.Operation, Sequence[Term]], Term]:
    """One op, which computes the same."""
    return lambda k, op, of: k.op(name, *of)


def _convert(k: Body, op: ir.Operation, of: Sequence[Term]) -> Term:
    (x,), before, after = of, ir.type_of(op.operands[0])[1], ir.type_of(op.results[0])[1]
    if before == after:
        return x
    type_ = typed(after, k.lanes(x))
    unsigned = dtypes.is_unsigned(before) or before == dtypes.bool_
    if after == dtypes.bool_:
        return _compared(k, before, "NE", x, _same(k, 0, before, x))
    if dtypes.is_floating(before):
        if not dtypes.is_floating(after):
            name = "arith.fptoui" if dtypes.is_unsigned(after) else "arith.fptosi"
            return k.op(name, x, type=type_)
        wider = after.itemsize > before.itemsize
        return k.op("arith.extf" if wider else "arith.truncf", x, type=type_)
    if dtypes.is_floating(after):
        return k.op("arith.uitofp" if unsigned else "arith.sitofp", x, type=type_)
    if before != dtypes.bool_ and after.itemsize == before.itemsize:
        return x
    if before != dtypes.bool_ and after.itemsize < before.itemsize:
        return k.op("arith.trunci", x, type=type_)
    return k.op("arith.extui" if unsigned else "arith.extsi", x, type=type_)


def _bitcast(k: Body, op: ir.Operation, of: Sequence[Term]) -> Term:
    return k.op("arith.bitcast", of[0], type=typed(ir.type_of(op.results[0])[1], k.lanes(of[0])))


_WITH_BOOLEANS = frozenset({"compare", "select", "not", "convert"})

_SPECIAL: dict[str, Callable[[Body, ir.Operation, Sequence[Term]], Term]] = {
    "compare": _compare,
    "select": _select,
    "clamp": _clamp,
    "not": _not,
    "negate": _negate,
    "abs": _abs,
    "sign": _sign,
    "is_finite": _is_finite,
    "divide": _divide,
    "remainder": _remainder,
    "shift_left": _shift,
    "shift_right_logical": _shift,
    "shift_right_arithmetic": _shift,
    "popcnt": _op("math.ctpop"),
    "count_leading_zeros": _op("math.ctlz"),
    "convert": _convert,
    "bitcast_convert": _bitcast,
}
