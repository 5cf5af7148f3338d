"""Ops that IREE lacks become ops that it has: what is derived through others, linear algebra, FFT.

What a rule of differentiation rewrites before it derives (`transforms/rules`) is rewritten in the
same way here, in what is not differentiated.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from slopec import dtypes, hlo, ir, tracing
from slopec.dialects import calls
from slopec.dialects.attributes import ConvDimensionNumbers, DotDimensionNumbers
from slopec.passes import factorizations, fourier
from slopec.passes.collectives import COLLECTIVES
from slopec.tensor import Tensor
from slopec.tracing import Trace
from slopec.transforms.expand import expand
from slopec.transforms.ranges import known
from slopec.transforms.rule import Point, Rewrite, rewrites


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
    return [factorizations.cholesky(point.operands[0], lower=point.flag("lower"))]


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


def _pad(point: Point) -> Sequence[Tensor] | None:
    """What negative padding cuts off is cut off first, where gaps come between the elements."""
    x, value = point.operands
    low, high = list(point.ints("edge_padding_low")), list(point.ints("edge_padding_high"))
    steps = [gap + 1 for gap in point.ints("interior_padding")]
    if min((*low, *high), default=0) >= 0 or max(steps) == 1:
        return None
    starts = [-(min(a, 0) // step) for a, step in zip(low, steps, strict=True)]
    stops = [n + min(b, 0) // step for n, b, step in zip(x.shape, high, steps, strict=True)]
    if any(stop <= start for start, stop in zip(starts, stops, strict=True)):
        return [hlo.broadcast_in_dim(value, point.results[0].shape, ())]
    for d, step in enumerate(steps):
        low[d] += starts[d] * step
        high[d] += (x.shape[d] - stops[d]) * step
    return [hlo.pad(hlo.slice_(x, starts, stops), value, low, high, [n - 1 for n in steps])]


def _convolution(point: Point) -> Sequence[Tensor] | None:
    """Without places to go to, a convolution is a product, in groups of features or of samples."""
    n = ConvDimensionNumbers.parse(point.attribute("dimension_numbers"))
    if n.input_spatial:
        return None
    groups = int(point.attribute("batch_group_count")), int(point.attribute("feature_group_count"))
    x = hlo.transpose(point.operands[0], (n.input_batch, n.input_feature))
    k = hlo.transpose(point.operands[1], (n.kernel_input_feature, n.kernel_output_feature))
    parts = [(size // count, count) for size, count in zip(x.shape, groups, strict=True)]
    (samples, by_sample), (inner, by_feature) = parts
    x = hlo.reshape(x, (by_sample, samples, by_feature, inner))
    k = hlo.reshape(k, (inner, by_sample, by_feature, k.shape[1] // (by_sample * by_feature)))
    numbers = DotDimensionNumbers((0, 2), (1, 2), (3,), (0,))
    made = hlo.transpose(hlo.dot_general(x, k, numbers, point.result.dtype), (2, 0, 1, 3))
    made = hlo.reshape(made, (samples, math.prod(made.shape[1:])))
    return [made if n.output_batch == 0 else hlo.transpose(made, (1, 0))]


def _used(point: Point, *places: int) -> bool:
    return any(True for i in places for _ in point.op.results[i].uses)


def _is_full(tensor: Tensor) -> bool:
    return tensor.shape[-1] == tensor.shape[-2]


def _wide(compute: Callable[[Point, Tensor], Sequence[Tensor]]) -> Rewrite:
    """A factorization in single precision at least, as LAPACK has none of less."""

    def rewrite(point: Point) -> Sequence[Tensor]:
        a = point.operands[0]
        low = dtypes.is_floating(a.dtype) and a.dtype.itemsize < 4
        found = compute(point, hlo.convert(a, dtypes.float32) if low else a)
        return [hlo.convert(x, r.dtype) for x, r in zip(found, point.results, strict=True)]

    return rewrite


def _householder_product(point: Point, packed: Tensor) -> Sequence[Tensor]:
    taus = hlo.convert(point.operands[1], packed.dtype)
    return [factorizations.householder_product(packed, taus, packed.shape[-1])]


def _svd(point: Point, a: Tensor) -> Sequence[Tensor]:
    u, _, vh = point.results
    full = _is_full(u) and _is_full(vh)
    return factorizations.svd(a, full=full, vectors=_used(point, 0, 2))


_EXPANSIONS = {
    "slopec.lu": _wide(lambda _, a: factorizations.lu(a)),
    "slopec.householder": _wide(lambda _, a: factorizations.householder(a)),
    "slopec.householder_product": _wide(_householder_product),
    "slopec.qr": _wide(lambda point, a: factorizations.qr(a, full=_is_full(point.results[0]))),
    "slopec.eig": _wide(lambda point, a: factorizations.eig(a, vectors=_used(point, 1))),
    "slopec.eigh": _wide(lambda _, a: factorizations.eigh(a)),
    "slopec.svd": _wide(_svd),
    **dict.fromkeys(calls.QUANTILES, lambda point: [point.operands[0]]),
    "stablehlo.convolution": _convolution,
    "stablehlo.pad": _pad,
    "stablehlo.set_dimension_size": _whole,
    "stablehlo.cholesky": _cholesky,
    "stablehlo.triangular_solve": _triangular_solve,
    "stablehlo.fft": _fft,
}
