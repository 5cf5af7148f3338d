"""Which routines of a module (`slopec.passes.routines`) become kernels."""

from collections.abc import Callable, Collection

import numpy as np

from slopec import dtypes, ir
from slopec.dtypes import DType
from slopec.kernels import fourier, largest, radix
from slopec.kernels.eliminations import lu
from slopec.kernels.hardware import Vectors
from slopec.kernels.kernel import Kernel, call
from slopec.kernels.reflections import householder, householder_product
from slopec.kernels.rotations import Patience, orthogonalize
from slopec.kernels.triangles import System, cholesky, solve
from slopec.passes.factorizations.jacobi import SWEEPS, tolerance
from slopec.passes.routines import KERNEL
from slopec.transforms.inline import callee

Make = Callable[[ir.Operation, Vectors], Kernel | None]


def place(module: ir.Module, op: ir.Operation, vectors: Vectors) -> bool:
    """Put a kernel where a routine is called, if there is one for it; whether it did."""
    function = callee(op)
    if function is None or KERNEL not in function.attributes:
        return False
    make, types = _MAKERS[ir.string_in(function, KERNEL)]
    kernel = None
    if all(ir.type_of(value)[1] in types for value in op.operands):
        kernel = make(function, vectors)
    if kernel is None:
        return False
    made = call(kernel, list(op.operands), module, op)
    for old, new in zip(op.results, made, strict=False):  # what follows is scratch memory
        old.replace_all_uses_with(new)
    return True


def _cholesky(function: ir.Operation, vectors: Vectors) -> Kernel:
    ((batch, n, _), dtype) = ir.shape_and_dtype(ir.function_type(function)[0][0])
    return cholesky(batch, n, dtype, vectors)


def _solve(function: ir.Operation, vectors: Vectors) -> Kernel:
    right = ir.function_type(function)[0][1]
    ((batch, n, columns), dtype) = ir.shape_and_dtype(right)
    holds = {
        name: bool(function.attributes[f"slope.{name}"].value)
        for name in ("lower", "transposed", "unit")
    }
    return solve(System(batch, n, columns, dtype, **holds), vectors)


def _by_type(kernel: Callable[..., Kernel | None]) -> Make:
    """By a kernel that wants to know the first operand's sizes and type alone."""

    def make(function: ir.Operation, vectors: Vectors) -> Kernel | None:
        shape, dtype = ir.shape_and_dtype(ir.function_type(function)[0][0])
        return kernel(*shape, dtype, vectors)

    return make


def _householder_product(function: ir.Operation, vectors: Vectors) -> Kernel:
    given, made = ir.function_type(function)
    ((batch, rows, count), dtype) = ir.shape_and_dtype(given[0])
    ((*_, columns), _) = ir.shape_and_dtype(made[0])
    return householder_product(batch, rows, count, columns, dtype, vectors)


def _orthogonalize(function: ir.Operation, vectors: Vectors) -> Kernel:
    given, made = ir.function_type(function)
    ((batch, n, _), dtype) = ir.shape_and_dtype(given[0])
    patience = Patience(float(np.finfo(dtype).eps), tolerance(n, dtype), SWEEPS)
    return orthogonalize(batch, n, dtype, vectors, patience, product=len(made) == 2)


def _largest(function: ir.Operation, vectors: Vectors) -> Kernel | None:
    ((count, n), dtype) = ir.shape_and_dtype(ir.function_type(function)[0][0])
    k = int(function.attributes["slope.k"].value)
    return largest.largest(count, n, k, dtype, vectors) if 0 < k <= largest.MOST else None


def _fourier_columns(function: ir.Operation, vectors: Vectors) -> Kernel | None:
    ((outer, n, inner), dtype) = ir.shape_and_dtype(ir.function_type(function)[0][0])
    inverse = bool(function.attributes["slope.inverse"].value)
    return fourier.of_columns((outer, n, inner), dtype, vectors, inverse=inverse)


def _fourier_rows(kind: str) -> Make:
    def make(function: ir.Operation, vectors: Vectors) -> Kernel | None:
        given, made = (ir.shape_and_dtype(types[0]) for types in ir.function_type(function))
        real = made if kind == "IRFFT" else given
        ((rows, n), _) = real
        dtype = dtypes.complex_of(given[1])
        return fourier.of_rows(kind, rows, n, dtype, vectors)

    return make


_FLOATS = (dtypes.float32, dtypes.float64)
_COMPLEX = (dtypes.complex64, dtypes.complex128)

_MAKERS: dict[str, tuple[Make, Collection[DType]]] = {
    "cholesky": (_cholesky, _FLOATS),
    "fft": (_fourier_rows("FFT"), _COMPLEX),
    "fft_columns": (_fourier_columns, _COMPLEX),
    "householder": (_by_type(householder), _FLOATS),
    "householder_product": (_householder_product, _FLOATS),
    "ifft": (_fourier_rows("IFFT"), _COMPLEX),
    "irfft": (_fourier_rows("IRFFT"), _COMPLEX),
    "largest": (_largest, largest.TYPES),
    "lu": (_by_type(lu), _FLOATS),
    "order": (_by_type(radix.order), radix.TYPES),
    "orthogonalize": (_orthogonalize, _FLOATS),
    "rfft": (_fourier_rows("RFFT"), _FLOATS),
    "triangular_solve": (_solve, _FLOATS),
}
"""What makes the kernel of a routine, and the types of the numbers that it is for."""
