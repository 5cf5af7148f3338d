"""`slopec cache`: the folder of compiled artifacts."""

import click

from slopec import cache
from slopec.cli.group import Command, Group
from slopec.cli.info import amount
from slopec.cli.ui import Ui


@click.group(cls=Group)
def command() -> None:
    """See or empty the folder of what was compiled before.

    It lies in SLOPEC_CACHE_DIR, or else in the user's cache folder, and stays under
    SLOPEC_CACHE_LIMIT (2 GiB; 0 switches it off).
    """


@command.command(cls=Command)
@click.pass_obj
def info(ui: Ui) -> None:
    """Show where the cache is and how full."""
    found = cache.artifacts().info()
    rows = [
        ("entries", str(found.entries)),
        ("size", amount(found.size, "B")),
        ("limit", amount(found.limit, "B")),
    ]
    ui.table(("folder", str(found.folder)), rows)


@command.command(cls=Command)
@click.pass_obj
def clear(ui: Ui) -> None:
    """Remove every compiled artifact from the cache; they are made again when needed."""
    held = cache.artifacts()
    size = held.info().size
    removed = held.clear()
    ui.info(f"removed {removed} entries, {amount(size, 'B')}, from {held.folder}")
