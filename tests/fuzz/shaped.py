"""Steps in the shapes that kernels are written for: rows that are long, and vectors and tiles that end early."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from tests.fuzz.drawing import Draw
from tests.fuzz.program import as_kind
from tests.fuzz.steps import UNARY, any_rank, step

KERNELS = ("float32", "float32", "float32", "float64")
"""Types that there are kernels for."""
POINTS = (1, 2, 3, 5, 8, 9, 11, 12, 13, 15, 16, 17, 24, 27, 31, 32, 45, 48, 60, 64, 67, 77, 81, 97, 98, 100, 101, 120, 127, 128, 144, 169, 192, 210, 243, 251, 256, 257, 289, 300, 320, 343, 360, 400, 480, 500, 509, 512, 600, 640, 720, 750, 1000, 1021, 1024, 1331, 1536, 2048, 2500, 4096)  # fmt: skip
"""Lengths of Fourier transforms: with small and large factors, even and odd, prime."""
TRANSFORMS = ("fft", "ifft", "rfft", "irfft", "fft2", "ifft2", "rfft2")
FEATURES = (1, 2, 3, 4, 6, 8, 12, 15, 16, 17, 24, 32, 33, 48)
ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "nothing": lambda x: x,
    **{name: UNARY[name] for name in ("relu", "gelu", "tanh", "logistic", "third", "square")},
}


def _rows(d: Draw, width: int, most: int = 70) -> int | None:
    """Rows of that many numbers, in one or two dimensions, of a type that kernels know."""
    most = max(1, min(most, d.most // max(width, 1)))
    outer = (d.upto(1, most),)
    if d.chance(0.3):
        outer = (d.upto(1, 3), max(1, outer[0] // 3))
    return d.fitting((*outer, width), d.pick(KERNELS))


@step(2)
def fourier(d: Draw) -> object:
    """A transform along any dimension, or two, of rows that are cut or padded to a length."""
    n = d.pick([n for n in POINTS if n <= d.most // 2])
    own = d.chance(0.3)
    exact = any_rank(1, lambda t: t.dtype.name in ("float32", "float64", "complex64", "complex128"))
    x = d.value(exact) if own else _rows(d, n)
    if x is None:
        return None
    type_, name = d.types[x], d.pick(TRANSFORMS)
    dim = d.upto(0, type_.ndim - 1) if d.chance(0.4) else type_.ndim - 1
    if name.endswith("2"):
        if type_.ndim < 2:
            return None
        dims = d.order(type_.ndim)[:2]

        def both(x: Any) -> Any:
            x = x.real if name[0] == "r" else x
            return getattr(jnp.fft, name)(x, axes=dims, norm="ortho")

        return d.add(f"{name} along {dims}", both, x)
    points = n if d.chance(0.5) else None
    if points is not None and type_.size // max(type_.shape[dim], 1) * points > d.most:
        points = None

    def function(x: Any) -> Any:
        x = x.real if name[0] == "r" else x
        return getattr(jnp.fft, name)(x, points, dim, norm="ortho")

    return d.add(f"{name} of {points} along {dim}", function, x)


@step(1)
def filtered(d: Draw) -> object:
    """Rows multiplied by others where both are spectra, which is a convolution."""
    x = _rows(d, d.pick([n for n in POINTS if n <= d.most // 4]))
    if x is None:
        return None
    *_, n = d.types[x].shape
    y = d.fitting((n,), d.types[x].dtype.name)
    conjugate, whole = d.chance(0.3), d.chance(0.3)
    if y is None:
        return None

    def function(x: Any, y: Any) -> Any:
        there, back = (jnp.fft.fft, jnp.fft.ifft) if whole else (jnp.fft.rfft, jnp.fft.irfft)
        a, b = there(x, norm="ortho"), there(y, norm="ortho")
        made = a * (jnp.conj(b) if conjugate else b) + a
        return back(made, n, norm="ortho")

    return d.add(
        f"filtered{' by the conjugate' if conjugate else ''}{' whole' if whole else ''}",
        function,
        x,
        y,
    )


@step(1)
def reversed_rows(d: Draw) -> object:
    """Rows, and perhaps the last two dimensions, the other way round."""
    x = _rows(d, d.pick(d.sizes))
    if x is None:
        return None
    dims = (-1,) if d.chance(0.7) else (-2, -1)
    return d.add(f"reversed along {dims}", lambda x: jnp.flip(x, dims), x)


@step(2)
def strided(d: Draw) -> object:
    """Every so manieth number of rows, or rows whose numbers follow each other in turn."""
    by = d.upto(2, 9)
    x = _rows(d, d.pick(d.sizes) * by + d.upto(0, by))
    if x is None:
        return None
    n = d.types[x].shape[-1]
    start, stop = d.upto(0, by), n - d.upto(0, by)
    if d.chance(0.5):
        return d.add(f"[..., {start}:{stop}:{by}]", lambda x: x[..., start:stop:by], x)
    like = d.types[x]
    others = [d.fitting(like.shape, like.dtype.name) for _ in range(by - 1)]
    if None in others:
        return None
    turned = d.chance(0.5)

    def function(*xs: Any) -> Any:
        # Rows cut so that the result is no larger than what there was.
        made = jnp.stack([x[..., : max(n // by, 1)] for x in xs], -1 if turned else -2)
        return made.reshape(*made.shape[:-2], -1)

    return d.add(f"{by} stacked by {-1 if turned else -2}", function, x, *others)


@step(2)
def columns(d: Draw) -> object:
    """Columns taken by indices that may be constant, or rows of a table that is turned."""
    x = _rows(d, d.pick(d.sizes))
    if x is None:
        return None
    *outer, n = d.types[x].shape
    count = d.upto(1, max(1, d.most // max(int(np.prod(outer)), 1)) if d.chance(0.3) else 90)
    known = d.chance(0.5)
    drawn = d.random.integers(0, max(n, 1), count).astype(d.pick(["int32", "int64"]))
    if known:
        return d.add(
            f"columns {drawn.tolist()[:8]}...", lambda x: jnp.take(x, drawn, -1, mode="clip"), x
        )
    i = d.fitting((count,), d.pick(["int32", "int64"]))
    mode = d.pick(["clip", "wrap"])
    return (
        None if i is None else d.add(f"columns {mode}", lambda x, i: x.take(i, -1, mode=mode), x, i)
    )


@step(2)
def middle(d: Draw) -> object:
    """Rows added up side by side, of which vectors may not divide the width."""
    outer, count, width = d.upto(1, 9), d.pick([*d.sizes, 5, 49, 196]), d.pick([*d.sizes, 7])
    if outer * count * width > d.most:
        return None
    x = d.fitting((outer, count, width), d.pick(KERNELS))
    before, name = d.pick(list(ACTIVATIONS)), d.pick(["sum", "mean", "max", "min"])
    if x is None:
        return None
    return d.add(
        f"{name} of {before} of the middle",
        lambda x: getattr(jnp, name)(ACTIVATIONS[before](x), 1),
        x,
    )


@step(3)
def layer(d: Draw) -> object:
    """A product with what follows it in a layer, of which any may end amid a tile."""
    rows, inner, wide = (d.pick([*d.sizes, 1]) for _ in range(3))
    most = d.most
    if max(rows * inner, inner * wide, rows * wide) > most:
        return None
    name = d.pick(KERNELS)
    x, y = d.fitting((rows, inner), name), d.fitting((inner, wide), name)
    bias = d.fitting((wide,), name)
    after, turned = d.pick(list(ACTIVATIONS)), d.chance(0.3)
    if x is None or y is None or bias is None:
        return None
    weights = d.random.uniform(-1, 1, (inner, wide)).astype(name) if d.chance(0.3) else None

    def function(x: Any, y: Any, bias: Any) -> Any:
        y = y if weights is None else as_kind(weights).astype(x.dtype)
        made = (x @ y) * np.array(inner**-0.5).astype(x.dtype)
        made = ACTIVATIONS[after](made + bias)
        return made.T if turned else made

    said = f"layer {after}{' turned' if turned else ''}{'' if weights is None else ' of constants'}"
    return d.add(said, function, x, y, bias)


@step(3)
def image(d: Draw) -> object:
    """A convolution of an image, of features alone or in groups, of windows side by side, or in a row."""
    rank = d.pick((1, 2, 2, 2))
    way = d.pick(("dense", "dense", "grouped", "each", "patches", "one place"))
    groups = d.upto(2, 5) if way == "grouped" else 1
    features, made = d.pick(FEATURES) * groups, d.pick(FEATURES) * groups
    if way == "each":
        groups, made = features, features * d.upto(1, 2)
    # Patches that are larger than the windows of kernels are products.
    widest = {"one place": 1, "patches": 12}.get(way, 7 if rank == 1 else 5)
    window = [d.upto(1, widest) for _ in range(rank)]
    lengths = [max(w, d.upto(1, 40 if rank == 1 or way == "patches" else 17)) for w in window]
    batch = d.upto(1, 3)
    if batch * int(np.prod(lengths)) * max(features, made) > d.most:
        return None
    first = d.chance(0.3)
    x = d.fitting((batch, features, *lengths) if first else (batch, *lengths, features), "float32")
    y = d.fitting((*window, features // groups, made), "float32")
    bias = d.fitting((made,), "float32")
    if x is None or y is None or bias is None:
        return None
    letters = ("NC01" if first else "N01C").replace("01", "01"[:rank])
    strides = window if way == "patches" else [d.pick((1, 1, 2, 3)) for _ in window]
    dense = way == "patches" or d.chance(0.6)
    facts = {
        "window_strides": strides,
        "padding": [(0, 0) if way == "patches" else (d.upto(0, w), d.upto(0, w)) for w in window],
        "lhs_dilation": [1 if dense else d.upto(1, 2) for _ in window],
        "rhs_dilation": [1 if dense else d.upto(1, 3) for _ in window],
        "dimension_numbers": (letters, "01IO".replace("01", "01"[:rank]), letters),
        "feature_group_count": groups,
    }
    after = d.pick(list(ACTIVATIONS))

    def function(x: Any, y: Any, bias: Any) -> Any:
        terms = max(int(np.prod(y.shape[:-1])), 1)
        scaled = y * np.array(terms**-0.5).astype(y.dtype)
        found = lax.conv_general_dilated(x, scaled, **facts)
        spread = bias.reshape(-1, *[1] * rank) if first else bias
        return ACTIVATIONS[after](found + spread)

    return d.add(f"image {way} {facts} {after}", function, x, y, bias)


@step(1)
def largest(d: Draw) -> object:
    """The largest few numbers of long rows, or where they are."""
    x = _rows(d, d.pick(d.sizes))
    if x is None:
        return None
    k, which = d.upto(1, min(d.types[x].shape[-1], 40)), d.upto(0, 1)
    return d.add(f"largest {k}, number {which}", lambda x: lax.top_k(x, k)[which], x)


@step(2)
def factors(d: Draw) -> object:
    """What matrices' factors give that does not depend on the choice of signs."""
    n, batch = d.pick([n for n in (*d.sizes, 1, 2, 3, 5, 9) if n < 70]), d.upto(1, 3)
    right = d.upto(1, 5) if d.chance(0.7) else d.pick(d.sizes)
    if batch * n * max(n, right) > d.most:
        return None
    name = d.pick(KERNELS)
    x, y = d.fitting((batch, n, n), name), d.fitting((batch, n, right), name)
    if x is None or y is None:
        return None
    way = d.pick(list(FACTORS))
    return d.add(f"factors {way}", lambda x, y: FACTORS[way](_regular(x), y), x, y)


def _regular(x: Any) -> Any:
    """Matrices far from singular ones."""
    n = x.shape[-1]
    return jnp.tanh(x) * np.array(0.4 / n).astype(x.dtype) + jnp.eye(n, dtype=x.dtype)


def _definite(x: Any) -> Any:
    return x @ jnp.swapaxes(x, -1, -2)


FACTORS: dict[str, Callable[[Any, Any], Any]] = {
    "cholesky": lambda x, y: jnp.linalg.cholesky(_definite(x)),
    "solve": jnp.linalg.solve,
    "inverse": lambda x, y: jnp.linalg.inv(x),
    "determinant": lambda x, y: jnp.linalg.slogdet(x)[1],
    "triangle": lambda x, y: jax.scipy.linalg.solve_triangular(x, y, lower=True),
    "turned triangle": lambda x, y: jax.scipy.linalg.solve_triangular(x, y, trans=1),
    "unit triangle": lambda x, y: jax.scipy.linalg.solve_triangular(x, y, unit_diagonal=True),
    "qr": lambda x, y: jnp.abs(jnp.linalg.qr(x)[1]),
    "qr product": lambda x, y: jnp.matmul(*jnp.linalg.qr(jnp.concatenate([x, y], -1))),
    "singular values": lambda x, y: jnp.linalg.svd(x, compute_uv=False),
    "eigenvalues": lambda x, y: jnp.linalg.eigvalsh(_definite(x)),
}


@step(2)
def recurrent(d: Draw) -> object:
    """A recurrent layer: rows that a loop treats alone, with weights that it does not change."""
    steps, rows, inner, wide = d.upto(1, 7), d.upto(1, 20), d.upto(1, 20), d.pick(FEATURES)
    if max(steps * rows * max(inner, wide), inner * wide, wide * wide) > d.most:
        return None
    shapes = ((steps, rows, inner), (inner, wide), (wide, wide), (rows, wide))
    found = [d.fitting(shape, "float32") for shape in shapes]
    if None in found:
        return None
    gated, last = d.chance(0.5), d.chance(0.5)

    def function(xs: Any, w: Any, u: Any, h: Any) -> Any:
        def each(h: Any, x: Any) -> Any:
            new = jnp.tanh(x @ w * np.array(inner**-0.5).astype(x.dtype) + h @ u * np.array(wide**-0.5).astype(x.dtype))  # fmt: skip
            gate = jax.nn.sigmoid(h - x.mean(-1, keepdims=True))
            new = gate * h + (1 - gate) * new if gated else new
            return new, new

        end, every = lax.scan(each, jnp.tanh(h), xs)
        return end if last else every

    return d.add(f"recurrent{' gated' if gated else ''}", function, *found)
