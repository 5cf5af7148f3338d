"""Rows of what frameworks write: gradients, scans, factorizations, random numbers, from JAX."""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy as jsp
import numpy as np
from jax import lax, random

from tests.sweep.case import Case
from tests.sweep.surveyed.rows import array, of_jax

X, Y, V = array((4, 6), "f32") / 4, array((6, 5), "f32", 1) / 4, array((6,), "f32", 2)
IMAGE, KERNEL = array((2, 6, 6, 3), "f32") / 4, array((3, 3, 3, 4), "f32", 1) / 4
WHICH, PLACES = np.int32([0, 2, 2, 3]), np.int32([1, 0])
SQUARE = (array((5, 5), "f32") / 32 + 2 * np.eye(5)).astype("float32")
POSITIVE = (SQUARE @ SQUARE.T).astype("float32")
UNIT = np.linspace(0.1, 0.9, 6).astype("float32")
Function = Callable[..., Any]


def cases() -> Iterator[Case]:
    for table in (WINDOWS, LOSSES, LOOPS, UPDATES, ORDERS, MATRICES, FUNCTIONS, SHAPES):
        for name, (function, *arguments) in table.items():
            yield of_jax(name, function, *arguments, times=256)
    for name, function in RANDOM.items():
        yield of_jax(name, function, np.uint32([7, 9]), keep=True)


def slope(function: Function, *arguments: int) -> Function:
    """The gradients of a sum of squares."""
    return jax.grad(lambda *xs: jnp.sum(function(*xs) ** 2), arguments or (0,))


def conv(padding: Any = "SAME", steps: int = 1, dims: Any = ("NHWC", "HWIO", "NHWC"), **how: Any) -> Function:  # fmt: skip
    def run(x, k):
        return lax.conv_general_dilated(x, k, (steps,) * (x.ndim - 2), padding, dimension_numbers=dims, **how)  # fmt: skip

    return run


def pool(init: float, fold: Function, size: int, step: int, padding: str) -> Function:
    def run(x):
        first = np.array(init, x.dtype)
        return lax.reduce_window(x, first, fold, (1, size, size, 1), (1, step, step, 1), padding)

    return run


_CHW = np.transpose(IMAGE, (0, 3, 1, 2)).copy(), np.transpose(KERNEL, (3, 2, 0, 1)).copy()
_CONVS = {"plain": conv(), "stride2": conv(steps=2), "valid": conv("VALID"), "dil": conv(rhs_dilation=(2, 2)), "nchw": conv(dims=("NCHW", "OIHW", "NCHW"))}  # fmt: skip
_LINE, _CUBE = array((2, 8, 3), "f32"), array((1, 4, 4, 4, 2), "f32")
_UNEVEN = np.random.default_rng(0).permutation(72).reshape(1, 6, 6, 2).astype("float32")
WINDOWS = {
    **{f"conv2d_grad_x.{n}": (slope(f, 0), *(_CHW if n == "nchw" else (IMAGE, KERNEL))) for n, f in _CONVS.items()},
    **{f"conv2d_grad_w.{n}": (slope(f, 1), *(_CHW if n == "nchw" else (IMAGE, KERNEL))) for n, f in _CONVS.items()},
    "conv2d_grad.grouped": (slope(conv(feature_group_count=3), 0, 1), IMAGE, KERNEL[:, :, :1, :3]),
    "conv2d_grad.depthwise": (slope(conv(feature_group_count=3), 0, 1), IMAGE, array((3, 3, 1, 6), "f32")),
    "conv2d_grad.depthwise_stride2": (slope(conv(steps=2, feature_group_count=3), 0, 1), IMAGE, array((3, 3, 1, 3), "f32")),
    "conv_transpose_grad": (slope(lambda x, k: lax.conv_transpose(x, k, (2, 2), "SAME"), 0, 1), IMAGE, KERNEL),
    "conv1d_grad": (slope(conv(dims=("NWC", "WIO", "NWC")), 0, 1), _LINE, array((3, 3, 4), "f32")),
    "conv3d_grad": (slope(conv(dims=("NDHWC", "DHWIO", "NDHWC")), 0, 1), _CUBE, array((2, 2, 2, 2, 3), "f32")),
    "maxpool_grad": (slope(pool(-np.inf, lax.max, 2, 2, "VALID")), _UNEVEN),
    "maxpool_grad.overlap_same": (slope(pool(-np.inf, lax.max, 3, 2, "SAME")), _UNEVEN),
    "avgpool_grad": (slope(pool(0, lax.add, 2, 2, "VALID")), _UNEVEN),
    "avgpool_grad.overlap_same": (slope(pool(0, lax.add, 3, 2, "SAME")), _UNEVEN),
    "batchnorm_train_grad": (slope(lambda x: ((x - x.mean((0, 1, 2))) / jnp.sqrt(x.var((0, 1, 2)) + 1e-5)) ** 3), IMAGE),
}  # fmt: skip
_SCANS = {"cumsum": lax.cumsum, "cumprod": lax.cumprod, "cummax": lax.cummax, "cummin": lax.cummin, "cumlogsumexp": lax.cumlogsumexp}  # fmt: skip


def cross_entropy(x, labels):
    return -jnp.take_along_axis(jax.nn.log_softmax(x), labels[:, None], 1).sum()


def layer_norm(x):
    return (x - x.mean(-1, keepdims=True)) * lax.rsqrt(x.var(-1, keepdims=True) + 1e-5)


def attention(q):
    s = jnp.einsum("qd,kd->qk", q, q) / 2
    s = jnp.where(np.tri(q.shape[0], dtype=bool), s, -jnp.inf)
    return jax.nn.softmax(s) @ q


def adam(p, g, m, v):
    m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g**2
    return p - 1e-3 * (m / 0.1) / (jnp.sqrt(v / 0.01) + 1e-8), m, v


def perceptron(x, w):
    return jnp.tanh(x @ w).sum()


def narrow(x: np.ndarray, kind: str) -> np.ndarray:
    return x.astype(array((), kind).dtype)


_MASKED = np.where(np.tri(4, 6, dtype=bool), X, -np.inf).astype("float32")
LOSSES = {
    "softmax_ce_grad": (jax.grad(cross_entropy), X, WHICH),
    "layernorm_grad": (slope(lambda x: layer_norm(x) * (x + 1)), X),
    "rmsnorm_bf16": (lambda x: x * lax.rsqrt(jnp.mean(x * x, -1, keepdims=True) + 1e-3).astype(x.dtype), narrow(X, "bf16")),
    "attention": (attention, X),
    "attention_grad": (slope(attention), X),
    "embedding_grad": (slope(lambda t, i: t[i]), X, WHICH),
    "gelu_erf_grad": (slope(lambda x: jax.nn.gelu(x, approximate=False)), X),
    "gelu_tanh_grad": (slope(jax.nn.gelu), X),
    "adam_step": (adam, X, X / 2, X / 3, X * X),
    "clip_grad": (slope(lambda x: x * jnp.minimum(1, 1 / jnp.linalg.norm(x))), X),
    "i8_matmul": (lambda x, y: lax.dot(x, y, preferred_element_type=jnp.int32), array((4, 6), "i8"), array((6, 5), "i8")),
    "bf16_matmul_f32acc": (lambda x, y: lax.dot(x, y, preferred_element_type=jnp.promote_types(x.dtype, "float32")), narrow(X, "bf16"), narrow(Y, "bf16")),
    "bf16_mlp_grad": (jax.grad(perceptron, (0, 1)), narrow(X, "bf16"), narrow(Y, "bf16")),
    "f16_softmax": (jax.nn.softmax, narrow(X, "f16")),
    "softmax.masked_row": (jax.nn.softmax, _MASKED),
}  # fmt: skip


def lstm(w, xs):
    def step(carry, x):
        h, c = carry
        i, f, g, o = jnp.split(jnp.concatenate([x, h]) @ w, 4)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    start = jnp.zeros(3, xs.dtype)
    return lax.scan(step, (start, start), xs)[1]


def remat(x):
    step = jax.checkpoint(lambda c, y: (jnp.sin(c * y), c))
    return lax.scan(step, x[0], x)[1]


def chosen(x, i):
    return lax.switch(i, [lambda x: x, lambda x: x * 2, lambda x: -x], x)


_GATES = array((9, 12), "f32") / 8
LOOPS = {
    **{name: (lambda x, f=f: f(x, axis=1), X) for name, f in _SCANS.items()},
    **{f"{name}_rev": (lambda x, f=f: f(x, axis=1, reverse=True), X) for name, f in _SCANS.items()},
    **{f"{name}_grad": (slope(lambda x, f=f: f(x, axis=1)), X + 2.5) for name, f in _SCANS.items()},
    "lstm_scan": (lstm, _GATES, X), "lstm_scan_grad": (slope(lstm, 0, 1), _GATES, X),
    "scan_remat_grad": (slope(remat), X),
    "while_loop": (lambda x: lax.while_loop(lambda c: c.sum() < 100, lambda c: c * 1.5 + 1, x), V),
    "fori_loop_dus": (lambda x: lax.fori_loop(0, 4, lambda i, c: c.at[i].set(c[i - 1] + 1), x), X),
    "cond": (lambda x, p: lax.cond(p, lambda x: x + 1, lambda x: x * 2, x), X, np.bool_(True)),
    "switch": (chosen, X, np.int32(2)),
    "cond_grad": (slope(lambda x, p: lax.cond(p, jnp.sin, jnp.cos, x)), X, np.bool_(False)),
    "while.zero_trip": (lambda x: lax.while_loop(lambda c: c.sum() < -1e9, lambda c: c + 1, x), X),
}  # fmt: skip
_TWO = np.int32([[0, 1], [3, 2]])
UPDATES = {
    "vmap_dynamic_slice": (jax.vmap(lambda x, i: lax.dynamic_slice(x, (i,), (3,))), X, WHICH),
    "vmap_dus": (jax.vmap(lambda x, i: lax.dynamic_update_slice(x, jnp.ones(2, x.dtype), (i,))), X, WHICH),
    "at_add": (lambda x, i: x.at[i].add(1.5), X, WHICH),
    "at_set": (lambda x, i: x.at[i].set(1.5), X, WHICH),
    "at_max": (lambda x, i: x.at[i].max(0.5), X, WHICH),
    "at_mul": (lambda x, i: x.at[i].mul(2.0), X, WHICH),
    "at_add_axis1": (lambda x, i: x.at[:, i].add(1.5), X, WHICH),
    "at_set_2d": (lambda x, i: x.at[i[:, 0], i[:, 1]].set(9.0), X, _TWO),
    "at_set_slice": (lambda x, y: x.at[1:3, 2:4].set(y), X, X[:2, :2]),
    "at_add_axis2_kvcache": (lambda x, y, i: lax.dynamic_update_slice_in_dim(x, y, i, 2), array((2, 2, 5, 3), "f32"), array((2, 2, 1, 3), "f32"), np.int32(3)),
    "segment_sum": (lambda x, i: jax.ops.segment_sum(x, i, 5), X, WHICH),
    "segment_max": (lambda x, i: jax.ops.segment_max(x, i, 5), X, WHICH),
    "bincount": (lambda i: jnp.bincount(i, length=5).astype(np.int32), WHICH),
    "one_hot": (lambda i: jax.nn.one_hot(i, 5, dtype=np.int32), WHICH),
}  # fmt: skip
_DISTINCT = np.random.default_rng(1).permutation(24).reshape(4, 6).astype("float32")
ORDERS = {
    "sort": (lambda x: jnp.sort(x, axis=1), X), "argsort": (lambda x: jnp.argsort(x).astype(np.int32), X),
    "sort_grad": (slope(lambda x: jnp.sort(x, axis=1) * np.arange(6)), _DISTINCT),
    "top_k": (lambda x: lax.top_k(x, 3), _DISTINCT),
    "top_k_grad": (slope(lambda x: lax.top_k(x, 3)[0]), _DISTINCT),
    "argmax": (lambda x: lax.argmax(x, 1, np.int32), X), "median": (jnp.median, X),
    "unique_size": (lambda x: jnp.unique(x, size=4), np.abs(np.round(V))),
    "searchsorted": (lambda x, y: jnp.searchsorted(x, y).astype(np.int32), np.sort(V), V + 0.1),
    "histogram": (lambda x: jnp.histogram(x, 4, (-2, 2))[0], X),
}  # fmt: skip
MATRICES = {
    "fft": (lambda x: jnp.fft.fft(x), array((2, 16), "c64")),
    "rfft_irfft": (lambda x: jnp.fft.irfft(jnp.fft.rfft(x) * 2), array((2, 16), "f32")),
    "fft2": (lambda x: jnp.fft.fft2(x), array((4, 6), "c64")),
    "rfft_grad": (slope(lambda x: jnp.abs(jnp.fft.rfft(x))), array((2, 16), "f32") + 0.1),
    "linalg.cholesky": (lambda a: jnp.linalg.cholesky(a), POSITIVE),
    "linalg.inv": (jnp.linalg.inv, SQUARE), "linalg.det": (jnp.linalg.det, SQUARE),
    "linalg.slogdet": (lambda a: tuple(jnp.linalg.slogdet(a)), SQUARE),
    "linalg.solve": (lambda a, b: jnp.linalg.solve(a, b), SQUARE, V[:5]),
    "linalg.qr": (lambda a: jnp.abs(jnp.linalg.qr(a)[1]), SQUARE),
    "linalg.svd": (lambda a: jnp.linalg.svd(a, compute_uv=False), SQUARE),
    "linalg.eigh": (lambda a: jnp.linalg.eigh(a)[0], POSITIVE),
    "scipy.solve_triangular": (lambda a, b: jsp.linalg.solve_triangular(a, b, lower=True), SQUARE, V[:5]),
    "linalg.norm_grad": (jax.grad(jnp.linalg.norm), X),
    "expm": (jsp.linalg.expm, SQUARE / 8), "matrix_power": (lambda a: jnp.linalg.matrix_power(a, 3), SQUARE),
    "vmap_matmul_solve_tri": (jax.vmap(lambda a, b: jsp.linalg.solve_triangular(a @ a.T + 9 * jnp.eye(3, dtype=a.dtype), b, lower=True)), array((4, 3, 3), "f32"), array((4, 3), "f32")),
    "batched_cholesky": (lambda a: jnp.linalg.cholesky(a), np.stack([POSITIVE, POSITIVE * 2])),
}  # fmt: skip
FUNCTIONS = {
    "lax.erf": (lax.erf, X), "lax.erfc": (lax.erfc, X), "lax.erf_inv": (lax.erf_inv, UNIT),
    "lax.lgamma": (lax.lgamma, UNIT * 5), "lax.digamma": (lax.digamma, UNIT * 5),
    "lax.bessel_i0e": (lax.bessel_i0e, X), "lax.bessel_i1e": (lax.bessel_i1e, X),
    "igamma": (lax.igamma, UNIT * 3, UNIT[::-1] * 4), "betainc": (jsp.special.betainc, UNIT * 3, UNIT[::-1] * 2, UNIT),
    "polygamma": (lambda x: jsp.special.polygamma(2, x), UNIT * 4),
    "logsumexp": (jsp.special.logsumexp, X), "pow_int": (lambda x: x**3, X),
    "pow_float_grad": (slope(lambda x, y: x**y, 0, 1), UNIT, UNIT * 2),
    "atan2_grad": (slope(jnp.arctan2, 0, 1), UNIT, UNIT[::-1].copy()),
    "nan_to_num": (lambda x: jnp.where(jnp.isnan(x), 0, x), np.float32([1, np.nan, 3])),
    "isnan": (jnp.isnan, np.float32([1, np.nan, np.inf])),
    "floor_div_mod": (lambda x, y: (x // y, x % y), V, np.float32([2, -3, 0.5, 4, -1.5, 7])),
    "int_floor_div_mod": (lambda x, y: (x // y, x % y), array((6,), "i32"), np.int32([2, -3, 5, 4, -1, 7])),
    "round": (jnp.round, V),
    "complex_mul_grad": (lambda a, b: jax.vjp(lambda a, b: a * b, a, b)[1](a), array((6,), "c64"), array((6,), "c64", 1)),
    "complex_exp_log": (lambda z: jnp.exp(jnp.log(z + 1j) * 2), array((6,), "c64") / 4 + np.complex64(0.1)),
    "polyval": (jnp.polyval, V / 4, X), "jacfwd": (jax.jacfwd(lambda x: jnp.sin(x) * x[::-1]), V),
    "hessian": (jax.hessian(lambda x: jnp.sum(jnp.sin(x) ** 2) * x[0]), V),
}  # fmt: skip
SHAPES = {
    "einsum_4d": (lambda x, y: jnp.einsum("abcd,acde->abe", x, y), array((2, 3, 4, 5), "f32"), array((2, 4, 5, 3), "f32")),
    "einsum_diag": (lambda x: jnp.einsum("ii->i", x), SQUARE),
    "outer_batch": (lambda x: jnp.einsum("bi,bj->bij", x, x), X),
    "tril_triu": (lambda x: jnp.tril(x) + 2 * jnp.triu(x, 1), SQUARE),
    "roll_flip": (lambda x: jnp.roll(x, 2, 1) + jnp.flip(x, 0), X),
    "tile_repeat": (lambda x: jnp.tile(x, (2, 1)) + jnp.repeat(x, 2, 0), X),
    "interp_resize_bilinear": (lambda x: jax.image.resize(x, (7, 9), "bilinear"), X),
    "resize_nearest": (lambda x: jax.image.resize(x, (8, 12), "nearest"), X),
    "pad_reflect": (lambda x: jnp.pad(x, 2, mode="reflect"), X),
    "assoc_scan": (lambda x: lax.associative_scan(jnp.add, x, axis=1), X),
    "return_arg_and_dup": (lambda x: (x, x, x + 1), X),
}  # fmt: skip


def key_of(data):
    return random.wrap_key_data(data, impl="threefry2x32")


RANDOM: dict[str, Function] = {
    "random.uniform_threefry": lambda k: random.uniform(key_of(k), (33,), "float32"),
    "random.normal": lambda k: random.normal(key_of(k), (33,), "float32"),
    "random.bernoulli": lambda k: random.bernoulli(key_of(k), np.float32(0.3), (33,)),
    "random.categorical": lambda k: random.categorical(key_of(k), X).astype("int32"),
    "random.permutation": lambda k: random.permutation(key_of(k), np.arange(17, dtype="int32")),
    "random.randint": lambda k: random.randint(key_of(k), (33,), 0, 100, "int32"),
    "random.gamma": lambda k: random.gamma(key_of(k), np.float32(1.5), (9,), "float32"),
    "random.split_fold": lambda k: random.key_data(random.fold_in(random.split(key_of(k))[1], 3)),
    "random.truncated_normal": lambda k: random.truncated_normal(key_of(k), np.float32(-1), np.float32(2), (33,), "float32"),
    "rng_threefry_big": lambda k: random.bits(key_of(k), (1000,), "uint32"),
}  # fmt: skip
