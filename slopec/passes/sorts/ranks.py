"""Where elements go: by counting, in blocks, those that go before; and by merging sorted blocks."""

import math
from collections.abc import Sequence

from slopec import dtypes, hlo
from slopec.dialects.attributes import GatherDimensionNumbers
from slopec.passes.sorts.comparator import Comparator
from slopec.tensor import Tensor

BLOCK = 256
"""The elements of a block: comparing all pairs is quadratic, but fills the registers."""


def blocks_of(n: int) -> tuple[int, int]:
    """How many blocks, a power of two, and of how many elements, hold n elements."""
    count = 1 << max(0, math.ceil(math.log2(max(n, 1) / BLOCK)))
    return count, -(-n // count)


def take(x: Tensor, places: Tensor) -> Tensor:
    """The elements of a vector at `places`."""
    numbers = GatherDimensionNumbers((), (0,), (), (), (0,), places.ndim)
    return hlo.gather(x, places, numbers, (1,))


def before(
    compare: Comparator,
    keys: Sequence[tuple[Tensor, Tensor]],
    places: tuple[Tensor, Tensor],
    n: int,
) -> Tensor:
    """Whether the elements of side 0 go before those of side 1: by the comparator, else by place.

    `keys` has the comparator's keys on both sides; elements whose place is n or more go last.
    """
    shape = places[0].shape
    sides = {id(key): pair for key, pair in zip(compare.keys, keys, strict=True)}
    one = compare(lambda side, key: sides[id(key)][side], shape)
    other = compare(lambda side, key: sides[id(key)][side], shape, turned=True)
    tie = hlo.compare(one, other, "EQ")
    end = hlo.full(shape, n, dtypes.int32)
    tie = hlo.or_(tie, hlo.compare(hlo.maximum(*places), end, "GE"))
    return hlo.select(tie, hlo.compare(*places, "LT"), one)


def ranked(compare: Comparator, keys: Sequence[Tensor], places: Tensor, n: int, k: int) -> Tensor:
    """The places of the first `k` elements of each row, in order; keys and places are rows."""
    rows, size = places.shape
    pairs = (rows, size, size)

    def spread(x: Tensor) -> tuple[Tensor, Tensor]:
        return hlo.broadcast_in_dim(x, pairs, (0, 1)), hlo.broadcast_in_dim(x, pairs, (0, 2))

    less = before(compare, [spread(key) for key in keys], spread(places), n)
    zero = hlo.full((), 0, dtypes.int32)
    rank = hlo.reduce(hlo.convert(less, dtypes.int32), zero, "add", (1,))
    assert isinstance(rank, Tensor)
    chosen = (rows, size, k)
    here = hlo.compare(
        hlo.broadcast_in_dim(rank, chosen, (0, 1)), hlo.iota(chosen, 2, dtypes.int32), "EQ"
    )
    wide = hlo.broadcast_in_dim(places, chosen, (0, 1))
    found = hlo.reduce(hlo.select(here, wide, hlo.zeros_like(wide)), zero, "add", (1,))
    assert isinstance(found, Tensor)
    return found


def merged(
    compare: Comparator, keys: Sequence[Tensor], places: Tensor, n: int, run: int, total: int
) -> Tensor:
    """The places in order; keys and places are vectors of sorted runs of `run` elements, which are
    merged in pairs until runs have `total`.
    """
    count = places.shape[0]
    steps = math.ceil(math.log2(total // 2 + 1))
    number = hlo.iota((count,), 0, dtypes.int32)

    def one_round(length: Tensor, *state: Tensor) -> list[Tensor]:
        source = _sources(compare, state, number, length, n, steps)
        return [hlo.add(length, length), *(take(x, source) for x in state)]

    def unfinished(length: Tensor, *state: Tensor) -> Tensor:
        return hlo.compare(length, hlo.full((), total, dtypes.int32), "LT")

    start = hlo.full((), run, dtypes.int32)
    return hlo.while_loop([start, *keys, places], unfinished, one_round)[-1]


def _sources(
    compare: Comparator, state: Sequence[Tensor], number: Tensor, length: Tensor, n: int, steps: int
) -> Tensor:
    """For each place of the merged runs the place in the runs where its element is.

    Of the first k elements of two runs merged, some i come from the first: the least i for which
    element i of the first does not go before element k − 1 − i of the second, found by halving
    (Odeh, Green, Mwassi, Shmueli, Birk, "Merge path", 2012).
    """
    *keys, places = state
    shape, last = number.shape, hlo.full(number.shape, number.shape[0] - 1, dtypes.int32)
    zero = hlo.full(shape, 0, dtypes.int32)
    one = hlo.full(shape, 1, dtypes.int32)
    run = hlo.broadcast_in_dim(length, shape, ())
    k = hlo.remainder(number, hlo.add(run, run))
    first = hlo.subtract(number, k)
    second = hlo.add(first, run)

    def goes_first(i: Tensor, j: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Whether element i of the first run goes before j of the second; where both are."""
        a, b = (hlo.clamp(zero, hlo.add(*pair), last) for pair in ((first, i), (second, j)))
        sides = [(take(key, a), take(key, b)) for key in keys]
        return before(compare, sides, (take(places, a), take(places, b)), n), a, b

    low, high = hlo.maximum(zero, hlo.subtract(k, run)), hlo.minimum(k, run)
    for _ in range(steps):
        middle = hlo.shift_right_logical(hlo.add(low, high), one)
        left = goes_first(middle, hlo.subtract(hlo.subtract(k, one), middle))[0]
        open_ = hlo.compare(low, high, "LT")
        low, high = (
            hlo.select(hlo.and_(open_, left), hlo.add(middle, one), low),
            hlo.select(hlo.and_(open_, hlo.not_(left)), middle, high),
        )
    rest = hlo.subtract(k, low)
    left, a, b = goes_first(low, rest)
    left = hlo.or_(left, hlo.compare(rest, run, "GE"))
    return hlo.select(hlo.and_(hlo.compare(low, run, "LT"), left), a, b)
