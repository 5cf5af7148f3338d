"""Programs that no target compiles are refused here, in the words of the user's program.

What IREE would say speaks of its own forms; some things it does not refuse but computes wrongly.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from slopec import ir
from slopec.diagnostics import CompileError, did_you_mean


@dataclass(frozen=True)
class Refuse:
    """op → error S0302, for ops that have no meaning in a compiled program, or no lowering."""

    name: ClassVar[str] = "refuse"

    def run(self, module: ir.Module) -> None:
        """Raise CompileError (S0302) for the first such op of `module`."""
        for op in ir.ops_in(module):
            error = _error(op)
            if error is not None:
                raise error


def _error(op: ir.Operation) -> CompileError | None:
    if any(_is_quantized(value.type) for value in (*op.operands, *op.results)):
        return _refusal(op, *_QUANTIZED)
    why = _REASONS.get(op.name)
    if why is None:
        return None
    return _refusal(op, *(why(op) if callable(why) else why))


@lru_cache(maxsize=4096)
def _is_quantized(type_: ir.Type) -> bool:
    return "!quant." in str(type_)


def _refusal(op: ir.Operation, why: str, hint: str) -> CompileError:
    said = f"`{op.name}` cannot be compiled: {why}"
    return CompileError("S0302", said, span=ir.span_of(op), hint=hint)


def _unknown_call(op: ir.Operation) -> tuple[str, str]:
    from slopec.reference.custom import IDENTITIES, OF_CHLO

    target = ir.string_in(op, "call_target_name")
    meant = did_you_mean(target, [*IDENTITIES, *OF_CHLO])
    advice = "export the program for the platform `tpu`, whose StableHLO makes few custom calls"
    return f"nothing is known of the target @{target}", meant or advice


_ARGUMENTS = "make what goes in an argument, and what comes out a result, of the function"
_QUANTIZED = (
    "nothing computes with quantized types",
    "keep the integers in tensors of integers, and multiply by the scale where numbers are needed",
)
_SIZES = (
    "its sizes are known only at run time",
    "export the program for the shapes that it will be called with",
)
_HOST = ("there is no host that the running program talks to", _ARGUMENTS)
_PEER = ("there is no other process that the running program talks to", _ARGUMENTS)
_HIDDEN = (
    "its state is out of sight, and a compiled program keeps none",
    "pass a state on: `stablehlo.rng_bit_generator` takes one, in slopec `sp.random`",
)
_LATER = ("there is nothing that runs beside a program", "call the function directly")
_COMPARATOR = (
    "its comparator does more than compute with scalars",
    "compute a key for every element before, and sort by that",
)
_REASONS: dict[str, tuple[str, str] | Callable[[ir.Operation], tuple[str, str]]] = {
    "stablehlo.infeed": _HOST,
    "stablehlo.outfeed": _HOST,
    "stablehlo.rng": _HIDDEN,
    "stablehlo.send": _PEER,
    "stablehlo.recv": _PEER,
    "stablehlo.async_start": _LATER,
    "stablehlo.async_done": _LATER,
    "stablehlo.custom_call": _unknown_call,
    "stablehlo.sort": _COMPARATOR,
    "stablehlo.dynamic_reshape": _SIZES,
    "stablehlo.dynamic_pad": _SIZES,
    "stablehlo.dynamic_gather": _SIZES,
    "stablehlo.dynamic_conv": _SIZES,
    "stablehlo.set_dimension_size": _SIZES,
}
"""Why an op is refused, and what to do instead."""
