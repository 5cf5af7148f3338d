"""What an artifact says about itself: the schema of `slopec/manifest.json`, and its reader.

`Manifest.from_json` accepts nothing that contradicts the schema or itself; whoever holds a
`Manifest` that came from there, or that passed `check`, can rely on it without looking again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping  # noqa: TC003 - the reader resolves annotations
from dataclasses import dataclass, field

from .consistency import check
from .errors import Error
from .fields import decode, encode, invalid
from .tree import Tree  # noqa: TC001 - likewise

FORMAT = 1

Shape = tuple[int | str, ...]
"""A shape; a string is a symbolic dimension or a formula of some (see `sizes.py`)."""


@dataclass(frozen=True)
class Producer:
    """The versions that made the artifact, such as "0.1.0" and "3.13.0"."""

    slopec: str
    iree: str


@dataclass(frozen=True)
class Target:
    """What the module was compiled for.

    `name` is the IREE target ("llvm-cpu", "cuda", "metal-spirv"), `drivers` are the IREE drivers
    that can run it, `features` the instruction set extensions it may use (LLVM's names).
    """

    name: str
    drivers: tuple[str, ...]
    arch: str = ""
    cpu: str = ""
    features: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModuleFacts:
    """Length in bytes and SHA-256 (hexadecimal) of the IREE module at the head of the artifact."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Constant:
    """Where in the artifact a constant begins that its module asks for, its length, and SHA-256."""

    start: int
    size: int
    sha256: str


@dataclass(frozen=True)
class Refused:
    """Settings of the back end that were tried, and why they did not compile the module."""

    configuration: str
    reason: str


@dataclass(frozen=True)
class Compilation:
    """How the module was compiled: with the back end's settings `configuration`.

    `refused` were tried before. `variant` is the name of what a tuner chose, "" without one.
    """

    configuration: str
    refused: tuple[Refused, ...] = ()
    variant: str = ""


@dataclass(frozen=True)
class Dim:
    """A symbolic dimension: the sizes compiled, and whether rows along it are independent.

    Independent rows may be computed in any grouping, so other sizes can be split and padded.
    """

    sizes: tuple[int, ...]
    independent: bool = False


@dataclass(frozen=True)
class Cost:
    """Floating point operations and bytes moved by one call of the largest entry."""

    flops: float
    bytes: float


@dataclass(frozen=True)
class Input:
    """One array that a compiled function takes.

    With `slot` it is fed from the state slot of that name; `donated` means that its memory
    becomes that of a result.
    """

    name: str
    shape: Shape
    dtype: str
    slot: str | None = None
    donated: bool = False


@dataclass(frozen=True)
class Output:
    """One array that a compiled function gives; with `slot` it replaces that state slot."""

    name: str
    shape: Shape
    dtype: str
    slot: str | None = None


@dataclass(frozen=True)
class Variant:
    """The exported function that serves one choice of symbolic sizes."""

    symbol: str
    dims: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class EntryPoint:
    """One callable of the program.

    `inputs` and `outputs` are flat, in the order of the compiled function; `arguments` pairs each
    Python argument with the tree of input indices it fills, `result` is a tree of output indices.
    """

    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    arguments: tuple[tuple[str, Tree], ...]
    result: Tree
    variants: tuple[Variant, ...]
    doc: str = ""


@dataclass(frozen=True)
class Slot:
    """An array the program keeps on the device between calls.

    `initial` tells that the artifact carries its first value.
    """

    shape: tuple[int, ...]
    dtype: str
    initial: bool = False


@dataclass(frozen=True)
class Manifest:
    """Everything a loader must know about an artifact.

    >>> text = Manifest(
    ...     name="empty",
    ...     producer=Producer("0.1.0", "3.13.0"),
    ...     target=Target("llvm-cpu", ("local-task", "local-sync")),
    ...     module=ModuleFacts(0, "0" * 64),
    ... ).to_json()
    >>> Manifest.from_json(text).target.drivers
    ('local-task', 'local-sync')
    """

    name: str
    producer: Producer
    target: Target
    module: ModuleFacts
    dims: Mapping[str, Dim] = field(default_factory=dict)
    cost: Cost | None = None
    entries: Mapping[str, EntryPoint] = field(default_factory=dict)
    state: Mapping[str, Slot] = field(default_factory=dict)
    constants: Mapping[str, Constant] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    compilation: Compilation | None = None
    format: int = FORMAT

    def to_json(self) -> str:
        """The manifest as JSON text; raises Error S0504 if it contradicts itself."""
        check(self)
        document = encode(self)
        # The first thing a reader of any version must see.
        document = {"format": document.pop("format"), **document}
        return json.dumps(document, indent=1, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> Manifest:
        """Read and check a manifest.

        Raises Error S0504 for anything that is not a valid manifest, S0505 for a manifest format
        that this version does not know.
        """
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as problem:
            raise Error("S0504", "the manifest is not JSON", notes=[str(problem)]) from None
        if not isinstance(document, dict):
            invalid("", "must be an object")
        _check_format(document.get("format", FORMAT))
        manifest: Manifest = decode(cls, document)
        check(manifest)
        return manifest


def _check_format(number: object) -> None:
    if type(number) is int and number != FORMAT:
        raise Error(
            "S0505",
            f"the manifest has format {number}; this runtime reads format {FORMAT}",
            hint="install the slopec-runtime that belongs to the slopec that compiled it",
        )
