"""Vectors as directions along the last dimension: projections, bases, arcs between two."""

from slopec import hlo, tracing
from slopec.diagnostics import ShapeError
from slopec.ops.arithmetic import atan2, lerp
from slopec.ops.common import ArrayLike, aligned_floating, floating, refuse_complex
from slopec.ops.data_types import finfo
from slopec.ops.extremes import norm
from slopec.ops.joining import stack, unstack
from slopec.ops.linear import vecdot
from slopec.ops.logic import where
from slopec.ops.manipulation import expand_dims
from slopec.ops.unary import sin
from slopec.tensor import Tensor

__all__ = ["gram_schmidt", "project", "slerp"]


def project(x: ArrayLike, onto: ArrayLike, /) -> Tensor:
    """The part of the vectors `x` (…, n) along those of `onto`: (⟨onto, x⟩ / ⟨onto, onto⟩) onto.

    >>> import slopec as sp
    >>> print(sp.project(sp.tensor([3.0, 4.0]), sp.tensor([2.0, 0.0])))
    tensor([3. 0.], float32[2], cpu)
    """
    vector, direction = aligned_floating("project", (x, onto))
    share = vecdot(direction, vector) / vecdot(direction, direction)
    return expand_dims(share, -1) * direction


def gram_schmidt(x: ArrayLike, /) -> Tensor:
    """An orthonormal basis (…, k, n) of what the k vectors (…, k, n) span, one after the other.

    Each vector loses its projections on those before it, twice, which is enough for orthogonality
    to working precision (Giraud et al., *The loss of orthogonality …*, 2005). The program grows
    with k²; for many vectors there is `slopec.linalg`. Raises ShapeError for more vectors than
    dimensions.

    >>> import slopec as sp
    >>> print(sp.gram_schmidt(sp.tensor([[3.0, 0.0], [1.0, 2.0]])))
    tensor([[1. 0.]
            [0. 1.]], float32[2, 2], cpu)
    """
    vectors = floating("gram_schmidt", x)
    if vectors.ndim < 2 or vectors.shape[-2] > vectors.shape[-1]:
        raise ShapeError(
            "S0101",
            f"gram_schmidt: shape {vectors.shape} is not k vectors of at least k elements",
            span=tracing.here(),
        )
    basis: list[Tensor] = []
    for vector in unstack(vectors, axis=-2):
        rest = vector
        for direction in (*basis, *basis):
            rest = rest - expand_dims(vecdot(direction, rest), -1) * direction
        basis.append(rest / norm(rest, axis=-1, keepdims=True))
    return stack(basis, axis=-2) if basis else vectors


def slerp(start: ArrayLike, end: ArrayLike, weight: ArrayLike, /) -> Tensor:
    """The way from `start` to `end` (…, n) along the arc between them, at `weight` in [0, 1].

    sin((1 - w) Ω) / sin Ω · start + sin(w Ω) / sin Ω · end, Ω being the angle between them
    (Shoemake, *Animating rotation with quaternion curves*, 1985); straight where Ω is 0 or π.

    >>> import slopec as sp
    >>> print(sp.slerp(sp.tensor([1.0, 0.0]), sp.tensor([0.0, 1.0]), 0.5).numpy().round(4))
    [0.7071 0.7071]
    """
    a, b = aligned_floating("slerp", (start, end))
    refuse_complex("slerp", a)
    w = expand_dims(hlo.convert(floating("slerp", weight), a.dtype), -1)
    u, v = (x / norm(x, axis=-1, keepdims=True) for x in (a, b))
    # Exact for small and large angles, where the cosine says nothing of them (Kahan).
    angle = 2 * atan2(norm(u - v, axis=-1, keepdims=True), norm(u + v, axis=-1, keepdims=True))
    size = sin(angle)
    bent = size > finfo(a.dtype).eps
    safe = where(bent, size, 1.0)
    arc = (sin((1 - w) * angle) * a + sin(w * angle) * b) / safe
    return where(bent, arc, lerp(a, b, w))
