"""Programs exported by JAX, differentiated by slopec: value, vjp, jvp and hvp equal JAX's own."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export

import slopec as sp
from slopec.diagnostics import DTypeError, ShapeError, UsageError

draw = np.random.default_rng(0)


def f(*shape: int) -> np.ndarray:
    return draw.standard_normal(shape).astype(np.float32)


def lstm(w: Any, xs: Any) -> Any:
    def step(state: Any, x: Any) -> Any:
        h, c = state
        i, g, o, k = jnp.split(jnp.concatenate([h, x]) @ w, 4)
        c = jax.nn.sigmoid(k) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    zeros = jnp.zeros(3, jnp.float32)
    return jax.lax.scan(step, (zeros, zeros), xs)[1]


def attention(q: Any, k: Any, v: Any) -> Any:
    scores = jnp.einsum("qd,kd->qk", q, k)
    return jax.nn.softmax(jnp.where(jnp.tri(4, dtype=bool), scores, -jnp.inf)) @ v


def pooled(x: Any) -> Any:
    window, strides = (1, 1, 3, 3), (1, 1, 2, 2)
    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, window, strides, "SAME")


def ode(x: Any) -> Any:
    return jax.lax.fori_loop(0, 10, lambda _, y: y + 0.1 * jnp.sin(y) * x, x)


def gaussian_process(x: Any, y: Any) -> Any:
    kernel = jnp.exp(-((x[:, None] - x[None]) ** 2)) + 0.1 * jnp.eye(5, dtype=jnp.float32)
    factor = jnp.linalg.cholesky(kernel)
    z = jax.scipy.linalg.solve_triangular(factor, y, lower=True)
    return (z * z).sum() + jnp.log(jnp.diag(factor)).sum()


def conv(x: Any, k: Any, **options: Any) -> Any:
    return jax.lax.conv_general_dilated(x, k, **options)


CASES: dict[str, tuple[Callable[..., Any], tuple[np.ndarray, ...]]] = {
    "mlp": (lambda a, b, x: jnp.tanh(x @ a) @ b, (f(3, 5), f(5, 2), f(4, 3))),
    "lstm by scan": (lstm, (f(6, 12), f(5, 3))),
    "attention": (attention, (f(4, 3), f(4, 3), f(4, 3))),
    "overlapping max pool": (pooled, (f(1, 2, 7, 7),)),
    "dilated convolution": (
        lambda x, k: conv(x, k, window_strides=(2, 1), padding="SAME", rhs_dilation=(1, 2)),
        (f(2, 3, 8, 8), f(4, 3, 3, 3)),
    ),
    "grouped convolution": (
        lambda x, k: conv(x, k, window_strides=(1, 1), padding="VALID", feature_group_count=2),
        (f(1, 4, 5, 5), f(6, 2, 3, 3)),
    ),
    "transposed convolution": (
        lambda x, k: conv(
            x, k, window_strides=(1, 1), padding=((1, 1), (1, 1)), lhs_dilation=(2, 2)
        ),
        (f(1, 2, 4, 4), f(3, 2, 2, 2)),
    ),
    "ode by fori_loop": (ode, (f(3),)),
    "embedding with repeated rows": (lambda t: t[jnp.array([1, 1, 3])] ** 2, (f(5, 2),)),
    "sort": (lambda x: jnp.sort(x) * jnp.arange(7), (f(7),)),
    "cumulative sum": (lambda x: jnp.cumsum(x, axis=0) ** 2, (f(5, 2),)),
    "product": (lambda x: jnp.prod(x, axis=0), (f(4, 3),)),
    "logsumexp": (lambda x: jax.nn.logsumexp(x, axis=-1), (f(3, 4),)),
    "exact gelu": (lambda x: jax.nn.gelu(x, approximate=False), (f(5),)),
    "fft filter": (lambda x: jnp.fft.irfft(jnp.fft.rfft(x) * jnp.arange(5)), (f(8),)),
    "gaussian process": (gaussian_process, (f(5), f(5))),
    "log gamma": (jax.scipy.special.gammaln, (np.abs(f(4)) + 0.5,)),
    "batch norm": (lambda x: ((x - x.mean(0)) / jnp.sqrt(x.var(0) + 1e-5)) ** 3, (f(6, 3),)),
    "choice of branch": (
        lambda x: jax.lax.cond(x.sum() > 0, lambda x: x**3, lambda x: jnp.sin(x), x),
        (f(3),),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_like_jax(name: str) -> None:
    function, arguments = CASES[name]
    # JAX's CPU text calls LAPACK; the TPU text has StableHLO's own factorizations.
    exported = export.export(jax.jit(function), platforms=["tpu"])(*arguments)
    ours = sp.from_stablehlo(exported.mlir_module())
    tensors = tuple(sp.tensor(a) for a in arguments)
    moves = tuple(f(*a.shape) for a in arguments)
    value, pull = jax.vjp(function, *arguments)
    seed = f(*value.shape)
    got, back = sp.vjp(ours, *tensors)
    check(got, value)
    for mine, theirs in zip(back(sp.tensor(seed)), pull(seed), strict=True):
        check(mine, theirs)
    given = tuple(sp.tensor(m) for m in moves)
    check(sp.jvp(ours, tensors, given)[1], jax.jvp(function, arguments, moves)[1])

    def inner(f: Callable[..., Any], dot: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *args: dot(f(*args))

    numbers = tuple(range(len(arguments)))
    wanted = jax.jvp(
        jax.grad(inner(function, lambda y: (y * seed).sum()), numbers), arguments, moves
    )
    weighted = inner(ours, lambda y: (y * sp.tensor(seed)).sum())
    second = sp.jvp(sp.grad(weighted, numbers), tensors, given)
    for mine, theirs in zip(second[1], wanted[1], strict=True):
        check(mine, theirs)


def check(ours: Any, theirs: Any) -> None:
    theirs = np.asarray(theirs)
    scale = max(1.0, float(np.abs(theirs).max(initial=0)))
    np.testing.assert_allclose(np.asarray(ours), theirs, atol=2e-5 * scale, rtol=2e-4)


def test_bad_input() -> None:
    text = "func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> { return %x : tensor<2xf32> }"
    function = sp.from_stablehlo(text, entry="f")
    with pytest.raises(ShapeError, match="expected"):
        function(sp.ones((3,)))
    with pytest.raises(DTypeError, match="astype"):
        function(sp.tensor([1, 2]))
    with pytest.raises(UsageError, match="has no function"):
        sp.from_stablehlo(text)
    with pytest.raises(UsageError, match="not a valid module"):
        sp.from_stablehlo("func.func @f( {")
