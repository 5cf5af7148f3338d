"""reduce: every combiner and type, several operands, places of extrema, nothing to fold."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import reduce as fold

import jax.numpy as jnp
import numpy as np
from jax import lax

from tests.sweep.case import Case
from tests.sweep.modules import EVERY, FOLDS, block, combine, numbers, one_op, sample, traced, wide
from tests.sweep.programs import tensor
from tests.sweep.values import COMPLEX, FLOATS, dtype

Dims = Sequence[int]


def neutral(op: str, name: str) -> np.ndarray:
    """What an op leaves elements as they are with."""
    kind = dtype(name)
    if op in ("add", "or", "xor"):
        return np.zeros((), kind)
    if op == "multiply" or (op == "and" and name == "bool"):
        return np.ones((), kind)
    if op == "and":
        return np.array(np.iinfo(kind).max if kind.kind == "u" else -1, kind)
    if name == "bool":
        return np.array(op == "minimum")
    if kind.kind in "iu":
        ends = np.iinfo(kind)
        return np.array(ends.max if op == "minimum" else ends.min, kind)
    return np.array(np.inf if op == "minimum" else -np.inf).astype(kind)


def small(shape: Dims, name: str) -> np.ndarray:
    """Numbers whose products do not overflow."""
    x = sample(shape, name)
    if x.dtype.kind in "fc" or name == "bfloat16":
        return (wide(x) / 4 + 0.25).astype(x.dtype)
    return x


def folded(x: np.ndarray, init: np.ndarray, op: str, dims: Dims) -> np.ndarray:
    """All elements along `dims`, one after another, from the initial value on."""
    kept = [d for d in range(x.ndim) if d not in dims]
    rows = np.moveaxis(x, list(dims), range(len(dims)))
    rows = rows.reshape(math.prod(x.shape[d] for d in dims), *(x.shape[d] for d in kept))
    with np.errstate(all="ignore"):
        start = np.broadcast_to(init, rows.shape[1:])
        return np.array(fold(FOLDS[op], rows, start))


def of(what: str, x: np.ndarray, init: np.ndarray, op: str, dims: Dims) -> Case:
    name = x.dtype.name
    y = folded(wide(x), wide(init), op, dims)
    made = np.empty(y.shape, x.dtype)
    case = one_op(f"reduce/{what}", [x, init], [made], f"dimensions = {numbers(dims)}", [combine(op, name)])  # fmt: skip
    rounds = op in ("add", "multiply") and name in (*FLOATS, *COMPLEX)
    narrow = name in ("float16", "bfloat16")
    finite = np.abs(y[np.isfinite(y)]).max(initial=1) if rounds else 0
    eps = (2.0**-8 if narrow else 2.0**-20) if rounds else 0.0
    return replace(case, expected=(y,), ulps=16 if rounds else 0.5, floor=float(eps * finite))


def cases() -> Iterator[Case]:
    for dims in ((0,), (1,), (2,), (0, 2), (1, 2), (2, 0), (0, 1, 2), ()):
        for op in ("add", "maximum"):
            yield of(f"{op} over {dims}", sample((3, 4, 5)), neutral(op, "float32"), op, dims)
    for kind in EVERY:
        logic = ("and", "or", "xor") if dtype(kind).kind in "biu" else ()
        for op in ("add", "multiply", "maximum", "minimum", *logic):
            if kind in COMPLEX and op in ("maximum", "minimum"):
                continue
            x = small((3, 7), kind)
            yield of(f"{op} of {kind}", x, neutral(op, kind), op, (1,))
            yield of(f"{op} of nothing, {kind}", small((3, 0), kind), neutral(op, kind), op, (1,))
    yield from starts()
    yield from several()
    yield from transposed()
    yield from special()


def transposed() -> Iterator[Case]:
    """Places of extrema, turned: IREE forgets results of what it moves a transpose into."""
    x = sample((3, 4, 5))
    places = lambda x: jnp.argmax(x, 1)  # noqa: E731
    turned = {
        "at once": lambda x: places(x).T,
        "reshaped": lambda x: places(x).T.reshape(-1) * 2,
        "later": lambda x: (places(x) * 2 + 1).T,
        "and as they are": lambda x: (places(x).T, places(x)),
        "in a loop": lambda x: lax.fori_loop(0, 3, lambda k, x: x[::-1] + places(x).T.reshape(3, 1, 5), x),
    }  # fmt: skip
    for name, function in turned.items():
        yield traced(f"reduce/places of maxima turned, {name}", function, x, ulps=4)


def starts() -> Iterator[Case]:
    """Initial values that are not neutral."""
    for op in ("add", "multiply", "maximum", "minimum"):
        x = small((4, 6), "float32")
        yield of(f"{op} from 2.5", x, np.array(2.5, "float32"), op, (0,))
        yield of(f"{op} of nothing from 2.5", x[:0], np.array(2.5, "float32"), op, (0,))
    yield of("add to rank 0", sample(()), np.array(2.5, "float32"), "add", ())
    yield of("no results", sample((0, 5)), np.array(2.5, "float32"), "add", (1,))
    yield of("a long row", sample((3, 1000), "int32"), np.array(7, "int32"), "add", (1,))
    yield of("a long column", sample((1000, 3)), np.array(0, "float32"), "add", (0,))
    yield of("all of a matrix", sample((100, 100), "float64"), np.array(0.0), "add", (0, 1))


def special() -> Iterator[Case]:
    """NaN, infinities and zeros of both signs among the elements."""
    rows = np.float32([[1, np.nan, 3], [np.inf, 2, 1], [-np.inf, 5, np.inf], [0.0, 0.0, 0.0]])
    for op in ("add", "multiply", "maximum", "minimum"):
        for kind in FLOATS:
            yield of(f"{op} of special {kind}", rows.astype(dtype(kind)), neutral(op, kind), op, (1,))  # fmt: skip
    for n in (5, 100):
        x = sample((3, n))
        yield traced(f"reduce/add of {n} negated", lambda x: jnp.sum(-x, 1), x, ulps=4)


def several() -> Iterator[Case]:
    for kind in ("float32", "int32", "bfloat16", "float64", "uint8", "int64", "float16"):
        for direction in ("GT", "LT", "GE", "LE"):
            yield extreme(kind, direction)
    x, y = sample((3, 4)), sample((3, 4), "int32")
    names = ("a:float32", "i:int32", "b:float32", "j:int32")
    ops = f"%c = stablehlo.add %a, %b : {tensor((), 'float32')}\n%k = stablehlo.maximum %i, %j : {tensor((), 'int32')}"  # fmt: skip
    given = [x, y, np.float32(0), np.int32(-100)]
    region = block(names, ops, ["c:float32", "k:int32"])
    for dims in ((0,), (1,), (0, 1)):
        outputs = [np.asarray(x.sum(dims)), np.asarray(y.max(dims))]
        yield one_op(f"reduce/sum and maximum over {dims}", given, outputs, f"dimensions = {numbers(dims)}", [region])  # fmt: skip
    for kind in ("float32", "int32"):
        yield composed(kind)


def composed(kind: str) -> Case:
    """A fold that is associative and not commutative: x ↦ ax + b of each row, one after another."""
    a, b = small((3, 6), kind), small((3, 6), kind) * 2
    type_ = tensor((), kind)
    ops = f"""%e = stablehlo.multiply %a, %c : {type_}
      %f = stablehlo.multiply %b, %c : {type_}
      %g = stablehlo.add %f, %d : {type_}"""
    region = block([f"{n}:{kind}" for n in "abcd"], ops, [f"e:{kind}", f"g:{kind}"])
    slope, offset = np.ones(3), np.zeros(3)
    for c, d in zip(wide(a).T, wide(b).T, strict=True):
        slope, offset = slope * c, offset * c + d
    given = [a, b, np.ones((), kind), np.zeros((), kind)]
    outputs = [slope.astype(kind), offset.astype(kind)]
    return one_op(f"reduce/functions composed, {kind}", given, outputs, "dimensions = array<i64: 1>", [region], ulps=8)  # fmt: skip


def extreme(kind: str, direction: str) -> Case:
    """The extremum of every row and the first place where it is, as frameworks write it."""
    x = sample((4, 9), kind)
    places = np.ascontiguousarray(np.broadcast_to(np.arange(9, dtype="int32"), x.shape))
    largest = direction in ("GT", "GE")
    init = neutral("maximum" if largest else "minimum", kind)
    type_ = tensor((), kind)
    ops = f"""%better = stablehlo.compare {direction}, %a, %b : ({type_}, {type_}) -> tensor<i1>
      %same = stablehlo.compare EQ, %a, %b : ({type_}, {type_}) -> tensor<i1>
      %lower = stablehlo.compare LT, %i, %j : (tensor<i32>, tensor<i32>) -> tensor<i1>
      %tie = stablehlo.and %same, %lower : tensor<i1>
      %strict = stablehlo.compare NE, %a, %b : ({type_}, {type_}) -> tensor<i1>
      %won = stablehlo.and %better, %strict : tensor<i1>
      %first = stablehlo.or %won, %tie : tensor<i1>
      %c = stablehlo.select %first, %a, %b : tensor<i1>, {type_}
      %k = stablehlo.select %first, %i, %j : tensor<i1>, tensor<i32>"""
    region = block([f"a:{kind}", "i:int32", f"b:{kind}", "j:int32"], ops, [f"c:{kind}", "k:int32"])
    where = (np.argmax if largest else np.argmin)(wide(x), 1)
    outputs = [np.take_along_axis(x, where[:, None], 1)[:, 0], where.astype("int32")]
    return one_op(f"reduce/where {direction} of {kind}", [x, places, init, np.int32(2**31 - 1)], outputs, "dimensions = array<i64: 1>", [region])  # fmt: skip
