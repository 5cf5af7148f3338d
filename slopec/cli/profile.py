"""`slopec profile`: where the time of an artifact goes, dispatch by dispatch."""

from collections.abc import Sequence
from pathlib import Path

import click

from slopec.cli.compile import sizes_of
from slopec.cli.files import ARTIFACT, existing
from slopec.cli.group import Command
from slopec.cli.info import amount
from slopec.cli.run import choose_entry
from slopec.cli.ui import Ui
from slopec.profile import profile
from slopec_runtime.artifact import read


@click.command(cls=Command)
@click.argument("artifact", type=click.Path(path_type=Path))
@click.option("--entry", "-e", metavar="NAME", help="The entry to call, if there are several.")
@click.option("--dim", "dims", multiple=True, metavar="NAME=N", help="Which of the sizes to run.")
@click.option("--device", "-d", metavar="NAME", help="cpu, local-sync or local-task.")
@click.option("--calls", type=click.IntRange(min=1), default=10, show_default=True)
@click.option("--top", type=click.IntRange(min=1), default=15, show_default=True)
@click.pass_obj
def command(
    ui: Ui,
    artifact: Path,
    entry: str | None,
    dims: Sequence[str],
    device: str | None,
    calls: int,
    top: int,
) -> None:
    """Run an ARTIFACT on random inputs and show its dearest dispatches.

    \b
    slopec profile model.vmfb --dim batch=32

    A dispatch is a kernel that the back end made of one or several ops. Time is of one call of the
    program; cores are those at work on average; the rate is of products and convolutions.
    """
    manifest = read(existing(artifact, ARTIFACT)).manifest
    chosen = choose_entry(list(manifest.entries), entry)
    sizes = {name: several[-1] for name, several in sizes_of(dims).items()}
    found = profile(artifact, chosen, sizes=sizes, device=device, calls=calls)
    inside = sum(d.seconds for d in found.dispatches)
    rows = [
        (
            f"{d.runs:g}",
            f"{1e3 * d.seconds:.3f} ms",
            f"{d.seconds / inside:.1%}",
            f"{d.core_seconds / d.seconds:.1f}" if d.seconds else "",
            f"{amount(d.rate, 'FLOP')}/s" if d.flops else "",
            d.name,
        )
        for d in found.dispatches
    ]
    ui.table(("runs", "time", "share", "cores", "rate", "dispatch"), rows[:top])
    rest = sum(d.seconds for d in found.dispatches[top:])
    ui.info(
        f"{found.entry} on {found.device}: {1e3 * found.seconds:.2f} ms per call, "
        f"{1e3 * inside:.2f} ms in {len(rows)} dispatches, {1e3 * rest:.2f} ms of them not shown"
    )
