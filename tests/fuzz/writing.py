"""Steps that write over what is read elsewhere, or is made of itself, some of it behind barriers."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from tests.fuzz.drawing import Draw
from tests.fuzz.steps import any_rank, cast, real, step

LONG = (64, 128, 300, 600)
"""Rows enough for several threads, or several vectors."""
apart = lax.optimization_barrier


@step(2)
def barriers(d: Draw) -> object:
    """Several values behind one barrier, perhaps one of them twice; they may be read before it too."""
    found = [d.value(lambda t: True) for _ in range(d.upto(2, 4))]
    return (
        d.several("barrier of several", lambda *xs: apart(xs), *(i for i in found if i is not None))
        or None
    )


CHANGES: dict[str, Callable[[Any], Any]] = {
    "itself": lambda x: x,
    "doubled": lambda x: x + x,
    "flipped": lambda x: jnp.flip(x, 0),
    "turned": lambda x: jnp.roll(x, 1, -1),
    "summed": lambda x: cast(jnp.cumsum(x, 0, dtype=x.dtype), x.dtype.name),
    "off the first": lambda x: x - x[:1] if x.dtype.kind != "b" else x ^ x[:1],
    "multiplied": lambda x: _multiplied(x) if real(x) and x.ndim > 1 else x,
}


def _multiplied(x: Any) -> Any:
    weights = np.cos(np.arange(x.shape[-1] ** 2)).reshape(x.shape[-1], -1) / x.shape[-1]
    return x @ weights.astype(x.dtype)


WRITTEN: dict[str, Callable[[Any, Any, Any], Any]] = {
    "put": lambda x, y, start: lax.dynamic_update_slice(x, y, list(start)),
    "rows set": lambda x, y, start: x.at[_rows(x, y, start)].set(_wide(x, y)),
    "rows added": lambda x, y, start: x.at[_rows(x, y, start)].add(_wide(x, y)),
}

READ: dict[str, Callable[[Any], Any]] = {
    "its head": lambda x: x[: x.shape[0] // 2 + 1],
    "its tail": lambda x: x[x.shape[0] // 2 :],
    "its sum": lambda x: jnp.sum(x, 0, dtype=x.dtype),
    "all of it": lambda x: ~x if x.dtype.kind == "b" else -x,
    "it behind a barrier": lambda x: apart(x).reshape(-1),
    "it": lambda x: x,
}


def _rows(x: Any, y: Any, start: Any) -> Any:
    """Different rows, of which no pass knows so."""
    return (start[0] + jnp.arange(y.shape[0], dtype="int32")) % x.shape[0]


def _wide(x: Any, y: Any) -> Any:
    """Whole rows of what may be less of each."""
    return jnp.broadcast_to(
        y[(slice(None), *[slice(1)] * (y.ndim - 1))], (y.shape[0], *x.shape[1:])
    )


@step(4)
def rewritten(d: Draw) -> object:
    """A window of a value written over by what is made of another of its windows.

    The value may be read besides, before or after; each of its uses may be behind a barrier.
    """
    x = _written_over(d)
    if x is None:
        return None
    shape = d.types[x].shape
    sizes = (d.upto(1, shape[0]), *(n if d.chance(0.7) else d.upto(1, n) for n in shape[1:]))
    starts = np.array([[d.upto(0, n - m) for n, m in zip(shape, sizes, strict=True)] for _ in "12"])
    starts = starts.astype("int32")
    known = d.chance(0.5)
    places = None if known else d.fitting(starts.shape, "int32")
    if places is None and not known:
        return None
    change, way = d.pick(list(CHANGES)), d.pick(list(WRITTEN))
    behind = [d.chance(0.4) for _ in "123"]

    def function(x: Any, *places: Any) -> Any:
        # Places are where they were drawn, of which no pass knows unless they are constants.
        first, then = places[0] % (starts + 1) if places else starts
        read, over = (apart(x) if parted else x for parted in behind[:2])
        part = CHANGES[change](lax.dynamic_slice(read, list(first), sizes))
        return WRITTEN[way](over, apart(part) if behind[2] else part, then)

    parted = [use for use, b in zip(("read", "over", "part"), behind, strict=True) if b]
    said = f"{way} {sizes} {change} {starts.tolist() if known else ''} apart {parted}"
    read = d.pick(list(READ)) if d.chance(0.7) else None
    early = d.chance(0.5)
    if read is not None and early:
        d.add(f"read {read}", READ[read], x)
    made = d.add(said, function, x, *([] if known else [places]))
    if read is not None and not early:
        d.add(f"read {read}", READ[read], x)
    return made


def _written_over(d: Draw) -> int | None:
    """A value of one dimension at least, often one of many rows."""
    base = d.value(any_rank(1, lambda t: True))
    if d.depth or base is None or d.chance(0.5):
        return base
    like = jax.ShapeDtypeStruct((d.pick(LONG), d.pick((2, 3, 4, 8))), d.types[base].dtype)
    x = d.argument(like)
    return x if d.chance(0.5) else d.add("doubled", CHANGES["doubled"], x)
