"""Folds by any associative body, written as elementwise steps on ever fewer or ever larger pieces.

The body runs on whole arrays, one lane per element, so what is written here is differentiated like
any other code. All functions take several tensors of one shape, folded together.
"""

from collections.abc import Sequence

from slopec import hlo, ir
from slopec.tensor import Tensor
from slopec.transforms.body import COMMUTATIVE, binary_kind, lanes


def _part(x: Tensor, axis: int, start: int, limit: int, step: int = 1) -> Tensor:
    """Every `step`-th element from `start` below `limit` along `axis`."""
    low = [start if d == axis else 0 for d in range(x.ndim)]
    high = [limit if d == axis else n for d, n in enumerate(x.shape)]
    return hlo.slice_(x, low, high, [step if d == axis else 1 for d in range(x.ndim)])


def _parts(xs: Sequence[Tensor], axis: int, start: int, limit: int, step: int = 1) -> list[Tensor]:
    return [_part(x, axis, start, limit, step) for x in xs]


def _joined(xs: Sequence[Tensor], ys: Sequence[Tensor], axis: int) -> list[Tensor]:
    return [hlo.concatenate(pair, axis) for pair in zip(xs, ys, strict=True)]


def whole(block: ir.Block, xs: Sequence[Tensor], axis: int) -> list[Tensor]:
    """The fold of all elements along `axis`, which becomes 1; there is at least one element.

    Neighbours are combined, then neighbouring results, and so on; where the order does not matter,
    one half with the other, which are read without gaps.
    """
    commutes = binary_kind(block) in COMMUTATIVE
    length = xs[0].shape[axis]
    while length > 1:
        even = length // 2 * 2
        (limit, start), step = ((even // 2,) * 2, 1) if commutes else ((even, 1), 2)
        firsts = _parts(xs, axis, 0, limit, step)
        pairs = lanes(block, [*firsts, *_parts(xs, axis, start, even, step)])
        rest = _parts(xs, axis, even, length)
        xs = pairs if even == length else _joined(pairs, rest, axis)
        length = xs[0].shape[axis]
    return list(xs)


def windows(
    block: ir.Block, xs: Sequence[Tensor], axis: int, size: int, dilation: int
) -> list[Tensor]:
    """The folds of every `size` elements that lie `dilation` apart along `axis`.

    Windows of 1, 2, 4 … elements are made of those before; the ones that `size` is a sum of are
    combined.
    """
    final = xs[0].shape[axis] - (size - 1) * dilation
    folded: list[Tensor] = []
    offset, width = 0, 1
    while True:
        if size & width:
            here = _parts(xs, axis, offset, offset + final)
            folded = lanes(block, [*folded, *here]) if folded else here
            offset += width * dilation
        if 2 * width > size:
            return folded
        length, shift = xs[0].shape[axis], width * dilation
        starts = _parts(xs, axis, 0, length - shift)
        xs = lanes(block, [*starts, *_parts(xs, axis, shift, length)])
        width *= 2


def prefixes(block: ir.Block, xs: Sequence[Tensor], axis: int) -> list[Tensor]:
    """The folds of the first 1, 2, 3 … elements along `axis`.

    Those of even length are the prefixes of the pairs; each of the others takes one element more
    (Blelloch, Prefix sums and their applications, 1990).
    """
    length = xs[0].shape[axis]
    if length < 2:
        return list(xs)
    even = length // 2 * 2
    pairs = lanes(block, [*_parts(xs, axis, 0, even, 2), *_parts(xs, axis, 1, even, 2)])
    twos = prefixes(block, pairs, axis)
    before = _parts(twos, axis, 0, (length - 1) // 2)
    first, later = _parts(xs, axis, 0, 1), _parts(xs, axis, 2, length, 2)
    ones = _joined(first, lanes(block, [*before, *later]), axis) if length > 2 else first
    return [_interleaved(a, b, axis) for a, b in zip(ones, twos, strict=True)]


def _interleaved(x: Tensor, y: Tensor, axis: int) -> Tensor:
    """x₀, y₀, x₁, y₁ …; x may have one element more."""
    count = y.shape[axis]
    beside = [*x.shape[: axis + 1], 1, *x.shape[axis + 1 :]]
    beside[axis] = count
    pairs = [hlo.reshape(_part(z, axis, 0, count), beside) for z in (x, y)]
    shape = [2 * count if d == axis else n for d, n in enumerate(x.shape)]
    both = hlo.reshape(hlo.concatenate(pairs, axis + 1), shape)
    if x.shape[axis] == count:
        return both
    return hlo.concatenate([both, _part(x, axis, count, count + 1)], axis)
