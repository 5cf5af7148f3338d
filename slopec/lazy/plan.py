"""How graphs are run: by the reference evaluator while that is cheap, compiled when it pays.

A structure is written as a module once and remembered by its key. It rents, then buys: NumPy runs
it until it has run often enough that compiling is likely to pay; what was compiled before, in any
process, and what takes longer once than compiling would, is compiled at once. Constants that change
from run to run, such as a learning rate in Python, become arguments.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np

from slopec import cache, ir, tracing
from slopec.cost import cost_of
from slopec.diagnostics import CompileError
from slopec.lazy.compiled import Compiled, compile_module
from slopec.lazy.device import REFERENCE
from slopec.lazy.extract import Graph
from slopec.lazy.graph import Value
from slopec.rewrite import run_passes
from slopec.version import VERSION

LIMIT = 512
"""How many structures are remembered; those used longest ago are forgotten."""

# Seconds that the evaluator takes per op, byte and floating point operation, and the compiler per
# program and op; `benchmarks/imperative.py --costs` measures how far they are off.
_PER_OP, _PER_BYTE, _PER_FLOP = 4e-6, 2.5e-11, 7e-12
_PER_PROGRAM, _PER_COMPILED_OP = 0.45, 2.7e-3

_OUTLOOK = 32
"""How much longer what has run so far is expected to go on: loops that got far mostly get on."""

_LOADING = 0.2
"""What share of compiling a program it takes to prepare and load what the cache has."""

_families: OrderedDict[Hashable, "Family"] = OrderedDict()


def run(graph: Graph, device: str | None) -> list[Any]:
    """The values of the graph's outputs, computed on a device; None leaves the choice of means."""
    key = (graph.key, device)
    family = _families.get(key)
    if family is None:
        family = _families[key] = Family(graph.constants)
        if len(_families) > LIMIT:
            _families.popitem(last=False)
    else:
        _families.move_to_end(key)
    return family.run(graph, device)


def known() -> list["Family"]:
    """The structures that are remembered, the one used last at the end."""
    return list(_families.values())


class Family:
    """The plans of one structure, which differ in the constants that have not changed so far."""

    def __init__(self, constants: tuple[ir.Attribute, ...]) -> None:
        """Nothing has changed yet."""
        self.seen = constants
        self.varying: tuple[int, ...] = ()
        self.plans: dict[tuple[ir.Attribute, ...], Plan] = {}

    def run(self, graph: Graph, device: str | None) -> list[Any]:
        """Run the plan that has the graph's constants, or takes them as arguments."""
        constants = graph.constants
        if constants != self.seen:
            changed = {i for i, old in enumerate(self.seen) if constants[i] != old}
            if not changed <= set(self.varying):
                loose = changed.union(self.varying)
                self.varying = tuple(sorted(i for i in loose if _is_number(constants[i])))
                self.plans.clear()
            self.seen = constants
        loose = set(self.varying)
        fixed = tuple(c for i, c in enumerate(constants) if i not in loose)
        plan = self.plans.get(fixed)
        if plan is None:
            plan = self.plans[fixed] = Plan(graph, device, self.varying)
        numbers = [ir.elements(constants[i]).reshape(-1)[0] for i in self.varying]
        return plan.run(graph.inputs, numbers)


def _is_number(constant: ir.Attribute) -> bool:
    """Whether a constant is one number, however often; of no elements there is none."""
    return ir.is_splat(constant) and ir.elements(constant).size > 0


def _name_on_disk(module: ir.Module) -> str:
    """The name under which the cache notes that a program was compiled."""
    copy = ir.clone_module(module)
    run_passes(copy, "strip-debuginfo")
    return cache.key(["recorded", VERSION, ir.bytecode(copy)])


class Plan:
    """One module, and the means of running it."""

    def __init__(self, graph: Graph, device: str | None, varying: Sequence[int]) -> None:
        """Write the module and estimate what running and compiling it costs."""
        from slopec.passes import parse_pipeline, run_pipeline

        self.device = device
        self.module = ir.new_module()
        symbols: dict[str, int] = {"main": 1}
        op = graph.write(
            self.module,
            "main",
            lambda stem: tracing.fresh_symbol(symbols, stem),
            varying=varying,
        )
        op.attributes["sym_visibility"] = ir.string("public")
        if any(node.body is not None for node in graph.nodes):
            run_pipeline(self.module, parse_pipeline("derive"), None)
            run_passes(self.module, "inline{max-iterations=4},cse,symbol-dce")
        main = ir.function(self.module, "main")
        cost, ops = cost_of(main), len(ir.body_of(main).operations)
        self.estimate = ops * _PER_OP + cost.bytes * _PER_BYTE + cost.flops * _PER_FLOP
        self.price = _PER_PROGRAM + ops * _PER_COMPILED_OP
        self.spent = 0.0
        self.name: str | None = None
        self.evaluator: Callable[..., list[Any]] | None = None
        self.compiled: Compiled | None = None

    def run(self, inputs: Sequence[Value], numbers: Sequence[Any]) -> list[Any]:
        """The results for these inputs and varying constants."""
        if self.compiled is None and self._pays():
            self._compile()
        if self.compiled is not None:
            return self.compiled.run(inputs, numbers)
        if self.evaluator is None:
            self.evaluator = self._evaluator()
        arrays = [np.asarray(value.data) for value in inputs]
        started = time.perf_counter()
        results = self.evaluator(*arrays, *numbers)
        self.spent += time.perf_counter() - started
        return [np.asarray(result) for result in results]

    def _pays(self) -> bool:
        """Whether to compile now."""
        if self.device is not None:
            return self.device != REFERENCE
        likely = max(self.estimate, self.spent * _OUTLOOK)
        if likely > self.price:
            return True
        return likely > self.price * _LOADING and self._was_compiled()

    def _was_compiled(self) -> bool:
        """Whether a process has compiled the program before; looked up once."""
        if self.name is not None:
            return False
        self.name = _name_on_disk(self.module)
        return cache.artifacts().read(self.name) is not None

    def _compile(self) -> None:
        try:
            self.compiled = compile_module(self.module, "main", self.device)
        except CompileError:
            if self.device is not None:
                raise
            self.price = float("inf")  # what IREE refuses, NumPy still computes
            return
        if self.device is None:
            cache.artifacts().write(self.name or _name_on_disk(self.module), {}, b"")

    def _evaluator(self) -> Callable[..., list[Any]]:
        from slopec import reference

        return reference.prepare(self.module, "main")
