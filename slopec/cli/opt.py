"""`slopec opt`: run any pipeline of passes over a module."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from slopec.cli.files import MODULE, existing
from slopec.cli.group import Command
from slopec.cli.ui import Ui
from slopec.cli.watching import Watch, watched
from slopec.diagnostics import UsageError, writing

if TYPE_CHECKING:
    from slopec import ir


@click.command(cls=Command)
@click.argument("source", metavar="FILE", required=False)
@click.option("--passes", "-p", metavar="PIPELINE", help="Passes with commas and {options}.")
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where to write: bytecode for .mlirbc, a picture for .dot. Default: text on stdout.",
)
@watched
@click.option("--list-passes", is_flag=True, help="List the passes.")
@click.pass_obj
def command(
    ui: Ui,
    source: str | None,
    passes: str | None,
    output: Path | None,
    watch: Watch,
    list_passes: bool,
) -> None:
    """Run passes over FILE, a StableHLO module as MLIR text or bytecode; `-` reads stdin.

    \b
    slopec opt model.mlir -p 'derive,canonicalize,cse'
    slopec opt model.mlir -p 'vjp{function=main wrt=0},derive,inline,simplify{max-iterations=4}'
    """
    from slopec.passes import PASSES, Verify, find, parse_pipeline, run_pipeline

    if list_passes:
        rows = [(name, (find(name).__doc__ or "").split("\n")[0]) for name in PASSES]
        ui.table(("pass", "what"), rows)
        return
    if source is None:
        raise UsageError("S0403", "`slopec opt` needs the argument `FILE`")
    pipeline = parse_pipeline(passes or "canonicalize,cse")
    from slopec.foreign import parse_module, read_module

    module = (
        parse_module(sys.stdin.buffer.read(), Path("<stdin>"))
        if source == "-"
        else read_module(existing(Path(source), MODULE))
    )
    run_pipeline(module, pipeline, watch.observer or Verify())
    watch.report(ui)
    if output is None:
        ui.data(str(module).rstrip())
        return
    with writing(output) as file:
        file.write_bytes(_written(module, output.suffix))


def _written(module: "ir.Module", ending: str) -> bytes:
    """The module in the form that the ending of a file asks for."""
    from slopec import ir
    from slopec.picture import dot

    if ending == ".mlirbc":
        return ir.bytecode(module)
    return (dot(module) if ending == ".dot" else str(module)).encode()
