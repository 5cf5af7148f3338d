"""Questions about element types, and conversions between them."""

from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np

from slopec import dtypes, hlo, tracing
from slopec.diagnostics import DTypeError
from slopec.dtypes import DType
from slopec.ops.common import ArrayLike, as_tensor, common_dtype, is_scalar
from slopec.tensor import Tensor

__all__ = ["astype", "bitcast", "can_cast", "finfo", "iinfo", "isdtype", "result_type"]


def wanted_dtype(dtype: Any) -> DType:
    """The element type that a user's `dtype` argument names; DTypeError when there is none."""
    try:
        return dtypes.as_dtype(dtype)
    except TypeError as error:
        raise DTypeError("S0102", str(error), span=tracing.here()) from None


def astype(x: ArrayLike, dtype: Any, /, *, copy: bool = True, device: str | None = None) -> Tensor:
    """The elements of `x`, any shape, converted to `dtype`; differentiable between floating types.

    Floats become integers by truncation, anything becomes bool by comparison with zero, and of
    complex elements the real part is kept. With `copy=False` a tensor that has the dtype is
    returned itself; in-place methods of it then reach `x`.

    Raises DTypeError for an unknown dtype.

    >>> import slopec as sp
    >>> print(sp.astype(sp.tensor([1.7, -1.7]), "int32"))
    tensor([ 1 -1], int32[2], cpu)
    """
    x, wanted = as_tensor("astype", x), wanted_dtype(dtype)
    if device is not None:
        x = x if x.device == "traced" else x.to(device)
    if wanted == x.dtype:
        return another(x) if copy else x
    if wanted == dtypes.bool_ and x.dtype != dtypes.bool_:
        return hlo.compare(x, hlo.zeros_like(x), "NE")
    if dtypes.is_complex(x.dtype) and not dtypes.is_complex(wanted):
        x = hlo.real(x)
    return hlo.convert(x, wanted)


def another(x: Tensor) -> Tensor:
    """Another handle on the value of `x`, which in-place methods do not reach."""
    if x._trace is not None:
        return x
    return Tensor._of_recorded(x._value, requires_grad=x.requires_grad)


def bitcast(x: ArrayLike, dtype: Any, /) -> Tensor:
    """The bits of `x` read as `dtype`; a narrower type adds a last dimension, a wider removes it.

    Raises DTypeError when the last dimension does not hold exactly one wider element.

    >>> import slopec as sp
    >>> print(hex(sp.bitcast(sp.tensor(1.0), "uint32").item()))
    0x3f800000
    """
    x, wanted = as_tensor("bitcast", x), wanted_dtype(dtype)
    grow = wanted.itemsize // x.dtype.itemsize
    if grow > 1 and (not x.ndim or x.shape[-1] != grow):
        raise DTypeError(
            "S0102",
            f"bitcast: shape {x.shape} of {x.dtype} does not end in the {grow} parts of a {wanted}",
            span=tracing.here(),
        )
    return hlo.bitcast_convert(x, wanted)


def _dtype_of(value: Any) -> DType:
    return value.dtype if isinstance(value, Tensor) else wanted_dtype(value)


def can_cast(source: Any, target: Any, /) -> bool:
    """Whether `source` (a dtype or tensor) promotes to `target` without becoming another type.

    >>> import slopec as sp
    >>> sp.can_cast("int8", "int32"), sp.can_cast("float32", "int32")
    (True, False)
    """
    wanted = wanted_dtype(target)
    return dtypes.promote_two(_dtype_of(source), wanted) == wanted


def result_type(*values: Any) -> DType:
    """The type that tensors, dtypes and (weak) Python scalars promote to together.

    >>> import slopec as sp
    >>> sp.result_type("int8", "float16", 2.5).name
    'float16'
    """
    return common_dtype([v if is_scalar(v) else _dtype_of(v) for v in values])


def isdtype(dtype: Any, kind: Any) -> bool:
    """Whether `dtype` is of `kind`: a dtype, one of the Array API's names, or a tuple of them.

    Names: "bool", "signed integer", "unsigned integer", "integral", "real floating",
    "complex floating", "numeric".

    >>> import slopec as sp
    >>> sp.isdtype("bfloat16", ("integral", "real floating"))
    True
    """
    if isinstance(kind, tuple):
        return any(isdtype(dtype, one) for one in kind)
    wanted = wanted_dtype(dtype)
    kinds = {
        "bool": wanted == dtypes.bool_,
        "signed integer": dtypes.is_integer(wanted) and not dtypes.is_unsigned(wanted),
        "unsigned integer": dtypes.is_unsigned(wanted),
        "integral": dtypes.is_integer(wanted),
        "real floating": dtypes.is_floating(wanted),
        "complex floating": dtypes.is_complex(wanted),
        "numeric": wanted != dtypes.bool_,
    }
    if isinstance(kind, str) and kind in kinds:
        return kinds[kind]
    return wanted == wanted_dtype(kind)


@dataclass(frozen=True)
class FloatLimits:
    """What `finfo` says of a floating type, in Python's numbers."""

    bits: int
    eps: float
    """From 1 to the next number."""
    max: float
    min: float
    smallest_normal: float
    dtype: DType


def finfo(dtype: Any, /) -> FloatLimits:
    """The limits of a floating type, of a complex one those of its parts.

    >>> import slopec as sp
    >>> sp.finfo("bfloat16").eps
    0.0078125
    """
    wanted = dtypes.real_of(_dtype_of(dtype))
    if not dtypes.is_floating(wanted):
        raise DTypeError("S0102", f"finfo: {wanted} is not a floating type", span=tracing.here())
    known = ml_dtypes.finfo(wanted)
    return FloatLimits(
        bits=int(known.bits),
        eps=float(known.eps),
        max=float(known.max),
        min=float(known.min),
        smallest_normal=float(known.smallest_normal),
        dtype=wanted,
    )


def iinfo(dtype: Any, /) -> Any:
    """The limits of an integer type: bits, min, max, dtype.

    >>> import slopec as sp
    >>> sp.iinfo("uint8").max
    255
    """
    wanted = _dtype_of(dtype)
    if not dtypes.is_integer(wanted):
        raise DTypeError("S0102", f"iinfo: {wanted} is not an integer type", span=tracing.here())
    return np.iinfo(wanted)
