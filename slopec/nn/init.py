"""Initial values of parameters: every function takes a shape and, if one is wanted, a key.

Without a key the next one of the current stream is taken, so `sp.manual_seed` decides. Fans are
read from PyTorch's layouts: (out, in, …kernel). Sources: Glorot & Bengio, *Understanding the
difficulty of training deep feedforward neural networks*, 2010; He et al., *Delving deep into
rectifiers*, 2015; LeCun et al., *Efficient BackProp*, 1998; Saxe et al., *Exact solutions to the
nonlinear dynamics of learning*, 2014.
"""

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from slopec import dtypes, ops, random, tracing
from slopec.diagnostics import ShapeError, UsageError
from slopec.lazy.evaluate import evaluate_alike
from slopec.tensor import Tensor

Shape = Sequence[int]
Mode = Literal["fan_in", "fan_out", "fan_avg"]


def fans(shape: Shape) -> tuple[int, int]:
    """(fan in, fan out) of a weight of shape (out, in, …kernel).

    Raises ShapeError for fewer than two dimensions.

    >>> fans((8, 4, 3, 3))
    (36, 72)
    """
    if len(shape) < 2:
        raise ShapeError(
            "S0101",
            f"an initial value that depends on fans has at least two dimensions, got {shape}",
            span=tracing.here(),
        )
    window = math.prod(shape[2:])
    return shape[1] * window, shape[0] * window


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """What a nonlinearity's weights are scaled by to keep the variance, PyTorch's table.

    >>> calculate_gain("relu") == math.sqrt(2)
    True
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        return math.sqrt(2.0 / (1.0 + slope * slope))
    known = {"linear": 1.0, "sigmoid": 1.0, "tanh": 5 / 3, "relu": math.sqrt(2.0), "selu": 0.75}
    if nonlinearity not in known:
        raise UsageError(
            "S0106",
            f"no gain is known for the nonlinearity {nonlinearity!r}",
            span=tracing.here(),
            hint=f"known are leaky_relu, {', '.join(known)}",
        )
    return known[nonlinearity]


def _key(key: Any) -> Any:
    return random.next_key() if key is None else key


def _known(values: Tensor) -> Tensor:
    """Values computed at once, to the same bits in every process, unless a trace is written."""
    if not tracing.is_tracing():
        evaluate_alike(values._value)
    return values


def constant(shape: Shape, value: float, *, dtype: Any = dtypes.float32) -> Tensor:
    """`value` everywhere."""
    return _known(ops.full(tuple(shape), value, dtype=dtype))


def zeros(shape: Shape, *, dtype: Any = dtypes.float32) -> Tensor:
    """Zeros."""
    return constant(shape, 0, dtype=dtype)


def ones(shape: Shape, *, dtype: Any = dtypes.float32) -> Tensor:
    """Ones."""
    return constant(shape, 1, dtype=dtype)


def uniform(
    shape: Shape,
    low: float = 0.0,
    high: float = 1.0,
    *,
    key: Any = None,
    dtype: Any = dtypes.float32,
) -> Tensor:
    """Uniform in [low, high).

    >>> uniform((2, 3), -1.0, 1.0).shape
    (2, 3)
    """
    return _known(random.uniform(_key(key), tuple(shape), dtype, low, high))


def normal(
    shape: Shape,
    mean: float = 0.0,
    std: float = 1.0,
    *,
    key: Any = None,
    dtype: Any = dtypes.float32,
) -> Tensor:
    """Normal with the given mean and standard deviation."""
    return _known(random.normal(_key(key), tuple(shape), dtype) * std + mean)


def truncated_normal(
    shape: Shape,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    *,
    key: Any = None,
    dtype: Any = dtypes.float32,
) -> Tensor:
    """Normal values, given that they lie in [a, b]."""
    low, high = (a - mean) / std, (b - mean) / std
    drawn = random.truncated_normal(_key(key), low, high, tuple(shape), dtype)
    return _known(drawn * std + mean)


def torch_default(
    shape: Shape, fan_in: int | None = None, *, key: Any = None, dtype: Any = dtypes.float32
) -> Tensor:
    """PyTorch's default for linear and convolution layers: uniform within ±1/√fan_in."""
    fan = fans(shape)[0] if fan_in is None else fan_in
    bound = 1.0 / math.sqrt(fan) if fan else 0.0
    return uniform(shape, -bound, bound, key=key, dtype=dtype)


def variance_scaling(
    shape: Shape,
    scale: float = 1.0,
    mode: Mode = "fan_in",
    distribution: Literal["normal", "truncated_normal", "uniform"] = "truncated_normal",
    *,
    key: Any = None,
    dtype: Any = dtypes.float32,
) -> Tensor:
    """Values of variance scale / fan; the fan is in, out, or the mean of both.

    >>> variance_scaling((4, 3), 2.0, "fan_avg", "uniform").shape
    (4, 3)
    """
    ins, outs = fans(shape)
    chosen = {"fan_in": ins, "fan_out": outs, "fan_avg": (ins + outs) / 2}
    if mode not in chosen:
        raise UsageError(
            "S0106",
            f"no fan is called {mode!r}; known are {', '.join(chosen)}",
            span=tracing.here(),
        )
    std = math.sqrt(scale / max(1.0, chosen[mode]))
    if distribution == "uniform":
        bound = math.sqrt(3.0) * std
        return uniform(shape, -bound, bound, key=key, dtype=dtype)
    if distribution == "normal":
        return normal(shape, 0.0, std, key=key, dtype=dtype)
    # Cutting at two deviations takes variance away; this gives it back.
    std = std / 0.87962566103423978
    return truncated_normal(shape, 0.0, std, -2 * std, 2 * std, key=key, dtype=dtype)


def xavier_uniform(
    shape: Shape, gain: float = 1.0, *, key: Any = None, dtype: Any = dtypes.float32
) -> Tensor:
    """Uniform within ±gain √(6 / (fan_in + fan_out)), Glorot's."""
    return variance_scaling(shape, gain * gain, "fan_avg", "uniform", key=key, dtype=dtype)


def xavier_normal(
    shape: Shape, gain: float = 1.0, *, key: Any = None, dtype: Any = dtypes.float32
) -> Tensor:
    """Normal with variance gain² · 2 / (fan_in + fan_out), Glorot's."""
    return variance_scaling(shape, gain * gain, "fan_avg", "normal", key=key, dtype=dtype)


def kaiming_uniform(
    shape: Shape,
    a: float = 0.0,
    mode: Mode = "fan_in",
    nonlinearity: str = "leaky_relu",
    *,
    key: Any = None,
    dtype: Any = dtypes.float32,
) -> Tensor:
    """Uniform within ±gain √(3 / fan), He's; `a` is the slope of leaky_relu."""
    gain = calculate_gain(nonlinearity, a)
    return variance_scaling(shape, gain * gain, mode, "uniform", key=key, dtype=dtype)


def kaiming_normal(
    shape: Shape,
    a: float = 0.0,
    mode: Mode = "fan_in",
    nonlinearity: str = "leaky_relu",
    *,
    key: Any = None,
    dtype: Any = dtypes.float32,
) -> Tensor:
    """Normal with variance gain² / fan, He's; `a` is the slope of leaky_relu."""
    gain = calculate_gain(nonlinearity, a)
    return variance_scaling(shape, gain * gain, mode, "normal", key=key, dtype=dtype)


def lecun_normal(shape: Shape, *, key: Any = None, dtype: Any = dtypes.float32) -> Tensor:
    """Truncated normal with variance 1 / fan_in, LeCun's."""
    return variance_scaling(shape, 1.0, "fan_in", key=key, dtype=dtype)


def orthogonal(
    shape: Shape, gain: float = 1.0, *, key: Any = None, dtype: Any = dtypes.float32
) -> Tensor:
    """A matrix (rows, everything else) with orthonormal rows or columns, times `gain` (Saxe's).

    Q of the QR decomposition of normal numbers, its signs such that it is uniform. Outside traces
    only.

    >>> q = orthogonal((3, 5))
    >>> bool(np.allclose(q.numpy() @ q.numpy().T, np.eye(3), atol=1e-6))
    True
    """
    rows, columns = shape[0], math.prod(shape[1:])
    drawn = random.normal(_key(key), (max(rows, columns), min(rows, columns))).numpy()
    q, r = np.linalg.qr(drawn.astype(np.float64))
    q = q * np.sign(np.diag(r))
    matrix = q.T if rows < columns else q
    return Tensor((gain * matrix).reshape(tuple(shape)), dtype)


# --- PyTorch's functions, which give a tensor new values and return it ------------------------


def _filled(tensor: Tensor, values: Tensor) -> Tensor:
    tensor.data = values
    return tensor


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, *, key: Any = None) -> Tensor:
    """Give a tensor values uniform in [a, b).

    >>> import slopec as sp
    >>> layer = sp.nn.Linear(3, 2)
    >>> bool((sp.nn.init.uniform_(layer.weight, 1.0, 2.0) >= 1.0).all())
    True
    """
    return _filled(tensor, uniform(tensor.shape, a, b, key=key, dtype=tensor.dtype))


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, *, key: Any = None) -> Tensor:
    """Give a tensor normal values."""
    return _filled(tensor, normal(tensor.shape, mean, std, key=key, dtype=tensor.dtype))


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    *,
    key: Any = None,
) -> Tensor:
    """Give a tensor normal values within [a, b]."""
    values = truncated_normal(tensor.shape, mean, std, a, b, key=key, dtype=tensor.dtype)
    return _filled(tensor, values)


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Give a tensor one value everywhere."""
    return _filled(tensor, constant(tensor.shape, val, dtype=tensor.dtype))


def ones_(tensor: Tensor) -> Tensor:
    """Give a tensor ones."""
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """Give a tensor zeros."""
    return constant_(tensor, 0.0)


def eye_(tensor: Tensor) -> Tensor:
    """Give a matrix ones on its diagonal, zeros elsewhere."""
    return _filled(tensor, _known(ops.eye(*tensor.shape, dtype=tensor.dtype)))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Give the weight of a convolution values that let as many channels as fit pass unchanged."""
    out, inputs, *window = tensor.shape
    values = np.zeros(tensor.shape, np.float64)
    each = out // groups
    middle = [n // 2 for n in window]
    for i in range(min(each, inputs)):
        place: Any = (slice(i, groups * each, each), i, *middle)
        values[place] = 1.0
    return _filled(tensor, ops.asarray(values, dtype=tensor.dtype))


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, *, key: Any = None) -> Tensor:
    """Give a tensor the values of `xavier_uniform`."""
    return _filled(tensor, xavier_uniform(tensor.shape, gain, key=key, dtype=tensor.dtype))


def xavier_normal_(tensor: Tensor, gain: float = 1.0, *, key: Any = None) -> Tensor:
    """Give a tensor the values of `xavier_normal`."""
    return _filled(tensor, xavier_normal(tensor.shape, gain, key=key, dtype=tensor.dtype))


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0.0,
    mode: Mode = "fan_in",
    nonlinearity: str = "leaky_relu",
    *,
    key: Any = None,
) -> Tensor:
    """Give a tensor the values of `kaiming_uniform`."""
    values = kaiming_uniform(tensor.shape, a, mode, nonlinearity, key=key, dtype=tensor.dtype)
    return _filled(tensor, values)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0.0,
    mode: Mode = "fan_in",
    nonlinearity: str = "leaky_relu",
    *,
    key: Any = None,
) -> Tensor:
    """Give a tensor the values of `kaiming_normal`."""
    values = kaiming_normal(tensor.shape, a, mode, nonlinearity, key=key, dtype=tensor.dtype)
    return _filled(tensor, values)


def orthogonal_(tensor: Tensor, gain: float = 1.0, *, key: Any = None) -> Tensor:
    """Give a tensor the values of `orthogonal`."""
    return _filled(tensor, orthogonal(tensor.shape, gain, key=key, dtype=tensor.dtype))
