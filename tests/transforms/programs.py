"""Whole programs written in JAX, which slopec reads as StableHLO and differentiates itself.

`python -m tests.transforms.programs` compares value, gradient, jvp, hvp and vmap of each with JAX's
own and prints the largest relative errors.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import export, lax

import slopec as sp
from slopec import tree

jax.config.update("jax_enable_x64", True)

Arrays = tuple[np.ndarray, ...]
Program = tuple[Callable[..., Any], Arrays]


def f(*shape: int, seed: int = 0) -> np.ndarray:
    """Normal values in double precision."""
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


def conv(x: Any, k: Any, **options: Any) -> Any:
    """A convolution in NCHW, by default without margins."""
    given = {"window_strides": (1, 1), "padding": "VALID", **options}
    return lax.conv_general_dilated(x, k, **given)


def batch_norm(x: Any, axes: tuple[int, ...]) -> Any:
    return (x - x.mean(axes, keepdims=True)) / jnp.sqrt(x.var(axes, keepdims=True) + 1e-5)


def layer_norm(x: Any) -> Any:
    return batch_norm(x, (-1,))


def mlp(a: Any, b: Any, x: Any) -> Any:
    return jnp.tanh(x @ a) @ b


def cnn(k: Any, w: Any, x: Any) -> Any:
    y = jax.nn.relu(conv(x, k, padding="SAME"))
    y = lax.reduce_window(y, -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
    return jax.nn.log_softmax(y.reshape(len(y), -1) @ w)


def resnet_block(k1: Any, k2: Any, x: Any) -> Any:
    y = jax.nn.relu(batch_norm(conv(x, k1, padding="SAME"), (0, 2, 3)))
    return jax.nn.relu(x + batch_norm(conv(y, k2, padding="SAME"), (0, 2, 3)))


def attention(q: Any, k: Any, v: Any) -> Any:
    scores = jnp.einsum("qd,kd->qk", q, k) / np.sqrt(q.shape[-1])
    hidden = jnp.where(jnp.tri(len(q), dtype=bool), scores, -jnp.inf)
    return jax.nn.softmax(hidden) @ v


def gpt_block(x: Any, qkv: Any, out: Any, up: Any, down: Any) -> Any:
    q, k, v = jnp.split(layer_norm(x) @ qkv, 3, axis=-1)
    heads = [a.reshape(len(x), 2, -1).swapaxes(0, 1) for a in (q, k, v)]
    y = jax.vmap(attention)(*heads).swapaxes(0, 1).reshape(x.shape)
    x = x + y @ out
    return x + jax.nn.gelu(layer_norm(x) @ up) @ down


def gpt(table: Any, place: Any, *block: Any) -> Any:
    x = table[np.array([1, 4, 1, 0])] + place
    return jax.nn.log_softmax(layer_norm(gpt_block(x, *block)) @ table.T)


def lstm(w: Any, xs: Any) -> Any:
    def step(state: Any, x: Any) -> Any:
        h, c = state
        i, g, o, k = jnp.split(jnp.concatenate([h, x]) @ w, 4)
        c = jax.nn.sigmoid(k) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    zeros = jnp.zeros(3)
    return lax.scan(step, (zeros, zeros), xs)[1]


def conv_gru(k: Any, xs: Any) -> Any:
    def step(h: Any, x: Any) -> Any:
        z, n = jnp.split(conv(jnp.concatenate([h, x])[None], k, padding="SAME")[0], 2)
        h = h + jax.nn.sigmoid(z) * (jnp.tanh(n) - h)
        return h, h.sum()

    return lax.scan(step, jnp.zeros((2, *xs.shape[2:])), xs)


def ode(w: Any, x: Any) -> Any:
    def field(y: Any) -> Any:
        return jnp.tanh(w @ y)

    def step(_: Any, y: Any) -> Any:
        k1 = field(y)
        k2 = field(y + 0.05 * k1)
        return y + 0.1 * k2

    return lax.fori_loop(0, 10, step, x)


def newton(a: Any) -> Any:
    """The square root by iteration until it stays; JAX differentiates such loops forward alone."""

    def going(state: Any) -> Any:
        x, old, n = state
        return (jnp.abs(x - old).max() > 1e-12) & (n < 50)

    def step(state: Any) -> Any:
        x, _, n = state
        return 0.5 * (x + a / x), x, n + 1

    return lax.while_loop(going, step, (a + 1.0, a, 0))[0]


def gaussian_process(x: Any, y: Any) -> Any:
    kernel = jnp.exp(-((x[:, None] - x[None]) ** 2)) + 0.1 * jnp.eye(len(x))
    factor = jnp.linalg.cholesky(kernel)
    z = jax.scipy.linalg.solve_triangular(factor, y, lower=True)
    return (z * z).sum() + jnp.log(jnp.diag(factor)).sum()


def kalman(a: Any, zs: Any) -> Any:
    """A filter of two hidden numbers seen with noise."""
    h, r, q = jnp.array([[1.0, 0.0]]), 0.1, 0.01

    def step(state: Any, z: Any) -> Any:
        x, p = state
        x, p = a @ x, a @ p @ a.T + q * jnp.eye(2)
        gain = p @ h.T / (h @ p @ h.T + r)
        x = x + gain @ (z - h @ x)
        return (x, (jnp.eye(2) - gain @ h) @ p), x[0]

    return lax.scan(step, (jnp.zeros((2, 1)), jnp.eye(2)), zs)[1]


def flow(scale: Any, shift: Any, x: Any) -> Any:
    """Coupling layers and the logarithm of their determinant."""
    log_det = 0.0
    for i in range(2):
        a, b = jnp.split(x, 2, axis=-1)
        s = jnp.tanh(a @ scale[i])
        x, log_det = jnp.concatenate([b * jnp.exp(s) + a @ shift[i], a], -1), log_det + s.sum(-1)
    return x, log_det - 0.5 * (x * x).sum(-1)


def power_iteration(a: Any) -> Any:
    def step(_: Any, v: Any) -> Any:
        w = a @ v
        return w / jnp.linalg.norm(w)

    v = lax.fori_loop(0, 6, step, jnp.ones(len(a)))
    return v @ a @ v


def routed(x: Any, w: Any) -> Any:
    """Two experts out of four, by top_k."""
    gates, chosen = lax.top_k(jax.nn.softmax(x @ w[0]), 2)
    experts = jnp.einsum("nd,edf->nef", x, w[1:])
    return (jnp.take_along_axis(experts, chosen[..., None], 1) * gates[..., None]).sum(1)


def triplet(x: Any) -> Any:
    """A sort-based loss: the largest distances to members, the least to others."""
    far = jnp.sort(((x[:, None] - x[None]) ** 2).sum(-1), axis=1)
    return jax.nn.softplus(far[:, -2:] - far[:, 1:3]).sum()


def segments(x: Any) -> Any:
    return jax.ops.segment_sum(x**2, np.array([0, 2, 2, 0, 1, 2]), 4)


def bilinear(x: Any) -> Any:
    return jax.image.resize(x, (5, 7), "linear") ** 2


def spectrum(x: Any) -> Any:
    return jnp.fft.irfft(jnp.fft.rfft(x) * jnp.exp(-jnp.arange(5.0)))


def fresnel(a: Any, b: Any) -> Any:
    """Complex arithmetic with a real result."""
    z = lax.complex(a, b)
    return jnp.abs(jnp.exp(1j * z) * jnp.conj(z) + z**2)


def special(x: Any) -> Any:
    g = jax.scipy.special
    return g.gammaln(x) + g.digamma(x) * g.erf(x) + g.zeta(x + 1.5, 2.0) + g.i1e(x)


def branches(x: Any) -> Any:
    """A branch by index within a loop, beside one by predicate."""
    cases = [jnp.sin, lambda x: x**2, lambda x: x * 0.5]
    y = lax.fori_loop(0, 4, lambda i, y: lax.switch(i % 3, cases, y), x)
    return lax.cond(x.sum() > 0, lambda y: y**3, jnp.cosh, y)


def nested(w: Any, xs: Any) -> Any:
    def row(h: Any, x: Any) -> Any:
        return lax.scan(lambda h, v: (jnp.tanh(w @ h + v), h.sum()), h, jnp.stack([x, -x]))

    return lax.scan(row, jnp.ones(3), xs)


def recurrence(a: Any, b: Any) -> Any:
    """A linear recurrence in logarithmic depth."""

    def joined(left: Any, right: Any) -> Any:
        return left[0] * right[0], left[1] * right[0] + right[1]

    return lax.associative_scan(joined, (jnp.tanh(a), b))[1]


def noisy(x: Any) -> Any:
    """Random numbers of a key within the program."""
    noise = jax.random.normal(jax.random.key(3), x.shape)
    kept = jax.random.bernoulli(jax.random.key(4), 0.7, x.shape)
    return jnp.where(kept, jnp.sin(x + noise), 0.0)


def solved(a: Any, b: Any) -> Any:
    """A symmetric system by its Cholesky factor, and the logarithm of its determinant."""
    m = a @ a.T + jnp.eye(len(a))
    factor = jax.scipy.linalg.cho_factor(m, lower=True)
    return jax.scipy.linalg.cho_solve(factor, b), jnp.log(jnp.diag(factor[0])).sum()


def contrastive(x: Any, y: Any) -> Any:
    unit = [v / jnp.linalg.norm(v, axis=-1, keepdims=True) for v in (x, y)]
    return -jnp.diag(jax.nn.log_softmax(unit[0] @ unit[1].T / 0.1)).mean()


def unet(k1: Any, k2: Any, k3: Any, x: Any) -> Any:
    a = jax.nn.silu(conv(x, k1, padding="SAME"))
    down = lax.reduce_window(a, 0.0, lax.add, (1, 1, 2, 2), (1, 1, 2, 2), "VALID") / 4
    up = conv(down, k2, lhs_dilation=(2, 2), padding=((1, 1), (1, 1)))
    return conv(jnp.concatenate([a, up], 1), k3)


def pooled(x: Any) -> Any:
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 1, 3, 3), (1, 1, 2, 2), "SAME")


def moving(x: Any) -> Any:
    return lax.cummax(x, axis=0) + lax.cumlogsumexp(x, axis=0) * jnp.cumprod(jnp.tanh(x), axis=0)


def updated(x: Any, y: Any) -> Any:
    """In-place updates as functions."""
    x = x.at[np.array([0, 2, 2])].add(y)
    x = x.at[1, ::2].multiply(3.0)
    return lax.dynamic_update_slice(x, y[:1] ** 2, (3, 0))


def mixed(x: Any, w: Any) -> Any:
    """Products in bfloat16, everything else in double precision."""
    y = lax.dot(x.astype(jnp.bfloat16), w.astype(jnp.bfloat16), preferred_element_type=jnp.float32)
    return jnp.tanh(y.astype(jnp.float64))


SAFE = np.abs(f(4)) + 0.5

PROGRAMS: dict[str, Program] = {
    "perceptron": (mlp, (f(3, 5), f(5, 2), f(4, 3))),
    "convolutional network": (cnn, (f(4, 2, 3, 3), f(36, 3), f(2, 2, 6, 6))),
    "residual block": (resnet_block, (f(3, 3, 3, 3), f(3, 3, 3, 3, seed=1), f(2, 3, 5, 5))),
    "U-Net": (unet, (f(3, 2, 3, 3), f(3, 3, 2, 2), f(1, 6, 1, 1), f(1, 2, 6, 6))),
    "attention": (attention, (f(4, 3), f(4, 3, seed=1), f(4, 3, seed=2))),
    "GPT": (gpt, (f(5, 8), f(4, 8), f(8, 24), f(8, 8), f(8, 16), f(16, 8))),
    "mixture of experts": (routed, (f(3, 4), f(5, 4, 4))),
    "LSTM by scan": (lstm, (f(6, 12), f(5, 3))),
    "convolutional GRU": (conv_gru, (f(4, 3, 3, 3), f(3, 1, 4, 4))),
    "scan in a scan": (nested, (f(3, 3), f(4, 3))),
    "associative scan": (recurrence, (f(7), f(7, seed=1))),
    "neural ODE": (ode, (f(3, 3), f(3))),
    "Newton by while": (newton, (SAFE,)),
    "Kalman filter": (kalman, (f(2, 2) / 3, f(5, 1, 1))),
    "power iteration": (power_iteration, (f(4, 4) + 4 * np.eye(4),)),
    "Gaussian process": (gaussian_process, (f(5), f(5, seed=1))),
    "linear system": (solved, (f(4, 4), f(4, 2))),
    "normalising flow": (flow, (f(2, 2, 2), f(2, 2, 2, seed=1), f(3, 4))),
    "overlapping max pool": (pooled, (f(1, 2, 7, 7),)),
    "average pool": (lambda x: lax.reduce_window(x, 0.0, lax.add, (1, 1, 3, 2), (1, 1, 2, 1), "SAME"), (f(1, 2, 6, 5),)),
    "dilated convolution": (partial(conv, window_strides=(2, 1), padding="SAME", rhs_dilation=(1, 2)), (f(2, 3, 8, 8), f(4, 3, 3, 3))),
    "grouped convolution": (partial(conv, feature_group_count=2), (f(1, 4, 5, 5), f(6, 2, 3, 3))),
    "depthwise convolution": (partial(conv, feature_group_count=3, padding="SAME"), (f(1, 3, 5, 5), f(3, 1, 3, 3))),
    "transposed convolution": (partial(conv, padding=((1, 1), (1, 1)), lhs_dilation=(2, 2)), (f(1, 2, 4, 4), f(3, 2, 2, 2))),
    "embedding with repeated rows": (lambda t: t[np.array([1, 1, 3])] ** 2, (f(5, 2),)),
    "segment sum": (segments, (f(6, 2),)),
    "updates in place": (updated, (f(4, 3), f(3, 3))),
    "sort": (lambda x: jnp.sort(x) * jnp.arange(7), (f(7),)),
    "sort-based loss": (triplet, (f(5, 3),)),
    "median and quantiles": (lambda x: jnp.quantile(x, jnp.array([0.1, 0.5, 0.9]), axis=0), (f(8, 2),)),
    "cumulative maxima": (moving, (f(5, 2),)),
    "product": (lambda x: jnp.prod(x, axis=0), (f(4, 3),)),
    "logsumexp": (lambda x: jax.nn.logsumexp(x, axis=-1), (f(3, 4),)),
    "label smoothing": (lambda x: -(jax.nn.log_softmax(x) * (0.9 * jnp.eye(4)[np.array([0, 3])] + 0.025)).sum(), (f(2, 4),)),
    "exact GELU": (lambda x: jax.nn.gelu(x, approximate=False), (f(5),)),
    "special functions": (special, (SAFE,)),
    "spectral filter": (spectrum, (f(8),)),
    "complex numbers": (fresnel, (f(3), f(3, seed=1))),
    "batch norm": (lambda x: batch_norm(x, (0,)) ** 3, (f(6, 3),)),
    "bilinear resize": (bilinear, (f(3, 4),)),
    "contrastive loss": (contrastive, (f(4, 3), f(4, 3, seed=1))),
    "branches": (branches, (f(3),)),
    "random numbers": (noisy, (f(4, 3),)),
    "einsum chain": (partial(jnp.einsum, "ij,jk,ikl->l"), (f(3, 4), f(4, 2), f(3, 2, 5))),
    "vmapped solver": (jax.vmap(power_iteration), (f(2, 3, 3) + 3 * np.eye(3),)),
    "mixed precision": (mixed, (f(3, 4), f(4, 2))),
}  # fmt: skip

FORWARD_ONLY = {"Newton by while"}
"""Loops whose number of iterations depends on values: JAX has no reverse mode, nor have we."""

TOLERANCE = {"mixed precision": 1e-2, "random numbers": 1e-7}
"""Relative errors that are allowed, 1e-9 if nothing is said."""


def exported(name: str) -> export.Exported:
    """The program as JAX exports it.

    On a CPU JAX calls LAPACK; for a TPU it uses StableHLO's own factorizations.
    """
    function, arguments = PROGRAMS[name]
    return export.export(jax.jit(function), platforms=["tpu"])(*arguments)


def largest_errors(name: str, ours: Callable[..., Any]) -> dict[str, float]:
    """The largest error of every kind of result, relative to its largest element."""
    function, arguments = PROGRAMS[name]
    moves = tuple(f(*a.shape, seed=7) for a in arguments)
    lanes = tuple(np.stack([a, a + 0.1 * f(*a.shape, seed=9)]) for a in arguments)
    seeds = [f(*y.shape, seed=8) for y in _tuple(jax.eval_shape(function, *arguments))]

    def results(m: Any, function: Callable[..., Any], *given: Any) -> dict[str, Any]:
        """What the transforms of a module, slopec or JAX, make of the function."""
        arguments, moves, lanes = given
        found = {
            "value": function(*arguments),
            "jvp": m.jvp(function, arguments, moves)[1],
            "vmap": m.vmap(function)(*lanes),
        }
        if name not in FORWARD_ONLY:
            numbers = tuple(range(len(arguments)))
            weighted = lambda *xs: sum(  # noqa: E731
                (y * s).sum() for y, s in zip(_tuple(function(*xs)), seeds, strict=True)
            )
            squares = lambda *xs: sum((y * y).sum() for y in _tuple(m.vmap(function)(*xs)))  # noqa: E731
            slope = m.grad(weighted, numbers)
            found["grad"] = slope(*arguments)
            found["hvp"] = m.jvp(slope, arguments, moves)[1]
            found["grad of vmap"] = m.grad(squares, numbers)(*lanes)
        return found

    found = results(sp, ours, arguments, moves, lanes)
    theirs = jax.jit(lambda *given: results(jax, function, *given))(arguments, moves, lanes)
    return {kind: _error(found[kind], theirs[kind]) for kind in found}


def _tuple(value: Any) -> tuple[Any, ...]:
    return tuple(tree.leaves(value))


def _error(ours: Any, theirs: Any) -> float:
    worst = 0.0
    for a, b in zip(_tuple(ours), _tuple(theirs), strict=True):
        a, b = np.asarray(a), np.asarray(b)
        assert a.shape == b.shape
        assert a.dtype == b.dtype
        assert np.isfinite(b).all()
        if not np.isfinite(a).all():
            return float("inf")
        gap = np.abs(a.astype(np.float64) - b).max(initial=0)
        worst = max(worst, float(gap / np.abs(b).max(initial=1e-300)))
    return worst


def main() -> None:
    """Print the table."""
    kinds = ("value", "grad", "jvp", "hvp", "vmap", "grad of vmap")
    print(f"| program | {' | '.join(kinds)} |\n|---|{'--:|' * len(kinds)}")
    worst = 0.0
    for name in PROGRAMS:
        found = largest_errors(name, sp.from_stablehlo(exported(name).mlir_module_serialized))
        worst = max([worst, *(e for e in found.values() if name not in TOLERANCE)])
        cells = (f"{found[kind]:.0e}" if kind in found else "–" for kind in kinds)
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
    print(
        f"\n{len(PROGRAMS)} programs; the largest relative error in double precision is {worst:.0e}"
    )


if __name__ == "__main__":
    main()
