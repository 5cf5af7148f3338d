"""`slopec version`: what a report of a fault needs to name."""

import platform
from importlib.metadata import PackageNotFoundError, version

import click

from slopec.cli.group import Command
from slopec.cli.ui import Ui

PACKAGES = (
    "slopec",
    "slopec-runtime",
    "iree-base-compiler",
    "iree-base-runtime",
    "numpy",
    "ml_dtypes",
)


@click.command(cls=Command)
@click.pass_obj
def command(ui: Ui) -> None:
    """Print the versions of slopec, of what it stands on, and of this system."""
    rows = [(name, _installed(name)) for name in PACKAGES]
    rows += [("python", platform.python_version()), ("system", platform.platform())]
    ui.table(("what", "version"), rows)


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
