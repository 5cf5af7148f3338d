"""`slopec train`: run a recipe, show how it goes, leave a checkpoint and an artifact."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from slopec.cli.files import RECIPE, WEIGHTS, existing
from slopec.cli.group import Command
from slopec.cli.ui import Ui
from slopec.diagnostics import UsageError


@click.command(cls=Command)
@click.argument("name", metavar="RECIPE", required=False)
@click.option(
    "--set",
    "-s",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change a field: train.epochs=3, optimizer.learning-rate=1e-3. Repeatable.",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where to write; a new folder in runs/ by default.",
)
@click.option(
    "--resume",
    type=click.Path(path_type=Path),
    metavar="CHECKPOINT",
    help="Go on from a checkpoint of the same recipe.",
)
@click.option("--device", "-d", metavar="NAME", help="cpu (default) or cuda.")
@click.option("--list", "listing", is_flag=True, help="List the recipes that come with slopec.")
@click.pass_obj
def command(
    ui: Ui,
    name: str | None,
    settings: Sequence[str],
    output: Path | None,
    resume: Path | None,
    device: str | None,
    listing: bool,
) -> None:
    """Train RECIPE: a name from `--list`, or a .toml file.

    \b
    slopec train digits-mlp
    slopec train my.toml --set train.epochs=3 --set optimizer.learning-rate=3e-4

    A run leaves metrics.jsonl, checkpoint.safetensors, recipe.toml and model.vmfb in its folder;
    the path of the artifact is printed.
    """
    from slopec import emit
    from slopec.train import recipe as recipes

    if listing:
        rows = [(key, recipes.read(path).title) for key, path in recipes.recipes().items()]
        ui.table(("recipe", "what"), rows)
        return
    if name is None:
        raise UsageError(
            "S0403",
            "`slopec train` needs the argument `RECIPE`",
            hint="`slopec train --list` shows those that come with slopec",
        )
    emit.warm()
    file = existing(recipes.find(name), RECIPE)
    recipe = recipes.read(file, dict(_setting(text) for text in settings))
    from slopec.train import loop

    ui.info(f"{recipe.name}: {recipe.title}" if recipe.title else recipe.name)
    folder = output or _new_folder(Path("runs"), recipe.name)
    outcome = loop.run(
        recipe,
        folder,
        lambda epoch, seconds: ui.info(_line(epoch, recipe.train.epochs, seconds)),
        resume=None if resume is None else existing(resume, WEIGHTS),
        device=device,
    )
    traffic = outcome.traffic
    ui.info(
        f"test accuracy {outcome.last.test_accuracy:.2%} after {outcome.total_seconds:.1f} s, "
        f"of which {outcome.compile_seconds:.1f} s compiled the step"
    )
    ui.info(
        f"per step {traffic.uploaded:,} bytes went to the device and {traffic.downloaded:,} came "
        f"back; {traffic.state:,} bytes of state stayed there"
    )
    ui.detail(json.dumps(asdict(outcome.last)))
    ui.data(str(outcome.artifact))


def _line(epoch: object, epochs: int, seconds: float) -> str:
    e = asdict(epoch)  # type: ignore[call-overload]
    return (
        f"epoch {e['epoch']:>{len(str(epochs))}}/{epochs}  loss {e['train_loss']:.4f}  "
        f"test loss {e['test_loss']:.4f}  test accuracy {e['test_accuracy']:.2%}  {seconds:.2f} s"
    )


def _setting(text: str) -> tuple[str, str]:
    key, found, value = text.partition("=")
    if not found or not key:
        raise UsageError(
            "S0403", f"`--set {text}` is not of the form KEY=VALUE", hint="as in train.epochs=3"
        )
    return key, value


def _new_folder(parent: Path, name: str) -> Path:
    """The first of name, name-2, name-3 … that is not there yet."""
    folder, number = parent / name, 1
    while folder.exists():
        number += 1
        folder = parent / f"{name}-{number}"
    return folder
