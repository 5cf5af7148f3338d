"""How well predictions agree with what is so, in numbers that people compare."""

from typing import Literal

from slopec import ops, tracing
from slopec.diagnostics import ShapeError
from slopec.dtypes import float32, int32
from slopec.lazy.record import operation
from slopec.ops.common import bad_argument
from slopec.tensor import Axis, Tensor

__all__ = ["confusion_matrix", "dice", "f1_score"]

Average = Literal["macro", "micro", "none"]


@operation
def confusion_matrix(predicted: Tensor, target: Tensor, num_classes: int) -> Tensor:
    """How often each class (rows) was taken for each (columns): int32 (num_classes, num_classes).

    Labels of any shape, the same for both; those outside of the classes are left out.

    >>> import slopec as sp
    >>> print(confusion_matrix(sp.tensor([0, 1, 1]), sp.tensor([0, 0, 1]), 2))
    tensor([[1 1]
            [0 1]], int32[2, 2], cpu)
    """
    if predicted.shape != target.shape:
        raise ShapeError(
            "S0101",
            f"confusion_matrix: labels of shapes {predicted.shape} and {target.shape}",
            span=tracing.here(),
        )
    rows, columns = (
        ops.one_hot(ops.flatten(labels), num_classes, dtype=int32) for labels in (target, predicted)
    )
    return ops.matmul(ops.matrix_transpose(rows), columns)


@operation
def f1_score(
    predicted: Tensor, target: Tensor, num_classes: int, *, average: Average = "macro"
) -> Tensor:
    """2 TP / (2 TP + FP + FN) of labels: of each class, the mean of them, or of all at once.

    A class that neither occurs nor is predicted counts 0. `average` is "macro" for the mean,
    "micro", or "none".

    >>> import slopec as sp
    >>> print(f1_score(sp.tensor([0, 1, 1]), sp.tensor([0, 0, 1]), 2).numpy().round(3))
    0.667
    """
    if average not in ("macro", "micro", "none"):
        raise bad_argument(f"f1_score: average is 'macro', 'micro' or 'none', got {average!r}")
    counts = ops.astype(confusion_matrix(predicted, target, num_classes), float32)
    right = ops.diagonal(counts)
    said = ops.sum(counts, axis=0) + ops.sum(counts, axis=1)
    if average == "micro":
        right, said = ops.sum(right), ops.sum(said)
    scores = 2 * right / ops.maximum(said, 1)
    return ops.mean(scores) if average == "macro" else scores


@operation
def dice(x: Tensor, target: Tensor, *, axis: Axis = None, eps: float = 1e-8) -> Tensor:
    """2 Σ x·t / (Σ x + Σ t) over `axis`, for masks or probabilities; 1 - dice is a loss.

    >>> import slopec as sp
    >>> print(dice(sp.tensor([1.0, 1.0, 0.0]), sp.tensor([1.0, 0.0, 0.0])).numpy().round(3))
    0.667
    """
    both = ops.sum(x * target, axis=axis)
    return (2 * both + eps) / (ops.sum(x, axis=axis) + ops.sum(target, axis=axis) + eps)
