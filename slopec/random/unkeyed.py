"""Random numbers from the current stream, under the names that PyTorch and NumPy users know."""

from collections.abc import Sequence
from typing import Any

from slopec import dtypes
from slopec.ops.common import ArrayLike, as_tensor
from slopec.random import continuous, discrete
from slopec.random.stream import next_key
from slopec.tensor import Tensor


def _shape(size: tuple[Any, ...]) -> Any:
    """The shape given as several ints or as one sequence."""
    return size[0] if len(size) == 1 and not isinstance(size[0], int) else size


def rand(*size: int | Sequence[int], dtype: Any = dtypes.float32) -> Tensor:
    """Uniform numbers in [0, 1) from the current stream; `size` is a shape, or its sizes.

    >>> import slopec as sp
    >>> sp.rand(2, 3).shape
    (2, 3)
    """
    return continuous.uniform(next_key(), _shape(size), dtype)


def randn(*size: int | Sequence[int], dtype: Any = dtypes.float32) -> Tensor:
    """Normal numbers of mean 0 and variance 1 from the current stream.

    >>> import slopec as sp
    >>> sp.randn((2, 3)).shape
    (2, 3)
    """
    return continuous.normal(next_key(), _shape(size), dtype)


def randint(
    low: int, high: int, size: int | Sequence[int] = (), *, dtype: Any = dtypes.int32
) -> Tensor:
    """Integers in [low, high) from the current stream.

    >>> import slopec as sp
    >>> sp.randint(0, 10, (4,)).shape
    (4,)
    """
    return discrete.randint(next_key(), size, low, high, dtype)


def randperm(n: int) -> Tensor:
    """The integers 0 … n - 1 in random order, from the current stream.

    >>> import slopec as sp
    >>> sorted(sp.randperm(4).tolist())
    [0, 1, 2, 3]
    """
    return discrete.permutation(next_key(), n)


def rand_like(x: ArrayLike, /, *, dtype: Any = None) -> Tensor:
    """Uniform numbers in [0, 1) in the shape and dtype of `x`.

    >>> import slopec as sp
    >>> sp.rand_like(sp.zeros((2, 3))).shape
    (2, 3)
    """
    like = as_tensor("rand_like", x)
    return continuous.uniform(next_key(), like.shape, like.dtype if dtype is None else dtype)


def randn_like(x: ArrayLike, /, *, dtype: Any = None) -> Tensor:
    """Normal numbers in the shape and dtype of `x`.

    >>> import slopec as sp
    >>> sp.randn_like(sp.zeros((2, 3))).shape
    (2, 3)
    """
    like = as_tensor("randn_like", x)
    return continuous.normal(next_key(), like.shape, like.dtype if dtype is None else dtype)
