"""ATen's tensors made of numbers."""

from collections.abc import Callable, Sequence
from typing import Any

from slopec import dtypes, ops
from slopec.ops.matrices import eye
from slopec.tensor import Tensor


def full(size: Sequence[int], value: Any, *, dtype: Any = None) -> Tensor:
    """One value everywhere."""
    return ops.full(size, value, dtype=dtype)


def full_like(x: Tensor, value: Any, *, dtype: Any = None) -> Tensor:
    """One value everywhere, in the shape of another tensor."""
    return ops.full(x.shape, value, dtype=dtype or x.dtype)


def fill(x: Tensor, value: Any) -> Tensor:
    """One value everywhere, in the shape and dtype of another tensor."""
    return ops.broadcast_to(ops.asarray(value, dtype=x.dtype), x.shape)


def zeros(size: Sequence[int], *_: Any, dtype: Any = dtypes.float32) -> Tensor:
    """Zeros, also for what asks for anything."""
    return ops.zeros(size, dtype=dtype)


def arange(start: Any, end: Any, step: Any = 1, *, dtype: Any = None) -> Tensor:
    """From `start` to before `end`."""
    return ops.arange(start, end, step, dtype=dtype)


def scalar_tensor(value: Any, *, dtype: Any = None) -> Tensor:
    """A tensor without dimensions."""
    return ops.asarray(value, dtype=dtype)


def linspace(start: Any, end: Any, steps: int, *, dtype: Any = None) -> Tensor:
    """Evenly spaced numbers, both ends among them."""
    return ops.linspace(start, end, steps, dtype=dtype)


TABLE: dict[str, Callable[..., Any]] = {
    "full": full,
    "full_like": full_like,
    "fill": fill,
    "empty": zeros,
    "empty_strided": zeros,
    "empty_permuted": zeros,
    "zeros": zeros,
    "arange.start_step": arange,
    "scalar_tensor": scalar_tensor,
    "linspace.default": linspace,
    "eye.default": lambda n, *, dtype=None: eye(n, dtype=dtype),
    "eye.m": lambda n, m, *, dtype=None: eye(n, m, dtype=dtype),
}
