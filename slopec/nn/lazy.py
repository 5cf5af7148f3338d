"""Modules that learn the size of their input from the first input they see, and then are others."""

import inspect
from typing import Any, ClassVar

from slopec import tracing
from slopec.diagnostics import TraceError
from slopec.nn.batch_norm import (
    BatchNorm1d,
    BatchNorm2d,
    BatchNorm3d,
    InstanceNorm1d,
    InstanceNorm2d,
    InstanceNorm3d,
)
from slopec.nn.convolution import (
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
)
from slopec.nn.linear import Linear
from slopec.nn.module import Module


class _Lazy(Module):
    """A module of the class `kind` to be, but for the size of the input's dimension `dim`."""

    kind: ClassVar[type[Module]]
    dim: ClassVar[int]
    defaults: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls) -> None:
        """The constructor's arguments are those of `kind` without the first."""
        _, *rest = inspect.signature(cls.kind).parameters.values()
        rest = [p.replace(default=cls.defaults.get(p.name, p.default)) for p in rest]
        cls.__signature__ = inspect.Signature(rest)  # type: ignore[attr-defined]

    def __init__(self, *args: Any, **options: Any) -> None:
        """Remember the arguments; raises TypeError for those that `kind` does not have."""
        bound = inspect.signature(self.kind).bind(0, *args, **options)
        self.arguments = args
        self.options = {k: v for k, v in self.defaults.items() if k not in bound.arguments}
        self.options |= options

    def forward(self, x: Any, **options: Any) -> Any:
        """Become the module for inputs like `x`, and compute what it does.

        Raises TraceError (S0121) within a traced function, where nothing can be kept.
        """
        if tracing.is_tracing():
            raise TraceError(
                "S0121",
                f"{type(self).__name__} has seen no input yet, so it has no parameters",
                span=tracing.here(),
                hint="call the model once on an example before you trace it",
            )
        made = self.kind(x.shape[self.dim], *self.arguments, **self.options).train(self.training)
        vars(self).clear()
        vars(self).update(vars(made))
        self.__class__ = type(made)  # type: ignore[assignment]
        return self(x, **options)

    def extra_repr(self) -> str:
        """The constructor's arguments."""
        named = (f"{name}={value}" for name, value in self.options.items())
        return ", ".join([*map(str, self.arguments), *named])


class LazyLinear(_Lazy):
    """`Linear` whose number of inputs comes with the first input.

    >>> import slopec as sp
    >>> layer = sp.nn.LazyLinear(3)
    >>> layer(sp.ones((2, 5))).shape, layer
    ((2, 3), Linear(in_features=5, out_features=3, bias=True))
    """

    kind, dim = Linear, -1


class LazyConv1d(_Lazy):
    """`Conv1d` whose channels come with the first input."""

    kind, dim = Conv1d, -2


class LazyConv2d(_Lazy):
    """`Conv2d` whose channels come with the first input."""

    kind, dim = Conv2d, -3


class LazyConv3d(_Lazy):
    """`Conv3d` whose channels come with the first input."""

    kind, dim = Conv3d, -4


class LazyConvTranspose1d(_Lazy):
    """`ConvTranspose1d` whose channels come with the first input."""

    kind, dim = ConvTranspose1d, -2


class LazyConvTranspose2d(_Lazy):
    """`ConvTranspose2d` whose channels come with the first input."""

    kind, dim = ConvTranspose2d, -3


class LazyConvTranspose3d(_Lazy):
    """`ConvTranspose3d` whose channels come with the first input."""

    kind, dim = ConvTranspose3d, -4


class LazyBatchNorm1d(_Lazy):
    """`BatchNorm1d` whose channels come with the first input."""

    kind, dim = BatchNorm1d, 1


class LazyBatchNorm2d(_Lazy):
    """`BatchNorm2d` whose channels come with the first input."""

    kind, dim = BatchNorm2d, 1


class LazyBatchNorm3d(_Lazy):
    """`BatchNorm3d` whose channels come with the first input."""

    kind, dim = BatchNorm3d, 1


class _LazyInstanceNorm(_Lazy):
    """Scaled, shifted and tracked by default, as PyTorch's, which takes that from batch norms."""

    kind, dim = InstanceNorm1d, 1
    defaults: ClassVar[dict[str, Any]] = {"affine": True, "track_running_stats": True}


class LazyInstanceNorm1d(_LazyInstanceNorm):
    """`InstanceNorm1d` whose channels come with the first input; affine and tracked by default."""


class LazyInstanceNorm2d(_LazyInstanceNorm):
    """`InstanceNorm2d` whose channels come with the first input; affine and tracked by default."""

    kind = InstanceNorm2d


class LazyInstanceNorm3d(_LazyInstanceNorm):
    """`InstanceNorm3d` whose channels come with the first input; affine and tracked by default."""

    kind = InstanceNorm3d
