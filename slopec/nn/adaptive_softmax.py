"""Softmax over many classes, most of them rare: these in clusters of less capacity."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from slopec import dtypes, ops, tracing
from slopec.diagnostics import UsageError
from slopec.nn import functional
from slopec.nn.containers import ModuleList, Sequential
from slopec.nn.linear import Linear, keys
from slopec.nn.module import Module
from slopec.tensor import Tensor


class AdaptiveLoss(NamedTuple):
    """The log-probability of each target, and the mean negative one."""

    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    """Log-probabilities of `n_classes`, ordered from frequent to rare (Grave et al., 2017).

    `cutoffs` are where clusters begin: the first classes are the head's own, each later cluster is
    one more class of the head, and has a projection to in_features / div_value^i of its own.

    >>> import slopec as sp
    >>> model = sp.nn.AdaptiveLogSoftmaxWithLoss(8, 20, cutoffs=[5, 10])
    >>> output, loss = model(sp.ones((3, 8)), sp.tensor([0, 7, 19]))
    >>> output.shape, loss.shape, model.log_prob(sp.ones((3, 8))).shape
    ((3,), (), (3, 20))
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        *,
        dtype: Any = dtypes.float32,
        key: Any = None,
    ) -> None:
        """Raises UsageError unless the cutoffs rise and lie below the number of classes."""
        edges = [*cutoffs, n_classes]
        if not cutoffs or any(a >= b for a, b in zip([0, *edges], edges, strict=False)):
            raise UsageError(
                "S0106",
                f"AdaptiveLogSoftmaxWithLoss: cutoffs {list(cutoffs)} for {n_classes} classes",
                span=tracing.here(),
                hint="cutoffs rise from above 0 to below the number of classes",
            )
        self.cutoffs = edges
        first, *rest = keys(key, 1 + 2 * len(cutoffs))
        head = edges[0] + len(cutoffs)
        self.head = Linear(in_features, head, head_bias, dtype=dtype, key=first)
        tail = []
        for i, (low, high) in enumerate(pairwise(edges)):
            size = int(in_features // div_value ** (i + 1))
            down = Linear(in_features, size, False, dtype=dtype, key=rest[2 * i])
            up = Linear(size, high - low, False, dtype=dtype, key=rest[2 * i + 1])
            tail.append(Sequential(down, up))
        self.tail = ModuleList(tail)

    def log_prob(self, x: Tensor) -> Tensor:
        """The log-probabilities (N, n_classes) of all classes, for (N, in_features)."""
        head = functional.log_softmax(self.head(x), 1)
        own = self.cutoffs[0]
        parts = [head[:, :own]]
        for i, cluster in enumerate(self.tail):
            inside = functional.log_softmax(cluster(x), 1)
            parts.append(inside + head[:, own + i : own + i + 1])
        return ops.concat(parts, axis=1)

    def predict(self, x: Tensor) -> Tensor:
        """The likeliest class (N) of each row."""
        return ops.argmax(self.log_prob(x), axis=1)

    def forward(self, x: Tensor, target: Tensor) -> AdaptiveLoss:
        """The log-probabilities of labels (N) for (N, in_features), and the loss."""
        picked = ops.take_along_axis(self.log_prob(x), ops.expand_dims(target, 1), axis=1)
        output = ops.squeeze(picked, 1)
        return AdaptiveLoss(output, -ops.mean(output))
