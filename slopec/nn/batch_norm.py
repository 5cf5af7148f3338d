"""Batch and instance normalisation, whose running statistics are the state of a module.

While training, `forward` normalises with the batch's own statistics and assigns new running ones to
the buffers. In a traced function that is the copy of the module that the function was given: return
it to keep them, as the example in `slopec.nn.module` does.
"""

import math
from typing import Any, ClassVar

from slopec import dtypes, ops, tracing
from slopec.diagnostics import ShapeError
from slopec.nn import functional, init
from slopec.nn.module import Module
from slopec.tensor import Tensor
from slopec.transforms import axis_size, pmean, stop_gradient


def _wide(x: Tensor) -> Tensor:
    return ops.astype(x, ops.result_type(x, dtypes.float32))


class BatchNorm1d(Module):
    """Each channel normalised over the batch, scaled and shifted (Ioffe & Szegedy, 2015).

    While training, running statistics follow as r ← (1 − momentum) r + momentum · batch, the
    variance unbiased; `momentum=None` keeps their plain average. In evaluation they are used. The
    rank of the input does not matter: `BatchNorm2d` and `BatchNorm3d` are the same.

    >>> import slopec as sp
    >>> norm = sp.nn.BatchNorm1d(1)
    >>> print(norm(sp.tensor([[1.0], [3.0]])).round(decimals=3).reshape(2), norm.running_mean)
    tensor([-1.  1.], float32[2], cpu) tensor([0.2], float32[1], cpu)
    >>> print(norm.eval()(sp.tensor([[0.2]])))
    tensor([[0.]], float32[1, 1], cpu)
    """

    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        bias: bool = True,
        *,
        dtype: Any = dtypes.float32,
    ) -> None:
        """Scale 1, shift 0, running mean 0 and variance 1."""
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = init.ones((num_features,), dtype=dtype) if affine else None
        self.bias = init.zeros((num_features,), dtype=dtype) if affine and bias else None
        if not track_running_stats:
            self.running_mean = self.running_var = self.num_batches_tracked = None
            return
        kept = ops.result_type(dtype, dtypes.float32)
        self.register_buffer("running_mean", init.zeros((num_features,), dtype=kept))
        self.register_buffer("running_var", init.ones((num_features,), dtype=kept))
        # A float, so that a gradient can be taken with respect to the module as a whole.
        self.register_buffer("num_batches_tracked", init.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, …) to the same shape; raises ShapeError for another number of channels."""
        self._check(x)
        known = self._known_statistics()
        if known is not None:
            return functional.batch_norm(x, *known, self.weight, self.bias, eps=self.eps)
        axes = [d for d in range(x.ndim) if d != 1]
        count = math.prod(x.shape[d] for d in axes) * self._members()
        self._check_count(x, count)
        mean, variance = (ops.squeeze(m, axes) for m in functional.moments(_wide(x), axes))
        mean, variance = self._gathered(mean, variance)
        self._follow(mean, variance, count)
        return functional.batch_norm(x, mean, variance, self.weight, self.bias, eps=self.eps)

    def _check(self, x: Tensor) -> None:
        if x.ndim < 2 or x.shape[1] != self.num_features:
            raise ShapeError(
                "S0101",
                f"{type(self).__name__}({self.num_features}) got shape {x.shape}",
                span=tracing.here(),
                hint="channels are dimension 1 of the input",
            )

    def _members(self) -> int:
        """How many batches are normalised together."""
        return 1

    def _gathered(self, mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
        """The statistics of all batches that are normalised together."""
        return mean, variance

    def _check_count(self, x: Tensor, count: int) -> None:
        """One value has no variance: it would be normalised to 0, and the running one be lost."""
        if self.training and count == 1:
            raise ShapeError(
                "S0101",
                f"{type(self).__name__} got shape {x.shape}: one value of each channel to train on",
                span=tracing.here(),
                hint="train on larger batches; `model.eval()` uses the running statistics",
            )

    def _known_statistics(self) -> tuple[Tensor, Tensor] | None:
        """The running statistics where they are used, which is in evaluation."""
        if self.training or self.running_mean is None or self.running_var is None:
            return None
        return self.running_mean, self.running_var

    def _follow(self, mean: Tensor, variance: Tensor, count: int) -> None:
        """While training, let the running statistics, if there are any, follow the batch's."""
        if not self.training or self.running_mean is None:
            return
        assert self.running_var is not None
        mean, variance = stop_gradient((mean, variance * (count / max(count - 1, 1))))
        share = self._share()
        old_mean, old_var = self.running_mean, self.running_var
        self.running_mean = ops.astype(old_mean + share * (mean - old_mean), old_mean.dtype)
        self.running_var = ops.astype(old_var + share * (variance - old_var), old_var.dtype)

    def _share(self) -> Tensor | float:
        """How much of a batch's statistics goes into the running ones; counts the batch."""
        assert self.num_batches_tracked is not None
        self.num_batches_tracked = self.num_batches_tracked + 1
        return 1.0 / self.num_batches_tracked if self.momentum is None else self.momentum

    def extra_repr(self) -> str:
        """The constructor's arguments."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, "
            f"affine={self.weight is not None}, "
            f"track_running_stats={self.running_mean is not None}"
        )


class BatchNorm2d(BatchNorm1d):
    """`BatchNorm1d` for images."""


class BatchNorm3d(BatchNorm1d):
    """`BatchNorm1d` for volumes."""


class SyncBatchNorm(BatchNorm1d):
    """`BatchNorm1d` of all batches along a named axis of `vmap` or `pmap` together.

    PyTorch's `process_group` is the axis' name here. Without one it is `BatchNorm1d`, and so it is
    in evaluation, where nothing is exchanged.

    >>> import slopec as sp
    >>> norm = sp.nn.SyncBatchNorm(1, process_group="devices")
    >>> parts = sp.tensor([[[1.0]], [[3.0]]])
    >>> each = sp.vmap(lambda norm, x: norm(x), in_axes=(None, 0), axis_name="devices")
    >>> print(each(norm, parts).round(decimals=3).reshape(2))
    tensor([-1.  1.], float32[2], cpu)
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        process_group: str | None = None,
        bias: bool = True,
        *,
        dtype: Any = dtypes.float32,
    ) -> None:
        """Scale 1, shift 0, running mean 0 and variance 1; `process_group` names the axis."""
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, bias, dtype=dtype
        )
        self.process_group = process_group

    @classmethod
    def convert_sync_batchnorm(cls, module: Module, process_group: str | None = None) -> Module:
        """Make every batch norm here and below one of all batches along the axis `process_group`.

        Parameters, statistics and hooks stay. Returns the module, or what takes its place where it
        is a batch norm itself.

        >>> from slopec import nn
        >>> model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
        >>> model = nn.SyncBatchNorm.convert_sync_batchnorm(model, "devices")
        >>> print(model[1])
        SyncBatchNorm(3, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)
        """
        if type(module) in (BatchNorm1d, BatchNorm2d, BatchNorm3d):
            converted = cls.__new__(cls)
            vars(converted).update(vars(module))
            converted.process_group = process_group
            return converted

        def below(child: Any) -> Any:
            if not isinstance(child, Module):
                return child
            return cls.convert_sync_batchnorm(child, process_group)

        module.replace_children(below)
        return module

    def _members(self) -> int:
        return 1 if self.process_group is None else axis_size(self.process_group)

    def _gathered(self, mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
        if self.process_group is None:
            return mean, variance
        common = pmean(mean, self.process_group)
        return common, pmean(variance + ops.square(mean - common), self.process_group)


class InstanceNorm1d(BatchNorm1d):
    """Each channel of each example normalised (Ulyanov et al., 2016); not scaled by default.

    With `track_running_stats`, evaluation uses the average of the statistics seen in training. A
    single example may come without a batch dimension.

    >>> import slopec as sp
    >>> sp.nn.InstanceNorm2d(3)(sp.ones((2, 3, 4, 4))).shape
    (2, 3, 4, 4)
    """

    spatial: ClassVar[int] = 1

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        bias: bool = True,
        *,
        dtype: Any = dtypes.float32,
    ) -> None:
        """Scale 1 and shift 0, if any."""
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, bias, dtype=dtype
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, …) or (C, …) to the same shape.

        Raises ShapeError for another number of channels, or one value of each to train on.
        """
        if x.ndim == self.spatial + 1:
            return ops.squeeze(self(ops.expand_dims(x, 0)), 0)
        self._check(x)
        known = self._known_statistics()
        if known is not None:
            return functional.batch_norm(x, *known, self.weight, self.bias, eps=self.eps)
        self._check_count(x, math.prod(x.shape[2:]))
        if self.running_mean is not None:
            axes = list(range(2, x.ndim))
            statistics = functional.moments(_wide(x), axes)
            mean, variance = (ops.mean(ops.squeeze(m, axes), axis=0) for m in statistics)
            self._follow(mean, variance, math.prod(x.shape[2:]))
        return functional.group_norm(x, x.shape[1], self.weight, self.bias, self.eps)

    def _share(self) -> Tensor | float:
        """As in PyTorch, which counts no batches here: without momentum nothing follows."""
        return self.momentum or 0.0


class InstanceNorm2d(InstanceNorm1d):
    """`InstanceNorm1d` for images."""

    spatial = 2


class InstanceNorm3d(InstanceNorm1d):
    """`InstanceNorm1d` for volumes."""

    spatial = 3
