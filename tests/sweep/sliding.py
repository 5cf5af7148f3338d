"""reduce_window and select_and_scatter: overlap, gaps, padding, dilation, several operands."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from tests.sweep.case import Case
from tests.sweep.folding import neutral, small
from tests.sweep.modules import EVERY, FOLDS, block, combine, numbers, one_op, pairs, sample, wide
from tests.sweep.programs import tensor
from tests.sweep.values import COMPLEX, dtype

Dims = Sequence[int]
Padding = Sequence[tuple[int, int]]


def windows(
    x: np.ndarray, size: Dims, strides: Dims, padding: Padding, base: Dims, dilation: Dims
) -> tuple[tuple[int, ...], Callable[[Dims], list[Any]]]:
    """The shape of the result, and for a place in it the places in x that its window covers.

    None stands for a place outside, or between the elements of a dilated operand.
    """
    rows = list(zip(x.shape, size, strides, padding, base, dilation, strict=True))
    shape = []
    for n, w, s, (low, high), b, d in rows:
        padded = ((n - 1) * b + 1 if n else 0) + low + high
        span = (w - 1) * d + 1 if w else 0
        shape.append(0 if padded < span or not padded else (padded - span) // s + 1)

    def covered(place: Dims) -> list[Any]:
        found: list[Any] = []
        for offset in np.ndindex(*size):
            at = [p * s + o * d - low for p, o, (_, _, s, (low, _), _, d) in zip(place, offset, rows, strict=True)]  # fmt: skip
            inside = all(0 <= a <= (n - 1) * b and a % b == 0 for a, (n, _, _, _, b, _) in zip(at, rows, strict=True))  # fmt: skip
            found.append(tuple(a // b for a, (*_, b, _) in zip(at, rows, strict=True)) if inside else None)  # fmt: skip
        return found

    return tuple(shape), covered


def reduce_window(
    what: str,
    xs: Sequence[np.ndarray],
    inits: Sequence[np.ndarray],
    op: str | Callable[..., Any],
    size: Dims,
    strides: Dims | None = None,
    padding: Padding | None = None,
    base: Dims | None = None,
    dilation: Dims | None = None,
    region: str = "",
) -> Case:
    ones = (1,) * xs[0].ndim
    how = (strides or ones, padding or ((0, 0),) * len(ones), base or ones, dilation or ones)
    shape, covered = windows(xs[0], size, *how)
    fold = FOLDS[op] if isinstance(op, str) else op
    outputs = [np.zeros(shape, wide(x).dtype) for x in xs]
    with np.errstate(all="ignore"):
        for place in product(*map(range, shape)):
            found = [wide(init)[()] for init in inits]
            for at in covered(place):
                new = [wide(i)[()] if at is None else wide(x)[at] for x, i in zip(xs, inits, strict=True)]  # fmt: skip
                found = list(fold(*found, *new)) if len(xs) > 1 else [fold(found[0], new[0])]
            for out, value in zip(outputs, found, strict=True):
                out[place] = value
    attributes = (
        f"window_dimensions = {numbers(size)}, window_strides = {numbers(how[0])}, padding = {pairs(how[1])}, "
        f"base_dilations = {numbers(how[2])}, window_dilations = {numbers(how[3])}"
    )
    made = [np.empty(shape, x.dtype) for x in xs]
    body = region or combine(str(op), xs[0].dtype.name)
    case = one_op(f"reduce_window/{what}", [*xs, *inits], made, attributes, [body])
    floor = max((2.0**-7 if x.dtype.name in ("bfloat16", "float16") else 2.0**-19) for x in xs)
    scale = max((float(np.abs(y[np.isfinite(y)]).max(initial=0)) for y in outputs), default=0)
    exact = all(x.dtype.kind in "biu" for x in xs)
    return replace(case, expected=tuple(outputs), ulps=0.5 if exact else 4, floor=0.0 if exact else floor * scale)  # fmt: skip


def one(what: str, op: str, x: np.ndarray, size: Dims, *how: Any, **named: Any) -> Case:
    return reduce_window(what, [x], [neutral(op, x.dtype.name)], op, size, *how, **named)


def cases() -> Iterator[Case]:
    x = sample((6, 7))
    for op in ("add", "maximum", "minimum", "multiply"):
        small = (wide(x) / 8 + 0.5).astype("float32") if op == "multiply" else x
        yield one(f"{op}, plain", op, small, (2, 3))
        yield one(f"{op}, strides", op, small, (2, 2), (2, 2))
        yield one(f"{op}, overlap", op, small, (3, 3), (2, 2), ((1, 1), (1, 1)))
        yield one(f"{op}, gaps", op, small, (1, 2), (3, 3))
        yield one(f"{op}, dilated window", op, small, (2, 3), (1, 1), ((0, 0), (2, 2)), (1, 1), (3, 2))  # fmt: skip
        yield one(f"{op}, dilated operand", op, small, (2, 3), (2, 1), ((1, 1), (0, 2)), (2, 3), (1, 1))  # fmt: skip
        yield one(f"{op}, everything", op, small, (2, 2), (2, 3), ((2, 1), (-1, 3)), (2, 1), (2, 3))
        yield one(f"{op}, negative padding", op, small, (2, 2), (1, 1), ((-1, 0), (-2, -1)))
        yield one(f"{op}, prefixes", op, small, (6, 1), (1, 1), ((5, 0), (0, 0)))
    yield one("rows", "add", x, (6, 1))
    yield one(
        "one window that leaves a row out", "maximum", sample((2, 4, 6)), (1, 3, 1), (1, 2, 1)
    )
    yield one("one element", "maximum", x, (1, 1))
    yield one("too large a window", "add", x, (7, 1))
    yield one("of nothing", "add", sample((0, 4)), (2, 2), (1, 1), ((2, 1), (0, 0)))
    yield one("rank 0", "add", sample(()), ())
    yield one("one dimension", "add", sample((9,)), (3,), (2,), ((1, 1),))
    yield one("three dimensions", "maximum", sample((2, 5, 6)), (1, 3, 2), (1, 2, 2), ((0, 0), (1, 1), (0, 0)))  # fmt: skip
    yield one("images", "maximum", sample((1, 6, 6, 2)), (1, 3, 3, 1), (1, 2, 2, 1), ((0, 0), (0, 1), (0, 1), (0, 0)))  # fmt: skip
    yield reduce_window("from 2.5", [x], [np.float32(2.5)], "add", (2, 2))
    yield reduce_window("from 2.5, padded", [x], [np.float32(2.5)], "add", (2, 2), (1, 1), ((1, 1), (1, 0)))  # fmt: skip
    for kind in EVERY:
        logic = ("and", "or", "xor") if dtype(kind).kind in "biu" else ()
        for op in ("add", "maximum", "minimum", *logic):
            if kind not in COMPLEX or op == "add":
                yield one(f"{op} of {kind}", op, sample((5, 5), kind), (2, 3), (2, 1), ((1, 0), (1, 1)))  # fmt: skip
                yield one(f"prefixes, {op} of {kind}", op, sample((5, 5), kind), (5, 1), (1, 1), ((4, 0), (0, 0)))  # fmt: skip
    yield from several()
    yield from selecting()


def several() -> Iterator[Case]:
    xs = [sample((5, 6)), sample((5, 6), "int32")]
    body = block(
        ["a:float32", "i:int32", "b:float32", "j:int32"],
        f"%c = stablehlo.add %a, %b : {tensor((), 'float32')}\n%k = stablehlo.maximum %i, %j : {tensor((), 'int32')}",
        ["c:float32", "k:int32"],
    )
    inits = [np.float32(0), np.int32(-99)]
    for word, how in {"plain": ((2, 2),), "overlap": ((3, 2), (2, 1), ((1, 1), (0, 1)))}.items():
        yield reduce_window(f"two operands, {word}", xs, inits, lambda a, i, b, j: (a + b, max(i, j)), *how, region=body)  # fmt: skip
    for kind in ("float32", "int32"):
        type_ = tensor((), kind)
        body = block(
            [f"a:{kind}", f"b:{kind}", f"c:{kind}", f"d:{kind}"],
            f"""%e = stablehlo.multiply %a, %c : {type_}
              %f = stablehlo.multiply %b, %c : {type_}
              %g = stablehlo.add %f, %d : {type_}""",
            [f"e:{kind}", f"g:{kind}"],
        )
        xs = [small((4, 5), kind), small((4, 5), kind) * 2]
        inits = [np.ones((), kind), np.zeros((), kind)]
        yield reduce_window(f"functions composed, {kind}", xs, inits, lambda a, b, c, d: (a * c, b * c + d), (1, 3), (1, 2), ((0, 0), (1, 1)), region=body)  # fmt: skip


def select_and_scatter(
    what: str,
    x: np.ndarray,
    size: Dims,
    strides: Dims | None = None,
    padding: Padding | None = None,
    *,
    direction: str = "GE",
    fold: str = "add",
    init: float = 0.0,
) -> Case:
    ones = (1,) * x.ndim
    strides, padding = strides or ones, padding or ((0, 0),) * x.ndim
    shape, covered = windows(x, size, strides, padding, ones, ones)
    source = sample(shape, x.dtype.name, 3)
    out = np.full(x.shape, init, wide(x).dtype)
    better = {"GE": np.greater, "LE": np.less, "GT": np.greater_equal, "LT": np.less_equal}
    for place in product(*map(range, shape)):
        best: Any = None
        for at in covered(place):
            # The op keeps the first where it compares well; the second takes its place otherwise.
            if at is not None and (best is None or better[direction](wide(x)[at], wide(x)[best])):
                best = at
        out[best] = FOLDS[fold](out[best], wide(source)[place])
    name = x.dtype.name
    type_ = tensor((), name)
    select = block([f"a:{name}", f"b:{name}"], f"%c = stablehlo.compare {direction}, %a, %b : ({type_}, {type_}) -> tensor<i1>", ["c:bool"])  # fmt: skip
    attributes = f"window_dimensions = {numbers(size)}, window_strides = {numbers(strides)}, padding = {pairs(padding)}"  # fmt: skip
    case = one_op(
        f"select_and_scatter/{what}", [x, source, np.array(init, x.dtype)], [np.empty(x.shape, x.dtype)],
        attributes, [select, combine(fold, name)],
    )  # fmt: skip
    return replace(case, expected=(out,), ulps=4 if x.dtype.kind not in "biu" else 0.5)


def selecting() -> Iterator[Case]:
    x = sample((6, 7))
    for direction in ("GE", "LE", "GT", "LT"):
        yield select_and_scatter(f"{direction}, tiles", x, (2, 2), (2, 2), direction=direction)
        yield select_and_scatter(f"{direction}, overlap", x, (3, 3), (2, 2), ((1, 1), (1, 1)), direction=direction)  # fmt: skip
    yield select_and_scatter("gaps", x, (1, 2), (3, 3))
    yield select_and_scatter("every place", x, (2, 3))
    yield select_and_scatter("one row", sample((1, 9)), (1, 4), (1, 2))
    yield select_and_scatter("images", sample((2, 6, 6, 3)), (1, 3, 3, 1), (1, 2, 2, 1), ((0, 0), (0, 1), (0, 1), (0, 0)))  # fmt: skip
    yield select_and_scatter("from 1.5", x, (2, 2), (2, 2), init=1.5)
    for fold in ("maximum", "minimum", "multiply"):
        yield select_and_scatter(f"{fold} where windows overlap", x, (3, 3), (2, 2), ((1, 1), (1, 1)), fold=fold, init=1.0)  # fmt: skip
    for kind in ("float16", "bfloat16", "float64", "int8", "int32", "uint8", "int64"):
        yield select_and_scatter(f"of {kind}", sample((6, 6), kind), (3, 2), (2, 2), ((1, 0), (0, 0)))  # fmt: skip
