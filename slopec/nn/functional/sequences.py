"""The loss of a sequence whose alignment with its labels is unknown."""

from typing import Any

from slopec import dtypes, ops, tracing
from slopec.diagnostics import ShapeError
from slopec.nn.functional.losses import Reduction, reduce_loss
from slopec.tensor import Tensor
from slopec.transforms import scan, stop_gradient

__all__ = ["ctc_loss"]

_NEVER = -1e30
"""The logarithm of a probability of 0: finite, so that differences and derivatives stay so."""


def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    *,
    reduction: Reduction = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """−log of the probability of all ways to spell the targets with blanks and repetitions.

    `log_probs` (T, N, C) are log-probabilities of classes at every step, `targets` (N, S) labels
    padded to one length, or one after the other in a vector; lengths (N) say how much of each
    counts. One sequence may be (T, C) and (S,). "mean" divides every loss by its target's length
    first. Targets longer than their input cost infinity, or nothing with `zero_infinity`. (Graves
    et al., *Connectionist temporal classification*, 2006.)

    Raises ShapeError for other ranks or batch sizes.

    >>> import slopec as sp
    >>> x = sp.nn.functional.log_softmax(sp.zeros((4, 1, 3)), -1)
    >>> print(f"{ctc_loss(x, sp.tensor([[1, 2]]), sp.tensor([4]), sp.tensor([2])):.4f}")
    0.8432
    """
    if log_probs.ndim == 2 and targets.ndim == 1:
        found = ctc_loss(
            ops.expand_dims(log_probs, 1),
            ops.expand_dims(targets, 0),
            ops.reshape(input_lengths, (1,)),
            ops.reshape(target_lengths, (1,)),
            blank,
            reduction=reduction,
            zero_infinity=zero_infinity,
        )
        return ops.reshape(found, ())
    if targets.ndim == 1:
        targets = _padded(targets, target_lengths)
    if log_probs.ndim != 3 or targets.ndim != 2 or targets.shape[0] != log_probs.shape[1]:
        raise ShapeError(
            "S0101",
            f"ctc_loss: log_probs of shape {log_probs.shape} and targets of shape "
            f"{targets.shape}, expected (T, N, C) and (N, S)",
            span=tracing.here(),
        )
    steps, batch, _ = log_probs.shape
    size = 2 * targets.shape[1] + 1
    times, lengths = (ops.asarray(n) for n in (input_lengths, target_lengths))
    labels = _with_blanks(targets, blank)
    places = ops.arange(size)
    # A blank may be skipped between two different labels.
    before = ops.concat([ops.full((batch, 2), blank, dtype=labels.dtype), labels[:, :-2]], axis=1)
    skips = ops.logical_and(labels != blank, labels != before)
    spread = ops.broadcast_to(ops.expand_dims(labels, 0), (steps, batch, size))
    emitted = ops.take_along_axis(log_probs, spread, axis=2)
    inside = ops.expand_dims(places, 0) <= ops.expand_dims(2 * lengths, 1)
    start = ops.where(ops.logical_and(places < 2, inside), emitted[0], _NEVER)

    def step(alpha: Tensor, given: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        t, emission = given
        one, two = (_moved(alpha, by) for by in (1, 2))
        total = _log_sum([alpha, one, ops.where(skips, two, _NEVER)]) + emission
        going = ops.expand_dims(t < times, 1)
        alpha = ops.where(going, ops.where(inside, total, _NEVER), alpha)
        return alpha, ops.zeros(())

    alpha, _ = scan(step, start, (ops.arange(1, steps), emitted[1:]))
    ends = [_at(alpha, places, 2 * lengths), _at(alpha, places, 2 * lengths - 1)]
    values = -_log_sum(ends)
    values = ops.where(values > -0.1 * _NEVER, 0.0 if zero_infinity else float("inf"), values)
    if reduction == "mean":
        values = values / ops.astype(ops.maximum(lengths, 1), values.dtype)
    return reduce_loss(values, reduction)


def _padded(targets: Tensor, lengths: Any) -> Tensor:
    """Labels one after the other as rows of one length: the longest, as far as it is known."""
    known = not isinstance(lengths, Tensor)
    width = int(max(lengths, default=0)) if known else targets.shape[0]
    counts = ops.asarray(lengths)
    starts = ops.expand_dims(ops.cumsum(counts) - counts, 1)
    return ops.take(targets, starts + ops.arange(width))


def _with_blanks(targets: Tensor, blank: int) -> Tensor:
    """Labels (N, S) with blanks before, between and after: (N, 2S + 1)."""
    n, s = targets.shape
    labels = ops.astype(targets, dtypes.int32)
    pairs = ops.stack([ops.full_like(labels, blank), labels], axis=2)
    last = ops.full((n, 1), blank, dtype=labels.dtype)
    return ops.concat([ops.reshape(pairs, (n, 2 * s)), last], axis=1)


def _moved(alpha: Tensor, by: int) -> Tensor:
    """The values `by` places before."""
    never = ops.full((alpha.shape[0], by), _NEVER, dtype=alpha.dtype)
    return ops.concat([never, alpha[:, : alpha.shape[1] - by]], axis=1)


def _at(alpha: Tensor, places: Tensor, wanted: Tensor) -> Tensor:
    """The value of each row at its place, 0 of probability for a place before the first."""
    chosen = ops.expand_dims(places, 0) == ops.expand_dims(wanted, 1)
    return ops.max(ops.where(chosen, alpha, _NEVER), axis=1)


def _log_sum(parts: list[Tensor]) -> Tensor:
    """log Σ eˣ of tensors of one shape."""
    largest = parts[0]
    for part in parts[1:]:
        largest = ops.maximum(largest, part)
    top: Tensor = stop_gradient(largest)
    total = ops.exp(parts[0] - top)
    for part in parts[1:]:
        total = total + ops.exp(part - top)
    return ops.log(total) + top
