"""`slopec info`: an artifact introduces itself."""

from pathlib import Path

import click
import numpy as np

from slopec.cli.files import ARTIFACT, existing
from slopec.cli.group import Command
from slopec.cli.ui import Ui
from slopec_runtime.artifact import read
from slopec_runtime.dtypes import numpy_dtype
from slopec_runtime.entry import signature
from slopec_runtime.manifest import Manifest
from slopec_runtime.operands import describe


@click.command(cls=Command)
@click.argument("artifact", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the manifest as it is stored.")
@click.pass_obj
def command(ui: Ui, artifact: Path, as_json: bool) -> None:
    """Show what an artifact holds: entries with shapes and types, target, cost and state.

    With --verbose also every state slot and the sources that it was compiled from.
    """
    manifest = read(existing(artifact, ARTIFACT)).manifest
    if as_json:
        ui.data(manifest.to_json())
        return
    ui.table(("program", manifest.name), facts(manifest, artifact.stat().st_size))
    ui.data("\nentries")
    for name, entry in manifest.entries.items():
        ui.data(f"  {signature(name, entry)}")
        if entry.doc:
            ui.data(f"      {entry.doc.splitlines()[0]}")
    if ui.verbosity > 0 and manifest.state:
        ui.data("")
        rows = [(name, describe(slot.dtype, slot.shape)) for name, slot in manifest.state.items()]
        ui.table(("state", "type"), rows)
    if ui.verbosity > 0 and manifest.sources:
        ui.data("")
        ui.table(("source", "sha256"), manifest.sources.items())


def facts(manifest: Manifest, size: int) -> list[tuple[str, str]]:
    """What is true of the whole artifact, in rows of name and value."""
    target, made = manifest.target, manifest.producer
    rows = [
        ("size", amount(size, "B")),
        ("made by", f"slopec {made.slopec}, IREE {made.iree}"),
        ("target", " ".join(filter(None, (target.name, target.arch, target.cpu)))),
        ("drivers", ", ".join(target.drivers)),
    ]
    if manifest.compilation:
        how = manifest.compilation
        tuned = f", tuned: {how.variant}" if how.variant else ""
        rows.append(("compiled as", how.configuration + tuned))
        rows += [("  refused", f"{r.configuration}: {r.reason}") for r in how.refused]
    for name, dim in manifest.dims.items():
        sizes = ", ".join(map(str, dim.sizes))
        rows.append((f"dim {name}", f"any, computed by {sizes}" if dim.independent else sizes))
    if manifest.cost:
        cost = f"{amount(manifest.cost.flops, 'FLOP')}, {amount(manifest.cost.bytes, 'B')} per call"
        rows.append(("cost", cost))
    if manifest.state:
        total = sum(
            int(np.prod(slot.shape, dtype=np.int64)) * numpy_dtype(slot.dtype).itemsize
            for slot in manifest.state.values()
        )
        rows.append(("state", f"{len(manifest.state)} slots, {amount(total, 'B')}"))
    return rows


def amount(number: float, unit: str) -> str:
    """A number with three digits and a decimal prefix.

    >>> amount(1234567, "B")
    '1.23 MB'
    """
    for prefix in ("", "k", "M", "G"):
        if number < 999.5:
            return f"{number:.3g} {prefix}{unit}"
        number /= 1000
    return f"{number:.3g} T{unit}"
