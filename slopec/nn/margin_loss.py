"""Losses by margins between classes, and by distances of your own, as modules."""

from collections.abc import Callable

from slopec.nn import functional
from slopec.nn.functional import Reduction
from slopec.nn.module import Module
from slopec.tensor import Tensor


class MultiMarginLoss(Module):
    """`functional.multi_margin_loss`.

    >>> import slopec as sp
    >>> print(sp.nn.MultiMarginLoss()(sp.tensor([[0.5, 1.0]]), sp.tensor([1])))
    tensor(0.25, float32[], cpu)
    """

    def __init__(
        self,
        p: int = 1,
        margin: float = 1.0,
        weight: Tensor | None = None,
        *,
        reduction: Reduction = "mean",
    ) -> None:
        """Class weights are a buffer."""
        self.p, self.margin, self.reduction = p, margin, reduction
        self.register_buffer("weight", weight)

    weight: Tensor | None

    def forward(self, x: Tensor, target: Tensor) -> Tensor:
        """The loss of scores (N, C) and labels (N)."""
        return functional.multi_margin_loss(
            x, target, self.p, self.margin, self.weight, reduction=self.reduction
        )


class MultiLabelMarginLoss(Module):
    """`functional.multilabel_margin_loss`."""

    def __init__(self, *, reduction: Reduction = "mean") -> None:
        """Remember the arguments."""
        self.reduction = reduction

    def forward(self, x: Tensor, target: Tensor) -> Tensor:
        """The loss of scores (N, C) and rows of labels, which end before a −1."""
        return functional.multilabel_margin_loss(x, target, reduction=self.reduction)


class MultiLabelSoftMarginLoss(Module):
    """`functional.multilabel_soft_margin_loss`."""

    def __init__(self, weight: Tensor | None = None, *, reduction: Reduction = "mean") -> None:
        """Class weights are a buffer."""
        self.reduction = reduction
        self.register_buffer("weight", weight)

    weight: Tensor | None

    def forward(self, x: Tensor, target: Tensor) -> Tensor:
        """The loss of logits (N, C) and targets of 0 and 1."""
        return functional.multilabel_soft_margin_loss(
            x, target, self.weight, reduction=self.reduction
        )


class TripletMarginWithDistanceLoss(Module):
    """`functional.triplet_margin_with_distance_loss`."""

    def __init__(
        self,
        *,
        distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: Reduction = "mean",
    ) -> None:
        """Remember the arguments."""
        self.distance_function = distance_function
        self.margin, self.swap, self.reduction = margin, swap, reduction

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        """The loss of two that belong together and one that does not."""
        return functional.triplet_margin_with_distance_loss(
            anchor,
            positive,
            negative,
            distance_function=self.distance_function,
            margin=self.margin,
            swap=self.swap,
            reduction=self.reduction,
        )
