"""Pooling, where windows of signals, images and volumes become one element; and upsampling."""

from collections.abc import Sequence
from typing import Any

from slopec import ops
from slopec.nn import functional
from slopec.nn.module import Module
from slopec.tensor import Tensor

Sizes = int | Sequence[int]


class _MaxPool(Module):
    """The constructor that max pooling of all ranks shares."""

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        """Remember the window; the stride is its size by default."""
        self.kernel_size, self.stride = kernel_size, stride
        self.padding, self.dilation, self.ceil_mode = padding, dilation, ceil_mode
        self.return_indices = return_indices

    @property
    def options(self) -> tuple[Any, ...]:
        """The arguments of the operation."""
        window = (self.kernel_size, self.stride, self.padding, self.dilation)
        return *window, self.ceil_mode, self.return_indices

    def extra_repr(self) -> str:
        """The constructor's arguments."""
        stride = self.kernel_size if self.stride is None else self.stride
        return f"kernel_size={self.kernel_size}, stride={stride}, padding={self.padding}"


class _AvgPool(Module):
    """The constructor that average pooling of all ranks shares."""

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        """Remember the window; the stride is its size by default."""
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad

    @property
    def options(self) -> tuple[Any, ...]:
        """The arguments of the operation."""
        window = (self.kernel_size, self.stride, self.padding)
        return *window, self.ceil_mode, self.count_include_pad

    def extra_repr(self) -> str:
        """The constructor's arguments."""
        stride = self.kernel_size if self.stride is None else self.stride
        return f"kernel_size={self.kernel_size}, stride={stride}, padding={self.padding}"


class _AvgPoolDivided(_AvgPool):
    """Average pooling that may divide by another number than the window's elements."""

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        """Remember the window and the divisor."""
        super().__init__(kernel_size, stride, padding, ceil_mode, count_include_pad)
        self.divisor_override = divisor_override

    @property
    def options(self) -> tuple[Any, ...]:
        """The arguments of the operation."""
        return *super().options, self.divisor_override


class _Adaptive(Module):
    """The constructor that adaptive pooling of all ranks shares."""

    def __init__(self, output_size: int | Sequence[int | None] | None) -> None:
        """Remember the output's size; None keeps a dimension."""
        self.output_size = output_size

    def extra_repr(self) -> str:
        """The constructor's argument."""
        return f"output_size={self.output_size}"


class _AdaptiveMax(_Adaptive):
    """The constructor that adaptive max pooling of all ranks shares."""

    def __init__(
        self, output_size: int | Sequence[int | None] | None, return_indices: bool = False
    ) -> None:
        """Remember the output's size, and whether places are asked for."""
        super().__init__(output_size)
        self.return_indices = return_indices


class MaxPool1d(_MaxPool):
    """The largest element of each window; see `sp.max_pool1d`.

    >>> import slopec as sp
    >>> sp.nn.MaxPool1d(2)(sp.ones((1, 2, 8))).shape
    (1, 2, 4)
    """

    def forward(self, x: Tensor) -> Any:
        """(N, C, L) to (N, C, L')."""
        return ops.max_pool1d(x, *self.options)


class MaxPool2d(_MaxPool):
    """The largest element of each window; see `sp.max_pool2d`.

    >>> import slopec as sp
    >>> sp.nn.MaxPool2d(2)(sp.ones((1, 2, 8, 8))).shape
    (1, 2, 4, 4)
    """

    def forward(self, x: Tensor) -> Any:
        """(N, C, H, W) to (N, C, H', W')."""
        return ops.max_pool2d(x, *self.options)


class MaxPool3d(_MaxPool):
    """The largest element of each window; see `sp.max_pool3d`.

    >>> import slopec as sp
    >>> sp.nn.MaxPool3d(2)(sp.ones((1, 2, 4, 4, 4))).shape
    (1, 2, 2, 2, 2)
    """

    def forward(self, x: Tensor) -> Any:
        """(N, C, D, H, W) to (N, C, D', H', W')."""
        return ops.max_pool3d(x, *self.options)


class AvgPool1d(_AvgPool):
    """The mean of each window; see `sp.avg_pool1d`.

    >>> import slopec as sp
    >>> sp.nn.AvgPool1d(2)(sp.ones((1, 2, 8))).shape
    (1, 2, 4)
    """

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, L) to (N, C, L')."""
        return ops.avg_pool1d(x, *self.options)


class AvgPool2d(_AvgPoolDivided):
    """The mean of each window; see `sp.avg_pool2d`.

    >>> import slopec as sp
    >>> sp.nn.AvgPool2d(2)(sp.ones((1, 2, 8, 8))).shape
    (1, 2, 4, 4)
    """

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H', W')."""
        return ops.avg_pool2d(x, *self.options)


class AvgPool3d(_AvgPoolDivided):
    """The mean of each window; see `sp.avg_pool3d`.

    >>> import slopec as sp
    >>> sp.nn.AvgPool3d(2)(sp.ones((1, 2, 4, 4, 4))).shape
    (1, 2, 2, 2, 2)
    """

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, D, H, W) to (N, C, D', H', W')."""
        return ops.avg_pool3d(x, *self.options)


class AdaptiveAvgPool1d(_Adaptive):
    """The mean of windows that are chosen to give `output_size`.

    >>> import slopec as sp
    >>> sp.nn.AdaptiveAvgPool1d(1)(sp.ones((1, 2, 8))).shape
    (1, 2, 1)
    """

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, L) to (N, C, *output_size)."""
        return functional.adaptive_avg_pool1d(x, self.output_size)


class AdaptiveAvgPool2d(_Adaptive):
    """The mean of windows that are chosen to give `output_size`.

    >>> import slopec as sp
    >>> sp.nn.AdaptiveAvgPool2d(1)(sp.ones((1, 2, 8, 8))).shape
    (1, 2, 1, 1)
    """

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, *output_size)."""
        return functional.adaptive_avg_pool2d(x, self.output_size)


class AdaptiveAvgPool3d(_Adaptive):
    """The mean of windows that are chosen to give `output_size`.

    >>> import slopec as sp
    >>> sp.nn.AdaptiveAvgPool3d(1)(sp.ones((1, 2, 4, 4, 4))).shape
    (1, 2, 1, 1, 1)
    """

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, D, H, W) to (N, C, *output_size)."""
        return functional.adaptive_avg_pool3d(x, self.output_size)


class AdaptiveMaxPool1d(_AdaptiveMax):
    """The largest element of windows that are chosen to give `output_size`.

    >>> import slopec as sp
    >>> sp.nn.AdaptiveMaxPool1d(1)(sp.ones((1, 2, 8))).shape
    (1, 2, 1)
    """

    def forward(self, x: Tensor) -> Any:
        """(N, C, L) to (N, C, *output_size)."""
        return functional.adaptive_max_pool1d(x, self.output_size, self.return_indices)


class AdaptiveMaxPool2d(_AdaptiveMax):
    """The largest element of windows that are chosen to give `output_size`.

    >>> import slopec as sp
    >>> sp.nn.AdaptiveMaxPool2d(1)(sp.ones((1, 2, 8, 8))).shape
    (1, 2, 1, 1)
    """

    def forward(self, x: Tensor) -> Any:
        """(N, C, H, W) to (N, C, *output_size)."""
        return functional.adaptive_max_pool2d(x, self.output_size, self.return_indices)


class AdaptiveMaxPool3d(_AdaptiveMax):
    """The largest element of windows that are chosen to give `output_size`.

    >>> import slopec as sp
    >>> sp.nn.AdaptiveMaxPool3d(1)(sp.ones((1, 2, 4, 4, 4))).shape
    (1, 2, 1, 1, 1)
    """

    def forward(self, x: Tensor) -> Any:
        """(N, C, D, H, W) to (N, C, *output_size)."""
        return functional.adaptive_max_pool3d(x, self.output_size, self.return_indices)


class GlobalAvgPool(Module):
    """The mean over all spatial dimensions.

    >>> import slopec as sp
    >>> sp.nn.GlobalAvgPool()(sp.ones((2, 3, 8, 8))).shape
    (2, 3)
    """

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, …) to (N, C)."""
        return ops.global_avg_pool(x)


class GlobalMaxPool(Module):
    """The largest element over all spatial dimensions.

    >>> import slopec as sp
    >>> sp.nn.GlobalMaxPool()(sp.ones((2, 3, 8, 8))).shape
    (2, 3)
    """

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, …) to (N, C)."""
        return ops.global_max_pool(x)


class Upsample(Module):
    """Signals, images and volumes (N, C, …) in another size; see `sp.interpolate`.

    >>> import slopec as sp
    >>> sp.nn.Upsample(scale_factor=2)(sp.ones((1, 3, 4, 4))).shape
    (1, 3, 8, 8)
    """

    def __init__(
        self,
        size: Sizes | None = None,
        scale_factor: float | Sequence[float] | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        """Remember the new size, or the factor to it, and how elements are made."""
        self.size, self.scale_factor = size, scale_factor
        self.mode, self.align_corners = mode, align_corners
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, …) to (N, C, *size)."""
        return ops.interpolate(
            x,
            self.size,
            self.scale_factor,
            self.mode,
            self.align_corners,
            self.recompute_scale_factor,
        )

    def extra_repr(self) -> str:
        """The constructor's arguments."""
        size = f"size={self.size}" if self.size is not None else f"factor={self.scale_factor}"
        return f"{size}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """Images in another size by their nearest elements."""

    def __init__(
        self,
        size: Sizes | None = None,
        scale_factor: float | Sequence[float] | None = None,
    ) -> None:
        """Remember the new size, or the factor to it."""
        super().__init__(size, scale_factor, "nearest")


class UpsamplingBilinear2d(Upsample):
    """Images in another size, interpolated bilinearly with corners that stay where they are."""

    def __init__(
        self,
        size: Sizes | None = None,
        scale_factor: float | Sequence[float] | None = None,
    ) -> None:
        """Remember the new size, or the factor to it."""
        super().__init__(size, scale_factor, "bilinear", align_corners=True)
