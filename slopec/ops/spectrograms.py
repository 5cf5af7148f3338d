"""Spectra of a signal that changes: Fourier transforms of stretches of it that overlap."""

from slopec import dtypes, hlo, tracing
from slopec.diagnostics import ShapeError
from slopec.ops import fft
from slopec.ops.common import ArrayLike, as_tensor, bad_argument
from slopec.ops.creation import full_like, ones
from slopec.ops.joining import concat
from slopec.ops.logic import where
from slopec.ops.manipulation import part, swapaxes
from slopec.ops.mixtures import view_as_real
from slopec.ops.padding import pad
from slopec.tensor import Tensor

__all__ = ["istft", "stft"]

_MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
_COVERED = 1e-11
"""Below this sum of squares no window reaches a sample."""


def stft(
    x: ArrayLike,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: ArrayLike | None = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool = True,
) -> Tensor:
    """The short-time Fourier transform of signals (…, L): (…, frequencies, frames), complex.

    X[k, m] = Σₙ window[n] x[m · hop + n] e^(−2πikn / n_fft)

    Frames are `n_fft` long and `hop_length`, by default a fourth of it, apart. `window`, by default
    of ones, has `win_length` samples (`n_fft` by default) and stands in the middle of the frame.
    With `center` frame m has its middle at m · hop; for that, the signal is padded by `pad_mode`
    ("constant", "reflect", "replicate", "circular"). `normalized` divides by √n_fft. There are
    n_fft // 2 + 1 frequencies, or all of them unless `onesided`, which complex signals and windows
    cannot be. Without `return_complex` real and imaginary parts are in a last dimension.

    PyTorch's `stft`. Raises ShapeError when no frame fits, or a window does not fit the frame.

    >>> import slopec as sp
    >>> x = sp.sin(2 * sp.pi * 3 / 16 * sp.arange(64))
    >>> spectrum = abs(sp.stft(x, 16, window=sp.hann_window(16)))
    >>> spectrum.shape, spectrum.argmax(axis=0)[1:-1].tolist()
    ((9, 17), [3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3])
    """
    x = as_tensor("stft", x)
    hop, frame = _frame("stft", x, n_fft, hop_length, win_length, window)
    complex_ = dtypes.is_complex(x.dtype) or dtypes.is_complex(frame.dtype)
    _refuse_complex("stft", complex_, onesided)
    if pad_mode not in _MODES:
        raise bad_argument(f"stft: pad_mode is one of {', '.join(_MODES)}, got {pad_mode!r}")
    if x.ndim == 0:
        raise ShapeError("S0101", "stft: a signal has a dimension", span=tracing.here())
    if center:
        widths = [(0, 0)] * (x.ndim - 1) + [(n_fft // 2, n_fft // 2)]
        x = pad(x, widths, mode=_MODES[pad_mode])
    if x.shape[-1] < n_fft:
        raise ShapeError(
            "S0101",
            f"stft: a frame of {n_fft} samples does not fit a signal of {x.shape[-1]}",
            span=tracing.here(),
        )
    frames = _framed(x, n_fft, hop) * frame
    transform = fft.fft if complex_ or onesided is False else fft.rfft
    spectrum = transform(frames, norm="ortho" if normalized else "backward")
    spectrum = swapaxes(spectrum, -1, -2)
    return spectrum if return_complex else view_as_real(spectrum)


def istft(
    x: ArrayLike,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: ArrayLike | None = None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool | None = None,
    length: int | None = None,
    return_complex: bool = False,
) -> Tensor:
    """The signals (…, L) whose `stft` comes closest to spectra (…, frequencies, frames).

    Frames are windowed once more, added where they overlap, and divided by the sum of the windows'
    squares (Griffin & Lim, 1984), so `istft(stft(x))` is x. `length` cuts the signal, or fills it
    with zeros; the other arguments are those of `stft`. Samples that no window reaches are NaN.

    PyTorch's `istft`. Raises ShapeError for a number of frequencies that `n_fft` does not have.

    >>> import slopec as sp
    >>> x, window = sp.arange(32.0), sp.hann_window(8)
    >>> again = sp.istft(sp.stft(x, 8, window=window), 8, window=window)
    >>> print(abs(again - x).max() < 1e-5)
    tensor(True, bool[], cpu)
    """
    x = as_tensor("istft", x)
    hop, frame = _frame("istft", x, n_fft, hop_length, win_length, window)
    if onesided is None:
        onesided = x.ndim > 1 and x.shape[-2] != n_fft
    frequencies = n_fft // 2 + 1 if onesided else n_fft
    if x.ndim < 2 or x.shape[-2] != frequencies or x.shape[-1] == 0:
        raise ShapeError(
            "S0101",
            f"istft: spectra (…, {frequencies}, frames) of {n_fft} samples, got {x.shape}",
            span=tracing.here(),
        )
    _refuse_complex("istft", return_complex or dtypes.is_complex(frame.dtype), onesided)
    norm: fft.Norm = "ortho" if normalized else "backward"
    spectra = swapaxes(x, -1, -2)
    if onesided:
        frames = fft.irfft(spectra, n=n_fft, norm=norm)
    else:
        frames = fft.ifft(spectra, norm=norm)
        frames = frames if return_complex else hlo.real(frames)
    squares = hlo.broadcast_in_dim(frame * frame, (x.shape[-1], n_fft), (1,))
    covered = _overlapped(squares, hop)
    signal = _overlapped(frames * frame, hop)
    first = n_fft // 2 if center else 0
    last = signal.shape[-1] - first if length is None else first + length
    last = min(last, signal.shape[-1])
    signal, covered = part(signal, -1, first, last), part(covered, -1, first, last)
    signal = where(abs(covered) > _COVERED, signal / covered, full_like(signal, float("nan")))
    missing = 0 if length is None else length - signal.shape[-1]
    return pad(signal, [(0, 0)] * (signal.ndim - 1) + [(0, missing)]) if missing else signal


def _frame(
    name: str,
    x: Tensor,
    n_fft: int,
    hop_length: int | None,
    win_length: int | None,
    window: ArrayLike | None,
) -> tuple[int, Tensor]:
    """The distance of frames; the window with zeros around it, as long as a frame.

    A window of ones is of the type of `x`'s parts.
    """
    hop = n_fft // 4 if hop_length is None else hop_length
    if n_fft < 1 or hop < 1:
        raise bad_argument(f"{name}: frames of {n_fft} samples, {hop} apart; both are at least 1")
    real = dtypes.real_of(x.dtype) if dtypes.is_differentiable(x.dtype) else dtypes.float32
    size = n_fft if win_length is None else win_length
    given = ones(size, dtype=real) if window is None else as_tensor(name, window)
    if given.shape != (size,) or not 0 < size <= n_fft:
        raise ShapeError(
            "S0101",
            f"{name}: a window of shape {given.shape} for {size} of the {n_fft} samples of a frame",
            span=tracing.here(),
            hint="`win_length` is the length of `window`, and at most `n_fft`",
        )
    low = (n_fft - size) // 2
    return hop, pad(given, [(low, n_fft - size - low)])


def _refuse_complex(name: str, is_complex: bool, onesided: bool | None) -> None:
    if is_complex and onesided:
        raise bad_argument(f"{name}: a complex signal or window has a spectrum of two sides")


def _framed(x: Tensor, size: int, hop: int) -> Tensor:
    """The frames (…, T, size) of x (…, L), of which some samples at the end may be left.

    In rows of `hop` samples, a frame is a row and some that follow: a shifted slice for each.
    """
    count = (x.shape[-1] - size) // hop + 1
    rows = -(-size // hop)
    wanted = (count + rows - 1) * hop
    x = part(x, -1, 0, min(wanted, x.shape[-1]))
    x = pad(x, [(0, 0)] * (x.ndim - 1) + [(0, wanted - x.shape[-1])])
    x = hlo.reshape(x, (*x.shape[:-1], count + rows - 1, hop))
    pieces = [part(x, -2, row, row + count) for row in range(rows)]
    return part(concat(pieces, axis=-1), -1, 0, size)


def _overlapped(frames: Tensor, hop: int) -> Tensor:
    """The sum of frames (…, T, size) at their places, (…, L): `_framed` transposed."""
    count, size = frames.shape[-2:]
    rows = -(-size // hop)
    leading = [(0, 0)] * (frames.ndim - 2)
    frames = pad(frames, [*leading, (0, 0), (0, rows * hop - size)])
    total: Tensor | None = None
    for row in range(rows):
        piece = part(frames, -1, row * hop, (row + 1) * hop)
        piece = pad(piece, [*leading, (row, rows - 1 - row), (0, 0)])
        total = piece if total is None else total + piece
    assert total is not None
    flat = hlo.reshape(total, (*total.shape[:-2], (count + rows - 1) * hop))
    return part(flat, -1, 0, (count - 1) * hop + size)
