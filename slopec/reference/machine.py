"""Running ops: a block becomes a list of steps over numbered slots, which a flat loop executes.

Decoding happens once, when a block is made ready; running it costs a call per op and no recursion
but that of nested regions and calls. A slot is emptied after its last use.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from slopec import ir
from slopec.diagnostics import SlopecError, UsageError, did_you_mean
from slopec.reference.table import (
    LANEWISE,
    SUPPORTED,
    UNSUPPORTED,
    Body,
    Kernel,
    Scope,
    Value,
    attribute,
    cannot,
)

Step = tuple[Kernel, list[int], list[int], list[int]]
"""A kernel, the slots of its operands, of its results, and those nobody needs afterwards."""

_TERMINATORS = frozenset({"func.return", "stablehlo.return"})
_SAME_ON_SCALARS = frozenset(
    {"stablehlo.reshape", "stablehlo.broadcast_in_dim", "stablehlo.optimization_barrier"}
)


class Program:
    """Ops made ready to run, in a frame of slots that they share with the blocks around them."""

    __slots__ = ("captured", "frame", "inputs", "lanewise", "operations", "outputs", "steps")

    def __init__(self, frame: list[Value], inputs: list[int]) -> None:
        """A program without steps, which `_compile` appends."""
        self.frame = frame
        self.inputs = inputs
        self.steps: list[Step] = []
        self.operations: list[ir.Operation] = []
        self.outputs: list[int] = []
        self.captured: set[int] = set()
        self.lanewise = True

    def __call__(self, *arguments: Value) -> list[Value]:
        """Run the steps on the values of the block's arguments."""
        frame = self.frame
        for slot, argument in zip(self.inputs, arguments, strict=True):
            frame[slot] = argument
        operands: list[int] = []
        try:
            for kernel, operands, results, dead in self.steps:
                value = kernel(*[frame[slot] for slot in operands])
                if type(value) is list:
                    for slot, item in zip(results, value, strict=True):
                        frame[slot] = np.asarray(item) if isinstance(item, np.generic) else item
                else:
                    frame[results[0]] = (
                        np.asarray(value) if isinstance(value, np.generic) else value
                    )
                for slot in dead:
                    frame[slot] = None
        except SlopecError:
            raise
        except (ValueError, IndexError) as error:
            raise cannot(self._operation_reading(operands), str(error)) from error
        return [frame[slot] for slot in self.outputs]

    def _operation_reading(self, operands: list[int]) -> ir.Operation:
        steps = zip(self.steps, self.operations, strict=True)
        return next(op for step, op in steps if step[1] is operands)


class Frame:
    """The slots of one function: which value lives where."""

    def __init__(self, machine: "Machine", known: Mapping[ir.Value, Value]) -> None:
        """A frame in which the values of `known` are already there."""
        self.machine = machine
        self.slots: dict[ir.Value, int] = {}
        self.values: list[Value] = []
        for value, array in known.items():
            self.values[self.new_slot(value)] = array

    def new_slot(self, value: ir.Value) -> int:
        """The slot in which `value` will live."""
        slot = self.slots[value] = len(self.values)
        self.values.append(None)
        return slot

    def slot_of(self, value: ir.Value) -> int:
        """The slot in which `value` lives; raises when nothing defines it here."""
        slot = self.slots.get(value)
        if slot is None:
            raise UsageError("S0382", f"the value of {value} is used and not given")
        return slot


class OpScope:
    """What the rule of one op sees; collects the slots that the op's regions read."""

    def __init__(self, frame: Frame) -> None:
        """The surroundings of an op of the function that `frame` belongs to."""
        self.frame = frame
        self.captured: set[int] = set()

    def region(self, region: Any, outputs: Sequence[ir.Value] | None = None) -> Body:
        """A region of the op, to return `outputs` instead of what it returns."""
        block = region.blocks[0]
        program = _compile(self.frame, list(block.arguments), operations_of(block), outputs)
        self.captured |= program.captured
        return program

    def function(self, name: str, caller: ir.Operation) -> Body:
        """Another function of the module."""
        return self.frame.machine.function(name, caller)


def operations_of(block: ir.Block) -> Iterable[ir.Operation]:
    """The ops of a block, in order."""
    return (view.operation for view in block.operations)


def kernel_of(op: ir.Operation, scope: Scope) -> Kernel:
    """The kernel that computes `op`."""
    rule = SUPPORTED.get(op.name)
    if rule is None:
        raise cannot(op, UNSUPPORTED.get(op.name, "it is no op of StableHLO, CHLO or func"))
    try:
        return rule(op, scope)
    except SlopecError:
        raise
    except TypeError as error:  # how `ir` tells of a type without a NumPy counterpart
        raise cannot(op, str(error)) from error


def _is_lanewise(op: ir.Operation, frame: Frame) -> bool:
    if op.name in LANEWISE:
        return True
    if op.name in _SAME_ON_SCALARS:
        return all(operand.type == op.results[0].type for operand in op.operands)
    if op.name == "func.call":
        return frame.machine.function(attribute(op, "callee"), op).lanewise
    return False


def _compile(
    frame: Frame,
    arguments: Sequence[ir.Value],
    operations: Iterable[ir.Operation],
    outputs: Sequence[ir.Value] | None = None,
) -> Program:
    """Make ops ready to run, in the given order, up to a terminator if there is one."""
    program = Program(frame.values, [frame.new_slot(argument) for argument in arguments])
    captured: list[set[int]] = []
    for op in operations:
        if op.name in _TERMINATORS:
            outputs = list(op.operands) if outputs is None else outputs
            break
        scope = OpScope(frame)
        kernel = kernel_of(op, scope)
        if op.name in ("stablehlo.constant", "chlo.constant"):
            frame.values[frame.new_slot(op.results[0])] = kernel()
            continue
        program.lanewise = program.lanewise and _is_lanewise(op, frame)
        operands = [frame.slot_of(operand) for operand in op.operands]
        results = [frame.new_slot(result) for result in op.results]
        program.steps.append((kernel, operands, results, []))
        program.operations.append(op)
        captured.append(scope.captured)
    program.outputs = [frame.slot_of(value) for value in outputs or ()]
    _mark_last_uses(program, captured)
    return program


def _mark_last_uses(program: Program, captured: Sequence[set[int]]) -> None:
    """Note what each step leaves unused, and what the program reads from outside."""
    defined = set(program.inputs)
    last_use: dict[int, int] = {}
    for index, (_, operands, results, _) in enumerate(program.steps):
        defined.update(results)
        last_use.update((slot, index) for slot in (*operands, *results, *captured[index]))
    program.captured = {*last_use, *program.outputs} - defined
    for slot in defined.intersection(last_use).difference(program.outputs):
        program.steps[last_use[slot]][3].append(slot)


class Machine:
    """One module being evaluated: its functions, each made ready at most once."""

    def __init__(self, module: ir.Module | None) -> None:
        """Evaluate functions of `module`; None when none can be called."""
        self.module = module
        self.ready: dict[str, Program | None] = {}

    def function(self, name: str, caller: ir.Operation | None = None) -> Program:
        """The function `name`, ready to run; raises when it has no body or calls itself."""
        if name not in self.ready:
            block: Any = ir.body_of(self.definition(name, caller))
            self.ready[name] = None
            self.ready[name] = _compile(
                Frame(self, {}), list(block.arguments), operations_of(block)
            )
        program = self.ready[name]
        if program is None:
            assert caller is not None
            raise cannot(caller, f"@{name} calls itself", "StableHLO has no recursion; use a while")
        return program

    def definition(self, name: str, caller: ir.Operation | None = None) -> ir.Operation:
        """The `func.func` called `name`; raises when it is missing or only declared."""
        known = [] if self.module is None else list(ir.functions(self.module))
        names = [ir.symbol_name(definition) for definition in known]
        if name not in names:
            raise UsageError(
                "S0381",
                f"the module has no function @{name}",
                span=None if caller is None else ir.span_of(caller),
                notes=(f"its functions are {', '.join('@' + n for n in names) or 'none'}",),
                hint=did_you_mean(name, names),
            )
        definition = known[names.index(name)]
        if not ir.has_body(definition):
            why = f"@{name} is declared but has no body"
            raise cannot(caller or definition, why, "run the `derive` pass first")
        return definition
