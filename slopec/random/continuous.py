"""Real random numbers: uniform ones made of random bits, the rest functions of uniform ones."""

import math
from collections.abc import Sequence
from typing import Any

import ml_dtypes
import numpy as np

from slopec import dtypes, hlo, tracing
from slopec.diagnostics import DTypeError, ShapeError
from slopec.dtypes import DType
from slopec.ops.common import Shape, as_tensor, broadcast_shapes, expand, is_scalar, refuse_complex
from slopec.ops.creation import shape_of
from slopec.ops.data_types import wanted_dtype
from slopec.random.threefry import bits, split
from slopec.tensor import Tensor

_BITS: dict[int, DType] = {
    1: dtypes.uint8,
    2: dtypes.uint16,
    4: dtypes.uint32,
    8: dtypes.uint64,
}


def real_dtype(name: str, dtype: Any) -> DType:
    """The floating type that `dtype` names; raises DTypeError for any other."""
    wanted = wanted_dtype(dtype)
    if dtypes.is_floating(wanted):
        return wanted
    raise DTypeError(
        "S0102", f"random.{name}: expected a floating dtype, got {wanted}", span=tracing.here()
    )


def integer_dtype(name: str, dtype: Any) -> DType:
    """The integer type that `dtype` names; raises DTypeError for any other."""
    wanted = wanted_dtype(dtype)
    if dtypes.is_integer(wanted):
        return wanted
    raise DTypeError("S0102", f"random.{name}: {wanted} is no integer type", span=tracing.here())


def real_tensor(name: str, value: Any, dtype: DType) -> Tensor:
    """A parameter as a tensor of a real `dtype`; raises DTypeError for complex ones."""
    x = as_tensor(f"random.{name}", value)
    refuse_complex(f"random.{name}", x)
    return hlo.convert(x, dtype)


def filled(name: str, value: Any, shape: Shape, dtype: DType) -> Tensor:
    """A scalar or tensor as a tensor of `shape` and a real `dtype`."""
    if is_scalar(value) and not np.iscomplexobj(value):
        return hlo.full(shape, np.asarray(value).astype(dtype).item(), dtype)
    x = real_tensor(name, value, dtype)
    if broadcast_shapes(f"random.{name}", [x.shape, shape]) != shape:
        raise ShapeError(
            "S0101",
            f"random.{name}: a parameter of shape {x.shape} does not broadcast to {shape}",
            span=tracing.here(),
        )
    return expand(x, shape)


def shape_beside(name: str, shape: int | Sequence[int] | None, *values: Any) -> Shape:
    """`shape`, or when it is None the shape that the arguments broadcast to."""
    if shape is not None:
        return shape_of(f"random.{name}", shape)
    shapes = [() if is_scalar(v) else as_tensor(f"random.{name}", v).shape for v in values]
    return broadcast_shapes(f"random.{name}", shapes)


def bits_for(dtype: DType) -> DType:
    """The type of the random bits that a number of a floating type is made of."""
    return _BITS[dtype.itemsize if ml_dtypes.finfo(dtype).nmant >= 8 else 1]


def unit(random: Tensor, dtype: DType) -> Tensor:
    """Numbers in [0, 1): random bits as the mantissa of a number in [1, 2), less 1."""
    mantissa = int(ml_dtypes.finfo(dtype).nmant)
    width, stored = 8 * random.dtype.itemsize, _BITS[dtype.itemsize]
    random = hlo.convert(random, stored)
    one = int(np.ones((), dtype).view(stored))
    shifted = hlo.shift_right_logical(random, hlo.full_like(random, width - mantissa))
    number = hlo.bitcast_convert(hlo.or_(shifted, hlo.full_like(random, one)), dtype)
    return hlo.subtract(number, hlo.full_like(number, 1))


def uniform(
    key: Any,
    shape: int | Sequence[int] = (),
    dtype: Any = dtypes.float32,
    minval: Any = 0.0,
    maxval: Any = 1.0,
) -> Tensor:
    """Numbers of a floating `dtype` in [minval, maxval), all equally likely; bounds broadcast.

    >>> import slopec as sp
    >>> print(sp.random.uniform(sp.random.key(0), (2,)))
    tensor([0.947667  0.9785799], float32[2], cpu)
    """
    wanted, sizes = real_dtype("uniform", dtype), shape_of("random.uniform", shape)
    drawn = unit(bits(key, sizes, bits_for(wanted)), wanted)
    if is_scalar(minval) and is_scalar(maxval) and (minval, maxval) == (0, 1):
        return drawn
    low = filled("uniform", minval, sizes, wanted)
    high = filled("uniform", maxval, sizes, wanted)
    if is_scalar(minval) and is_scalar(maxval):
        width = np.asarray(maxval).astype(wanted) - np.asarray(minval).astype(wanted)
        span = hlo.full(sizes, width.item(), wanted)
    else:
        span = hlo.subtract(high, low)
    # Rounding may take a product and sum below the lower bound.
    return hlo.maximum(low, hlo.add(hlo.multiply(drawn, span), low))


def normal(key: Any, shape: int | Sequence[int] = (), dtype: Any = dtypes.float32) -> Tensor:
    """Normal numbers with mean 0 and variance 1: √2 erf⁻¹(u) of a uniform u in (-1, 1).

    Complex dtypes have independent parts of variance ½.

    >>> import slopec as sp
    >>> print(sp.random.normal(sp.random.key(0), (2,)).numpy().round(4))
    [1.6226 2.0253]
    """
    wanted = wanted_dtype(dtype)
    if dtypes.is_complex(wanted):
        parts = [normal(k, shape, dtypes.real_of(wanted)) for k in split(key)]
        both = hlo.complex_(parts[0], parts[1])
        return hlo.divide(both, hlo.full_like(both, math.sqrt(2)))
    wanted, sizes = real_dtype("normal", dtype), shape_of("random.normal", shape)
    return normal_of(unit(bits(key, sizes, bits_for(wanted)), wanted))


def normal_of(u: Tensor) -> Tensor:
    """Normal numbers from uniform ones in [0, 1)."""
    low = np.nextafter(np.array(-1, u.dtype), np.array(0, u.dtype))
    span = (np.ones((), u.dtype) - low).item()
    spread = hlo.add(hlo.multiply(u, hlo.full_like(u, span)), hlo.full_like(u, low.item()))
    inside = hlo.maximum(hlo.full_like(u, low.item()), spread)
    return hlo.multiply(hlo.full_like(u, math.sqrt(2)), hlo.erf_inv(inside))


def truncated_normal(
    key: Any,
    lower: Any,
    upper: Any,
    shape: int | Sequence[int] | None = None,
    dtype: Any = dtypes.float32,
) -> Tensor:
    """Standard normal numbers, given that they lie in (lower, upper); bounds broadcast.

    √2 erf⁻¹(u) of a uniform u between erf(lower/√2) and erf(upper/√2).

    >>> import slopec as sp
    >>> print(sp.random.truncated_normal(sp.random.key(0), -2, 2, (2,)).numpy().round(4))
    [1.456  1.7147]
    """
    wanted = real_dtype("truncated_normal", dtype)
    sizes = shape_beside("truncated_normal", shape, lower, upper)
    low = filled("truncated_normal", lower, sizes, wanted)
    high = filled("truncated_normal", upper, sizes, wanted)
    root = hlo.full_like(low, math.sqrt(2))
    ends = [hlo.erf(hlo.divide(bound, root)) for bound in (low, high)]
    numbers = hlo.multiply(root, hlo.erf_inv(uniform(key, sizes, wanted, *ends)))
    # Rounding must not take a number onto or over a bound.
    inner = hlo.next_after(low, hlo.full_like(low, math.inf))
    outer = hlo.next_after(high, hlo.full_like(high, -math.inf))
    return hlo.minimum(hlo.maximum(numbers, inner), outer)


def exponential(key: Any, shape: int | Sequence[int] = (), dtype: Any = dtypes.float32) -> Tensor:
    """Exponential numbers with mean 1: -log(1 - u).

    >>> import slopec as sp
    >>> print(sp.random.exponential(sp.random.key(0), (2,)).numpy().round(4))
    [2.9501 3.8434]
    """
    u = uniform(key, shape, real_dtype("exponential", dtype))
    return hlo.negate(hlo.log_plus_one(hlo.negate(u)))


def gumbel(key: Any, shape: int | Sequence[int] = (), dtype: Any = dtypes.float32) -> Tensor:
    """Standard Gumbel numbers, the limit of maxima: -log(-log u).

    >>> import slopec as sp
    >>> print(sp.random.gumbel(sp.random.key(0), (2,)).numpy().round(3))
    [2.923 3.833]
    """
    wanted = real_dtype("gumbel", dtype)
    tiny = float(ml_dtypes.finfo(wanted).smallest_normal)
    u = uniform(key, shape, wanted, tiny, 1.0)
    return hlo.negate(hlo.log(hlo.negate(hlo.log(u))))


def laplace(key: Any, shape: int | Sequence[int] = (), dtype: Any = dtypes.float32) -> Tensor:
    """Standard Laplace numbers, density ½ e^-|x|: sign(u) log(1 - |u|).

    >>> import slopec as sp
    >>> print(sp.random.laplace(sp.random.key(0), (2,)).numpy().round(3))
    [-2.257 -3.15 ]
    """
    wanted = real_dtype("laplace", dtype)
    low = -1.0 + float(ml_dtypes.finfo(wanted).epsneg)
    u = uniform(key, shape, wanted, low, 1.0)
    return hlo.multiply(hlo.sign(u), hlo.log_plus_one(hlo.negate(hlo.abs_(u))))
