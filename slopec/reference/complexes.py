"""Complex numbers: what is defined on their parts, and where NumPy's formulas lose digits."""

import numpy as np

from slopec import dtypes
from slopec.reference.rounding import in_float32
from slopec.reference.table import Array, elementwise


def _complex(real: Array, imag: Array) -> Array:
    """Join two parts; unlike `real + 1j·imag` this keeps infinities and signed zeros apart."""
    real, imag = np.broadcast_arrays(real, imag)
    joined = np.empty(real.shape, dtypes.complex_of(real.dtype))
    joined.real, joined.imag = real, imag
    return joined


elementwise("stablehlo.complex")(_complex)


@elementwise("stablehlo.real")
def real(z: Array) -> Array:
    """The real part."""
    return z.real if z.dtype.kind == "c" else z


@elementwise("stablehlo.imag")
def imag(z: Array) -> Array:
    """The imaginary part, zero for real numbers."""
    return z.imag if z.dtype.kind == "c" else np.zeros_like(z)


@elementwise("chlo.conj")
def conj(z: Array) -> Array:
    """The complex conjugate."""
    return np.conj(z) if z.dtype.kind == "c" else z


@elementwise("chlo.square")
def square(z: Array) -> Array:
    """`z²`; of a complex number as ((x − y)(x + y), 2xy), which does not cancel."""
    if z.dtype.kind != "c":
        return np.multiply(z, z)
    x, y = z.real, z.imag
    return _complex((x - y) * (x + y), x * y * 2)


@elementwise("stablehlo.sign")
@in_float32
def sign(x: Array) -> Array:
    """−1, 0 or 1, keeping signed zeros and not-a-number; of a complex number `z/|z|`."""
    if x.dtype.kind == "c":
        size = np.abs(x)
        unit = np.divide(x, np.where(size == 0, size.dtype.type(1), size))
        return np.where(size == 0, x.dtype.type(0), unit)
    if x.dtype.kind == "i":
        return np.sign(x)
    return np.where((x == 0) | np.isnan(x), x, np.copysign(x.dtype.type(1), x))


@elementwise("stablehlo.cbrt")
@in_float32
def cbrt(x: Array) -> Array:
    """The cube root; of a complex number the principal one."""
    if x.dtype.kind != "c":
        return np.cbrt(x)
    angle = np.angle(x) / 3
    return (np.cbrt(np.abs(x)) * _complex(np.cos(angle), np.sin(angle))).astype(x.dtype)


@elementwise("stablehlo.log_plus_one")
@in_float32
def log_plus_one(z: Array) -> Array:
    """`log(1 + z)`; near zero |1 + z|² − 1 is formed as x(2 + x) + y², which does not cancel."""
    if z.dtype.kind != "c":
        return np.log1p(z)
    x, y = z.real, z.imag
    near = np.log1p(x * (2 + x) + y * y) / 2
    far = np.log(_complex(1 + x, y)).real
    return _complex(np.where(np.hypot(x, y) < 0.5, near, far), np.arctan2(y, 1 + x))


@elementwise("stablehlo.atan2")
@in_float32
def atan2(y: Array, x: Array) -> Array:
    """The angle of (x, y); of complex numbers −i·log((x + iy)/√(x² + y²))."""
    if x.dtype.kind != "c":
        return np.arctan2(y, x)
    i = x.dtype.type(1j)
    angle: Array = -i * np.log((x + i * y) / np.sqrt(x * x + y * y))
    return angle


@elementwise("chlo._asin_acos_kernel")
def asin_acos_kernel(z: Array) -> Array:
    """The part that the inverse sine and cosine of `z` share: (cos u · cosh v, |v|).

    Here u + iv = asin(z), so that asin(z) = (atan2(x, w.real), sign(y)·w.imag).
    """
    angle = np.arcsin(z)
    u, v = angle.real, angle.imag
    return _complex(np.cos(u) * np.cosh(v), np.abs(v))
