"""From a traced module to what a back end compiles: the passes, run once for each program.

Deriving and optimising a large training step takes seconds, all in Python. What came of it is kept
beside the compiled modules, by the content of the traced module, source lines included, and of
slopec itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache as once
from pathlib import Path

from slopec import cache, garbage, ir
from slopec.buckets import independent_dims
from slopec.convention import place_state, take_scratch, tell_donated
from slopec.cost import cost_of
from slopec.lower import Lowered
from slopec.passes import Observer, parse_pipeline, run_pipeline
from slopec.version import IREE_VERSION
from slopec_runtime.manifest import Cost, Dim

KEPT = 16 << 20
"""Bytes of weights from which on a prepared module is made again: keeping them takes longer."""


@dataclass(frozen=True)
class Prepared:
    """What to compile, the dimensions that may be split, and the dearest entry's cost.

    The code is a module of which nothing else knows, if it is not kept, or else bytecode.
    """

    code: bytes | ir.Module = field(repr=False)
    dims: Mapping[str, Dim]
    cost: Cost | None


def prepare(
    lowered: Lowered,
    pipelines: tuple[str, str, str],
    *,
    keeps_scratch: bool,
    observer: Observer | None = None,
    kept: bool = True,
) -> Prepared:
    """Run the passes that derive, optimise and legalise; the lowered module stays as it is.

    `keeps_scratch` lets large functions take memory from their caller. With an `observer`, or
    unless what was `kept` may be used, the passes run in any case.

    Raises UsageError where a symbolic dimension cannot be split and no sizes were chosen.
    """
    store = cache.artifacts()
    name = _name(lowered, pipelines, keeps_scratch)
    found = store.read(name) if kept and observer is None else None
    if found is not None:
        facts = found.facts
        cost = None if facts["cost"] is None else Cost(*facts["cost"])
        dims = {dim: Dim(tuple(sizes), alone) for dim, (sizes, alone) in facts["dims"].items()}
        return Prepared(bytes(found.data), dims, cost)
    made = _run(lowered, pipelines, keeps_scratch, observer)
    facts = {
        "cost": None if made.cost is None else [made.cost.flops, made.cost.bytes],
        "dims": {dim: [list(d.sizes), d.independent] for dim, d in made.dims.items()},
    }
    if kept and isinstance(made.code, bytes):
        store.write(name, facts, made.code)
    return made


@garbage.later()
def _run(
    lowered: Lowered,
    pipelines: tuple[str, str, str],
    keeps_scratch: bool,
    observer: Observer | None,
) -> Prepared:
    derive, optimize, legalize = pipelines
    module = lowered.copy()
    run_pipeline(module, parse_pipeline(derive), observer)
    dims = independent_dims(lowered, module)
    run_pipeline(module, parse_pipeline(optimize), observer)
    tell_donated(module, lowered.entries)
    run_pipeline(module, parse_pipeline(legalize), observer)
    cost = _cost(module)
    place_state(module, lowered.entries)
    if keeps_scratch:
        take_scratch(module, lowered.entries)
    weights = sum(array.nbytes for array in lowered.constants.values())
    return Prepared(module if weights > KEPT else ir.bytecode(module), dims, cost)


def _name(lowered: Lowered, pipelines: tuple[str, str, str], keeps_scratch: bool) -> str:
    facts = (lowered.entries, lowered.sizes, lowered.chosen_sizes, pipelines, keeps_scratch)
    return cache.key([ir.bytecode(lowered.outline), repr(facts), sources(), IREE_VERSION])


@once
def sources() -> str:
    """A digest of slopec's own files: another slopec makes other modules."""
    return cache.digest_of_files(Path(__file__).parent, "**/*.py")


def _cost(module: ir.Module) -> Cost | None:
    """The cost of the dearest entry."""
    costs = [cost_of(op) for op in ir.functions(module) if ir.is_public(op)]
    if not costs:
        return None
    dearest = max(costs, key=lambda cost: cost.flops + cost.bytes)
    return Cost(dearest.flops, dearest.bytes)
