"""Powers of matrices and their exponential: products, and one solution for the exponential."""

import math
from functools import reduce

import numpy as np

from slopec import dtypes, hlo
from slopec.hlo import matrices
from slopec.linalg.norms import matrix_norm
from slopec.linalg.operands import square
from slopec.linalg.systems import inv, solve
from slopec.ops import eye, matmul
from slopec.ops import max as largest
from slopec.ops import sum as total
from slopec.ops.common import ArrayLike
from slopec.tensor import Tensor
from slopec.transforms import cond, fori_loop, stop_gradient

_SQUARINGS = 16
"""The most squarings: enough for norms of 10⁵, beyond which hardly anything is representable."""

_PADE = {
    7: (17297280.0, 8648640.0, 1995840.0, 277200.0, 25200.0, 1512.0, 56.0, 1.0),
    13: (
        *(64764752532480000.0, 32382376266240000.0, 7771770303897600.0, 1187353796428800.0),
        *(129060195264000.0, 10559470521600.0, 670442572800.0, 33522128640.0, 1323241920.0),
        *(40840800.0, 960960.0, 16380.0, 182.0, 1.0),
    ),
}
"""The coefficients of the numerator of Padé's approximant of eˣ, from that of 1 on."""


def matrix_power(x: ArrayLike, n: int, /) -> Tensor:
    """The square matrices (…, k, k) multiplied with themselves, `n` factors of them.

    A negative `n` takes their inverses. Raises ShapeError for what is no square matrix.

    >>> import slopec as sp
    >>> print(sp.linalg.matrix_power(sp.tensor([[1.0, 1.0], [0.0, 1.0]]), 5)[0])
    tensor([1. 5.], float32[2], cpu)
    """
    a = square("matrix_power", x)
    if n < 0:
        a, n = inv(a), -n
    result = eye(a.shape[-1], dtype=a.dtype) + hlo.zeros_like(a) if n == 0 else None
    while n:
        if n & 1:
            result = a if result is None else matmul(result, a)
        n >>= 1
        a = matmul(a, a) if n else a
    assert result is not None
    return result


def expm(x: ArrayLike, /) -> Tensor:
    """The exponentials Σ xᵏ/k! of square matrices (…, n, n).

    By scaling and squaring of Padé's approximant (Higham, The scaling and squaring method for the
    matrix exponential revisited, 2005), of degree 13 in double precision and 7 in single.

    Raises ShapeError for what is no square matrix.

    >>> import slopec as sp
    >>> print(sp.linalg.expm(sp.tensor([[0.0, 1.0], [0.0, 0.0]])))
    tensor([[1. 1.]
            [0. 1.]], float32[2, 2], cpu)
    """
    a = square("expm", x)
    if not a.size:
        return a
    wide = dtypes.real_of(a.dtype) == dtypes.float64
    degree, radius = (13, 5.371920351148152) if wide else (7, 3.925724783138660)
    size = stop_gradient(matrix_norm(a, ord=1))
    count = _halvings(size, radius)
    places = hlo.iota((*count.shape, _SQUARINGS + 1), count.ndim, dtypes.int32)
    chosen = hlo.compare(places, matrices.rows_of(count, _SQUARINGS + 1), "EQ")
    halves = hlo.constant((0.5 ** np.arange(_SQUARINGS + 1)).astype(size.dtype))
    halves = hlo.broadcast_in_dim(halves, places.shape, [count.ndim])
    scale = total(hlo.select(chosen, halves, hlo.zeros_like(halves)), axis=-1)
    scaled = hlo.multiply(a, matrices.as_dtype_of(_spread(scale, a), a))
    return _squared(_approximant(scaled, _PADE[degree]), count)


def _spread(values: Tensor, like: Tensor) -> Tensor:
    """A number (…) for each matrix."""
    return hlo.broadcast_in_dim(values, like.shape, range(values.ndim))


def _halvings(size: Tensor, radius: float) -> Tensor:
    """How often to halve a matrix of norm `size`, int32, so that the approximant is exact."""
    over = hlo.multiply(
        hlo.maximum(size, hlo.full_like(size, 1e-30)), hlo.full_like(size, 1 / radius)
    )
    steps = hlo.ceil(hlo.multiply(hlo.log(over), hlo.full_like(size, 1 / math.log(2))))
    low, high = (hlo.full((), n, size.dtype) for n in (0, _SQUARINGS))
    return hlo.convert(hlo.clamp(low, steps, high), dtypes.int32)


def _approximant(a: Tensor, coefficients: tuple[float, ...]) -> Tensor:
    """p(-a)⁻¹ p(a): even and odd powers are summed apart."""
    n = a.shape[-1]
    powers = [matrices.identity(a, n, n), matrices.matmul(a, a)]
    for _ in range(2):
        powers.append(matrices.matmul(powers[-1], powers[1]))
    even, odd = (_polynomial(powers, coefficients[start::2]) for start in (0, 1))
    odd = matrices.matmul(a, odd)
    return solve(hlo.subtract(even, odd), hlo.add(even, odd))


def _polynomial(powers: list[Tensor], coefficients: tuple[float, ...]) -> Tensor:
    """Σ coefficients[k] xᵏ from the powers x⁰ … x³; higher ones are x³ times those."""
    low = _sum(powers, coefficients[:4])
    if len(coefficients) <= 4:
        return low
    return hlo.add(low, matrices.matmul(powers[3], _sum(powers[1:], coefficients[4:])))


def _sum(powers: list[Tensor], coefficients: tuple[float, ...]) -> Tensor:
    terms = [
        hlo.multiply(x, hlo.full_like(x, c)) for x, c in zip(powers, coefficients, strict=False)
    ]
    return reduce(hlo.add, terms)


def _squared(a: Tensor, count: Tensor) -> Tensor:
    """Each matrix squared as often as `count` (…) says; no product is made that none needs."""
    most = largest(count)

    def step(i: Tensor, x: Tensor) -> Tensor:
        def again(x: Tensor) -> Tensor:
            wanted = hlo.compare(hlo.broadcast_in_dim(i, count.shape, ()), count, "LT")
            return hlo.select(_spread(wanted, x), matrices.matmul(x, x), x)

        result: Tensor = cond(hlo.compare(i, most, "LT"), again, lambda x: x, x)
        return result

    result: Tensor = fori_loop(0, _SQUARINGS, step, a)
    return result
