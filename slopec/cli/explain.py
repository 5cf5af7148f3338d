"""`slopec explain`: what an error code means and what to do about it.

The texts are Markdown files, `slopec/explanations/S0101.md` for S0101, the title on the first line;
the runtime, which is installed without slopec too, brings its own.
"""

import textwrap
from pathlib import Path

import click
from click.shell_completion import CompletionItem

import slopec
from slopec.cli.group import Command
from slopec.cli.ui import Ui
from slopec.diagnostics import UsageError, did_you_mean
from slopec_runtime.errors import CODES

FOLDER = Path(slopec.__file__).parent / "explanations"


def titles() -> dict[str, str]:
    """Every documented code with its title: slopec's own and the runtime's."""
    own = {path.stem: _title(path) for path in FOLDER.glob("S*.md")}
    return dict(sorted({**own, **{code: title for code, (title, _) in CODES.items()}}.items()))


def explanation(code: str) -> str:
    """The Markdown text on a documented code."""
    if code in CODES:
        title, text = CODES[code]
        return f"# {title}\n\n{textwrap.fill(text, 96)}\n"
    return (FOLDER / f"{code}.md").read_text(encoding="utf-8")


def _title(path: Path) -> str:
    with path.open(encoding="utf-8") as file:
        return file.readline().lstrip("# ").strip()


def _complete(_: click.Context, __: click.Parameter, start: str) -> list[CompletionItem]:
    return [
        CompletionItem(code, help=title)
        for code, title in titles().items()
        if code.startswith(start.upper())
    ]


@click.command(cls=Command)
@click.argument("code", required=False, shell_complete=_complete)
@click.pass_obj
def command(ui: Ui, code: str | None) -> None:
    """Explain an error code such as S0101; without one, list them all."""
    known = titles()
    if code is None:
        ui.table(("code", "title"), known.items())
        return
    code = code.upper()
    if code not in known:
        raise UsageError(
            "S0408",
            f"there is no error code `{code}`",
            hint=did_you_mean(code, list(known)) or "`slopec explain` lists the codes",
        )
    ui.markdown(explanation(code))
