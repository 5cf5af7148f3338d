"""Linear algebra: factors and solutions move as their defining equations, differentiated, say.

Only the triangle that an op reads has a derivative; the other one gets zeros.
"""

from slopec import dtypes, hlo
from slopec.hlo.matrices import adjoint, conj, matmul, transposed, triangle, where
from slopec.tensor import Tensor
from slopec.transforms import linear as maps
from slopec.transforms.linear import LinearMap
from slopec.transforms.rule import Maps, Point, linear


def _half_diagonal(a: Tensor) -> Tensor:
    """The lower triangle with its diagonal halved, real where the matrices are complex."""
    diagonal = where(a.shape, "EQ")
    if dtypes.is_complex(a.dtype):
        real = hlo.real(a)
        a = hlo.select(diagonal, hlo.complex_(real, hlo.zeros_like(real)), a)
    weights = hlo.select(diagonal, hlo.full_like(a, 0.5), hlo.full_like(a, 1))
    return triangle(hlo.multiply(a, weights), lower=True)


def _times(left: Tensor) -> LinearMap:
    """X ↦ L X."""
    return LinearMap(lambda x: matmul(left, x), lambda ct: matmul(transposed(left), ct))


_HALF = maps.same(_half_diagonal)
_ADJOINT = maps.same(adjoint)


def _solve(a: Tensor, left_side: bool, lower: bool, unit: bool, kind: str) -> LinearMap:
    """b ↦ the solution of a triangular system, whose transpose solves the transposed one."""
    turned = {"NO_TRANSPOSE": "TRANSPOSE", "TRANSPOSE": "NO_TRANSPOSE"}

    def solve(matrix: Tensor, b: Tensor, which: str) -> Tensor:
        return hlo.triangular_solve(
            matrix, b, left_side=left_side, lower=lower, unit_diagonal=unit, transpose_a=which
        )

    def back(ct: Tensor) -> Tensor:
        if kind == "ADJOINT":
            return solve(conj(a), ct, "NO_TRANSPOSE")
        return solve(a, ct, turned[kind])

    return LinearMap(lambda b: solve(a, b, kind), back)


@linear("stablehlo.cholesky")
def _cholesky(point: Point) -> Maps:
    """A = L Lᴴ: dL = L Φ(L⁻¹ dA L⁻ᴴ), where Φ halves the diagonal of the lower triangle (Murray,
    Differentiation of the Cholesky decomposition, 2016); dA is what the triangle read stands for.
    """
    lower = bool(point.attribute("lower"))
    factor = triangle(point.result, lower=lower)
    if not lower:
        factor = adjoint(factor)

    def whole(t: Tensor) -> Tensor:
        half = _half_diagonal(t)
        return hlo.add(half, adjoint(half))

    def read(ct: Tensor) -> Tensor:
        return _half_diagonal(hlo.add(ct, adjoint(ct)))

    steps = [
        LinearMap(whole, read),
        _solve(factor, True, True, False, "NO_TRANSPOSE"),
        _solve(factor, False, True, False, "ADJOINT"),
        _HALF,
        _times(factor),
    ]
    if not lower:
        steps = [_ADJOINT, *steps, _ADJOINT]
    return [maps.compose(*steps)]


@linear("stablehlo.triangular_solve")
def _triangular_solve(point: Point) -> Maps:
    """op(A) X = B: dX = op(A)⁻¹ (dB − op(dA) X), and mirrored where A stands on the right."""
    a, x = point.operands[0], point.result
    left, lower = bool(point.attribute("left_side")), bool(point.attribute("lower"))
    unit = bool(point.attribute("unit_diagonal"))
    kind = str(point.attribute("transpose_a")).removesuffix(">").rpartition(" ")[2]
    solve = _solve(a, left, lower, unit, kind)
    if not point.active[0]:
        return [None, solve]
    read = maps.same(lambda t: triangle(t, lower=lower, strict=unit))
    turn = {"TRANSPOSE": maps.same(transposed), "ADJOINT": _ADJOINT}.get(kind, maps.IDENTITY)
    product = LinearMap(
        lambda t: matmul(t, x) if left else matmul(x, t),
        lambda ct: matmul(ct, transposed(x)) if left else matmul(transposed(x), ct),
    )
    return [maps.compose(read, turn, product, maps.NEGATE, solve), solve]


@linear("stablehlo.fft")
def _fft(point: Point) -> Maps:
    """The DFT matrix is symmetric; of the real kinds, the half that is left out counts twice."""
    x = point.operands[0]
    lengths = point.ints("fft_length")
    kind = str(point.attribute("fft_type")).removesuffix(">").rpartition(" ")[2]

    def again(t: Tensor) -> Tensor:
        return point.again(0, t)

    if kind in ("FFT", "IFFT"):
        return [maps.same(again)]
    if kind == "RFFT":
        return [LinearMap(again, lambda ct: _rfft_back(ct, x, lengths))]
    return [LinearMap(again, lambda ct: _irfft_back(ct, x, lengths))]


def _rfft_back(ct: Tensor, x: Tensor, lengths: tuple[int, ...]) -> Tensor:
    """The real part of the transform of the cotangent, padded to the full length."""
    high = [0] * (ct.ndim - 1) + [lengths[-1] - ct.shape[-1]]
    full = hlo.pad(ct, hlo.full((), 0, ct.dtype), [0] * ct.ndim, high)
    return hlo.convert(hlo.real(hlo.fft(full, "FFT", lengths)), x.dtype)


def _irfft_back(ct: Tensor, x: Tensor, lengths: tuple[int, ...]) -> Tensor:
    """The conjugate transform of the cotangent, over n, doubled between the first and the middle
    frequency, which stand for themselves and their mirror image.
    """
    count = 1
    for n in lengths:
        count *= n
    spectrum = hlo.fft(ct, "RFFT", lengths)
    place = hlo.iota(x.shape, x.ndim - 1, dtypes.int32)
    mirror = hlo.compare(hlo.add(place, place), hlo.full(x.shape, lengths[-1], dtypes.int32), "NE")
    first = hlo.compare(place, hlo.full(x.shape, 0, dtypes.int32), "EQ")
    twice = hlo.select(
        hlo.and_(mirror, hlo.not_(first)),
        hlo.full(x.shape, 2 / count, x.dtype),
        hlo.full(x.shape, 1 / count, x.dtype),
    )
    return hlo.conj(hlo.multiply(spectrum, twice))
