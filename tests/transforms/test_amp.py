"""Mixed precision: contractions as JAX computes them on converted operands, all else as it was."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import slopec as sp
from slopec import ir
from slopec.diagnostics import UsageError
from slopec.passes import parse_pipeline, run_pipeline

RNG = np.random.default_rng(0)
X, W, V = (RNG.normal(size=s).astype("float32") for s in ((6, 5), (5, 4), (4, 3)))
IMAGE, KERNEL = RNG.normal(size=(2, 3, 8, 8)).astype("f"), RNG.normal(size=(4, 3, 3, 3)).astype("f")
NARROW = ("bfloat16", "float16")


def dot(x, y, dtype):
    """A product of converted operands, summed in float32."""
    return lax.dot(x.astype(dtype), y.astype(dtype), preferred_element_type=jnp.float32)


def close(ours, theirs, tolerance=1e-5):
    theirs = np.asarray(theirs)
    assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
    np.testing.assert_allclose(ours.numpy(), theirs, tolerance, tolerance * np.abs(theirs).max())


def two_layers(x, w, v):
    return sp.tanh(x @ w) @ v


@pytest.mark.parametrize("dtype", NARROW)
@pytest.mark.parametrize("wrap", [lambda f: f, sp.jit])
def test_values(dtype, wrap):
    ours = wrap(sp.amp(two_layers, dtype))(X, W, V)
    close(ours, dot(jnp.tanh(dot(X, W, dtype)), V, dtype), 1e-4)


@pytest.mark.parametrize("dtype", NARROW)
def test_convolutions(dtype):
    ours = sp.amp(lambda x, k: sp.nn.functional.conv2d(x, k), dtype)(IMAGE, KERNEL)
    given = [jnp.asarray(a, dtype).astype("float32") for a in (IMAGE, KERNEL)]
    close(ours, lax.conv(*given, (1, 1), "VALID"), 1e-4)


def test_a_whole_gradient_is_summed_in_float32():
    ours = sp.amp(sp.grad(lambda w: (X @ w).sum()))(W)
    ones = jnp.ones((6, 4), "float32")
    close(ours, dot(X.T, ones, "bfloat16"))


def test_the_gradient_of_an_amp_function_is_that_of_the_conversions():
    ours = sp.grad(lambda w: sp.amp(lambda w: X @ w)(w).sum())(W)
    theirs = jax.grad(lambda w: dot(jnp.asarray(X), w, "bfloat16").sum())(W)
    close(ours, theirs)


def looped(x, w):
    return sp.scan(lambda c, _: (sp.tanh(c @ w), None), x, None, length=3)[0]


@sp.custom_vjp
def scaled(x, w):
    return x @ w


scaled.defvjp(
    lambda x, w: (x @ w, (x, w)), lambda kept, ct: (2.0 * (ct @ kept[1].T), kept[0].T @ ct)
)

SQUARE = RNG.normal(size=(5, 5)).astype("f")
COMPOSED = {
    "scan": (lambda a: a(looped)(X, SQUARE), lambda: looped(X, SQUARE)),
    "checkpoint": (lambda a: a(sp.grad(sp.checkpoint(lambda w: sp.tanh(X @ w).sum())))(W), lambda: sp.grad(lambda w: sp.tanh(X @ w).sum())(W)),
    "kept inside": (lambda a: sp.grad(a(sp.checkpoint(lambda w: sp.tanh(X @ w).sum())))(W), lambda: sp.grad(lambda w: sp.tanh(X @ w).sum())(W)),
    "custom_vjp": (lambda a: sp.grad(a(lambda x: scaled(x, W).sum()))(X), lambda: sp.grad(lambda x: scaled(x, W).sum())(X)),
    "vmap": (lambda a: sp.vmap(a(lambda x: x @ W))(X), lambda: X @ W),
    "of vmap": (lambda a: a(sp.vmap(lambda x: x @ W))(X), lambda: X @ W),
    "jvp": (lambda a: sp.jvp(a(lambda w: sp.tanh(X @ w)), (W,), (W,))[1], lambda: sp.jvp(lambda w: sp.tanh(X @ w), (W,), (W,))[1]),
    "hessian": (lambda a: sp.hessian(a(lambda w: sp.tanh(X @ w).sum()))(W), lambda: sp.hessian(lambda w: sp.tanh(X @ w).sum())(W)),
    "cond": (lambda a: a(lambda x: sp.cond(x.sum() > -1e9, lambda x: x @ W, lambda x: x @ -W, x))(X), lambda: X @ W),
}  # fmt: skip


@pytest.mark.parametrize("name", COMPOSED)
def test_composes(name):
    ours, exact = COMPOSED[name]
    narrow, wide = ours(sp.amp), exact()
    wide = wide.numpy() if isinstance(wide, sp.Tensor) else wide
    error = np.abs(narrow.numpy() - wide).max() / np.abs(wide).max()
    assert 0 < error < 3e-2
    assert np.array_equal(ours(lambda f: f).numpy(), wide) or name in ("vmap", "of vmap", "cond")


def test_only_float32_contractions_change():
    function = sp.jit(lambda x, i: (x @ x, i @ i, sp.nn.functional.softmax(x), x.sum()))
    module = function.lower(np.eye(3), np.eye(3, dtype="int32"))
    before = str(module)
    run_pipeline(module, parse_pipeline("amp{dtype=float16}"))
    assert str(module) == before


@pytest.mark.parametrize("dtype", ["float32", "bf16", np.int8, None])
def test_other_types_are_refused(dtype):
    with pytest.raises(UsageError, match="S0128"):
        sp.amp(two_layers, dtype)
    with pytest.raises(UsageError, match="S0128"):
        run_pipeline(
            ir.new_module(), parse_pipeline(f"amp{{dtype={getattr(dtype, '__name__', dtype)}}}")
        )


def test_float16_trains_where_its_gradients_would_vanish():
    """Slopes of 1e-9 are zero in float16 unless the loss is scaled."""
    x = np.full((4, 2), 1e-4, "float32")

    def loss(w, scale):
        return (sp.amp(lambda w: x @ w, "float16")(w) * 1e-5).sum() * scale

    weight = sp.ones((2, 1))
    assert not sp.grad(loss)(weight, 1.0).numpy().any()

    optimizer = sp.optim.loss_scaled(sp.optim.sgd(1.0))
    state = optimizer.init(weight)
    slope = sp.grad(loss)(weight, sp.optim.loss_scale(state))
    after, _ = optimizer.update(slope, state, weight)
    np.testing.assert_allclose(after.numpy(), weight.numpy() - 4e-9, rtol=1e-3)


def test_the_scale_falls_and_grows():
    optimizer = sp.optim.loss_scaled(sp.optim.adam(0.1), 8.0, interval=2)
    p = {"w": sp.ones(2)}
    state, scales = optimizer.init(p), []
    for slope in (1.0, np.inf, 1.0, np.nan, 1.0, 1.0, 1.0):
        before, moments = p["w"].numpy(), state["inner"]
        p, state = optimizer.update({"w": sp.tensor([slope, 1.0])}, state, p)
        scales.append(sp.optim.loss_scale(state).item())
        assert np.array_equal(p["w"].numpy(), before) == (not np.isfinite(slope)), moments
    assert scales == [8.0, 4.0, 4.0, 2.0, 2.0, 4.0, 4.0]


def test_a_state_without_a_scale_is_refused():
    with pytest.raises(UsageError, match="holds no loss scale"):
        sp.optim.loss_scale(sp.optim.sgd(0.1).init({"w": sp.ones(2)}))
