"""Programs whose first results are the next values of their first arguments, as in a training step.

What is overwritten in its own memory must not be read afterwards: the next values are drawn so that
the old ones are read in many ways, before and after, by what they need and by what they do not.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from tests.fuzz.drawing import SIZES, Draw, steps_of
from tests.fuzz.program import Drawn
from tests.fuzz.steps import cast

TYPES = ("float32",) * 8 + ("int32", "bfloat16", "float64", "complex64")
LONGER = (*SIZES, 128, 256, 300)
"""Sizes of state: work for several threads too."""

NEXT: dict[str, Callable[..., Any]] = {
    "itself": lambda s, v: s,
    "other": lambda s, v: v,
    "stepped": lambda s, v: _tame(s - _third(v)),
    "mean": lambda s, v: _tame(_third(s) + v),
    "kept where": lambda s, v: jnp.where(jnp.real(v) > 0, s, v),
    "flipped": lambda s, v: jnp.flip(s, 0) if s.ndim else v,
    "rolled": lambda s, v: jnp.roll(s, 1, 0) if s.ndim else v,
    "queued": lambda s, v: jnp.concatenate([s[1:], v[:1]]) if s.ndim else v,
    "turned": lambda s, v: s.T if s.ndim == 2 and s.shape[0] == s.shape[1] else _tame(s + v),
    "multiplied": lambda s, v: _tame((s @ v.T) @ v) if s.ndim == 2 else _tame(s * v),
    "centred": lambda s, v: _tame(s - _third(jnp.sum(s, dtype=s.dtype) + v)),
    "row set": lambda s, v: s.at[0].set(v[-1]) if s.ndim else v,
    "rows set": lambda s, v: s.at[1:3].set(_third(s[1:3])) if s.ndim else v,
    "rows moved": lambda s, v: s.at[1:].set(s[:-1]) if s.ndim else v,
    "row added": lambda s, v: s.at[_row(s, v)].add(v[0]) if s.ndim else v,
    "rows scattered": lambda s, v: s.at[_rows(s, v)].set(v[: _rows(s, v).size]) if s.ndim else v,
    "rows added": lambda s, v: _tame(s.at[_rows(s, v)].add(s[_rows(s, v)])) if s.ndim else v,
    "rows gathered": lambda s, v: s[_rows(s, v).repeat(s.shape[0])[: s.shape[0]]] if s.ndim else v,
    "window put": lambda s, v: (
        lax.dynamic_update_slice_in_dim(s, v[:1], _row(s, v), 0) if s.ndim else v
    ),
    "looped": lambda s, v: lax.fori_loop(0, 3, lambda i, c: _tame(c + _third(s)), v),
    "looped rows": lambda s, v: (
        lax.fori_loop(0, 3, lambda i, c: c.at[i].set(c[i - 1] + v[0]), s) if s.ndim else v
    ),
    "branched": lambda s, v: lax.cond(
        jnp.real(v).ravel()[0] > 0, lambda: _tame(s + v), lambda: jnp.roll(s, 1, 0) if s.ndim else s
    ),
}

BEHIND: dict[str, Callable[..., Any]] = {
    "nothing": lambda s, v: (s, v),
    "state": lambda s, v: (lax.optimization_barrier(s), v),
    "other": lambda s, v: (s, lax.optimization_barrier(v)),
    "both": lambda s, v: lax.optimization_barrier((s, v)),
}
"""What of a slot and of what changes it is read behind a barrier."""


def _tame(x: Any) -> Any:
    """Bounded, since steps follow on steps."""
    return x if x.dtype.kind in "biu" else jnp.tanh(jnp.real(x)).astype(x.dtype)


def _third(x: Any) -> Any:
    return x // 3 if x.dtype.kind in "iu" else x * np.array(0.3333).astype(x.dtype)


def _row(s: Any, v: Any) -> Any:
    """A row that no pass can know."""
    return jnp.mod(jnp.floor(jnp.real(v).ravel()[0] * 7).astype("int32"), s.shape[0])


def _rows(s: Any, v: Any) -> Any:
    """Different rows that no pass can know."""
    count = min(3, s.shape[0])
    return jnp.mod(_row(s, v) + jnp.arange(count, dtype="int32"), s.shape[0])


def draw_stateful(seed: int, length: int | None = None) -> Drawn:
    """A program of 2 to 25 steps, between which the next values of its state come anywhere."""
    random = np.random.default_rng(seed)
    made = Draw(random, ())
    made.sizes = [int(n) for n in random.choice(LONGER, 3)]
    types = [_like(made, (1, 2, 2, 2, 3), made.pick(TYPES)) for _ in range(made.upto(1, 2))]
    slots = [made.pick(types) for _ in range(made.upto(1, 4))]
    made.types += [*slots, *(_like(made, (0, 1, 2), "float32") for _ in range(made.upto(0, 2)))]
    made.inputs = tuple(made.types)
    due, following = list(range(len(slots))), dict[int, int]()
    left = length or made.upto(2, made.pick((6, 12, 25)))
    taking = steps_of(made)
    while due or left > 0:
        if made.chance(len(due) / (len(due) + left)):
            slot = due.pop(made.upto(0, len(due) - 1))
            following[slot] = _next(made, slot)
        else:
            left -= 1
            next(taking)(made)
    results = [following[slot] for slot in range(len(slots))]
    results += [i for i in made.loose(0.1) if i not in results][-8:]
    # Results may also be the state as it was, or the next one once more.
    results += [i for i in range(len(slots)) if made.chance(0.1)]
    results += [i for i in following.values() if made.chance(0.05)]
    return made.program(results)


def _like(d: Draw, ranks: tuple[int, ...], name: str) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(d.shape(d.pick(ranks)), name)


def _next(d: Draw, slot: int) -> int:
    """The value that replaces a slot."""
    type_ = d.types[slot]
    source = d.fitting(type_.shape, type_.dtype.name)
    old = slot if d.chance(0.8) else d.value(lambda t: t == type_)
    name = d.pick(list(NEXT))
    behind = d.pick(list(BEHIND)) if d.chance(0.3) else "nothing"

    def function(s: Any, v: Any) -> Any:
        s, v = BEHIND[behind](s, v)
        return cast(NEXT[name](s, v), type_.dtype.name).reshape(type_.shape)

    if name == "itself":
        return old
    made = None if source is None else d.add(f"next {name}, {behind} apart", function, old, source)
    return slot if made is None else made
