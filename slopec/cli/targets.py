"""`slopec targets`: what slopec compiles for, and what this machine runs."""

import click

from slopec.architectures import NATIVE, NEWER
from slopec.cli.group import Command
from slopec.cli.ui import Ui
from slopec.targets import BACKENDS, METAL_PLATFORMS, Backend, parse_target
from slopec_runtime.devices import open_device
from slopec_runtime.errors import Error


@click.command(cls=Command)
@click.pass_obj
def command(ui: Ui) -> None:
    """List the targets of `slopec compile --target`, and whether this machine runs each.

    With --verbose also the hardware that `--arch` knows, and why a target does not run here.
    """
    problems = {name: _problem(backend) for name, backend in BACKENDS.items()}
    rows = [
        (name, _default(name), "no" if problems[name] else "yes", backend.summary)
        for name, backend in BACKENDS.items()
    ]
    ui.table(("target", "default", "runs here", "artifact"), rows)
    for name, problem in problems.items():
        if problem is not None:
            ui.detail(f"\n{name}: {problem.message}" + "".join(f"\n  {n}" for n in problem.notes))
    if ui.verbosity > 0:
        ui.data("")
        ui.table(("target", "arch", "also called"), _hardware())


def _default(name: str) -> str:
    """The hardware that is compiled for when none is named."""
    target = parse_target(name)
    return target.cpu or target.arch


def _problem(backend: Backend) -> Error | None:
    """Why no driver of the back end works here, or None if one does."""
    for driver in backend.drivers:
        try:
            open_device(driver)
        except Error as error:
            problem = error
        else:
            return None
    return problem


def _hardware() -> list[tuple[str, str, str]]:
    native = [("cuda", arch, ", ".join(names)) for arch, names in NATIVE.items()]
    newer = [
        ("cuda", arch, f"{', '.join(names)} (by its driver)") for arch, (_, names) in NEWER.items()
    ]
    return [*native, *newer, *(("metal", platform, "") for platform in METAL_PLATFORMS)]
