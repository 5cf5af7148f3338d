"""`vmap` and what is built on it, as users call them: against JAX and against loops."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import slopec as sp
from slopec import hlo, nn
from slopec.diagnostics import TransformError

jax.config.update("jax_enable_x64", True)

A = np.random.default_rng(0).normal(size=(3, 4, 5))
B = np.random.default_rng(1).normal(size=(5, 3))
V = np.random.default_rng(2).normal(size=(3, 5))
N = np.array([2, 0, 4])


def close(ours, theirs, tolerance=1e-9):
    mine, other = jax.tree.leaves(arrays(ours)), jax.tree.leaves(theirs)
    assert len(mine) == len(other)
    for x, y in zip(mine, other, strict=True):
        assert x.shape == y.shape
        np.testing.assert_allclose(x, y, rtol=tolerance, atol=tolerance)


def arrays(value):
    def is_tensor(leaf):
        return isinstance(leaf, sp.Tensor)

    return jax.tree.map(lambda x: x.numpy() if is_tensor(x) else x, value, is_leaf=is_tensor)


# --- axes ------------------------------------------------------------------------------------

AXES = {
    "first": (lambda m, x: m.T @ x, (0, 0), 0, (A, A)),
    "shared": (lambda m, x: x * m.sum(), (None, 0), 0, (B, V)),
    "middle": (lambda x: x.sum(), 1, 0, (A,)),
    "negative": (lambda x: x * 2.0, -1, -1, (A,)),
    "out last": (lambda x, y: x - y, (1, 0), 1, (B, V[:, 0])),
    "two results": (lambda x: (x, {"s": x.sum()}), 0, (1, {"s": 0}), (B,)),
    "out shared": (lambda x, y: (x, y * 2.0), (0, None), (0, None), (B, V)),
    "nested axes": (lambda p, x: p["w"] @ x + p["b"], ({"w": None, "b": 1}, 0), 0,
                    ({"w": A[0], "b": A[1]}, V[:, :5][[0, 1, 2, 0, 1]])),
    "list of axes": (lambda p: p[0] @ p[1], ([0, None],), 0, ([V, B],)),
    "none argument": (lambda x, _: x + 1.0, (0, None), 0, (V, None)),
}  # fmt: skip


@pytest.mark.parametrize("name", AXES)
def test_axes(name):
    f, in_axes, out_axes, args = AXES[name]
    close(sp.vmap(f, in_axes, out_axes)(*args), jax.vmap(f, in_axes, out_axes)(*args))


def test_arguments_by_name_are_mapped_along_their_first_axis():
    got = sp.vmap(lambda x, scale: x * scale)(V, scale=N.astype(float))

    close(got, V * N[:, None])


def test_modules_and_outer_tensors_are_shared():
    model, outer = nn.Linear(5, 2), sp.tensor(np.float32(3.0))
    x = sp.tensor(V.astype(np.float32))

    got = sp.vmap(lambda m, x: m(x) * outer, in_axes=(None, 0))(model, x)

    close(got, (model(x) * outer).numpy(), 1e-5)


ERRORS = {
    "sizes": (lambda: sp.vmap(lambda x, y: x)(A, B), ["`x` has 3 along axis 0", "`y` has 5"]),
    "nothing": (lambda: sp.vmap(lambda x: x, in_axes=None)(A), ["no argument"]),
    "range": (lambda: sp.vmap(lambda x: x, in_axes=3)(A), ["in_axes=3", "`x`", "(3, 4, 5)"]),
    "scalar": (lambda: sp.vmap(lambda x, y: x)(A, 2.0), ["`y`", "()"]),
    "structure": (lambda: sp.vmap(lambda x: x, in_axes=(0, 0))(A), ["in_axes", "does not fit"]),
    "kind": (lambda: sp.vmap(lambda x: x, in_axes="0")(A), ["'0'", "expected ints"]),
    "out range": (lambda: sp.vmap(lambda x: x.sum(), out_axes=1)(A), ["out_axes=1"]),
    "out shared": (lambda: sp.vmap(lambda x: x, out_axes=None)(A), ["out_axes=None"]),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_say_what_came(name):
    call, words = ERRORS[name]

    with pytest.raises(TransformError) as caught:
        call()

    assert caught.value.code == "S0214"
    assert caught.value.span is not None
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_a_value_is_no_function():
    with pytest.raises(TransformError, match="S0207"):
        sp.vmap(3.0)


# --- transforms in every order ---------------------------------------------------------------


def loss(w, x):
    return (sp.tanh(w @ x) ** 2).sum()


def jax_loss(w, x):
    return (jnp.tanh(w @ x) ** 2).sum()


def composed(m, f):
    """The same compositions written with slopec's transforms and with JAX's."""
    return {
        "per-example gradients": lambda: m.vmap(m.grad(f), in_axes=(None, 0))(B[:3].T, V[:, :3]),
        "gradient of a batch": lambda: m.grad(
            lambda w, x: m.vmap(f, in_axes=(None, 0))(w, x).sum()
        )(B[:3].T, V[:, :3]),
        "batch of batches": lambda: m.vmap(m.vmap(f, in_axes=(None, 0)), in_axes=(0, None))(
            A[:, :3, :], V
        ),
        "batch of second derivatives": lambda: m.vmap(
            lambda x: m.grad(lambda y: m.jvp(lambda z: f(B.T, z), (y,), (y,))[1])(x)
        )(V),
        "forward through a batch": lambda: m.jvp(
            lambda x: m.vmap(f, in_axes=(None, 0))(B.T, x), (V,), (V,)
        ),
        "gradient of gradients of a batch": lambda: m.grad(
            lambda x: (m.vmap(m.grad(f), in_axes=(None, 0))(B.T, x) ** 2).sum()
        )(V),
        "jacfwd": lambda: m.jacfwd(lambda x: x[:2] ** 3 * x.sum())(V[0]),
        "jacrev": lambda: m.jacrev(lambda x: x[:2] ** 3 * x.sum())(V[0]),
        "jacobian of trees": lambda: m.jacfwd(
            lambda p, x: {"y": p["w"] @ x + p["b"], "z": x.sum() * p["b"][0]}
        )({"w": B.T, "b": V[:, 0]}, V[0]),
        "jacobian of trees in reverse": lambda: m.jacrev(
            lambda p, x: {"y": p["w"] @ x + p["b"], "z": x.sum() * p["b"][0]}
        )({"w": B.T, "b": V[:, 0]}, V[0]),
        "by two arguments": lambda: m.jacrev(lambda a, b: a * b[0], argnums=(0, 1))(V[0], V[1]),
        "hessian": lambda: m.hessian(lambda x: f(B.T, x))(V[0]),
        "hessian by two": lambda: m.hessian(lambda a, b: f(B.T, a * b), argnums=(0, 1))(V[0], V[1]),
        "batch of hessians": lambda: m.vmap(m.hessian(lambda x: f(B.T, x)))(V),
    }


COMPOSED = list(composed(sp, loss))


@pytest.mark.parametrize("name", COMPOSED)
def test_compositions(name):
    close(composed(sp, loss)[name](), composed(jax, jax_loss)[name]())


def test_hvp_is_the_hessian_times_a_vector():
    def f(x):
        return jax_loss(B.T, x)

    close(sp.hvp(lambda x: loss(B.T, x), (V[0],), (V[1],)), jax.hessian(f)(V[0]) @ V[1])

    two = sp.hvp(lambda x, y: (x * x * y).sum(), (V[0], V[1]), (V[2], V[0]))
    close(two, (2 * V[1] * V[2] + 2 * V[0] * V[0], 2 * V[0] * V[2]))


def test_jacobians_refuse_integers():
    with pytest.raises(TypeError, match="S0205"):
        sp.jacfwd(lambda x: x * 1.0)(N)
    with pytest.raises(TypeError, match="S0205"):
        sp.jacrev(lambda x: N)(V)


# --- control flow ----------------------------------------------------------------------------


class Jax:
    """JAX's control flow under slopec's names."""

    scan, fori_loop, cond = jax.lax.scan, jax.lax.fori_loop, jax.lax.cond
    switch, grad, vmap = jax.lax.switch, jax.grad, jax.vmap
    stop_gradient, checkpoint = jax.lax.stop_gradient, jax.checkpoint
    sin, tanh, where = jnp.sin, jnp.tanh, jnp.where
    while_loop = jax.lax.while_loop


def control(m):
    def steps(x, n):
        return m.while_loop(lambda s: s[0] < n, lambda s: (s[0] + 1, s[1] * 1.5 + x), (0 * n, x))

    def rnn(w, xs):
        return m.scan(lambda h, x: (m.tanh(w @ h + x), h.sum()), xs[0] * 0.0, xs)

    def branches(n, x):
        return m.switch(n, [lambda x: x, lambda x: m.sin(x), lambda x: x * x], x)

    def nested(n, x):
        return m.fori_loop(
            0, 3, lambda i, y: m.cond(n > i, lambda y: m.sin(y) * i, lambda y: y + n, y), x
        )

    return {
        "own trip counts": lambda: m.vmap(steps)(V[:, 0], N),
        "shared trip count": lambda: m.vmap(steps, in_axes=(0, None))(V[:, 0], N[0]),
        "only the count": lambda: m.vmap(steps, in_axes=(None, 0))(V[0, 0], N),
        "scan": lambda: m.vmap(rnn, in_axes=(None, 0))(B[:3] @ B[:3].T, A[:, :, :3]),
        "scan, one input": lambda: m.vmap(rnn, in_axes=(0, None))(A[:, :3, :3], B[:4]),
        "gradient of a batch of scans": lambda: m.grad(
            lambda w: (m.vmap(rnn, in_axes=(None, 0))(w, A[:, :, :3])[0] ** 2).sum()
        )(B[:3]),
        "batch of gradients of scans": lambda: m.vmap(
            m.grad(lambda w, xs: (rnn(w, xs)[0] ** 2).sum()), in_axes=(None, 0)
        )(B[:3], A[:, :, :3]),
        "own branches": lambda: m.vmap(branches)(N, V),
        "shared branch": lambda: m.vmap(branches, in_axes=(None, 0))(N[0], V),
        "only the branch": lambda: m.vmap(branches, in_axes=(0, None))(N, V[0]),
        "branches in a loop": lambda: m.vmap(nested)(N.astype(float), V),
        "gradient through own branches": lambda: m.grad(lambda x: m.vmap(branches)(N, x).sum())(V),
        "stop_gradient": lambda: m.grad(
            lambda x: m.vmap(lambda x: (x * m.stop_gradient(m.sin(x))).sum())(x).sum()
        )(V),
        "checkpoint": lambda: m.grad(
            lambda x: m.vmap(m.checkpoint(lambda x: m.sin(m.sin(x)).sum()))(x).sum()
        )(V),
        "batch of checkpoint's gradients": lambda: m.vmap(
            m.grad(m.checkpoint(lambda x: m.sin(m.sin(x)).sum()))
        )(V),
    }


CONTROL = list(control(sp))


@pytest.mark.parametrize("name", CONTROL)
def test_control_flow(name):
    close(control(sp)[name](), control(Jax)[name]())


# --- functions with rules of their own -------------------------------------------------------


def custom(m):
    @m.custom_jvp
    def f(w, x):
        return (w * x * x).sum()

    @f.defjvp
    def _(primals, tangents):
        (w, x), (dw, dx) = primals, tangents
        return f(w, x), 5.0 * (w * x * dx).sum() + 7.0 * (dw * x).sum()

    @m.custom_vjp
    def g(w, x):
        return (w * x * x).sum()

    g.defvjp(lambda w, x: (g(w, x), (w, x)), lambda res, ct: (3.0 * ct * res[1], 2.0 * ct * res[0]))
    return {"jvp": f, "vjp": g}


ORDERS = {
    "batch of gradients": lambda m, f: m.vmap(m.grad(f, argnums=(0, 1)), in_axes=(None, 0)),
    "gradient of a batch": lambda m, f: m.grad(
        lambda w, x: (m.vmap(f, in_axes=(None, 0))(w, x) ** 2).sum(), argnums=(0, 1)
    ),
    "value": lambda m, f: m.vmap(f, in_axes=(None, 0)),
    "gradient of batches of batches": lambda m, f: m.grad(
        lambda w, x: m.vmap(m.vmap(f, in_axes=(0, None)), in_axes=(None, 0))(x, w * x).sum()
    ),
}


@pytest.mark.parametrize("rule", ["jvp", "vjp"])
@pytest.mark.parametrize("order", ORDERS)
def test_custom_rules_hold_in_a_batch(rule, order):
    got = ORDERS[order](sp, custom(sp)[rule])(V[0], V)
    close(got, ORDERS[order](jax, custom(jax)[rule])(V[0], V))


def test_forward_through_a_batch_of_custom_jvp():
    ours, theirs = custom(sp)["jvp"], custom(jax)["jvp"]

    def of(m, f):
        return m.jvp(lambda x: m.vmap(f, in_axes=(None, 0))(V[0], x), (V,), (V,))

    close(of(sp, ours), of(jax, theirs))


# --- programs --------------------------------------------------------------------------------


def test_keys_give_every_member_its_own_numbers():
    keys = sp.random.split(sp.random.key(0), 3)

    got = sp.vmap(lambda key: sp.random.normal(key, (4,)))(keys).numpy()

    each = [sp.random.normal(sp.tensor(key), (4,)).numpy() for key in keys.numpy()]
    np.testing.assert_allclose(got, np.stack(each), rtol=1e-6)


def test_compiled():
    """What the back end makes of the forms that rules write, in one artifact."""
    model, conv = nn.Linear(5, 1), nn.Conv2d(2, 3, 3)
    rng = np.random.default_rng(0)
    x = sp.tensor(A.astype(np.float32))
    images = sp.tensor(rng.normal(size=(3, 2, 6, 6)).astype(np.float32))
    places = sp.tensor(np.array([[0, 3], [2, -1], [9, 1]], np.int32))

    def window(x, p):
        return hlo.dynamic_slice(x, [p[0], p[1]], (2, 3))

    def row(x, p):
        return hlo.dynamic_update_slice(x, x[:1] * 0.0, [p[0], p[1] * 0])

    def squares(f):
        return lambda *args: (f(*args) ** 2).sum()

    def steps(x, p):
        return sp.while_loop(lambda s: s[0] < p[0], lambda s: (s[0] + 1, s[1] * 1.5), (p[1], x))[1]

    def every(model, conv, x, images, places):
        shared = sp.vmap(sp.grad(squares(lambda m, v: m(v))), in_axes=(None, 0))
        return (
            shared(model, x[:, 0]).weight,
            shared(conv, images[:, None]).weight,
            sp.vmap(window)(x, places),
            sp.vmap(row)(x, places),
            sp.vmap(sp.grad(squares(window)))(x, places),
            sp.grad(lambda x: sp.vmap(squares(window))(x, places).sum())(x),
            sp.grad(lambda x: sp.vmap(squares(row))(x, places).sum())(x),
            sp.vmap(steps)(x, places),
            sp.vmap(lambda x: sp.sort(x, axis=0))(x),
            sp.vmap(sp.hessian(lambda v: (sp.tanh(v) ** 2).sum()))(x[:, 0]),
        )

    args = (model, conv, x, images, places)
    close(sp.jit(every)(*args), [y.numpy() for y in every(*args)], 1e-4)
