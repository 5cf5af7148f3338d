"""From what IREE says when it cannot compile to what a user can act on.

IREE's diagnostics speak of its own intermediate forms. `failure_of` finds the first that carries a
place in the user's program, cleans its text, and says, where the failure is a known one, what it
means, what to write instead, and whether other compiler settings may do better.
"""

import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass

from slopec.diagnostics import (
    CompileError,
    Diagnostic,
    Label,
    SlopecError,
    Span,
    UsageError,
    did_you_mean,
)
from slopec.emit_frames import Header
from slopec.emit_process import Answer
from slopec.targets import Target

_LABELS = 3


@dataclass(frozen=True)
class Failure:
    """Why one compilation failed; `retry` tells that another configuration may succeed.

    `symbols` are functions that the program calls and the linker does not know.
    """

    code: str
    message: str
    span: Span | None = None
    labels: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    hint: str | None = None
    retry: bool = True
    symbols: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Known:
    """A failure that IREE is known for: how its text reads, what it means, the way out."""

    pattern: str
    code: str
    message: str
    hint: str | None = None
    retry: bool = True


_KNOWN = (
    _Known(
        r"failed to legalize operation '(?P<op>(?:stablehlo|chlo)\.[\w.]+)'",
        "S0302",
        "the back end cannot compile `{op}`",
        "write it with other operations; `slopec explain S0302` lists what is missing",
        retry=False,
    ),
    _Known(
        r"failed to get neutral element|Failed to get an identity value",
        "S0303",
        "the GPU back end cannot sum negated values in one step",
        "write `-sum(x)` instead of `sum(-x)`",
        retry=False,
    ),
    _Known(
        r"exceeded stack allocation limit of (?P<limit>\d+) bytes.*?Got (?P<got>\d+) bytes",
        "S0303",
        "a fused computation needs {got} bytes of stack, a worker thread has {limit}",
        "compute part of it in a function of its own, or put an optimization barrier between",
    ),
    _Known(
        r"large vector sizes \((?P<got>\d+) bytes\)",
        "S0303",
        "a computation was vectorised into {got} bytes of registers",
    ),
    _Known(
        r"uses (?P<got>\d+) bytes of shared memory; exceeded the limit of (?P<limit>\d+)",
        "S0303",
        "a fused reduction needs {got} bytes of shared memory, the GPU has {limit}",
        "reduce over the last dimension, or put an optimization barrier after the reduction",
    ),
    _Known(
        r"failed to distribute",
        "S0303",
        "the GPU back end cannot spread this operation over threads",
        "products of bfloat16 compile with a float32 result",
    ),
    _Known(
        r"'(?:vector\.bitcast|spirv\.Bitcast)'.*bf16",
        "S0303",
        "the Metal back end cannot compute in bfloat16 here",
        "use float16 or float32 on Metal",
    ),
    _Known(
        r"missing GPU target",
        "S0421",
        "IREE does not know this GPU",
        "`slopec targets` lists those it knows",
        retry=False,
    ),
)


def failure_of(answer: Answer) -> Failure:
    """What one unsuccessful answer of the compiler means."""
    errors = [d for d in answer.diagnostics if d["severity"] == "error"]
    if answer.ending == "failed" and answer.stage == "parse":
        return _invalid(errors)
    if answer.ending != "failed":
        return _ended(answer)
    symbols = tuple(dict.fromkeys(re.findall(r"undefined symbol: (\w+)", answer.text)))
    if symbols:
        return _unlinked(errors, symbols)
    for diagnostic in errors:
        for known in _KNOWN:
            found = re.search(known.pattern, diagnostic["text"], re.DOTALL)
            if found:
                message = known.message.format(**found.groupdict())
                span, labels = places_of([diagnostic, *errors])
                return Failure(
                    known.code, message, span, labels, hint=known.hint, retry=known.retry
                )
    said = clean(errors[0]["text"]) if errors else _last_line(answer.text)
    span, labels = places_of(errors)
    return Failure("S0303", f"the back end could not compile this: {said}", span, labels)


def places_of(diagnostics: Sequence[Header]) -> tuple[Span | None, tuple[Label, ...]]:
    """The first diagnostic with a place in the user's program: that place, and others it names."""
    for diagnostic in diagnostics:
        spans = list(dict.fromkeys(Span(*place) for place in diagnostic["places"]))
        if spans:
            others = tuple(Label(span, "part of it") for span in spans[1 : 1 + _LABELS])
            return spans[0], others
    return None, ()


def clean(text: str) -> str:
    """The first sentence of what IREE says, without the operation it prints after it.

    >>> clean("'func.func' op failed to bufferize op\\n")
    'failed to bufferize op'
    >>> clean('failed to legalize operation \\'a.b\\' that was explicitly marked illegal: %0 = "a"')
    "failed to legalize operation 'a.b'"
    """
    line = next((line for line in text.splitlines() if line.strip()), "no reason given")
    line = re.sub(r"^'[\w.]+' op ", "", line.strip())
    line = re.sub(r"(?: that was explicitly marked illegal)?: (?:%|\").*$", "", line)
    return line if len(line) <= 200 else line[:199] + "…"


def warnings_of(diagnostics: Sequence[Header]) -> tuple[Diagnostic, ...]:
    """IREE's warnings about the user's program, without those that only its developers can heed."""
    return tuple(
        Diagnostic("S0303", clean(warning["text"]), span, severity="warning")
        for warning in diagnostics
        if warning["severity"] == "warning" and "--iree-" not in warning["text"]
        for span in [places_of([warning])[0]]
        if span
    )


def as_error(failure: Failure, tried: Sequence[str], reproducer: str | None) -> SlopecError:
    """The failure as an error: what went wrong, what was tried, how to show it to others."""
    notes = [*failure.notes, *tried]
    if reproducer:
        notes.append(f"the module and the command that compiles it are in {reproducer}")
    kind = UsageError if failure.code.startswith("S04") else CompileError
    return kind(
        failure.code,
        failure.message,
        span=failure.span,
        labels=failure.labels,
        notes=tuple(notes),
        hint=failure.hint,
    )


def unknown_processor(target: Target, log: str) -> UsageError | None:
    """The error for a processor that LLVM does not know, if that is what the log is about."""
    listed = re.search(r"List of accepted CPUs: (.*)", log)
    host = target.host_part
    if listed is None or host is None:
        return None
    known = [*listed[1].split(", "), "generic", "host"]
    return UsageError(
        "S0421",
        f"llvm-cpu knows no processor `{host.cpu}` of the architecture {host.arch}",
        notes=(f"it knows {', '.join(known)}",),
        hint=did_you_mean(host.cpu, known),
    )


def _invalid(errors: Sequence[Header]) -> Failure:
    said = clean(errors[0]["text"]) if errors else "it is neither MLIR text nor bytecode"
    span, labels = places_of(errors)
    return Failure("S0301", f"the program is not a valid module: {said}", span, labels, retry=False)


def _unlinked(errors: Sequence[Header], symbols: tuple[str, ...]) -> Failure:
    span, labels = places_of(errors)
    names = ", ".join(symbols)
    return Failure(
        "S0304",
        f"the program needs functions that the processor's code lacks: {names}",
        span,
        labels,
        hint="compute in float32 here; most of these functions exist in float64 on the host only",
        symbols=symbols,
    )


def _ended(answer: Answer) -> Failure:
    """A failure of the compiler itself."""
    # What IREE warned of last is the likeliest place, since a crash names none.
    span, _ = places_of(answer.diagnostics[::-1])
    if answer.ending == "timeout":
        return Failure(
            "S0306",
            f"compiling took too long: IREE was in its phase `{answer.stage}`",
            span,
            retry=False,
            hint="allow more time, or compile a smaller program to find what takes it",
        )
    if answer.ending == "cancelled":
        return Failure("S0306", "the compilation was stopped", retry=False)
    if answer.ending == "crashed":
        return _crashed(answer, span)
    if answer.ending == "refused":
        said = " ".join(answer.text.split())
        return Failure("S0423", f"IREE does not take these flags: {said}", retry=False)
    if answer.ending == "missing":
        return Failure(
            "S0307",
            f"IREE's compiler cannot be loaded: {answer.text}",
            hint="install iree-base-compiler",
            retry=False,
        )
    said = f": {_last_line(answer.text)}" if answer.text else ""
    return Failure("S0307", f"the compiler process ended before it answered{said}", retry=False)


def _crashed(answer: Answer, span: Span | None) -> Failure:
    said = re.search(r"LLVM ERROR: (.*)", answer.text)
    notes = (f"it said: {said[1]}",) if said else ()
    if answer.status >= 0:
        cause = f"gave up with exit code {answer.status}"
    else:
        number = -answer.status
        cause = f"crashed with {signal.Signals(number).name} ({signal.strsignal(number)})"
    memory = answer.status == -signal.SIGKILL
    return Failure(
        "S0305",
        f"IREE {cause} in its phase `{answer.stage}`",
        span,
        notes=notes,
        hint="the system kills what takes too much memory: compile a smaller program, or fewer at "
        "once"
        if memory
        else "the program itself may be right: this is a fault of the compiler",
    )


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return clean(lines[-1]) if lines else "no reason given"
