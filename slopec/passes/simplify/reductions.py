"""Reductions: over nothing, over copies, over moved elements, and one instead of two."""

import math
from dataclasses import dataclass

import numpy as np

from slopec import dtypes, hlo
from slopec.dtypes import DType
from slopec.passes.op import (
    Op,
    binary,
    binary_body,
    holds,
    is_same_number,
    is_zero,
    read_once,
    splat,
)
from slopec.passes.pattern import pattern
from slopec.passes.simplify.logic import extreme
from slopec.passes.simplify.pads import padding
from slopec.passes.simplify.shapes import (
    Broadcast,
    Dims,
    groups,
    is_identity,
    places,
    repeat,
    squeeze,
)
from slopec.tensor import Tensor


@dataclass(frozen=True)
class Reduction:
    """A reduction of one tensor by a binary op."""

    x: Tensor
    init: Tensor
    kind: str
    dims: Dims

    @staticmethod
    @read_once
    def of(op: Op) -> "Reduction | None":
        """Read a `reduce` whose region is one op."""
        if len(op.operands) != 2:
            return None
        x, init = op.operands
        kind = binary_body(op)
        if kind is None or init.dtype != x.dtype or op.dtype != x.dtype:
            return None
        return Reduction(x, init, kind, op.ints("dimensions"))

    @property
    def starts_neutral(self) -> bool:
        """Whether the initial value changes nothing."""
        return is_neutral(self.kind, self.init)

    def over(self, x: Tensor, dims: Dims) -> Tensor:
        """The same reduction of another tensor."""
        folded = hlo.reduce(x, self.init, self.kind, dims)
        assert isinstance(folded, Tensor)
        return folded


def is_neutral(kind: str, value: Tensor) -> bool:
    """Whether `value` is a splat constant e with x ∘ e = x, for the binary op `kind`."""
    if kind in ("add", "or", "xor"):
        return is_zero(value)
    if kind == "multiply":
        return holds(value, 1)
    if kind in ("maximum", "minimum") and not dtypes.is_complex(value.dtype):
        return holds(value, extreme(value.dtype, -1 if kind == "maximum" else 1))
    number = splat(value)
    return kind == "and" and number is not None and bool(number == np.invert(number * 0))


@pattern("reduce", changes="rounding")
def reduce_single_elements(op: Op) -> Tensor | None:
    """reduce(x) → reshape(x)

    Over dimensions of size 1, or none.
    """
    units, wide = _lengths(op)
    r = None if wide else Reduction.of(op)
    if r is None or (0 in r.x.shape):
        return None
    flat = squeeze(r.x, units)
    if r.starts_neutral:
        return flat
    return binary(r.kind, repeat(r.init, op.shape), flat)


@pattern("reduce")
def reduce_single_dimension(op: Op) -> Tensor | None:
    """reduce(x) → reshape(reduce(x))

    Where some of the reduced dimensions have size 1.
    """
    units, wide = _lengths(op)
    r = Reduction.of(op) if units and wide else None
    return None if r is None else hlo.reshape(r.over(r.x, wide), op.shape)


def _lengths(op: Op) -> tuple[Dims, Dims]:
    """The dimensions that a reduction reduces, those of size 1 and the others."""
    dims, shape = op.ints("dimensions"), op.operands[0].shape
    return tuple(d for d in dims if shape[d] == 1), tuple(d for d in dims if shape[d] != 1)


@pattern("reduce", without_elements=True)
def reduce_emptiness(op: Op) -> list[Tensor] | None:
    """reduce(x, c) → broadcast(c)

    For x without elements, whatever combines them; also for several of them.
    """
    if 0 not in op.operands[0].shape:
        return None
    starts = op.operands[len(op.operands) // 2 :]
    return [hlo.broadcast_in_dim(start, op.shape, ()) for start in starts]


@pattern("reduce", of="broadcast_in_dim|constant", changes="rounding")
def reduce_broadcast(op: Op) -> Tensor | None:
    """reduce(broadcast(x)) → broadcast(reduce(x)) · n

    n is how often each element repeats, and the factor is there for sums alone.
    """
    r = Reduction.of(op)
    small = Broadcast.of(r.x) if r else None
    if r is None or small is None or 0 in r.x.shape:
        return None
    copies = [d for d in small.replicated(r.x.shape) if d in r.dims]
    count = math.prod(r.x.shape[d] for d in copies)
    idempotent = r.kind in ("maximum", "minimum", "and", "or")
    sums = r.kind == "add" and r.starts_neutral and count <= largest_integer(r.x.dtype)
    if not copies or not (idempotent or sums):
        return None
    source = small.small(r.x)
    dropped = tuple(i for i, d in enumerate(small.dims) if d in copies)
    real = tuple(i for i, d in enumerate(small.dims) if d in r.dims and d not in copies)
    kept = places(r.x.ndim, r.dims)
    target = [kept.index(d) for d in small.dims if d in kept]
    rest = [i for i in range(source.ndim) if i not in dropped]
    flat = squeeze(source, dropped)
    folded = r.over(flat, tuple(rest.index(i) for i in real)) if real else flat
    if sums:
        folded = hlo.multiply(folded, hlo.full_like(folded, count))
    elif not real and not r.starts_neutral:
        folded = r.over(hlo.reshape(folded, (1, *folded.shape)), (0,))
    return hlo.broadcast_in_dim(folded, op.shape, target)


@pattern("reduce", of="transpose", changes="rounding")
def reduce_transposed(op: Op) -> Tensor | None:
    """reduce(transpose(x)) → transpose(reduce(x))

    The transpose disappears where the dimensions that are left keep their order.
    """
    r = Reduction.of(op)
    if r is None:
        return None
    inner = op.source()
    permutation = inner.ints("permutation")
    dims = tuple(sorted(permutation[d] for d in r.dims))
    kept = places(r.x.ndim, dims)
    order = [kept.index(permutation[d]) for d in places(r.x.ndim, r.dims)]
    if not inner.used_once and not is_identity(order):
        return None
    return hlo.transpose(r.over(inner.operands[0], dims), order)


@pattern("reduce", of="reshape", changes="rounding")
def reduce_reshaped(op: Op) -> Tensor | None:
    """reduce(reshape(x)) → reshape(reduce(x))

    Where what the reshape splits or merges is reduced as a whole or not at all.
    """
    r = Reduction.of(op)
    (x,) = op.source().operands
    if r is None or 0 in x.shape:
        return None
    dims: list[int] = []
    for before, after in groups(x.shape, r.x.shape):
        wide = [d for d in after if r.x.shape[d] != 1]
        reduced = [d for d in wide if d in r.dims]
        if reduced and reduced != wide:
            return None
        dims += [d for d in before if reduced and x.shape[d] != 1]
    return hlo.reshape(r.over(x, tuple(dims)), op.shape) if dims else None


@pattern("reduce", of="reverse", changes="rounding")
def reduce_reversed(op: Op) -> Tensor | None:
    """reduce(reverse(x)) → reverse(reduce(x))

    Reduced dimensions need no reversal.
    """
    r = Reduction.of(op)
    if r is None:
        return None
    inner = op.source()
    kept = places(r.x.ndim, r.dims)
    left = [kept.index(d) for d in inner.ints("dimensions") if d in kept]
    return hlo.reverse(r.over(inner.operands[0], r.dims), left)


@pattern("reduce", of="reduce", changes="rounding")
def reduce_twice(op: Op) -> Tensor | None:
    """reduce(reduce(x)) → reduce(x)

    For one kind of reduction, where the initial value of the first changes nothing.
    """
    outer, source = Reduction.of(op), op.source()
    inner = Reduction.of(source)
    if outer is None or inner is None or outer.kind != inner.kind:
        return None
    if not inner.starts_neutral or not source.used_once:
        return None
    kept = places(inner.x.ndim, inner.dims)
    dims = sorted((*inner.dims, *(kept[d] for d in outer.dims)))
    return outer.over(inner.x, tuple(dims))


@pattern("reduce", of="pad", changes="rounding")
def reduce_padded(op: Op) -> Tensor | None:
    """reduce(pad(x)) → reduce(x)

    Where the padding changes nothing (0 in a sum) and lies along reduced dimensions.
    """
    r = Reduction.of(op)
    if r is None:
        return None
    source = op.source()
    x, value = source.operands
    low, high, gaps = padding(source)
    padded = [d for d in range(x.ndim) if low[d] or high[d] or gaps[d]]
    if min((*low, *high), default=0) < 0 or any(d not in r.dims for d in padded):
        return None
    neutral = is_neutral(r.kind, value) or (
        r.kind in ("maximum", "minimum") and is_same_number(value, r.init)
    )
    return r.over(x, r.dims) if neutral and 0 not in x.shape else None


@pattern("reduce", of="multiply|divide", changes="special values")
def reduce_scaled(op: Op) -> Tensor | None:
    """Σ x · c → (Σ x) · c, Σ x / c → (Σ x) / c"""
    r, inner = Reduction.of(op), op.source()
    if r is None or r.kind != "add" or not r.starts_neutral or not inner.used_once:
        return None
    factor = splat(inner.operands[1])
    if factor is None:
        return None
    total = r.over(inner.operands[0], r.dims)
    return inner.again(total, hlo.full_like(total, factor.item()), shape=op.shape)


def largest_integer(dtype: DType) -> int:
    """The number up to which `dtype` holds every integer; 0 for types without arithmetic."""
    if dtypes.is_integer(dtype):
        return int(np.iinfo(dtype).max)
    mantissa = {"float16": 10, "bfloat16": 7, "float64": 52, "complex128": 52}
    known = dtypes.is_differentiable(dtype) and dtype.itemsize > 1
    return 2 ** (mantissa.get(dtype.name, 23) + 1) if known else 0
