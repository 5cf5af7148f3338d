"""What commands that run passes can show of them: a table of times, the module after each pass."""

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from slopec.cli.ui import Ui

if TYPE_CHECKING:
    from slopec.passes import Measure, Observer


def watched(command: Callable[..., None]) -> Callable[..., None]:
    """Add `--time-passes` and `--dump-passes`, which `command` takes together as `watch`."""

    @click.option("--time-passes", is_flag=True, help="Print how long each pass took.")
    @click.option(
        "--dump-passes",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Write the module after each pass to DIR.",
    )
    @functools.wraps(command)
    def watching(*args: Any, time_passes: bool, dump_passes: Path | None, **options: Any) -> None:
        command(*args, watch=Watch(time_passes, dump_passes), **options)

    return watching


class Watch:
    """The observers that the two options ask for."""

    def __init__(self, times: bool, folder: Path | None) -> None:
        """Make them."""
        self._clock: Measure | None = None
        self.observer: Observer | None = None
        if not times and folder is None:
            return
        from slopec import passes

        self._clock = passes.Measure() if times else None
        clock = [self._clock] if self._clock else []
        dump = [passes.Dump(folder)] if folder else []
        self.observer = passes.Together((*clock, passes.Verify(), *dump))

    def report(self, ui: Ui) -> None:
        """Print the table of times on stderr, if they were asked for."""
        if self._clock is None:
            return
        results = self._clock.results
        rows = [
            (m.spelling, f"{m.seconds * 1e3:.1f}", str(m.ops_before), str(m.ops_after))
            for m in results
        ]
        rows.append(("total", f"{sum(m.seconds for m in results) * 1e3:.1f}", "", ""))
        ui.table(("pass", "ms", "ops before", "ops after"), rows, file=sys.stderr)
