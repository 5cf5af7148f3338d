"""The transforms with every argument they take, and in every nesting, against JAX's."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import slopec as sp
from slopec import ir, reference, tree
from slopec.passes import parse_pipeline, run_pipeline

jax.config.update("jax_enable_x64", True)

RNG = np.random.default_rng(0)
X, Y, M = RNG.normal(size=3), RNG.normal(size=3), RNG.normal(size=(3, 4))
Z = RNG.normal(size=3) + 1j * RNG.normal(size=3)
P = {"b": [X, Y], "w": M}
TWO = np.stack([X, Y])


def xp(lib):
    return sp if lib is sp else jnp


def scalar(lib):
    return lambda x, y: (xp(lib).sin(x) * y**2).sum()


def vector(lib):
    return lambda x, y: xp(lib).exp(0.1 * x) * y


def with_aux(lib):
    return lambda x, y: ((x * y).sum(), {"n": [y], "twice": x * 2.0})


def pair(lib):
    return lambda x, y: (vector(lib)(x, y), {"sum": x.sum()})


def of_tree(lib):
    return lambda p, x: (xp(lib).tanh(x @ p["w"]).sum() * p["b"][0] * p["b"][1]).sum()


def of_complex(lib):
    return lambda z: xp(lib).abs(z * z + 1j).sum()


def called(results, *given):
    """The second of some results called with what is given, and the others."""
    value, function, *aux = results
    return value, function(*given), aux


MODES = {
    "grad": lambda t: t.grad(scalar(t))(X, Y),
    "grad, argnums=1": lambda t: t.grad(scalar(t), argnums=1)(X, Y),
    "grad, argnums=-1": lambda t: t.grad(scalar(t), argnums=-1)(X, Y),
    "grad, argnums=(1, 0)": lambda t: t.grad(scalar(t), argnums=(1, 0))(X, Y),
    "grad, argnums=(0,)": lambda t: t.grad(scalar(t), argnums=(0,))(X, Y),
    "grad, has_aux": lambda t: t.grad(with_aux(t), has_aux=True)(X, Y),
    "grad of a tree": lambda t: t.grad(of_tree(t), argnums=(0, 1))(P, X),
    "grad by complex": lambda t: t.grad(of_complex(t))(Z),
    "grad, allow_int": lambda t: t.grad(lambda x, i: (x[i] ** 2).sum(), allow_int=True)(X, np.array([0, 2])),
    "value_and_grad": lambda t: t.value_and_grad(scalar(t))(X, Y),
    "value_and_grad, has_aux": lambda t: t.value_and_grad(with_aux(t), argnums=(0, 1), has_aux=True)(X, Y),
    "vjp": lambda t: t.vjp(vector(t), X, Y)[1](Y),
    "vjp, has_aux": lambda t: called(t.vjp(pair(t), X, Y, has_aux=True), X),
    "jvp": lambda t: t.jvp(vector(t), (X, Y), (Y, X)),
    "jvp, has_aux": lambda t: t.jvp(pair(t), (X, Y), (Y, X), has_aux=True),
    "jvp of a tree": lambda t: t.jvp(of_tree(t), (P, X), (P, Y)),
    "linearize": lambda t: called(t.linearize(vector(t), X, Y), Y, X),
    "linearize, has_aux": lambda t: called(t.linearize(pair(t), X, Y, has_aux=True), Y, X),
    "jacfwd": lambda t: t.jacfwd(vector(t))(X, Y),
    "jacfwd, argnums": lambda t: t.jacfwd(vector(t), argnums=(0, 1))(X, Y),
    "jacfwd, has_aux": lambda t: t.jacfwd(pair(t), has_aux=True)(X, Y),
    "jacrev": lambda t: t.jacrev(vector(t), argnums=(1,))(X, Y),
    "jacrev, has_aux": lambda t: t.jacrev(pair(t), has_aux=True)(X, Y),
    "hessian": lambda t: t.hessian(scalar(t))(X, Y),
    "hessian, argnums": lambda t: t.hessian(scalar(t), argnums=(0, 1))(X, Y),
    "hessian, has_aux": lambda t: t.hessian(with_aux(t), has_aux=True)(X, Y),
    "hessian of a vector": lambda t: t.hessian(vector(t))(X, Y),
    "vmap": lambda t: t.vmap(vector(t))(TWO, TWO),
    "vmap, None": lambda t: t.vmap(vector(t), in_axes=(0, None))(TWO, Y),
    "vmap, negative axes": lambda t: t.vmap(lambda x: x * x[0], in_axes=-1, out_axes=-1)(M),
    "vmap of a tree": lambda t: t.vmap(of_tree(t), in_axes=({"b": [0, None], "w": None}, 0))({"b": [TWO, X], "w": M}, TWO),
    "vmap, two out_axes": lambda t: t.vmap(pair(t), out_axes=(1, {"sum": 0}))(TWO, TWO),
    "vmap, axis_size": lambda t: t.vmap(lambda x: x + 1.0, in_axes=None, axis_size=4)(X),
    "vmap twice": lambda t: t.vmap(t.vmap(lambda a, b: a * b, (None, 0)), (0, None))(X, Y),
}  # fmt: skip


@pytest.mark.parametrize("name", MODES)
def test_like_jax(name):
    run = MODES[name]
    theirs = jax.tree.leaves(run(jax), is_leaf=lambda leaf: leaf is None)
    ours = tree.leaves(run(sp))
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        if b.dtype == jax.dtypes.float0:
            assert not a.numpy().any()
            continue
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        np.testing.assert_allclose(a.numpy(), b, rtol=1e-12, atol=1e-12)


WRAPS = {
    "jit": lambda t: t.jit,
    "vmap": lambda t: lambda f: lambda x: t.vmap(f)(xp(t).stack([x, 0.5 * x])).sum(0),
    "jvp": lambda t: lambda f: lambda x: t.jvp(f, (x,), (1.0 - x,))[1],
    "vjp": lambda t: lambda f: lambda x: t.vjp(f, x)[1](xp(t).cos(x))[0],
    "grad": lambda t: lambda f: t.grad(lambda x: (f(x) ** 2).sum()),
    "checkpoint": lambda t: t.checkpoint,
}


@pytest.mark.parametrize("order", list(itertools.product(WRAPS, repeat=3)), ids="-".join)
def test_any_nesting(order):
    """Three transforms, one of another; every order of all of them."""

    def run(t):
        function = lambda x: xp(t).sin(x) * x[::-1]  # noqa: E731
        for name in order:
            function = WRAPS[name](t)(function)
        return function(xp(t).asarray(X))

    np.testing.assert_allclose(run(sp).numpy(), run(jax), rtol=1e-10, atol=1e-12)


MODULE = """func.func @main(%x: tensor<3xf64>, %y: tensor<3xf64>) -> tensor<3xf64> {
  %0 = stablehlo.multiply %x, %y : tensor<3xf64>
  %1 = stablehlo.sine %0 : tensor<3xf64>
  return %1 : tensor<3xf64>
}"""


@pytest.mark.parametrize(
    ("passes", "arguments", "expected"),
    [
        ("vjp{function=main wrt=0,1}", (X, Y, X), (np.cos(X * Y) * Y * X, np.cos(X * Y) * X * X)),
        ("vjp{wrt=1}", (X, Y, X), (np.cos(X * Y) * X * X,)),
        ("jvp{wrt=0}", (X, Y, X), (np.cos(X * Y) * Y * X,)),
        ("vmap{size=2}", (TWO, TWO), (np.sin(TWO * TWO),)),
        ("vmap{size=2 mapped=0}", (TWO, Y), (np.sin(TWO * Y),)),
    ],
)
def test_passes_on_a_foreign_module(passes, arguments, expected):
    module = ir.parse(MODULE)
    run_pipeline(module, parse_pipeline(f"{passes},derive,inline"))
    (entry,) = (name for name in map(ir.symbol_name, ir.functions(module)) if name != "main")
    results = reference.evaluate(module, entry, *arguments)
    for ours, theirs in zip(results[-len(expected) :], expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)
