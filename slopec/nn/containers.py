"""Modules made of modules, and modules that only apply a function."""

from collections.abc import Iterator, Sequence

from slopec import ops
from slopec.nn import functional
from slopec.nn.module import Module
from slopec.tensor import Tensor


class ModuleList(Module):
    """A list of modules, which are its children `0`, `1` …

    >>> from slopec import nn
    >>> layers = nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 1)])
    >>> len(layers), [name for name, _ in layers.named_parameters()][:2]
    (2, ['0.weight', '0.bias'])
    """

    def __init__(self, modules: Sequence[Module] = ()) -> None:
        """Hold `modules`."""
        for i, module in enumerate(modules):
            setattr(self, str(i), module)

    def __iter__(self) -> Iterator[Module]:
        """The modules in order."""
        return (module for _, module in self.named_children())

    def __len__(self) -> int:
        """How many modules there are."""
        return sum(1 for _ in self)

    def __getitem__(self, index: int) -> Module:
        """The module at `index`."""
        return list(self)[index]


class Sequential(ModuleList):
    """Modules applied one after the other.

    >>> import slopec as sp
    >>> from slopec import nn
    >>> nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))(sp.ones((3, 4))).shape
    (3, 2)
    """

    def __init__(self, *modules: Module) -> None:
        """Hold `modules`."""
        super().__init__(modules)

    def forward(self, x: Tensor) -> Tensor:
        """Through all modules, in order."""
        for module in self:
            x = module(x)
        return x


class ReLU(Module):
    """`functional.relu`."""

    def forward(self, x: Tensor) -> Tensor:
        """Element by element."""
        return functional.relu(x)


class GELU(Module):
    """`functional.gelu`."""

    def forward(self, x: Tensor) -> Tensor:
        """Element by element."""
        return functional.gelu(x)


class Tanh(Module):
    """`functional.tanh`."""

    def forward(self, x: Tensor) -> Tensor:
        """Element by element."""
        return functional.tanh(x)


class Sigmoid(Module):
    """`functional.sigmoid`."""

    def forward(self, x: Tensor) -> Tensor:
        """Element by element."""
        return functional.sigmoid(x)


class Flatten(Module):
    """All dimensions from `start_dim` on become one."""

    def __init__(self, start_dim: int = 1) -> None:
        """Remember the first dimension to flatten."""
        self.start_dim = start_dim

    def forward(self, x: Tensor) -> Tensor:
        """(N, …) to (N, product of …)."""
        return ops.reshape(x, (*x.shape[: self.start_dim], -1))


class MaxPool2d(Module):
    """The maximum of each window of (N, C, H, W); the stride is the window's size by default."""

    def __init__(self, kernel_size: int, stride: int | None = None, padding: int = 0) -> None:
        """Remember the window."""
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H', W')."""
        return ops.max_pool2d(x, self.kernel_size, stride=self.stride, padding=self.padding)


class AvgPool2d(Module):
    """The mean of each window of (N, C, H, W); the stride is the window's size by default."""

    def __init__(self, kernel_size: int, stride: int | None = None, padding: int = 0) -> None:
        """Remember the window."""
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H', W')."""
        return ops.avg_pool2d(x, self.kernel_size, stride=self.stride, padding=self.padding)
