"""Sorts whose cost does not explode: pairs compared in blocks, blocks merged.

IREE's sort exchanges neighbours one by one, so that it is quadratic without the processor's vectors
and does not compile beyond 8,192 elements; nor does it keep equal elements in order. Its `top_k` is
wrong for integers and NaN.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from slopec import dtypes, hlo, ir, tracing
from slopec.passes.each import each, put_results
from slopec.passes.op import Op
from slopec.passes.routines import routine
from slopec.passes.sorts.comparator import Comparator
from slopec.passes.sorts.ranks import BLOCK, blocks_of, merged, ranked, take
from slopec.tensor import Tensor
from slopec.transforms.body import block_of, defining, is_lanewise

_MOST = 2**30
"""Places are counted with 32 bits."""
_SMALL = 32
"""Elements of a block of which a few are kept; of more than half there would be many blocks."""


@dataclass(frozen=True)
class ExpandSorts:
    """sort(x, y …) → x, y … at the places that comparing and merging find."""

    name: ClassVar[str] = "expand-sorts"

    def run(self, module: ir.Module) -> None:
        """Rewrite every sort of `module` whose comparator is elementwise."""
        for op in each(module, "stablehlo.sort"):
            if op.operands[0].size < _MOST and is_lanewise(block_of(op.operation)):
                _rewrite(op, op.integer("dimension"))
        for op in each(module, "chlo.top_k"):
            if op.operands[0].size:
                _rewrite_top(op)


def _rewrite_top(op: Op) -> None:
    """The largest of each row are those that a sort in the total order of floats has first."""
    (x,) = op.operands
    n, k = x.shape[-1], op.integer("k")
    rows = hlo.reshape(x, (x.size // n, n))
    values, places = routine("largest", partial(_largest, k=k), rows, k=k)
    shape = (*x.shape[:-1], k)
    kind = ir.type_of(op.operation.results[1])[1]
    numbers = hlo.convert(hlo.reshape(places, shape), kind)
    put_results(op, [hlo.reshape(values, shape), numbers])


def _largest(rows: Tensor, k: int) -> list[Tensor]:
    """The k largest of each row, and their places in it."""
    with _comparing(rows, "GT") as block:
        places = first_places(block, [rows], k)
    values = take(hlo.reshape(rows, (rows.size,)), _in_rows(places, rows.shape[1]))
    return [values, places]


@contextmanager
def _comparing(rows: Tensor, direction: str) -> Iterator[ir.Block]:
    """The comparator of a sort that compares elements once, floats by their total order."""
    floating = dtypes.is_floating(rows.dtype)
    (model,) = hlo.sort(
        [rows], lambda a, b: hlo.compare(a, b, direction, total_order=floating), 1, stable=False
    )
    sort = defining(tracing.current().value_of(model))
    assert sort is not None
    yield block_of(sort)
    sort.erase()


def first_places(block: ir.Block, rows: Sequence[Tensor], k: int) -> Tensor:
    """For the first `k` elements of each row, in order, where in the row they are.

    Of every block as many are kept, and of these again, until one block is left. What fills the
    last block has places of its own behind the row, so that no two elements are equal.
    """
    count, n = rows[0].shape
    if not 0 < k <= BLOCK // 4:
        return hlo.slice_(sorted_places(block, rows), [0, 0], [count, k])
    compare = Comparator(block, rows)
    every = [hlo.reshape(key, (count * n,)) for key in compare.keys]
    place, left, many, behind = hlo.iota((count, n), 1, dtypes.int32), n, 0, n
    while many != 1:
        size = min(left, max(_SMALL, 1 << (2 * k).bit_length()))
        many = -(-left // size)
        if more := many * size - left:
            filling = hlo.iota((count, more), 1, dtypes.int32)
            filling = hlo.add(filling, hlo.full_like(filling, behind))
            place, behind = hlo.concatenate([place, filling], 1), behind + more
        inside = _in_rows(hlo.minimum(place, hlo.full_like(place, n - 1)), n)
        keys = [hlo.reshape(take(key, inside), (count * many, size)) for key in every]
        left = many * min(k, size)
        best = ranked(compare, keys, hlo.reshape(place, (count * many, size)), n, min(k, size))
        place = hlo.reshape(best, (count, left))
    return place


def _rewrite(op: Op, dim: int) -> None:
    xs = op.operands
    rank, n = xs[0].ndim, xs[0].shape[dim]
    if n < 2 or not xs[0].size:
        put_results(op, xs)
        return
    order = [*(d for d in range(rank) if d != dim), dim]
    front = [hlo.transpose(x, order) for x in xs]
    rows = [hlo.reshape(x, (x.size // n, n)) for x in front]
    places = hlo.reshape(_in_rows(sorted_places(block_of(op.operation), rows), n), (rows[0].size,))
    back = [order.index(d) for d in range(rank)]
    found = [take(hlo.reshape(x, (x.size,)), places) for x in rows]
    put_results(op, [hlo.transpose(hlo.reshape(x, front[0].shape), back) for x in found])


def sorted_places(block: ir.Block, rows: Sequence[Tensor]) -> Tensor:
    """For each place of the sorted rows, where in its row its element was."""
    key = Comparator(block, rows).only_key
    if key is not None:
        return routine("order", lambda x: [_by_integers(x)], key)[0]
    return _merged_places(block, rows)


def _by_integers(keys: Tensor) -> Tensor:
    with _comparing(keys, "LT") as block:
        return _merged_places(block, [keys])


def _merged_places(block: ir.Block, rows: Sequence[Tensor]) -> Tensor:
    """Where the elements were, by blocks."""
    count, n = rows[0].shape
    many, size = blocks_of(n)
    total = many * size
    wide = [_padded(x, total) for x in rows]
    compare = Comparator(block, wide)
    place = hlo.iota((count, total), 1, dtypes.int32)
    keys = [hlo.reshape(key, (count * many, size)) for key in compare.keys]
    found = ranked(compare, keys, hlo.reshape(place, (count * many, size)), n, size)
    found = hlo.reshape(found, (count, total))
    if many > 1:
        whole = hlo.reshape(_in_rows(found, total), (count * total,))
        flat = [take(hlo.reshape(key, (count * total,)), whole) for key in compare.keys]
        places = hlo.reshape(found, (count * total,))
        found = hlo.reshape(merged(compare, flat, places, n, size, total), (count, total))
    return hlo.slice_(found, [0, 0], [count, n])


def _padded(x: Tensor, total: int) -> Tensor:
    return hlo.pad(x, hlo.full((), 0, x.dtype), [0, 0], [0, total - x.shape[1]])


def _in_rows(places: Tensor, length: int) -> Tensor:
    """Places in rows of a length as places in all rows one after another."""
    row = hlo.iota(places.shape, 0, dtypes.int32)
    return hlo.add(places, hlo.multiply(row, hlo.full_like(row, length)))
