"""ATen's Fourier transforms: from real numbers, to real ones, and between complex ones."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

from slopec.ops import fft
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


TABLE: dict[str, Callable[..., Any]] = {
    "_fft_r2c": from_real,
    "_fft_c2r": to_real,
    "_fft_c2c": between_complex,
}
