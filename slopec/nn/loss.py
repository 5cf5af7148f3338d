"""Losses as modules; the formulas are in `nn.functional`."""

from typing import Any, Literal

from slopec.nn import functional
from slopec.nn.functional import Reduction
from slopec.nn.module import Module
from slopec.tensor import Tensor


class MSELoss(Module):
    """`functional.mse_loss`."""

    def __init__(
        self,
        *,
        reduction: Reduction = "mean",
    ) -> None:
        """Remember the arguments."""
        self.reduction = reduction

    def forward(self, x: Tensor, target: Tensor) -> Tensor:
        """The loss of a prediction and a target of one shape."""
        return functional.mse_loss(x, target, reduction=self.reduction)


class L1Loss(Module):
    """`functional.l1_loss`."""

    def __init__(
        self,
        *,
        reduction: Reduction = "mean",
    ) -> None:
        """Remember the arguments."""
        self.reduction = reduction

    def forward(self, x: Tensor, target: Tensor) -> Tensor:
        """The loss of a prediction and a target of one shape."""
        return functional.l1_loss(x, target, reduction=self.reduction)


class SmoothL1Loss(Module):
    """`functional.smooth_l1_loss`."""

    def __init__(
        self,
        *,
        reduction: Reduction = "mean",
        beta: float = 1.0,
    ) -> None:
        """Remember the arguments."""
        self.reduction, self.beta = reduction, beta

    def forward(self, x: Tensor, target: Tensor) -> Tensor:
        """The loss of a prediction and a target of one shape."""
        return functional.smooth_l1_loss(x, target, reduction=self.reduction, beta=self.beta)


class HuberLoss(Module):
    """`functional.huber_loss`."""

    def __init__(
        self,
        reduction: Reduction = "mean",
        delta: float = 1.0,
    ) -> None:
        """Remember the arguments."""
        self.reduction, self.delta = reduction, delta

    def forward(self, x: Tensor, target: Tensor) -> Tensor:
        """The loss of a prediction and a target of one shape."""
        return functional.huber_loss(x, target, reduction=self.reduction, delta=self.delta)


class KLDivLoss(Module):
    """`functional.kl_div`."""

    def __init__(
        self,
        *,
        reduction: Literal["mean", "sum", "none", "batchmean"] = "mean",
        log_target: bool = False,
    ) -> None:
        """Remember the arguments."""
        self.reduction, self.log_target = reduction, log_target

    def forward(self, x: Tensor, target: Tensor) -> Tensor:
        """The loss of a prediction and a target of one shape."""
        return functional.kl_div(x, target, reduction=self.reduction, log_target=self.log_target)


class PoissonNLLLoss(Module):
    """`functional.poisson_nll_loss`."""

    def __init__(
        self,
        *,
        reduction: Reduction = "mean",
        log_input: bool = True,
        full: bool = False,
        eps: float = 1e-8,
    ) -> None:
        """Remember the arguments."""
        self.reduction, self.log_input, self.full, self.eps = reduction, log_input, full, eps

    def forward(self, x: Tensor, target: Tensor) -> Tensor:
        """The loss of a prediction and a target of one shape."""
        return functional.poisson_nll_loss(
            x,
            target,
            reduction=self.reduction,
            log_input=self.log_input,
            full=self.full,
            eps=self.eps,
        )


class SoftMarginLoss(Module):
    """`functional.soft_margin_loss`."""

    def __init__(
        self,
        *,
        reduction: Reduction = "mean",
    ) -> None:
        """Remember the arguments."""
        self.reduction = reduction

    def forward(self, x: Tensor, target: Tensor) -> Tensor:
        """The loss of a prediction and a target of one shape."""
        return functional.soft_margin_loss(x, target, reduction=self.reduction)


class HingeEmbeddingLoss(Module):
    """`functional.hinge_embedding_loss`."""

    def __init__(
        self,
        *,
        reduction: Reduction = "mean",
        margin: float = 1.0,
    ) -> None:
        """Remember the arguments."""
        self.reduction, self.margin = reduction, margin

    def forward(self, x: Tensor, target: Tensor) -> Tensor:
        """The loss of a prediction and a target of one shape."""
        return functional.hinge_embedding_loss(
            x, target, reduction=self.reduction, margin=self.margin
        )


class CrossEntropyLoss(Module):
    """`functional.cross_entropy` of logits with labels or probabilities.

    >>> import slopec as sp
    >>> loss = sp.nn.CrossEntropyLoss(label_smoothing=0.1)
    >>> loss(sp.zeros((4, 3)), sp.tensor([0, 1, 2, 0])).shape
    ()
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        *,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
        label_smoothing: float = 0.0,
        dim: int | None = None,
    ) -> None:
        """Class weights are a buffer."""
        self.ignore_index, self.reduction = ignore_index, reduction
        self.label_smoothing, self.dim = label_smoothing, dim
        self.register_buffer("weight", weight)

    weight: Tensor | None

    def forward(self, x: Tensor, target: Tensor) -> Tensor:
        """The loss of logits (N, C, …) and labels (N, …) or probabilities (N, C, …)."""
        return functional.cross_entropy(
            x,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
            dim=self.dim,
        )


class NLLLoss(Module):
    """`functional.nll_loss` of log-probabilities with labels."""

    def __init__(
        self,
        weight: Tensor | None = None,
        *,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
        dim: int | None = None,
    ) -> None:
        """Class weights are a buffer."""
        self.ignore_index, self.reduction, self.dim = ignore_index, reduction, dim
        self.register_buffer("weight", weight)

    weight: Tensor | None

    def forward(self, x: Tensor, target: Tensor) -> Tensor:
        """The loss of log-probabilities (N, C, …) and labels (N, …)."""
        return functional.nll_loss(
            x,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            dim=self.dim,
        )


class BCELoss(Module):
    """`functional.binary_cross_entropy` of probabilities."""

    def __init__(self, weight: Tensor | None = None, *, reduction: Reduction = "mean") -> None:
        """Weights are a buffer."""
        self.reduction = reduction
        self.register_buffer("weight", weight)

    weight: Tensor | None

    def forward(self, x: Tensor, target: Tensor) -> Tensor:
        """The loss of probabilities and targets of one shape."""
        return functional.binary_cross_entropy(x, target, self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(Module):
    """`functional.binary_cross_entropy_with_logits`."""

    def __init__(
        self,
        weight: Tensor | None = None,
        *,
        reduction: Reduction = "mean",
        pos_weight: Tensor | None = None,
    ) -> None:
        """Weights are buffers."""
        self.reduction = reduction
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)

    weight: Tensor | None
    pos_weight: Tensor | None

    def forward(self, x: Tensor, target: Tensor) -> Tensor:
        """The loss of logits and targets of one shape."""
        return functional.binary_cross_entropy_with_logits(
            x, target, self.weight, self.pos_weight, reduction=self.reduction
        )


class GaussianNLLLoss(Module):
    """`functional.gaussian_nll_loss`."""

    def __init__(
        self, *, full: bool = False, eps: float = 1e-6, reduction: Reduction = "mean"
    ) -> None:
        """Remember the arguments."""
        self.full, self.eps, self.reduction = full, eps, reduction

    def forward(self, x: Tensor, target: Tensor, var: Tensor) -> Tensor:
        """The loss of a predicted mean and variance, and a target."""
        return functional.gaussian_nll_loss(
            x, target, var, self.full, self.eps, reduction=self.reduction
        )


class CosineEmbeddingLoss(Module):
    """`functional.cosine_embedding_loss`."""

    def __init__(self, margin: float = 0.0, *, reduction: Reduction = "mean") -> None:
        """Remember the arguments."""
        self.margin, self.reduction = margin, reduction

    def forward(self, x1: Tensor, x2: Tensor, target: Tensor) -> Tensor:
        """The loss of vectors (N, D) that belong together (1) or do not (−1)."""
        return functional.cosine_embedding_loss(
            x1, x2, target, self.margin, reduction=self.reduction
        )


class MarginRankingLoss(Module):
    """`functional.margin_ranking_loss`."""

    def __init__(self, margin: float = 0.0, *, reduction: Reduction = "mean") -> None:
        """Remember the arguments."""
        self.margin, self.reduction = margin, reduction

    def forward(self, x1: Tensor, x2: Tensor, target: Tensor) -> Tensor:
        """The loss of two scores and which should be larger (1, −1)."""
        return functional.margin_ranking_loss(x1, x2, target, self.margin, reduction=self.reduction)


class TripletMarginLoss(Module):
    """`functional.triplet_margin_loss`."""

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        *,
        reduction: Reduction = "mean",
    ) -> None:
        """Remember the arguments."""
        self.margin, self.p, self.eps, self.reduction = margin, p, eps, reduction
        self.swap = swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        """The loss of vectors (N, D): two that belong together, one that does not."""
        return functional.triplet_margin_loss(
            anchor,
            positive,
            negative,
            self.margin,
            self.p,
            self.eps,
            self.swap,
            reduction=self.reduction,
        )


class CTCLoss(Module):
    """`functional.ctc_loss`."""

    def __init__(
        self, blank: int = 0, reduction: Reduction = "mean", zero_infinity: bool = False
    ) -> None:
        """Remember the arguments."""
        self.blank, self.reduction, self.zero_infinity = blank, reduction, zero_infinity

    def forward(
        self, log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any
    ) -> Tensor:
        """The loss of log-probabilities (T, N, C) and labels (N, S) of the given lengths (N)."""
        return functional.ctc_loss(
            log_probs,
            targets,
            input_lengths,
            target_lengths,
            self.blank,
            reduction=self.reduction,
            zero_infinity=self.zero_infinity,
        )
