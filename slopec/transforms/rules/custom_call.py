"""Custom calls that frameworks are known to make, as the ops that they stand for."""

import re
from collections.abc import Callable, Sequence

from slopec import hlo, ir, tracing
from slopec.dialects import chlo
from slopec.tensor import Tensor
from slopec.transforms.rule import Point, rewritten


@rewritten(
    "stablehlo.custom_call",
    why="calls a target whose derivative is not known",
    hint="wrap the call in `sp.custom_jvp` or `sp.custom_vjp`, or export the program for the "
    "platform `tpu`, whose StableHLO makes few such calls",
)
def _custom_call(point: Point) -> Sequence[Tensor] | None:
    from slopec.reference.custom import IDENTITIES

    target = ir.string_in(point.op, "call_target_name")
    if target in IDENTITIES:
        x = point.operands[0]
        same = (x.shape, x.dtype) == (point.result.shape, point.result.dtype)
        return [x] if same else None
    prefix, _, name = target.partition(".")
    if prefix in ("mhlo", "chlo"):
        return _packed(point, "chlo.top_k" if name in ("topk", "top_k") else f"chlo.{name}")
    for pattern, rewrite in _LIBRARIES.items():
        if re.fullmatch(pattern, target):
            return rewrite(point)
    return None


def _packed(point: Point, name: str) -> Sequence[Tensor] | None:
    """A CHLO op that was packed as a call, its attributes beside it."""
    if name not in chlo.OPERANDS:
        return None
    attributes = point.entries("mhlo.attributes")
    if str(attributes.pop("largest", "true")) != "true":
        return None
    results = [(r.shape, r.dtype) for r in point.results]
    return tracing.emit_many(name, point.operands, results, attributes)[1]


def _option(point: Point, name: str) -> str:
    """A letter among the call's options: LAPACK's for side, triangle, transpose and diagonal."""
    return chr(int(point.entries("mhlo.backend_config")[name]))


def _potrf(point: Point) -> Sequence[Tensor]:
    """A Cholesky factor, and that it exists: where it does not, it holds NaN."""
    options = point.entries("mhlo.backend_config")
    lower = _option(point, "uplo") == "L" if "uplo" in options else bool(options["lower"])
    factor, info = hlo.cholesky(point.operands[0], lower=lower), point.results[1]
    return [factor, hlo.zeros_like(info)]


def _trsm(point: Point) -> Sequence[Tensor]:
    """The solution of a triangular system."""
    kinds = {"N": "NO_TRANSPOSE", "T": "TRANSPOSE", "C": "ADJOINT"}
    solution = hlo.triangular_solve(
        *point.operands,
        left_side=_option(point, "side") == "L",
        lower=_option(point, "uplo") == "L",
        unit_diagonal=_option(point, "diag") == "U",
        transpose_a=kinds[_option(point, "trans_x")],
    )
    return [solution]


_LIBRARIES: dict[str, Callable[[Point], Sequence[Tensor] | None]] = {
    r"(lapack_[sdcz]|cusolver_|hipsolver_)potrf(_ffi)?": _potrf,
    r"lapack_[sdcz]trsm_ffi": _trsm,
}
