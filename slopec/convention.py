"""The calling convention: what IREE is told about the arguments of exported functions.

State that a call replaces is updated in its own memory, or, where something may still read that, in
a second buffer that takes turns with it: an argument of its own. A program with much intermediate
memory takes it from the caller, who keeps it from call to call: IREE's host drivers ask the system
for it at every call and give it back, and most of a training step's time can go into touching new
pages (GPT 4×128, 32×64 tokens: 107 ms, of which 55 ms with the memory kept).
"""

from collections.abc import Collection, Iterator, Mapping
from itertools import accumulate

from slopec import ir
from slopec.dialects import arguments
from slopec.overwriting import Overwriting
from slopec.passes.routines import KERNEL
from slopec.passes.separate_buffers import DONATED
from slopec.transforms.body import defining, origin
from slopec_runtime.convention import TURNING
from slopec_runtime.manifest import EntryPoint

KEPT = 16 << 20
"""Bytes of intermediate values from which on a function takes memory; C's library keeps less."""

# IREE places all memory of a function ahead only if no branch decides what runs.
_NO_MEMORY = frozenset({"stablehlo.constant", "stablehlo.reshape"})
_BRANCHES = frozenset({"stablehlo.while", "stablehlo.if", "stablehlo.case", "func.call"})


def tell_donated(module: ir.Module, entries: Mapping[str, EntryPoint]) -> None:
    """Mark the arguments that a call gives up: only their memory may be written to."""
    for entry, function in _exported(module, entries):
        places = [i for i, given in enumerate(entry.inputs) if given.donated]
        if places:
            arguments.set_attributes(function, DONATED, dict.fromkeys(places, ir.unit()))


def place_state(module: ir.Module, entries: Mapping[str, EntryPoint]) -> None:
    """Have results that replace donated inputs written to their memory, where that is safe.

    The others go into buffers that come as further arguments, in the order in which the function's
    reflection names the results.
    """
    for entry, function in _exported(module, entries):
        places = {output.slot: i for i, output in enumerate(entry.outputs) if output.slot}
        arguments.drop_attribute(function, DONATED)
        _show_arguments(function)
        overwriting = Overwriting.of(function)
        written, turning = dict[int, int](), list[int]()
        for i, given in enumerate(entry.inputs):
            if not given.donated or given.slot not in places:
                continue
            place = places[given.slot]
            if overwriting.allowed(i, place):
                written[i] = place
            elif ir.size_in_bytes(overwriting.end.operands[place]):
                turning.append(place)
        types = ir.function_type(function)[1]
        added = arguments.append(function, *(types[p] for p in turning))
        written.update(zip(added, turning, strict=True))
        if written:
            numbers = {i: ir.i32(place) for i, place in written.items()}
            arguments.set_attributes(function, "tf.aliasing_output", numbers)
        if turning:
            named = ",".join(map(str, turning))
            function.attributes["iree.reflection"] = ir.attr(f'{{{TURNING} = "{named}"}}')


def _show_arguments(function: ir.Operation) -> None:
    """Return arguments as such: one behind a barrier, IREE would copy to where it is."""
    *_, end = ir.body_of(function).operations
    for place, value in enumerate(end.operation.operands):
        given = origin(value, ("reshape", "optimization_barrier"))
        if defining(given) is None and given.type == value.type:
            end.operation.operands[place] = given


def take_scratch(module: ir.Module, entries: Mapping[str, EntryPoint]) -> None:
    """Let functions with large intermediate values take a last argument to hold them.

    How many bytes it needs, IREE says in the compiled function's reflection.
    """
    for _, function in _exported(module, entries):
        if _straight(function) and _computes_much(function):
            (position,) = arguments.append(function, ir.type_named("!hal.buffer"))
            arguments.set_attributes(function, "iree.abi.transients", {position: ir.unit()})


def hopeful(module: ir.Module) -> list[ir.Operation]:
    """The functions that take memory because kernels are to take the place of their loops."""
    return [op for op in ir.functions(module) if _takes_scratch(op) and not _straight(op, ())]


def give_back_scratch(module: ir.Module) -> None:
    """Let functions whose loops stay manage without memory from the caller."""
    for function in hopeful(module):
        arguments.drop_last(function)


def _takes_scratch(function: ir.Operation) -> bool:
    attributes = function.attributes
    return "arg_attrs" in attributes and "iree.abi.transients" in str(attributes["arg_attrs"])


def _exported(
    module: ir.Module, entries: Mapping[str, EntryPoint]
) -> Iterator[tuple[EntryPoint, ir.Operation]]:
    for entry in entries.values():
        for variant in entry.variants:
            yield entry, ir.function(module, variant.symbol)


def _straight(function: ir.Operation, gone: Collection[str] = (KERNEL,)) -> bool:
    """Whether nothing branches, but for ops with an attribute of those that will be gone."""
    branches = [op for op in ir.ops_in(function, *_BRANCHES) if op.parent == function]
    return all(any(name in op.attributes for name in gone) for op in branches)


def _computes_much(function: ir.Operation) -> bool:
    """Whether all that is computed is `KEPT` bytes or more; IREE keeps at most that at one time."""
    ops = (op.operation for op in ir.body_of(function).operations)
    results = (r for op in ops if op.name not in _NO_MEMORY for r in op.results)
    sizes = (ir.size_in_bytes(r) for r in results if ir.is_static(r))
    return any(total >= KEPT for total in accumulate(sizes))
