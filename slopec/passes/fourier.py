"""Discrete Fourier transforms of any length as matrix products.

IREE has those of powers of two in single precision, and crashes on gradients of some. Processors
have kernels for most (`slopec.kernels.fourier`); this is for the others, and for other targets.

A signal is its real and imaginary parts. A short transform is a product with the matrix of the
roots of unity; a longer one of length a·b is transforms of length a, a rotation, and transforms of
length b (Cooley and Tukey, 1965); a long prime length becomes a convolution, which is computed by
transforms of a power of two (Bluestein, 1970).
"""

import math
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np

from slopec import hlo
from slopec.dialects.attributes import DotDimensionNumbers
from slopec.hlo import matrices as m
from slopec.passes.routines import routine
from slopec.tensor import Tensor

_SHORT = 64
"""The longest transform that is one product; longer ones are made of such where they can be."""

_LONGEST_PRIME = 256
"""The longest prime factor that is one product; a convolution costs more below."""

SMOOTH = 13
"""The largest prime factor of lengths that kernels have transforms of their own for."""

_FEW = 4
"""So many columns beside each other are transformed as they lie."""


class Signal(NamedTuple):
    """Complex numbers along the last dimension; without an imaginary part they are real."""

    real: Tensor
    imag: Tensor | None

    @property
    def size(self) -> int:
        """The number of points."""
        return self.real.shape[-1]


def fft(x: Tensor, kind: str, lengths: tuple[int, ...]) -> Tensor:
    """`stablehlo.fft` of `kind` over the last dimensions, whose sizes are `lengths`."""
    axes = range(x.ndim - len(lengths), x.ndim)
    *outer, last = axes
    if kind == "IRFFT":
        for axis in outer:
            x = _along(x, axis, inverse=True)
        n = lengths[-1]
        return _rows(x, "irfft", lambda half: _to_real(half, n), points=n)
    if kind == "RFFT":
        x = _rows(x, "rfft", lambda points: _joined(_of_real(points)))
        axes = range(x.ndim - len(lengths), last)
    for axis in axes:
        x = _along(x, axis, inverse=kind == "IFFT")
    return x


def _along(x: Tensor, axis: int, *, inverse: bool) -> Tensor:
    """A complex transform along one axis."""
    if x.shape[axis] == 1:
        return x
    beside = math.prod(x.shape[axis + 1 :])
    if beside >= _FEW and largest_factor(x.shape[axis]) <= SMOOTH:
        columns = hlo.reshape(x, (math.prod(x.shape[:axis]), x.shape[axis], beside))
        (made,) = routine(
            "fft_columns", lambda x: [_turned(x, 1, inverse=inverse)], columns, inverse=inverse
        )
        return hlo.reshape(made, x.shape)
    return _turned(x, axis, inverse=inverse, kernel=True)


def _turned(x: Tensor, axis: int, *, inverse: bool, kernel: bool = False) -> Tensor:
    """A complex transform along one axis, which becomes the last one for a while."""
    order = [*(d for d in range(x.ndim) if d != axis), axis]
    back = [order.index(d) for d in range(x.ndim)]

    def compute(rows: Tensor) -> Tensor:
        return _joined(dft(Signal(hlo.real(rows), hlo.imag(rows)), inverse=inverse))

    moved = hlo.transpose(x, order)
    made = _rows(moved, "ifft" if inverse else "fft", compute) if kernel else compute(moved)
    return hlo.transpose(made, back)


def _rows(x: Tensor, kernel: str, compute: Callable[[Tensor], Tensor], **facts: int) -> Tensor:
    """Transforms of the last dimension, which there may be a kernel for."""
    rows = hlo.reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))
    (made,) = routine(kernel, lambda x: [compute(x)], rows, **facts)
    return hlo.reshape(made, (*x.shape[:-1], made.shape[-1]))


def _to_real(x: Tensor, n: int) -> Tensor:
    """The real signal of `n` points from the first half of its spectrum."""
    half = Signal(hlo.real(x), hlo.imag(x))
    mirrored = [_part(part, 1, (n - 1) // 2 + 1) for part in _both(half)]
    real, imag = (hlo.reverse(part, [part.ndim - 1]) for part in mirrored)
    last = x.ndim - 1
    whole = Signal(
        hlo.concatenate([_both(half)[0], real], last),
        hlo.concatenate([_both(half)[1], hlo.negate(imag)], last),
    )
    return dft(whole, inverse=True).real


def dft(x: Signal, *, inverse: bool) -> Signal:
    """The transform along the last dimension; the inverse is divided by the number of points."""
    result = _transform(x, 1 if inverse else -1)
    if not inverse or not x.size:
        return result
    return Signal(*(_scaled(part, 1 / x.size) for part in _both(result)))


def _transform(x: Signal, sign: int) -> Signal:
    """Σ x[j] e^(sign 2πi jk/n)."""
    n = x.size
    if n <= 1:
        return x
    factor = _factor(n)
    if factor == n:
        return _product(x, sign, n) if n <= _LONGEST_PRIME else _convolved(x, sign, n)
    return _composed(x, factor, sign)


@cache
def _factor(n: int) -> int:
    """The length to take from a transform of length n: all of it if it is short or prime."""
    if n <= _SHORT:
        return n
    short = next((a for a in range(_SHORT, 1, -1) if n % a == 0), None)
    return smallest_factor(n) if short is None else short


@cache
def smallest_factor(n: int) -> int:
    """The smallest prime that divides n; n itself if it is prime, or 1."""
    return next((p for p in range(2, math.isqrt(n) + 1) if n % p == 0), n)


@cache
def largest_factor(n: int) -> int:
    """The largest prime that divides n, or 1."""
    p = smallest_factor(n)
    return n if p == n else max(p, largest_factor(n // p))


def _roots(rows: np.ndarray, columns: np.ndarray, n: int, sign: int) -> np.ndarray:
    """e^(sign 2πi jk/n) for j and k, from integers reduced to less than a turn."""
    turns = np.outer(rows, columns) % n
    angles = sign * 2 * np.pi * turns / n
    return np.cos(angles) + 1j * np.sin(angles)


def _of_real(x: Tensor) -> Signal:
    """The first half, up to the middle, of the spectrum of real points; the other mirrors it.

    So do those of the transforms that it is made of: of X[k₁ + a k₂] are computed those with k₁ up
    to the middle of a, and the others are conj X[(a - k₁) + a (b - 1 - k₂)].
    """
    n = x.shape[-1]
    half, a = n // 2 + 1, _factor(n)
    if n <= 1:
        return Signal(x, None)
    if a == n:
        short = n <= _LONGEST_PRIME
        points = Signal(x, None)
        return _product(points, -1, half) if short else _convolved(points, -1, half)
    b, middle = n // a, a // 2 + 1
    inner = _of_real(_swapped(_shaped(x, (a, b))))
    rotation = _roots(np.arange(b), np.arange(middle), n, -1)
    rotated = _mapped(_times(inner, rotation), _swapped)
    outer = _mapped(_transform(rotated, -1), _swapped)
    rows = -(-half // a)
    parts = []
    for part, sign in zip(_both(outer), (1, -1), strict=True):
        low = m.part(part, 0, rows, 0, middle)
        high = hlo.reverse(m.part(part, b - rows, b, 1, a - middle + 1), [x.ndim - 1, x.ndim])
        high = high if sign > 0 else hlo.negate(high)
        parts.append(_part(_merged(hlo.concatenate([low, high], x.ndim)), 0, half))
    return Signal(parts[0], parts[1])


def _product(x: Signal, sign: int, count: int) -> Signal:
    """The first `count` points of a transform, both parts of them by one real matrix."""
    roots = _roots(np.arange(x.size), np.arange(count), x.size, sign)
    matrix, points = np.hstack([roots.real, roots.imag]), x.real
    if x.imag is not None:
        matrix = np.vstack([matrix, np.hstack([-roots.imag, roots.real])])
        points = hlo.concatenate([x.real, x.imag], x.real.ndim - 1)
    both = _dot(points, _constant(matrix, x.real))
    return Signal(_part(both, 0, count), _part(both, count, 2 * count))


def _composed(x: Signal, a: int, sign: int) -> Signal:
    """x[b j₁ + j₂] to X[k₁ + a k₂]: over j₁, a rotation by j₂ k₁ / n, then over j₂."""
    n, b = x.size, x.size // a
    columns = _mapped(x, lambda part: _swapped(_shaped(part, (a, b))))
    inner = _transform(columns, sign)
    rotation = _roots(np.arange(b), np.arange(a), n, sign)
    rotated = _mapped(_times(inner, rotation), _swapped)
    outer = _transform(rotated, sign)
    return _mapped(outer, lambda part: _merged(_swapped(part)))


def _convolved(x: Signal, sign: int, count: int) -> Signal:
    """The first `count` points; jk = (j² + k² - (k - j)²) / 2 makes them a chirp's convolution."""
    n = x.size
    longer = 1 << (2 * n - 1).bit_length()
    squares = np.arange(n) ** 2 % (2 * n)
    chirp = np.exp(sign * 1j * np.pi * squares / n)
    kernel = np.zeros(longer, np.complex128)
    kernel[:n] = chirp.conj()
    kernel[longer - n + 1 :] = chirp[1:].conj()[::-1]
    margin = [0] * (x.real.ndim - 1)
    padded = _mapped(
        _times(x, chirp),
        lambda part: hlo.pad(
            part, hlo.full((), 0, part.dtype), [0] * part.ndim, [*margin, longer - n]
        ),
    )
    product = _times(_transform(padded, -1), np.fft.fft(kernel) / longer)
    result = _mapped(_transform(product, 1), lambda part: _part(part, 0, count))
    return _times(result, chirp[:count])


# --- parts -----------------------------------------------------------------------------------


def _both(x: Signal) -> tuple[Tensor, Tensor]:
    return x.real, hlo.zeros_like(x.real) if x.imag is None else x.imag


def _mapped(x: Signal, function: Callable[[Tensor], Tensor]) -> Signal:
    return Signal(function(x.real), None if x.imag is None else function(x.imag))


def _joined(x: Signal) -> Tensor:
    return hlo.complex_(*_both(x))


def _constant(values: np.ndarray, like: Tensor) -> Tensor:
    return hlo.constant(np.ascontiguousarray(values.astype(like.dtype)))


def _times(x: Signal, factors: np.ndarray) -> Signal:
    """`x` times complex constants along its last dimensions."""
    shape = x.real.shape
    dims = range(len(shape) - factors.ndim, len(shape))
    c, s = (
        hlo.broadcast_in_dim(_constant(part, x.real), shape, dims)
        for part in (factors.real, factors.imag)
    )
    if x.imag is None:
        return Signal(hlo.multiply(x.real, c), hlo.multiply(x.real, s))
    return Signal(
        hlo.subtract(hlo.multiply(x.real, c), hlo.multiply(x.imag, s)),
        hlo.add(hlo.multiply(x.real, s), hlo.multiply(x.imag, c)),
    )


def _scaled(x: Tensor, factor: float) -> Tensor:
    return hlo.multiply(x, hlo.full_like(x, factor))


def _dot(x: Tensor, matrix: Tensor) -> Tensor:
    return hlo.dot_general(x, matrix, DotDimensionNumbers((), (), (x.ndim - 1,), (0,)))


def _part(x: Tensor, start: int, stop: int) -> Tensor:
    low = [0] * (x.ndim - 1)
    return hlo.slice_(x, [*low, start], [*x.shape[:-1], stop])


def _shaped(x: Tensor, sizes: tuple[int, ...]) -> Tensor:
    return hlo.reshape(x, (*x.shape[:-1], *sizes))


def _merged(x: Tensor) -> Tensor:
    return hlo.reshape(x, (*x.shape[:-2], x.shape[-2] * x.shape[-1]))


def _swapped(x: Tensor) -> Tensor:
    return hlo.transpose(x, [*range(x.ndim - 2), x.ndim - 1, x.ndim - 2])
