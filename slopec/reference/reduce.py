"""Reduction: NumPy's folds for the bodies it knows, a tree of whole-array steps for others.

The specification allows any binary tree over the elements in order; the result for a body that is
not associative depends on the tree.
"""

from collections.abc import Sequence
from math import prod

import numpy as np

from slopec import ir
from slopec.reference.bits import converted
from slopec.reference.bodies import monoids
from slopec.reference.rounding import wide_dtype
from slopec.reference.table import (
    Array,
    Body,
    Kernel,
    Scope,
    argument_dtypes,
    attribute,
    result_dtype,
    scoped_rule,
)


@scoped_rule("stablehlo.reduce")
def reduce(op: ir.Operation, scope: Scope) -> Kernel:
    """Fold one or more dimensions of N operands with a body of 2N arguments."""
    dimensions: tuple[int, ...] = attribute(op, "dimensions")
    count = len(op.results)
    ufuncs = monoids(op.regions[0].blocks[0])
    if ufuncs is not None:
        dtypes = [result_dtype(op, i) for i in range(count)]
        return lambda *xs: [
            folded(ufunc, x, init, dimensions, dtype)
            for ufunc, x, init, dtype in zip(ufuncs, xs[:count], xs[count:], dtypes, strict=True)
        ]
    body = scope.region(op.regions[0])
    dtypes = argument_dtypes(op.regions[0].blocks[0])[:count]

    def kernel(*operands: Array) -> list[Array]:
        xs = [
            converted(_front(x, dimensions), dtype)
            for x, dtype in zip(operands[:count], dtypes, strict=True)
        ]
        inits = [converted(x, d) for x, d in zip(operands[count:], dtypes, strict=True)]
        return fold(body, xs, inits)

    return kernel


def folded(
    ufunc: np.ufunc, x: Array, init: Array, dimensions: tuple[int, ...], dtype: np.dtype
) -> Array:
    """`x` folded by a NumPy function, in at least float32."""
    wide = wide_dtype(dtype)
    start = converted(init, wide)[()]
    # NumPy would sum narrow integers in wider ones.
    kept = wide if ufunc in (np.add, np.multiply) else None
    result = ufunc.reduce(converted(x, wide), dimensions, kept, initial=start)
    return np.asarray(result).astype(dtype, copy=False)


def _front(x: Array, dimensions: Sequence[int]) -> Array:
    """`x` with its reduced dimensions joined, in order, into a first one."""
    joined = sorted(dimensions)
    kept = [d for d in range(x.ndim) if d not in joined]
    length = prod(x.shape[d] for d in joined)
    return x.transpose(joined + kept).reshape(length, *(x.shape[d] for d in kept))


def fold(body: Body, xs: Sequence[Array], inits: Sequence[Array]) -> list[Array]:
    """The first dimension of each of N arrays folded by a body, starting with `inits`."""
    shape = xs[0].shape[1:]
    starts = [np.broadcast_to(init, shape) for init in inits]
    if not body.lanewise:
        return _fold_lanes(body, xs, starts)
    if xs[0].shape[0] == 0:
        return list(starts)
    while (length := xs[0].shape[0]) > 1:
        even = length - length % 2
        pairs = body(*(x[0:even:2] for x in xs), *(x[1:even:2] for x in xs))
        pairs = [np.broadcast_to(pair, (even // 2, *shape)) for pair in pairs]
        odd = length % 2
        xs = [np.concatenate([p, x[-1:]]) for p, x in zip(pairs, xs, strict=True)] if odd else pairs
    results = body(*starts, *(x[0] for x in xs))
    return [np.broadcast_to(result, shape) for result in results]


def _fold_lanes(body: Body, xs: Sequence[Array], starts: Sequence[Array]) -> list[Array]:
    """One element after another, for bodies that cannot run on whole arrays."""
    results = [np.array(start) for start in starts]
    for lane in np.ndindex(starts[0].shape):
        state = [np.asarray(start[lane]) for start in starts]
        for step in range(xs[0].shape[0]):
            state = body(*state, *(np.asarray(x[(step, *lane)]) for x in xs))
        for result, value in zip(results, state, strict=True):
            result[lane] = value
    return results
