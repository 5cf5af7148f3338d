"""Tensors made of numbers rather than of other tensors.

`device` says where the elements shall be ("cpu", "cuda", "reference" …, see `slopec.device`); in a
traced function it says nothing, because a program is compiled for where it runs.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from slopec import dtypes, hlo, tracing
from slopec.diagnostics import DTypeError, ShapeError
from slopec.dtypes import DType
from slopec.ops.common import (
    ArrayLike,
    Shape,
    as_tensor,
    bad_argument,
    expand,
    is_scalar,
    splat,
)
from slopec.ops.data_types import astype, wanted_dtype
from slopec.tensor import Scalar, Tensor

__all__ = [
    "asarray",
    "empty",
    "empty_like",
    "from_dlpack",
    "full",
    "full_like",
    "ones",
    "ones_like",
    "zeros",
    "zeros_like",
]


def dtype_or(dtype: Any, default: DType) -> DType:
    """The element type that a user's `dtype` names, `default` for None."""
    return default if dtype is None else wanted_dtype(dtype)


def shape_of(name: str, shape: int | Sequence[int]) -> Shape:
    """`shape` as a tuple of natural numbers; raises ShapeError for a negative size."""
    try:
        sizes = (shape,) if isinstance(shape, int | np.integer) else tuple(shape)
        result = tuple(size.__index__() for size in sizes)
    except (AttributeError, TypeError):
        raise DTypeError(
            "S0106", f"{name}: a shape is made of ints, got {shape!r}", span=tracing.here()
        ) from None
    if any(size < 0 for size in result):
        raise ShapeError("S0101", f"{name}: negative size in shape {result}", span=tracing.here())
    return result


def placed(made: Tensor, device: str | None) -> Tensor:
    """`made` on the device that a user's argument names; in a trace as it is."""
    return made if device is None or made.device == "traced" else made.to(device)


def asarray(
    obj: Any, /, dtype: Any = None, *, device: str | None = None, copy: bool | None = None
) -> Tensor:
    """`obj` (nested lists, a scalar, an array, a tensor) as a tensor, of `dtype` if given.

    Python floats become float32 and ints int32; arrays and tensors keep their dtype. A tensor is
    returned as it is, unless `copy` asks for one of its own. Arrays are copied if they could be
    changed.

    Raises ShapeError for ragged lists, DTypeError for data that is not numeric, UsageError when
    `copy=False` cannot be.

    >>> import slopec as sp
    >>> sp.asarray([[1, 2], [3, 4]], dtype="float32").dtype.name
    'float32'
    """
    if copy is False and (not isinstance(obj, Tensor) or dtype_or(dtype, obj.dtype) != obj.dtype):
        raise bad_argument(
            "asarray: what is no tensor of the wanted dtype has to be copied",
            "leave out `copy=False`",
        )
    if not isinstance(obj, Tensor) and not _has_traced(obj):
        held = Tensor(obj, dtype)
        return hlo.constant(held.numpy()) if tracing.is_tracing() else placed(held, device)
    if not isinstance(obj, Tensor):
        obj = _stacked([asarray(item) for item in obj])
    made = obj if dtype is None else astype(obj, dtype, copy=False)
    return placed(astype(made, made.dtype) if copy else made, device)


def _has_traced(obj: Any) -> bool:
    """Whether nested lists hold tensors whose values are not known."""
    if isinstance(obj, Tensor):
        return obj.device == "traced"
    return isinstance(obj, list | tuple) and any(_has_traced(item) for item in obj)


def _stacked(rows: list[Tensor]) -> Tensor:
    from slopec.ops.joining import stack

    return stack(rows)


def from_dlpack(x: Any, /, *, device: str | None = None, copy: bool | None = None) -> Tensor:
    """A tensor of anything that speaks DLPack on the host.

    A tensor is returned as it is, unless `copy` asks for one of its own; other elements are copied,
    because their owner could change them, unless `copy=False` promises that nobody will: then they
    are shared.

    >>> import numpy as np, slopec as sp
    >>> print(sp.from_dlpack(np.array([1, 2])))
    tensor([1 2], int64[2], cpu)
    """
    if isinstance(x, Tensor):
        return asarray(x, device=device, copy=copy)
    array = np.from_dlpack(x)
    if copy is not False or tracing.is_tracing():
        return asarray(array, device=device, copy=copy)
    shared = array.view()
    shared.flags.writeable = False
    return placed(Tensor._of_array(shared), device)


def full(
    shape: int | Sequence[int],
    fill_value: ArrayLike,
    dtype: Any = None,
    *,
    device: str | None = None,
) -> Tensor:
    """A tensor of `shape` that holds the scalar `fill_value` everywhere.

    Without `dtype`: bool, int32, float32 or complex64, as the scalar is. A tensor is broadcast.

    >>> import slopec as sp
    >>> print(sp.full((2, 2), 7))
    tensor([[7 7]
            [7 7]], int32[2, 2], cpu)
    """
    sizes = shape_of("full", shape)
    if not is_scalar(fill_value):
        filled = as_tensor("full", fill_value)
        return placed(expand(filled if dtype is None else astype(filled, dtype), sizes), device)
    wanted = Tensor(fill_value).dtype if dtype is None else wanted_dtype(dtype)
    return placed(splat("full", fill_value, sizes, wanted), device)


def zeros(
    shape: int | Sequence[int], dtype: Any = dtypes.float32, *, device: str | None = None
) -> Tensor:
    """Zeros of `shape`, float32 unless `dtype` says otherwise.

    >>> import slopec as sp
    >>> print(sp.zeros(3, dtype="int32"))
    tensor([0 0 0], int32[3], cpu)
    """
    made = hlo.full(shape_of("zeros", shape), 0, dtype_or(dtype, dtypes.float32))
    return placed(made, device)


def ones(
    shape: int | Sequence[int], dtype: Any = dtypes.float32, *, device: str | None = None
) -> Tensor:
    """Ones of `shape`, float32 unless `dtype` says otherwise.

    >>> import slopec as sp
    >>> print(sp.ones((1, 2)))
    tensor([[1. 1.]], float32[1, 2], cpu)
    """
    made = hlo.full(shape_of("ones", shape), 1, dtype_or(dtype, dtypes.float32))
    return placed(made, device)


def empty(
    shape: int | Sequence[int], dtype: Any = dtypes.float32, *, device: str | None = None
) -> Tensor:
    """A tensor of `shape` whose values are nobody's concern; they are zeros.

    >>> import slopec as sp
    >>> sp.empty((2, 3)).shape
    (2, 3)
    """
    made = hlo.full(shape_of("empty", shape), 0, dtype_or(dtype, dtypes.float32))
    return placed(made, device)


def full_like(
    x: ArrayLike, /, fill_value: Scalar, dtype: Any = None, *, device: str | None = None
) -> Tensor:
    """`fill_value` everywhere, in the shape and dtype of `x`.

    >>> import slopec as sp
    >>> print(sp.full_like(sp.tensor([1.0, 2.0]), 5))
    tensor([5. 5.], float32[2], cpu)
    """
    like = as_tensor("full_like", x)
    return full(like.shape, fill_value, dtype_or(dtype, like.dtype), device=device)


def zeros_like(x: ArrayLike, /, dtype: Any = None, *, device: str | None = None) -> Tensor:
    """Zeros in the shape and dtype of `x`.

    >>> import slopec as sp
    >>> print(sp.zeros_like(sp.tensor([1, 2])))
    tensor([0 0], int32[2], cpu)
    """
    return full_like(x, 0, dtype, device=device)


def ones_like(x: ArrayLike, /, dtype: Any = None, *, device: str | None = None) -> Tensor:
    """Ones in the shape and dtype of `x`.

    >>> import slopec as sp
    >>> print(sp.ones_like(sp.tensor([3, 4])))
    tensor([1 1], int32[2], cpu)
    """
    return full_like(x, 1, dtype, device=device)


def empty_like(x: ArrayLike, /, dtype: Any = None, *, device: str | None = None) -> Tensor:
    """A tensor in the shape and dtype of `x` whose values are nobody's concern.

    >>> import slopec as sp
    >>> sp.empty_like(sp.tensor([1, 2])).shape
    (2,)
    """
    return full_like(x, 0, dtype, device=device)
