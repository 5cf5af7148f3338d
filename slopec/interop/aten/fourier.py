"""ATen's Fourier transforms: real and complex ones, those of stretches, and their windows."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal

from slopec import ops
from slopec.ops import fft
from slopec.ops.common import bad_argument
from slopec.tensor import Tensor

Norm = Literal["backward", "ortho", "forward"]
_FORWARD: tuple[Norm, ...] = ("backward", "ortho", "forward")
_INVERSE: tuple[Norm, ...] = ("forward", "ortho", "backward")
"""What scales by 1, by 1/√n and by 1/n, in which order ATen numbers them."""


def from_real(x: Tensor, dim: Sequence[int], normalization: int, onesided: bool) -> Tensor:
    """The transform over dimensions; `onesided` keeps what the other half mirrors."""
    transform = fft.rfftn if onesided else fft.fftn
    return transform(x, axes=list(dim), norm=_FORWARD[normalization])


def to_real(x: Tensor, dim: Sequence[int], normalization: int, last_dim_size: int) -> Tensor:
    """The inverse of the one-sided transform, of this size in the last of the dimensions."""
    sizes = [x.shape[d] for d in dim[:-1]]
    return fft.irfftn(x, s=[*sizes, last_dim_size], axes=list(dim), norm=_INVERSE[normalization])


def between_complex(x: Tensor, dim: Sequence[int], normalization: int, forward: bool) -> Tensor:
    """The transform over dimensions or its inverse."""
    if forward:
        return fft.fftn(x, axes=list(dim), norm=_FORWARD[normalization])
    return fft.ifftn(x, axes=list(dim), norm=_INVERSE[normalization])


def stft(
    x: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool = False,
    align_to_window: bool | None = None,
) -> Tensor:
    """Spectra of frames; ATen has the signal padded before."""
    size = n_fft if win_length is None else win_length
    if align_to_window and size < n_fft:
        raise bad_argument("stft: frames that begin with the window are not supported")
    framed = partial(ops.stft, center=False, normalized=normalized, onesided=onesided)
    return framed(x, n_fft, hop_length, win_length, window, return_complex=return_complex)


WINDOWS = {
    "hann_window": ops.hann_window,
    "hamming_window": ops.hamming_window,
    "blackman_window": ops.blackman_window,
    "bartlett_window": ops.bartlett_window,
    "kaiser_window": ops.kaiser_window,
}

TABLE: dict[str, Callable[..., Any]] = {
    "_fft_r2c": from_real,
    "_fft_c2r": to_real,
    "_fft_c2c": between_complex,
    "stft": stft,
    "istft": ops.istft,
    **WINDOWS,
}
