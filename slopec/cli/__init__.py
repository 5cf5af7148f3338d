"""The command line: one file per command, imported when it is called.

Data goes to stdout, everything else to stderr, and the exit code says how it went.
"""

import io
import sys
from collections.abc import Sequence

import click

from slopec.cli.group import LazyGroup, verbosity_options
from slopec.cli.ui import Ui

HELP = """Compile, train and run differentiable programs: Python in, one `.vmfb` file out.

Results go to stdout, messages to stderr. `NO_COLOR` turns colour off.
"""

EPILOG = """\b
Exit codes:
  0   done
  1   an error in the program, shown with the line that made it
  2   a command, option or argument that is not understood
  3   the back end could not compile the program
  4   a file or artifact is missing, damaged or unfit
  70  a fault in slopec itself
  130 interrupted
  143 terminated

\b
Completion, for the shell's start-up file:
  bash  eval "$(_SLOPEC_COMPLETE=bash_source slopec)"
  zsh   eval "$(_SLOPEC_COMPLETE=zsh_source slopec)"
  fish  _SLOPEC_COMPLETE=fish_source slopec | source
"""


def _print_version(context: click.Context, _: click.Parameter, given: bool) -> None:
    if given and not context.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"slopec {version('slopec')}")
        context.exit()


root = LazyGroup(
    name="slopec",
    help=HELP,
    epilog=EPILOG,
    params=[
        *verbosity_options(),
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_print_version,
            help="Print slopec's version; `slopec version` tells more.",
        ),
    ],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code; `arguments` default to the process's own."""
    _prepare_streams()
    ui = Ui()
    try:
        root.main(args=arguments, prog_name="slopec", standalone_mode=False, obj=ui)
    except (Exception, KeyboardInterrupt) as exception:
        from slopec.cli.errors import report

        return report(exception, ui)
    return 0


def _prepare_streams() -> None:
    """Let streams that the caller closed be empty, and those that lack a letter escape it."""
    for name in ("stdin", "stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, io.TextIOWrapper(io.BytesIO(), "utf-8"))
        elif name != "stdin" and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
