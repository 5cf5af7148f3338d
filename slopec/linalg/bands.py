"""Linear equations of matrices with three diagonals: a row at a time, forwards and back."""

from slopec import dtypes, hlo, tracing
from slopec.diagnostics import ShapeError
from slopec.ops import abs as absolute
from slopec.ops import concat, moveaxis, where
from slopec.ops.common import ArrayLike, broadcast_shapes, expand, floating
from slopec.tensor import Tensor
from slopec.transforms import custom_jvp, scan

Rows = tuple[Tensor, ...]


def tridiagonal_solve(
    lower: ArrayLike, diagonal: ArrayLike, upper: ArrayLike, b: ArrayLike, /
) -> Tensor:
    """x with A x = b, where A has no elements but three diagonals (…, n), for b (…, n, k) or (n,).

    Row i of A has lower[i], diagonal[i] and upper[i] in columns i - 1, i and i + 1; lower[0] and
    upper[n - 1] are not read. Batches broadcast. By elimination with partial pivoting, as LAPACK's
    gtsv; where A is singular, infinite or NaN.

    Raises ShapeError when the shapes do not fit.

    >>> import slopec as sp
    >>> ones = sp.ones(3)
    >>> x = sp.linalg.tridiagonal_solve(-ones, 2 * ones, -ones, sp.tensor([0.0, 0.0, 4.0]))
    >>> print(x.round(decimals=5))
    tensor([1. 2. 3.], float32[3], cpu)
    """
    given = [floating("tridiagonal_solve", x) for x in (lower, diagonal, upper, b)]
    is_vector = given[3].ndim == 1
    parts = [hlo.reshape(x, (*x.shape, 1)) for x in (given if is_vector else given[:3])]
    parts += given[len(parts) :]
    if any(x.ndim < 2 or x.shape[-2] != parts[1].shape[-2] or not x.shape[-2] for x in parts):
        shapes = ", ".join(str(x.shape) for x in given[:3])
        raise ShapeError(
            "S0101",
            f"tridiagonal_solve: diagonals of shapes {shapes} and b of shape {given[3].shape} do "
            "not fit",
            span=tracing.here(),
            hint="each diagonal is (…, n), and b is (…, n, k) or (n,)",
        )
    dtype = dtypes.promote([x.dtype for x in parts])
    batch = broadcast_shapes("tridiagonal_solve", [x.shape[:-2] for x in parts])
    wide = [expand(hlo.convert(x, dtype), (*batch, *x.shape[-2:])) for x in parts]
    x: Tensor = moveaxis(_solve(*(moveaxis(x, -2, 0) for x in wide)), 0, -2)
    return hlo.reshape(x, x.shape[:-1]) if is_vector else x


def _by_rows(lower: Tensor, diagonal: Tensor, upper: Tensor, b: Tensor) -> Tensor:
    """The same with rows in the first dimension, diagonals having 1 in the last."""
    upper = concat([upper[:-1], hlo.zeros_like(upper[-1:])])

    def eliminate(above: Rows, row: Rows) -> tuple[Rows, Rows]:
        """Make the first element of one of two rows 0: of that with the smaller one."""
        swaps = absolute(row[0]) > absolute(above[0])
        pivot = tuple(where(swaps, x, y) for x, y in zip(row, above, strict=True))
        other = tuple(where(swaps, y, x) for x, y in zip(row, above, strict=True))
        factor = other[0] / pivot[0]
        first, second, right = (x - factor * y for x, y in zip(other[1:], pivot[1:], strict=True))
        return (first, second, hlo.zeros_like(first), right), pivot

    def substitute(below: Rows, row: Rows) -> tuple[Rows, Tensor]:
        pivot, next_, after, right = row
        x = (right - next_ * below[0] - after * below[1]) / pivot
        return (x, below[0]), x

    start = (diagonal[0], upper[0], hlo.zeros_like(upper[0]), b[0])
    last, rows = scan(eliminate, start, (lower[1:], diagonal[1:], upper[1:], b[1:]))
    x = last[3] / last[0]
    _, found = scan(substitute, (x, hlo.zeros_like(x)), rows, reverse=True)
    return concat([found, x[None]])


_solve = custom_jvp(_by_rows)


@_solve.defjvp
def _solve_moves(primals: Rows, tangents: Rows) -> tuple[Tensor, Tensor]:
    """A dx = db - dA x, which is linear in the tangents."""
    lower, diagonal, upper, _ = primals
    x: Tensor = _solve(*primals)
    edge = hlo.zeros_like(x[:1])
    before, after = concat([edge, x[:-1]]), concat([x[1:], edge])
    moved = tangents[0] * before + tangents[1] * x + tangents[2] * after
    return x, _by_rows(lower, diagonal, upper, tangents[3] - moved)
