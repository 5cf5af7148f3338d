"""Fourier transforms: NumPy's, in the precision of the op's type."""

from typing import Any

import numpy as np

from slopec import ir
from slopec.reference.table import Array, Kernel, attribute, result_dtype, rule

_TRANSFORMS = {"FFT": "fftn", "IFFT": "ifftn", "RFFT": "rfftn", "IRFFT": "irfftn"}


@rule("stablehlo.fft")
def fft(op: ir.Operation) -> Kernel:
    """A forward or inverse, complex or real transform of the last dimensions."""
    # NumPy loads its transforms when they are first asked for.
    transform: Any = getattr(np.fft, _TRANSFORMS[attribute(op, "fft_type")])
    lengths, dtype = attribute(op, "fft_length"), result_dtype(op)
    axes = tuple(range(-len(lengths), 0))

    def kernel(x: Array) -> Array:
        result: Array = transform(x, lengths, axes).astype(dtype, copy=False)
        return result

    return kernel
