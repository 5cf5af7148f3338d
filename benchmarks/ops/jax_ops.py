"""The programs' words in JAX."""

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

exp, tanh, sqrt = jnp.exp, jnp.tanh, jnp.sqrt
relu, relu6, softmax = jax.nn.relu, jax.nn.relu6, jax.nn.softmax


def concat(parts: Any, axis: int) -> Any:
    """The parts one after the other."""
    return jnp.concatenate(parts, axis)


def permute(x: Any, axes: tuple[int, ...]) -> Any:
    """The axes of `x` in another order."""
    return x.transpose(axes)


def linear(x: Any, weight: Any, bias: Any = None) -> Any:
    """x Wᵀ + b."""
    y = x @ weight.T
    return y if bias is None else y + bias


def embedding(indices: Any, weight: Any) -> Any:
    """Rows of the weight."""
    return weight[indices]


def gelu(x: Any) -> Any:
    """GELU by the hyperbolic tangent."""
    return jax.nn.gelu(x, approximate=True)


def norm(x: Any, weight: Any, bias: Any) -> Any:
    """Layer norm over the last dimension."""
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) * lax.rsqrt(variance + 1e-5) * weight + bias


def conv(x: Any, weight: Any, stride: int = 1, padding: int = 0, groups: int = 1) -> Any:
    """A convolution of images."""
    pads = [(padding, padding)] * 2
    return lax.conv_general_dilated(x, weight, (stride,) * 2, pads, feature_group_count=groups)


def batch_norm(x: Any, weight: Any, bias: Any, mean: Any = None, variance: Any = None) -> Any:
    """Per channel, by the statistics given or else the batch's own."""
    if mean is None:
        mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3))
    scale = weight * lax.rsqrt(variance + 1e-5)
    return (x - mean[:, None, None]) * scale[:, None, None] + bias[:, None, None]


def max_pool(x: Any) -> Any:
    """The largest of each 2 × 2."""
    size = (1, 1, 2, 2)
    return lax.reduce_window(x, -jnp.inf, lax.max, size, size, "VALID")


def attention(q: Any, k: Any, v: Any, causal: bool) -> Any:
    """Attention of all positions."""
    scores = q @ k.swapaxes(-1, -2) / math.sqrt(q.shape[-1])
    if causal:
        scores = jnp.where(jnp.tri(q.shape[-2], dtype=bool), scores, -jnp.inf)
    return softmax(scores) @ v


def cross_entropy(logits: Any, target: Any) -> Any:
    """The mean negative log-probability of the targets."""
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), target[..., None], -1).mean()


def write(cache: Any, new: Any, position: Any) -> Any:
    """The cache (N, heads, capacity, D) with `new` (N, heads, 1, D) at `position`."""
    return lax.dynamic_update_slice_in_dim(cache, new, position, 2)


def cached_attention(q: Any, keys: Any, values: Any, position: Any) -> Any:
    """Attention of the newest position over those up to it."""
    scores = q @ keys.swapaxes(-1, -2) / math.sqrt(q.shape[-1])
    return softmax(jnp.where(jnp.arange(keys.shape[2]) <= position, scores, -jnp.inf)) @ values


def lstm(x: Any, of_input: Any, of_state: Any, bias: Any) -> Any:
    """The outputs of one LSTM layer over (T, N, features)."""

    def step(state: Any, given: Any) -> Any:
        h, c = state
        i, f, g, o = jnp.split(given + h @ of_state.T, 4, -1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    start = jnp.zeros((x.shape[1], of_state.shape[1]), x.dtype)
    return lax.scan(step, (start, start), linear(x, of_input, bias))[1]


def solve_spd(a: Any, b: Any) -> Any:
    """The solution of a x = b by Cholesky's factor."""
    return jax.scipy.linalg.cho_solve(jax.scipy.linalg.cho_factor(a, lower=True), b)
