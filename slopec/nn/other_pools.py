"""Pools by other norms and at drawn places, and max pools undone, as modules."""

from collections.abc import Sequence
from typing import Any

from slopec.nn import functional
from slopec.nn.module import Module
from slopec.tensor import Tensor

Sizes = int | Sequence[int]


class _LPPool(Module):
    """The constructor that power-average pooling of all ranks shares."""

    def __init__(
        self,
        norm_type: float,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        ceil_mode: bool = False,
    ) -> None:
        """Remember the norm and the window; the stride is its size by default."""
        self.norm_type, self.kernel_size = norm_type, kernel_size
        self.stride, self.ceil_mode = stride, ceil_mode

    @property
    def options(self) -> tuple[Any, ...]:
        """The arguments of the function."""
        return self.norm_type, self.kernel_size, self.stride, self.ceil_mode

    def extra_repr(self) -> str:
        """The constructor's arguments."""
        return f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}"


class LPPool1d(_LPPool):
    """(Σ xᵖ)^(1/p) over each window; see `functional.lp_pool1d`.

    >>> import slopec as sp
    >>> sp.nn.LPPool1d(2, 2)(sp.ones((1, 2, 8))).shape
    (1, 2, 4)
    """

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, L) to (N, C, L')."""
        return functional.lp_pool1d(x, *self.options)


class LPPool2d(_LPPool):
    """(Σ xᵖ)^(1/p) over each window of images."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H', W')."""
        return functional.lp_pool2d(x, *self.options)


class LPPool3d(_LPPool):
    """(Σ xᵖ)^(1/p) over each window of volumes."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, D, H, W) to (N, C, D', H', W')."""
        return functional.lp_pool3d(x, *self.options)


class _MaxUnpool(Module):
    """The constructor that undone max pooling of all ranks shares."""

    def __init__(self, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0) -> None:
        """Remember the window of the pool."""
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding

    def extra_repr(self) -> str:
        """The constructor's arguments."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpool):
    """Elements where `MaxPool1d(…, return_indices=True)` found them, zeros elsewhere.

    >>> import slopec as sp
    >>> pooled, places = sp.nn.MaxPool1d(2, return_indices=True)(sp.tensor([[1.0, 5.0, 4.0, 3.0]]))
    >>> print(sp.nn.MaxUnpool1d(2)(pooled, places))
    tensor([[0. 5. 4. 0.]], float32[1, 4], cpu)
    """

    def forward(
        self, x: Tensor, indices: Tensor, output_size: Sequence[int] | None = None
    ) -> Tensor:
        """(N, C, L') to (N, C, L)."""
        return functional.max_unpool1d(
            x, indices, self.kernel_size, self.stride, self.padding, output_size
        )


class MaxUnpool2d(_MaxUnpool):
    """Elements where `MaxPool2d(…, return_indices=True)` found them, zeros elsewhere."""

    def forward(
        self, x: Tensor, indices: Tensor, output_size: Sequence[int] | None = None
    ) -> Tensor:
        """(N, C, H', W') to (N, C, H, W)."""
        return functional.max_unpool2d(
            x, indices, self.kernel_size, self.stride, self.padding, output_size
        )


class MaxUnpool3d(_MaxUnpool):
    """Elements where `MaxPool3d(…, return_indices=True)` found them, zeros elsewhere."""

    def forward(
        self, x: Tensor, indices: Tensor, output_size: Sequence[int] | None = None
    ) -> Tensor:
        """(N, C, D', H', W') to (N, C, D, H, W)."""
        return functional.max_unpool3d(
            x, indices, self.kernel_size, self.stride, self.padding, output_size
        )


class FractionalMaxPool2d(Module):
    """The largest elements of windows at drawn steps; see `functional.fractional_max_pool2d`.

    >>> import slopec as sp
    >>> sp.nn.FractionalMaxPool2d(2, output_size=5)(sp.ones((1, 2, 8, 8))).shape
    (1, 2, 5, 5)
    """

    def __init__(
        self,
        kernel_size: Sizes,
        output_size: Sizes | None = None,
        output_ratio: float | Sequence[float] | None = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
    ) -> None:
        """Remember the window and the output's size, or its ratio to the input's."""
        self.kernel_size, self.output_size, self.output_ratio = (
            kernel_size,
            output_size,
            output_ratio,
        )
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)

    _random_samples: Tensor | None

    def forward(self, x: Tensor, *, key: Any = None) -> Any:
        """(N, C, H, W) to (N, C, H', W')."""
        return functional.fractional_max_pool2d(
            x,
            self.kernel_size,
            self.output_size,
            self.output_ratio,
            self.return_indices,
            self._random_samples,
            key=key,
        )


class FractionalMaxPool3d(FractionalMaxPool2d):
    """The largest elements of windows of volumes at drawn steps."""

    def forward(self, x: Tensor, *, key: Any = None) -> Any:
        """(N, C, D, H, W) to (N, C, D', H', W')."""
        return functional.fractional_max_pool3d(
            x,
            self.kernel_size,
            self.output_size,
            self.output_ratio,
            self.return_indices,
            self._random_samples,
            key=key,
        )
