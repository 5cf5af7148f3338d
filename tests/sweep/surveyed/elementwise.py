"""Rows of ops that compute element by element, and of the functions of CHLO."""

from collections.abc import Iterator, Sequence

import numpy as np

from tests.sweep.case import Case
from tests.sweep.programs import one_op, program, type_of
from tests.sweep.surveyed.rows import TYPES, array, known, numbers, row

FLOATS = ("f16", "bf16", "f32", "f64")
INTEGERS = ("i8", "i32", "i64", "ui8", "ui32")
POINTS = np.linspace(-2.3, 2.3, 16)
EDGES = numbers([0.0, -0.0, 1, -1, 0.5, -0.5, 2.5, 3.5, 1e-30, 1e30, 88.8, -104, np.inf, -np.inf, np.nan, 7])  # fmt: skip
UNARY = """abs negate cbrt ceil cosine exponential exponential_minus_one floor log log_plus_one
    logistic round_nearest_afz round_nearest_even rsqrt sign sine sqrt tan tanh""".split()
COMPLEX = """abs negate cosine exponential exponential_minus_one log log_plus_one logistic rsqrt sign
    sine sqrt tan tanh""".split()
CHLO = """acos acosh asin asinh atan atanh bessel_i1e cosh digamma erf erf_inv erfc lgamma sinh
    square tan""".split()
BINARY = {
    **dict.fromkeys(("add", "multiply"), (*FLOATS, *INTEGERS, "c64", "i1")),
    **dict.fromkeys(("subtract", "divide", "power"), (*FLOATS, *INTEGERS, "c64")),
    **dict.fromkeys(("maximum", "minimum"), (*FLOATS, *INTEGERS, "i1")),
    "remainder": (*FLOATS, *INTEGERS),
    "atan2": (*FLOATS, "c64"),
    **dict.fromkeys(("and", "or", "xor"), ("i1", "i8", "i32", "i64", "ui32")),
    **dict.fromkeys(
        ("shift_left", "shift_right_arithmetic", "shift_right_logical"),
        ("i8", "i32", "i64", "ui32"),
    ),
}
CONVERTED = ("f16", "bf16", "f32", "f64", "i1", "i8", "i16", "i32", "i64", "ui8", "ui32", "ui64", "c64")  # fmt: skip


def cases() -> Iterator[Case]:
    yield from unary()
    yield from binary()
    yield from choices()
    yield from conversions()
    yield from functions()
    yield from edges()


def op(name: str, arguments: Sequence[np.ndarray], op_name: str, result: str = "", facts: str = "", keep: bool = False) -> Case:  # fmt: skip
    """A row of one op; `result` is the type of its elements."""
    full = op_name if "." in op_name else f"stablehlo.{op_name}"
    kind = TYPES[result] if result else arguments[-1].dtype.name
    return row(name, one_op(full, arguments, kind, facts), *arguments, keep=keep)


def positive(kind: str) -> np.ndarray:
    return numbers(np.linspace(0.2, 4, 16), kind)


def unary() -> Iterator[Case]:
    for name in UNARY:
        low = name in ("log", "sqrt", "rsqrt")
        for kind in FLOATS:
            yield op(f"{name}.{kind}", [positive(kind) if low else numbers(POINTS, kind)], name)
        if name not in ("ceil", "tan"):
            yield op(f"{name}.edge.f32", [EDGES], name)
    for kind in FLOATS:
        yield op(f"is_finite.{kind}", [numbers(EDGES[10:], kind)], "is_finite", "i1")
    z = numbers(POINTS + 1j * POINTS[::-1] / 2, "c64")
    for name in COMPLEX:
        yield op(f"{name}.c64", [z], name, "f32" if name == "abs" else "c64")
    integers = {"abs": ("i8", "i32", "i64"), "sign": ("i8", "i32", "i64"), "negate": INTEGERS, "not": (*INTEGERS, "i1"), "popcnt": INTEGERS, "count_leading_zeros": INTEGERS}  # fmt: skip
    for name, kinds in integers.items():
        for kind in kinds:
            yield op(f"{name}.{kind}", [array((16,), kind)], name)


def binary() -> Iterator[Case]:
    for name, kinds in BINARY.items():
        for kind in kinds:
            x, y = array((16,), kind), array((16,), kind, 1)
            if name in ("divide", "remainder", "power") and kind != "i1":
                y = numbers([3, 1, 2, 3] * 4, kind)
            if name == "power" and (kind in FLOATS or kind == "c64"):
                x = numbers(np.linspace(0.2, 4, 16), kind)
            if name.startswith("shift"):
                y = numbers([0, 1, 3, 6] * 4, kind)
            yield op(f"{name}.{kind}", [x, y], name)
    over, whole = numbers([31, 32, 33, 100], "i32"), numbers([5, -5, 1, -(2**31)], "i32")
    for name in ("shift_left", "shift_right_arithmetic", "shift_right_logical"):
        yield op(f"{name}.edge_overshift.i32", [whole, over], name)
    for name in ("divide", "remainder"):
        yield op(f"{name}.edge_zero.i32", [whole, numbers([0, 0, -1, -1], "i32")], name)
    x, y = np.repeat(EDGES, 16), np.tile(EDGES, 16)
    for name in ("maximum", "minimum", "power", "remainder", "divide", "atan2"):
        yield op(f"{name}.edge.f32", [x, y], name)


def choices() -> Iterator[Case]:
    kinds = {"FLOAT": ("f32", "bf16", "f16", "f64", "c64"), "TOTALORDER": ("f32",), "SIGNED": ("i32", "i8", "i64"), "UNSIGNED": ("ui32", "ui8", "i1")}  # fmt: skip
    for how, names in kinds.items():
        for kind in names:
            x, y = array((16,), kind), array((16,), kind, 1)
            direction = "EQ" if kind == "c64" else "LT"
            facts = f"comparison_direction = #stablehlo<comparison_direction {direction}>, compare_type = #stablehlo<comparison_type {how}>"
            yield op(f"compare.{how}.{kind}", [x, y], "compare", "i1", facts)
    p = array((16,), "i1", 2)
    for kind in ("f32", "bf16", "i32", "i1", "c64", "f64"):
        yield op(f"select.{kind}", [p, array((16,), kind), array((16,), kind, 1)], "select")
    one = [numbers(True, "i1"), array((16,), "f32"), array((16,), "f32", 1)]
    yield op("select.scalar_pred", one, "select")
    for kind in ("f32", "i32", "bf16", "ui8"):
        x, low, high = array((16,), kind), numbers(1, kind), numbers(4, kind)
        text = "%r = stablehlo.clamp %0, %1, %2 : ({0}, {1}, {0}) -> {1}"
        scalars = text.format(type_of(low), type_of(x))
        yield row(
            f"clamp.scalar.{kind}", program([low, x, high], scalars, type_of(x)), low, x, high
        )
        both = [np.full(16, v) for v in (low, high)]
        tensors = text.format(type_of(x), type_of(x))
        yield row(f"clamp.tensor.{kind}", program([both[0], x, both[1]], tensors, type_of(x)), both[0], x, both[1])  # fmt: skip


def conversions() -> Iterator[Case]:
    given = [0, 1, -1, 2.5, -2.5, 100, 3, 7]
    for source in CONVERTED:
        for target in CONVERTED:
            if source != target:
                unsigned = "u" in source + target or "i1" in (source, target)
                x = numbers(np.abs(given) if unsigned else given, source)
                yield op(f"convert.{source}_to_{target}", [x], "convert", target, keep=True)
    for source, target in (("f32", "f8E4M3FN"), ("f32", "f8E5M2"), ("f8E4M3FN", "f32"), ("f8E5M2", "f32")):  # fmt: skip
        yield op(f"convert.{source}_to_{target}", [numbers(given, source)], "convert", target, keep=True)  # fmt: skip
    for target in ("i32", "i8", "ui8", "i64"):
        yield op(f"convert.edge.f32_to_{target}", [EDGES], "convert", target, keep=True)
    x = numbers(np.linspace(-3, 3, 16).reshape(4, 4))
    yield op("bitcast_convert.f32_i32", [x], "bitcast_convert", "i32", keep=True)
    yield op("bitcast_convert.bf16_i16", [x.astype(array((1,), "bf16").dtype)], "bitcast_convert", "i16", keep=True)  # fmt: skip
    for name, given_, out in (("f32_i8x4", x, "4x4x4xi8"), ("i8x4_i32", x.view(np.int8).reshape(4, 4, 4), "4x4xi32"), ("f64_i32x2", x.astype("float64"), "4x4x2xi32")):  # fmt: skip
        body = f"%r = stablehlo.bitcast_convert %0 : ({type_of(given_)}) -> tensor<{out}>"
        yield row(f"bitcast_convert.{name}", program([given_], body, f"tensor<{out}>"), given_, keep=True)  # fmt: skip
    counts = numbers([2**24 + 1, 255, 257, -3, 10**9, 7, 0, 1], "i32")
    for name, between in (("i32_f32_bf16", ""), ("i32_f32_bar_bf16", "%w = stablehlo.optimization_barrier %v : tensor<8xf32>")):  # fmt: skip
        body = f"%v = stablehlo.convert %0 : (tensor<8xi32>) -> tensor<8xf32>\n{between}\n%r = stablehlo.convert %{'w' if between else 'v'} : (tensor<8xf32>) -> tensor<8xbf16>"
        yield row(f"convert.{name}", program([counts], body, "tensor<8xbf16>"), counts, keep=True)
    ties = numbers(
        [1 + 2**-8, 1 + 3 * 2**-8, 1 + 2**-9, 3.3895e38, np.inf, np.nan, -1 - 2**-8, 0.1]
    )
    yield op("convert.f32_bf16_rounding", [ties], "convert", "bf16", keep=True)
    yield op("convert.f32_f16_overflow", [numbers([65504, 65519, 65520, -1e6, np.nan])], "convert", "f16", keep=True)  # fmt: skip
    bits = array((64,), "i1")
    body = "%v = stablehlo.convert %0 : (tensor<64xi1>) -> tensor<64xf32>\n%z = stablehlo.constant dense<0.0> : tensor<f32>\n%r = stablehlo.reduce(%v init: %z) applies stablehlo.add across dimensions = [0] : (tensor<64xf32>, tensor<f32>) -> tensor<f32>"
    yield row("convert.i1_f32_sum", program([bits], body, "tensor<f32>"), bits)


def functions() -> Iterator[Case]:
    inside = ("acos", "asin", "atanh", "erf_inv")
    for name in CHLO:
        for kind in ("f32", "f16", "bf16", "f64"):
            x = POINTS / 2.5 if name in inside else POINTS
            x = np.abs(x) + (1.1 if name == "acosh" else 0.1) if name in ("acosh", "lgamma", "digamma") else x  # fmt: skip
            yield op(f"chlo.{name}.{kind}", [numbers(x, kind)], f"chlo.{name}")
    for name in ("is_inf", "is_neg_inf", "is_pos_inf"):
        yield op(f"chlo.{name}", [EDGES], f"chlo.{name}", "i1")
    x, y = positive("f32"), numbers(np.linspace(4, 1, 16))
    yield op("chlo.next_after", [x, y], "chlo.next_after", keep=True)
    yield op("chlo.polygamma", [numbers([1, 2, 3, 4] * 4), x], "chlo.polygamma")
    yield op("chlo.zeta", [x + 1, y], "chlo.zeta")
    yield op("chlo.conj", [numbers(POINTS + 1j, "c64")], "chlo.conj")
    wide, narrow = array((3, 4), "f32"), numbers([1, 2, 3, 0.5])
    t, v = type_of(wide), type_of(narrow)
    for name in ("add", "subtract", "multiply", "divide", "maximum", "minimum", "power", "remainder", "atan2", "next_after"):  # fmt: skip
        given = np.abs(wide) + 1 if name == "power" else wide
        body = f"%r = chlo.broadcast_{name} %0, %1 : ({t}, {v}) -> {t}"
        yield row(f"chlo.broadcast_{name}", program([given, narrow], body, t), given, narrow, keep=name == "next_after")  # fmt: skip
    body = f"%r = chlo.broadcast_compare %0, %1 {{comparison_direction = #chlo<comparison_direction LT>}} : ({t}, {v}) -> tensor<3x4xi1>"
    yield row("chlo.broadcast_compare", program([wide, narrow], body, "tensor<3x4xi1>"), wide, narrow)  # fmt: skip
    p = array((4,), "i1")
    body = f"%r = chlo.broadcast_select %0, %1, %2 : (tensor<4xi1>, {t}, {v}) -> {t}"
    yield row("chlo.broadcast_select", program([p, wide, narrow], body, t), p, wide, narrow)
    body = f'%r = "chlo.constant_like"(%0) {{value = 3.2 : f32}} : ({t}) -> {t}'
    yield known("chlo.constant_like", program([wide], body, t), wide, expected=[np.full((3, 4), np.float32(3.2))])  # fmt: skip
    a, b = (
        numbers([2**31 - 1, -(2**31), 12345, 7], "i32"),
        numbers([2**31 - 1, 3, -98765, 0], "i32"),
    )
    high = (a.astype("int64") * b >> 32).astype("int32")
    yield known("chlo.mulhi", one_op("chlo.mulhi", [a, b], "int32"), a, b, expected=[high])


def edges() -> Iterator[Case]:
    points = {
        "negbase_intexp": ([-2, -2, -1.5, -3], [2, 3, 2, -1]), "zerobase_pos": ([0, -0.0], [2, 3]),
        "exp0": ([0, -2, np.inf, np.nan], [0, 0, 0, 0]), "zerobase_neg": ([0, -0.0], [-1, -2]),
        "normal": ([1.5, 2, 0.1], [2.5, -3, 7]),
    }  # fmt: skip
    for name, (x, y) in points.items():
        yield op(f"power.{name}.f32", [numbers(x), numbers(y)], "power")
    x = positive("f32")
    for name, exponent in (("const_splat2", 2.0), ("const_splat3", 3.0), ("const_half", 0.5)):
        body = f"%c = stablehlo.constant dense<{exponent}> : tensor<16xf32>\n%r = stablehlo.power %0, %c : tensor<16xf32>"
        yield row(f"power.{name}", program([x], body, "tensor<16xf32>"), x)
    sized = {
        ("sine", "cosine", "tan"): ("large", [1e4, 1e5, 1e6, -1e7, 1e30]),
        ("log", "sqrt", "rsqrt"): ("dom", [-1, 0, -0.0, 1e-30, 1e30, np.inf, np.nan]),
        ("log_plus_one",): ("dom", [-2, -1, -0.5, 1e-8, 1e8]),
        ("exponential", "tanh", "logistic"): ("range", [-100, -88, -20, -1e-4, 20, 88, 100]),
        ("exponential_minus_one",): ("small", [1e-8, -1e-6, 1e-3, 0.1]),
        ("cbrt",): ("neg", [-8, -27, -1e-3, -0.0]),
    }
    for names, (what, values) in sized.items():
        for name in names:
            yield op(f"{name}.{what}.f32", [numbers(values)], name)
    signs = numbers([0, -0.0, 1, -1, 0, -0.0, np.inf, -np.inf])
    yield op("atan2.axes.f32", [signs, signs[::-1].copy()], "atan2")
    yield op("remainder.fmod.f32", [numbers([5.5, -5.5, 1e30, 3]), numbers([2, 2, 3, -2])], "remainder")  # fmt: skip
    yield op("divide.byzero.f32", [numbers([1, -1, 0, np.nan]), numbers([0, 0, 0, 0])], "divide")
    nan = [numbers([1, np.nan, np.nan, 2]), numbers([np.nan, 1, np.nan, 3])]
    yield op("maximum.nan.f32", nan, "maximum")
    yield op("minimum.nan.f32", nan, "minimum")
    eights = [numbers([7, -7, 7, -7, -128], "i8"), numbers([2, 2, -2, -2, -1], "i8")]
    yield op("divide.trunc.i8", eights, "divide")
    yield op("remainder.trunc.i8", eights, "remainder")
    yield op("divide.byzero.ui32", [numbers([1, 0, 7], "ui32"), numbers([0, 0, 0], "ui32")], "divide")  # fmt: skip
    yield op("multiply.wrap.i32", [numbers([2**30, -(2**31)], "i32"), numbers([7, -1], "i32")], "multiply")  # fmt: skip
    grids = {"erf": (-4, 4), "erf_inv": (-0.99, 0.99), "lgamma": (0.1, 20), "digamma": (0.1, 20), "erfc": (-2, 6)}  # fmt: skip
    for name, (low, high) in grids.items():
        yield op(f"chlo.{name}.grid", [numbers(np.linspace(low, high, 64))], f"chlo.{name}")
    yield op("chlo.lgamma.neg", [numbers([-0.5, -1.5, -2.25, -3, 0])], "chlo.lgamma")
    for name in ("exponential", "tanh", "logistic", "sqrt"):
        yield op(f"{name}.bf16.64", [numbers(np.linspace(0.1, 6, 64), "bf16")], name)
