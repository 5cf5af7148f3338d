"""Named axes: what members of a batch tell one another, against JAX."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import slopec as sp
from slopec.diagnostics import TransformError
from tests.transforms.test_vmap import arrays, close

jax.config.update("jax_enable_x64", True)

THEIRS = SimpleNamespace(**{**vars(jnp), **vars(jax.lax), **vars(jax)})

X = np.random.default_rng(0).normal(size=(4, 3))
CUBE = np.random.default_rng(1).normal(size=(4, 4, 4))
GRID = np.random.default_rng(2).normal(size=(3, 4, 2))
WEIGHT = np.random.default_rng(3).normal(size=3)
INTS = np.array([[3, 1], [2, 5], [0, -4], [7, 7]], np.int32)
RING = [(0, 1), (1, 2), (2, 3), (3, 0)]


def over(f, **axes):
    """The case that maps `f`, a function of a framework and arguments, over the axis "i"."""
    return lambda m, *args: m.vmap(lambda *xs: f(m, *xs), axis_name="i", **axes)(*args)


def both(f, args, **axes):
    """The case that maps `f` over "j" inside "i"."""

    def run(m, *given):
        inner = m.vmap(lambda *xs: f(m, *xs), axis_name="j", **axes)
        return m.vmap(inner, axis_name="i")(*given)

    return run, args


def loss(m, w, x):
    return m.psum((m.sin(w * x) ** 2).sum(), "i")


def looped(m, x):
    def step(carry, row):
        carry = m.sin(carry) + m.pmean(row * carry, "i")
        return carry, m.psum(carry, "i")

    return m.scan(step, x[0], x)


def halved(m, x):
    return m.while_loop(lambda c: m.psum(c, "i").sum() > 1.0, lambda c: c / 2, m.abs(x))


def branched(m, x):
    shared = m.psum(x.sum(), "i") > 0.0
    return m.cond(shared, lambda x: m.pmax(x, "i"), lambda x: m.psum(x * 2.0, "i"), x)


def own_branches(m, x):
    first = m.axis_index("i") == 0
    return m.cond(first, lambda x: m.psum(x, "i"), lambda x: x - m.pmean(x, "i"), x)


def normalised(m, x):
    """A custom derivative that speaks over the axis itself."""

    @m.custom_vjp
    def centred(x):
        return x - m.pmean(x, "i")

    centred.defvjp(
        lambda x: (centred(x), m.axis_index("i")),
        lambda place, ct: ((ct - m.pmean(ct, "i")) * (place + 2.0),),
    )
    return centred(x)


def forward_rule(m, x):
    @m.custom_jvp
    def summed(x):
        return m.psum(x, "i")

    summed.defjvp(lambda xs, ts: (summed(xs[0]), m.psum(ts[0] * 3.0, "i")))
    return summed(x)


CASES = {
    "psum": (over(lambda m, x: m.psum(x, "i")), (X,)),
    "psum along another axis": (over(lambda m, x: m.psum(x, "i"), in_axes=1, out_axes=1), (X,)),
    "psum, shared": (over(lambda m, x: m.psum(x, "i"), out_axes=None), (X,)),
    "psum of what is shared": (
        over(lambda m, w, x: x + m.psum(w, "i"), in_axes=(None, 0)), (WEIGHT, X)),
    "psum of a tree": (over(lambda m, x: m.psum({"a": x, "b": (x * 2.0,)}, "i")), (X,)),
    "psum of integers": (over(lambda m, x: m.psum(x, "i")), (INTS,)),
    "psum of booleans": (over(lambda m, x: m.psum(x > 2, "i")), (INTS,)),
    "pmean": (over(lambda m, x: x - m.pmean(x, "i")), (X,)),
    "pmax, pmin": (over(lambda m, x: (m.pmax(x, "i"), m.pmin(x, "i"))), (X,)),
    "pmax of integers": (over(lambda m, x: (m.pmax(x, "i"), m.pmin(x, "i"))), (INTS,)),
    "axis_index": (over(lambda m, x: x * m.axis_index("i")), (X,)),
    "axis_index alone": (over(lambda m: m.axis_index("i") * 2, axis_size=5), ()),
    "axis_size": (over(lambda m, x: x * m.axis_size("i")), (X,)),
    "all_gather": (over(lambda m, x: m.all_gather(x, "i")), (X,)),
    "all_gather, last": (over(lambda m, x: m.all_gather(x, "i", axis=1)), (CUBE,)),
    "all_gather, tiled": (over(lambda m, x: m.all_gather(x, "i", axis=1, tiled=True)), (CUBE,)),
    "psum_scatter": (over(lambda m, x: m.psum_scatter(x, "i", scatter_dimension=1)), (CUBE,)),
    "psum_scatter, tiled": (
        over(lambda m, x: m.psum_scatter(m.concat([x, x * x]), "i", tiled=True)), (CUBE,)),
    "all_to_all": (over(lambda m, x: m.all_to_all(x, "i", 1, 0)), (CUBE,)),
    "all_to_all, tiled": (over(lambda m, x: m.all_to_all(x, "i", 0, 1, tiled=True)), (CUBE,)),
    "ppermute": (over(lambda m, x: m.ppermute(x, "i", RING)), (X,)),
    "ppermute, crossed": (
        over(lambda m, x: m.ppermute(x, "i", [(0, 2), (2, 0), (1, 1), (3, 3)])), (X,)),
    "two axes": both(lambda m, x: m.psum(x, ("i", "j")) + m.pmean(x, "j"), (GRID,)),
    "two places": both(lambda m, x: m.axis_index(("i", "j")) + x, (GRID,)),
    "outer axis": both(lambda m, x: m.psum(x, "i") + m.axis_index("i"), (GRID,)),
    "scattered over the outer": both(
        lambda m, x: m.psum_scatter(m.outer(x, x[0] + WEIGHT), "i", scatter_dimension=1), (GRID,)),
    "exchanged over the outer": both(
        lambda m, x: m.all_to_all(m.outer(WEIGHT, x), "i", 0, 1), (GRID,)),
    "permuted over the outer": both(
        lambda m, x: m.ppermute(x, "i", [(0, 1), (1, 0), (2, 2)]), (GRID,)),
    "gradient over both": both(
        lambda m, x: m.grad(lambda x: m.psum(m.sin(x) * m.psum(x, "j"), "i").sum())(x), (GRID,)),
    "a name again": (
        over(lambda m, x: m.vmap(lambda y: y - m.psum(y, "i"), axis_name="i")(x)), (X,)),
    "unnamed inside": (
        over(lambda m, x: m.vmap(lambda y: y - m.psum(m.sin(y), "i"))(x)), (X,)),
    "gradient inside": (over(lambda m, x: m.grad(lambda x: loss(m, WEIGHT, x))(x)), (X,)),
    "gradient of what is shared": (
        over(lambda m, w, x: m.grad(lambda w: loss(m, w, x))(w), in_axes=(None, 0)), (WEIGHT, X)),
    "mean gradient": (
        over(lambda m, w, x: m.pmean(m.grad(lambda w: (m.sin(w * x) ** 2).sum())(w), "i"),
             in_axes=(None, 0), out_axes=None), (WEIGHT, X)),
    "gradient through a gather": (
        over(lambda m, x: m.grad(lambda x: (m.all_gather(x, "i") ** 2 * X).sum())(x)), (X,)),
    "gradient through a scatter": (
        over(lambda m, x: m.grad(
            lambda x: (m.psum_scatter(x, "i") ** 2).sum())(x)), (CUBE,)),
    "gradient through a ring": (
        over(lambda m, x: m.grad(
            lambda x: (m.ppermute(x, "i", RING) * m.axis_index("i") * x).sum())(x)), (X,)),
    "gradient outside": (
        lambda m, w, x: m.grad(lambda w: over(loss, in_axes=(None, 0))(m, w, x).sum())(w),
        (WEIGHT, X)),
    "gradient of a gradient": (
        lambda m, x: m.grad(lambda x: over(
            lambda m, x: m.grad(lambda x: loss(m, WEIGHT, x))(x))(m, x).sum())(x), (X,)),
    "jvp inside": (over(lambda m, x: m.jvp(lambda x: loss(m, WEIGHT, x), (x,), (x * x,))), (X,)),
    "jvp outside": (
        lambda m, x: m.jvp(lambda x: over(lambda m, x: loss(m, WEIGHT, x))(m, x), (x,), (X * X,)),
        (X,)),
    "Jacobian": (over(lambda m, x: m.jacfwd(lambda x: m.psum(m.sin(x), "i") * x)(x)), (X,)),
    "scan": (over(looped), (CUBE,)),
    "gradient through a scan": (
        over(lambda m, x: m.grad(lambda x: looped(m, x)[1].sum())(x)), (CUBE,)),
    "while": (over(halved), (X,)),
    "cond": (over(branched), (X,)),
    "own branches": (over(own_branches), (X,)),
    "gradient through branches": (
        over(lambda m, x: m.grad(lambda x: (own_branches(m, x) * x).sum())(x)), (X,)),
    "checkpoint": (
        over(lambda m, x: m.grad(m.checkpoint(lambda x: loss(m, WEIGHT, x)))(x)), (X,)),
    "custom_vjp": (over(normalised), (X,)),
    "gradient of custom_vjp": (
        over(lambda m, x: m.grad(lambda x: (normalised(m, x) * x).sum())(x)), (X,)),
    "custom_jvp": (
        over(lambda m, x: m.grad(lambda x: (forward_rule(m, x) * x).sum())(x)), (X,)),
    "jit": (over(lambda m, x: m.jit(lambda x: x / m.psum(x, "i"))(x)), (X,)),
}  # fmt: skip


@pytest.fixture(scope="module")
def results():
    """The results of all cases, from one program of ours and one of JAX's."""

    def run(m, given):
        return {name: case(m, *given[name]) for name, (case, _) in CASES.items()}

    given = {name: args for name, (_, args) in CASES.items()}
    ours = sp.jit(lambda given: run(sp, given))(given)
    return arrays(ours), jax.jit(lambda given: run(THEIRS, given))(given)


@pytest.mark.parametrize("name", CASES)
def test_like_jax(results, name):
    ours, theirs = results

    close(ours[name], theirs[name])


def test_without_a_program(results):
    case, args = CASES["gradient of custom_vjp"]

    close(case(sp, *args), results[1]["gradient of custom_vjp"])


def test_a_rule_of_ones_own_holds_outside_the_map():
    got = sp.grad(lambda x: (over(normalised)(sp, x) * X).sum())(X)

    close(got, (X - X.mean(0)) * (np.arange(4.0)[:, None] + 2.0))


def test_gathered_over_two_axes():
    every = sp.vmap(lambda x: sp.all_gather(x, ("i", "j")), axis_name="j")
    tiled = sp.vmap(lambda x: sp.all_gather(x, ("i", "j"), tiled=True), axis_name="j")

    close(sp.vmap(every, axis_name="i")(GRID)[1, 2], GRID.reshape(12, 2))
    close(sp.vmap(tiled, axis_name="i")(GRID)[1, 2], GRID.ravel())


@pytest.mark.parametrize("tiled", [False, True])
def test_the_cotangents_of_an_exchange_go_back(tiled):
    """Member i gets `x[i, k]` from member k, weighs it by `CUBE[k, 0]`."""

    def weighed(x):
        got = sp.all_to_all(x, "i", 0, 0, tiled=tiled)
        return (got * CUBE[:, 0]).sum()

    got = sp.vmap(sp.grad(weighed), axis_name="i")(CUBE)

    close(got, np.repeat(CUBE[:, :1], 4, axis=1))


def test_members_that_are_no_target_get_zeros():
    got = sp.vmap(lambda x: sp.ppermute(x, "i", [(3, 1), (0, 3)]), axis_name="i")(X)

    close(got, np.stack([X[0] * 0, X[3], X[0] * 0, X[0]]))


def test_what_all_members_share_carries_no_batch():
    summed = sp.vmap(
        lambda x: (sp.psum(x, "i"), sp.all_gather(x, "i")), out_axes=None, axis_name="i"
    )

    total, every = summed(X)

    close((total, every), (X.sum(0), X))


def test_pmap_trains_as_one_process_would():
    data = np.random.default_rng(4).normal(size=(4, 8, 3))
    labels = data @ WEIGHT

    def error(w, x, y):
        return ((x @ w - y) ** 2).mean()

    def step(w, x, y):
        value, gradient = sp.value_and_grad(error)(w, x, y)
        return w - 0.1 * sp.pmean(gradient, "shards"), sp.pmean(value, "shards")

    parallel = sp.pmap(step, "shards", in_axes=(None, 0, 0), out_axes=None)
    w, value = parallel(np.zeros(3), data, labels)

    alone, gradient = jax.value_and_grad(error)(np.zeros(3), data.reshape(-1, 3), labels.ravel())
    close((w, value), (-0.1 * gradient, alone))


def mapped(f):
    return lambda: sp.vmap(f, axis_name="i")(X)


ERRORS = {
    "unbound": (lambda: sp.psum(X, "i"), "S0217", ["psum", "'i'", "none"]),
    "another": (mapped(lambda x: sp.pmean(x, "k")), "S0217", ["pmean", "'k'", "around it: 'i'"]),
    "one of two": (mapped(lambda x: sp.axis_index(("i", "k"))), "S0217", ["axis_index", "'k'"]),
    "outside": (lambda: [mapped(lambda x: x)(), sp.axis_size("i")], "S0217", ["axis_size"]),
    "a number": (lambda: sp.vmap(lambda x: x, axis_name=0)(X), "S0214", ["axis_name=0"]),
    "pairs": (mapped(lambda x: sp.ppermute(x, "i", [(0, 4)])), "S0218", ["(0, 4)", "4 members"]),
    "no name": (mapped(lambda x: sp.psum(x, None)), "S0217", ["psum", "None"]),
    "a number for a name": (mapped(lambda x: sp.axis_size(0)), "S0217", ["axis_size", "0"]),
    "no pairs": (mapped(lambda x: sp.ppermute(x, "i", [0, 1])), "S0218", ["[0, 1]"]),
    "nothing": (mapped(lambda x: sp.ppermute(x, "i", None)), "S0218", ["None"]),
    "an axis twice": (mapped(lambda x: sp.psum(x, ("i", "i"))), "S0218", ["psum", "twice"]),
    "twice": (mapped(lambda x: sp.ppermute(x, "i", [(0, 1), (2, 1)])), "S0218", ["twice"]),
    "parts": (mapped(lambda x: sp.psum_scatter(x, "i")), "S0218", ["(3,)", "4 members"]),
    "dimension": (mapped(lambda x: sp.all_gather(x, "i", axis=2)), "S0218", ["axis 2"]),
}


@pytest.mark.parametrize("name", ERRORS)
def test_mistakes_are_explained(name):
    call, code, words = ERRORS[name]

    with pytest.raises(TransformError) as caught:
        call()

    assert caught.value.code == code
    assert caught.value.span.file == __file__
    assert all(word in str(caught.value) for word in words)
