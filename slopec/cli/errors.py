"""From any exception to a diagnostic and an exit code: nobody sees a traceback of ours.

A `slopec_runtime.errors.Error`, which every `SlopecError` is, speaks for itself. What click and the
operating system say is put into the same form. Anything else is a fault of slopec: its traceback
goes to a file, and the user reads where.
"""

import contextlib
import errno
import os
import platform
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

import click

from slopec.cli.files import missing
from slopec.cli.ui import Ui
from slopec.diagnostics import UsageError, did_you_mean
from slopec_runtime.errors import Error

OK, PROGRAM, USAGE, BACK_END, FILE, INTERNAL = 0, 1, 2, 3, 4, 70
INTERRUPTED, TERMINATED = 130, 143

FAMILIES = {
    "S03": BACK_END,
    "S04": USAGE,
    "S0404": FILE,
    "S0405": FILE,
    "S0406": FILE,
    "S0413": FILE,
    "S05": FILE,
    "S0509": USAGE,
    "S0510": USAGE,
    "S0511": USAGE,
    "S0512": USAGE,
    "S0513": USAGE,
    "S0601": FILE,
    "S0602": FILE,
    "S0605": FILE,
    "S0606": USAGE,
}
"""Exit code by the longest matching beginning of an error's code; `PROGRAM` for the others."""


EXHAUSTED = {errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN}
"""What the system says where something ran out: disk, open files, memory, processes."""


def exit_code(error: Error) -> int:
    """The exit code that a diagnostic ends the process with."""
    matches = [family for family in FAMILIES if error.code.startswith(family)]
    return FAMILIES[max(matches, key=len)] if matches else PROGRAM


def report(exception: BaseException, ui: Ui) -> int:
    """Tell the user what went wrong on stderr and return the exit code."""
    if isinstance(exception, KeyboardInterrupt | click.Abort):
        signalled = exception.__cause__ or exception  # click puts its own in place of it
        ended = signalled.args == (signal.SIGTERM,)
        text, code = ("terminated", TERMINATED) if ended else ("interrupted", INTERRUPTED)
    elif (error := as_diagnostic(exception)) is not None:
        text, code = str(error), exit_code(error)
    elif os.environ.get("SLOPEC_TRACEBACK") == "1":
        raise exception
    else:
        text, code = str(_internal(exception)), INTERNAL
    with contextlib.suppress(OSError):  # nobody reads stderr, but the code still tells
        (ui.info if code in (INTERRUPTED, TERMINATED) else ui.diagnostic)(text)
    return code


def as_diagnostic(exception: BaseException) -> Error | None:
    """The exception in slopec's own form, or None if the user did nothing to cause it."""
    if isinstance(exception, Error):
        return exception
    if isinstance(exception, click.ClickException):
        return _from_click(exception)
    if isinstance(exception, OSError) and exception.filename is not None:
        return _from_system(exception)
    if isinstance(exception, OSError) and exception.errno in EXHAUSTED:
        return UsageError("S0405", f"cannot go on: {os.strerror(exception.errno).lower()}")
    if isinstance(exception, MemoryError):
        return UsageError("S0405", "cannot go on: out of memory", notes=_said(exception))
    return None


def _said(exception: BaseException) -> tuple[str, ...]:
    return (str(exception),) if str(exception) else ()


def _from_click(exception: click.ClickException) -> UsageError:
    context = getattr(exception, "ctx", None)
    path = context.command_path if context else "slopec"
    hint = f"`{path} --help` shows what it takes"
    if isinstance(exception, click.NoSuchOption):
        known = (
            [name for option in context.command.params for name in option.opts] if context else []
        )
        close = did_you_mean(exception.option_name, known)
        return UsageError(
            "S0402", f"`{path}` has no option `{exception.option_name}`", hint=close or hint
        )
    if isinstance(exception, click.MissingParameter) and exception.param is not None:
        name = exception.param.make_metavar(context) if context else exception.param.name
        kind = exception.param.param_type_name
        return UsageError("S0403", f"`{path}` needs the {kind} `{name}`", hint=hint)
    message = exception.format_message().rstrip(".")
    return UsageError("S0403", f"`{path}`: {message[:1].lower()}{message[1:]}", hint=hint)


def _from_system(exception: OSError) -> UsageError:
    path = Path(os.fsdecode(exception.filename))
    if isinstance(exception, FileNotFoundError):
        return missing(path)
    reason = (exception.strerror or str(exception)).lower()
    return UsageError("S0405", f"cannot use `{path}`: {reason}")


def _internal(exception: BaseException) -> UsageError:
    log = _write_log("".join(traceback.format_exception(exception)))
    headline = f"{type(exception).__name__}: {exception}".splitlines()[0]
    return UsageError(
        "S0499",
        "internal error: a fault in slopec, not in your program",
        notes=(headline, f"the traceback is in `{log}`"),
        hint="please report it with that file; SLOPEC_TRACEBACK=1 shows the traceback here",
    )


def _write_log(text: str) -> Path:
    """Write a traceback with what is needed to understand it, into the cache if that can be."""
    header = (
        f"arguments: {sys.argv[1:]}\n"
        f"python: {platform.python_version()} on {platform.platform()}\n\n"
    )
    name = time.strftime("%Y%m%d-%H%M%S") + f"-{os.getpid()}.log"
    for folder in _log_folders():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(header + text, encoding="utf-8")
        except OSError:
            continue
        return folder / name
    return Path(os.devnull)


def _log_folders() -> list[Path]:
    """Where a log may go, best place first."""
    from slopec import cache

    return [cache.directory() / "faults", Path(tempfile.gettempdir())]
