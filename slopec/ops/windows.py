"""Sliding windows made visible: unfold (im2col) and its transpose fold (col2im)."""

import itertools
from collections.abc import Sequence

from slopec import hlo, tracing
from slopec.diagnostics import ShapeError
from slopec.ops.common import ArrayLike, as_tensor, axis_of, bad_argument, per_dimension
from slopec.ops.manipulation import moveaxis
from slopec.tensor import Tensor

__all__ = ["fold", "sliding_window_view", "unfold"]

Sizes = int | Sequence[int]


def sliding_window_view(
    x: ArrayLike, window_shape: Sizes, /, axis: int | Sequence[int] | None = None
) -> Tensor:
    """Every window of `window_shape` in `x`: positions first, the windows in new last dimensions.

    `axis` says which dimensions the window lies in, all by default. Unlike NumPy's view this is a
    tensor of its own. Raises ShapeError when a window does not fit.

    >>> import slopec as sp
    >>> print(sp.sliding_window_view(sp.arange(4), 2))
    tensor([[0 1]
            [1 2]
            [2 3]], int32[3, 2], cpu)
    """
    x = as_tensor("sliding_window_view", x)
    window = (window_shape,) if isinstance(window_shape, int) else tuple(window_shape)
    given = range(x.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
    axes = [axis_of("sliding_window_view", a, x.ndim) for a in given]
    if len(axes) != len(window):
        raise bad_argument(
            f"sliding_window_view: window {window} for the {len(axes)} dimensions {tuple(axes)}"
        )
    for place, size in zip(axes, window, strict=True):
        x = windows_along(x, place, size)
    return x


def windows_along(x: Tensor, axis: int, size: int, step: int = 1, dilation: int = 1) -> Tensor:
    """The windows of `size` along `axis`, whose elements lie in a new last dimension.

    One strided slice per element of the window, joined.
    """
    span = (size - 1) * dilation + 1
    if not 0 < span <= x.shape[axis]:
        raise ShapeError(
            "S0101",
            f"a window of {span} does not fit dimension {axis} of shape {x.shape}",
            span=tracing.here(),
        )
    count = (x.shape[axis] - span) // step + 1
    low, high, steps = [0] * x.ndim, list(x.shape), [1] * x.ndim
    steps[axis] = step
    pieces = []
    for offset in range(0, span, dilation):
        low[axis], high[axis] = offset, offset + (count - 1) * step + 1
        piece = hlo.slice_(x, low, high, steps)
        pieces.append(hlo.reshape(piece, (*piece.shape, 1)))
    return hlo.concatenate(pieces, x.ndim)


def unfold(
    x: ArrayLike,
    kernel_size: Sizes,
    dilation: Sizes = 1,
    padding: Sizes = 0,
    stride: Sizes = 1,
) -> Tensor:
    """The windows of images (N, C, H, W) as columns: (N, C KH KW, number of windows).

    N may be missing on both sides. PyTorch's `unfold`, also known as im2col. Raises ShapeError when
    a window does not fit.

    >>> import slopec as sp
    >>> sp.unfold(sp.ones((1, 3, 4, 4)), 2, stride=2).shape
    (1, 12, 4)
    """
    x = as_tensor("unfold", x)
    if x.ndim == 3:
        single = hlo.reshape(x, (1, *x.shape))
        found = unfold(single, kernel_size, dilation, padding, stride)
        return hlo.reshape(found, found.shape[1:])
    if x.ndim != 4:
        raise ShapeError(
            "S0101", f"unfold: expected (N, C, H, W), got shape {x.shape}", span=tracing.here()
        )
    window, dilations, pads, steps = (
        per_dimension("unfold", what, value, 2)
        for what, value in (
            ("kernel_size", kernel_size),
            ("dilation", dilation),
            ("padding", padding),
            ("stride", stride),
        )
    )
    x = hlo.pad(x, hlo.full((), 0, x.dtype), (0, 0, *pads), (0, 0, *pads))
    for i in range(2):
        x = windows_along(x, 2 + i, window[i], steps[i], dilations[i])
    n, c, rows, columns = x.shape[:4]
    x = moveaxis(x, (4, 5), (2, 3))
    return hlo.reshape(x, (n, c * window[0] * window[1], rows * columns))


def fold(
    x: ArrayLike,
    output_size: Sizes,
    kernel_size: Sizes,
    dilation: Sizes = 1,
    padding: Sizes = 0,
    stride: Sizes = 1,
) -> Tensor:
    """Columns (N, C KH KW, windows) added up into images (N, C, *output_size).

    The transpose of `unfold`, also known as col2im: where windows overlap, elements are summed. N
    may be missing on both sides.
    Raises ShapeError when the number of windows does not fit.

    >>> import slopec as sp
    >>> print(sp.fold(sp.ones((1, 4, 1)), 2, 2))
    tensor([[[[1. 1.]
              [1. 1.]]]], float32[1, 1, 2, 2], cpu)
    """
    x = as_tensor("fold", x)
    if x.ndim == 2:
        single = hlo.reshape(x, (1, *x.shape))
        image = fold(single, output_size, kernel_size, dilation, padding, stride)
        return hlo.reshape(image, image.shape[1:])
    size, window, dilations, pads, steps = (
        per_dimension("fold", what, value, 2)
        for what, value in (
            ("output_size", output_size),
            ("kernel_size", kernel_size),
            ("dilation", dilation),
            ("padding", padding),
            ("stride", stride),
        )
    )
    padded = [s + 2 * p for s, p in zip(size, pads, strict=True)]
    spans = [d * (w - 1) + 1 for d, w in zip(dilations, window, strict=True)]
    counts = [(n - span) // s + 1 for n, span, s in zip(padded, spans, steps, strict=True)]
    elements = window[0] * window[1]
    if x.ndim != 3 or x.shape[1] % elements or x.shape[2] != counts[0] * counts[1]:
        raise ShapeError(
            "S0101",
            f"fold: shape {x.shape} is not (N, C · {elements}, {counts[0] * counts[1]})",
            span=tracing.here(),
        )
    n, c = x.shape[0], x.shape[1] // elements
    columns = hlo.reshape(x, (n, c, *window, *counts))
    zero = hlo.full((), 0, x.dtype)
    total: Tensor | None = None
    for i, j in itertools.product(range(window[0]), range(window[1])):
        piece = hlo.slice_(columns, (0, 0, i, j, 0, 0), (n, c, i + 1, j + 1, *counts))
        start = (i * dilations[0], j * dilations[1])
        ends = [padded[k] - start[k] - (counts[k] - 1) * steps[k] - 1 for k in range(2)]
        gaps = (0, 0, *(s - 1 for s in steps))
        placed = hlo.pad(
            hlo.reshape(piece, (n, c, *counts)), zero, (0, 0, *start), (0, 0, *ends), gaps
        )
        total = placed if total is None else hlo.add(total, placed)
    assert total is not None
    margins = [(p, p + s) for p, s in zip(pads, size, strict=True)]
    return hlo.slice_(total, (0, 0, *(a for a, _ in margins)), (n, c, *(b for _, b in margins)))
