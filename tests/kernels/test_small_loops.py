"""Small loops by one worker: the same as JAX's, whatever a trip does, and no other loops are left."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export, lax

import slopec as sp
from slopec import ir
from slopec.build import LEGALIZE, transform
from slopec.emit import resolve
from slopec.kernels import place_kernels
from slopec.passes import parse_pipeline, run_pipeline
from tests.kernels.run import HOST

LEFT_ALONE = LEGALIZE.replace("block-loops", "block-loops{hand-written}")


def draw(*shape, dtype=np.float32):
    return np.random.default_rng(shape).standard_normal(shape).astype(dtype)


def whole(below, *shape):
    return np.random.default_rng(shape).integers(0, below, shape, np.int32)


def times(n, step, *start):
    """What `start` is after n steps."""
    return lax.fori_loop(0, n, lambda i, state: step(i, *state), start)


def newton(x):
    def unsettled(state):
        return jnp.abs(state[0] - state[1]) > 1e-6

    return lax.while_loop(unsettled, lambda s: ((s[0] + x / s[0]) / 2, s[0]), (x, 0 * x))[0]


def collatz(n):
    def step(state):
        n, count = state
        return jnp.where(n % 2 == 0, n // 2, 3 * n + 1), count + 1

    return lax.while_loop(lambda s: s[0] != 1, step, (n, 0))


def xorshift(x):
    def step(_, x, total):
        x = x ^ (x << 13)
        x = x ^ (x >> 17)
        x = x ^ (x << 5)
        unit = lax.bitcast_convert_type((x >> 9) | np.uint32(0x3F800000), jnp.float32)
        return x, total + unit - 1

    return times(50, step, x, jnp.zeros(x.shape))


def pivots(p):
    def step(i, order):
        j = p[i]
        a, b = order[i], order[j]
        return (order.at[i].set(b).at[j].set(a),)

    return times(len(p), step, jnp.arange(len(p), dtype=jnp.int32))


def smoothed(xs, *, reverse):
    def step(h, x):
        h = 0.9 * h + 0.1 * x
        return h, (h, h.sum(), h[:3])

    return lax.scan(step, jnp.zeros(xs.shape[1:]), xs, reverse=reverse)


def recurrent(w, u, xs):
    return lax.scan(lambda h, x: (jnp.tanh(h @ w + u @ x), h), jnp.zeros(w.shape[0]), xs)


def bubbles(x):
    def inner(j, x):
        a, b = x[j], x[j + 1]
        return (x.at[j].set(jnp.minimum(a, b)).at[j + 1].set(jnp.maximum(a, b)),)

    return times(len(x), lambda i, x: times(len(x) - 1, inner, x), x)


def fibonacci(a, b):
    return times(7, lambda i, a, b: (b, a + b), a, b)


def folds(x):
    def step(i, x, largest, where, total):
        y = x * (i + 1.0)
        largest = jnp.maximum(largest, y.max(0))
        where = where + y.argmax(1).astype(jnp.int32) + y.argmin()
        return x, largest, where, total + jnp.prod(jnp.abs(y), 1).sum() + (y > 1).any(0).sum()

    return times(3, step, x, x[0], jnp.zeros(x.shape[0], jnp.int32), 0.0)


def shifted(h, xs):
    def step(h, x):
        h = jnp.concatenate([h[1:], x[None] * 2])
        padded = jnp.pad(h, ((1, 2), (0, 1)), constant_values=0.5)
        return h, (padded.sum(0), jnp.roll(h, 1, 0) - h[::-1], h[:, ::2].T)

    return lax.scan(step, h, xs)


def looked_up(table, places):
    def step(i, total, counts):
        rows = table[(places + i) % len(table)]
        counts = counts.at[places * 2 - 3].add(i + 1, mode="drop")
        picked = jnp.take_along_axis(table, places[None, :5] % table.shape[1], 1)
        return total + rows.sum() + picked.sum(), counts

    return times(5, step, 0.0, jnp.zeros(17, jnp.int32))


def products(a, b):
    def step(_, a, b, c):
        c = c + jnp.einsum("bij,bjk->bik", jnp.stack([a, b]), jnp.stack([b, a.T])).sum(0)
        return a @ b / 4, b.T * 0.5, c

    return times(4, step, a, b, jnp.zeros(a.shape))


def integers(x, y):
    def step(i, total, x):
        made = lax.div(x, y) + lax.rem(x, y) + (x << y) + (x >> y) + lax.shift_right_logical(x, y)
        made = made + lax.population_count(x) + lax.clz(x) + jnp.sign(x) - jnp.abs(y) + ~x
        return total + made, jnp.clip(x + 1, -5, 100)

    return times(3, step, x * 0, x)


def extremes(x):
    def step(i, x, a, b):
        finite = jnp.isfinite(x).astype(jnp.float32)
        return x * 1.0, jnp.maximum(a, x).max() + a, jnp.minimum(b, x) + finite + jnp.sign(b)

    return times(2, step, x, x * 0, x)


def lorenz(state):
    def slope(s):
        x, y, z = s[0], s[1], s[2]
        return jnp.stack([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z])

    def step(_, s):
        a = slope(s)
        b = slope(s + 0.005 * a)
        c = slope(s + 0.005 * b)
        d = slope(s + 0.01 * c)
        return (s + 0.01 / 6 * (a + 2 * b + 2 * c + d),)

    return times(20, step, state)


def life(board):
    def step(_, board):
        near = sum(
            jnp.roll(board, (i, j), (0, 1)).astype(jnp.int8)
            for i in (-1, 0, 1)
            for j in (-1, 0, 1)
            if (i, j) != (0, 0)
        )
        return ((near == 3) | (board & (near == 2)),)

    return times(9, step, board)


def overwritten(x):
    """What is overwritten is read behind, before, and by what is computed behind."""

    def step(i, x, a, b, c):
        doubled = x * 2
        y = x.at[i].set(a.sum() + x[i])
        return y, a + x, b + doubled[::-1] + y, c.at[i].set(c[i - 1] + 1).at[0].add(c[2])

    return times(4, step, x, x * 0, x * 0, jnp.arange(6.0))


def rows_before(xs):
    def step(i, ys):
        row = lax.dynamic_index_in_dim(ys, i - 1, keepdims=False)
        return (lax.dynamic_update_index_in_dim(ys, row * 2 + 1, i, 0),)

    return lax.fori_loop(1, len(xs), lambda i, ys: step(i, ys)[0], xs)


def outside(xs):
    """Slices that begin outside are moved inside."""

    def step(i, total, ys):
        part = lax.dynamic_slice(xs, (5 * i - 4, i), (3, 4))
        return total + part, lax.dynamic_update_slice(ys, part, (7 * i - 9, 2 * i))

    return times(5, step, jnp.zeros((3, 4)), xs)


def narrow(x, y):
    return times(9, lambda i, x, y: (x * 3 + 7, y * y + x.astype(jnp.uint8)), x, y)


def decaying(x):
    def step(i, x, n):
        y = lax.while_loop(lambda y: y.max() > 1, lambda y: y * 0.5, x + i)
        return y, n + jnp.log1p(jnp.exp(y)).astype(jnp.float32).sum()

    return times(4, step, x, 0.0)


def never(x):
    return lax.while_loop(lambda s: s[0] > 9, lambda s: (s[0] + 1, s[1] * 2), (0, x))


def weighted(xs):
    """Constants of many numbers, and a fold of more than an op."""
    weights = np.linspace(-1, 1, 21).astype("f")

    def step(h, x):
        h = jnp.sort(jnp.stack([h[0] * weights[:3].sum(), (x * weights).max(), x @ weights]))
        return h, lax.reduce(x, jnp.float32(0), lambda a, b: a + b + a * b, (0,))

    return lax.scan(step, jnp.zeros(3), xs)


def rotations(x):
    """Rows and columns are written over while slices of them are computed with."""

    def step(i, x):
        a, b = x[i], x[i + 1]
        x = lax.dynamic_update_slice(x, jnp.stack([a + b, a - b]) * 0.7, (i, 0))
        c, d = x[:, i], x[:, i + 1]
        return (lax.dynamic_update_slice(x, jnp.stack([d, c], 1) * 0.9, (0, i)),)

    return times(6, step, x)


def overtaken(x):
    """Rows are read once more after they were written over."""

    def step(i, x, total):
        old = x[i % 4]
        new = x.at[i % 4].set(old * 0.5 + 1)
        return new, total + old * new[(i + 3) % 4] + jnp.sum(x)

    return times(9, step, x, jnp.zeros(x.shape[1:]))


def filtered(observed, moves, sees):
    """A Kalman filter, whose matrix is inverted by routines of which larger ones are kernels."""

    def step(state, y):
        mean, spread = moves @ state[0], moves @ state[1] @ moves.T + 0.1 * jnp.eye(4)
        gain = spread @ sees.T @ jnp.linalg.inv(sees @ spread @ sees.T + 0.1 * jnp.eye(2))
        mean = mean + gain @ (y[:2] - sees @ mean)
        return (mean, spread - gain @ sees @ spread), mean

    return lax.scan(step, (jnp.zeros(4), jnp.eye(4)), observed)


def drawn(key):
    """Random numbers of keys that are split; they are scalars that take turns."""
    keys = jax.random.split(key, 4)
    return lax.scan(lambda x, k: (x + jax.random.normal(k, (8,)), x), jnp.zeros(8), keys)


def walked(x):
    """What is moved, read twice and moved again."""

    def step(_, x):
        for _ in range(12):
            left, right = jnp.tanh(x)[:, :4], jnp.tanh(x)[:, 4:]
            x = jnp.concatenate([left + right, left - right], 1)
            x = x[:, ::-1] + x[::-1]
        return (x * 0.1,)

    return times(3, step, x)


CASES = {
    "newton": (newton, (np.float32(7),)),
    "collatz": (collatz, (np.int32(27),)),
    "xorshift": (xorshift, (np.arange(1, 20, dtype=np.uint32),)),
    "pivots": (pivots, (np.array([3, 3, 2, 5, 4, 5, 6], np.int32),)),
    "pivots of many": (jax.vmap(pivots), (whole(8, 400, 8),)),
    "smoothed": (lambda xs: smoothed(xs, reverse=False), (draw(40, 21),)),
    "reversed": (lambda xs: smoothed(xs, reverse=True), (draw(7, 33),)),
    "recurrent": (recurrent, (0.3 * draw(19, 19), draw(19, 5), draw(6, 5))),
    "bubbles": (bubbles, (draw(11),)),
    "fibonacci": (fibonacci, (draw(5, 4), draw(4, 5).T.copy())),
    "folds": (folds, (draw(5, 37),)),
    "shifted": (shifted, (draw(4, 18), draw(6, 18))),
    "looked_up": (looked_up, (draw(9, 20), whole(9, 16))),
    "products": (products, (draw(18, 18) / 4, draw(18, 18) / 3)),
    "integers": (
        integers,
        (
            np.array([7, -7, -(2**31), 5, 0, 2**30], np.int32),
            np.array([2, 3, -1, 0, 40, 31], np.int32),
        ),
    ),
    "extremes": (extremes, (np.array([1, np.nan, -np.inf, 0.5, -2], np.float32),)),
    "lorenz": (lorenz, (np.ones(3, np.float32),)),
    "life": (life, (draw(12, 17) > 0,)),
    "overwritten": (overwritten, (draw(6),)),
    "rows_before": (rows_before, (draw(6, 20),)),
    "outside": (outside, (draw(9, 10),)),
    "narrow": (narrow, (np.arange(5, dtype=np.int8), np.arange(5, dtype=np.uint8))),
    "decaying": (decaying, (np.abs(draw(3, 7)) + 3,)),
    "weighted": (weighted, (draw(4, 21),)),
    "never": (never, (draw(3),)),
    "rotations": (rotations, (draw(7, 8),)),
    "overtaken": (overtaken, (draw(4, 18),)),
    "filtered": (filtered, (draw(9, 4), 0.3 * draw(4, 4), draw(2, 4))),
    "drawn": (drawn, (np.uint32([1, 7]),)),
    "walked": (walked, (draw(5, 8),)),
}


def together(*given):
    """The results of all cases, of all their inputs one after the other."""
    rest = iter(given)
    with jax.enable_x64(False):
        return [function(*(next(rest) for _ in inputs)) for function, inputs in CASES.values()]


GIVEN = [value for _, inputs in CASES.values() for value in inputs]


@pytest.fixture(scope="module")
def exported():
    types = [jax.ShapeDtypeStruct(np.shape(x), np.asarray(x).dtype) for x in GIVEN]
    with jax.enable_x64(False):
        return sp.from_stablehlo(export.export(jax.jit(together))(*types).mlir_module())


def test_loops_are_those_of_jax(exported):
    found = iter(sp.jit(exported)(*map(sp.tensor, GIVEN)))
    for name, expected in zip(CASES, jax.jit(together)(*GIVEN), strict=True):
        for leaf in jax.tree.leaves(expected):
            ours = next(found).numpy()
            assert ours.dtype == leaf.dtype, name
            np.testing.assert_allclose(ours, leaf, rtol=3e-5, atol=1e-5, err_msg=name)


def with_kernels(function, given):
    module = sp.jit(function).lower(*map(sp.tensor, given))
    transform(module)
    run_pipeline(module, parse_pipeline(LEFT_ALONE))
    place_kernels(module, resolve(HOST))
    ir.verify(module)
    return module


def test_all_of_them_become_kernels(exported):
    assert not ir.ops_in(with_kernels(exported, GIVEN), "stablehlo.while")


def test_loops_of_more_than_can_be_bound_stay():
    def main(*xs):
        def step(_, state):
            return tuple(x + 2 * y for x, y in zip(state, state[1:] + state[:1], strict=True))

        return lax.fori_loop(0, 5, step, xs)

    for count, left in ((8, 0), (20, 1)):
        given = [draw(3) + k for k in range(count)]
        imported = sp.from_stablehlo(export.export(jax.jit(main))(*given).mlir_module())
        assert len(ir.ops_in(with_kernels(imported, given), "stablehlo.while")) == left
        found = sp.jit(imported)(*map(sp.tensor, given))
        for ours, theirs in zip(found, jax.jit(main)(*given), strict=True):
            np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-5)


def test_what_is_scattered_into_one_element_stays_a_loop():
    """A number is in no memory that an update could go to; loops within are kernels yet."""

    def step(i, x, places):
        x = x.at[places[i]].set(x[0] * 2 + i, mode="drop")
        return lax.fori_loop(0, i + 2, lambda j, x: jnp.cos(x) * j, x)

    def main(x, places):
        return lax.fori_loop(0, 5, lambda i, x: step(i, x, places), x)

    given = draw(1), np.array([0, 3, -1, 0, 7], np.int32)
    imported = sp.from_stablehlo(export.export(jax.jit(main))(*given).mlir_module())
    module = with_kernels(imported, given)
    assert len(ir.ops_in(module, "stablehlo.while")) == 1
    found = sp.jit(imported)(*map(sp.tensor, given))
    np.testing.assert_allclose(found.numpy(), jax.jit(main)(*given), rtol=1e-6)
