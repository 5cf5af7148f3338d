"""Small programs of all kinds, as people write them in JAX: what `benchmarks.scan` measures.

A row is a name, a function and its inputs. Names begin with the family, so that a family can be
chosen by it. The inputs are those of a seed, the same in every process.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

Small = tuple[Callable[..., Any], tuple[np.ndarray, ...]]


def f(*shape: int, dtype: Any = np.float32, seed: int = 0) -> np.ndarray:
    """Normal values."""
    made = np.random.default_rng([seed, *shape]).standard_normal(shape, np.float32)
    return made.astype(dtype)


def i(below: int, *shape: int) -> np.ndarray:
    """Integers from 0 on."""
    return np.random.default_rng([below, *shape]).integers(0, below, shape, np.int32)


def c(*shape: int) -> np.ndarray:
    """Complex normal values."""
    return (f(*shape) + 1j * f(*shape, seed=1)).astype(np.complex64)


def spd(n: int, batch: tuple[int, ...] = ()) -> np.ndarray:
    """Symmetric positive definite matrices."""
    half = f(*batch, n, n)
    return np.asarray(half @ half.swapaxes(-1, -2) / n + np.eye(n, dtype=np.float32))


bf16, f16 = partial(f, dtype=jnp.bfloat16), partial(f, dtype=np.float16)


def conv(x: Any, k: Any, **options: Any) -> Any:
    """A convolution of features last, padded to its size."""
    rank = x.ndim - 2
    spaces = "DHW"[-rank:]
    numbers = (f"N{spaces}C", f"{spaces}IO", f"N{spaces}C")
    given = {"window_strides": (1,) * rank, "padding": "SAME", "dimension_numbers": numbers}
    return lax.conv_general_dilated(x, k, **{**given, **options})


def pool(x: Any, fold: Any, start: float, size: int, step: int) -> Any:
    """Windows of images whose features are last."""
    return lax.reduce_window(x, start, fold, (1, size, size, 1), (1, step, step, 1), "SAME")


def conv_gradient(x: Any, k: Any) -> Any:
    return jax.grad(lambda k: (conv(x, k) ** 2).sum())(k)


def gelu(x: Any) -> Any:
    return jax.nn.gelu(x)


def mandelbrot(z: Any) -> Any:
    return lax.fori_loop(0, 16, lambda _, w: jnp.where(jnp.abs(w) < 2, w * w + z, w), z)


def layer_norm(x: Any) -> Any:
    mean = x.mean(-1, keepdims=True)
    return (x - mean) * lax.rsqrt(x.var(-1, keepdims=True) + 1e-5)


def rms_norm(x: Any, g: Any) -> Any:
    return x * lax.rsqrt((x * x).mean(-1, keepdims=True) + 1e-6) * g


def batch_norm(x: Any) -> Any:
    axes = (0, 1, 2)
    return (x - x.mean(axes, keepdims=True)) * lax.rsqrt(x.var(axes, keepdims=True) + 1e-5)


def group_norm(x: Any) -> Any:
    y = x.reshape(x.shape[0], -1, 8, x.shape[-1] // 8)
    mean, var = y.mean((1, 3), keepdims=True), y.var((1, 3), keepdims=True)
    return ((y - mean) * lax.rsqrt(var + 1e-5)).reshape(x.shape)


def attention(q: Any, k: Any, v: Any) -> Any:
    scores = jnp.einsum("bhqd,bhkd->bhqk", q, k) / np.sqrt(q.shape[-1])
    places = jnp.arange(q.shape[2])
    scores = jnp.where(places[:, None] >= places, scores, -jnp.inf)
    return jnp.einsum("bhqk,bhkd->bhqd", jax.nn.softmax(scores), v)


def decode(q: Any, k: Any, v: Any) -> Any:
    scores = jax.nn.softmax(jnp.einsum("bhd,bhkd->bhk", q, k) / 8)
    return jnp.einsum("bhk,bhkd->bhd", scores, v)


def rotary(x: Any) -> Any:
    half = x.shape[-1] // 2
    angles = jnp.arange(x.shape[1])[:, None] / 10000.0 ** (jnp.arange(half) / half)
    sin, cos = jnp.sin(angles)[None, :, None], jnp.cos(angles)[None, :, None]
    a, b = x[..., :half], x[..., half:]
    return jnp.concatenate([a * cos - b * sin, b * cos + a * sin], -1)


def swiglu(x: Any, a: Any, b: Any, w: Any) -> Any:
    return (jax.nn.silu(x @ a) * (x @ b)) @ w


def cross_entropy(x: Any, labels: Any) -> Any:
    def loss(x: Any) -> Any:
        logits = jax.nn.log_softmax(x)
        return -jnp.take_along_axis(logits, labels[:, None], 1).mean()

    return jax.value_and_grad(loss)(x)


def adam(w: Any, m: Any, v: Any, g: Any) -> Any:
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
    return w - 1e-3 * m / (jnp.sqrt(v) + 1e-8), m, v


def rnn(w: Any, u: Any, xs: Any) -> Any:
    def step(h: Any, x: Any) -> Any:
        h = jnp.tanh(h @ w + x @ u)
        return h, h

    return lax.scan(step, jnp.zeros((xs.shape[1], len(w))), xs)[1]


def smoothed(xs: Any) -> Any:
    def step(h: Any, x: Any) -> Any:
        h = 0.9 * h + 0.1 * x
        return h, h

    return lax.scan(step, jnp.zeros(xs.shape[1:]), xs)[1]


def newton(x: Any) -> Any:
    def unsettled(state: Any) -> Any:
        y, before, count = state
        return (jnp.abs(y - before).max() > 1e-6) & (count < 50)

    def step(state: Any) -> Any:
        y, _, count = state
        return (y + x / y) / 2, y, count + 1

    return lax.while_loop(unsettled, step, (x, x * 0, 0))[0]


def power_iteration(a: Any, v: Any) -> Any:
    def step(_: Any, v: Any) -> Any:
        v = a @ v
        return v / jnp.linalg.norm(v)

    return lax.fori_loop(0, 32, step, v)


def embedding_gradient(table: Any, places: Any) -> Any:
    return jax.grad(lambda table: (table[places] ** 2).sum())(table)


def patches(x: Any) -> Any:
    return lax.conv_general_dilated_patches(
        x, (3, 3), (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def histogram(places: Any) -> Any:
    return jnp.zeros(256, jnp.int32).at[places].add(1)


def quantized(x: Any, w: Any) -> Any:
    return jnp.matmul(x, w, preferred_element_type=jnp.int32)


def drawn(key: Any, draw: Any) -> Any:
    return draw(jax.random.wrap_key_data(key))


KEY = np.array([1, 2], np.uint32)
BATCH, ROWS, ODD = (32, 1024), (1024, 1024), (1000, 1023)
IMAGES = (8, 56, 56, 64)

SMALL: dict[str, Small] = {
    "elementwise-gelu": (gelu, (f(*ROWS),)),
    "elementwise-power": (lambda x, y: jnp.abs(x) ** y, (f(*ROWS), f(*ROWS, seed=1))),
    "elementwise-trigonometry": (lambda x: jnp.sin(x) * jnp.cos(x), (f(*ROWS),)),
    "elementwise-erf": (jax.scipy.special.erf, (f(*ROWS),)),
    "elementwise-log1p": (lambda x: jnp.log1p(jnp.exp(x)), (f(*ROWS),)),
    "elementwise-atan2": (jnp.arctan2, (f(*ROWS), f(*ROWS, seed=1))),
    "elementwise-integers": (lambda x: (x // 7) * 3 + x % 5, (i(1 << 20, *ROWS),)),
    "elementwise-bits": (lambda x: (x ^ (x >> 7)) * 2654435, (i(1 << 30, *ROWS),)),
    "elementwise-bf16": (lambda x, y: jnp.tanh(x * y) + x, (bf16(*ROWS), bf16(*ROWS, seed=1))),
    "elementwise-f16": (lambda x, y: jnp.tanh(x * y) + x, (f16(*ROWS), f16(*ROWS, seed=1))),
    "elementwise-f64": (lambda x: jnp.exp(-x * x), (f(512, 1024, dtype=np.float64),)),
    "elementwise-int8": (lambda x: x.astype(jnp.float32) * 0.1 - 1, (i(100, *ROWS).astype("i1"),)),
    "elementwise-where": (lambda x: jnp.where(x > 0, x, 0.1 * x), (f(*ROWS),)),
    "elementwise-transposed": (lambda x, y: x + y.T, (f(*ROWS), f(*ROWS, seed=1))),
    "reduce-sum-all": (jnp.sum, (f(*ROWS),)),
    "reduce-sum-rows": (lambda x: x.sum(1), (f(*ROWS),)),
    "reduce-sum-columns": (lambda x: x.sum(0), (f(*ROWS),)),
    "reduce-sum-middle": (lambda x: x.sum(1), (f(64, 128, 129),)),
    "reduce-max-odd": (lambda x: x.max(1), (f(*ODD),)),
    "reduce-var-columns": (lambda x: x.var(0), (f(*ODD),)),
    "reduce-norm-all": (jnp.linalg.norm, (f(*ROWS),)),
    "reduce-argmax": (lambda x: x.argmax(1), (f(*ROWS),)),
    "reduce-argmax-columns": (lambda x: x.argmax(0), (f(*ROWS),)),
    "reduce-any": (lambda x: (x > 3).any(1), (f(*ROWS),)),
    "reduce-mean-bf16": (lambda x: x.mean(1), (bf16(*ROWS),)),
    "reduce-logsumexp": (partial(jax.scipy.special.logsumexp, axis=1), (f(*ROWS),)),
    "reduce-logsumexp-odd": (partial(jax.scipy.special.logsumexp, axis=1), (f(1024, 4097),)),
    "reduce-window-max": (lambda x: pool(x, lax.max, -np.inf, 3, 2), (f(*IMAGES),)),
    "reduce-window-mean": (lambda x: pool(x, lax.add, 0.0, 2, 2), (f(*IMAGES),)),
    "softmax": (jax.nn.softmax, (f(*ROWS),)),
    "softmax-odd": (jax.nn.softmax, (f(*ODD),)),
    "softmax-columns": (partial(jax.nn.softmax, axis=0), (f(*ROWS),)),
    "softmax-bf16": (jax.nn.softmax, (bf16(*ROWS),)),
    "softmax-cross-entropy": (cross_entropy, (f(512, 1000), i(1000, 512))),
    "norm-layer": (layer_norm, (f(*ROWS),)),
    "norm-layer-odd": (layer_norm, (f(*ODD),)),
    "norm-layer-gradient": (jax.grad(lambda x: (layer_norm(x) ** 3).sum()), (f(*ROWS),)),
    "norm-rms": (rms_norm, (f(*ROWS), f(1024))),
    "norm-batch": (batch_norm, (f(*IMAGES),)),
    "norm-group": (group_norm, (f(*IMAGES),)),
    "order-sort": (jnp.sort, (f(1 << 16),)),
    "order-sort-rows": (lambda x: jnp.sort(x, 1), (f(512, 256),)),
    "order-argsort": (jnp.argsort, (f(1 << 14),)),
    "order-top-k": (lambda x: lax.top_k(x, 8), (f(64, 4096),)),
    "order-top-k-many": (lambda x: lax.top_k(x, 50), (f(8, 32000),)),
    "order-median": (partial(jnp.median, axis=1), (f(256, 255),)),
    "order-cumsum": (lambda x: jnp.cumsum(x, 1), (f(*ROWS),)),
    "order-cumsum-columns": (lambda x: jnp.cumsum(x, 0), (f(*ROWS),)),
    "order-cummax": (lambda x: lax.cummax(x, 1), (f(256, 1024),)),
    "order-searchsorted": (jnp.searchsorted, (np.sort(f(4096)), f(1 << 16))),
    "order-interp": (jnp.interp, (f(1 << 16), np.sort(f(1000)), f(1000, seed=1))),
    "order-unique": (lambda x: jnp.unique(x, size=256), (i(256, 4096),)),
    "gather-rows": (lambda t, p: t[p], (f(10000, 128), i(10000, 2048))),
    "gather-elements": (lambda t, p: t[p], (f(1 << 20), i(1 << 20, 1 << 16))),
    "gather-along": (partial(jnp.take_along_axis, axis=1), (f(*ROWS), i(1024, *ROWS))),
    "gather-gradient": (embedding_gradient, (f(10000, 128), i(10000, 2048))),
    "scatter-points": (lambda t, p, y: t.at[p].add(y), (f(65536), i(65536, 32768), f(32768))),
    "scatter-rows": (lambda t, p, y: t.at[p].set(y), (f(4096, 64), i(4096, 1024), f(1024, 64))),
    "scatter-histogram": (histogram, (i(256, 1 << 16),)),
    "scatter-segments": (
        lambda x, p: jax.ops.segment_sum(x, p, 512),
        (f(8192, 64), np.sort(i(512, 8192))),
    ),
    "shape-transpose": (lambda x: x.transpose(0, 2, 1), (f(16, 256, 300),)),
    "shape-concatenate": (lambda x, y: jnp.concatenate([x, y], 1), (f(*ROWS), f(1024, 500))),
    "shape-pad": (lambda x: jnp.pad(x, 5), (f(*ROWS),)),
    "shape-roll": (lambda x: jnp.roll(x, 7, 1), (f(*ROWS),)),
    "shape-reverse": (lambda x: x[:, ::-1], (f(*ROWS),)),
    "shape-strided": (lambda x: x[::2, ::3], (f(2048, 1024),)),
    "shape-tile": (lambda x: jnp.tile(x, (4, 4)), (f(256, 256),)),
    "shape-one-hot": (lambda p: jax.nn.one_hot(p, 1000), (i(1000, 1024),)),
    "product-vector": (lambda a, x: a @ x, (f(2048, 2048), f(2048))),
    "product-vector-turned": (lambda a, x: x @ a, (f(2048, 2048), f(2048))),
    "product-vector-bf16": (lambda a, x: a @ x, (bf16(2048, 2048), bf16(2048))),
    "product-vector-f16": (lambda a, x: x @ a, (f16(2048, 2048), f16(2048))),
    "product-bf16": (lambda a, b: a @ b, (bf16(512, 512), bf16(512, 512))),
    "product-f64": (lambda a, b: a @ b, (f(384, 384, dtype="f8"), f(384, 384, dtype="f8"))),
    "product-int8": (quantized, (i(100, 256, 512).astype("i1"), i(100, 512, 256).astype("i1"))),
    "product-int32": (lambda a, b: a @ b, (i(100, 256, 256), i(100, 256, 256))),
    "product-odd": (lambda a, b: a @ b, (f(333, 517), f(517, 271))),
    "product-batch": (lambda a, b: a @ b, (f(256, 32, 32), f(256, 32, 32, seed=1))),
    "product-batch-tiny": (lambda a, b: a @ b, (f(4096, 4, 4), f(4096, 4, 4, seed=1))),
    "product-tall": (lambda a: a.T @ a, (f(8192, 32),)),
    "product-wide": (lambda a, b: a @ b, (f(32, 4096), f(4096, 32))),
    "product-outer": (jnp.outer, (f(1024), f(1024))),
    "product-dots": (lambda a, b: jnp.einsum("bi,bi->b", a, b), (f(*ROWS), f(*ROWS))),
    "product-bilinear": (
        lambda a, w, b: jnp.einsum("bi,oij,bj->bo", a, w, b),
        (f(64, 64), f(32, 64, 64), f(64, 64, seed=1)),
    ),
    "product-chain": (lambda a, b, x: a @ (b @ x), (f(512, 512), f(512, 512), f(512, 8))),
    "conv-1d": (conv, (f(16, 1024, 32), f(5, 32, 64))),
    "conv-1d-grouped": (partial(conv, feature_group_count=4), (f(16, 1024, 32), f(5, 8, 64))),
    "conv-1d-causal": (partial(conv, feature_group_count=64), (f(8, 1024, 64), f(4, 1, 64))),
    "conv-2d": (conv, (f(8, 28, 28, 64), f(3, 3, 64, 64))),
    "conv-2d-first": (partial(conv, window_strides=(2, 2)), (f(8, 64, 64, 3), f(7, 7, 3, 32))),
    "conv-2d-grouped": (partial(conv, feature_group_count=8), (f(8, 28, 28, 64), f(3, 3, 8, 64))),
    "conv-2d-depthwise": (
        partial(conv, feature_group_count=64),
        (f(8, 28, 28, 64), f(3, 3, 1, 64)),
    ),
    "conv-2d-dilated": (partial(conv, rhs_dilation=(2, 2)), (f(8, 28, 28, 32), f(3, 3, 32, 32))),
    "conv-2d-transposed": (
        partial(conv, lhs_dilation=(2, 2), padding=((2, 2), (2, 2))),
        (f(8, 14, 14, 64), f(4, 4, 64, 32)),
    ),
    "conv-2d-gradient": (conv_gradient, (f(8, 28, 28, 32), f(3, 3, 32, 32))),
    "conv-2d-bf16": (conv, (bf16(8, 28, 28, 64), bf16(3, 3, 64, 64))),
    "conv-3d": (conv, (f(2, 16, 16, 16, 16), f(3, 3, 3, 16, 16))),
    "conv-patches": (patches, (f(8, 28, 28, 16),)),
    "fft": (jnp.fft.fft, (c(64, 1024),)),
    "fft-real": (jnp.fft.rfft, (f(64, 1024),)),
    "fft-real-inverse": (jnp.fft.irfft, (c(64, 513),)),
    "fft-2d": (jnp.fft.fft2, (c(8, 128, 128),)),
    "fft-odd": (jnp.fft.fft, (c(64, 1000),)),
    "fft-prime": (jnp.fft.fft, (c(16, 509),)),
    "linalg-cholesky": (jnp.linalg.cholesky, (spd(256),)),
    "linalg-solve": (jnp.linalg.solve, (spd(128), f(128, 8))),
    "linalg-inverse": (jnp.linalg.inv, (spd(128),)),
    "linalg-determinant": (lambda a: jnp.linalg.slogdet(a)[1], (spd(128),)),
    "linalg-lu": (lambda a: jax.scipy.linalg.lu_factor(a)[0], (f(512, 512),)),
    "linalg-qr": (lambda a: jnp.abs(jnp.linalg.qr(a)[1]), (f(256, 128),)),
    "linalg-eigenvalues": (jnp.linalg.eigvalsh, (spd(64),)),
    "linalg-singular-values": (partial(jnp.linalg.svd, compute_uv=False), (f(64, 64),)),
    "linalg-pseudo-inverse": (jnp.linalg.pinv, (f(64, 32),)),
    "linalg-least-squares": (lambda a, b: jnp.linalg.lstsq(a, b)[0], (f(128, 16), f(128))),
    "linalg-solve-batch": (jnp.linalg.solve, (spd(8, (256,)), f(256, 8, 1))),
    "linalg-triangular": (
        partial(jax.scipy.linalg.solve_triangular, lower=True),
        (np.tril(spd(256)), f(256, 32)),
    ),
    "linalg-exponential": (jax.scipy.linalg.expm, (0.1 * f(64, 64),)),
    "complex-multiply": (lambda x, y: x * y, (c(*ROWS), c(*ROWS)[::-1].copy())),
    "complex-absolute": (jnp.abs, (c(*ROWS),)),
    "complex-exponential": (jnp.exp, (c(512, 512),)),
    "complex-product": (lambda x, y: x @ y, (c(256, 256), c(256, 256))),
    "complex-mandelbrot": (mandelbrot, (c(256, 256),)),
    "attention-causal": (attention, (f(4, 8, 128, 64), f(4, 8, 128, 64), f(4, 8, 128, 64, seed=1))),
    "attention-decode": (decode, (f(4, 8, 64), f(4, 8, 512, 64), f(4, 8, 512, 64, seed=1))),
    "attention-rotary": (rotary, (f(4, 256, 8, 64),)),
    "attention-swiglu": (swiglu, (f(128, 256), f(256, 684), f(256, 684, seed=1), f(684, 256))),
    "update-adam": (adam, (f(*ROWS), f(*ROWS, seed=1), f(*ROWS, seed=2) ** 2, f(*ROWS, seed=3))),
    "update-clip": (lambda g: g * jnp.minimum(1, 1 / jnp.linalg.norm(g)), (f(*ROWS),)),
    "loop-rnn": (rnn, (0.1 * f(64, 64), f(32, 64), f(64, 16, 32))),
    "loop-smoothed": (smoothed, (f(256, 64),)),
    "loop-newton": (newton, (np.abs(f(64, 64)) + 1,)),
    "loop-power": (power_iteration, (spd(128), f(128))),
    "loop-scalar": (lambda x: lax.fori_loop(0, 100, lambda _, y: 0.5 * (y + x / y), x), (f(1),)),
    "random-normal": (partial(drawn, draw=lambda k: jax.random.normal(k, ROWS)), (KEY,)),
    "random-uniform": (partial(drawn, draw=lambda k: jax.random.uniform(k, ROWS)), (KEY,)),
    "random-permutation": (partial(drawn, draw=lambda k: jax.random.permutation(k, 4096)), (KEY,)),
}
