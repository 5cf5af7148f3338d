"""The steps that programs are drawn from: elementwise, moving, folding."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from tests.fuzz.drawing import Draw
from tests.fuzz.program import kind

Drawer = Callable[[Draw], object]
STEPS: dict[str, Drawer] = {}
WEIGHTS: dict[str, float] = {}


def step(weight: float) -> Callable[[Drawer], Drawer]:
    """A function that draws one step, or none; `weight` says how often."""

    def register(drawer: Drawer) -> Drawer:
        STEPS[drawer.__name__] = drawer
        WEIGHTS[drawer.__name__] = weight
        return drawer

    return register


def real(type_: Any) -> bool:
    return type_.dtype.kind not in "biuc"  # bfloat16 is of the kind V


def numeric(type_: Any) -> bool:
    return type_.dtype.kind != "b"


def ordered(type_: Any) -> bool:
    return type_.dtype.kind not in "bc"


def any_rank(least: int, accepted: Callable[[Any], bool] = numeric) -> Callable[[Any], bool]:
    return lambda type_: type_.ndim >= least and accepted(type_)


def cast(x: Any, name: str) -> Any:
    """`x` in another type, where every value that programs have is defined."""
    target = kind(name)
    if x.dtype.kind == "c" and target.kind != "c":
        x = x.real
    if x.dtype.kind not in "biu" and target.kind in "iu":
        low = 0.0 if target.kind == "u" else -100.0
        x = jnp.floor(jnp.clip(jnp.where(jnp.isnan(x), 0, x) * 3, low, 100.0) + 0.137)
    return x.astype(target)


def fit(x: Any, shape: tuple[int, ...]) -> Any:
    """`x` repeated and cut, element by element, until it has that shape."""
    flat = x.reshape(-1)
    size = int(np.prod(shape))
    copies = -(-size // flat.size) if size else 0
    return jnp.tile(flat, copies)[:size].reshape(shape)


# --- elementwise -----------------------------------------------------------------------------

UNARY = {
    "negate": lambda x: -x,
    "abs": jnp.abs,
    "tanh": jnp.tanh,
    "exp": lambda x: jnp.exp(-jnp.abs(x)),
    "sin": jnp.sin,
    "cos": jnp.cos,
    "sqrt": lambda x: jnp.sqrt(jnp.abs(x) + 0.25),
    "logistic": jax.nn.sigmoid,
    "floor": lambda x: jnp.floor(x + 0.137),
    "log1p": lambda x: jnp.log1p(jnp.abs(x)),
    "rsqrt": lambda x: lax.rsqrt(jnp.abs(x) + 0.5),
    "erf": lax.erf,
    "square": lambda x: x * x * 0.25,
    "relu": jax.nn.relu,
    "gelu": jax.nn.gelu,
    "softplus": jax.nn.softplus,
    "reciprocal": lambda x: 1 / (1 + x * x),
    "expm1": lambda x: jnp.expm1(jnp.clip(x, -3, 1)),
    "double": lambda x: x + x,
    "third": lambda x: x * 0.3333,
    "barrier": lambda x: lax.optimization_barrier(x),
}
ON_COMPLEX = ("negate", "square", "sin", "double", "third", "tanh")
ON_WHOLE: dict[str, Callable[[Any], Any]] = {
    "negate": lambda x: -x,
    "abs": jnp.abs,
    "not": lambda x: ~x,
    "square": lambda x: x * x,
    "shift": lambda x: x >> 1,
    "popcnt": lax.population_count,
    "clz": lax.clz,
    "sign": jnp.sign,
}


@step(6)
def unary(d: Draw) -> object:
    x = d.value(numeric)
    if x is None:
        return None
    letter = d.types[x].dtype.kind
    table = (
        ON_WHOLE
        if letter in "iu"
        else {n: UNARY[n] for n in ON_COMPLEX}
        if letter == "c"
        else UNARY
    )
    name = d.pick(list(table))
    return d.add(name, table[name], x)


BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "mean": lambda x, y: (x + y) * 0.5,
    "maximum": jnp.maximum,
    "minimum": jnp.minimum,
    "divide": lambda x, y: x / (jnp.abs(y) + 0.75),
    "atan2": lambda x, y: jnp.arctan2(x, jnp.abs(y) + 0.2),
    "power": lambda x, y: (jnp.abs(x) + 0.3) ** jnp.clip(y, -2, 2),
    "less": lambda x, y: x < y + 0.0613,
    "select": lambda x, y: jnp.where(x > 0.0713, x, y),
}
ON_WHOLES: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "maximum": jnp.maximum,
    "divide": lambda x, y: lax.div(x, y | np.array(1, y.dtype)),
    "remainder": lambda x, y: lax.rem(x, y | np.array(1, y.dtype)),
    "and": lambda x, y: x & y,
    "xor": lambda x, y: x ^ y,
    "shift": lambda x, y: lax.shift_left(x, y & np.array(7, y.dtype)),
    "less": lambda x, y: x < y,
    "equal": lambda x, y: x == y,
}
ON_COMPLEXES = ("add", "subtract", "multiply", "mean", "divide")


@step(8)
def binary(d: Draw) -> object:
    x = d.value(numeric)
    if x is None:
        return None
    type_ = d.types[x]
    y = x if d.chance(0.1) else d.fitting(type_.shape, type_.dtype.name)
    letter = type_.dtype.kind
    table = (
        ON_WHOLES
        if letter in "iu"
        else {n: BINARY[n] for n in ON_COMPLEXES}
        if letter == "c"
        else BINARY
    )
    name = d.pick(list(table))
    return None if y is None else d.add(name, table[name], *((x, y) if d.chance(0.5) else (y, x)))


@step(5)
def broadcast_binary(d: Draw) -> object:
    """Two values of which one is spread along some dimensions, or both along different ones."""
    x, y = d.value(any_rank(1, real)), d.value(any_rank(1, real))
    if x is None or y is None or d.types[x].dtype != d.types[y].dtype:
        return None
    name = d.pick(["add", "subtract", "multiply", "maximum", "less", "divide", "select"])
    a, b = d.types[x].ndim, d.types[y].ndim
    rank = d.upto(max(a, b), min(a + b, 4))
    left = (
        tuple(sorted(int(i) for i in d.random.choice(rank, a, replace=False))) if a <= rank else ()
    )
    right = (
        tuple(sorted(int(i) for i in d.random.choice(rank, b, replace=False))) if b <= rank else ()
    )
    if not left or not right:
        return None

    def function(x: Any, y: Any) -> Any:
        return BINARY[name](_spread(x, rank, left), _spread(y, rank, right))

    return d.add(f"{name} along {left} {right} of {rank}", function, x, y)


def _spread(x: Any, rank: int, places: tuple[int, ...]) -> Any:
    shape = [1] * rank
    for n, place in zip(x.shape, places, strict=True):
        shape[place] = n
    return x.reshape(shape)


@step(3)
def choose(d: Draw) -> object:
    p = d.value(lambda t: t.dtype.kind == "b")
    if p is None:
        return None
    name = d.pick(["float32", "int32", "bfloat16", "complex64"])
    x = d.fitting(d.types[p].shape, name)
    y = d.fitting(d.types[p].shape, name)
    return None if x is None or y is None else d.add("select", jnp.where, p, x, y)


@step(3)
def convert(d: Draw) -> object:
    x = d.value(lambda t: True)
    name = d.pick(
        ["float32", "float32", "float16", "bfloat16", "float64", "int32", "int8", "uint8", "int64"]
    )
    return None if x is None else d.add(f"cast {name}", lambda x: cast(x, name), x)


@step(1)
def logic(d: Draw) -> object:
    p = d.value(lambda t: t.dtype.kind == "b")
    if p is None:
        return None
    q = d.value(lambda t: t == d.types[p])
    name = d.pick(["logical_and", "logical_or", "logical_xor"])
    return None if q is None else d.add(name, getattr(jnp, name), p, q)


@step(1)
def parts(d: Draw) -> object:
    z = d.value(lambda t: t.dtype.kind == "c")
    if z is None:
        return None
    name = d.pick(["real", "imag", "conj"])
    return d.add(name, getattr(jnp, name), z)


# --- moving ----------------------------------------------------------------------------------


@step(4)
def transpose(d: Draw) -> object:
    x = d.value(any_rank(2, lambda t: True))
    if x is None:
        return None
    order = d.order(d.types[x].ndim)
    return d.add(f"transpose {order}", lambda x: x.transpose(order), x)


@step(4)
def reshape(d: Draw) -> object:
    x = d.value(any_rank(0, lambda t: True))
    if x is None:
        return None
    rest, shape = d.types[x].size, []
    for _ in range(d.upto(0, 3)):
        divisors = [n for n in range(1, rest + 1) if rest % n == 0] or [1, 2, 3]
        shape.append(d.pick(divisors))
        rest //= shape[-1]
    shape.insert(d.upto(0, len(shape)), rest)
    return d.add(f"reshape {shape}", lambda x: x.reshape(shape), x)


@step(3)
def slices(d: Draw) -> object:
    x = d.value(any_rank(1, lambda t: True))
    if x is None:
        return None
    cuts = []
    for n in d.types[x].shape:
        a = d.upto(0, n - 1) if d.chance(0.6) else 0
        b = d.upto(a + 1, n) if d.chance(0.6) else n
        cuts.append(slice(a, b, d.upto(1, 3) if d.chance(0.3) else 1))
    if d.chance(0.3):
        place = d.upto(0, len(cuts) - 1)
        cuts[place] = d.upto(0, d.types[x].shape[place] - 1)
    spelled = ", ".join(
        f"{c.start}:{c.stop}:{c.step}" if isinstance(c, slice) else str(c) for c in cuts
    )
    return d.add(f"[{spelled}]", lambda x: x[tuple(cuts)], x)


@step(2)
def pad(d: Draw) -> object:
    x = d.value(any_rank(1, numeric))
    if x is None:
        return None
    amounts = [(d.upto(-1, 3), d.upto(-1, 3), d.upto(0, 1)) for _ in d.types[x].shape]
    value = d.pick([0, 0, 1, 2])
    return d.add(
        f"pad {amounts} with {value}",
        lambda x: lax.pad(x, np.array(value).astype(x.dtype), amounts),
        x,
    )


@step(3)
def concatenate(d: Draw) -> object:
    x = d.value(any_rank(1, lambda t: True))
    if x is None:
        return None
    type_, dim = d.types[x], d.upto(0, d.types[x].ndim - 1)
    others = [d.value(lambda t: t == type_) for _ in range(d.upto(1, 2))]
    return d.add(f"concatenate {dim}", lambda *xs: jnp.concatenate(xs, dim), x, *others)


@step(2)
def turned(d: Draw) -> object:
    """Reversed, rolled, repeated, with a dimension more or less."""
    x = d.value(any_rank(1, lambda t: True))
    if x is None:
        return None
    dim, by = d.upto(0, d.types[x].ndim - 1), d.upto(1, 3)
    ways: dict[str, Callable[[Any], Any]] = {
        "flip": lambda x: jnp.flip(x, dim),
        "roll": lambda x: jnp.roll(x, by, dim),
        "tile": lambda x: jnp.tile(x, by),
        "repeat": lambda x: jnp.repeat(x, by, dim),
        "expand": lambda x: jnp.expand_dims(x, dim),
        "stack": lambda x: jnp.stack([x, jnp.flip(x, dim)], dim),
        "diagonal": lambda x: jnp.diagonal(x) if x.ndim > 1 else jnp.diag(x),
        "tril": lambda x: jnp.tril(x) if x.ndim > 1 else x,
        "spread": lambda x: jnp.broadcast_to(x, (by + 1, *x.shape)),
    }
    name = d.pick(list(ways))
    return d.add(f"{name} {dim} {by}", ways[name], x)


@step(1)
def iota(d: Draw) -> object:
    shape, name = d.shape(3) or (4,), d.pick(["float32", "int32", "int32"])
    dim = d.upto(0, len(shape) - 1)
    return d.add(f"iota {shape} {dim} {name}", lambda: lax.broadcasted_iota(kind(name), shape, dim))


# --- folding ---------------------------------------------------------------------------------

FOLDS: dict[str, Callable[..., Any]] = {
    "sum": jnp.sum,
    "mean": jnp.mean,
    "max": jnp.max,
    "min": jnp.min,
    "var": jnp.var,
    "logsumexp": lambda x, axis, keepdims: jax.nn.logsumexp(x, axis, keepdims=keepdims),
    "product": lambda x, axis, keepdims: jnp.prod(0.5 + 0.5 * jnp.tanh(x), axis, keepdims=keepdims),
    "negated sum": lambda x, axis, keepdims: jnp.sum(-x, axis, keepdims=keepdims),
}


@step(6)
def fold(d: Draw) -> object:
    x = d.value(any_rank(1))
    if x is None:
        return None
    dims, keep = d.dims(d.types[x].ndim), d.chance(0.4)
    name = d.pick(list(FOLDS) if real(d.types[x]) else ["sum"])
    back = d.chance(0.4)

    def function(x: Any) -> Any:
        # Whole numbers keep their type.
        extra = {"dtype": x.dtype} if name == "sum" else {}
        folded = FOLDS[name](x, axis=dims, keepdims=keep or back, **extra)
        return x - folded.astype(x.dtype) if back else folded

    return d.add(
        f"{name} {dims}{' kept' if keep else ''}{' taken off' if back else ''}", function, x
    )


@step(2)
def normalise(d: Draw) -> object:
    x = d.value(any_rank(1, real))
    if x is None:
        return None
    dims = d.dims(d.types[x].ndim)
    ways: dict[str, Callable[[Any], Any]] = {
        "softmax": lambda x: jax.nn.softmax(x, dims),
        "log_softmax": lambda x: jax.nn.log_softmax(x, dims),
        "layer norm": lambda x: (
            (x - x.mean(dims, keepdims=True)) * lax.rsqrt(x.var(dims, keepdims=True) + 0.1)
        ),
    }
    name = d.pick(list(ways))
    return d.add(f"{name} {dims}", ways[name], x)


@step(2)
def extremum(d: Draw) -> object:
    x = d.value(any_rank(1, ordered))
    if x is None:
        return None
    dim, name = d.upto(0, d.types[x].ndim - 1), d.pick(["argmax", "argmin"])
    return d.add(f"{name} {dim}", lambda x: getattr(jnp, name)(x, dim).astype("int32"), x)


@step(2)
def cumulative(d: Draw) -> object:
    x = d.value(any_rank(1, real))
    if x is None:
        return None
    dim, name = d.upto(0, d.types[x].ndim - 1), d.pick(["cumsum", "cummax", "cumlogsumexp"])
    backwards = d.chance(0.3)
    return d.add(
        f"{name} {dim} {backwards}", lambda x: getattr(lax, name)(x, dim, reverse=backwards), x
    )


@step(2)
def pool(d: Draw) -> object:
    x = d.value(any_rank(1, real))
    if x is None:
        return None
    shape = d.types[x].shape
    window = [d.upto(1, min(n, 3)) for n in shape]
    strides = [d.upto(1, 2) for _ in shape]
    padding = [(d.upto(0, 1), d.upto(0, 1)) for _ in shape]
    name = d.pick(["max", "add", "min"])

    def function(x: Any) -> Any:
        start = {"max": -jnp.inf, "min": jnp.inf, "add": 0}[name]
        fold = {"max": lax.max, "min": lax.min, "add": lax.add}[name]
        return lax.reduce_window(x, np.array(start).astype(x.dtype), fold, window, strides, padding)

    return d.add(f"pool {name} {window} {strides} {padding}", function, x)
