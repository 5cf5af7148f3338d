"""A recipe says in TOML what to train, on what and how; this is its schema and its reader."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from slopec.diagnostics import Span, UsageError, did_you_mean
from slopec.train.data import models_folder


@dataclass(frozen=True)
class ModelPart:
    """The model: a class of a file (beside the recipe's folder), and its arguments."""

    file: str
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class DataPart:
    """The data: `digits`, `text` (a file, or a built-in one), or what a folder has: `mnist` (IDX
    files), `cifar10`, `cifar100` (binary files). `augment` moves images, and mirrors photographs.

    `held_out` is the share kept for testing; `context` the tokens of a row of text.
    """

    name: str
    folder: str | None = None
    file: str | None = None
    held_out: float = 0.2
    context: int = 64
    augment: bool = False


@dataclass(frozen=True)
class TrainPart:
    """The loop: epochs (or `steps`), rows in a batch, the seed of everything random.

    `amp` is the type of the operands of matrix products and convolutions, when it is narrower.
    """

    epochs: int = 10
    batch: int = 64
    seed: int = 0
    steps: int | None = None
    label_smoothing: float = 0.0
    amp: str | None = None


@dataclass(frozen=True)
class OptimizerPart:
    """The optimiser by name, its learning rate and schedule (`constant`, `cosine`, `one_cycle`)."""

    name: str = "adamw"
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    momentum: float = 0.0
    schedule: str = "cosine"
    warmup: float = 0.1
    clip_norm: float | None = None


@dataclass(frozen=True)
class Recipe:
    """A whole recipe. `path` is its file, which relative paths start from."""

    path: Path
    model: ModelPart
    data: DataPart
    train: TrainPart = field(default_factory=TrainPart)
    optimizer: OptimizerPart = field(default_factory=OptimizerPart)
    title: str = ""

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.path.stem

    @property
    def model_file(self) -> Path:
        """The file of the model's class."""
        return (self.path.parent / self.model.file).resolve()


def recipes() -> dict[str, Path]:
    """The recipes that come with slopec, by name."""
    folder = models_folder() / "recipes"
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def find(name: str) -> Path:
    """The file of a recipe: a path, or the name of one that comes with slopec.

    Raises UsageError (S0606) when there is neither.
    """
    if name.endswith(".toml") or Path(name).is_file():
        path = Path(name)
        if not path.is_file():
            raise UsageError("S0404", f"there is no file `{path}`")
        return path
    known = recipes()
    if name not in known:
        raise UsageError(
            "S0606",
            f"there is no recipe called `{name}`",
            notes=(f"the recipes are {', '.join(known) or 'none'}",),
            hint=did_you_mean(name, list(known)) or "or give the path of a .toml file",
        )
    return known[name]


def read(path: Path, overrides: Mapping[str, str] | None = None) -> Recipe:
    """Read a recipe; `overrides` replaces fields by dotted name, as `train.epochs=3`.

    Raises UsageError (S0607) at the line of what is unknown, missing or of the wrong type.
    """
    try:
        text = path.read_text(encoding="utf-8")
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # of bytes that are no text, and of no TOML
        raise UsageError("S0607", f"{path.name} is not TOML: {error}") from None
    for name, value in (overrides or {}).items():
        _override(table, name, value)
    reader = _Reader(path, text)
    made: Recipe = reader.part(Recipe, {**table, "path": path}, "")
    return made


def _override(table: dict[str, Any], name: str, value: str) -> None:
    *parents, last = name.split(".")
    for parent in parents:
        table = table.setdefault(parent, {})
    try:
        table[last] = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        table[last] = value


@dataclass(frozen=True)
class _Reader:
    """Turns tables into dataclasses and knows where in the file a key stands."""

    path: Path
    text: str

    def part(self, cls: type[Any], table: Mapping[str, Any], prefix: str) -> Any:
        """A dataclass from a table, every key checked."""
        hints = get_type_hints(cls)
        known = {f.name.replace("_", "-"): f for f in fields(cls)}
        given = {key.replace("_", "-"): value for key, value in table.items()}
        for key in given:
            if key not in known:
                raise self.error(
                    key,
                    f"unknown key `{prefix}{key}`",
                    did_you_mean(key, list(known)) or f"known are {', '.join(known)}",
                )
        values = {}
        for key, found in known.items():
            if key in given:
                values[found.name] = self.value(hints[found.name], given[key], f"{prefix}{key}")
            elif found.default is MISSING and found.default_factory is MISSING:
                raise self.error(prefix.rstrip("."), f"the key `{prefix}{key}` is missing", None)
        return cls(**values)

    def value(self, hint: Any, value: Any, name: str) -> Any:
        """A value of the type that a field has."""
        if is_dataclass(hint) and isinstance(hint, type):
            if not isinstance(value, dict):
                raise self.error(name, f"`{name}` must be a table", None)
            return self.part(hint, value, f"{name}.")
        accepted = list(_plain(hint))
        if float in accepted and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if not any(
            isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
            for kind in accepted
        ):
            kinds = " or ".join(kind.__name__ for kind in accepted if kind is not type(None))
            raise self.error(name, f"`{name}` must be of type {kinds}, got {value!r}", None)
        return value

    def error(self, key: str, message: str, hint: str | None) -> UsageError:
        """An error at the line where the last part of `key` stands."""
        last = key.rsplit(".", maxsplit=1)[-1]
        for number, line in enumerate(self.text.splitlines(), 1):
            bare = line.strip().replace("_", "-")
            if bare.startswith((f"{last} ", f"{last}=", f"[{last}]")):
                span = Span(str(self.path), number)
                return UsageError("S0607", message, span=span, hint=hint)
        return UsageError("S0607", f"{self.path.name}: {message}", hint=hint)


def _plain(hint: Any) -> Iterator[type]:
    """The classes that a type hint allows."""
    if isinstance(hint, UnionType):
        for part in get_args(hint):
            yield from _plain(part)
    else:
        yield get_origin(hint) or hint
