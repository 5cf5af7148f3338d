"""ATen's operations on images: resizing, sampling, columns of windows, shuffled pixels."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

from slopec import ops
from slopec.nn import functional
from slopec.tensor import Tensor


def _resized(mode: str, with_corners: bool) -> Callable[..., Tensor]:
    """`interpolate` in the order of arguments of the overloads for sizes or factors."""

    def run(x: Tensor, size: Any, *rest: Any) -> Tensor:
        corners, factors = (rest[0], rest[1]) if with_corners else (False, rest[0])
        if size is not None:
            return ops.interpolate(x, list(size), mode=mode, align_corners=corners)
        return ops.interpolate(x, scale_factor=list(factors), mode=mode, align_corners=corners)

    return run


_SAMPLED: tuple[Literal["bilinear", "nearest", "bicubic"], ...] = ("bilinear", "nearest", "bicubic")
_OUTSIDE: tuple[Literal["zeros", "border", "reflection"], ...] = ("zeros", "border", "reflection")


def grid_sampler(
    x: Tensor, grid: Tensor, interpolation: int, padding: int, align_corners: bool
) -> Tensor:
    """Images at the places of a grid."""
    return functional.grid_sample(
        x,
        grid,
        mode=_SAMPLED[interpolation],
        padding_mode=_OUTSIDE[padding],
        align_corners=align_corners,
    )


def im2col(
    x: Tensor,
    kernel_size: Sequence[int],
    dilation: Sequence[int],
    padding: Sequence[int],
    stride: Sequence[int],
) -> Tensor:
    """The windows of images as columns."""
    return ops.unfold(x, kernel_size, dilation=dilation, padding=padding, stride=stride)


def col2im(
    x: Tensor,
    output_size: Sequence[int],
    kernel_size: Sequence[int],
    dilation: Sequence[int],
    padding: Sequence[int],
    stride: Sequence[int],
) -> Tensor:
    """Columns added up into images."""
    return ops.fold(x, output_size, kernel_size, dilation=dilation, padding=padding, stride=stride)


TABLE: dict[str, Callable[..., Any]] = {
    **{f"upsample_nearest{n}d.vec": _resized("nearest", with_corners=False) for n in (1, 2, 3)},
    **{
        f"_upsample_nearest_exact{n}d.vec": _resized("nearest-exact", with_corners=False)
        for n in (1, 2, 3)
    },
    "upsample_linear1d.vec": _resized("linear", with_corners=True),
    "upsample_bilinear2d.vec": _resized("bilinear", with_corners=True),
    "upsample_trilinear3d.vec": _resized("trilinear", with_corners=True),
    "upsample_bicubic2d.vec": _resized("bicubic", with_corners=True),
    "grid_sampler_2d": grid_sampler,
    "grid_sampler_3d": grid_sampler,
    "im2col": im2col,
    "col2im": col2im,
    "pixel_shuffle": functional.pixel_shuffle,
    "pixel_unshuffle": functional.pixel_unshuffle,
}
