"""The command group: commands load when they are called, and a typing mistake is met with a hint.

`slopec --help` and completion read `SECTIONS` alone, so they stay quick whatever a command imports.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import Any

import click

from slopec.cli.ui import Ui

SECTIONS: dict[str, dict[str, str]] = {
    "Build": {
        "compile": "a model file or a StableHLO module to artifacts",
        "opt": "passes over a StableHLO module",
        "tune": "measure ways to compile a program on this machine",
        "train": "run a recipe: data, training, checkpoint, artifact",
    },
    "Run": {
        "run": "call an artifact with inputs from files",
        "info": "what an artifact holds: entries, shapes, target, state",
        "profile": "where an artifact's time goes, dispatch by dispatch",
    },
    "Look up": {
        "explain": "what an error code means, and what to do",
        "targets": "what slopec compiles for, and what this machine runs",
        "cache": "see or empty the folder of compiled artifacts",
        "version": "the versions of slopec and of what it stands on",
    },
}
"""Every command with its summary; the command `x` is the object `command` of `slopec/cli/x.py`."""

SUMMARIES = {name: summary for section in SECTIONS.values() for name, summary in section.items()}


class Command(click.Command):
    """A command that takes `--quiet` and `--verbose` after its name too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Add the two options to the command's own."""
        super().__init__(*args, **kwargs)
        self.params += verbosity_options()


class Group(click.Group):
    """A group that shows its help when called alone and meets a wrong name with a hint."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does it; without arguments there is the help."""
        return super().parse_args(ctx, args or ["--help"])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it, but an unknown command gets slopec's diagnostic."""
        known = self.list_commands(ctx)
        mistyped = args[0] not in known and not args[0].startswith("-")
        if mistyped and not ctx.resilient_parsing:
            raise _unknown_command(ctx.command_path, args[0], known)
        return super().resolve_command(ctx, args)


class LazyGroup(Group):
    """The group of all commands, which imports a command's module when the command is wanted."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, in the order of `SECTIONS`."""
        return list(SUMMARIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, its module imported now."""
        if cmd_name not in SUMMARIES:
            return None
        command: click.Command = import_module(f"slopec.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands by section, without importing any."""
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl(list(commands.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a reader that has seen enough (`| head`) ends it quietly."""
        try:
            super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def verbosity_options() -> list[click.Parameter]:
    """The options `--quiet` and `--verbose`, which set the `Ui` that commands are given."""

    def setter(verbosity: int) -> Callable[[click.Context, click.Parameter, bool], None]:
        def set_verbosity(context: click.Context, _: click.Parameter, given: bool) -> None:
            if given:
                context.obj = replace(context.find_object(Ui) or Ui(), verbosity=verbosity)

        return set_verbosity

    return [
        click.Option(
            ["-q", "--quiet"],
            is_flag=True,
            expose_value=False,
            callback=setter(-1),
            help="Say nothing but errors on stderr.",
        ),
        click.Option(
            ["-v", "--verbose"],
            is_flag=True,
            expose_value=False,
            callback=setter(1),
            help="Say more on stderr.",
        ),
    ]


def _unknown_command(path: str, name: str, known: list[str]) -> Exception:
    from slopec.diagnostics import UsageError, did_you_mean

    return UsageError(
        "S0401",
        f"`{path}` has no command `{name}`",
        hint=did_you_mean(name, known) or f"`{path} --help` lists the commands",
    )
