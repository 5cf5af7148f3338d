"""Fourier transforms against NumPy's definition in JAX, of even, odd and prime lengths."""

import numpy as np
import pytest

import slopec as sp
from slopec.diagnostics import ShapeError, UsageError
from tests.ops.harness import Case, check, integers, normal, same

REAL, COMPLEX = normal(3, 7), normal(3, 6, dtype="complex64")


def transform(name, **options):
    return lambda np, x: getattr(np.fft, name)(x, **options)


CASES = tuple(
    [
        Case(f"{name} {n} {axis} {norm}", transform(name, n=n, axis=axis, norm=norm), (x,), looser=10)
        for name, x in (("fft", COMPLEX), ("ifft", COMPLEX), ("rfft", REAL), ("irfft", COMPLEX), ("hfft", COMPLEX), ("ihfft", REAL))
        for n, axis, norm in ((None, -1, "backward"), (8, 0, "ortho"), (5, 1, "forward"))
    ]
    + [Case(f"{name} of real", transform(name), (REAL,), looser=10) for name in ("fft", "ifft", "irfft", "hfft", "fftn", "ifftn", "irfftn")]
    + [
        Case(f"{name} {s} {axes}", transform(name, s=s, axes=axes, norm="ortho"), (x,), looser=10)
        for name, x in (("fftn", normal(2, 3, 4, dtype="complex64")), ("ifftn", normal(2, 3, 4, dtype="complex64")), ("rfftn", normal(2, 3, 4)), ("irfftn", normal(2, 3, 4, dtype="complex64")))
        for s, axes in ((None, None), ((4, 5), (0, 2)), ((2, 6), (-2, -1)))
    ]
    + [
        Case("fft2", lambda np, x: (np.fft.fft2(x), np.fft.ifft2(x)), (normal(2, 3, 4),), looser=10),
        Case("two axes", lambda np, x: (np.fft.rfft2(x), np.fft.irfft2(x), np.fft.fft2(x, axes=(0, 1)), np.fft.irfft2(np.fft.rfft2(x, (3, 5), (0, 2), norm="ortho"), (3, 5), (0, 2), "ortho")), (normal(2, 3, 4),), looser=10),
        Case("hfftn", lambda np, x: (np.fft.hfftn(x, (3, 5), (0, 2)), np.fft.hfft2(x * (1 + 2j), norm="ortho")), (normal(2, 3, 4),), looser=10, reference=lambda np, x: (np.fft.irfftn(np.conj(x), (3, 5), (0, 2), "forward"), np.fft.irfft2(x * (1 - 2j), norm="ortho"))),
        Case("ihfftn", lambda np, x: (np.fft.ihfftn(x, (3, 5), (0, 2)), np.fft.ihfft2(x, norm="forward")), (normal(2, 3, 4),), looser=10, reference=lambda np, x: (np.conj(np.fft.rfftn(x, (3, 5), (0, 2), "forward")), np.conj(np.fft.rfft2(x)))),
        Case("fft of integers", transform("fft"), (integers(6),), looser=10),
        Case("shifts", lambda np, x: (np.fft.fftshift(x), np.fft.ifftshift(x), np.fft.fftshift(x, axes=1), np.fft.ifftshift(x, axes=(0,))), (REAL,)),
        Case("frequencies", lambda np, x: (np.fft.fftfreq(6, d=0.5), np.fft.fftfreq(7), np.fft.rfftfreq(6), np.fft.rfftfreq(7, d=2.0)), (REAL,)),
    ]
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_fft(case):
    check(case, CASES)


def test_double_precision_is_kept():
    x = normal(9, dtype="float64")

    same(sp.fft.fft(x), np.fft.fft(x), 10)
    same(sp.fft.irfft(sp.fft.rfft(x), n=9), x, 10)


def test_mistakes():
    with pytest.raises(ShapeError, match="0 points along axis 0"):
        sp.fft.fft(sp.zeros(0))
    with pytest.raises(UsageError, match="expected real elements"):
        sp.fft.rfft(sp.zeros(3, dtype="complex64"))
    with pytest.raises(UsageError, match="norm is"):
        sp.fft.fft(sp.zeros(3), norm="none")
