"""What is written into memory that something else reads, what loops begin with, and what is inserted.

All were computed wrongly, or refused, by IREE 3.13; most were found by drawing programs.
"""

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from tests.sweep.case import Case
from tests.sweep.modules import sample, traced

A, U, W = sample((5, 31)), sample((2, 10), seed=1), sample((155,), seed=2)
ONE, TWO, G = np.int32(1), np.int32(2), np.array([3, 1, 2, 0, 4, 1], np.int32)
S, V = sample((2, 3)), sample((6, 8), seed=3)


def put(x, y, *starts):
    return lax.dynamic_update_slice(x.astype(y.dtype), y, starts)


def beside(w, i, j):
    """Something that may run at the same time."""
    return lax.dynamic_slice(jnp.tanh(w).reshape(5, 31), (i, j), (1, 23))


def zeros(*shape):
    return jnp.zeros(shape, "float32")


def pad(x, amounts, value=0):
    return lax.pad(x, np.array(value, x.dtype), amounts)


def gaps(x):
    return pad(x, ((0, 0, 1), (0, 0, 1)))


def shifted_by_batch(x, i):
    return jax.vmap(lambda x, i: put(x, x[:5], i))(x, i)


def whole(x, i):
    return x, jax.vmap(lambda x, i: put(x, x, i, i))(x, i)


def half(x):
    return x * 0.5 + 1


def row_written(x):
    """A loop that writes a row and reads another, which IREE does in place."""

    def each(k, carried):
        x, seen = carried
        x = lax.dynamic_update_index_in_dim(x, x[k + 2] + 0.5, k, 0)
        return x, seen * 0.5 + x[k + 2]

    return sum(lax.fori_loop(0, 1, each, (x, x[0])))


def at_most(i, n):
    return jnp.clip(i, 0, n)


t = jnp.tanh
UPDATES = {
    "rows of itself": lambda a, u, i, j, w, g: a.at[1:4].set(a[0:3]),
    "computed rows of itself": lambda a, u, i, j, w, g: t(a).at[1:4].set(t(a)[0:3]),
    "made of itself, moved along": lambda a, u, i, j, w, g: half(w).at[1:].set(half(w)[:-1] * 2),
    "made of itself, flipped": lambda a, u, i, j, w, g: half(w).at[:100].set(jnp.flip(half(w)[:100]) * 2),
    "made of itself, gathered": lambda a, u, i, j, w, g: half(w).at[:6].set(half(w)[g] * 2),
    "made of itself, folded": lambda a, u, i, j, w, g: half(a).at[1:4].set(jax.nn.softmax(half(a)[:3])),
    "made of itself, multiplied": lambda a, u, i, j, w, g: half(a).at[2].set(half(a)[2] @ (half(a).T @ a)),
    "made of itself, in a loop": lambda a, u, i, j, w, g: lax.fori_loop(
        0, 3, lambda k, x: put(x, x[:-1] * 2, ONE), half(w)
    ),
    "made of its window, in a loop": lambda a, u, i, j, w, g: lax.fori_loop(
        0, 3, lambda k, x: put(x, t(lax.dynamic_slice(x, (i + k,), (70,))) * 2, i + k), half(w)
    ),
    "window of itself": lambda a, u, i, j, w, g: put(a, a[0:3, 0:5], i, j),
    "whole of itself, in a batch, beside itself": lambda a, u, i, j, w, g: whole(t(w[:120].reshape(4, 5, 6)), g[:4]),
    "windows exchanged": lambda a, u, i, j, w, g: put(
        put(a, lax.dynamic_slice(a, (j, i), (2, 9)), i, i), lax.dynamic_slice(a, (i, i), (2, 9)), j, i
    ),
    "beside itself": lambda a, u, i, j, w, g: (t(a), put(t(a), u, i, j), beside(w, i, j)),
    "beside its rows": lambda a, u, i, j, w, g: (t(a)[1:3], put(t(a), u, i, j), beside(w, i, j)),
    "beside its columns": lambda a, u, i, j, w, g: (t(a)[:, 1:3], put(t(a), u, i, j), beside(w, i, j)),
    "beside its window": lambda a, u, i, j, w, g: (
        t(lax.dynamic_slice(t(a), (i, j), (2, 2))), put(t(a), u, i, j), beside(w, i, j)
    ),
    "beside its copies": lambda a, u, i, j, w, g: (
        jnp.concatenate([t(a), t(a)]), put(t(a), u, i, j), beside(w, i, j)
    ),
    "beside its padding": lambda a, u, i, j, w, g: (jnp.pad(t(a), 1), put(t(a), u, i, j), beside(w, i, j)),
    "beside itself inserted": lambda a, u, i, j, w, g: (
        put(zeros(7, 40), t(a), i, j), put(t(a), u, i, j), beside(w, i, j)
    ),
    "argument, beside itself": lambda a, u, i, j, w, g: (a, put(a, u, i, j), beside(w, i, j)),
    "in a place, beside itself": lambda a, u, i, j, w, g: (t(a), t(a).at[1:3, 1:11].set(u), t(w)[g]),
    "two of one": lambda a, u, i, j, w, g: (put(t(a), u, j, i), put(t(a), u, i, j), t(a)),
    "two of zeros": lambda a, u, i, j, w, g: (
        zeros(5, 31).astype(a.dtype).at[g[:3]].add(a[:3]), zeros(5, 31).astype(a.dtype).at[g[3:]].add(a[:3]), t(w)[g], t(a)
    ),
    "two of counting": lambda a, u, i, j, w, g: (
        put(jnp.arange(155.0).astype("float32").reshape(5, 31), u, i, j),
        put(jnp.arange(155.0).astype("float32").reshape(5, 31), u, j, i), beside(w, i, j),
    ),
    "added, beside itself": lambda a, u, i, j, w, g: (t(a), t(a).at[g[:3]].add(2.0), beside(w, i, j)),
    "in a part": lambda a, u, i, j, w, g: a[1:4, 0].at[at_most(g[1:4], 2)].set(u[0, :3], unique_indices=True),
    "in a dynamic part": lambda a, u, i, j, w, g: lax.dynamic_slice(w, (i,), (31,)).at[at_most(g[:3], 30)].add(
        u[0, :3], unique_indices=True
    ),
    "in a part, in a loop": lambda a, u, i, j, w, g: lax.fori_loop(
        0, 3, lambda k, c: jnp.concatenate([c[:30].at[at_most(g[:3] + k, 29)].add(c[:3], unique_indices=True), c[30:]]), w
    ),
    "in a loop of one trip, returned as it was": lambda a, u, i, j, w, g: (t(a), row_written(t(a))),
    "in a loop, from outside": lambda a, u, i, j, w, g: lax.fori_loop(
        0, 3, lambda k, c: c + put(t(a), u, i + k, j), a
    ),
    "in a loop, row by row": lambda a, u, i, j, w, g: lax.fori_loop(
        1, 5, lambda k, y: y.at[k].set(t(y[k - 1]) + 1), a
    ),
    "in a loop, beside its row": lambda a, u, i, j, w, g: lax.fori_loop(
        1, 5, lambda k, c: (c[0].at[k].set(w[:31] * k), c[1] + c[0][k], t(c[2])), (a, a[0], w)
    ),
}  # fmt: skip
INSERTED = {
    "gaps, inserted": lambda s, v, i: put(zeros(6, 8), gaps(s), i, i),
    "gaps, computed before": lambda s, v, i: put(zeros(6, 8), gaps(t(s)), i, i),
    "gaps, padded": lambda s, v, i: pad(gaps(s), ((1, 2, 0), (1, 1, 0))),
    "inserted, gaps": lambda s, v, i: gaps(put(zeros(6, 8), s, i, i)),
    "inserted, reshaped, gaps": lambda s, v, i: gaps(put(zeros(6, 8), s, i, i).reshape(4, 12)),
    "padded, gaps": lambda s, v, i: gaps(jnp.pad(s, 2)),
    "gaps, cut": lambda s, v, i: pad(s, ((-1, -1, 2), (1, -2, 1)), 1),
    "gradient of windows with steps": jax.grad(
        lambda s, v, i: t(lax.dynamic_slice(v, (i, i), (3, 6))[::2, ::3]).sum(), 1
    ),
}


def loop(x, each=t):
    return lax.fori_loop(0, 3, lambda k, x: each(x), x)


def beside_loop(x):
    return loop(x) + t(x)


def swap(x, y):
    """What a loop makes of two values that change places."""
    return sum(lax.fori_loop(0, 3, lambda k, s: (s[1], t(s[0])), (x, y)))


def exchange(x, y):
    """What a loop makes of two values of which one takes the other's place."""
    return sum(lax.fori_loop(0, 3, lambda k, s: (s[1] + s[0], s[0]), (x, y)))


def queue(x, y):
    """`swap`, until it is enough."""
    few = lambda s: (s[0] + s[1]).sum() < 3.0  # noqa: E731
    return sum(lax.while_loop(few, lambda s: (s[1], t(s[0]) + 0.2), (x, y)))


def inside(function):
    """A loop whose body is `function`, of what the loop carries."""
    return lambda a, g: lax.fori_loop(0, 3, lambda k, a: function(a, g), a)


BEGINNINGS = {
    "itself": lambda a, g: loop(t(a)) + t(a),
    "folded": lambda a, g: loop(t(a)).sum() + (t(a) * 2).sum(1),
    "reshaped": lambda a, g: loop(t(a).reshape(31, 5)).sum() + t(a),
    "further": lambda a, g: loop(t(t(a)) * 2) + t(a),
    "normalised": lambda a, g: loop(jax.nn.softmax(a)) + jnp.exp(a - a.max(1, keepdims=True)),
    "beside its like": lambda a, g: loop(t(a) * 2) + t(a) * 3,
    "in two loops": lambda a, g: loop(t(a)) + loop(t(a), jnp.sin) + t(a),
    "carried and read": lambda a, g: loop(t(a), lambda x: t(x) + t(a)) + t(a),
    "changing places": lambda a, g: swap(t(a), t(a) + 1) + t(a),
    "the same, changing places": lambda a, g: swap(t(a), t(a)) + t(a),
    "the same, changing and moved": lambda a, g: exchange(t(a), t(a)) + t(a),
    "carried, changing places until enough": inside(lambda a, g: queue(a, a) * 0.1),
    "cut": lambda a, g: loop(t(a)[1:4]).sum() + t(a),
    "gathered": lambda a, g: loop(t(a)[g])[:5] + t(a),
    "joined": lambda a, g: loop(jnp.concatenate([t(a), t(a)]))[:5] + t(a),
    "updated": lambda a, g: loop(t(a).at[1:3].set(0)) + t(a),
    "of a loop": lambda a, g: loop(loop(a)) + t(loop(a)),
    "of a branch": lambda a, g: beside_loop(lax.cond(g[0] > 0, lambda: t(a), lambda: a)),
    "in a branch": lambda a, g: lax.cond(g[0] > 0, lambda: loop(t(a)) + t(a), lambda: a),
    "in a loop": inside(lambda a, g: loop(t(a)) + t(a)),
    "carried by the loop around": inside(lambda a, g: loop(a) + t(a)),
    "carried by the loop around, reshaped": inside(lambda a, g: loop(a.reshape(155, 1)).reshape(5, 31) + t(a)),
    "in a loop, changing places": inside(lambda a, g: swap(t(a), t(a)) + t(a)),
    "in a loop, of a loop": inside(lambda a, g: loop(loop(a)) + t(loop(a))),
    "in a loop, summed on": inside(lambda a, g: loop(jnp.cumsum(a, 1) * 0.1, lambda x: jnp.cumsum(x, 0) * 0.1) + t(a)),
}  # fmt: skip


def pooled(shape, window, steps, padding=None):
    padding = padding or ((0, 0),) * len(shape)
    return traced(
        f"pooled {shape} by {window}/{steps}, {padding}",
        lambda x: lax.reduce_window(x, np.array(0, x.dtype), lax.add, window, steps, padding),
        sample(shape),
        ulps=8,
        floor=2e-6,
    )


def convolved(shape, kernel, steps, padding=((0, 0), (0, 0))):
    dims = ("NHWC", "HWIO", "NHWC")
    return traced(
        f"convolved {shape} by {kernel}/{steps}",
        lambda x, k: lax.conv_general_dilated(x, k, steps, padding, dimension_numbers=dims),
        sample(shape),
        sample(kernel, seed=1),
        ulps=8,
        floor=2e-6,
    )


def numbers(x, others):
    """Each of the one before: more results than a dispatch can have."""
    found = [x]
    for k in range(40):
        found.append(jnp.sin(found[-1]) * 0.5 + others[k])
    return found


def number_raised(a, u):
    """A single number with more dimensions than what it is sliced from, used twice."""
    x = lax.reshape(lax.slice(t(a).reshape(155), (0,), (1,)), (1, 1))
    return jnp.clip(x, -1, 1) + u, -lax.optimization_barrier(x)


def cases() -> Iterator[Case]:
    """One case of each: `make test` runs them all."""
    for name, function in UPDATES.items():
        yield traced(f"update {name}/float32", function, A, U, ONE, TWO, W, G, ulps=8, floor=2e-6)
    batch = sample((3, 6), "uint32"), np.array([0, 1, 1], np.int32)
    yield traced("update window of itself, batched/uint32", shifted_by_batch, *batch)
    for name, function in BEGINNINGS.items():
        yield traced(
            f"loop that begins with what is used, {name}/float32",
            function,
            A,
            G,
            ulps=32,
            floor=4e-6,
        )
    for name, function in INSERTED.items():
        yield traced(f"{name}/float32", function, S, V, ONE, ulps=8, floor=2e-6)
    yield traced("many numbers/float32", lambda w: numbers(w[0], w[1:]), W, ulps=8, floor=2e-6)
    yield traced("number sliced, in a higher rank/float32", number_raised, A, U, floor=2e-6)
    yield pooled((4, 2), (2, 2), (2, 2), ((0, 0), (1, 0)))
    yield pooled((4, 3, 4), (1, 2, 2), (2, 2, 2))
    yield convolved((2, 4, 3, 2), (2, 2, 2, 3), (2, 2))
    yield convolved((1, 3, 3, 1), (2, 2, 1, 1), (2, 2))
    kernel = sample((3, 1, 6), seed=1)
    dims = ("NC0", "0IO", "NC0")
    yield traced(
        "gradient of a convolution in one dimension, in groups/float32",
        jax.grad(
            lambda x, k: t(
                lax.conv_general_dilated(x, k, [2], [(1, 0)], dimension_numbers=dims, feature_group_count=3)
            ).sum(),
            (0, 1),
        ),
        sample((3, 3, 17)),
        kernel,
        floor=1e-5,
    )  # fmt: skip
    yield traced(
        "scatter of maxima in batches/float16",
        jax.vmap(lambda x, y, i: x.at[i].max(y), (None, 1, 1)),
        sample((1, 3), "float16"),
        sample((7, 4, 3), "float16"),
        np.zeros((7, 4), np.int32),
    )
