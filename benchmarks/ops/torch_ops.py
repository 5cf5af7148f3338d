"""The programs' words in PyTorch."""

from typing import Any

import torch
from torch.nn import functional as F  # noqa: N812

exp, tanh, sqrt = torch.exp, torch.tanh, torch.sqrt
relu, relu6, linear, concat = F.relu, F.relu6, F.linear, torch.cat


def softmax(x: Any) -> Any:
    """Over the last dimension."""
    return F.softmax(x, -1)


def permute(x: Any, axes: tuple[int, ...]) -> Any:
    """The axes of `x` in another order."""
    return x.permute(axes)


def embedding(indices: Any, weight: Any) -> Any:
    """Rows of the weight."""
    return F.embedding(indices, weight)


def gelu(x: Any) -> Any:
    """GELU by the hyperbolic tangent."""
    return F.gelu(x, approximate="tanh")


def norm(x: Any, weight: Any, bias: Any) -> Any:
    """Layer norm over the last dimension."""
    return F.layer_norm(x, x.shape[-1:], weight, bias)


def conv(x: Any, weight: Any, stride: int = 1, padding: int = 0, groups: int = 1) -> Any:
    """A convolution of images."""
    return F.conv2d(x, weight, stride=stride, padding=padding, groups=groups)


def batch_norm(x: Any, weight: Any, bias: Any, mean: Any = None, variance: Any = None) -> Any:
    """Per channel, by the statistics given or else the batch's own."""
    return F.batch_norm(x, mean, variance, weight, bias, training=mean is None)


def max_pool(x: Any) -> Any:
    """The largest of each 2 × 2."""
    return F.max_pool2d(x, 2)


def attention(q: Any, k: Any, v: Any, causal: bool) -> Any:
    """Attention of all positions."""
    return F.scaled_dot_product_attention(q, k, v, is_causal=causal)


def cross_entropy(logits: Any, target: Any) -> Any:
    """The mean negative log-probability of the targets."""
    return F.cross_entropy(logits.reshape(-1, logits.shape[-1]), target.reshape(-1).long())


def write(cache: Any, new: Any, position: Any) -> Any:
    """The cache (N, heads, capacity, D) with `new` (N, heads, 1, D) at `position`, in place."""
    return cache.index_copy_(2, position.reshape(1).long(), new)


def cached_attention(q: Any, keys: Any, values: Any, position: Any) -> Any:
    """Attention of the newest position over those up to it.

    Eagerly over a slice, as a cache that grows has it; compiled over all with a mask, as a static
    cache has it.
    """
    if torch.compiler.is_compiling() or q.is_cuda:
        seen = torch.arange(keys.shape[2], device=q.device) <= position
        return F.scaled_dot_product_attention(q, keys, values, seen.reshape(1, -1))
    end = int(position) + 1
    return F.scaled_dot_product_attention(q, keys[:, :, :end], values[:, :, :end])


def lstm(x: Any, of_input: Any, of_state: Any, bias: Any) -> Any:
    """The outputs of one LSTM layer over (T, N, features)."""
    start = x.new_zeros((1, x.shape[1], of_state.shape[1]))
    weights = (of_input, of_state, bias, torch.zeros_like(bias))
    return torch.lstm(x, (start, start), weights, True, 1, 0.0, True, False, False)[0]


def solve_spd(a: Any, b: Any) -> Any:
    """The solution of a x = b by Cholesky's factor."""
    return torch.cholesky_solve(b, torch.linalg.cholesky(a))
