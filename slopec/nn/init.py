"""Initial values of parameters; every function takes a shape and a key.

Without a key the next one of the current stream is taken, so `sp.manual_seed` decides. The size of
a fan is read from PyTorch's layouts: (out, in, …kernel).
"""

import math
from collections.abc import Sequence
from typing import Any

from slopec import dtypes, ops, random
from slopec.tensor import Tensor

Shape = Sequence[int]


def fans(shape: Shape) -> tuple[int, int]:
    """(fan in, fan out) of a weight of shape (out, in, …kernel).

    >>> fans((8, 4, 3, 3))
    (36, 72)
    """
    window = math.prod(shape[2:])
    return shape[1] * window, shape[0] * window


def _key(key: Any) -> Any:
    return random.next_key() if key is None else key


def uniform(shape: Shape, bound: float, *, key: Any = None, dtype: Any = dtypes.float32) -> Tensor:
    """Uniform between −bound and bound."""
    return random.uniform(_key(key), shape, dtype, -bound, bound).eval()


def normal(shape: Shape, std: float, *, key: Any = None, dtype: Any = dtypes.float32) -> Tensor:
    """Normal with standard deviation `std`."""
    return (random.normal(_key(key), shape, dtype) * std).eval()


def zeros(shape: Shape, *, dtype: Any = dtypes.float32) -> Tensor:
    """Zeros."""
    return ops.zeros(tuple(shape), dtype=dtype).eval()


def ones(shape: Shape, *, dtype: Any = dtypes.float32) -> Tensor:
    """Ones."""
    return ops.ones(tuple(shape), dtype=dtype).eval()


def torch_uniform(
    shape: Shape, fan_in: int | None = None, *, key: Any = None, dtype: Any = dtypes.float32
) -> Tensor:
    """PyTorch's default for linear and convolution layers: uniform within ±1/√fan_in."""
    fan = fans(shape)[0] if fan_in is None else fan_in
    return uniform(shape, 1.0 / math.sqrt(max(1, fan)), key=key, dtype=dtype)


def glorot_uniform(shape: Shape, *, key: Any = None, dtype: Any = dtypes.float32) -> Tensor:
    """Uniform within ±√(6 / (fan_in + fan_out)) (Glorot & Bengio, 2010)."""
    return uniform(shape, math.sqrt(6.0 / sum(fans(shape))), key=key, dtype=dtype)


def kaiming_normal(shape: Shape, *, key: Any = None, dtype: Any = dtypes.float32) -> Tensor:
    """Normal with variance 2 / fan_in (He et al., 2015)."""
    return normal(shape, math.sqrt(2.0 / fans(shape)[0]), key=key, dtype=dtype)
