"""Emission: StableHLO bytecode in, an IREE module out, compiled in a process of its own.

A program is looked up in the cache by its content, then compiled with the configurations that suit
it, best first, until one succeeds. Failures come back as errors at the user's line; a crash of the
compiler is one of them.
"""

import contextlib
import os
import platform
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from slopec import cache, ir
from slopec.configurations import (
    CONFIGURATIONS,
    Configuration,
    Workload,
    configurations,
    with_system_library,
)
from slopec.diagnostics import CompileError, Diagnostic, SlopecError, UsageError, did_you_mean
from slopec.emit_errors import Failure, as_error, failure_of, unknown_processor, warnings_of
from slopec.emit_process import COMPILER, Answer, Cancellation, Request, SendPart
from slopec.emit_program import Program, reading
from slopec.kernels import FIRST, REST, edition
from slopec.passes import parse_pipeline, run_pipeline
from slopec.rewrite import run_passes
from slopec.targets import Target
from slopec.version import IREE_VERSION
from slopec_runtime.artifact import Bytes
from slopec_runtime.hostcpu import host_flags


@dataclass(frozen=True)
class EmitOptions:
    """How to compile: seconds at most, whether to use the cache, more flags for IREE.

    `kernels` lets kernels written by hand take the place of ops. `configuration` names the one of
    `slopec.configurations.CONFIGURATIONS` to use, with no fallback.
    """

    timeout: float | None = 600.0
    cache: bool = True
    flags: tuple[str, ...] = ()
    kernels: bool = True
    configuration: str | None = None


@dataclass(frozen=True)
class Attempt:
    """A configuration that was tried, how long it ran, and why it failed; None if it did not.

    With kernels written by hand, "+kernels" is part of the name.
    """

    configuration: str
    seconds: float
    failure: str | None = None


@dataclass(frozen=True)
class Emitted:
    """A compiled module.

    It asks for its `constants` by name. `target` is the target with the processor's features filled
    in, `flags` what compiled in the end, `attempts` everything that was tried, `stages` the seconds
    each phase of IREE took.
    """

    vmfb: Bytes = field(repr=False)
    target: Target
    flags: tuple[str, ...]
    attempts: tuple[Attempt, ...]
    constants: Mapping[str, Bytes] = field(default_factory=dict, repr=False)
    diagnostics: tuple[Diagnostic, ...] = ()
    stages: tuple[tuple[str, float], ...] = ()
    seconds: float = 0.0
    cached: bool = False


def warm(*targets: Target) -> None:
    """Start loading the compiler, so that it is there when tracing is done.

    In the background it is asked as well what processors the targets have.
    """
    COMPILER.warm()
    for target in targets:
        threading.Thread(target=_ask_ahead, args=(target,), daemon=True).start()


def _ask_ahead(target: Target) -> None:
    with contextlib.suppress(SlopecError):  # whoever needs to know asks again, and is told
        resolve(target)


def emit(
    code: bytes | ir.Module,
    target: Target,
    *,
    options: EmitOptions | None = None,
    cancellation: Cancellation | None = None,
) -> Emitted:
    """Compile a module, or one of MLIR bytecode or text, for a target. Threads may call it at once.

    The cache knows a program by its content without source locations, so that moving a line keeps
    the compiled module; only the line numbers in its debugging information are then old.

    Raises CompileError S0301 for an invalid module, S0302 to S0305 where the back end fails, S0306
    when it takes too long, S0307 when there is no compiler, S0308 for an element type that the
    target lacks; UsageError S0421 for an unknown processor, S0423 for flags IREE does not take.

    >>> from slopec.targets import parse_target
    >>> text = b"func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> { return %x : tensor<2xf32> }"
    >>> emit(text, parse_target("vmvx")).attempts[-1].configuration
    'default'
    """
    options = options or EmitOptions()
    start = time.monotonic()
    module = _read(code)
    work = _survey(module, target)
    chosen = _chosen(options)
    store = cache.artifacts() if options.cache else cache.Cache(cache.directory(), limit=0)
    name = cache.key([_content(module), *identity(target, options)]) if store.limit else ""
    found = store.read(name)
    if found is not None:
        return _from_cache(found, target, time.monotonic() - start)
    deadline = None if options.timeout is None else start + options.timeout
    target = resolve(target)
    ladder = (chosen,) if chosen else configurations(target, work)
    program = Program(module, code, target)
    rungs = [_Rung(rung, program) for rung in ladder]
    if options.kernels:
        first = replace(rungs[0], kernels=True)
        rungs = [first] if chosen else [first, *rungs]
    climb = _Climb(target, options.flags, deadline, cancellation)
    emitted = climb.run(rungs)
    problem = store.write(name, _facts(emitted), _together(emitted)) if store.limit else None
    if problem is not None:
        warning = Diagnostic(
            "S0309", f"the compiled module was not cached: {problem}", severity="warning"
        )
        emitted = replace(emitted, diagnostics=(*emitted.diagnostics, warning))
    return replace(emitted, seconds=time.monotonic() - start)


def emit_many(
    programs: Sequence[tuple[bytes | ir.Module, Target]],
    *,
    options: EmitOptions | None = None,
    jobs: int | None = None,
) -> list[Emitted]:
    """Compile several modules at once, `jobs` at a time, by default one per processor.

    The first failure, and an interrupt, stop the others. Raises what `emit` raises.
    """
    stop = Cancellation()
    with ThreadPoolExecutor(max(1, jobs or processors())) as pool:
        futures = [
            pool.submit(emit, code, target, options=options, cancellation=stop)
            for code, target in programs
        ]
        try:
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            failed = [future for future in futures if future in done and future.exception()]
            return [future.result() for future in failed or futures]
        finally:
            stop.cancel()
            pool.shutdown(wait=False, cancel_futures=True)


def resolve(target: Target) -> Target:
    """The target with the processor's name and features, as IREE sees them.

    Raises UsageError S0421 for a processor that LLVM does not know.
    """
    if target.host_part is None:
        return target
    known = _resolve(replace(target, handed_over=False))  # what it is does not depend on the use
    return replace(known, handed_over=target.handed_over)


@lru_cache(maxsize=64)
def _resolve(target: Target) -> Target:
    store, name = cache.artifacts(), cache.key(["resolved", *identity(target, EmitOptions())])
    found = store.read(name)
    if found is not None:
        facts = found.facts
        return replace(target, processor=facts["processor"], features=tuple(facts["features"]))
    resolved = _asked(target)
    facts = {"processor": resolved.processor, "features": list(resolved.features)}
    store.write(name, facts, b"")
    return resolved


def _asked(target: Target) -> Target:
    """The target as the compiler describes it."""
    request = Request(b"module {}", target.flags, target.process_flags, until="preprocessing")
    answer = COMPILER.compile(request)
    unknown = unknown_processor(target, answer.text)
    if unknown is not None:
        raise unknown
    if answer.output is None:
        raise as_error(failure_of(answer), (), None)
    return target.resolved(bytes(answer.output).decode())


@dataclass(frozen=True)
class _Rung:
    """A configuration to try on a program, with kernels if there is a place for any."""

    configuration: Configuration
    program: Program
    kernels: bool = False

    @property
    def has_kernels(self) -> bool:
        """Whether there was a place for any, once it was tried."""
        return self.kernels and self.program.has_kernels

    @property
    def constants(self) -> Mapping[str, Bytes]:
        """What the module that was sent asks for."""
        taken = self.program.constants if self.has_kernels else {}
        return {name: array.data for name, array in taken.items()}

    @property
    def name(self) -> str:
        """What an attempt with it is called, once there was one."""
        return self.configuration.name + ("+kernels" if self.has_kernels else "")

    def send(self, send: SendPart) -> None:
        """Send the parts of the program as the configuration wants them."""
        if not self.kernels:
            send(0, self._configured(self.program.alone()))
            return
        self.program.send(lambda i, part: send(i, part if i else self._configured(part)))

    def _configured(self, program: bytes) -> bytes:
        if not self.configuration.passes:
            return program
        with reading:
            module = ir.parse(program)
            run_pipeline(module, parse_pipeline(self.configuration.passes))
            return ir.bytecode(module)


@dataclass(frozen=True)
class _Climb:
    """The search for a configuration that compiles, for one program."""

    target: Target
    extra_flags: tuple[str, ...]
    deadline: float | None
    cancellation: Cancellation | None

    def run(self, ladder: Sequence[_Rung]) -> Emitted:
        """Try the configurations in order; raises the error of the last when all fail."""
        attempts: list[Attempt] = []
        reproducer = None
        rungs = list(ladder)
        while True:
            rung = rungs.pop(0)
            flags = (*self.target.flags, *rung.configuration.flags, *self.extra_flags)
            started = time.monotonic()
            answer = self._compile(rung, flags)
            seconds = time.monotonic() - started
            if answer.ending == "done":
                attempts.append(Attempt(rung.name, seconds))
                return self._emitted(answer, flags, attempts, rung)
            failure = failure_of(answer)
            attempts.append(Attempt(rung.name, seconds, failure.message))
            if answer.ending in ("crashed", "timeout") and answer.part in answer.sent:
                folder = cache.key([rung.program.bytecode])
                kept = cache.keep_reproducer(folder, answer.sent[answer.part], flags)
                reproducer = reproducer if kept is None else str(kept)
            linked = with_system_library(self.target, rung.configuration, failure.symbols)
            if not rung.has_kernels:
                rungs = [other for other in rungs if other.configuration != rung.configuration]
            if linked is not None:
                rungs.insert(0, replace(rung, configuration=linked))
            if not rungs or not (failure.retry or rung.has_kernels):
                raise as_error(failure, _tried(attempts, failure), reproducer)

    def _compile(self, rung: _Rung, flags: tuple[str, ...]) -> Answer:
        target = self.target
        links, beside = target.links_in_parts, FIRST + REST if rung.kernels else 0
        request = Request(rung.send, flags, target.process_flags, link=links, beside=beside)
        return COMPILER.compile(request, deadline=self.deadline, cancellation=self.cancellation)

    def _emitted(
        self, answer: Answer, flags: tuple[str, ...], attempts: Sequence[Attempt], rung: _Rung
    ) -> Emitted:
        assert answer.output is not None
        ends = [moment for _, moment in answer.stages[1:]] + [time.monotonic()]
        stages = [(n, end - t) for (n, t), end in zip(answer.stages, ends, strict=True)]
        return Emitted(
            answer.output,
            self.target,
            flags,
            tuple(attempts),
            rung.constants,
            warnings_of(answer.diagnostics),
            tuple(stages),
        )


def _tried(attempts: Sequence[Attempt], last: Failure) -> list[str]:
    """The configurations that failed, and those reasons that are not the last one's."""
    if len(attempts) < 2:
        return []
    names = ", ".join(f"`{attempt.configuration}`" for attempt in attempts)
    others = [attempt for attempt in attempts if attempt.failure != last.message]
    reasons = [f"with `{attempt.configuration}`: {attempt.failure}" for attempt in others]
    return [f"tried the configurations {names}", *reasons]


# --- reading programs ------------------------------------------------------------------------


def _read(code: bytes | ir.Module) -> ir.Module:
    """A module that may be changed."""
    with reading:
        try:
            return ir.parse(code) if isinstance(code, bytes) else ir.clone_module(code)
        except ir.MLIRError as error:
            raise _invalid(error) from None


def _content(module: ir.Module) -> bytes:
    """The program without locations."""
    with reading:
        copy = module.operation.clone()
        run_passes(copy, "strip-debuginfo")
        return ir.bytecode(copy)


def _survey(module: ir.Module, target: Target) -> Workload:
    """What the program computes; raises CompileError for what the target has no types for."""
    seen: set[str] = set()
    missing = {_SPELLED[name]: name for name in target.dtypes_missing}
    for op in ir.ops_in(module, *_CONTRACTIONS):
        seen.add(op.name)
        if "bf16" in str(op.operands[0].type):
            seen.add("bf16")
    for op in ir.ops_in(module) if missing else ():
        for error in _refusals(op, missing, target):
            raise error
    return Workload(
        convolutions="stablehlo.convolution" in seen,
        products=bool(seen),
        bfloat16_products="bf16" in seen,
    )


_CONTRACTIONS = frozenset({"stablehlo.dot_general", "stablehlo.dot", "stablehlo.convolution"})
_SPELLED = {"float64": "f64", "complex128": "complex<f64>"}


def _refusals(op: ir.Operation, missing: dict[str, str], target: Target) -> Iterator[CompileError]:
    """An error for each type that an op has and the target lacks."""
    types = [value.type for value in op.results]
    if op.name == "func.func":
        types = [type_ for side in ir.function_type(op) for type_ in side]
    for spelled, dtype in missing.items():
        if any(f"{spelled}>" in str(type_) for type_ in types):
            yield CompileError(
                "S0308",
                f"{target.name} has no {dtype}",
                span=ir.span_of(op),
                hint="use float32 here, or another target",
            )


def _invalid(error: ir.MLIRError) -> CompileError:
    first = error.error_diagnostics[0] if error.error_diagnostics else None
    said = first.message if first else "it is neither MLIR text nor bytecode"
    span = ir.location_span(first.location) if first else None
    if span is not None and span.file == "-":  # bytes have no name
        span = None
    return CompileError("S0301", f"the program is not a valid module: {said}", span=span)


# --- the cache -------------------------------------------------------------------------------


def identity(target: Target, options: EmitOptions) -> list[str]:
    """Everything besides the program that decides what comes out."""
    machine = ""
    if target.host_part is not None and target.host_part.cpu == "host":
        flags = host_flags()
        machine = platform.node() if flags is None else " ".join(sorted(flags))
    table = repr(list(CONFIGURATIONS.values()))
    chosen = options.configuration or ""
    extra = [*target.process_flags, *options.flags, edition() if options.kernels else ""]
    return [IREE_VERSION, _driver(), target.name, *target.flags, *extra, chosen, table, machine]


@lru_cache(maxsize=1)
def _driver() -> str:
    """A digest of what drives IREE's compiler, and changes modules between its phases."""
    return cache.digest_of_files(Path(__file__).parent, "emit_*.py")


def _facts(emitted: Emitted) -> dict[str, object]:
    return {
        "processor": emitted.target.processor,
        "features": emitted.target.features,
        "flags": emitted.flags,
        "attempts": [asdict(attempt) for attempt in emitted.attempts],
        "constants": {name: memoryview(data).nbytes for name, data in emitted.constants.items()},
    }


def _together(emitted: Emitted) -> Bytes:
    """The constants, one behind the other, and the module."""
    return b"".join([*emitted.constants.values(), emitted.vmfb])


def _apart(entry: cache.Entry) -> tuple[dict[str, Bytes], Bytes]:
    """The constants and the module that an entry holds."""
    constants: dict[str, Bytes] = {}
    data = entry.data
    for name, size in entry.facts["constants"].items():
        constants[name], data = data[:size], data[size:]
    return constants, data


def _from_cache(entry: cache.Entry, target: Target, seconds: float) -> Emitted:
    facts = entry.facts
    features = tuple(facts["features"])
    constants, module = _apart(entry)
    return Emitted(
        module,
        replace(target, processor=facts["processor"], features=features),
        tuple(facts["flags"]),
        tuple(Attempt(**attempt) for attempt in facts["attempts"]),
        constants,
        seconds=seconds,
        cached=True,
    )


def _chosen(options: EmitOptions) -> Configuration | None:
    name = options.configuration
    if name is None or name in CONFIGURATIONS:
        return CONFIGURATIONS.get(name or "")
    raise UsageError(
        "S0423",
        f"there is no configuration `{name}`",
        notes=(f"the configurations are {', '.join(CONFIGURATIONS)}",),
        hint=did_you_mean(name, list(CONFIGURATIONS)),
    )


def processors() -> int:
    """How many processors this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
