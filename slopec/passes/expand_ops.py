"""Ops that IREE lacks become ops that it has: what is derived through others, linear algebra, FFT.

What a rule of differentiation rewrites before it derives (`transforms/rules`) is rewritten in the
same way here, in what is not differentiated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from slopec import ir, tracing
from slopec.passes import factorizations, fourier
from slopec.passes.collectives import COLLECTIVES
from slopec.tensor import Tensor
from slopec.tracing import Trace
from slopec.transforms.expand import expand
from slopec.transforms.ranges import known
from slopec.transforms.rule import Point, rewrites


@dataclass(frozen=True)
class ExpandOps:
    """cholesky(a) → loops and products; also triangular_solve, fft, batch_norm_grad, einsum …"""

    name: ClassVar[str] = "expand-ops"

    def run(self, module: ir.Module) -> None:
        """Rewrite every op of `module` that there is a way to write with others."""
        table = {**rewrites(), **_EXPANSIONS, **COLLECTIVES}
        for function in ir.functions(module):
            if not ir.has_body(function):
                continue
            where = Trace(module, ir.body_of(function), None, function=function)
            with tracing.writing(where):
                expand(function, where, table)


def _cholesky(point: Point) -> Sequence[Tensor]:
    return [factorizations.cholesky(point.operands[0], lower=bool(point.attribute("lower").value))]


def _triangular_solve(point: Point) -> Sequence[Tensor]:
    a, b = point.operands
    left, lower, unit = (
        bool(point.attribute(name).value) for name in ("left_side", "lower", "unit_diagonal")
    )
    kind = str(point.attribute("transpose_a"))
    word = next(w for w in ("NO_TRANSPOSE", "TRANSPOSE", "ADJOINT") if w in kind)
    solved = factorizations.triangular_solve(
        a, b, left_side=left, lower=lower, unit_diagonal=unit, transpose_a=word
    )
    return [solved]


def _fft(point: Point) -> Sequence[Tensor] | None:
    (x,) = point.operands
    lengths = point.ints("fft_length")
    kind = str(point.attribute("fft_type"))
    word = next(w for w in ("IRFFT", "RFFT", "IFFT", "FFT") if w in kind)
    if not x.size:
        return None
    return [fourier.fft(x, word, lengths)]


def _whole(point: Point) -> Sequence[Tensor] | None:
    """A size that is set to what it is."""
    x, size = point.operands[0], known(point.op.operands[1])
    full = x.shape[int(point.attribute("dimension"))]
    return [x] if size is not None and int(size) == full else None


_EXPANSIONS = {
    "stablehlo.set_dimension_size": _whole,
    "stablehlo.cholesky": _cholesky,
    "stablehlo.triangular_solve": _triangular_solve,
    "stablehlo.fft": _fft,
}
