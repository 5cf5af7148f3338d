"""Errors are values: a code, what was expected and what came, the user's line, and a way out.

Every error slopec raises for a user's mistake is a `SlopecError`. Its text is the whole story, so
an uncaught one reads well in an interpreter and the command line only has to print it.
"""

import linecache
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from slopec_runtime.errors import Error


@dataclass(frozen=True)
class Span:
    """A piece of source text: lines and columns count from 1, `end_column` is exclusive."""

    file: str
    line: int
    column: int = 0
    end_line: int = 0
    end_column: int = 0

    def __str__(self) -> str:
        """`file:line:column`, as compilers print it."""
        return f"{self.file}:{self.line}" + (f":{self.column}" if self.column else "")


@dataclass(frozen=True)
class Label:
    """A second place that matters for an error, with what to see there."""

    span: Span
    text: str


@dataclass(frozen=True)
class Diagnostic:
    """One finding of the compiler: an error, a warning or a note, with its place."""

    code: str
    message: str
    span: Span | None = None
    labels: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    hint: str | None = None
    severity: Literal["error", "warning", "note"] = "error"

    def __str__(self) -> str:
        """The diagnostic as it is printed, with the user's line and carets."""
        return render(self)


class SlopecError(Error):
    """A mistake in the user's input, told with code, place, notes and hint."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        span: Span | None = None,
        labels: tuple[Label, ...] = (),
        notes: tuple[str, ...] = (),
        hint: str | None = None,
    ) -> None:
        """Store the parts; `str(error)` renders them."""
        super().__init__(code, message, notes=notes, hint=hint)
        self.span = span
        self.labels = labels

    @property
    def diagnostic(self) -> Diagnostic:
        """The error as a value."""
        return Diagnostic(
            self.code, self.message, self.span, self.labels, tuple(self.notes), self.hint
        )

    def __str__(self) -> str:
        """The rendered diagnostic."""
        return render(self.diagnostic)


class ShapeError(SlopecError, ValueError):
    """Shapes that do not fit together."""


class RangeError(ShapeError, IndexError):
    """An axis or an index outside a shape."""


class DTypeError(SlopecError, TypeError):
    """An element type, or a kind of argument, that the function does not take."""


class TraceError(SlopecError, RuntimeError):
    """Something that a trace cannot do: branch on an unknown value, or outlive itself."""


class TransformError(SlopecError, ValueError):
    """A transform asked for something that has no meaning or no rule."""


class CompileError(SlopecError, RuntimeError):
    """The back end could not compile a program."""


class UsageError(SlopecError, ValueError):
    """A command, option, file or recipe that is not what it should be."""


@contextmanager
def refusals(path: Path) -> Iterator[None]:
    """Tell what the system says against writing to `path` as an error (S0405) about that file."""
    try:
        yield
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        hint = None if path.parent.is_dir() else f"there is no folder `{path.parent}`"
        raise UsageError("S0405", f"cannot write `{path}`: {reason}", hint=hint) from None


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Where to write what `path` will hold: the file appears complete or not at all.

    The content goes to a file beside it, which takes its place at the end; what is there already as
    something else than a file, such as a pipe, is written itself. Raises UsageError (S0405) with
    what the system says against it.
    """
    target = Path(os.path.realpath(path))  # a link stays, and what it leads to is written
    aside = target.with_name(f".{os.getpid()}-{target.name}")
    direct = target.exists() and not target.is_file()
    with refusals(path):
        try:
            yield target if direct else aside
            if not direct:
                aside.replace(target)
        finally:
            with suppress(OSError):
                aside.unlink(missing_ok=True)


LINE = 160
"""How much of a line of source is shown; longer ones, of data mostly, are cropped."""


def _excerpt(span: Span, text: str, marker: str) -> list[str]:
    """The source lines of `span` with `marker` under its columns."""
    source = linecache.getline(span.file, span.line).rstrip("\n")
    width = len(str(span.line))
    lines = [f"{' ' * width}--> {span}"]
    if not source.strip():
        return lines
    gutter = " " * width
    start = max(span.column, 1)
    one_line = span.end_line in (0, span.line)
    end = span.end_column if one_line and span.end_column > start else len(source) + 1
    if not span.column:
        start = len(source) - len(source.lstrip()) + 1
    shown, start, length = _cropped(source, start, max(1, end - start))
    lines += [f"{gutter} |", f"{span.line} | {shown}"]
    lines += [f"{gutter} | {' ' * (start - 1)}{marker * length}{' ' + text if text else ''}"]
    return lines


def _cropped(source: str, start: int, length: int) -> tuple[str, int, int]:
    """A line that is too long to show, from a little before `start` on; where that is now.

    >>> _cropped("x = 1", 5, 1)
    ('x = 1', 5, 1)
    >>> shown, start, length = _cropped("-" * 900 + "here" + "-" * 900, 901, 4)
    >>> len(shown), shown[start - 1 : start - 1 + length]
    (160, 'here')
    """
    if len(source) <= LINE:
        return source, start, length
    first = min(max(0, start - 41), len(source) - LINE)
    shown = source[first : first + LINE]
    if first:
        shown = "…" + shown[1:]
    if first + LINE < len(source):
        shown = shown[:-1] + "…"
    return shown, start - first, min(length, LINE - (start - first) + 1)


def render(diagnostic: Diagnostic) -> str:
    """The diagnostic as plain text: headline, excerpts with carets, notes, hint."""
    lines = [f"{diagnostic.severity}[{diagnostic.code}]: {diagnostic.message}"]
    if diagnostic.span is not None:
        lines += _excerpt(diagnostic.span, "", "^")
    for label in diagnostic.labels:
        lines += _excerpt(label.span, label.text, "-")
    lines += [f"  = note: {note}" for note in diagnostic.notes]
    if diagnostic.hint:
        lines.append(f"  = hint: {diagnostic.hint}")
    return "\n".join(lines)


def did_you_mean(word: str, known: list[str]) -> str | None:
    """A hint naming the known word closest to `word`, or None when none is close.

    >>> did_you_mean("cudda", ["cuda", "metal"])
    'did you mean `cuda`?'
    """
    import difflib

    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"did you mean `{close[0]}`?" if close else None
