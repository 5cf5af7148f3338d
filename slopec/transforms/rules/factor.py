"""Factorizations move as their defining equations, differentiated, say; reverse mode transposes.

Where eigenvalues or singular values are equal, their vectors have no derivative: the formulas
divide by zero there, as JAX's do. The values alone have derivatives everywhere.
"""

from collections.abc import Sequence

from slopec import dtypes, hlo
from slopec.hlo import matrices as m
from slopec.tensor import Tensor
from slopec.transforms.rule import Point, Tangent
from slopec.transforms.transpose import forward


@forward("slopec.lu")
def _lu(point: Point, t: Tensor) -> Sequence[Tangent]:
    """P A = L U: with F = L⁻¹ P dA U⁻¹, dL = L tril(F, -1) and dU = triu(F) U (Schoenberg 1989).

    L and U become square by columns and rows of the identity, as de Hoog, Anderssen and Lukas
    (2011) do.
    """
    packed, _, permutation = point.results
    rows, columns = packed.shape[-2:]
    k = min(rows, columns)
    left = m.triangle(m.part(packed, 0, rows, 0, k), lower=True, strict=True)
    lower = m.extended(left, 0, rows - k) + m.identity(packed, rows, rows)
    upper = m.extended(m.triangle(m.part(packed, 0, k, 0, columns), lower=False), columns - k, 0)
    if columns > k:
        ones = m.extended(m.identity(packed, columns - k, columns - k), k, 0, above=k)
        zeros = hlo.full((*packed.shape[:-2], columns, k), 0, packed.dtype)
        upper = upper + hlo.concatenate([zeros, ones], packed.ndim - 1)
    moved = m.take_rows(t, permutation)
    moved = hlo.triangular_solve(lower, moved, left_side=True, lower=True, unit_diagonal=True)
    moved = hlo.triangular_solve(upper, moved, left_side=False, lower=False)
    below = m.matmul(lower, m.triangle(moved, lower=True, strict=True))
    return [below + m.matmul(m.triangle(moved, lower=False), upper), None, None]


@forward("slopec.qr")
def _qr(point: Point, t: Tensor) -> Sequence[Tangent]:
    """A = Q R: with C = Qᴴ dA R⁻¹ and the skew Ω of tril(C, -1), dQ = dA R⁻¹ + Q (Ω - C) and
    dR = (C - Ω) R (Walter and Lehmann 2018); more columns than rows move as R = Qᴴ A says.
    """
    q, r = point.results
    rows, columns = point.operands[0].shape[-2:]
    k = min(rows, columns)
    if q.shape[-1] != k:
        raise point.refuse(
            "of more rows than columns has no derivative where Q is square, for its last columns "
            "may be any",
            'take them away: `mode="reduced"`',
        )
    square = m.part(r, 0, k, 0, k)
    solved = hlo.triangular_solve(square, m.part(t, 0, rows, 0, k), left_side=False, lower=False)
    inner = m.matmul(m.adjoint(q), solved)
    below = m.triangle(inner, lower=True, strict=True)
    skew = below - m.adjoint(below) + _imaginary_diagonal(inner)
    dq = solved + m.matmul(q, skew - inner)
    dr = m.matmul(inner - skew, square)
    if columns == k:
        return [dq, dr]
    rest = m.matmul(m.adjoint(q), m.part(t, 0, rows, k, columns))
    rest = rest - m.matmul(skew, m.part(r, 0, k, k, columns))
    return [dq, hlo.concatenate([dr, rest], dr.ndim - 1)]


@forward("slopec.eigh")
def _eigh(point: Point, t: Tensor) -> Sequence[Tangent]:
    """A V = V diag(w): with C = Vᴴ dA V, dw = diag(C) and dV = V (F ∘ C), Fᵢⱼ = 1 / (wⱼ - wᵢ) off
    the diagonal (Giles, Collected matrix derivative results, 2008).
    """
    w, v = point.results
    n = w.shape[-1]
    inner = m.matmul(m.adjoint(v), m.matmul(t, v))
    gaps = m.columns_of(w, n) - m.rows_of(w, n)
    weights = m.as_dtype_of(_inverse_off_diagonal(gaps), v)
    return [m.real(m.diagonal(inner)), m.matmul(v, weights * inner)]


@forward("slopec.eig")
def _eig(point: Point, t: Tensor) -> Sequence[Tangent]:
    """A V = V diag(w): with C = V⁻¹ dA V and X = F ∘ C, Fᵢⱼ = 1 / (wⱼ - wᵢ) off the diagonal,
    dw = diag(C) and dV = V X - V Re diag(Vᴴ V X), which keeps lengths and does not turn phases
    (Boeddeker and others, On the computation of complex-valued gradients, 2019).
    """
    w, v = point.results
    n = w.shape[-1]
    inner = _solved(v, m.matmul(m.as_complex(t), v))
    turned = _inverse_off_diagonal(m.columns_of(w, n) - m.rows_of(w, n)) * inner
    moved = m.matmul(v, turned)
    longer = m.real(m.diagonal(m.matmul(m.adjoint(v), moved)))
    return [m.diagonal(inner), moved - v * m.as_dtype_of(m.columns_of(longer, n), v)]


def _solved(a: Tensor, b: Tensor) -> Tensor:
    """a⁻¹ b, by triangular factors."""
    packed, _, permutation = hlo.lu(a)
    b = hlo.triangular_solve(
        packed, m.take_rows(b, permutation), left_side=True, lower=True, unit_diagonal=True
    )
    return hlo.triangular_solve(packed, b, left_side=True, lower=False)


@forward("slopec.svd")
def _svd(point: Point, t: Tensor) -> Sequence[Tangent]:
    """A = U S Vᴴ: with C = Uᴴ dA V and Fᵢⱼ = 1 / (sⱼ² - sᵢ²), dU = U (F ∘ (C S + S Cᴴ)) and
    dV = V (F ∘ (S C + Cᴴ S)), and what leaves their columns' span (Townsend, Differentiating the
    singular value decomposition, 2016).
    """
    u, s, vh = point.results
    rows, columns = point.operands[0].shape[-2:]
    k = s.shape[-1]
    if u.shape[-1] != k or vh.shape[-2] != k:
        raise point.refuse(
            "has no derivative where u and vh are square, for some of their columns may be any",
            "leave them out: `full_matrices=False`",
        )
    v = m.adjoint(vh)
    inner = m.matmul(m.adjoint(u), m.matmul(t, v))
    ds = m.real(m.diagonal(inner))
    across, down = m.columns_of(s, k), m.rows_of(s, k)
    weights = m.as_dtype_of(_inverse_off_diagonal((across + down) * (across - down)), u)
    right, left = m.as_dtype_of(across, u) * inner, m.as_dtype_of(down, u) * inner
    zero = hlo.compare(s, hlo.zeros_like(s), "EQ")
    safe = hlo.select(zero, hlo.full_like(s, 1), s)
    inverse = hlo.select(zero, hlo.zeros_like(s), hlo.full_like(s, 1) / safe)
    turned = _imaginary_diagonal(inner) * m.as_dtype_of(m.columns_of(inverse, k), u)
    du = m.matmul(u, weights * (right + m.adjoint(right)) + turned)
    dv = m.matmul(v, weights * (left + m.adjoint(left)))
    if rows > columns:
        du = du + _outside(u, m.matmul(t, v), s)
    if columns > rows:
        dv = dv + _outside(v, m.matmul(m.adjoint(t), u), s)
    return [du, ds, m.adjoint(dv)]


def _outside(basis: Tensor, moved: Tensor, s: Tensor) -> Tensor:
    """The part of `moved` outside of the span of orthonormal columns, over the singular values."""
    left = moved - m.matmul(basis, m.matmul(m.adjoint(basis), moved))
    return left / m.as_dtype_of(m.columns_of(s, moved.shape[-2]), moved)


def _imaginary_diagonal(a: Tensor) -> Tensor:
    """What makes a diagonal complex, zeros elsewhere."""
    if not dtypes.is_complex(a.dtype):
        return hlo.zeros_like(a)
    imaginary = hlo.complex_(hlo.zeros_like(hlo.imag(a)), hlo.imag(a))
    return hlo.select(m.where(a.shape, "EQ"), imaginary, hlo.zeros_like(a))


def _inverse_off_diagonal(gaps: Tensor) -> Tensor:
    """1 / gaps, and zeros on the diagonal."""
    on = m.where(gaps.shape, "EQ")
    safe = hlo.select(on, hlo.full_like(gaps, 1), gaps)
    return hlo.select(on, hlo.zeros_like(gaps), hlo.full_like(gaps, 1) / safe)
