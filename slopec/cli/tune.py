"""`slopec tune`: measure ways to compile a program on this machine, and keep the fastest."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from slopec.cli.compile import lowered_from, sizes_of
from slopec.cli.group import Command
from slopec.cli.ui import Ui

if TYPE_CHECKING:
    from slopec.lower import Lowered
    from slopec.targets import Target
    from slopec.tuned import Record, Trial
    from slopec.variants import Variant


@click.command(cls=Command)
@click.argument("source", metavar="FILE[:PROGRAM]")
@click.option("--target", "-t", default="llvm-cpu", show_default=True, metavar="NAME")
@click.option("--arch", metavar="ARCH", help="GPU generation (sm_80, a100, h100).")
@click.option("--cpu", metavar="CPU", help="Processor for llvm-cpu: host, generic, x86-64-v3 …")
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True), default=60.0)
@click.option(
    "--tuned",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where to keep the results; beside the cache by default.",
)
@click.option("--device", "-d", metavar="NAME", help="Where to run: cpu, local-sync, cuda:1 …")
@click.option(
    "--params", type=click.Path(path_type=Path), metavar="FILE", help="Weights, as for `compile`."
)
@click.option("--dim", "dims", multiple=True, metavar="NAME=N,…", help="Sizes, as for `compile`.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.pass_obj
def command(
    ui: Ui,
    source: str,
    target: str,
    arch: str | None,
    cpu: str | None,
    seconds: float,
    tuned: Path | None,
    device: str | None,
    params: Path | None,
    dims: Sequence[str],
    seed: int,
) -> None:
    """Compile the programs in FILE, or only PROGRAM, in several ways and measure each.

    \b
    slopec tune models/convnet.py --cpu host --seconds 120 --tuned tuned.json
    slopec compile models/convnet.py --cpu host --tuned tuned.json

    Ways differ in passes, settings and flags of the back end. Each runs beside the best so far, on
    random inputs, in a process of its own; those that fail or give other results are left out.
    Results are kept after each, and another run goes on where one was stopped.
    """
    from slopec import emit
    from slopec.targets import parse_target

    chosen = parse_target(target, arch=arch, cpu=cpu)
    emit.warm(chosen)
    lowered = lowered_from(source, params, sizes_of(dims), seed)
    record, path = _tuned(ui, lowered, chosen, seconds, tuned, device=device)
    rows = [_row(trial) for trial in record.trials]
    ui.table(("variant", "outcome", "time", "of the best then"), rows)
    ui.info(f"fastest: {record.winner.name}, {record.speedup:.2f} times as fast as the usual way")
    ui.info(f"kept in {path}")


def variant_for(
    ui: Ui,
    lowered: "Lowered",
    target: "Target",
    seconds: float | None,
    path: Path | None,
    passes: str | None,
) -> "Variant":
    """The variant to compile: from a search of some seconds, or else from the file."""
    from slopec.tuned import default_path
    from slopec.tuning import winner

    if seconds is None:
        return winner(lowered, target, path or default_path(), pipeline=passes)
    return _tuned(ui, lowered, target, seconds, path, passes=passes)[0].winner


def _tuned(
    ui: Ui,
    lowered: "Lowered",
    target: "Target",
    seconds: float,
    path: Path | None,
    *,
    device: str | None = None,
    passes: str | None = None,
) -> "tuple[Record, Path]":
    from slopec.tuned import default_path
    from slopec.tuning import tune

    def tell(trial: "Trial", record: "Record") -> None:
        mark = " (best)" if record.winner == trial.variant else ""
        ui.info("  ".join(cell for cell in _row(trial) if cell) + mark)

    path = path or default_path()
    with ui.progress(f"tuning {lowered.name}", seconds):
        record = tune(
            lowered,
            target,
            seconds=seconds,
            device=device,
            path=path,
            pipeline=passes,
            notify=tell,
        )
    return record, path


def _row(trial: "Trial") -> tuple[str, str, str, str]:
    if trial.ratio is None or trial.milliseconds is None:
        return (trial.variant.name, trial.outcome, "", trial.note[:60])
    return (
        trial.variant.name,
        trial.outcome,
        f"{trial.milliseconds:.3f} ms",
        f"{trial.ratio:.0%}",
    )
