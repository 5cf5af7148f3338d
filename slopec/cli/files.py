"""Files named on the command line."""

from pathlib import Path

from slopec.diagnostics import UsageError, did_you_mean


def existing(path: Path) -> Path:
    """`path`, if it is there; else raises `UsageError` (S0404)."""
    if not path.exists():
        raise missing(path)
    return path


def missing(path: Path) -> UsageError:
    """The error for a file that is not there, with the nearest name that is."""
    folder = path.parent
    message = f"there is no file `{path}`"
    if not folder.is_dir():
        return UsageError("S0404", message, notes=(f"there is no folder `{folder}` either",))
    close = did_you_mean(path.name, sorted(entry.name for entry in folder.iterdir()))
    return UsageError("S0404", message, hint=close)
