"""Steps of more weight: products, convolutions, indexing, sorting, control flow and transforms."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from tests.fuzz.drawing import Draw
from tests.fuzz.program import Drawn, as_kind, kind
from tests.fuzz.steps import any_rank, cast, fit, ordered, real, step

# --- products --------------------------------------------------------------------------------


def _product(x: Any) -> bool:
    return x.dtype.kind != "b"


@step(6)
def dot(d: Draw) -> object:
    """A product with batching and contracted dimensions anywhere, of values or of a constant."""
    x = d.value(any_rank(1, _product))
    if x is None:
        return None
    left = d.types[x]
    if left.size > d.most // 2:
        return None
    contracted = d.dims(left.ndim, 0)[: d.upto(0, 2)]
    batch = tuple(i for i in range(left.ndim) if i not in contracted and d.chance(0.25))
    free = tuple(d.pick([*d.sizes, 1, 4]) for _ in range(d.upto(0, 2)))
    sizes = [left.shape[i] for i in (*batch, *contracted)] + list(free)
    order = d.order(len(sizes))
    shape = tuple(sizes[i] for i in order)
    if np.prod(shape) > d.most:
        return None
    known = d.value(lambda t: t.shape == shape and t.dtype == left.dtype)
    y = known if known is not None else d.fitting(shape, left.dtype.name)
    if y is None:
        return None
    places = [order.index(i) for i in range(len(sizes))]
    b, k = len(batch), len(contracted)
    numbers = ((contracted, tuple(places[b : b + k])), (batch, tuple(places[:b])))
    mirrored = ((numbers[0][1], numbers[0][0]), (numbers[1][1], numbers[1][0]))
    depth = max(1, int(np.prod([left.shape[i] for i in contracted])))
    wider = left.dtype.name in ("float16", "bfloat16") and d.chance(0.5)
    narrow = left.dtype.name in ("float16", "bfloat16")

    def function(x: Any, y: Any) -> Any:
        if x.dtype.kind in "iu":
            return lax.dot_general(x, y, numbers)
        kind = jnp.float32 if narrow and x.dtype != jnp.float64 else x.dtype
        made = lax.dot_general(x, y, numbers, preferred_element_type=kind)
        made = made if wider else made.astype(x.dtype)
        return made * np.array(depth**-0.5).astype(made.dtype)

    def swapped(y: Any, x: Any) -> Any:
        return lax.dot_general(y, x, mirrored) * np.array(depth**-0.5).astype(x.dtype)

    if real(left) and not narrow and d.chance(0.4):
        return d.add(f"dot {mirrored}", swapped, y, x)
    return d.add(f"dot {numbers}{' wider' if wider else ''}", function, x, y)


@step(3)
def matmul(d: Draw) -> object:
    """A product as layers have it: the last dimension with the first of a constant or a value."""
    x = d.value(any_rank(1, real))
    if x is None:
        return None
    left, width = d.types[x], d.pick([*d.sizes, 1])
    inner = left.shape[-1]
    root = max(inner, 1) ** 0.5
    if inner * width > d.most:
        return None
    if d.chance(0.5):
        weights = d.random.uniform(-1, 1, (inner, width)).astype(left.dtype) / np.array(
            root, left.dtype
        )
        return d.add(
            f"times constant {weights.shape}", lambda x: x @ as_kind(weights).astype(x.dtype), x
        )
    y = d.fitting((inner, width), left.dtype.name)
    return (
        None
        if y is None
        else d.add("matmul", lambda x, y: x @ y * np.array(1 / root).astype(x.dtype), x, y)
    )


@step(3)
def convolve(d: Draw) -> object:
    rank = d.upto(1, 2)
    x = d.value(lambda t: t.ndim == rank + 2 and real(t) and t.size <= d.most // 2)
    if x is None:
        source = d.value(any_rank(1, real))
        if source is None:
            return None
        image = (d.upto(1, 3), *(d.upto(3, 9) for _ in range(rank)), d.pick([1, 2, 3, 4, 8]))
        x = d.add(f"fit {image}", lambda x: fit(x, image), source)
        if x is None:
            return None
    letters = d.pick(["N01C", "NC01"]).replace("01", "01"[:rank])
    type_ = d.types[x]
    features = type_.shape[letters.index("C")]
    groups = d.pick([g for g in (1, 1, 1, 2, features) if g and features % g == 0])
    wanted = groups * d.upto(1, 4)
    kernel = d.pick(["01IO", "OI01"]).replace("01", "01"[:rank])
    sizes = {"I": features // groups, "O": wanted, "0": d.upto(1, 3), "1": d.upto(1, 3)}
    shape = tuple(sizes[letter] for letter in kernel)
    y = d.fitting(shape, type_.dtype.name)
    if y is None:
        return None
    facts = {
        "window_strides": [d.upto(1, 2) for _ in range(rank)],
        "padding": [(d.upto(0, 2), d.upto(0, 2)) for _ in range(rank)],
        "lhs_dilation": [d.pick([1, 1, 2]) for _ in range(rank)],
        "rhs_dilation": [d.pick([1, 1, 2]) for _ in range(rank)],
        "dimension_numbers": (
            letters,
            kernel,
            d.pick([letters, "N01C".replace("01", "01"[:rank])]),
        ),
        "feature_group_count": groups,
    }
    return d.add(f"convolve {facts}", lambda x, k: lax.conv_general_dilated(x, k, **facts), x, y)


# --- indexing --------------------------------------------------------------------------------


def _indices(d: Draw, shape: tuple[int, ...]) -> int | None:
    """Whole numbers of a shape, some of them outside of everything."""
    return d.fitting(shape, "int32")


@step(4)
def gather(d: Draw) -> object:
    x = d.value(any_rank(1, lambda t: True))
    if x is None:
        return None
    dim = d.upto(0, d.types[x].ndim - 1)
    i = _indices(d, d.shape(2))
    mode = d.pick(["clip", "wrap", "fill"])
    if i is None:
        return None

    def function(x: Any, i: Any) -> Any:
        return jnp.take(x, i, dim, mode=mode, **({"fill_value": 0} if mode == "fill" else {}))

    return d.add(f"take {dim} {mode}", function, x, i)


@step(2)
def along(d: Draw) -> object:
    x = d.value(any_rank(1))
    if x is None:
        return None
    type_ = d.types[x]
    dim = d.upto(0, type_.ndim - 1)
    shape = tuple(d.upto(1, 5) if i == dim else n for i, n in enumerate(type_.shape))
    i = _indices(d, shape)
    return (
        None
        if i is None
        else d.add(
            f"take along {dim}", lambda x, i: jnp.take_along_axis(x, i, dim, mode="clip"), x, i
        )
    )


@step(4)
def scatter(d: Draw) -> object:
    """Rows added, or put, at drawn places; put, they are all the same, for their order is open."""
    x = d.value(any_rank(1))
    if x is None:
        return None
    type_ = d.types[x]
    count = d.upto(1, 9)
    i = _indices(d, (count,))
    way = d.pick(["add", "set", "max", "multiply"] if ordered(type_) else ["add", "set"])
    rows = d.fitting(
        type_.shape[1:] if way == "set" else (count, *type_.shape[1:]), type_.dtype.name
    )
    if i is None or rows is None:
        return None

    def function(x: Any, i: Any, rows: Any) -> Any:
        return getattr(x.at[i], way)(rows, mode="drop")

    return d.add(f"scatter {way}", function, x, i, rows)


@step(3)
def window(d: Draw) -> object:
    """A slice at computed places, or an update there."""
    x = d.value(any_rank(1))
    if x is None:
        return None
    type_ = d.types[x]
    sizes = tuple(d.upto(1, n) for n in type_.shape)
    i = _indices(d, (type_.ndim,))
    if i is None:
        return None
    if d.chance(0.5):
        return d.add(
            f"dynamic slice {sizes}", lambda x, i: lax.dynamic_slice(x, list(i), sizes), x, i
        )
    y = d.fitting(sizes, type_.dtype.name)
    if y is None:
        return None
    return d.add(
        f"dynamic update {sizes}", lambda x, y, i: lax.dynamic_update_slice(x, y, list(i)), x, y, i
    )


@step(2)
def sort(d: Draw) -> object:
    x = d.value(any_rank(1, ordered))
    if x is None:
        return None
    dim = d.upto(0, d.types[x].ndim - 1)
    name = d.pick(["sort", "argsort", "top_k", "median"])
    most = d.upto(1, d.types[x].shape[-1])
    ways = {
        "sort": lambda x: jnp.sort(x, dim),
        "argsort": lambda x: jnp.argsort(x, dim, stable=True).astype("int32"),
        "top_k": lambda x: lax.top_k(x, most)[0],
        "median": lambda x: jnp.sort(x, dim).take(x.shape[dim] // 2, dim),
    }
    return d.add(f"{name} {dim} {most}", ways[name], x)


@step(1)
def one_hot(d: Draw) -> object:
    i = d.value(lambda t: t.dtype.kind in "iu" and t.ndim < 3)
    count = d.upto(2, 12)
    return (
        None
        if i is None
        else d.add(f"one_hot {count}", lambda i: jax.nn.one_hot(i, count, dtype=kind("float32")), i)
    )


# --- programs in programs --------------------------------------------------------------------

SMALL = ("unary", "binary", "broadcast_binary", "fold", "matmul", "dot", "transpose", "slices", "choose", "normalise", "gather", "window", "concatenate", "scatter", "barriers", "rewritten")  # fmt: skip


def inner(d: Draw, inputs: list[Any], wanted: Any, length: int) -> Drawn | None:
    """A small program on values of these types that makes one of the type `wanted`."""
    from tests.fuzz.steps import STEPS

    if d.depth >= 2:
        return None
    made = Draw(d.random, inputs)
    made.sizes, made.most, made.depth = d.sizes, d.most, d.depth + 1
    for _ in range(4 * length):
        if len(made.steps) >= length:
            break
        STEPS[d.pick(SMALL)](made)
    if wanted is None:
        return made.program([len(made.types) - 1]) if made.steps else None
    last = made.value(lambda t: t == wanted)
    if last is None or last < len(inputs):
        last = made.add(
            "fit", lambda x: fit(cast(x, wanted.dtype.name), wanted.shape), len(made.types) - 1
        )
    return None if last is None else made.program([last])


def _bounded(x: Any) -> Any:
    return jnp.tanh(x) if x.dtype.kind not in "biu" else x


@step(3)
def loop(d: Draw) -> object:
    """A scan over the rows of a value, or a loop that counts, with a value of a type carried."""
    x, c = d.value(any_rank(1, real)), d.value(real)
    if x is None or c is None or d.types[x].shape[0] > 40:
        return None
    rows, carried = d.types[x], d.types[c]
    row = jax.ShapeDtypeStruct(rows.shape[1:], rows.dtype)
    body = inner(d, [carried, row], carried, d.upto(1, 5))
    if body is None:
        return None
    way = d.pick(["scan", "last", "for", "back"])
    trips = d.upto(1, 5)

    def function(x: Any, c: Any) -> Any:
        def each(c: Any, row: Any) -> Any:
            made = _bounded(body(c, row)[0]).astype(c.dtype)
            return made, made

        if way == "for":
            return lax.fori_loop(
                0, trips, lambda i, c: each(c, lax.dynamic_index_in_dim(x, i, 0, False))[0], c
            )
        last, every = lax.scan(each, c, x, reverse=way == "back")
        return last if way == "last" else every

    return d.add(f"{way} {trips} {{\n{body}\n}}", function, x, c)


@step(1)
def branch(d: Draw) -> object:
    p, x = d.value(lambda t: t.ndim == 0), d.value(real)
    if p is None or x is None:
        return None
    bodies = [inner(d, [d.types[x]], d.types[x], d.upto(1, 4)) for _ in range(2)]
    if None in bodies:
        return None

    def function(p: Any, x: Any) -> Any:
        positive = jnp.real(p) > 0.0713 if p.dtype.kind not in "b" else p
        return lax.cond(positive, lambda x: bodies[0](x)[0], lambda x: bodies[1](x)[0], x)

    return d.add(f"cond {{\n{bodies[0]}\n}} {{\n{bodies[1]}\n}}", function, p, x)


@step(3)
def mapped(d: Draw) -> object:
    x, y = d.value(any_rank(1, real)), d.value(real)
    if x is None or y is None:
        return None
    type_ = d.types[x]
    dim = d.upto(0, type_.ndim - 1)
    item = jax.ShapeDtypeStruct(
        tuple(n for i, n in enumerate(type_.shape) if i != dim), type_.dtype
    )
    body = inner(d, [item, d.types[y]], None, d.upto(1, 5))
    if body is None:
        return None
    return d.add(
        f"vmap {dim} {{\n{body}\n}}", lambda x, y: jax.vmap(lambda x: body(x, y)[0], dim)(x), x, y
    )


@step(3)
def gradient(d: Draw) -> object:
    x, y = d.value(real), d.value(real)
    if x is None or y is None:
        return None
    body = inner(d, [d.types[x], d.types[y]], None, d.upto(2, 7))
    if body is None:
        return None

    def total(x: Any, y: Any) -> Any:
        made = body(x, y)[0]
        return jnp.mean(_bounded(jnp.real(made))) if made.dtype.kind not in "biu" else jnp.mean(x)

    return d.add(f"grad {{\n{body}\n}}", lambda x, y: jax.grad(total)(x, y), x, y)
