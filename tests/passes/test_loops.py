"""Loops carry what is needed, write rows in place, and compute the same."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import slopec as sp
import slopec_runtime
from slopec import ir, reference, tree
from slopec.build import LEGALIZE, Artifact, transform
from slopec.passes import parse_pipeline, run_pipeline
from tests.transforms.harness import lower

X = np.arange(12.0).reshape(4, 3) + 1.0


def rows(body, *, start=None):
    """A loop over the four rows of x, and the tensor that it carries."""
    return lambda x: lax.fori_loop(
        0, 4, lambda i, s: body(i, s, x), start if start is not None else 0 * x
    )


def placed(i, row, like, k=1):
    return lax.dynamic_update_slice(jnp.zeros_like(like), row.reshape(k, -1), (i, 0))


def cleared(i, s, k=1):
    return lax.dynamic_update_slice(s, jnp.zeros((k, 3)), (i, 0))


def reading(index, clear=None, k=1):
    """Sum the rows at `index(i)`, clearing those at `clear(i)` after."""

    def function(x):
        def step(i, state):
            total, s = state
            row = lax.dynamic_slice(s, (index(i), 0), (k, 3)).sum(0)
            return total + row, cleared((clear or index)(i), s, k)

        return lax.fori_loop(0, 4, step, (jnp.zeros(3), x))[0]

    return function


def dead(x):
    """A loop of which one result is read, and that does not depend on the other."""
    return lax.fori_loop(0, 4, lambda i, s: (jnp.sin(s[0]), s[1] * s[0]), (x, x))[0]


def needed_later(x):
    """A loop of which one result is read, which depends on the other."""
    return lax.fori_loop(0, 4, lambda i, s: (jnp.sin(s[1]), s[1] * 2.0), (x, x))[0]


def nested(x):
    """What the inner loop does not need, the outer does not either."""

    def inner(s):
        return lax.fori_loop(0, 3, lambda i, t: (jnp.sin(t[0]), t[1] + t[0], t[2]), s)

    return lax.fori_loop(0, 4, lambda i, s: inner((s, x, x * 3.0))[0], x)


def alike(x):
    """Two counters and two stacks that go the same way."""

    def step(i, state):
        j, a, b = state
        row = lax.dynamic_slice(x, (i, 0), (1, 3)) * 2.0
        return (
            j + 1,
            lax.dynamic_update_slice(a, row, (i, 0)),
            lax.dynamic_update_slice(b, row, (j, 0)),
        )

    zero = 0 * jnp.ones((4, 3))
    return lax.fori_loop(0, 4, step, (0, zero, zero))[1:]


def turned_otherwise(x):
    """Two matrices of which a trip turns the rows of one and the columns of the other."""
    return lax.fori_loop(0, 3, lambda i, s: (lax.rev(s[0], (0,)), lax.rev(s[1], (1,))), (x, x))


def outputs(read, reverse=False):
    """What is read of the outputs of a scan, besides the last state."""

    def function(x):
        state, ys = lax.scan(lambda s, row: (s + row, s * row), x[0], x, reverse=reverse)
        return state, read(ys)

    return function


Z = np.zeros((4, 3))
CASES = {
    # name: function, and how often ops are left: (carried tensors, adds of whole tensors)
    "add to a row": (rows(lambda i, s, x: s + placed(i, x[0] * i, x), start=Z), {"whole adds": 0}),
    "add to a row, other order": (rows(lambda i, s, x: placed(i, x[0], x) + s, start=Z), {"whole adds": 0}),
    "add to a row of something": (rows(lambda i, s, x: s + placed(i, x[0], x), start=X), {"whole adds": 1}),
    "add to a row from -0": (rows(lambda i, s, x: s + placed(i, x[0] * -0.0, x), start=-Z), {"whole adds": 1}),
    "read then clear": (reading(lambda i: i), {"updates": 0}),
    "clear what is read later": (reading(lambda i: i, lambda i: 3 - i), {"updates": 1}),
    "clear two rows, of which one is read later": (reading(lambda i: i, k=2), {"updates": 1}),
    "clear the same row": (reading(lambda i: i * 0), {"updates": 1}),
    "clear past the end": (reading(lambda i: i + 2), {"updates": 1}),
    "dead": (dead, {"carried": 2}),
    "needed later": (needed_later, {"carried": 3}),
    "nested": (nested, {"carried": 4}),
    "alike": (alike, {"carried": 2}),
    "alike but for how they turn": (turned_otherwise, {"carried": 3}),
    "last row": (outputs(lambda ys: ys[-1] + ys[-1, :1]), {"updates": 0}),
    "last row, from the end": (outputs(lambda ys: ys[0, 1:], reverse=True), {"updates": 0}),
    "another row too": (outputs(lambda ys: ys[-1] + ys[0]), {"updates": 1}),
    "rows until the last": (outputs(lambda ys: ys[2:]), {"updates": 1}),
}  # fmt: skip


def counts(module):
    found = {"carried": 0, "whole adds": 0, "updates": 0}

    for op in ir.ops_in(module):
        found["carried"] += len(op.operands) if op.name == "stablehlo.while" else 0
        found["updates"] += op.name == "stablehlo.dynamic_update_slice"
        whole = op.name == "stablehlo.add" and ir.type_of(op.results[0])[0] == (4, 3)
        found["whole adds"] += whole
    return found


@pytest.mark.parametrize("name", CASES)
def test_loops_become_slim(name):
    function, left = CASES[name]
    module = ir.parse(lower(function, X))
    before = reference.evaluate(module, "main", X)
    run_pipeline(module, parse_pipeline("inline,simplify,canonicalize,cse,slim-loops,cse"))
    ir.verify(module)

    found = counts(module)
    assert {key: found[key] for key in left} == left
    for mine, expected in zip(reference.evaluate(module, "main", X), before, strict=True):
        assert mine.tobytes() == expected.tobytes()
    for mine, expected in zip(before, jax.tree.leaves(function(X)), strict=True):
        np.testing.assert_allclose(mine, expected)


def test_the_gradient_of_a_scan_touches_one_row_at_a_time():
    def loss(xs):
        _, ys = sp.scan(lambda c, x: (sp.tanh(c * x), sp.sin(c)), xs[0], xs)
        return (ys * ys).sum()

    module = sp.jit(sp.grad(loss)).lower(sp.tensor(X))
    transform(module)
    text = str(module)

    # forward, the stacks of ys, of c and of the tanh; backward, the sum of the cotangents of xs
    assert text.count("dynamic_update_slice ") == 4
    inside = [line for line in text.splitlines() if line.startswith("      ")]
    assert not [line for line in inside if "stablehlo.add" in line and "tensor<4x3" in line]


# --- blocks ----------------------------------------------------------------------------------


def recurrent(x):
    """Rows read, made, and summed, from the first and from the last, in other types too."""

    def step(carry, row):
        h, n = carry
        h = jnp.tanh(h * row + 0.5)
        return (h, n + 1), (h, h.sum(), n, h > 0)

    up = lax.scan(step, (x[0], 0), x)
    down = lax.scan(step, (x[0], 5), x, reverse=True)
    return up, down


def own_row(x):
    """An update that reads what it overwrites."""

    def double(i, s):
        return lax.dynamic_update_slice(s, 2.0 * lax.dynamic_slice(s, (i, 0), (1, 3)), (i, 0))

    return lax.fori_loop(0, len(x), double, x)


def row_before(x):
    """A row read that another iteration wrote."""
    return lax.fori_loop(1, len(x), lambda i, s: s.at[i].add(s[i - 1]), x)


def two_places(x):
    """A tensor of which two rows are written."""
    return lax.fori_loop(0, len(x), lambda i, s: s.at[i].set(1.0).at[0].set(2.0), x)


def double(x):
    """A loop in a loop, each long."""
    rows = lambda c, row: (c, lax.scan(lambda d, v: (d + v, d * v), c, row)[1])  # noqa: E731
    return lax.scan(rows, 1.0, jnp.concatenate([x, x], 1) @ jnp.ones((6, 40)))


BLOCKED = {
    "recurrent": (recurrent, 2),
    "own row": (own_row, 1),
    "row before": (row_before, 0),
    "two places": (two_places, 0),
    "in a loop": (double, 2),
}


@pytest.mark.parametrize("count", [31, 32, 37, 48, 100])
@pytest.mark.parametrize("name", BLOCKED)
def test_long_loops_run_in_blocks(name, count):
    function, loops = BLOCKED[name]
    x = np.random.default_rng(0).normal(size=(count, 3))
    module = ir.parse(lower(function, x))
    run_pipeline(module, parse_pipeline("inline,simplify,canonicalize,cse,slim-loops,cse"))
    before, expected = str(module).count("while("), reference.evaluate(module, "main", x)
    run_pipeline(module, parse_pipeline("block-loops"))
    ir.verify(module)

    more = str(module).count("while(") - before
    if count == 31 and name != "in a loop":
        assert more == 0
    elif count == 48:
        assert more == loops
    for mine, other in zip(reference.evaluate(module, "main", x), expected, strict=True):
        assert mine.tobytes() == other.tobytes()


@pytest.mark.parametrize("device", ["local-sync", "local-task"])
def test_blocks_compile(device, monkeypatch):
    monkeypatch.setattr(Artifact, "load", lambda self, *_: slopec_runtime.load(self.data, device))
    draw = np.random.default_rng(0).normal(size=(100, 3)).astype(np.float32)

    def loss(m, scan):
        def function(w, xs):
            step = lambda h, x: (m.tanh(w @ h + x), h * x)  # noqa: E731
            last, ys = scan(step, xs[0], xs)
            last, more = scan(step, last, xs[:37], reverse=True)
            return (last**2).sum() + (ys**2).sum() + (more**2).sum()

        return function

    w = draw[:3] / 3
    found = sp.jit(sp.value_and_grad(loss(sp, sp.scan), argnums=(0, 1)))(w, draw)
    expected = jax.value_and_grad(loss(jnp, lax.scan), argnums=(0, 1))(w, draw)
    for mine, other in zip(tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(mine.numpy(), other, rtol=2e-4, atol=1e-4)


def test_loops_with_effects_stay():
    text = """
    func.func @main(%x: tensor<3xf32>) -> tensor<3xf32> {
      %c0 = stablehlo.constant dense<0> : tensor<i32>
      %c1 = stablehlo.constant dense<1> : tensor<i32>
      %c4 = stablehlo.constant dense<4> : tensor<i32>
      %0:2 = stablehlo.while(%i = %c0, %s = %x) : tensor<i32>, tensor<3xf32>
      cond {
        %t = stablehlo.compare LT, %i, %c4 : (tensor<i32>, tensor<i32>) -> tensor<i1>
        stablehlo.return %t : tensor<i1>
      } do {
        %j = stablehlo.add %i, %c1 : tensor<i32>
        %y = stablehlo.custom_call @print(%s) {has_side_effect = true}
          : (tensor<3xf32>) -> tensor<3xf32>
        stablehlo.return %j, %y : tensor<i32>, tensor<3xf32>
      }
      return %x : tensor<3xf32>
    }
    """
    module = ir.parse(text)
    run_pipeline(module, parse_pipeline("slim-loops"))

    assert "@print" in str(module)


def test_barriers_leave_loops_before_iree_sees_them():
    step = sp.checkpoint(lambda c, x: (sp.tanh(c * x), c))
    loss = lambda x: sp.scan(step, x[0], x)[0].sum()  # noqa: E731
    module = sp.jit(sp.grad(loss)).lower(sp.tensor(X))
    run_pipeline(module, parse_pipeline("derive,inline,symbol-dce,cse"))
    assert "optimization_barrier" in str(module)

    run_pipeline(module, parse_pipeline(LEGALIZE))
    (function,) = ir.functions(module)
    outside = [op.name for op in ir.body_of(function).operations]
    assert "stablehlo.while" in outside
    barriers = outside.count("stablehlo.optimization_barrier")
    assert str(module).count("stablehlo.optimization_barrier") == barriers


def repeated(x):
    """Loops until something holds, and other ways of counting: what is computed anew is not read."""
    once = lambda c: (c[0] + 1, c[0].sum())  # noqa: E731
    until = lambda y, most: lax.while_loop(lambda c: c[1] < most, once, (y, y[0, 0] * 0))  # noqa: E731
    row = lambda c, step: (c[0] + step, x[c[0]], c[2] + x[c[0]])  # noqa: E731
    first = lambda i: (jnp.int32(i), x[0], x[1])  # noqa: E731
    return (
        until(x, 40),
        lax.while_loop(
            lambda c: c[1] < 90, lambda c: (c[0] + 1, until(c[0], 9)[0].sum()), (x, 0.0)
        ),
        lax.while_loop(lambda c: ~c[1], lambda c: (c[0] + 1, c[0].sum() > 90), (x, False)),
        lax.while_loop(lambda c: c[0] >= 0, lambda c: row(c, -1), first(3)),
        lax.while_loop(lambda c: c[0] <= 2, lambda c: row(c, 1), first(0)),
        lax.while_loop(lambda c: c[0] != 2, lambda c: row(c, 1), first(0)),
    )


def test_loops_that_read_nothing_of_what_they_carry_compile():
    x = X.astype(np.float32)
    module = ir.parse(lower(lambda y: jax.tree.leaves(repeated(y)), x))
    expected = reference.evaluate(module, "main", x)
    run_pipeline(module, parse_pipeline("inline,read-carried"))
    for mine, other in zip(reference.evaluate(module, "main", x), expected, strict=True):
        assert mine.tobytes() == other.tobytes()

    compiled = sp.jit(sp.from_stablehlo(str(module)))
    for mine, other in zip(compiled(x), expected, strict=True):
        np.testing.assert_allclose(mine.numpy(), other, rtol=1e-6)


def test_what_is_read_or_counted_stays_as_it_is():
    def counted(x):
        return lax.fori_loop(0, len(x), lambda i, c: (x[i], c[1] + x[i]), (x[0], x[1]))

    for function in (counted, lambda x: lax.while_loop(lambda y: y.sum() < 9, lambda y: 2 * y, x)):
        module = ir.parse(lower(function, X))
        before = str(module)
        run_pipeline(module, parse_pipeline("read-carried"))
        assert str(module) == before


# --- unrolled --------------------------------------------------------------------------------


def swapped(x):
    """Carried tensors that change places, and one that stays."""
    return lax.fori_loop(2, 2 + len(x), lambda i, s: (s[1], s[0] + i * s[2], s[2]), (x, 2 * x, x))


UNROLLED = {**{name: function for name, (function, _) in BLOCKED.items()}, "swapped": swapped}


@pytest.mark.parametrize("count", [1, 5, 6, 11, 16])
@pytest.mark.parametrize("name", UNROLLED)
def test_iterations_run_together(name, count):
    x = np.random.default_rng(count).normal(size=(count, 3))
    module = ir.parse(lower(UNROLLED[name], x))
    run_pipeline(module, parse_pipeline("inline,simplify,canonicalize,cse,slim-loops"))
    before = reference.evaluate(module, "main", x)
    run_pipeline(module, parse_pipeline("unroll-loops{least=0}"))
    ir.verify(module)
    once = str(module)
    for mine, expected in zip(reference.evaluate(module, "main", x), before, strict=True):
        assert mine.tobytes() == expected.tobytes()
    assert "stablehlo.while" not in once or count > 8 or name == "in a loop"


def test_loops_that_gain_nothing_stay():
    def steps(w, x):
        return lax.scan(lambda h, row: (jnp.tanh(h @ w + row), None), x[0], x)[0]

    for width, unrolled in ((8, False), (256, True)):
        w, x = np.ones((width, width)), np.ones((12, 16, width))
        module = ir.parse(lower(steps, w, x))
        before = str(module).count("stablehlo.dot_general")
        run_pipeline(module, parse_pipeline("inline,unroll-loops"))
        assert str(module).count("stablehlo.dot_general") == before * (6 if unrolled else 1)
