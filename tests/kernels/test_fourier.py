"""Fourier transforms by kernels equal NumPy's, of lengths and layouts of every kind."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export

import slopec as sp
from slopec import dtypes, ir
from slopec.emit import emit
from slopec.kernels import fourier
from slopec.kernels.hardware import Vectors
from tests.kernels.run import ON_X86, TARGETS, legal, placed, run

RNG = np.random.default_rng(0)


def real(*shape):
    return RNG.standard_normal(shape)


def pairs(*shape):
    return real(*shape) + 1j * real(*shape)


# A row has one stage or several, vectors that overlap at its end, rooms beside the stack; a prime
# factor that butterflies have, or a larger one. Columns fill vectors, or do not.
CASES = (
    *[("fft", pairs(3, n), {}) for n in (16, 60, 91, 143, 1024, 4096, 85, 106, 509)],
    *[("ifft", pairs(5, n), {}) for n in (48, 1000, 67)],
    *[("rfft", real(3, n), {}) for n in (32, 200, 1024, 202)],
    *[("irfft", pairs(3, n // 2 + 1), {"n": n}) for n in (32, 56, 200, 1024, 1018)],
    *[("fft2", pairs(2, *shape), {}) for shape in ((6, 20), (1, 16), (128, 67), (49, 28))],
    ("ifft2", pairs(12, 20), {}),
    ("rfftn", real(4, 15, 32), {}),
    ("irfftn", pairs(9, 6, 17), {}),
)


@pytest.mark.parametrize("kind", ["FFT", "IFFT", "RFFT", "IRFFT"])
@pytest.mark.parametrize("n", [0, 1, 2, 3, fourier._LONGEST + 2])
def test_rows_too_short_or_too_long_are_left_alone(kind, n):
    assert fourier.of_rows(kind, 5, n, dtypes.complex64, Vectors(64, 32)) is None


@ON_X86
@pytest.mark.parametrize("width", [4, 8])
def test_transforms(width):
    given = [x.astype(f"{x.dtype.kind}{width * (1 + (x.dtype.kind == 'c'))}") for _, x, _ in CASES]

    def main(*given):
        return [getattr(jnp.fft, f)(x, **o) for (f, _, o), x in zip(CASES, given, strict=True)]

    with jax.enable_x64(True):
        ours = sp.from_stablehlo(export.export(jax.jit(main))(*given).mlir_module())
    module = legal(ours, given)
    text = placed(module)
    assert "stablehlo.multiply" not in text  # but calls of kernels, there is nothing to compute
    for target in TARGETS if width == 4 else TARGETS[:1]:
        results = run(emit(ir.bytecode(module), target), *given)
        for (f, _, options), x, got in zip(CASES, given, results, strict=True):
            wanted = getattr(np.fft, f)(x.astype(f"{x.dtype.kind}{8 * (1 + (x.dtype.kind == 'c'))}"), **options)  # fmt: skip
            error = np.linalg.norm(got - wanted) / np.linalg.norm(wanted)
            assert error < 4 * np.finfo(f"f{width}").eps, (f, x.shape)


@pytest.mark.parametrize("n", [2, 7, 22, 61, 1 << 17])
def test_what_is_no_kernel(n):
    """Rows of few points, which are products of matrices, and of very many."""
    assert fourier.of_rows("FFT", 4, n, dtypes.complex64, Vectors(32, 16)) is None
