"""Margins: `pad` in NumPy's modes.

Every mode but "constant" is a list of the places that elements are taken from. Its ascending,
descending and constant runs are slices, reversed slices and broadcasts, joined.
"""

from typing import Any

import numpy as np

from slopec import hlo, tracing
from slopec.diagnostics import ShapeError
from slopec.ops.common import ArrayLike, as_tensor, bad_argument, splat
from slopec.ops.manipulation import part
from slopec.tensor import Scalar, Tensor

__all__ = ["pad"]

_MODES = ("constant", "edge", "reflect", "symmetric", "wrap")


def pad(
    x: ArrayLike, pad_width: Any, /, mode: str = "constant", *, constant_values: Scalar = 0
) -> Tensor:
    """`x` with elements added before and after along each dimension, as `numpy.pad` does.

    `pad_width` is an int, a (before, after) pair, or a pair per dimension. Modes: "constant"
    (negative widths cut), "edge" (the last element), "reflect" (mirrored at it), "symmetric"
    (mirrored behind it), "wrap" (from the other end).

    Raises UsageError for an unknown mode, ShapeError where there is nothing to repeat.

    >>> import slopec as sp
    >>> print(sp.pad(sp.tensor([1, 2, 3]), (1, 2), mode="reflect"))
    tensor([2 1 2 3 2 1], int32[6], cpu)
    """
    x = as_tensor("pad", x)
    widths = _widths(pad_width, x.ndim)
    if mode == "constant":
        low, high = [w[0] for w in widths], [w[1] for w in widths]
        return hlo.pad(x, splat("pad", constant_values, (), x.dtype), low, high)
    if mode not in _MODES:
        raise bad_argument(f"pad: unknown mode {mode!r}; known are {', '.join(_MODES)}")
    if min((n for pair in widths for n in pair), default=0) < 0:
        raise bad_argument(f"pad: mode {mode!r} takes no negative width")
    for axis, width in enumerate(widths):
        if width == (0, 0):
            continue
        if not x.shape[axis]:
            raise ShapeError(
                "S0101", f"pad: axis {axis} of {x.shape} has nothing to repeat", span=tracing.here()
            )
        places = np.pad(np.arange(x.shape[axis]), width, mode=mode)  # type: ignore[call-overload]
        x = _taken(x, axis, places)
    return x


def _widths(pad_width: Any, rank: int) -> list[tuple[int, int]]:
    if isinstance(pad_width, int):
        return [(pad_width, pad_width)] * rank
    given = list(pad_width)
    single = bool(given) and all(isinstance(w, int) for w in given)
    pairs = [tuple(given)] if single else [tuple(w) for w in given]
    pairs = [p * 2 if len(p) == 1 else p for p in pairs]
    pairs = pairs * rank if len(pairs) == 1 else pairs
    if len(pairs) != rank or any(len(p) != 2 for p in pairs):
        raise bad_argument(
            f"pad: widths {pad_width} for {rank} dimensions",
            "give an int, a (before, after) pair, or a pair per dimension",
        )
    return [(int(a), int(b)) for a, b in pairs]


def _taken(x: Tensor, axis: int, places: np.ndarray) -> Tensor:
    """The elements of `x` at `places` along `axis`."""
    return hlo.concatenate([_run(x, axis, run) for run in _runs(places)], axis)


def _runs(places: np.ndarray) -> list[np.ndarray]:
    """`places` cut into pieces, in each of which they rise by 1, fall by 1 or stay."""
    steps = np.diff(places)
    runs, start = [], 0
    while start < len(places):
        stop = start + 1
        step = steps[start] if stop < len(places) else 0
        while abs(step) <= 1 and stop < len(places) and steps[stop - 1] == step:
            stop += 1
        runs.append(places[start:stop])
        start = stop
    return runs


def _run(x: Tensor, axis: int, places: np.ndarray) -> Tensor:
    low, high = int(places.min()), int(places.max()) + 1
    piece = part(x, axis, low, high)
    if high - low == 1:
        shape = [len(places) if d == axis else n for d, n in enumerate(x.shape)]
        return hlo.broadcast_in_dim(piece, shape, range(x.ndim))
    return piece if places[0] == low else hlo.reverse(piece, [axis])
