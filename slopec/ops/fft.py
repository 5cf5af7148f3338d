"""Discrete Fourier transforms of any length: the Array API's `fft` extension, `sp.fft`.

Everything is the one-dimensional transform X[k] = Σ x[j] e^(-2πi jk/n) along one axis, or its
inverse with e^(+2πi jk/n) / n. `norm` moves the factor: "backward" leaves it with the inverse,
"forward" gives it to the forward transform, "ortho" gives √ of it to both.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal

from slopec import dtypes, hlo, tracing
from slopec.diagnostics import ShapeError
from slopec.ops.common import ArrayLike, as_tensor, axes_of, axis_of, bad_argument
from slopec.ops.creation import dtype_or, placed
from slopec.ops.manipulation import moveaxis, part
from slopec.ops.repetition import roll
from slopec.tensor import Axis, Tensor

__all__ = [
    "fft",
    "fft2",
    "fftfreq",
    "fftn",
    "fftshift",
    "hfft",
    "hfft2",
    "hfftn",
    "ifft",
    "ifft2",
    "ifftn",
    "ifftshift",
    "ihfft",
    "ihfft2",
    "ihfftn",
    "irfft",
    "irfft2",
    "irfftn",
    "rfft",
    "rfft2",
    "rfftfreq",
    "rfftn",
]

Norm = Literal["backward", "ortho", "forward"]
_OPPOSITE: dict[Norm, Norm] = {"backward": "forward", "ortho": "ortho", "forward": "backward"}


def _operand(name: str, x: ArrayLike, real: bool) -> Tensor:
    """`x` as float32, float64 or the complex type of them."""
    given = as_tensor(name, x)
    if real and dtypes.is_complex(given.dtype):
        raise bad_argument(f"{name}: expected real elements, got {given.dtype}")
    wide = given.dtype in (dtypes.float64, dtypes.complex128)
    real_type = dtypes.float64 if wide else dtypes.float32
    return hlo.convert(given, real_type if real else dtypes.complex_of(real_type))


def _resized(x: Tensor, axis: int, size: int) -> Tensor:
    """`x` cut or filled with zeros at the end of `axis`, to `size`."""
    if x.shape[axis] >= size:
        return part(x, axis, 0, size)
    high = [size - x.shape[axis] if d == axis else 0 for d in range(x.ndim)]
    return hlo.pad(x, hlo.full((), 0, x.dtype), [0] * x.ndim, high)


def _along(name: str, x: Tensor, kind: str, n: int | None, axis: int, norm: Norm) -> Tensor:
    """One transform of `kind` (FFT, IFFT, RFFT, IRFFT) of length `n` along `axis`."""
    place = axis_of(name, axis, x.ndim)
    if norm not in _OPPOSITE:
        raise bad_argument(f"{name}: norm is 'backward', 'ortho' or 'forward', got {norm!r}")
    default = 2 * (x.shape[place] - 1) if kind == "IRFFT" else x.shape[place]
    length = default if n is None else n
    if length < 1:
        raise ShapeError(
            "S0101", f"{name}: {length} points along axis {place} of {x.shape}", span=tracing.here()
        )
    x = _resized(x, place, length // 2 + 1 if kind == "IRFFT" else length)
    result = hlo.fft(moveaxis(x, place, -1), kind, (length,))
    factor = {"backward": 0.0, "ortho": 0.5, "forward": 1.0}[norm]
    if factor:
        scale = length ** (factor if kind.startswith("I") else -factor)
        result = hlo.multiply(result, hlo.full_like(result, scale))
    return moveaxis(result, -1, place)


def fft(x: ArrayLike, /, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Tensor:
    """The discrete Fourier transform along `axis`, cut or filled with zeros to `n` points.

    Complex64, or complex128 for double precision. Raises ShapeError when there are no points.

    >>> import slopec as sp
    >>> sp.fft.fft(sp.tensor([1.0, 0.0, 0.0, 0.0])).tolist()
    [(1+0j), (1+0j), (1+0j), (1+0j)]
    """
    return _along("fft", _operand("fft", x, False), "FFT", n, axis, norm)


def ifft(x: ArrayLike, /, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Tensor:
    """The inverse of `fft` along `axis`.

    >>> import slopec as sp
    >>> sp.fft.ifft(sp.tensor([4.0, 0.0, 0.0, 0.0])).real.tolist()
    [1.0, 1.0, 1.0, 1.0]
    """
    return _along("ifft", _operand("ifft", x, False), "IFFT", n, axis, norm)


def rfft(x: ArrayLike, /, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Tensor:
    """The first n // 2 + 1 points of the `fft` of real `x`; the others are their conjugates.

    >>> import slopec as sp
    >>> sp.fft.rfft(sp.ones(4)).real.tolist()
    [4.0, 0.0, 0.0]
    """
    return _along("rfft", _operand("rfft", x, True), "RFFT", n, axis, norm)


def irfft(x: ArrayLike, /, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Tensor:
    """The inverse of `rfft`: `n` real points, 2 (m - 1) of m by default.

    >>> import slopec as sp
    >>> sp.fft.irfft(sp.fft.rfft(sp.tensor([1.0, 2.0, 3.0])), n=3).numpy().round(4).tolist()
    [1.0, 2.0, 3.0]
    """
    return _along("irfft", _operand("irfft", x, False), "IRFFT", n, axis, norm)


def hfft(x: ArrayLike, /, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Tensor:
    """The real `fft` of a signal with Hermitian symmetry, given by its first half.

    >>> import slopec as sp
    >>> sp.fft.hfft(sp.tensor([1.0, 0.0, 0.0])).tolist()
    [1.0, 1.0, 1.0, 1.0]
    """
    half = hlo.conj(_operand("hfft", x, False))
    return _along("hfft", half, "IRFFT", n, axis, _OPPOSITE.get(norm, norm))


def ihfft(x: ArrayLike, /, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Tensor:
    """The inverse of `hfft`: the first half of a Hermitian signal from its real transform.

    >>> import slopec as sp
    >>> sp.fft.ihfft(sp.ones(4)).real.tolist()
    [1.0, 0.0, 0.0]
    """
    real = _operand("ihfft", x, True)
    return hlo.conj(_along("ihfft", real, "RFFT", n, axis, _OPPOSITE.get(norm, norm)))


# --- several dimensions ----------------------------------------------------------------------


def _axes(
    name: str, x: Tensor, s: Sequence[int] | None, axes: Axis
) -> list[tuple[int, int | None]]:
    """The axes to transform with the number of points along each."""
    if axes is None and s is not None:
        axes = range(-len(s), 0)
    places = axes_of(name, axes, x.ndim)
    points: Sequence[int | None] = [None] * len(places) if s is None else list(s)
    if len(points) != len(places):
        raise bad_argument(f"{name}: {len(points)} sizes for {len(places)} axes")
    return list(zip(places, points, strict=True))


def _each(
    name: str, x: Tensor, kind: str, along: Sequence[tuple[int, int | None]], norm: Norm
) -> Tensor:
    for axis, n in along:
        x = _along(name, x, kind, n, axis, norm)
    return x


def fftn(
    x: ArrayLike, /, s: Sequence[int] | None = None, axes: Axis = None, norm: Norm = "backward"
) -> Tensor:
    """`fft` along each of `axes`, all by default; `s` gives the numbers of points.

    >>> import slopec as sp
    >>> sp.fft.fftn(sp.ones((2, 2))).real.tolist()
    [[4.0, 0.0], [0.0, 0.0]]
    """
    given = _operand("fftn", x, False)
    return _each("fftn", given, "FFT", _axes("fftn", given, s, axes), norm)


def ifftn(
    x: ArrayLike, /, s: Sequence[int] | None = None, axes: Axis = None, norm: Norm = "backward"
) -> Tensor:
    """The inverse of `fftn`.

    >>> import slopec as sp
    >>> sp.fft.ifftn(sp.ones((2, 2))).real.tolist()
    [[1.0, 0.0], [0.0, 0.0]]
    """
    given = _operand("ifftn", x, False)
    return _each("ifftn", given, "IFFT", _axes("ifftn", given, s, axes), norm)


def rfftn(
    x: ArrayLike, /, s: Sequence[int] | None = None, axes: Axis = None, norm: Norm = "backward"
) -> Tensor:
    """`rfft` along the last of `axes`, then `fft` along the others.

    >>> import slopec as sp
    >>> sp.fft.rfftn(sp.ones((2, 2))).real.tolist()
    [[4.0, 0.0], [0.0, 0.0]]
    """
    given = _operand("rfftn", x, True)
    *others, last = _axes("rfftn", given, s, axes)
    return _each("rfftn", _each("rfftn", given, "RFFT", [last], norm), "FFT", others, norm)


def irfftn(
    x: ArrayLike, /, s: Sequence[int] | None = None, axes: Axis = None, norm: Norm = "backward"
) -> Tensor:
    """The inverse of `rfftn`: `ifft` along the others, then `irfft` along the last of `axes`.

    >>> import slopec as sp
    >>> sp.fft.irfftn(sp.fft.rfftn(sp.ones((2, 2)))).tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """
    given = _operand("irfftn", x, False)
    *others, last = _axes("irfftn", given, s, axes)
    return _each("irfftn", _each("irfftn", given, "IFFT", others, norm), "IRFFT", [last], norm)


def hfftn(
    x: ArrayLike, /, s: Sequence[int] | None = None, axes: Axis = None, norm: Norm = "backward"
) -> Tensor:
    """The real `fftn` of a signal with Hermitian symmetry, given by its first half.

    >>> import slopec as sp
    >>> sp.fft.hfftn(sp.tensor([[1.0, 0.0], [0.0, 0.0]])).tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """
    half = hlo.conj(_operand("hfftn", x, False))
    return irfftn(half, s=s, axes=axes, norm=_OPPOSITE.get(norm, norm))


def ihfftn(
    x: ArrayLike, /, s: Sequence[int] | None = None, axes: Axis = None, norm: Norm = "backward"
) -> Tensor:
    """The inverse of `hfftn`.

    >>> import slopec as sp
    >>> sp.fft.ihfftn(sp.ones((2, 2))).real.tolist()
    [[1.0, 0.0], [0.0, 0.0]]
    """
    return hlo.conj(rfftn(x, s=s, axes=axes, norm=_OPPOSITE.get(norm, norm)))


def fft2(
    x: ArrayLike, /, s: Sequence[int] | None = None, axes: Axis = (-2, -1), norm: Norm = "backward"
) -> Tensor:
    """`fftn` over two dimensions, the last ones by default.

    >>> import slopec as sp
    >>> sp.fft.fft2(sp.ones((3, 2, 2))).shape
    (3, 2, 2)
    """
    return fftn(x, s=s, axes=axes, norm=norm)


def ifft2(
    x: ArrayLike, /, s: Sequence[int] | None = None, axes: Axis = (-2, -1), norm: Norm = "backward"
) -> Tensor:
    """The inverse of `fft2`.

    >>> import slopec as sp
    >>> sp.fft.ifft2(sp.ones((3, 2, 2))).shape
    (3, 2, 2)
    """
    return ifftn(x, s=s, axes=axes, norm=norm)


def rfft2(
    x: ArrayLike, /, s: Sequence[int] | None = None, axes: Axis = (-2, -1), norm: Norm = "backward"
) -> Tensor:
    """`rfftn` over two dimensions, the last ones by default.

    >>> import slopec as sp
    >>> sp.fft.rfft2(sp.ones((3, 2, 2))).shape
    (3, 2, 2)
    """
    return rfftn(x, s=s, axes=axes, norm=norm)


def irfft2(
    x: ArrayLike, /, s: Sequence[int] | None = None, axes: Axis = (-2, -1), norm: Norm = "backward"
) -> Tensor:
    """The inverse of `rfft2`.

    >>> import slopec as sp
    >>> sp.fft.irfft2(sp.ones((3, 2, 2))).shape
    (3, 2, 2)
    """
    return irfftn(x, s=s, axes=axes, norm=norm)


def hfft2(
    x: ArrayLike, /, s: Sequence[int] | None = None, axes: Axis = (-2, -1), norm: Norm = "backward"
) -> Tensor:
    """`hfftn` over two dimensions, the last ones by default.

    >>> import slopec as sp
    >>> sp.fft.hfft2(sp.ones((3, 2, 2))).shape
    (3, 2, 2)
    """
    return hfftn(x, s=s, axes=axes, norm=norm)


def ihfft2(
    x: ArrayLike, /, s: Sequence[int] | None = None, axes: Axis = (-2, -1), norm: Norm = "backward"
) -> Tensor:
    """The inverse of `hfft2`.

    >>> import slopec as sp
    >>> sp.fft.ihfft2(sp.ones((3, 2, 2))).shape
    (3, 2, 2)
    """
    return ihfftn(x, s=s, axes=axes, norm=norm)


# --- frequencies -----------------------------------------------------------------------------


def fftfreq(n: int, /, *, d: float = 1.0, dtype: Any = None, device: str | None = None) -> Tensor:
    """The frequencies of the points of an `fft` of length `n` with samples `d` apart.

    >>> import slopec as sp
    >>> sp.fft.fftfreq(4).tolist()
    [0.0, 0.25, -0.5, -0.25]
    """
    wanted = dtype_or(dtype, dtypes.float32)
    place = hlo.iota((n,), 0, dtypes.int32)
    upper = hlo.compare(place, hlo.full_like(place, (n + 1) // 2), "GE")
    place = hlo.select(upper, hlo.subtract(place, hlo.full_like(place, n)), place)
    return placed(_per_length(hlo.convert(place, wanted), n, d), device)


def rfftfreq(n: int, /, *, d: float = 1.0, dtype: Any = None, device: str | None = None) -> Tensor:
    """The frequencies of the points of an `rfft` of length `n` with samples `d` apart.

    >>> import slopec as sp
    >>> sp.fft.rfftfreq(4).tolist()
    [0.0, 0.25, 0.5]
    """
    places = hlo.iota((n // 2 + 1,), 0, dtype_or(dtype, dtypes.float32))
    return placed(_per_length(places, n, d), device)


def _per_length(places: Tensor, n: int, d: float) -> Tensor:
    return hlo.divide(places, hlo.full_like(places, n * d))


def fftshift(x: ArrayLike, /, *, axes: Axis = None) -> Tensor:
    """`x` with frequency 0 moved from the beginning of `axes` to the middle.

    >>> import slopec as sp
    >>> sp.fft.fftshift(sp.arange(4)).tolist()
    [2, 3, 0, 1]
    """
    return _shifted("fftshift", x, axes, lambda size: size // 2)


def ifftshift(x: ArrayLike, /, *, axes: Axis = None) -> Tensor:
    """The inverse of `fftshift`.

    >>> import slopec as sp
    >>> sp.fft.ifftshift(sp.fft.fftshift(sp.arange(5))).tolist()
    [0, 1, 2, 3, 4]
    """
    return _shifted("ifftshift", x, axes, lambda size: -(size // 2))


def _shifted(name: str, x: ArrayLike, axes: Axis, by: Callable[[int], int]) -> Tensor:
    given = as_tensor(name, x)
    places = axes_of(name, axes, given.ndim)
    return roll(given, [by(given.shape[d]) for d in places], places) if places else given
