"""sort and top_k: every type and direction, ties, NaN and zeros of both signs, long rows."""

from collections.abc import Iterator, Sequence

import jax.numpy as jnp
import numpy as np
from jax import lax

from tests.sweep.case import Case
from tests.sweep.modules import EVERY, before, block, flag, one_op, sample, traced, wide
from tests.sweep.programs import program, tensor
from tests.sweep.values import COMPLEX, FLOATS


def places(x: np.ndarray, dim: int) -> np.ndarray:
    """Where along a dimension each element of x is."""
    shape = [-1 if d == dim else 1 for d in range(x.ndim)]
    return np.array(np.broadcast_to(np.arange(x.shape[dim], dtype="int32").reshape(shape), x.shape))


def order(x: np.ndarray, dim: int, direction: str) -> np.ndarray:
    """The stable order of x along a dimension."""
    keys = wide(x).astype("int16") if x.dtype == bool else wide(x)
    if direction == "GT":
        keys = -keys.astype("float64") if keys.dtype.kind == "u" else -keys
    return np.argsort(keys, dim, kind="stable")


def of(
    what: str, xs: Sequence[np.ndarray], dim: int, direction: str = "LT", *, stable: bool = True
) -> Case:
    """Operands sorted together by the first."""
    found = order(xs[0], dim, direction) if xs[0].size else np.zeros(xs[0].shape, int)
    outputs = [np.take_along_axis(x, found, dim) if x.size else x for x in xs]
    region = before(direction, *(x.dtype.name for x in xs))
    attributes = f"dimension = {dim} : i64, is_stable = {flag(stable)}"
    return one_op(f"sort/{what}", xs, outputs, attributes, [region])


def cases() -> Iterator[Case]:
    x = sample((4, 9))
    for direction in ("LT", "GT"):
        for dim in (0, 1):
            yield of(f"{direction} along {dim}", [x], dim, direction, stable=False)
            yield of(f"{direction} along {dim}, with places", [x, places(x, dim)], dim, direction)
    cube = sample((3, 4, 5))
    yield of("the middle of three dimensions", [cube, places(cube, 1)], 1)
    yield of("one dimension", [sample((17,))], 0)
    yield of("one element", [sample((3, 1))], 1)
    yield of("two elements", [sample((5, 2)), sample((5, 2), "int8")], 1)
    yield of("nothing", [sample((0,))], 0)
    yield of("no rows", [sample((0, 5))], 1)
    yield of("a row of nothing", [sample((3, 0)), sample((3, 0), "int32")], 1)
    for kind in EVERY:
        if kind not in COMPLEX:
            y = sample((3, 11), kind)
            yield of(f"of {kind}", [y], 1)
            yield of(f"of {kind}, downwards, with places", [y, places(y, 1)], 1, "GT")
            yield of(f"carrying {kind}", [x[:3], sample((3, 9), kind)], 1)
    three = [x, sample((4, 9), "int32"), sample((4, 9), "float64")]
    yield of("three operands", three, 1)
    yield of("five operands", [x, *(sample((4, 9), kind) for kind in ("bool", "int8", "complex64", "uint16"))], 1)  # fmt: skip
    ties = np.zeros((2, 40), "int32")
    yield of("nothing but ties", [ties, places(ties, 1)], 1)
    for n in (31, 32, 33, 100, 257, 1000):
        y = sample((2, n))
        yield of(f"{n} elements", [y], 1)
        yield of(f"{n} elements with places", [y, places(y, 1)], 1)
    yield from special()
    yield from keys()
    yield from largest()


def special() -> Iterator[Case]:
    """NaN and zeros of both signs, by the total order that frameworks sort by."""
    for kind in FLOATS:
        row = np.array([[1, np.nan, -np.inf, 0.0, -0.0, np.inf, -1, np.nan, 0.0, -0.0, 2, 5e-3]])
        x = row.astype(sample((), kind).dtype)
        for total in (False, True):
            if total:
                region = before("LT", kind, "int32", kind="TOTALORDER")
                found = np.argsort(wide(x) + 0.0, 1, kind="stable")
                signs = np.where(np.signbit(wide(x)) & (wide(x) == 0), -1, 0)
                found = np.lexsort((places(x, 1)[0], signs[0], wide(x)[0]))[None]
                outputs = [np.take_along_axis(v, found, 1) for v in (x, places(x, 1))]
                yield one_op(f"sort/special {kind}, total order", [x, places(x, 1)], outputs, "dimension = 1 : i64, is_stable = true", [region])  # fmt: skip
        yield traced(f"sort/special {kind}, by JAX", lambda x: lax.sort((x, lax.iota("int32", 12)), num_keys=1), x[0])  # fmt: skip
        yield traced(f"sort/special {kind}, downwards", lambda x: jnp.sort(x, descending=True), x[0])  # fmt: skip


def keys() -> Iterator[Case]:
    """Comparators of two keys."""
    x, y, z = sample((3, 20), "int8"), sample((3, 20), "int8", 1), sample((3, 20))
    yield traced("sort/two keys", lambda *xs: lax.sort(xs, num_keys=2), x, y, z)
    yield traced("sort/complex keys", lambda x: jnp.sort(x), sample((20,), "complex64"))
    type_ = tensor((), "int8")
    ops = f"""%k = stablehlo.constant dense<3> : {type_}
      %p = stablehlo.remainder %a, %k : {type_}
      %q = stablehlo.remainder %b, %k : {type_}
      %c = stablehlo.compare LT, %p, %q : ({type_}, {type_}) -> tensor<i1>"""
    found = np.argsort(np.fmod(x, 3), 1, kind="stable")
    region = block(["a:int8", "b:int8"], ops, ["c:bool"])
    yield one_op("sort/by remainders", [x], [np.take_along_axis(x, found, 1)], "dimension = 1 : i64, is_stable = true", [region])  # fmt: skip


def largest() -> Iterator[Case]:
    for kind in ("float32", "float16", "bfloat16", "float64", "int32", "int8", "uint8", "int64"):
        x = sample((3, 12), kind)
        found = order(x, 1, "GT")[:, :4]
        outputs = [np.take_along_axis(x, found, 1), found.astype("int32")]
        result = f"{tensor((3, 4), kind)}, tensor<3x4xi32>"
        body = f"%r:2 = chlo.top_k(%0, k = 4) : {tensor((3, 12), kind)} -> ({result})"
        text = program([x], body, tensor((3, 4), kind), "tensor<3x4xi32>")
        yield Case(f"top_k/of {kind}", text, (x,), tuple(outputs), (kind, "int32"))
    for n, k in [(5, 5), (5, 1), (300, 17), (2000, 3)]:
        yield traced(f"top_k/{k} of {n}", lambda x, k=k: lax.top_k(x, k), sample((2, n)))
    row = np.float32([[1, np.nan, -np.inf, 0.0, -0.0, np.inf, -1, np.nan, 0.0]])
    yield traced("top_k/special", lambda x: lax.top_k(x, 5), row)
    yield traced("top_k/approximate", lambda x: lax.approx_max_k(x, 3), sample((2, 20)))
