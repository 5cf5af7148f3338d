"""What tuning found out, in a file: the fastest variant of each program on each machine.

The file is JSON, meant to be read by people and kept with a project. A record counts for the same
traced program, target, machine and versions of slopec and IREE; others are left alone.
"""

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from slopec import cache
from slopec.build import portable
from slopec.diagnostics import UsageError, writing
from slopec.emit import processors, resolve
from slopec.lower import Lowered
from slopec.targets import Target, parse_target
from slopec.variants import Variant
from slopec.version import IREE_VERSION, VERSION
from slopec_runtime.errors import Error
from slopec_runtime.fields import decode
from slopec_runtime.hostcpu import architecture

FORMAT = 1

Outcome = Literal["measured", "not compiled", "wrong", "crashed"]


@dataclass(frozen=True)
class Trial:
    """A variant beside the best one known then: `ratio` is its time over that one's, the median.

    `upper` is the upper quartile of the ratios; `note` says why there are none.
    """

    variant: Variant
    outcome: Outcome
    ratio: float | None = None
    milliseconds: float | None = None
    note: str = ""
    upper: float | None = None


@dataclass(frozen=True)
class Key:
    """What a record holds for: a program, compiled for a target, on a machine, by versions."""

    program: str
    target: str
    machine: str
    slopec: str = VERSION
    iree: str = IREE_VERSION


@dataclass(frozen=True)
class Record:
    """The fastest variant found and every trial; `name` is the program's, for people.

    `speedup` is the time of the default over the winner's, by the ratios on the way.
    """

    name: str
    key: Key
    winner: Variant
    speedup: float = 1.0
    trials: tuple[Trial, ...] = ()


@dataclass(frozen=True)
class Document:
    """All records of a file."""

    format: int
    records: tuple[Record, ...]


def default_path() -> Path:
    """The file that is used where none is named, beside the cache."""
    return cache.directory() / "tuned.json"


def key_of(lowered: Lowered, target: Target, device: str | None, pipeline: str | None) -> Key:
    """What a record for this program, target and device of this machine holds for.

    `pipeline` are the optimisation passes that take the place of the usual ones.
    """
    program = cache.key([portable(lowered.module), pipeline or ""])[:32]
    hardware = ":".join(filter(None, (target.name, target.arch, target.cpu)))
    return Key(program, hardware, machine(target, device))


def machine(target: Target, device: str | None) -> str:
    """This machine in words: the processor and the cores at hand, or the device's name."""
    if target.host_part is None:
        return f"{platform.node()} {device or target.drivers[0]}"
    host = resolve(parse_target("llvm-cpu", cpu="host"))
    where = f" {device}" if device not in (None, "cpu") else ""
    return f"{architecture()} {host.processor}, {processors()} cores{where}"


def read(path: Path) -> tuple[Record, ...]:
    """The records of a file, none where there is no file.

    Raises UsageError S0426 for a file of another kind or version.
    """
    if not path.exists():
        return ()
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(document, dict) and document.get("format") != FORMAT:
            raise _unreadable(path, f"its format is {document.get('format')}, not {FORMAT}")
        found: Document = decode(Document, document)
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(path, str(error)) from None
    except Error as error:
        raise _unreadable(path, error.message.removeprefix("manifest: ")) from None
    return found.records


def find(records: Sequence[Record], key: Key) -> Record | None:
    """The record that holds for `key`."""
    return next((record for record in records if record.key == key), None)


def write(path: Path, record: Record) -> None:
    """Put a record into the file, in place of an older one of its key.

    The file appears complete or not at all. Raises UsageError S0405 if it cannot be written.
    """
    others = [other for other in read(path) if other.key != record.key]
    document = Document(FORMAT, tuple(sorted([*others, record], key=lambda r: r.name)))
    with writing(path) as file:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(asdict(document), indent=2) + "\n", encoding="utf-8")


def with_trial(record: Record, trial: Trial) -> Record:
    """The record after one more trial.

    Its variant wins if it took less than 97 % of the time, and was faster in three of four rounds.

    >>> record = Record("p", Key("", "", ""), Variant())
    >>> faster = Trial(Variant(configuration="tiled"), "measured", 0.5, 1.0)
    >>> with_trial(record, faster).winner.name, with_trial(record, faster).speedup
    ('tiled', 2.0)
    """
    kept = replace(record, trials=(*record.trials, trial))
    if trial.ratio is None or trial.ratio >= 0.97 or (trial.upper or trial.ratio) >= 1:
        return kept
    return replace(kept, winner=trial.variant, speedup=record.speedup / trial.ratio)


def _unreadable(path: Path, why: str) -> UsageError:
    return UsageError(
        "S0426",
        f"{path} cannot be used for what tuning found out",
        notes=(why,),
        hint="name another file with --tuned, or remove this one and tune again",
    )
