"""Channels into places and places into channels, as modules."""

from collections.abc import Sequence

from slopec.nn import functional
from slopec.nn.module import Module
from slopec.tensor import Tensor

Sizes = int | Sequence[int]


class PixelShuffle(Module):
    """(…, C r², H, W) to (…, C, H r, W r); see `functional.pixel_shuffle`.

    >>> import slopec as sp
    >>> sp.nn.PixelShuffle(2)(sp.ones((1, 8, 3, 4))).shape
    (1, 2, 6, 8)
    """

    def __init__(self, upscale_factor: int) -> None:
        """The side of the squares."""
        self.upscale_factor = upscale_factor

    def forward(self, x: Tensor) -> Tensor:
        """Each r² channels become squares of side r."""
        return functional.pixel_shuffle(x, self.upscale_factor)

    def extra_repr(self) -> str:
        """The constructor's argument."""
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """(…, C, H r, W r) to (…, C r², H, W); see `functional.pixel_unshuffle`.

    >>> import slopec as sp
    >>> sp.nn.PixelUnshuffle(2)(sp.ones((1, 2, 6, 8))).shape
    (1, 8, 3, 4)
    """

    def __init__(self, downscale_factor: int) -> None:
        """The side of the squares."""
        self.downscale_factor = downscale_factor

    def forward(self, x: Tensor) -> Tensor:
        """Squares of side r become r² channels each."""
        return functional.pixel_unshuffle(x, self.downscale_factor)

    def extra_repr(self) -> str:
        """The constructor's argument."""
        return f"downscale_factor={self.downscale_factor}"


class ChannelShuffle(Module):
    """The channels of several groups dealt out in turn; see `functional.channel_shuffle`.

    >>> import slopec as sp
    >>> sp.nn.ChannelShuffle(2)(sp.ones((1, 4, 3, 3))).shape
    (1, 4, 3, 3)
    """

    def __init__(self, groups: int) -> None:
        """The number of groups."""
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, …) to the same shape."""
        return functional.channel_shuffle(x, self.groups)

    def extra_repr(self) -> str:
        """The constructor's argument."""
        return f"groups={self.groups}"


class Unfold(Module):
    """The windows of images as columns; see `functional.unfold`.

    >>> import slopec as sp
    >>> sp.nn.Unfold(2)(sp.ones((1, 3, 4, 4))).shape
    (1, 12, 9)
    """

    def __init__(
        self, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1
    ) -> None:
        """The windows' size, and how they lie."""
        self.kernel_size, self.dilation, self.padding = kernel_size, dilation, padding
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C · window, windows)."""
        return functional.unfold(
            x,
            self.kernel_size,
            dilation=self.dilation,
            padding=self.padding,
            stride=self.stride,
        )


class Fold(Module):
    """Columns added up into images; see `functional.fold`.

    >>> import slopec as sp
    >>> sp.nn.Fold(4, 2)(sp.ones((1, 12, 9))).shape
    (1, 3, 4, 4)
    """

    def __init__(
        self,
        output_size: Sizes,
        kernel_size: Sizes,
        dilation: Sizes = 1,
        padding: Sizes = 0,
        stride: Sizes = 1,
    ) -> None:
        """The images' size, the windows' size, and how they lie."""
        self.output_size, self.kernel_size, self.dilation = output_size, kernel_size, dilation
        self.padding, self.stride = padding, stride

    def forward(self, x: Tensor) -> Tensor:
        """(N, C · window, windows) to (N, C, *output_size)."""
        return functional.fold(
            x,
            self.output_size,
            self.kernel_size,
            dilation=self.dilation,
            padding=self.padding,
            stride=self.stride,
        )
