"""One exception for every mistake a user of an artifact can make: a code, what happened, a hint."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Error(Exception):
    """A problem with an artifact, a device or the values given to a program.

    `code` names the kind of problem (a key of `CODES`), `message` says what was expected and
    what came, `notes` add facts, `hint` says what to do.

    >>> print(Error("S0509", "no entry 'predct'", hint="did you mean 'predict'?"))
    error[S0509]: no entry 'predct'
      hint: did you mean 'predict'?
    """

    def __init__(
        self, code: str, message: str, *, notes: Iterable[str] = (), hint: str | None = None
    ) -> None:
        super().__init__(code, message)  # what pickle calls the class with
        self.code = code
        self.message = message
        self.notes = tuple(notes)
        self.hint = hint

    def __str__(self) -> str:
        lines = [f"error[{self.code}]: {self.message}"]
        lines += [f"  note: {note}" for note in self.notes]
        if self.hint is not None:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)


class MissingEntryError(Error, AttributeError):
    """A program has no entry of that name; an AttributeError too, so that `hasattr` works."""


class MissingSlotError(Error, KeyError):
    """A state slot does not exist or has no value; a KeyError too, so that `get` works."""


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """A hint naming the known name closest to `name`, or None when nothing comes near.

    >>> did_you_mean("imag", ["image", "label"])
    "did you mean 'image'?"
    """
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"did you mean '{close[0]}'?" if close else None


CODES: dict[str, tuple[str, str]] = {
    "S0501": (
        "artifact file cannot be read",
        (
            "The path does not exist, is a directory, or may not be opened. Check the spelling "
            "and the permissions of the file."
        ),
    ),
    "S0502": (
        "not a slopec artifact",
        (
            "The file carries no slopec manifest. Either it was not written by slopec (a plain "
            "IREE module has no manifest), or it was cut short before the manifest began."
        ),
    ),
    "S0503": (
        "artifact is damaged",
        (
            "The last 64 characters of an artifact are the SHA-256 of everything before them. "
            "They do not match, so bytes were lost or changed after it was written. Copy or "
            "compile it again; a damaged module is never handed to the device, where it could "
            "crash the process."
        ),
    ),
    "S0504": (
        "manifest is invalid",
        (
            "The manifest inside the artifact does not follow its schema, contradicts itself, "
            "or names functions that the module does not export. The message gives the "
            "offending field."
        ),
    ),
    "S0505": (
        "artifact was made for another version",
        (
            "IREE promises no compatibility of compiled modules between minor versions, and a "
            "newer slopec may use a newer manifest format. Compile the artifact again with the "
            "installed version, or install the version it was compiled with."
        ),
    ),
    "S0506": (
        "this processor cannot run the artifact",
        (
            "The artifact was compiled for another architecture or for instructions that this "
            "processor lacks; running it would end the process with an illegal instruction. "
            "Compile for this machine, or for a portable processor such as x86-64-v3."
        ),
    ),
    "S0507": (
        "device is not available",
        (
            "The device name is unknown, its driver is not part of the installed IREE runtime, "
            "or the driver found no such device on this machine."
        ),
    ),
    "S0508": (
        "artifact does not fit the device",
        (
            "Each artifact is compiled for one target. Load it on a device of that target, or "
            "compile the program for the device at hand."
        ),
    ),
    "S0509": (
        "no such entry",
        (
            "The program has no entry of that name, or has several and was called without "
            "naming one."
        ),
    ),
    "S0510": (
        "arguments do not match the entry",
        (
            "An argument is missing, unknown, given twice, or its nesting of tuples, lists and "
            "dictionaries differs from the one the entry was compiled with."
        ),
    ),
    "S0511": (
        "input has the wrong shape",
        (
            "The rank or a fixed dimension of an input differs from the compiled one, or two "
            "inputs disagree about a symbolic dimension."
        ),
    ),
    "S0512": (
        "input has the wrong type",
        (
            "An input could not be turned into an array of the compiled dtype without losing "
            "information. Arrays are converted only where every value stays exact; Python "
            "numbers and lists are converted where they fit. Convert explicitly with astype."
        ),
    ),
    "S0513": (
        "no variant for this size",
        (
            "An artifact holds one compiled function per size of a symbolic dimension. Where "
            "rows along the dimension are independent, other sizes are split and padded; "
            "elsewhere only the compiled sizes can run. Compile with the size that is needed."
        ),
    ),
    "S0514": (
        "state slot cannot be used",
        (
            "The slot does not exist, has no value yet, was lost in a call that failed, or the "
            "value given to it has another shape or dtype."
        ),
    ),
    "S0515": (
        "array was donated",
        (
            "The array was passed to an input that is donated: its memory became that of a "
            "result. Keep a copy with numpy() before the call, or use the result instead."
        ),
    ),
    "S0516": (
        "the device failed",
        ("Loading the module or running a call failed inside IREE; the message carries its words."),
    ),
}
"""Each code with its title and what to know about it."""
