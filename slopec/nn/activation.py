"""Activations as modules; the formulas are in `nn.functional`."""

from typing import Any, Literal

from slopec import dtypes
from slopec.nn import functional
from slopec.nn.init import constant
from slopec.nn.module import Module
from slopec.tensor import Tensor


class _InPlace(Module):
    """The constructor of those that PyTorch may compute in place; here a tensor is a value."""

    def __init__(self, inplace: bool = False) -> None:
        """Either is the same: the compiler decides whose memory a result takes."""
        self.inplace = inplace


class ReLU(_InPlace):
    """`functional.relu`, element by element."""

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        return functional.relu(x)


class ReLU6(_InPlace):
    """`functional.relu6`, element by element."""

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        return functional.relu6(x)


class Sigmoid(Module):
    """`functional.sigmoid`, element by element."""

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        return functional.sigmoid(x)


class Tanh(Module):
    """`functional.tanh`, element by element."""

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        return functional.tanh(x)


class SiLU(_InPlace):
    """`functional.silu`, element by element."""

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        return functional.silu(x)


class Mish(_InPlace):
    """`functional.mish`, element by element."""

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        return functional.mish(x)


class Hardsigmoid(_InPlace):
    """`functional.hardsigmoid`, element by element."""

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        return functional.hardsigmoid(x)


class Hardswish(_InPlace):
    """`functional.hardswish`, element by element."""

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        return functional.hardswish(x)


class LogSigmoid(Module):
    """`functional.logsigmoid`, element by element."""

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        return functional.logsigmoid(x)


class SELU(_InPlace):
    """`functional.selu`, element by element."""

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        return functional.selu(x)


class Softsign(Module):
    """`functional.softsign`, element by element."""

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        return functional.softsign(x)


class Tanhshrink(Module):
    """`functional.tanhshrink`, element by element."""

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        return functional.tanhshrink(x)


class GELU(Module):
    """`functional.gelu`, element by element."""

    def __init__(self, approximate: Literal["none", "tanh"] = "none") -> None:
        """Remember the argument."""
        self.approximate = approximate

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        return functional.gelu(x, self.approximate)

    def extra_repr(self) -> str:
        """The constructor's arguments."""
        return f"approximate={self.approximate!r}"


class LeakyReLU(Module):
    """`functional.leaky_relu`, element by element."""

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        """Remember the argument."""
        self.negative_slope = negative_slope

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        return functional.leaky_relu(x, self.negative_slope)

    def extra_repr(self) -> str:
        """The constructor's arguments."""
        return f"negative_slope={self.negative_slope!r}"


class ELU(Module):
    """`functional.elu`, element by element."""

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        """Remember the argument."""
        self.alpha = alpha

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        return functional.elu(x, self.alpha)

    def extra_repr(self) -> str:
        """The constructor's arguments."""
        return f"alpha={self.alpha!r}"


class CELU(Module):
    """`functional.celu`, element by element."""

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        """Remember the argument."""
        self.alpha = alpha

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        return functional.celu(x, self.alpha)

    def extra_repr(self) -> str:
        """The constructor's arguments."""
        return f"alpha={self.alpha!r}"


class Hardtanh(Module):
    """`functional.hardtanh`, element by element."""

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        """Remember the arguments."""
        self.min_val, self.max_val = min_val, max_val

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        return functional.hardtanh(x, self.min_val, self.max_val)

    def extra_repr(self) -> str:
        """The constructor's arguments."""
        return f"min_val={self.min_val!r}, max_val={self.max_val!r}"


class Softplus(Module):
    """`functional.softplus`, element by element."""

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        """Remember the arguments."""
        self.beta, self.threshold = beta, threshold

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        return functional.softplus(x, self.beta, self.threshold)

    def extra_repr(self) -> str:
        """The constructor's arguments."""
        return f"beta={self.beta!r}, threshold={self.threshold!r}"


class Softshrink(Module):
    """`functional.softshrink`, element by element."""

    def __init__(self, lambd: float = 0.5) -> None:
        """Remember the argument."""
        self.lambd = lambd

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        return functional.softshrink(x, self.lambd)

    def extra_repr(self) -> str:
        """The constructor's arguments."""
        return f"lambd={self.lambd!r}"


class Hardshrink(Module):
    """`functional.hardshrink`, element by element."""

    def __init__(self, lambd: float = 0.5) -> None:
        """Remember the argument."""
        self.lambd = lambd

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        return functional.hardshrink(x, self.lambd)

    def extra_repr(self) -> str:
        """The constructor's arguments."""
        return f"lambd={self.lambd!r}"


class Threshold(Module):
    """`functional.threshold`, element by element."""

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        """Remember the arguments."""
        self.threshold, self.value = threshold, value

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        return functional.threshold(x, self.threshold, self.value)

    def extra_repr(self) -> str:
        """The constructor's arguments."""
        return f"threshold={self.threshold!r}, value={self.value!r}"


class GLU(Module):
    """`functional.glu`, along `dim`."""

    def __init__(self, dim: int = -1) -> None:
        """Remember the dimension."""
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        """The same shape, but half of `dim`."""
        return functional.glu(x, self.dim)

    def extra_repr(self) -> str:
        """The constructor's arguments."""
        return f"dim={self.dim!r}"


class Softmax(Module):
    """`functional.softmax`, along `dim`."""

    def __init__(self, dim: int | None = None) -> None:
        """Remember the dimension, which vectors and matrices need not name."""
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        return functional.softmax(x, self.dim)

    def extra_repr(self) -> str:
        """The constructor's arguments."""
        return f"dim={self.dim!r}"


class Softmin(Module):
    """`functional.softmin`, along `dim`."""

    def __init__(self, dim: int | None = None) -> None:
        """Remember the dimension, which vectors and matrices need not name."""
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        return functional.softmin(x, self.dim)

    def extra_repr(self) -> str:
        """The constructor's arguments."""
        return f"dim={self.dim!r}"


class LogSoftmax(Module):
    """`functional.log_softmax`, along `dim`."""

    def __init__(self, dim: int | None = None) -> None:
        """Remember the dimension, which vectors and matrices need not name."""
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        return functional.log_softmax(x, self.dim)

    def extra_repr(self) -> str:
        """The constructor's arguments."""
        return f"dim={self.dim!r}"


class PReLU(Module):
    """`functional.prelu` with a learned slope, one or one per channel."""

    def __init__(
        self, num_parameters: int = 1, init: float = 0.25, *, dtype: Any = dtypes.float32
    ) -> None:
        """Slopes that begin as `init`."""
        self.weight = constant((num_parameters,), init, dtype=dtype)

    def forward(self, x: Tensor) -> Tensor:
        """The same shape; channels are dimension 1."""
        return functional.prelu(x, self.weight)

    def extra_repr(self) -> str:
        """The number of slopes."""
        return f"num_parameters={self.weight.size}"


class RReLU(Module):
    """`functional.rrelu`: a leaky relu whose slope is drawn while training.

    >>> import slopec as sp
    >>> print(sp.nn.RReLU(0.0, 0.5).eval()(sp.tensor([2.0, -12.0])))
    tensor([ 2. -3.], float32[2], cpu)
    """

    def __init__(
        self, lower: float = 1.0 / 8, upper: float = 1.0 / 3, inplace: bool = False
    ) -> None:
        """Remember the bounds of the slope."""
        self.lower, self.upper = lower, upper

    def forward(self, x: Tensor, *, key: Any = None) -> Tensor:
        """The same shape."""
        return functional.rrelu(x, self.lower, self.upper, self.training, key=key)

    def extra_repr(self) -> str:
        """The constructor's arguments."""
        return f"lower={self.lower}, upper={self.upper}"


class Softmax2d(Module):
    """`functional.softmax` over the channels of images (N, C, H, W) or (C, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        return functional.softmax(x, -3)
