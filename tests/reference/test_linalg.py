"""Cholesky factors, triangular systems and Fourier transforms, against XLA.

JAX lowers the first two to LAPACK calls on the CPU, so their StableHLO is taken from the lowering
for another platform and the results from the CPU.
"""

from functools import partial

import numpy as np
import pytest
from jax import lax

from tests.reference.harness import Group, run, same, sample

LINALG = Group(platform="tpu")


def positive(shape: tuple[int, ...], name: str) -> np.ndarray:
    x = sample(shape, name, scale=1.0)
    return x @ np.conj(np.swapaxes(x, -1, -2)) + shape[-1] * np.eye(shape[-1], dtype=x.dtype)


for _dtype in ("float32", "float64", "complex64", "complex128"):
    for _shape in [(4, 4), (2, 3, 5, 5), (0, 0), (1, 1)]:
        LINALG.add(f"cholesky {_dtype} {_shape}", lax.linalg.cholesky, positive(_shape, _dtype))
    for _left in (True, False):
        for _lower in (True, False):
            for _transpose, _conjugate in [(False, False), (True, False), (True, True)]:
                _unit = _lower != _transpose
                LINALG.add(
                    f"solve {_dtype} {_left} {_lower} {_transpose} {_conjugate}",
                    partial(
                        lax.linalg.triangular_solve,
                        left_side=_left,
                        lower=_lower,
                        transpose_a=_transpose,
                        conjugate_a=_conjugate,
                        unit_diagonal=_unit,
                    ),
                    sample((2, 4, 4), _dtype, 1, 0.5) + 3 * np.eye(4, dtype=_dtype),
                    sample((2, 4, 3) if _left else (2, 3, 4), _dtype, 2),
                )

FOURIER = Group()
for _real, _complex in [("float32", "complex64"), ("float64", "complex128")]:
    FOURIER.add(
        f"fft {_complex}",
        partial(lax.fft, fft_type="FFT", fft_lengths=(6,)),
        sample((3, 6), _complex),
    )
    FOURIER.add(
        f"ifft {_complex}",
        partial(lax.fft, fft_type="IFFT", fft_lengths=(4, 6)),
        sample((2, 4, 6), _complex),
    )
    for _n in (7, 8):
        FOURIER.add(
            f"rfft {_real} {_n}",
            partial(lax.fft, fft_type="RFFT", fft_lengths=(3, _n)),
            sample((2, 3, _n), _real),
        )
        FOURIER.add(
            f"irfft {_real} {_n}",
            lambda x, n=_n: lax.fft(lax.fft(x, "RFFT", (n,)), "IRFFT", (n,)),
            sample((2, _n), _real),
        )


@pytest.mark.parametrize("name", list(LINALG.cases))
def test_linalg(name: str) -> None:
    LINALG.check(name, 2e-5 if "float32" in name or "complex64" in name else 1e-12)


@pytest.mark.parametrize("name", list(FOURIER.cases))
def test_fft(name: str) -> None:
    FOURIER.check(name, 2e-5 if "float32" in name or "complex64" in name else 1e-12)


def cholesky_text(lower: str, kind: str = "tensor<2x3x3xf64>") -> str:
    return f"""func.func @main(%a: {kind}) -> {kind} {{
      %0 = "stablehlo.cholesky"(%a) {{lower = {lower}}} : ({kind}) -> {kind}
      return %0 : {kind} }}"""


def test_an_upper_factor_reads_only_the_upper_triangle() -> None:
    a = positive((2, 3, 3), "float64")
    spoiled = np.triu(a) + np.tril(np.full_like(a, 99), -1)
    (upper,) = run(cholesky_text("false"), spoiled)
    same(np.swapaxes(upper, 1, 2) @ upper, a)
    assert not np.tril(upper, -1).any()


def test_only_the_matrix_that_is_not_positive_definite_becomes_nan() -> None:
    a = positive((2, 3, 3), "float64")
    (factor,) = run(cholesky_text("true"), np.stack([a[0], -a[1]]))
    same(factor[0], np.linalg.cholesky(a[0]))
    assert np.isnan(np.tril(factor[1])[np.tril_indices(3)]).all()
