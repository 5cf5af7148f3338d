"""Building: a lowered module goes through the passes and the back end and becomes an artifact."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import slopec_runtime
from slopec_runtime import artifact as container
from slopec_runtime import manifest as schema

from slopec import ir
from slopec.buckets import independent_dims
from slopec.cost import cost_of
from slopec.emit import EmitOptions, emit
from slopec.passes import Observer, parse_pipeline, run_pipeline
from slopec.targets import Target
from slopec.version import IREE_VERSION, VERSION

if TYPE_CHECKING:
    from slopec.lower import Lowered

DERIVE = "derive,inline,symbol-dce"
OPTIMIZE = "simplify,canonicalize,cse,simplify,symbol-dce"
STAGES = ("stablehlo", "grad", "optimized")
"""The module as traced, with every derivative written out, and after the optimisation passes."""


@dataclass(frozen=True)
class Artifact:
    """A compiled program: the bytes of its `.vmfb` and what they say about themselves."""

    data: bytes = field(repr=False)
    manifest: schema.Manifest
    notes: tuple[str, ...] = ()
    cached: bool = False

    def save(self, path: str | Path) -> Path:
        """Write the artifact to `path`; the file appears complete or not at all."""
        target = Path(path)
        scratch = target.with_name(f".{target.name}.part")
        scratch.write_bytes(self.data)
        scratch.replace(target)
        return target

    def load(self, device: str | None = None) -> slopec_runtime.Program:
        """Load the artifact in this process."""
        return slopec_runtime.load(self.data, device, verify=False)


def transform(
    module: ir.Module,
    stage: str = "optimized",
    *,
    pipeline: str | None = None,
    observer: Observer | None = None,
) -> None:
    """Bring a traced module, in place, to one of the `STAGES`.

    `pipeline` replaces the optimisation passes; derivation always comes first.
    """
    if stage == "stablehlo":
        return
    run_pipeline(module, parse_pipeline(DERIVE), observer)
    if stage == "optimized":
        run_pipeline(module, parse_pipeline(OPTIMIZE if pipeline is None else pipeline), observer)


def build(
    lowered: "Lowered",
    target: Target,
    *,
    options: EmitOptions | None = None,
    pipeline: str | None = None,
    observer: Observer | None = None,
    carry_stablehlo: bool = False,
) -> Artifact:
    """Compile a lowered module for one target; the lowered module stays as it is.

    Raises CompileError when the back end refuses, at the user's line where one is known.
    """
    module = ir.clone_module(lowered.module)
    transform(module, pipeline=pipeline, observer=observer)
    dims = independent_dims(lowered, module)
    _alias_donated(module, lowered.entries)
    code = ir.bytecode(module)
    emitted = emit(code, target, options=options or EmitOptions())
    manifest = schema.Manifest(
        name=lowered.name,
        producer=schema.Producer(VERSION, IREE_VERSION),
        target=target.manifest(emitted.flags),
        module=schema.ModuleFacts(0, "0" * 64),
        dims=dims,
        cost=_cost(module),
        entries=lowered.entries,
        state={
            slot: schema.Slot(array.shape, array.dtype.name, initial=True)
            for slot, array in lowered.state.items()
        },
    )
    state = {slot: np.ascontiguousarray(a).tobytes() for slot, a in lowered.state.items()}
    traced = ir.bytecode(lowered.module) if carry_stablehlo else None
    data = container.pack(emitted.vmfb, manifest, state, traced)
    return Artifact(data, manifest, tuple(target.notes), emitted.cached)


def _cost(module: ir.Module) -> schema.Cost | None:
    """The cost of the dearest entry."""
    costs = [cost_of(op) for op in ir.functions(module) if ir.is_public(op)]
    if not costs:
        return None
    dearest = max(costs, key=lambda cost: cost.flops + cost.bytes)
    return schema.Cost(dearest.flops, dearest.bytes)


def _alias_donated(module: ir.Module, entries: Mapping[str, schema.EntryPoint]) -> None:
    """Let the results that replace donated inputs live in their buffers."""
    for entry in entries.values():
        places = {output.slot: i for i, output in enumerate(entry.outputs) if output.slot}
        for variant in entry.variants:
            function = ir.function(module, variant.symbol)
            for i, given in enumerate(entry.inputs):
                if given.donated and given.slot in places:
                    ir.set_argument_attribute(
                        function, i, "tf.aliasing_output", ir.i32(places[given.slot])
                    )
