"""Convolutions with weights, channels before the spatial dimensions: NC… and OI…."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from slopec import dtypes, ops
from slopec.nn import functional, init
from slopec.nn.linear import keys
from slopec.nn.module import Module
from slopec.ops.common import bad_argument, per_dimension
from slopec.ops.conv import paddings
from slopec.tensor import Tensor

Sizes = int | Sequence[int]
_MARGINS: dict[str, functional.PadMode] = {
    "reflect": "reflect",
    "replicate": "replicate",
    "circular": "circular",
}
"""What `padding_mode` may be besides zeros."""


class _Conv(Module):
    """What the convolutions of all ranks share: weights and constructor arguments."""

    rank: ClassVar[int]
    transposed: ClassVar[bool] = False

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes,
        padding: Sizes | str,
        dilation: Sizes,
        groups: int,
        bias: bool,
        padding_mode: str,
        dtype: Any,
        key: Any,
    ) -> None:
        name = type(self).__name__
        known = ("zeros",) if self.transposed else ("zeros", *_MARGINS)
        if padding_mode not in known:
            raise bad_argument(f"{name}: padding_mode {padding_mode!r}; known are {known}")
        self.padding_mode = padding_mode
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = per_dimension(name, "kernel_size", kernel_size, self.rank)
        self.stride, self.padding, self.dilation = stride, padding, dilation
        first, second = keys(key, 2)
        channels = (out_channels, in_channels // groups)
        if self.transposed:
            channels = (in_channels, out_channels // groups)
        shape = (*channels, *self.kernel_size)
        fan_in = init.fans(shape)[0]
        self.weight = init.torch_default(shape, key=first, dtype=dtype)
        self.bias = (
            init.torch_default((out_channels,), fan_in, key=second, dtype=dtype) if bias else None
        )

    @property
    def options(self) -> dict[str, Any]:
        """The arguments of the operation."""
        return {
            "stride": self.stride,
            "padding": self.padding,
            "dilation": self.dilation,
            "groups": self.groups,
        }

    def extra_repr(self) -> str:
        """The channels, the window, and what differs from the defaults."""
        defaults = {"padding": 0, "dilation": 1, "groups": 1, "output_padding": 0}
        parts = [
            f"{self.in_channels}, {self.out_channels}",
            f"kernel_size={self.kernel_size}",
            *(f"{k}={v}" for k, v in self.options.items() if v != defaults.get(k)),
        ]
        parts += ["bias=False"] if self.bias is None else []
        parts += [f"padding_mode={self.padding_mode}"] if self.padding_mode != "zeros" else []
        return ", ".join(parts)


class _Convolution(_Conv):
    """A convolution; `padding` may also be "same" or "valid"."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes | str = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        *,
        dtype: Any = dtypes.float32,
        key: Any = None,
    ) -> None:
        """Weights and biases uniform within ±1/√(in_channels / groups · window)."""
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            groups,
            bias,
            padding_mode,
            dtype,
            key,
        )

    def _convolved(self, operation: Callable[..., Tensor], x: Tensor) -> Tensor:
        """`x` convolved, after margins that are not zeros are put around it."""
        if self.padding_mode == "zeros":
            return operation(x, self.weight, self.bias, **self.options)
        strides, dilations = (
            per_dimension(type(self).__name__, what, value, self.rank)
            for what, value in (("stride", self.stride), ("dilation", self.dilation))
        )
        name, padding = type(self).__name__, self.padding
        margins = paddings(name, padding, self.kernel_size, strides, dilations)
        flat = [size for pair in reversed(margins) for size in pair]
        wide = functional.pad(x, flat, _MARGINS[self.padding_mode])
        return operation(wide, self.weight, self.bias, **{**self.options, "padding": 0})


class Conv1d(_Convolution):
    """A convolution of signals (N, C, L) with `weight` (out, in / groups, K); see `sp.conv1d`.

    >>> import slopec as sp
    >>> sp.nn.Conv1d(2, 4, 3, padding="same")(sp.ones((1, 2, 8))).shape
    (1, 4, 8)
    """

    rank = 1

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, L) to (N, out, L')."""
        return self._convolved(ops.conv1d, x)


class Conv2d(_Convolution):
    """A convolution of images (N, C, H, W) with `weight` (out, in / groups, KH, KW).

    >>> import slopec as sp
    >>> sp.nn.Conv2d(1, 4, 3, padding=1)(sp.ones((2, 1, 8, 8))).shape
    (2, 4, 8, 8)
    """

    rank = 2

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, out, H', W')."""
        return self._convolved(ops.conv2d, x)


class Conv3d(_Convolution):
    """A convolution of volumes (N, C, D, H, W) with `weight` (out, in / groups, KD, KH, KW).

    >>> import slopec as sp
    >>> sp.nn.Conv3d(1, 2, 3)(sp.ones((1, 1, 4, 4, 4))).shape
    (1, 2, 2, 2, 2)
    """

    rank = 3

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, D, H, W) to (N, out, D', H', W')."""
        return self._convolved(ops.conv3d, x)


class _Transposed(_Conv):
    """A transposed convolution, with `weight` (in, out / groups, …kernel)."""

    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Sizes = 1,
        padding_mode: str = "zeros",
        *,
        dtype: Any = dtypes.float32,
        key: Any = None,
    ) -> None:
        """Weights and biases uniform within ±1/√(out_channels / groups · window)."""
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            groups,
            bias,
            padding_mode,
            dtype,
            key,
        )
        self.output_padding = output_padding

    @property
    def options(self) -> dict[str, Any]:
        """The arguments of the operation."""
        return {**super().options, "output_padding": self.output_padding}


class ConvTranspose1d(_Transposed):
    """The transpose of `Conv1d`; see `sp.conv_transpose1d`.

    >>> import slopec as sp
    >>> sp.nn.ConvTranspose1d(2, 4, 3, stride=2)(sp.ones((1, 2, 8))).shape
    (1, 4, 17)
    """

    rank = 1

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, L) to (N, out, L')."""
        return ops.conv_transpose1d(x, self.weight, self.bias, **self.options)


class ConvTranspose2d(_Transposed):
    """The transpose of `Conv2d`; see `sp.conv_transpose2d`.

    >>> import slopec as sp
    >>> sp.nn.ConvTranspose2d(4, 3, 2, stride=2)(sp.ones((1, 4, 5, 5))).shape
    (1, 3, 10, 10)
    """

    rank = 2

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, out, H', W')."""
        return ops.conv_transpose2d(x, self.weight, self.bias, **self.options)


class ConvTranspose3d(_Transposed):
    """The transpose of `Conv3d`; see `sp.conv_transpose3d`.

    >>> import slopec as sp
    >>> sp.nn.ConvTranspose3d(2, 1, 2, stride=2)(sp.ones((1, 2, 2, 2, 2))).shape
    (1, 1, 4, 4, 4)
    """

    rank = 3

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, D, H, W) to (N, out, D', H', W')."""
        return ops.conv_transpose3d(x, self.weight, self.bias, **self.options)
