"""Steps that programs rarely have: general gathers and scatters, windows with holes, odd numbers of everything."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from tests.fuzz.drawing import Draw
from tests.fuzz.program import kind
from tests.fuzz.steps import any_rank, fit, ordered, real, step

MODES = ("clip", "fill", "promise_in_bounds")


def _places(d: Draw, count: int, depth: int, limits: tuple[int, ...] | None = None) -> int | None:
    """`count` places of `depth` coordinates; inside `limits`, where there are some."""
    i = d.fitting((count, depth), "int32")
    if i is None or limits is None:
        return i
    most = np.array(limits, np.int32)
    return d.add(f"inside {limits}", lambda i: jnp.mod(i, most + 1).astype("int32"), i)


@step(3)
def general_gather(d: Draw) -> object:
    """Windows at places that may lie outside, along any dimensions, some of them dropped."""
    x = d.value(any_rank(1, lambda t: True))
    if x is None:
        return None
    shape = d.types[x].shape
    rank = len(shape)
    indexed = d.order(rank)[: d.upto(1, rank)]
    sizes = tuple(d.upto(1, n) if d.chance(0.6) else 1 for n in shape)
    dropped = tuple(k for k in range(rank) if sizes[k] == 1 and d.chance(0.5))
    # XLA drops windows as a whole in the gradient, the specification has it element by element.
    whole = all(sizes[k] == 1 for k in indexed)
    mode = d.pick(MODES if whole else ("clip", "promise_in_bounds"))
    inside = mode == "promise_in_bounds"
    limits = tuple(shape[k] - sizes[k] for k in indexed) if inside else None
    i = _places(d, d.upto(1, 7), len(indexed), limits)
    left = rank - len(dropped)
    batch = d.upto(0, left)
    offsets = tuple(k for k in range(left + 1) if k != batch)
    numbers = lax.GatherDimensionNumbers(offsets, dropped, indexed)
    return (
        None
        if i is None
        else d.add(
            f"gather {sizes} {numbers} {mode}",
            lambda x, i: lax.gather(x, i, numbers, sizes, mode=mode, fill_value=0),
            x,
            i,
        )
    )


@step(3)
def general_scatter(d: Draw) -> object:
    """Windows added, or multiplied by, at places that may lie outside, along any dimensions."""
    x = d.value(any_rank(1))
    if x is None:
        return None
    type_ = d.types[x]
    rank = type_.ndim
    indexed = d.order(rank)[: d.upto(1, rank)]
    sizes = tuple(d.upto(1, n) if d.chance(0.6) else 1 for n in type_.shape)
    dropped = tuple(k for k in range(rank) if sizes[k] == 1 and d.chance(0.5))
    kept = [n for k, n in enumerate(sizes) if k not in dropped]
    count, batch = d.upto(1, 5), d.upto(0, len(kept))
    shape = (*kept[:batch], count, *kept[batch:])
    way = d.pick(["add", "max", "min", "mul"] if ordered(type_) else ["add"])
    i = _places(d, count, len(indexed))
    y = d.fitting(shape, type_.dtype.name)
    if i is None or y is None:
        return None
    windows = tuple(k for k in range(len(shape)) if k != batch)
    numbers = lax.ScatterDimensionNumbers(windows, dropped, indexed)
    function = getattr(lax, f"scatter_{way}")
    whole = all(sizes[k] == 1 for k in indexed)
    mode = d.pick(["drop", "clip"]) if whole else "clip"
    last = np.array([type_.shape[k] - sizes[k] for k in indexed], "int32")

    def scattered(x: Any, i: Any, y: Any) -> Any:
        # JAX's derivatives of maxima and minima miss windows that are moved inside.
        inside = jnp.clip(i, 0, last) if mode == "clip" and way in ("max", "min") else i
        return function(x, inside, y, numbers, mode=mode)

    return d.add(f"scatter {way} {numbers} {mode}", scattered, x, i, y)


@step(2)
def window_with_holes(d: Draw) -> object:
    """A pool whose windows, or whose operand, have gaps."""
    x = d.value(any_rank(1, real))
    if x is None:
        return None
    shape = d.types[x].shape
    facts = {
        "window_dimensions": [d.upto(1, 3) for _ in shape],
        "window_strides": [d.upto(1, 3) for _ in shape],
        "padding": [(d.upto(0, 2), d.upto(0, 2)) for _ in shape],
        "base_dilation": [d.pick([1, 1, 2]) for _ in shape],
        "window_dilation": [d.pick([1, 1, 2]) for _ in shape],
    }
    name = d.pick(["max", "add", "min"])
    start = {"max": -jnp.inf, "min": jnp.inf, "add": 0}[name]
    fold = {"max": lax.max, "min": lax.min, "add": lax.add}[name]

    def function(x: Any) -> Any:
        made = lax.reduce_window(x, np.array(start).astype(x.dtype), fold, **facts)
        return jnp.where(jnp.isfinite(made), made, 0)

    return d.add(f"window {name} {facts}", function, x)


@step(2)
def slope_of_pool(d: Draw) -> object:
    """The gradient of a maximum over windows, which is select_and_scatter."""
    x = d.value(any_rank(1, real))
    if x is None or d.types[x].dtype.name == "float16":
        return None
    window = [d.upto(1, min(n, 3)) for n in d.types[x].shape]
    strides = [d.upto(1, 3) for _ in window]
    name = d.pick(["max", "min"])

    def total(x: Any) -> Any:
        start = {"max": -jnp.inf, "min": jnp.inf}[name]
        fold = {"max": lax.max, "min": lax.min}[name]
        made = lax.reduce_window(x, np.array(start).astype(x.dtype), fold, window, strides, "VALID")
        return jnp.sum(jnp.sin(made))

    return d.add(f"slope of pool {name} {window} {strides}", jax.grad(total), x)


@step(2)
def sort_together(d: Draw) -> object:
    """Several values sorted by one, or by two, of them."""
    x = d.value(any_rank(1, ordered))
    if x is None:
        return None
    shape, dim = d.types[x].shape, d.upto(0, d.types[x].ndim - 1)
    y = d.fitting(shape, d.pick(["float32", "int32", "bool"]))
    keys, wanted = d.upto(1, 2), d.upto(0, 1)
    if y is None:
        return None
    return d.add(
        f"sort by {keys} along {dim}, number {wanted}",
        lambda x, y: lax.sort((x, y), dimension=dim, num_keys=keys, is_stable=True)[wanted],
        x,
        y,
    )


@step(2)
def fold_together(d: Draw) -> object:
    """A reduction of two values at once: the larger one, and where it came from."""
    x = d.value(any_rank(1, real))
    if x is None:
        return None
    shape = d.types[x].shape
    y = d.fitting(shape, d.pick(["float32", "int32"]))
    dims, wanted = d.dims(len(shape)), d.upto(0, 1)
    if y is None:
        return None

    def function(x: Any, y: Any) -> Any:
        def larger(a: Any, b: Any) -> Any:
            first = (a[0] > b[0]) | ((a[0] == b[0]) & (a[1] >= b[1]))
            return jnp.where(first, a[0], b[0]), jnp.where(first, a[1], b[1])

        x = x.astype(y.dtype) if real(y) else x  # XLA folds floats of one type together
        starts = np.array(-1e4).astype(x.dtype), np.array(-9).astype(y.dtype)
        return lax.reduce((x, y), starts, larger, dims)[wanted]

    return d.add(f"larger along {dims}, number {wanted}", function, x, y)


@step(2)
def odd_convolution(d: Draw) -> object:
    """A convolution whose dimensions stand in any order, its batch or its features in groups."""
    rank = d.upto(0, 3)
    source = d.value(any_rank(1, real))
    if source is None:
        return None
    groups = d.pick([1, 1, 2, 3])
    by_batch = d.chance(0.4)
    batch = d.upto(1, 2) * (groups if by_batch else 1)
    features = d.upto(1, 2) * (1 if by_batch else groups)
    inner = features if by_batch else features // groups
    orders = [d.order(rank + 2) for _ in range(3)]
    lengths = [d.upto(1, 5) for _ in range(rank)]
    windows = [d.upto(1, 3) for _ in range(rank)]
    left, right = [0] * (rank + 2), [0] * (rank + 2)
    for place, size in zip(orders[0], (batch, features, *lengths), strict=True):
        left[place] = size
    for place, size in zip(orders[1], (groups * d.upto(1, 2), inner, *windows), strict=True):
        right[place] = size
    x = d.add(f"fit {left}", lambda x: fit(x, tuple(left)), source)
    if x is None:
        return None
    y = d.fitting(tuple(right), d.types[x].dtype.name)
    facts = {
        "window_strides": [d.upto(1, 3) for _ in range(rank)],
        "padding": [(d.upto(-1, 2), d.upto(0, 2)) for _ in range(rank)],
        "lhs_dilation": [d.upto(1, 2) for _ in range(rank)],
        "rhs_dilation": [d.upto(1, 2) for _ in range(rank)],
        "dimension_numbers": lax.ConvDimensionNumbers(*orders),
        "batch_group_count" if by_batch else "feature_group_count": groups,
    }
    if y is None:
        return None
    return d.add(
        f"convolve {facts}", lambda x, k: lax.conv_general_dilated(x, k, **facts) * 0.3, x, y
    )


@step(1)
def bits(d: Draw) -> object:
    """A whole number's bits, as many narrower ones, of which the set bits are counted."""
    x = d.value(lambda t: t.dtype.kind in "iu")
    if x is None:
        return None
    size = d.types[x].dtype.itemsize
    name = d.pick([n for n, s in (("uint8", 1), ("int16", 2), ("uint32", 4)) if s <= size])

    def function(x: Any) -> Any:
        return lax.population_count(lax.bitcast_convert_type(x, name)).astype("int32")

    return d.add(f"bits as {name}", function, x)


FLOAT_BITS = {
    "float16": ("int16", (0, 0x3C00, 0x7C00, 0x7E00)),
    "bfloat16": ("uint16", (0, 0x3F80, 0x7F80, 0x7FC0)),
    "float32": ("int32", (0, 0x3F800000, 0x7F800000, 0x7FC00000)),
    "float64": ("uint64", (0, 0x3FF << 52, 0x7FF << 52, 0x7FF8 << 48)),
}
"""Whole numbers as wide as each float, and the bits of 0, 1, infinity and NaN, from which few bits
away denormal numbers, numbers near 1, and NaNs with payloads lie."""


@step(1)
def bits_of_floats(d: Draw) -> object:
    """The bits of floats that rounding cannot have changed, as whole numbers, wide or narrow."""
    x = d.value(lambda t: t.dtype.name in FLOAT_BITS)
    if x is None:
        return None
    own = d.types[x].dtype
    name = d.pick(["int8", "uint16", "uint32", "int64"])

    def function(x: Any) -> Any:
        whole = jnp.floor(jnp.clip(x, -4, 4) * 8 + 0.137) / 8
        return lax.bitcast_convert_type(whole.astype(own), name)

    return d.add(f"bits of floats as {name}", function, x)


@step(1)
def floats_of_bits(d: Draw) -> object:
    """Floats made of bits, moved about and taken apart again: every one must come through."""
    x = d.value(lambda t: t.dtype.kind in "iu" and t.ndim < 4)
    if x is None:
        return None
    name = d.pick(list(FLOAT_BITS))
    whole, patterns = FLOAT_BITS[name]
    base, back = d.pick(patterns), d.pick([*(n for n, _ in FLOAT_BITS.values()), "uint8", None])
    split = d.types[x].dtype.itemsize > np.dtype(whole).itemsize and d.chance(0.5)

    def function(x: Any) -> Any:
        x = lax.bitcast_convert_type(x, whole) if split else x.astype(whole)
        made = lax.bitcast_convert_type(x ^ np.array(base, whole), name)
        made = jnp.concatenate([jnp.flip(made), made]) if made.ndim else made
        if back is not None:
            return lax.bitcast_convert_type(made, back)
        return jnp.where(jnp.isfinite(made), made, 0).astype(kind(name))

    return d.add(f"{name} of bits {base:#x}, back as {back}", function, x)


@step(2)
def holes(d: Draw) -> object:
    """Padding by more, or by less than nothing, with gaps."""
    x = d.value(any_rank(1, lambda t: True))
    if x is None:
        return None
    amounts = [(d.upto(-2, 4), d.upto(-2, 4), d.upto(0, 3)) for _ in d.types[x].shape]
    return d.add(f"holes {amounts}", lambda x: lax.pad(x, np.array(1).astype(x.dtype), amounts), x)


@step(3)
def updated_in_loop(d: Draw) -> object:
    """A loop that writes rows, and reads what was there before, after, or a row away."""
    x = d.value(any_rank(1, real))
    if x is None or d.types[x].shape[0] < 2:
        return None
    rows = d.types[x].shape[0]
    trips, away, step_ = d.upto(1, 6), d.upto(0, rows - 1), d.upto(1, 3)
    way = d.pick(["before", "after", "both", "moved", "whole"])

    def each(k: Any, carried: Any) -> Any:
        x, seen = carried
        place = (k * step_) % rows
        old = lax.dynamic_index_in_dim(x, (place + away) % rows, 0, False)
        new = lax.dynamic_update_index_in_dim(x, jnp.tanh(old) + 0.5, place, 0)
        after = lax.dynamic_index_in_dim(new, (place + away) % rows, 0, False)
        if way == "before":
            return new, seen * 0.5 + lax.dynamic_index_in_dim(x, place, 0, False)
        if way == "after":
            return new, seen * 0.5 + after
        if way == "both":
            return new, old - after
        if way == "moved":
            return lax.dynamic_update_slice_in_dim(x, x[: rows - 1], 1, 0), after
        return new + 0.1 * x, seen + old

    def function(x: Any) -> Any:
        last, seen = lax.fori_loop(0, trips, each, (x, x[0]))
        return last + seen if d_whole else seen

    d_whole = d.chance(0.5)
    return d.add(f"rows {way}, {away} away by {step_}, {trips} trips", function, x)


@step(2)
def until_enough(d: Draw) -> object:
    """A loop with a condition on what it carries, several values that may change places."""
    x = d.value(real)
    if x is None or d.types[x].size > d.most // 4:
        return None
    most = d.upto(1, 6)
    order = d.order(3)

    def function(x: Any) -> Any:
        def going(s: Any) -> Any:
            return (s[0] < most) & (jnp.abs(jnp.real(s[1][0])).sum() < 1e6)

        def each(s: Any) -> Any:
            a, b, c = (s[1][k] for k in order)
            return s[0] + 1, (jnp.tanh(a + 0.5 * b), b, c * 0.5)

        return lax.while_loop(going, each, (0, (x, x, jnp.cos(x))))[1][0]

    return d.add(f"until {most}, in the order {order}", function, x)
