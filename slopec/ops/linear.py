"""Products of matrices and tensors, each one `dot_general`, and what lies on diagonals.

The result has the operands' promoted dtype; `preferred_element_type` asks for a wider one, in
which the back end then accumulates.
"""

from collections.abc import Sequence
from typing import Any

from slopec import dtypes, hlo, tracing
from slopec.diagnostics import ShapeError
from slopec.dialects.attributes import DotDimensionNumbers
from slopec.dtypes import DType
from slopec.ops.common import (
    ArrayLike,
    aligned,
    as_tensor,
    axes_of,
    axis_of,
    broadcast_shapes,
    common_dtype,
    is_scalar,
)
from slopec.ops.data_types import wanted_dtype
from slopec.ops.manipulation import expand_dims, moveaxis, part, squeeze
from slopec.ops.reductions import sum as sum_
from slopec.tensor import Tensor

__all__ = [
    "cross",
    "diagonal",
    "dot",
    "inner",
    "kron",
    "matmul",
    "matvec",
    "outer",
    "tensordot",
    "trace",
    "vecdot",
    "vecmat",
]


def _operands(name: str, x1: ArrayLike, x2: ArrayLike) -> tuple[Tensor, Tensor]:
    lhs, rhs = as_tensor(name, x1), as_tensor(name, x2)
    dtype = common_dtype([v if is_scalar(v) else t for v, t in ((x1, lhs), (x2, rhs))])
    return hlo.convert(lhs, dtype), hlo.convert(rhs, dtype)


def contract(
    lhs: Tensor, rhs: Tensor, numbers: DotDimensionNumbers, dtype: DType | None = None
) -> Tensor:
    """`dot_general` for every type: booleans are multiplied with `and` and summed with `or`."""
    if lhs.dtype != dtypes.bool_:
        return hlo.dot_general(lhs, rhs, numbers, dtype)
    counts = [hlo.convert(t, dtypes.int32) for t in (lhs, rhs)]
    total = hlo.dot_general(counts[0], counts[1], numbers)
    return hlo.compare(total, hlo.zeros_like(total), "NE")


def _do_not_fit(name: str, x: Tensor, y: Tensor, a: int, b: int, hint: str | None) -> ShapeError:
    return ShapeError(
        "S0101",
        f"{name}: shapes {x.shape} and {y.shape} do not fit: {a} ≠ {b}",
        span=tracing.here(),
        hint=hint,
    )


def matmul(x1: ArrayLike, x2: ArrayLike, /, *, preferred_element_type: Any = None) -> Tensor:
    """The matrix product of (…, n, k) and (…, k, m), which is (…, n, m); `x1 @ x2`.

    Dimensions before the last two broadcast. A vector on the left is a row, one on the right a
    column, and its dimension is gone from the result.

    Raises ShapeError when the shapes do not fit or an operand has no dimensions.

    >>> import slopec as sp
    >>> print(sp.matmul(sp.tensor([[1.0, 2.0], [3.0, 4.0]]), sp.tensor([1.0, 1.0])))
    tensor([3. 7.], float32[2], cpu)
    """
    x, y = _operands("matmul", x1, x2)
    wanted = None if preferred_element_type is None else wanted_dtype(preferred_element_type)
    if not x.ndim or not y.ndim:
        raise ShapeError(
            "S0101",
            f"matmul: shapes {x.shape} and {y.shape}; operands need at least one dimension",
            span=tracing.here(),
            hint="use `*` to multiply by a scalar",
        )
    column = max(y.ndim - 2, 0)
    if x.shape[-1] != y.shape[column]:
        swapped = y.ndim >= 2 and x.shape[-1] == y.shape[-1]
        hint = "transpose the second operand: `x1 @ x2.mT`" if swapped else None
        raise _do_not_fit("matmul", x, y, x.shape[-1], y.shape[column], hint)
    return _batched(x, y, wanted)


def _batched(x: Tensor, y: Tensor, dtype: DType | None) -> Tensor:
    """The product of fitting operands. A batch dimension that only one has is one of its rows."""
    x_batch, y_batch = x.shape[:-2], y.shape[:-2]
    batch = broadcast_shapes("matmul", [x_batch, y_batch])
    rank = len(batch)
    x_at, y_at = rank - len(x_batch), rank - len(y_batch)
    x_has = [d for d in range(x_at, rank) if x_batch[d - x_at] != 1 or batch[d] == 1]
    y_has = [d for d in range(y_at, rank) if y_batch[d - y_at] != 1 or batch[d] == 1]
    both = [d for d in range(rank) if d in x_has and d in y_has]
    x = hlo.reshape(x, [batch[d] for d in x_has] + list(x.shape[len(x_batch) :]))
    y = hlo.reshape(y, [batch[d] for d in y_has] + list(y.shape[len(y_batch) :]))
    numbers = DotDimensionNumbers(
        tuple(x_has.index(d) for d in both),
        tuple(y_has.index(d) for d in both),
        (x.ndim - 1,),
        (max(y.ndim - 2, len(y_has)),),
    )
    product = contract(x, y, numbers, dtype)
    rows = ["n"] if x.ndim > len(x_has) + 1 else []
    columns = ["m"] if y.ndim > len(y_has) + 1 else []
    x_only, y_only = ([d for d in has if d not in both] for has in (x_has, y_has))
    order: list[Any] = [*both, *x_only, *rows, *y_only, *columns]
    kept = sorted({*x_has, *y_has})
    product = hlo.transpose(product, [order.index(d) for d in [*kept, *rows, *columns]])
    return hlo.reshape(product, (*batch, *product.shape[len(kept) :]))


def tensordot(
    x1: ArrayLike,
    x2: ArrayLike,
    /,
    axes: int | tuple[Sequence[int], Sequence[int]] = 2,
    *,
    preferred_element_type: Any = None,
) -> Tensor:
    """The sum of products over the last `axes` dimensions of x1 and the first of x2.

    `axes` may instead name the dimensions of each: ([1, 0], [0, 1]). The result has the other
    dimensions of x1, then those of x2. Raises ShapeError when the sizes differ.

    >>> import slopec as sp
    >>> sp.tensordot(sp.zeros((2, 3, 4)), sp.zeros((3, 4, 5))).shape
    (2, 5)
    """
    x, y = _operands("tensordot", x1, x2)
    wanted = None if preferred_element_type is None else wanted_dtype(preferred_element_type)
    if isinstance(axes, int):
        lasts, firsts = list(range(-axes, 0)), list(range(axes))
    else:
        lasts, firsts = (list(a) for a in axes)
    left, right = axes_of("tensordot", lasts, x.ndim), axes_of("tensordot", firsts, y.ndim)
    sizes = [x.shape[d] for d in left], [y.shape[d] for d in right]
    if sizes[0] != sizes[1]:
        raise ShapeError(
            "S0101",
            f"tensordot: axes {left} of {x.shape} and {right} of {y.shape} have different sizes",
            span=tracing.here(),
        )
    return contract(x, y, DotDimensionNumbers((), (), left, right), wanted)


def vecdot(x1: ArrayLike, x2: ArrayLike, /, axis: int = -1) -> Tensor:
    """Σ conj(x1) · x2 along `axis`; the other dimensions broadcast.

    Raises ShapeError when the sizes along `axis` differ.

    >>> import slopec as sp
    >>> print(sp.vecdot(sp.tensor([1.0, 2.0]), sp.tensor([3.0, 4.0])))
    tensor(11., float32[], cpu)
    """
    x, y = _operands("vecdot", x1, x2)
    rank = min(x.ndim, y.ndim)
    place = axis_of("vecdot", axis if axis < 0 else axis - max(x.ndim, y.ndim), rank) - rank
    if x.shape[place] != y.shape[place]:
        raise _do_not_fit("vecdot", x, y, x.shape[place], y.shape[place], None)
    x, y = moveaxis(x, place, -1), moveaxis(y, place, -1)
    x = hlo.conj(x) if dtypes.is_complex(x.dtype) else x
    row = hlo.reshape(x, (*x.shape[:-1], 1, x.shape[-1]))
    column = hlo.reshape(y, (*y.shape, 1))
    product = _batched(row, column, None)
    return hlo.reshape(product, product.shape[:-2])


def matvec(x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """The product of matrices (…, n, k) and vectors (…, k), which is (…, n); the rest broadcasts.

    `x1 @ x2` takes a second operand of several dimensions for matrices. Raises ShapeError when the
    shapes do not fit.

    >>> import slopec as sp
    >>> sp.matvec(sp.ones((2, 3)), sp.ones((5, 3))).shape
    (5, 2)
    """
    x, y = _operands("matvec", x1, x2)
    if x.ndim < 2 or not y.ndim or x.shape[-1] != y.shape[-1]:
        raise _no_matrix("matvec", x, y, "matrices (…, n, k) and vectors (…, k)")
    return squeeze(_batched(x, expand_dims(y, -1), None), -1)


def vecmat(x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """The product of the conjugates of vectors (…, n) and matrices (…, n, k), which is (…, k).

    The other dimensions broadcast. Raises ShapeError when the shapes do not fit.

    >>> import slopec as sp
    >>> print(sp.vecmat(sp.tensor([1.0, 2.0]), sp.tensor([[1.0, 0.0], [1.0, 1.0]])))
    tensor([3. 2.], float32[2], cpu)
    """
    x, y = _operands("vecmat", x1, x2)
    if not x.ndim or y.ndim < 2 or x.shape[-1] != y.shape[-2]:
        raise _no_matrix("vecmat", x, y, "vectors (…, n) and matrices (…, n, k)")
    x = hlo.conj(x) if dtypes.is_complex(x.dtype) else x
    return squeeze(_batched(expand_dims(x, -2), y, None), -2)


def _no_matrix(name: str, x: Tensor, y: Tensor, wanted: str) -> ShapeError:
    return ShapeError(
        "S0101", f"{name}: expected {wanted}, got {x.shape} and {y.shape}", span=tracing.here()
    )


def inner(x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """The sum of products over the last dimension of both.

    >>> import slopec as sp
    >>> print(sp.inner(sp.tensor([1, 2]), sp.tensor([3, 4])))
    tensor(11, int32[], cpu)
    """
    x, y = _operands("inner", x1, x2)
    if not x.ndim or not y.ndim:
        return hlo.multiply(*aligned("inner", (x, y)))
    return tensordot(x, y, axes=([-1], [-1]))


def dot(x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """NumPy's dot: the last dimension of x1 with the last but one of x2, without batching.

    >>> import slopec as sp
    >>> print(sp.dot(sp.tensor([1, 2]), sp.tensor([3, 4])))
    tensor(11, int32[], cpu)
    """
    x, y = _operands("dot", x1, x2)
    if not x.ndim or not y.ndim:
        return hlo.multiply(*aligned("dot", (x, y)))
    return tensordot(x, y, axes=([-1], [max(y.ndim - 2, 0)]))


def outer(x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """The products of every element of x1 with every one of x2, both flattened: (n, m).

    >>> import slopec as sp
    >>> print(sp.outer(sp.tensor([1, 2]), sp.tensor([3, 4])))
    tensor([[3 4]
            [6 8]], int32[2, 2], cpu)
    """
    x, y = _operands("outer", x1, x2)
    return hlo.multiply(
        *aligned("outer", (hlo.reshape(x, (x.size, 1)), hlo.reshape(y, (1, y.size))))
    )


def kron(x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """The Kronecker product: every element of x1 times the whole of x2.

    >>> import slopec as sp
    >>> print(sp.kron(sp.tensor([1, 10]), sp.tensor([1, 2])))
    tensor([ 1  2 10 20], int32[4], cpu)
    """
    x, y = _operands("kron", x1, x2)
    rank = max(x.ndim, y.ndim)
    x_shape, y_shape = ((1,) * (rank - t.ndim) + t.shape for t in (x, y))
    wide_x = hlo.reshape(x, [n for size in x_shape for n in (size, 1)])
    wide_y = hlo.reshape(y, [n for size in y_shape for n in (1, size)])
    product = hlo.multiply(*aligned("kron", (wide_x, wide_y)))
    return hlo.reshape(product, [a * b for a, b in zip(x_shape, y_shape, strict=True)])


def cross(x1: ArrayLike, x2: ArrayLike, /, axis: int = -1) -> Tensor:
    """The vector product along `axis`, which has size 3; the other dimensions broadcast.

    >>> import slopec as sp
    >>> print(sp.cross(sp.tensor([1, 0, 0]), sp.tensor([0, 1, 0])))
    tensor([0 0 1], int32[3], cpu)
    """
    x, y = aligned("cross", (x1, x2))
    place = axis_of("cross", axis, x.ndim)
    if x.shape[place] != 3:
        raise ShapeError(
            "S0101", f"cross: axis {place} of {x.shape} must have size 3", span=tracing.here()
        )
    a = [part(x, place, i, i + 1) for i in range(3)]
    b = [part(y, place, i, i + 1) for i in range(3)]
    rows = [
        hlo.subtract(hlo.multiply(a[i], b[j]), hlo.multiply(a[j], b[i]))
        for i, j in ((1, 2), (2, 0), (0, 1))
    ]
    return hlo.concatenate(rows, place)


# --- diagonals -------------------------------------------------------------------------------


def diagonal(x: ArrayLike, /, offset: int = 0, axis1: int = -2, axis2: int = -1) -> Tensor:
    """The diagonal of the matrices in `axis1` and `axis2`, as a new last dimension.

    A positive `offset` counts diagonals above the main one. Raises ShapeError for vectors.

    >>> import slopec as sp
    >>> print(sp.diagonal(sp.tensor([[1, 2], [3, 4]])))
    tensor([1 4], int32[2], cpu)
    """
    x = as_tensor("diagonal", x)
    if x.ndim < 2:
        raise ShapeError(
            "S0101", f"diagonal: expected matrices, got shape {x.shape}", span=tracing.here()
        )
    x = moveaxis(x, axes_of("diagonal", (axis1, axis2), x.ndim), (-2, -1))
    rows, columns = x.shape[-2:]
    top, left = max(-offset, 0), max(offset, 0)
    count = max(min(rows - top, columns - left), 0)
    # In the flattened matrix the diagonal is every (columns + 1)-th element.
    flat = hlo.reshape(x, (*x.shape[:-2], rows * columns))
    start = top * columns + left if count else 0
    stop = start + (count - 1) * (columns + 1) + 1 if count else 0
    low, high, step = [0] * flat.ndim, list(flat.shape), [1] * flat.ndim
    low[-1], high[-1], step[-1] = start, stop, columns + 1
    return hlo.slice_(flat, low, high, step)


def trace(
    x: ArrayLike, /, offset: int = 0, axis1: int = -2, axis2: int = -1, *, dtype: Any = None
) -> Tensor:
    """The sum of the diagonal of the matrices in `axis1` and `axis2`.

    >>> import slopec as sp
    >>> print(sp.trace(sp.tensor([[1, 2], [3, 4]])))
    tensor(5, int32[], cpu)
    """
    values = diagonal(x, offset=offset, axis1=axis1, axis2=axis2)
    return sum_(values, axis=-1, dtype=dtype)
