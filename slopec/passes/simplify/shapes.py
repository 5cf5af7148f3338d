"""What the families share about shapes: dimensions in and out, and broadcasts in normal form."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from slopec import hlo, ir
from slopec.passes.op import Op, producer, splat
from slopec.tensor import Tensor

Dims = tuple[int, ...]

UNARY = tuple(
    """abs cbrt ceil convert cosine count_leading_zeros exponential exponential_minus_one floor imag
    is_finite log log_plus_one logistic negate not popcnt real reduce_precision round_nearest_afz
    round_nearest_even rsqrt sign sine sqrt tan tanh chlo.acos chlo.acosh chlo.asin chlo.asinh
    chlo.atan chlo.atanh chlo.bessel_i1e chlo.conj chlo.cosh chlo.digamma chlo.erf chlo.erf_inv
    chlo.erfc chlo.lgamma chlo.sinh chlo.square chlo.tan""".split()
)
BINARY = tuple(
    """add and atan2 compare complex divide maximum minimum multiply or power remainder shift_left
    shift_right_arithmetic shift_right_logical subtract xor""".split()
)
ELEMENTWISE = (*UNARY, *BINARY, "select", "clamp")
"""The ops that compute each element from the elements at its place.

`select` and `clamp` also take operands without dimensions.
"""


def without(shape: Sequence[int], dims: Sequence[int]) -> Dims:
    """The elements of `shape` that are not at the places `dims`.

    >>> without((2, 3, 4), (1,))
    (2, 4)
    """
    return tuple(size for d, size in enumerate(shape) if d not in dims)


def places(rank: int, dims: Sequence[int]) -> Dims:
    """The dimensions below `rank` that are not in `dims`."""
    return tuple(d for d in range(rank) if d not in dims)


def inverse(permutation: Sequence[int]) -> Dims:
    """The permutation that undoes `permutation`.

    >>> inverse((2, 0, 1))
    (1, 2, 0)
    """
    return tuple(sorted(range(len(permutation)), key=lambda d: permutation[d]))


def is_identity(permutation: Sequence[int]) -> bool:
    """Whether a permutation leaves everything in place."""
    return tuple(permutation) == tuple(range(len(permutation)))


def groups(before: Sequence[int], after: Sequence[int]) -> list[tuple[Dims, Dims]]:
    """The smallest runs of dimensions that a reshape turns into one another.

    >>> groups((6, 4), (2, 3, 4))
    [((0,), (0, 1)), ((1,), (2,))]
    """
    found = []
    i = j = 0
    while i < len(before) or j < len(after):
        first, other = i, j
        left, right = math.prod(before[i : i + 1]), math.prod(after[j : j + 1])
        i, j = min(i + 1, len(before)), min(j + 1, len(after))
        while left != right:
            if left < right:
                left, i = left * before[i], i + 1
            else:
                right, j = right * after[j], j + 1
        found.append((tuple(range(first, i)), tuple(range(other, j))))
    return found


def only_unit_dims_differ(before: Sequence[int], after: Sequence[int]) -> bool:
    """Whether two shapes are the same but for dimensions of size 1."""
    return [n for n in before if n != 1] == [n for n in after if n != 1]


@dataclass(frozen=True)
class Broadcast:
    """A tensor whose elements repeat those of a smaller one, or a splat of one number."""

    source: Tensor | None
    number: complex | None
    dims: Dims

    @staticmethod
    def of(tensor: Tensor) -> "Broadcast | None":
        """Read `tensor` as a broadcast, if it comes from one or is a splat."""
        value = splat(tensor)
        if value is not None:
            return Broadcast(None, value.item(), ())
        op = producer(tensor, "broadcast_in_dim")
        if op is None:
            return None
        return Broadcast(op.operands[0], None, op.ints("broadcast_dimensions"))

    def replicated(self, shape: ir.Shape) -> Dims:
        """The dimensions of the result along which elements repeat."""
        if self.source is None:
            return tuple(range(len(shape)))
        sizes = dict(zip(self.dims, self.source.shape, strict=True))
        return tuple(d for d, n in enumerate(shape) if sizes.get(d, 1) != n or d not in sizes)

    def small(self, like: Tensor) -> Tensor:
        """The smaller tensor, as a value of the type of elements of `like`."""
        if self.source is not None:
            return self.source
        assert self.number is not None
        return hlo.full((), self.number, like.dtype)


def broadcast(x: Tensor, shape: ir.Shape, dims: Sequence[int]) -> Tensor:
    """`broadcast_in_dim` with its dimensions in ascending order, transposing the operand for it."""
    order = sorted(range(len(dims)), key=lambda i: dims[i])
    sources = hlo.transpose(x, order)
    return hlo.broadcast_in_dim(sources, shape, [dims[i] for i in order])


def squeeze(x: Tensor, dims: Sequence[int]) -> Tensor:
    """`x` without its dimensions `dims`, which have size 1."""
    return hlo.reshape(x, without(x.shape, dims))


def repeat(x: Tensor, shape: ir.Shape) -> Tensor:
    """A tensor without dimensions in the given shape; any other as it is."""
    return x if x.shape == shape else hlo.broadcast_in_dim(x, shape, ())


def only_used_by(op: Op, tensor: Tensor) -> bool:
    """Whether `op` alone uses `tensor`, so that rewriting `op` leaves its producer dead."""
    value = tensor._value
    return value is not None and all(use.owner.operation == op.operation for use in value.uses)
