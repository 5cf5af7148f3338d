"""Channels into places and places into channels, as modules."""

from slopec.nn import functional
from slopec.nn.module import Module
from slopec.tensor import Tensor


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
