"""The file format: an IREE module, large constants, a zip with the manifest and state, and a seal.

    ┌───────────────────────┬───────────┬────────────────────────────────────────┬──────────────┐
    │ IREE module, as it is │ constants │ zip: slopec/manifest.json, slopec/…, … │ sha256:<hex> │
    └───────────────────────┴───────────┴────────────────────────────────────────┴──────────────┘

IREE's own tools read the head of the file, any unzip reads the tail. The seal, which is the comment
of the zip, is the SHA-256 of everything before its last 64 characters but the constants, of each of
which the manifest has its own, so that several threads can look at once. Constants lie at multiples
of 64 and members are stored uncompressed, so a memory map of the file is all that is needed to use
them.
"""

from __future__ import annotations

import hashlib
import io
import mmap
import os
import re
import struct
import uuid
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeAlias, cast

import numpy as np

from .dtypes import numpy_dtype
from .errors import Error
from .manifest import Constant, Manifest, ModuleFacts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MANIFEST = "slopec/manifest.json"
STATE = "slopec/state/"
STABLEHLO = "slopec/module.mlirbc"

Bytes: TypeAlias = bytes | bytearray | memoryview

_SEAL = b"sha256:"
_DIGEST = 64
_ALIGNED = 64
_LOCAL_HEADER = 30
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Artifact:
    """A program as one file: its manifest, its IREE module and the members beside the manifest.

    `module` and `members` are views of `data`, the memory map or bytes they were read from;
    `origin` is what messages call the file.
    """

    origin: str
    manifest: Manifest
    module: memoryview
    members: Mapping[str, memoryview]
    data: mmap.mmap | Bytes

    @property
    def is_mapped(self) -> bool:
        """True if the artifact is a memory map of a file rather than bytes in memory."""
        return isinstance(self.data, mmap.mmap)

    @property
    def stablehlo(self) -> memoryview | None:
        """StableHLO bytecode of the program, if the artifact carries it."""
        return self.members.get(STABLEHLO)

    def state(self, slot: str) -> memoryview | None:
        """The first value of a state slot as raw little-endian bytes, if the artifact has one."""
        return self.members.get(STATE + slot)

    @cached_property
    def constants(self) -> Mapping[str, memoryview]:
        """The constants that the module asks for, by name, each where vectors can be read."""
        view = memoryview(self.data).cast("B").toreadonly()
        extents = {name: _extent(view, found) for name, found in self.manifest.constants.items()}
        return {name: _aligned(content) for name, content in extents.items()}


def pack(
    module: Bytes,
    manifest: Manifest,
    state: Mapping[str, Bytes] | None = None,
    stablehlo: Bytes | None = None,
    constants: Mapping[str, Bytes] | None = None,
) -> bytes:
    """The artifact of an IREE module as bytes.

    `state` gives the raw bytes of each slot whose manifest entry says `initial`, `constants` those
    of the constants that the module asks for. Where they lie, their hashes, and those of the module
    are entered into the manifest here. Raises Error S0504 if the manifest contradicts itself or the
    members.
    """
    stream = io.BytesIO()
    write_into(stream, module, manifest, state, stablehlo, constants)
    return stream.getvalue()


def write(
    path: str | os.PathLike[str],
    module: Bytes,
    manifest: Manifest,
    state: Mapping[str, Bytes] | None = None,
    stablehlo: Bytes | None = None,
    constants: Mapping[str, Bytes] | None = None,
) -> None:
    """Write the artifact of `pack` to a file, which appears complete or not at all."""
    target = Path(path)
    scratch = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    try:
        try:
            with scratch.open("x+b") as stream:
                write_into(stream, module, manifest, state, stablehlo, constants)
            scratch.replace(target)
        finally:
            scratch.unlink(missing_ok=True)
    except OSError as problem:
        raise Error("S0501", f"cannot write {target}: {problem.strerror}") from None


def read(source: str | os.PathLike[str] | Bytes, *, verify: bool = True) -> Artifact:
    """Open an artifact from a file, which is memory mapped, or from bytes.

    `verify` compares every byte with the seal; without it only the manifest is checked, which
    opens a large file at once but leaves damage elsewhere unnoticed.

    Raises Error S0501 (cannot read), S0502 (no manifest), S0503 (damaged), S0504 (bad manifest)
    or S0505 (other format).
    """
    if isinstance(source, bytes | bytearray | memoryview):
        return _open(source, "artifact in memory", verify)
    origin = os.fspath(source)
    try:
        with Path(source).open("rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as problem:
        raise Error("S0501", f"cannot read {origin}: {problem.strerror}") from None
    except ValueError:
        raise Error("S0502", f"{origin} is empty") from None
    return _open(data, origin, verify)


def write_into(
    stream: IO[bytes],
    module: Bytes,
    manifest: Manifest,
    state: Mapping[str, Bytes] | None = None,
    stablehlo: Bytes | None = None,
    constants: Mapping[str, Bytes] | None = None,
) -> None:
    """Write the artifact of `pack` into an empty stream, which can be read too."""
    flat = {name: _flat(content) for name, content in (constants or {}).items()}
    facts = ModuleFacts(memoryview(module).nbytes, hashlib.sha256(module).hexdigest())
    placed = _placed(flat, facts.size)
    complete = replace(manifest, module=facts, constants=placed)
    members: dict[str, Bytes] = {
        MANIFEST: complete.to_json().encode(),
        **{STATE + slot: value for slot, value in (state or {}).items()},
    }
    _check_members(manifest, members)
    if stablehlo is not None:
        members[STABLEHLO] = stablehlo
    stream.write(_flat(module))
    for name, constant in placed.items():
        stream.write(bytes(constant.start - stream.tell()))
        stream.write(flat[name])
    # Opened at the end of what is there, zipfile counts offsets from the start of the file, as
    # readers of self-extracting archives expect.
    with zipfile.ZipFile(stream, "w") as archive:
        archive.comment = _SEAL + bytes(_DIGEST)
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), _flat(content))
    end = stream.seek(-_DIGEST, io.SEEK_END)
    digest = hashlib.sha256()
    for start, stop in _between(placed.values(), end):
        stream.seek(start)
        while (left := stop - stream.tell()) > 0:
            digest.update(stream.read(min(left, 1 << 24)))
    stream.seek(end)
    stream.write(digest.hexdigest().encode())


def _placed(constants: Mapping[str, memoryview | bytes], end: int) -> dict[str, Constant]:
    """The constants, one behind the other from `end` on."""
    digests = _digests(constants.values())
    placed = {}
    for (name, content), digest in zip(constants.items(), digests, strict=True):
        start = -(-end // _ALIGNED) * _ALIGNED
        placed[name] = Constant(start, len(content), digest)
        end = start + len(content)
    return placed


def _digests(contents: Iterable[memoryview | bytes]) -> list[str]:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda content: hashlib.sha256(content).hexdigest(), contents))


def _between(constants: Iterable[Constant], end: int) -> Iterable[tuple[int, int]]:
    """From where to where there are no constants."""
    start = 0
    for constant in sorted(constants, key=lambda constant: constant.start):
        yield start, constant.start
        start = constant.start + constant.size
    yield start, end


def _open(data: mmap.mmap | Bytes, origin: str, verify: bool) -> Artifact:
    view = memoryview(data).cast("B").toreadonly()
    if bytes(view[-_DIGEST - len(_SEAL) : -_DIGEST]) != _SEAL:
        raise _not_sealed(view, origin)
    members = _members(data, view, origin)
    content = members.pop(MANIFEST, None)
    if content is None:
        raise Error("S0502", f"{origin} has no slopec manifest")
    manifest = Manifest.from_json(bytes(content))
    if verify:
        _check_seal(view, manifest, origin)
    _check_members(manifest, {MANIFEST: content, **members})
    ends = [constant.start + constant.size for constant in manifest.constants.values()]
    if max([manifest.module.size, *ends]) > len(view):
        raise Error("S0503", f"{origin} is shorter than the module its manifest describes")
    module = view[: manifest.module.size]
    if verify and hashlib.sha256(module).hexdigest() != manifest.module.sha256:
        raise Error("S0503", f"{origin} holds another module than its manifest describes")
    return Artifact(origin, manifest, module, members, data)


def _not_sealed(view: memoryview, origin: str) -> Error:
    # A cut-off artifact has lost the seal but may still show the name of its manifest.
    if re.search(re.escape(MANIFEST.encode()), view):
        return Error(
            "S0503",
            f"{origin} is damaged: its end is missing",
            hint="copy or compile it again",
        )
    source = origin.endswith((".py", ".mlir", ".mlirbc", ".stablehlo"))
    return Error(
        "S0502",
        f"{origin} is not a slopec artifact, or only the beginning of one",
        hint=f"compile it first: `slopec compile {origin}`"
        if source
        else "plain IREE modules carry no manifest; compile with `slopec compile`",
    )


def _check_seal(view: memoryview, manifest: Manifest, origin: str) -> None:
    constants = manifest.constants.values()
    digest = hashlib.sha256()
    for start, end in _between(constants, len(view) - _DIGEST):
        digest.update(view[start:end])
    sealed = digest.hexdigest().encode() == bytes(view[-_DIGEST:])
    found = _digests(_extent(view, constant) for constant in constants)
    if not sealed or found != [constant.sha256 for constant in constants]:
        raise Error(
            "S0503",
            f"{origin} is damaged: its content does not match its checksum",
            hint="copy or compile it again",
        )


def _aligned(content: memoryview) -> memoryview:
    """The same bytes at a multiple of 64: those of a file are there, others may lie anywhere."""
    if np.frombuffer(content, np.uint8).ctypes.data % _ALIGNED == 0:
        return content
    room = np.empty(len(content) + _ALIGNED, np.uint8)
    start = -room.ctypes.data % _ALIGNED
    copy = room.data[start : start + len(content)]
    copy[:] = content
    return copy


def _extent(view: memoryview, constant: Constant) -> memoryview:
    return view[constant.start : constant.start + constant.size]


def _members(data: mmap.mmap | Bytes, view: memoryview, origin: str) -> dict[str, memoryview]:
    """The stored members of the zip at the end, as views; the zip itself may not be trusted."""
    stream = cast("IO[bytes]", data) if isinstance(data, mmap.mmap) else io.BytesIO(data)
    try:
        with zipfile.ZipFile(stream) as archive:
            found = {info.filename: _content(view, info) for info in archive.infolist()}
    except (zipfile.BadZipFile, struct.error, ValueError, OSError, NotImplementedError) as problem:
        raise Error(
            "S0503",
            f"{origin} is damaged: its table of contents cannot be read",
            notes=[str(problem)],
        ) from None
    return found


def _content(view: memoryview, info: zipfile.ZipInfo) -> memoryview:
    head = view[info.header_offset : info.header_offset + _LOCAL_HEADER]
    name, extra = struct.unpack_from("<HH", head, 26)
    start = info.header_offset + _LOCAL_HEADER + name + extra
    content = view[start : start + info.file_size]
    if info.compress_type != zipfile.ZIP_STORED or len(content) != info.file_size:
        raise zipfile.BadZipFile(f"{info.filename} is not stored as it should be")
    # The seal covers the rest; the manifest is checked even when the seal is not.
    if info.filename == MANIFEST and zlib.crc32(content) != info.CRC:
        raise zipfile.BadZipFile(f"{info.filename} does not match its checksum")
    return content


def _flat(content: Bytes) -> memoryview | bytes:
    """The content byte by byte, whatever its items; an empty view cannot be recast."""
    view = memoryview(content)
    return view.cast("B") if view.nbytes else b""


def _check_members(manifest: Manifest, members: Mapping[str, Bytes]) -> None:
    """Every slot with an initial value has a member of the right length, and nothing else does."""
    carried = {name.removeprefix(STATE) for name in members if name.startswith(STATE)}
    wanted = {name for name, slot in manifest.state.items() if slot.initial}
    if carried != wanted:
        odd = sorted(carried ^ wanted)[0]
        raise Error("S0504", f"state '{odd}' is initial in the manifest or in the file, not both")
    for name in wanted:
        slot = manifest.state[name]
        expected = numpy_dtype(slot.dtype).itemsize
        for size in slot.shape:
            expected *= size
        length = memoryview(members[STATE + name]).nbytes
        if length != expected:
            raise Error("S0504", f"state '{name}' has {length} bytes, its shape needs {expected}")
