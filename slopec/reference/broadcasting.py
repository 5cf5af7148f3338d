"""CHLO's broadcasting ops: the plain op after NumPy's broadcasting or an explicit placement."""

from slopec import ir
from slopec.reference.table import SUPPORTED, Array, Kernel, Scope, attribute, scoped_rule

_OF_STABLEHLO = (
    "add and atan2 compare complex divide maximum minimum multiply or power remainder select "
    "shift_left shift_right_arithmetic shift_right_logical subtract xor"
).split()
_OF_CHLO = ("next_after", "polygamma", "zeta")

PLAIN = {f"chlo.broadcast_{name}": f"stablehlo.{name}" for name in _OF_STABLEHLO} | {
    f"chlo.broadcast_{name}": f"chlo.{name}" for name in _OF_CHLO
}
"""The op that each broadcasting op is after its operands are broadcast."""


@scoped_rule(*PLAIN)
def broadcasting(op: ir.Operation, scope: Scope) -> Kernel:
    """The plain op; `broadcast_dimensions` places the dimensions of the operand of lower rank."""
    plain = SUPPORTED[PLAIN[op.name]](op, scope)
    places: tuple[int, ...] | None = attribute(op, "broadcast_dimensions")
    if places is None:
        return plain

    def kernel(*operands: Array) -> Array:
        rank = max(x.ndim for x in operands)
        aligned = (x if x.ndim == rank else placed(x, places, rank) for x in operands)
        result: Array = plain(*aligned)
        return result

    return kernel


def placed(x: Array, places: tuple[int, ...], rank: int) -> Array:
    """`x` with its dimensions put at `places` among `rank`, and size 1 elsewhere."""
    order = sorted(range(x.ndim), key=lambda d: places[d])
    shape = [1] * rank
    for d in order:
        shape[places[d]] = x.shape[d]
    return x.transpose(order).reshape(shape)
