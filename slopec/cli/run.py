"""`slopec run`: call an artifact with arrays from files, and show or store what it gives."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

import slopec_runtime
from slopec.cli import values
from slopec.cli.files import ARTIFACT, existing
from slopec.cli.group import Command
from slopec.cli.ui import Ui
from slopec.diagnostics import UsageError, did_you_mean
from slopec_runtime.dtypes import numpy_dtype
from slopec_runtime.entry import signature
from slopec_runtime.manifest import EntryPoint
from slopec_runtime.operands import describe
from slopec_runtime.tree import flatten, unflatten

Array = NDArray[Any]


@click.command(cls=Command)
@click.argument("artifact", type=click.Path(path_type=Path))
@click.option("--entry", "-e", metavar="NAME", help="The entry to call, if there are several.")
@click.option(
    "--input",
    "-i",
    "given",
    multiple=True,
    metavar="NAME=VALUE",
    help="An input: @FILE (.npy, .npz, .json, .csv) or JSON. Repeat for each.",
)
@click.option(
    "--output",
    "-o",
    metavar="FILE",
    help="Store the outputs: .npz, .npy, .json, or - for JSON on stdout.",
)
@click.option("--device", "-d", metavar="NAME", help="cpu, cuda, cuda:1, metal, or an IREE URI.")
@click.pass_obj
def command(
    ui: Ui,
    artifact: Path,
    entry: str | None,
    given: Sequence[str],
    output: str | None,
    device: str | None,
) -> None:
    """Call an ARTIFACT made by `slopec compile` or `slopec train`.

    \b
    slopec run model.vmfb --input image=@digits.npy --output out.npz
    slopec run model.vmfb -i 'x=[1, 2.5]' -o -

    Text takes the element type of the program; arrays are converted where only precision is lost.
    Without --output a table of the outputs is printed.
    """
    program = slopec_runtime.load(existing(artifact, ARTIFACT), device=device)
    name = choose_entry(list(program.manifest.entries), entry)
    point = program.manifest.entries[name]
    leaves = read_inputs(name, point, given)
    arguments = {argument: unflatten(tree, leaves) for argument, tree in point.arguments}
    outputs = named_outputs(point, program[name](**arguments))
    if output is None:
        ui.table(COLUMNS, summary(outputs))
        return
    values.write(output, outputs)
    if ui.verbosity >= 0 and output != "-":
        ui.table(COLUMNS, summary(outputs), file=sys.stderr)


def choose_entry(entries: list[str], wanted: str | None) -> str:
    """The entry wanted, or the only one; raises UsageError (S0407) without."""
    if wanted is None and len(entries) == 1:
        return entries[0]
    if wanted is None:
        raise UsageError(
            "S0407",
            "the artifact has several entries; name one with --entry",
            notes=(f"entries: {', '.join(entries)}",),
        )
    if wanted not in entries:
        raise UsageError(
            "S0407",
            f"the artifact has no entry `{wanted}`",
            notes=(f"entries: {', '.join(entries)}",),
            hint=did_you_mean(wanted, entries),
        )
    return wanted


def read_inputs(name: str, entry: EntryPoint, given: Sequence[str]) -> list[Array | None]:
    """An array for every input in order; None for those that come from the program's state.

    Raises `UsageError` (S0407) for a wrong form, unknown, repeated and missing inputs, and what
    `values.read` raises.
    """
    places = {one.name: place for place, one in enumerate(entry.inputs) if one.slot is None}
    arrays: dict[int, Array] = {}
    for text in given:
        key, equals, source = text.partition("=")
        if not equals:
            raise UsageError("S0407", f"`--input {text}` is not of the form NAME=VALUE")
        if key not in places:
            raise UsageError(
                "S0407",
                f"`{name}` has no input `{key}`",
                notes=(signature(name, entry),),
                hint=did_you_mean(key, list(places)),
            )
        if places[key] in arrays:
            raise UsageError("S0407", f"input `{key}` is given twice")
        arrays[places[key]] = values.read(key, source, numpy_dtype(entry.inputs[places[key]].dtype))
    missing = [key for key, place in places.items() if place not in arrays]
    if missing:
        raise UsageError(
            "S0407",
            f"`{name}` needs {', '.join(f'`{key}`' for key in missing)}",
            notes=(signature(name, entry),),
            hint=f"add --input {missing[0]}=@FILE",
        )
    return [arrays.get(place) for place in range(len(entry.inputs))]


def named_outputs(entry: EntryPoint, result: Any) -> dict[str, Array]:
    """The arrays in a result, by the names that the entry gives them."""
    found: dict[str, Array] = {}

    def keep(place: int, leaf: Any) -> None:
        found[entry.outputs[place].name] = np.asarray(leaf)

    flatten(entry.result, result, "result", keep)
    return found


COLUMNS = ("output", "type", "min", "max", "mean", "values")


def summary(outputs: Mapping[str, Array]) -> list[tuple[str, ...]]:
    """A row for each output: type, smallest, largest and mean value, and the first few."""
    return [
        (name, describe(found.dtype.name, found.shape), *_statistics(found), _first(found))
        for name, found in outputs.items()
    ]


def _statistics(found: Array) -> tuple[str, str, str]:
    if not found.size or found.dtype.kind == "c":
        return "", "", ""
    wide = found.astype(np.float64)
    return f"{wide.min():.4g}", f"{wide.max():.4g}", f"{wide.mean():.4g}"


def _first(found: Array, count: int = 4) -> str:
    form = "{}" if found.dtype.kind == "b" else "{:.4g}"
    shown = " ".join(form.format(value) for value in found.flat[:count].tolist())
    return f"{shown} …" if found.size > count else shown
