"""The programs' words in slopec."""

from typing import Any

import slopec as sp
from slopec import hlo
from slopec.nn import functional as F  # noqa: N812
from slopec.nn.functional import embedding, layer_norm, linear, softmax

__all__ = ["embedding", "linear", "softmax"]

exp, tanh, sqrt, concat = sp.exp, sp.tanh, sp.sqrt, sp.concat
relu, relu6 = F.relu, F.relu6


def permute(x: Any, axes: tuple[int, ...]) -> Any:
    """The axes of `x` in another order."""
    return x.permute(*axes)


def gelu(x: Any) -> Any:
    """GELU by the hyperbolic tangent."""
    return F.gelu(x, approximate="tanh")


def norm(x: Any, weight: Any, bias: Any) -> Any:
    """Layer norm over the last dimension."""
    return layer_norm(x, (x.shape[-1],), weight, bias)


def conv(x: Any, weight: Any, stride: int = 1, padding: int = 0, groups: int = 1) -> Any:
    """A convolution of images."""
    return sp.conv2d(x, weight, stride=stride, padding=padding, groups=groups)


def batch_norm(x: Any, weight: Any, bias: Any, mean: Any = None, variance: Any = None) -> Any:
    """Per channel, by the statistics given or else the batch's own."""
    if mean is None:
        mean, variance = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3))
    return F.batch_norm(x, mean, variance, weight, bias)


def max_pool(x: Any) -> Any:
    """The largest of each 2 × 2."""
    return sp.max_pool2d(x, 2)


def attention(q: Any, k: Any, v: Any, causal: bool) -> Any:
    """Attention of all positions."""
    return F.scaled_dot_product_attention(q, k, v, is_causal=causal)


def cross_entropy(logits: Any, target: Any) -> Any:
    """The mean negative log-probability of the targets."""
    return F.cross_entropy(logits, target, dim=-1)


def write(cache: Any, new: Any, position: Any) -> Any:
    """The cache (N, heads, capacity, D) with `new` (N, heads, 1, D) at `position`."""
    zero = sp.zeros((), dtype="int32")
    return hlo.dynamic_update_slice(cache, new, (zero, zero, position, zero))


def cached_attention(q: Any, keys: Any, values: Any, position: Any) -> Any:
    """Attention of the newest position over those up to it."""
    seen = sp.arange(keys.shape[2]) <= position
    return F.scaled_dot_product_attention(q, keys, values, seen.reshape(1, -1))


def lstm(x: Any, of_input: Any, of_state: Any, bias: Any) -> Any:
    """The outputs of one LSTM layer over (T, N, features), as `nn.LSTM` has them."""

    def step(state: Any, given: Any) -> Any:
        h, c = state
        i, f, g, o = sp.split(given + linear(h, of_state), 4, axis=-1)
        c = sp.sigmoid(f) * c + sp.sigmoid(i) * sp.tanh(g)
        h = sp.sigmoid(o) * sp.tanh(c)
        return (h, c), h

    start = sp.zeros((x.shape[1], of_state.shape[1]))
    return sp.scan(step, (start, start), linear(x, of_input, bias))[1]


def solve_spd(a: Any, b: Any) -> Any:
    """The solution of a x = b by Cholesky's factor."""
    factor = sp.linalg.cholesky(a)
    y = sp.linalg.solve_triangular(factor, b, upper=False)
    return sp.linalg.solve_triangular(sp.matrix_transpose(factor), y, upper=True)
