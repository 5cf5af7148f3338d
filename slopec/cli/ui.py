"""The only place that draws: data goes to stdout, everything said about it to stderr.

Text is complete without colour. Colour and rich come in only where a terminal will show them, so
that a piped or quick command never pays for their import.
"""

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from threading import Event, Thread
from time import monotonic
from typing import TextIO

HEADLINES = {"error": "bold red", "warning": "bold yellow", "note": "bold cyan"}


@dataclass(frozen=True)
class Ui:
    """How much to say: verbosity -1 is `--quiet`, 0 the default, 1 `--verbose`."""

    verbosity: int = 0

    def data(self, text: str) -> None:
        """Print a result on stdout, as it is."""
        sys.stdout.write(text + "\n")

    def info(self, text: str) -> None:
        """Say on stderr what was done, unless `--quiet`."""
        if self.verbosity >= 0:
            sys.stderr.write(text + "\n")

    def detail(self, text: str) -> None:
        """Say on stderr what only `--verbose` asks for."""
        if self.verbosity > 0:
            sys.stderr.write(text + "\n")

    def diagnostic(self, text: str) -> None:
        """Print a rendered diagnostic on stderr, its parts in colour on a terminal."""
        if not colourful(sys.stderr):
            sys.stderr.write(text + "\n")
            return
        from rich.console import Console
        from rich.text import Text

        console = Console(file=sys.stderr, highlight=False, soft_wrap=True)
        for line in text.splitlines():
            console.print(Text.assemble(*_coloured(line)))

    def markdown(self, text: str) -> None:
        """Print Markdown on stdout: set out on a terminal, as it is written elsewhere."""
        if not colourful(sys.stdout):
            sys.stdout.write(text)
            return
        from rich.console import Console
        from rich.markdown import Markdown

        Console(width=min(Console().width, 100)).print(Markdown(text))

    @contextlib.contextmanager
    def progress(self, text: str, seconds: float) -> Iterator[None]:
        """While the context lasts, show on a terminal how much of `seconds` has passed."""
        if self.verbosity < 0 or not colourful(sys.stderr):
            yield
            return
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task, ended, started = bar.add_task(text, total=seconds), Event(), monotonic()

            def tick() -> None:
                while not ended.wait(0.2):
                    bar.update(task, completed=min(seconds, monotonic() - started))

            clock = Thread(target=tick, daemon=True)
            clock.start()
            try:
                yield
            finally:
                ended.set()
                clock.join()

    def table(
        self, columns: Sequence[str], rows: Iterable[Sequence[str]], file: TextIO | None = None
    ) -> None:
        """Print rows under headings, on stdout unless told otherwise; no line is ever cut."""
        file = file or sys.stdout
        cells = [tuple(columns), *(tuple(row) for row in rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in cells
        ]
        if colourful(file):
            lines[0] = f"\x1b[1m{lines[0]}\x1b[0m"
        file.write("\n".join(lines) + "\n")


def colourful(file: TextIO) -> bool:
    """Whether to colour what is written to `file`.

    Yes on a terminal, unless `NO_COLOR` is set or the terminal is dumb; elsewhere only if
    `FORCE_COLOR` is set.
    """
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return file.isatty() and os.environ.get("TERM") != "dumb"


def _coloured(line: str) -> list[tuple[str, str]]:
    """The parts of one line of a diagnostic with their styles."""
    head, bracket, rest = line.partition("[")
    if bracket and head in HEADLINES:
        code, _, message = rest.partition("]")
        return [(f"{head}[{code}]", HEADLINES[head]), (message, "bold")]
    stripped = line.lstrip()
    if stripped.startswith("--> "):
        return [(line, "blue")]
    if stripped.startswith("= "):
        mark, colon, text = line.partition(":")
        return [(mark + colon, "bold cyan"), (text, "")]
    gutter, bar, source = line.partition(" |")
    if bar and not gutter.strip():
        return [(gutter + bar, "blue"), (source, "red")]
    if bar and gutter.isdigit():
        return [(gutter + bar, "blue"), (source, "")]
    return [(line, "")]
