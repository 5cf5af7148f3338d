"""Margins given from the last dimension backwards, as PyTorch gives them."""

from collections.abc import Sequence
from typing import Literal

from slopec import ops, tracing
from slopec.diagnostics import ShapeError, UsageError, did_you_mean
from slopec.tensor import Scalar, Tensor

__all__ = ["PadMode", "pad"]

PadMode = Literal["constant", "reflect", "replicate", "circular"]

_MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def pad(
    x: Tensor, pad: Sequence[int], mode: PadMode = "constant", value: Scalar | None = None
) -> Tensor:
    """`x` with margins: `pad` holds (before, after) of the last dimension, then of the one before.

    Negative margins cut. Modes: "constant" (of `value`), "reflect" (mirrored at the edge),
    "replicate" (the edge itself), "circular" (from the other end). See `sp.pad` for NumPy's order.

    Raises ShapeError for margins of more dimensions than `x` has, UsageError for an unknown mode.

    >>> import slopec as sp
    >>> print(pad(sp.ones((1, 2)), (1, 0, 0, 1)))
    tensor([[0. 1. 1.]
            [0. 0. 0.]], float32[2, 3], cpu)
    """
    if mode not in _MODES:
        raise UsageError(
            "S0106",
            f"pad: unknown mode {mode!r}; known are {', '.join(_MODES)}",
            span=tracing.here(),
            hint=did_you_mean(str(mode), list(_MODES)),
        )
    margins = [int(n) for n in pad]
    if len(margins) % 2 or len(margins) > 2 * x.ndim:
        raise ShapeError(
            "S0101",
            f"pad: {len(margins)} margins for an input of shape {x.shape}",
            span=tracing.here(),
            hint="give (before, after) for the last dimension, then for the one before it …",
        )
    pairs = list(zip(margins[::2], margins[1::2], strict=True))[::-1]
    widths = [*[(0, 0)] * (x.ndim - len(pairs)), *pairs]
    if mode == "constant":
        return ops.pad(x, widths, mode="constant", constant_values=value or 0)
    # What is cut is cut first, and what is left is mirrored or repeated.
    cut = [(max(-before, 0), max(-after, 0)) for before, after in widths]
    kept = x[tuple(slice(a, n - b) for (a, b), n in zip(cut, x.shape, strict=True))]
    return ops.pad(kept, [(max(a, 0), max(b, 0)) for a, b in widths], mode=_MODES[mode])
