"""Factorizations, triangular systems, transforms of signals, batch normalisation."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from jax import lax

from tests.sweep.case import Case
from tests.sweep.modules import flag, one_op, sample, traced, wide
from tests.sweep.values import dtype

EPS = {"float16": 2.0**-9, "bfloat16": 2.0**-6, "float32": 2.0**-20, "float64": 2.0**-46, "complex64": 2.0**-20, "complex128": 2.0**-46}  # fmt: skip


def close(case: Case, *expected: np.ndarray, times: float = 8.0) -> Case:
    """The case with these results, right within a few rounding errors of the largest."""
    scale = max(float(np.abs(y).max(initial=0)) for y in expected)
    eps = max(EPS[name] for name in case.dtypes)
    return replace(case, expected=expected, ulps=4, floor=times * eps * max(scale, 1e-3))


def cases() -> Iterator[Case]:
    yield from factors()
    yield from systems()
    yield from spectra()
    yield from normals()


def positive(shape: tuple[int, ...], kind: str) -> np.ndarray:
    """Hermitian matrices, well conditioned."""
    a = wide(sample(shape, kind)) / 8
    return (a @ np.conj(a.swapaxes(-1, -2)) + 2 * np.eye(shape[-1])).astype(dtype(kind))


def factors() -> Iterator[Case]:
    for kind in ("float32", "float64", "complex64", "complex128"):
        for shape in ((1, 1), (2, 2), (5, 5), (33, 33), (2, 3, 4, 4), (0, 0), (2, 0, 0), (0, 3, 3)):
            for lower in (True, False):
                a = positive(shape, kind)
                y = np.linalg.cholesky(wide(a)) if a.size else wide(a)
                mask = np.tril(np.ones(shape)) if lower else np.triu(np.ones(shape))
                y = y if lower else np.conj(y.swapaxes(-1, -2))
                # What is in the other triangle is for the implementation to choose: mask it.
                case = traced(f"cholesky/{kind} {shape} {'lower' if lower else 'upper'}", _factor(lower, mask), a)  # fmt: skip
                yield close(case, np.where(mask, y, 0))
    bad = np.float32([[1, 2], [2, 1]])
    nan = np.array([[1, 0], [2, np.nan]])
    yield replace(traced("cholesky/not positive", _factor(True, np.tril(np.ones((2, 2)))), bad), expected=(nan,))  # fmt: skip


def _factor(lower, mask):
    def factor(a):
        y = lax.linalg.cholesky(a, symmetrize_input=False)
        y = y if lower else lax.conj(lax.transpose(y, (*range(a.ndim - 2), a.ndim - 1, a.ndim - 2)))
        return lax.select(mask.astype(bool), y, lax.full_like(y, 0))

    return factor


def systems() -> Iterator[Case]:
    kinds = {"NO_TRANSPOSE": lambda a: a, "TRANSPOSE": lambda a: a.swapaxes(-1, -2), "ADJOINT": lambda a: np.conj(a.swapaxes(-1, -2))}  # fmt: skip
    for kind in ("float32", "complex128"):
        for left in (True, False):
            for lower in (True, False):
                for unit in (True, False):
                    for word, turn in kinds.items():
                        yield system(f"{kind} {'left' if left else 'right'} {'lower' if lower else 'upper'}{' unit' if unit else ''} {word}", kind, 5, (), left, lower, unit, word, turn)  # fmt: skip
    yield system("a batch", "float64", 4, (2, 3), True, True, False, "NO_TRANSPOSE", kinds["NO_TRANSPOSE"])  # fmt: skip
    yield system("one row", "float32", 1, (), True, True, False, "NO_TRANSPOSE", kinds["NO_TRANSPOSE"])  # fmt: skip
    yield system("70 rows", "float64", 70, (), False, False, False, "TRANSPOSE", kinds["TRANSPOSE"])
    yield system("nothing", "float32", 0, (), True, True, False, "NO_TRANSPOSE", kinds["NO_TRANSPOSE"])  # fmt: skip


def system(what, kind, n, batch, left, lower, unit, word, turn) -> Case:
    a = (wide(sample((*batch, n, n), kind)) / 32 + 2 * np.eye(n)).astype(dtype(kind))
    b = sample((*batch, n, 3) if left else (*batch, 3, n), kind, 1)
    part = np.tril(wide(a)) if lower else np.triu(wide(a))
    if unit:
        part = part * (1 - np.eye(n)) + np.eye(n)
    op = turn(part)
    if left:
        x = np.linalg.solve(op, wide(b))
    else:
        x = np.linalg.solve(op.swapaxes(-1, -2), wide(b).swapaxes(-1, -2)).swapaxes(-1, -2)
    attributes = (
        f"left_side = {flag(left)}, lower = {flag(lower)}, unit_diagonal = {flag(unit)}, "
        f"transpose_a = #stablehlo<transpose {word}>"
    )
    return close(one_op(f"triangular_solve/{what}", [a, b], [np.empty(x.shape, a.dtype)], attributes), x)  # fmt: skip


def spectra() -> Iterator[Case]:
    lengths = ((1,), (2,), (3,), (4,), (7,), (12,), (16,), (17,), (60,), (64,), (97,), (100,), (211,), (256,), (360,), (1024,), (2, 3), (4, 6, 5), (8, 8))  # fmt: skip
    functions = {"FFT": np.fft.fftn, "IFFT": np.fft.ifftn, "RFFT": np.fft.rfftn}
    for n in lengths:
        axes = tuple(range(-len(n), 0))
        for word, function in functions.items():
            x = sample((2, *n), "float32" if word == "RFFT" else "complex64")
            yield spectrum(f"{word} {n}", word, x, function(wide(x), axes=axes), n)
        x = np.fft.rfftn(wide(sample((2, *n), "float32")), axes=axes).astype("complex64")
        yield spectrum(f"IRFFT {n}", "IRFFT", x, np.fft.irfftn(wide(x), n, axes), n)
    x = sample((3, 2, 12), "complex128")
    yield spectrum("in double precision", "FFT", x, np.fft.fft(x), (12,))
    x = sample((2, 30), "float64")
    yield spectrum("RFFT in double precision", "RFFT", x, np.fft.rfft(x), (30,))
    yield spectrum("no signals", "FFT", sample((0, 8), "complex64"), sample((0, 8), "complex64"), (8,))  # fmt: skip


def spectrum(what, word, x, y, n) -> Case:
    kind = {"complex64": "float32", "complex128": "float64"}.get(x.dtype.name, {"float32": "complex64", "float64": "complex128"}.get(x.dtype.name)) if "R" in word else x.dtype.name  # fmt: skip
    lengths = f"array<i64: {', '.join(map(str, n))}>"
    attributes = f"fft_type = #stablehlo<fft_type {word}>, fft_length = {lengths}"
    return close(one_op(f"fft/{what}", [x], [np.empty(y.shape, kind)], attributes), y)


def normals() -> Iterator[Case]:
    for kind in ("float32", "float64", "float16", "bfloat16"):
        for shape, axis in [((4, 3), 1), ((2, 5, 5, 3), 3), ((2, 3, 4), 1), ((6,), 0)]:
            yield from _normals(f"{kind} {shape}", kind, shape, axis)


def _normals(word, kind, shape, axis) -> Iterator[Case]:
    n, others = shape[axis], tuple(d for d in range(len(shape)) if d != axis)
    x = (wide(sample(shape, kind)) / 4).astype(dtype(kind))
    scale, offset, mean = (sample((n,), kind, seed) for seed in (1, 2, 3))
    variance = (np.abs(wide(sample((n,), kind, 4))) + 0.5).astype(dtype(kind))
    attributes = f"epsilon = 1.0e-3 : f32, feature_index = {axis} : i64"
    epsilon = float(np.float32(1e-3))
    tall = [n if d == axis else 1 for d in range(len(shape))]
    a, s, o, m, v = (wide(t).reshape(t.shape if t.ndim == len(shape) and t.shape == shape and len(shape) > 1 else tall) if t is not x else wide(t) for t in (x, scale, offset, mean, variance))  # fmt: skip
    inferred = (a - m) / np.sqrt(v + epsilon) * s + o
    yield close(one_op(f"batch_norm_inference/{word}", [x, scale, offset, mean, variance], [np.empty(shape, dtype(kind))], attributes), inferred)  # fmt: skip
    mu, var = a.mean(others, keepdims=True), a.var(others, keepdims=True)
    trained = (a - mu) / np.sqrt(var + epsilon) * s + o
    made = [np.empty(shape, dtype(kind)), np.empty(n, dtype(kind)), np.empty(n, dtype(kind))]
    yield close(one_op(f"batch_norm_training/{word}", [x, scale, offset], made, attributes), trained, mu.ravel(), var.ravel(), times=32)  # fmt: skip
    ct = sample(shape, kind, 5)
    g, deviation = wide(ct), np.sqrt(v + epsilon)
    normal = (a - m) / deviation
    to_scale = (g * normal).sum(others, keepdims=True)
    count = a.size / n
    to_x = (g - g.sum(others, keepdims=True) / count - normal * to_scale / count) * s / deviation
    yield close(one_op(f"batch_norm_grad/{word}", [x, scale, mean, variance, ct], made, attributes), to_x, to_scale.ravel(), g.sum(others).ravel(), times=32)  # fmt: skip
