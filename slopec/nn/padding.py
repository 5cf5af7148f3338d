"""Margins around signals, images and volumes, as modules."""

from collections.abc import Sequence
from typing import ClassVar

from slopec.nn import functional
from slopec.nn.functional.padding import PadMode
from slopec.nn.module import Module
from slopec.tensor import Tensor

Margins = int | Sequence[int]


class _Pad(Module):
    """Margins for the last `rank` dimensions, from the last backwards, in one of the modes."""

    rank: ClassVar[int] = 1
    mode: ClassVar[PadMode] = "constant"

    def __init__(self, padding: Margins) -> None:
        """One margin for all sides, or (before, after) of each dimension, the last first."""
        sides = (padding,) * (2 * self.rank) if isinstance(padding, int) else tuple(padding)
        self.padding = sides

    def forward(self, x: Tensor) -> Tensor:
        """`x` with its margins."""
        return functional.pad(x, self.padding, self.mode)

    def extra_repr(self) -> str:
        """The margins."""
        return str(self.padding)


class _ConstantPad(_Pad):
    """Margins of one value."""

    def __init__(self, padding: Margins, value: float = 0.0) -> None:
        """Margins as for all paddings, and the value of their elements."""
        super().__init__(padding)
        self.value = value

    def forward(self, x: Tensor) -> Tensor:
        """`x` with its margins."""
        return functional.pad(x, self.padding, self.mode, self.value)

    def extra_repr(self) -> str:
        """The margins and their value."""
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """Margins of one value around the last dimension.

    >>> import slopec as sp
    >>> sp.nn.ConstantPad1d((1, 2), 7.0)(sp.ones((1, 2, 5))).shape
    (1, 2, 8)
    """


class ConstantPad2d(_ConstantPad):
    """Margins of one value around the last 2 dimensions.

    >>> import slopec as sp
    >>> sp.nn.ConstantPad2d((1, 2, 2, 0), 7.0)(sp.ones((1, 2, 5, 5))).shape
    (1, 2, 7, 8)
    """

    rank = 2


class ConstantPad3d(_ConstantPad):
    """Margins of one value around the last 3 dimensions.

    >>> import slopec as sp
    >>> sp.nn.ConstantPad3d(1, 7.0)(sp.ones((1, 2, 5, 5, 5))).shape
    (1, 2, 7, 7, 7)
    """

    rank = 3


class ZeroPad1d(_Pad):
    """Margins of zeros around the last dimension.

    >>> import slopec as sp
    >>> sp.nn.ZeroPad1d((1, 2))(sp.ones((1, 2, 5))).shape
    (1, 2, 8)
    """


class ZeroPad2d(_Pad):
    """Margins of zeros around the last 2 dimensions.

    >>> import slopec as sp
    >>> sp.nn.ZeroPad2d((1, 2, 2, 0))(sp.ones((1, 2, 5, 5))).shape
    (1, 2, 7, 8)
    """

    rank = 2


class ZeroPad3d(_Pad):
    """Margins of zeros around the last 3 dimensions.

    >>> import slopec as sp
    >>> sp.nn.ZeroPad3d(1)(sp.ones((1, 2, 5, 5, 5))).shape
    (1, 2, 7, 7, 7)
    """

    rank = 3


class ReflectionPad1d(_Pad):
    """Margins mirrored at the edges around the last dimension.

    >>> import slopec as sp
    >>> sp.nn.ReflectionPad1d((1, 2))(sp.ones((1, 2, 5))).shape
    (1, 2, 8)
    """

    mode = "reflect"


class ReflectionPad2d(_Pad):
    """Margins mirrored at the edges around the last 2 dimensions.

    >>> import slopec as sp
    >>> sp.nn.ReflectionPad2d((1, 2, 2, 0))(sp.ones((1, 2, 5, 5))).shape
    (1, 2, 7, 8)
    """

    rank = 2
    mode = "reflect"


class ReflectionPad3d(_Pad):
    """Margins mirrored at the edges around the last 3 dimensions.

    >>> import slopec as sp
    >>> sp.nn.ReflectionPad3d(1)(sp.ones((1, 2, 5, 5, 5))).shape
    (1, 2, 7, 7, 7)
    """

    rank = 3
    mode = "reflect"


class ReplicationPad1d(_Pad):
    """Margins that repeat the edges around the last dimension.

    >>> import slopec as sp
    >>> sp.nn.ReplicationPad1d((1, 2))(sp.ones((1, 2, 5))).shape
    (1, 2, 8)
    """

    mode = "replicate"


class ReplicationPad2d(_Pad):
    """Margins that repeat the edges around the last 2 dimensions.

    >>> import slopec as sp
    >>> sp.nn.ReplicationPad2d((1, 2, 2, 0))(sp.ones((1, 2, 5, 5))).shape
    (1, 2, 7, 8)
    """

    rank = 2
    mode = "replicate"


class ReplicationPad3d(_Pad):
    """Margins that repeat the edges around the last 3 dimensions.

    >>> import slopec as sp
    >>> sp.nn.ReplicationPad3d(1)(sp.ones((1, 2, 5, 5, 5))).shape
    (1, 2, 7, 7, 7)
    """

    rank = 3
    mode = "replicate"


class CircularPad1d(_Pad):
    """Margins from the other end around the last dimension.

    >>> import slopec as sp
    >>> sp.nn.CircularPad1d((1, 2))(sp.ones((1, 2, 5))).shape
    (1, 2, 8)
    """

    mode = "circular"


class CircularPad2d(_Pad):
    """Margins from the other end around the last 2 dimensions.

    >>> import slopec as sp
    >>> sp.nn.CircularPad2d((1, 2, 2, 0))(sp.ones((1, 2, 5, 5))).shape
    (1, 2, 7, 8)
    """

    rank = 2
    mode = "circular"


class CircularPad3d(_Pad):
    """Margins from the other end around the last 3 dimensions.

    >>> import slopec as sp
    >>> sp.nn.CircularPad3d(1)(sp.ones((1, 2, 5, 5, 5))).shape
    (1, 2, 7, 7, 7)
    """

    rank = 3
    mode = "circular"
