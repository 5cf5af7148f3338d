"""Building: a lowered module goes through the passes and the back end and becomes an artifact."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

import numpy as np

import slopec_runtime
from slopec import cache, ir
from slopec.constants import digest
from slopec.diagnostics import Diagnostic, writing
from slopec.emit import EmitOptions, Emitted, emit_many, identity, resolve, warm
from slopec.kernels import suits
from slopec.lower import Lowered
from slopec.passes import Observer, Pass, Pipeline, op_counts, parse_pipeline, run_pipeline
from slopec.passes.block_loops import BlockLoops
from slopec.passes.close_windows import CloseWindows
from slopec.passes.contract_convolutions import ContractConvolutions
from slopec.passes.separate_windows import SeparateWindows
from slopec.prepare import Prepared, prepare, sources
from slopec.targets import Target
from slopec.variants import Variant
from slopec.version import IREE_VERSION, VERSION
from slopec_runtime import artifact as container
from slopec_runtime import manifest as schema
from slopec_runtime.artifact import Bytes
from slopec_runtime.devices import is_small

DERIVE = "raise-logistic,refine-shapes,derive,inline,refine-shapes,symbol-dce"
# Products of single rows stay products until those that a loop sums up are stacked.
_SIMPLIFY = "simplify{signed-zeros=false without=dot_of_single_products}"
_SIMPLIFY_LATER = "simplify{keep-layouts signed-zeros=false}"
OPTIMIZE = (
    f"{_SIMPLIFY},canonicalize,cse,slim-loops,stack-products,absorb-scales,channels-last,expand-ops,expand-select-and-scatter,"
    f"{_SIMPLIFY_LATER},contract-convolutions,split-sums,canonicalize,cse,symbol-dce,"
    "rematerialize"
)
LEGALIZE = (
    "fold-constants,close-windows,expand-ops,expand-select-and-scatter,expand-sorts,expand-random,drop-loop-barriers,"
    "widen-sums,sum-sliced-products,separate-orientations,flatten-branches,block-loops,unroll-loops,guard-indices,trim-windows,"
    "cse,separate-buffers,read-carried,exact-elementwise,native-types,separate-gaps,separate-pads,separate-folds,separate-windows,separate-loops,"
    "slice-numbers,constant-positions,separate-constants,separate-inputs,separate-scalars,refuse"
)
"""What IREE needs to compile a module as StableHLO means it, whatever passes came before."""
CARRIED = 4 << 20
"""Bytes of StableHLO that an artifact carries unless told otherwise; weights are most of them."""
STAGES = ("stablehlo", "grad", "optimized")
"""The module as traced, with every derivative written out, and after the optimisation passes."""


@dataclass(frozen=True)
class Artifact:
    """A compiled program: the bytes of its `.vmfb` and what they say about themselves."""

    data: Bytes = field(repr=False)
    manifest: schema.Manifest
    target: Target
    diagnostics: tuple[Diagnostic, ...] = ()
    seconds: float = 0.0
    cached: bool = False

    def save(self, path: str | Path) -> Path:
        """Write the artifact to `path`; the file appears complete or not at all.

        Raises UsageError (S0405) if it cannot be written.
        """
        with writing(Path(path)) as file:
            file.write_bytes(self.data)
        return Path(path)

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
    lowered: Lowered,
    targets: Sequence[Target],
    *,
    options: EmitOptions | None = None,
    pipeline: str | None = None,
    observer: Observer | None = None,
    carry_stablehlo: bool | None = None,
    variant: Variant | None = None,
) -> list[Artifact]:
    """Compile a lowered module for each target; the lowered module stays as it is.

    `variant` says which of the optimisation passes to run and how to set the back end, in place of
    what is best for most programs.

    The artifacts carry the traced StableHLO, from which `sp.load_function` differentiates them, if
    `carry_stablehlo` says so, or, when it is None, if that is no more than `CARRIED` bytes.

    Raises CompileError when the back end refuses, at the user's line where one is known.
    """
    if variant is not None:
        options, pipeline = variant.options(options), variant.pipeline(pipeline or OPTIMIZE)
    options = options or EmitOptions()
    pipelines = (DERIVE, OPTIMIZE if pipeline is None else pipeline, LEGALIZE)
    name = "" if variant is None else variant.name
    order = _Order(lowered, tuple(targets), options, pipelines, carry_stablehlo, name)
    if observer is not None or not options.cache:
        return order.make(observer)
    started = time.monotonic()
    names = order.names()
    kept = [_find(name, target, started) for name, target in zip(names, targets, strict=True)]
    if None not in kept:
        return [artifact for artifact in kept if artifact is not None]
    return order.make(None, names)


@dataclass(frozen=True)
class _Order:
    """What to build: all that the artifacts depend on."""

    lowered: Lowered
    targets: tuple[Target, ...]
    options: EmitOptions
    pipelines: tuple[str, str, str]
    carry_stablehlo: bool | None
    variant: str

    def names(self) -> list[str]:
        """What the artifacts are kept under, one for each target."""
        lowered = self.lowered
        facts = (lowered.name, lowered.entries, lowered.sizes, lowered.chosen_sizes)
        chosen = (self.pipelines, self.carry_stablehlo, self.variant)
        state = [f"{slot} {digest(array)}" for slot, array in lowered.state.items()]
        module = ir.bytecode(lowered.outline)
        common = [repr(facts), repr(chosen), *state, sources(), VERSION]
        return [cache.key([module, *common, *identity(t, self.options)]) for t in self.targets]

    def make(
        self, observer: Observer | None, names: Sequence[str | None] | None = None
    ) -> list[Artifact]:
        """Run the passes and the back end; artifacts with names are kept under them."""
        warm()
        lowered, targets = self.lowered, self.targets
        ways = [
            (target.is_host, _suited(self.pipelines, lowered, target, self.options))
            for target in targets
        ]
        prepared = {
            (keeps, suited): prepare(
                lowered,
                suited,
                keeps_scratch=keeps,
                observer=observer,
                kept=self.options.cache,
            )
            for keeps, suited in sorted(set(ways))
        }
        state = {slot: np.ascontiguousarray(a).tobytes() for slot, a in lowered.state.items()}
        codes = [
            (prepared[way].code, _handed_over(target, prepared[way].cost))
            for way, target in zip(ways, targets, strict=True)
        ]
        large = not all(isinstance(code, bytes) for code, _ in codes)
        # Weights are kept once, in the artifact, which is kept unless somebody observes the passes.
        once = replace(self.options, cache=False) if large and observer is None else self.options
        results = emit_many(codes, options=once)
        manifest = _manifest(lowered, next(iter(prepared.values())))
        carried = self._carried()
        names = names or [None] * len(results)
        return [
            _artifact(name, e, manifest, state, carried, self.variant)
            for name, e in zip(names, results, strict=True)
        ]

    def _carried(self) -> bytes | None:
        """The StableHLO that goes with the artifacts."""
        lowered, asked = self.lowered, self.carry_stablehlo
        weights = sum(array.nbytes for array in lowered.constants.values())
        if asked is False or (asked is None and weights > CARRIED):
            return None
        traced = portable(lowered.module)
        return traced if asked or len(traced) <= CARRIED else None


def _find(name: str, target: Target, started: float) -> Artifact | None:
    """An artifact that was built before."""
    entry = cache.artifacts().read(name)
    if entry is None:
        return None
    manifest = schema.Manifest.from_json(entry.facts["manifest"])
    features = tuple(entry.facts["features"])
    known = replace(target, processor=entry.facts["processor"], features=features)
    seconds = time.monotonic() - started
    return Artifact(entry.data, manifest, known, seconds=seconds, cached=True)


def _kept(
    name: str, manifest: schema.Manifest, target: Target, pack: Callable[[IO[bytes]], None]
) -> Bytes | None:
    """An artifact packed into a file of the cache, which is mapped: weights are not held twice.

    None if it could not be kept.
    """
    facts = {
        "manifest": manifest.to_json(),
        "processor": target.processor,
        "features": target.features,
    }
    store = cache.artifacts()
    store.write(name, facts, pack)
    entry = store.read(name)
    return None if entry is None else entry.data


_LEFT_ALONE: Mapping[str, tuple[type[Pass], ...]] = {
    "stablehlo.convolution": (ContractConvolutions, CloseWindows),
    "stablehlo.reduce_window": (SeparateWindows,),
    "stablehlo.while": (BlockLoops,),
}
"""The passes that leave ops alone of which a target makes kernels written by hand."""


def _suited(
    pipelines: tuple[str, str, str], lowered: Lowered, target: Target, options: EmitOptions
) -> tuple[str, str, str]:
    """The pipelines for a target, which leave alone what it has kernels for."""
    derive, optimize, legalize = pipelines
    legalize = ",".join((legalize, *target.passes))
    ops = op_counts(lowered.outline)
    found = tuple(p for name, passes in _LEFT_ALONE.items() if name in ops for p in passes)
    # The passes are loaded here, while the compiler starts and is asked what `resolve` waits for.
    optimize_by_hand, legalize_by_hand = (_by_hand(text, found) for text in (optimize, legalize))
    if not options.kernels or not found or not suits(resolve(target)):
        return derive, optimize, legalize
    return derive, optimize_by_hand, legalize_by_hand


def _handed_over(target: Target, cost: schema.Cost | None) -> Target:
    """The target for a program of that cost: worker threads get what is worth it."""
    return replace(target, handed_over=target.is_host and not is_small(cost))


def _by_hand(pipeline: str, found: tuple[type[Pass], ...]) -> str:
    """A pipeline with those of its passes that are `found` set to leave ops to kernels."""

    def set_up(p: Any) -> Any:
        return replace(p, hand_written=True)

    passes = (set_up(p) if isinstance(p, found) else p for p in parse_pipeline(pipeline))
    return str(Pipeline(tuple(passes)))


def portable(module: ir.Module) -> bytes:
    """The module's bytecode without locations: nothing of the machine it was made on."""
    copy = ir.clone_module(module)
    run_pipeline(copy, parse_pipeline("strip-debuginfo"))
    return ir.bytecode(copy)


def _artifact(
    name: str | None,
    emitted: Emitted,
    manifest: schema.Manifest,
    state: Mapping[str, bytes],
    stablehlo: bytes | None,
    variant: str,
) -> Artifact:
    *failed, last = emitted.attempts
    compilation = schema.Compilation(
        last.configuration,
        tuple(schema.Refused(a.configuration, a.failure or "") for a in failed),
        variant,
    )
    target = emitted.target.manifest(emitted.flags)
    complete = replace(manifest, target=target, compilation=compilation)
    parts = (emitted.vmfb, complete, state, stablehlo, emitted.constants)
    kept = None
    if name is not None:
        kept = _kept(
            name, complete, emitted.target, lambda file: container.write_into(file, *parts)
        )
    data = container.pack(*parts) if kept is None else kept
    return Artifact(
        data, complete, emitted.target, emitted.diagnostics, emitted.seconds, emitted.cached
    )


def _manifest(lowered: Lowered, prepared: Prepared) -> schema.Manifest:
    return schema.Manifest(
        name=lowered.name,
        producer=schema.Producer(VERSION, IREE_VERSION),
        target=schema.Target("", ()),
        module=schema.ModuleFacts(0, ""),
        dims=prepared.dims,
        cost=prepared.cost,
        entries=lowered.entries,
        state={
            slot: schema.Slot(array.shape, array.dtype.name, initial=True)
            for slot, array in lowered.state.items()
        },
    )
