"""Whole programs as JAX exports them: training steps, attention, recurrences, random numbers."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export, lax

from slopec import ir, reference
from tests.reference.harness import agree, same, sample


def weights(*shapes: tuple[int, ...], name: str = "float32") -> list[np.ndarray]:
    return [sample(shape, name, i, 1 / np.sqrt(max(shape[0], 1))) for i, shape in enumerate(shapes)]


def cross_entropy(logits: Any, labels: Any) -> Any:
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], 1).mean()


LABELS = np.array([3, 0, 2, 1, 1, 3, 0, 2], np.int32)


def mlp(w1: Any, b1: Any, w2: Any, b2: Any, x: Any) -> Any:
    return cross_entropy(jax.nn.gelu(x @ w1 + b1, approximate=False) @ w2 + b2, LABELS)


def cnn(k1: Any, k2: Any, w: Any, x: Any) -> Any:
    for kernel in (k1, k2):
        x = lax.conv_general_dilated(
            x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        x = jax.nn.relu((x - x.mean((0, 1, 2))) * lax.rsqrt(x.var((0, 1, 2)) + 1e-5))
        x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    return cross_entropy(x.reshape(x.shape[0], -1) @ w, LABELS)


def attention(wq: Any, wk: Any, wv: Any, wo: Any, tokens: Any, table: Any) -> Any:
    x = table[tokens]
    batch, length, width = x.shape
    heads = [(x @ w).reshape(batch, length, 2, -1) for w in (wq, wk, wv)]
    scores = jnp.einsum("bqhd,bkhd->bhqk", heads[0], heads[1]) / np.sqrt(width / 2)
    scores = jnp.where(jnp.tril(jnp.ones((length, length), bool)), scores, -jnp.inf)
    mixed = jnp.einsum("bhqk,bkhd->bqhd", jax.nn.softmax(scores), heads[2])
    x = x + mixed.reshape(x.shape) @ wo
    return (
        jnp.square(
            (x - x.mean(-1, keepdims=True)) * lax.rsqrt(x.var(-1, keepdims=True) + 1e-5)
        ).sum()
        + x.sum()
    )


def recurrent(wx: Any, wh: Any, xs: Any) -> Any:
    def step(h: Any, x: Any) -> Any:
        h = jnp.tanh(x @ wx + h @ wh)
        return h, h

    return lax.scan(step, jnp.zeros((xs.shape[1], wh.shape[0])), xs)[1].sum()


def adam(w: Any, m: Any, v: Any, count: Any, x: Any) -> Any:
    gradient = jax.grad(lambda w: jnp.square(x @ w).mean())(w)
    count = count + 1
    m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
    return (
        w - 0.01 * (m / (1 - 0.9**count)) / (jnp.sqrt(v / (1 - 0.999**count)) + 1e-8),
        m,
        v,
        count,
    )


@pytest.mark.parametrize("name", ["float32", "float64", "bfloat16"])
def test_mlp_and_its_gradients(name: str) -> None:
    arrays = weights((6, 16), (16,), (16, 4), (4,), (8, 6), name=name)
    agree(
        jax.value_and_grad(mlp, (0, 1, 2, 3)),
        *arrays,
        tolerance=0.03 if name == "bfloat16" else 1e-5,
    )


def test_cnn_and_its_gradients() -> None:
    arrays = weights((3, 3, 2, 4), (3, 3, 4, 5), (20, 4), (8, 8, 8, 2))
    agree(jax.value_and_grad(cnn, (0, 1, 2, 3)), *arrays, tolerance=1e-4)


def test_attention_and_its_gradients() -> None:
    tokens = np.array([[1, 4, 2, 0], [3, 3, 1, 2]], np.int32)
    arrays = weights((6, 6), (6, 6), (6, 6), (6, 6))
    agree(
        jax.value_and_grad(attention, (0, 1, 2, 3, 5)),
        *arrays,
        tokens,
        *weights((5, 6)),
        tolerance=1e-4,
    )


def test_recurrence_and_its_gradients() -> None:
    agree(
        jax.value_and_grad(recurrent, (0, 1)), *weights((3, 4), (4, 4), (7, 2, 3)), tolerance=1e-5
    )


def test_adam_step() -> None:
    w, x = weights((5, 3), (8, 5))
    agree(adam, w, 0 * w, 0 * w, np.int32(0), x, tolerance=1e-5)


def test_second_order_and_batched() -> None:
    arrays = weights((6, 3), (3,), (3, 4), (4,), (8, 6), name="float64")
    agree(jax.hessian(mlp, 1), *arrays, tolerance=1e-10)
    batch = sample((5, 8, 6), "float64", 9)
    agree(jax.vmap(jax.grad(mlp), (None, None, None, None, 0)), *arrays[:4], batch, tolerance=1e-10)


def test_dropout_with_a_key() -> None:
    def step(key: Any, x: Any) -> Any:
        keep, noise = jax.random.split(jax.random.wrap_key_data(key))
        return jnp.where(jax.random.bernoulli(keep, 0.7, x.shape), x, 0) + jax.random.normal(
            noise, x.shape
        )

    agree(step, np.array([1, 2], np.uint32), sample((4, 5), "float32"), tolerance=1e-5)


def test_gaussian_process() -> None:
    def fit(x: Any, y: Any) -> Any:
        kernel = jnp.exp(-jnp.square(x[:, None] - x[None]) / 2) + 0.1 * jnp.eye(len(x))
        factor = lax.linalg.cholesky(kernel)
        return jax.scipy.linalg.cho_solve((factor, True), y), 2 * jnp.log(jnp.diag(factor)).sum()

    agree(
        fit, sample((9,), "float64", 1), sample((9,), "float64", 2), platform="tpu", tolerance=1e-10
    )


def test_what_numpy_users_call() -> None:
    def several(x: Any) -> Any:
        return (
            jnp.cumsum(x, 1),
            jnp.percentile(x, 30, axis=0),
            jnp.histogram(x, bins=5, range=(-3, 3))[0],
            jnp.convolve(x[0], x[1]),
            jnp.interp(x, jnp.arange(5.0), jnp.arange(5.0) ** 2),
            jnp.fft.rfft(x).real,
            jnp.roll(x, 2, 1),
            jnp.trapezoid(x),
            jnp.argsort(x, 1),
            jnp.linalg.norm(x, axis=1),
        )

    agree(several, sample((4, 9), "float64"), tolerance=1e-10)


def test_exported_bytecode() -> None:
    arrays = weights((6, 16), (16,), (16, 4), (4,), (8, 6))
    exported = export.export(jax.jit(mlp))(*arrays)
    (loss,) = reference.evaluate(ir.parse(exported.mlir_module()), "main", *arrays)
    same(loss, np.asarray(mlp(*arrays)), 1e-5)


def test_symbolic_batch() -> None:
    (batch,) = export.symbolic_shape("batch")
    spec = jax.ShapeDtypeStruct((batch, 4), jnp.float32)
    module = ir.parse(
        export.export(jax.jit(lambda x: jax.nn.softmax(x, 0) * x.shape[0]))(spec).mlir_module()
    )
    x = sample((3, 4), "float32")
    same(reference.evaluate(module, "main", x)[0], np.asarray(jax.nn.softmax(x, 0) * 3), 1e-5)
