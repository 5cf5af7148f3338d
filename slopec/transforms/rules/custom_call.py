"""Custom calls that frameworks are known to make, as the ops that they stand for."""

import re
from collections.abc import Callable, Sequence

from slopec import dtypes, hlo, ir, tracing
from slopec.dialects import chlo
from slopec.tensor import Tensor
from slopec.transforms.body import binary_kind, replay
from slopec.transforms.inline import named_by_calls
from slopec.transforms.ranges import known
from slopec.transforms.rule import Point, rewritten
from slopec.transforms.windows import Windows


@rewritten(
    "stablehlo.custom_call",
    why="calls a target whose derivative is not known",
    hint="wrap the call in `sp.custom_jvp` or `sp.custom_vjp`, or export the program for the "
    "platform `tpu`, whose StableHLO makes few such calls",
)
def _custom_call(point: Point) -> Sequence[Tensor] | None:
    from slopec.reference.custom import IDENTITIES, OF_CHLO, SIZED

    target = ir.string_in(point.op, "call_target_name")
    if target == "shape_assertion":  # it holds where shapes are static
        return []
    if target in IDENTITIES:
        x = point.operands[0]
        same = (x.shape, x.dtype) == (point.result.shape, point.result.dtype)
        return [x] if same else None
    if target.startswith(SIZED) and target in OF_CHLO:
        x = point.operands[0]
        return [tracing.emit(OF_CHLO[target], [x], x.shape, x.dtype)]
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
        return _smallest(point, attributes)
    results = [(r.shape, r.dtype) for r in point.results]
    return tracing.emit_many(name, point.operands, results, attributes)[1]


def _smallest(point: Point, attributes: ir.Attributes) -> Sequence[Tensor]:
    """The largest of the same numbers in the reverse order."""
    (x,) = point.operands
    turn = hlo.negate if dtypes.is_floating(x.dtype) else hlo.not_
    results = [(r.shape, r.dtype) for r in point.results]
    values, places = tracing.emit_many("chlo.top_k", [turn(x)], results, attributes)[1]
    return [turn(values), places]


def _top_k(point: Point) -> Sequence[Tensor]:
    """As many as there are in the results."""
    results = [(r.shape, r.dtype) for r in point.results]
    count = {"k": ir.i64(point.results[0].shape[-1])}
    return tracing.emit_many("chlo.top_k", point.operands[:1], results, count)[1]


def _threefry(point: Point) -> Sequence[Tensor] | None:
    """Pairs of words encrypted with pairs of keys (Salmon, Moraes, Dror, Shaw, "Parallel random
    numbers: as easy as 1, 2, 3", 2011).
    """
    if len(point.operands) != 4:
        return None
    first, second, x, y = point.operands
    parity = hlo.full_like(first, 0x1BD11BDA)
    keys = [first, second, hlo.xor(hlo.xor(first, second), parity)]
    x, y = hlo.add(x, keys[0]), hlo.add(y, keys[1])
    for group in range(5):
        for distance in ((13, 15, 26, 6), (17, 29, 16, 24))[group % 2]:
            x = hlo.add(x, y)
            left = hlo.shift_left(y, hlo.full_like(y, distance))
            right = hlo.shift_right_logical(y, hlo.full_like(y, 32 - distance))
            y = hlo.xor(hlo.or_(left, right), x)
        x = hlo.add(x, keys[(group + 1) % 3])
        y = hlo.add(hlo.add(y, keys[(group + 2) % 3]), hlo.full_like(y, group + 1))
    return [x, y]


def _approximate_top_k(point: Point) -> Sequence[Tensor]:
    """The first after a sort by the function that the call names: exact, which is allowed.

    They are as many as the results take: more than asked for, where the program picks among them.
    """
    dim = int(point.entries("mhlo.backend_config")["reduction_dim"])
    block = _named(point)
    xs = point.operands[: len(point.results)]
    found = hlo.sort(xs, lambda *pairs: replay(block, pairs)[0], dim)
    return [hlo.slice_(x, [0] * x.ndim, point.results[0].shape) for x in found]


def _named(point: Point) -> ir.Block:
    """The body of the only function that the call names."""
    (name,) = named_by_calls(point.op)
    return ir.body_of(ir.function(point.trace.module, name))


def _generated(point: Point) -> Sequence[Tensor]:
    """As many random bits as there are in the result."""
    results = [(r.shape, r.dtype) for r in point.results]
    facts = {"rng_algorithm": point.attribute("rng_algorithm")}
    return tracing.emit_many("stablehlo.rng_bit_generator", point.operands[:1], results, facts)[1]


def _windowed(point: Point) -> Sequence[Tensor] | None:
    """A fold over windows whose sizes are operands."""
    kind = binary_kind(_named(point))
    sizes = [known(value) for value in list(point.op.operands)[-5:]]
    given = [array for array in sizes if array is not None]
    if len(point.results) != 1 or kind is None or len(given) < len(sizes):
        return None
    x, init = point.operands[:2]
    w = Windows.said(x.shape, given)
    where = (w.window, w.strides, w.padding, w.base, w.dilation)
    return [hlo.reduce_window(x, init, kind, *where)]


_LIBRARIES: dict[str, Callable[[Point], Sequence[Tensor] | None]] = {
    r"ApproxTopK": _approximate_top_k,
    r"TopK|stablehlo\.dynamic_top_k": _top_k,
    r"stablehlo\.dynamic_reduce_window": _windowed,
    r"stablehlo\.dynamic_rng_bit_generator": _generated,
    r"(cu|hip)_threefry2x32(_ffi)?": _threefry,
}
