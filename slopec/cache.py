"""Compiled modules on disk, by the content of what they were compiled from.

An entry is one file that carries its own hash, appears by a rename and is never changed, so any
number of processes share the folder without locks: a reader sees a whole entry or none. What is
damaged is dropped, what was used longest ago goes when the limit is reached, and a folder that
cannot be written means only that nothing is kept.

    ┌──────┬───────┬──────┬─────────────────┬───────┐
    │ data │ facts │ seal │ length of facts │ magic │
    └──────┴───────┴──────┴─────────────────┴───────┘

Data comes first, so that what is aligned in it is aligned in a map of the file, and so that it can
be written piece by piece.
"""

import contextlib
import hashlib
import json
import mmap
import os
import re
import shlex
import struct
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from slopec.diagnostics import UsageError

DEFAULT_LIMIT = 2 << 30
_UNITS = {"": 0, "b": 0, "k": 10, "m": 20, "g": 30, "t": 40}
_SUFFIX = ".entry"
_MAGIC = b"slopec03"
_DIGEST = hashlib.sha256().digest_size
_LENGTH = struct.Struct(">I")
_TAIL = _DIGEST + _LENGTH.size + len(_MAGIC)
_PIECE = 16 << 20
_whole: set[tuple[int, bytes]] = set()
"""Sizes and tails of large entries that this process wrote or found whole."""

_ABANDONED_AFTER = 3600.0
"""Seconds after which a file still being written has lost its writer."""


def directory() -> Path:
    """Where slopec keeps what it can make again.

    `$SLOPEC_CACHE_DIR`, or else `slopec` in `$XDG_CACHE_HOME`, or else in `~/.cache`.
    """
    chosen = os.environ.get("SLOPEC_CACHE_DIR")
    if chosen:
        return Path(chosen).expanduser()
    shared = os.environ.get("XDG_CACHE_HOME", "")
    if Path(shared).is_absolute():  # the XDG specification has relative ones ignored
        return Path(shared) / "slopec"
    try:
        return Path.home() / ".cache" / "slopec"
    except RuntimeError:  # nobody's account
        return Path(tempfile.gettempdir()) / f"slopec-{os.getuid()}"


def limit() -> int:
    """The size in bytes to stay under: `$SLOPEC_CACHE_LIMIT`, such as "500M", or 2 GiB.

    0 switches the cache off. Raises UsageError S0424 for what is no size.
    """
    text = os.environ.get("SLOPEC_CACHE_LIMIT", "").strip()
    if not text:
        return DEFAULT_LIMIT
    size = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", text.lower())
    if size is None:
        raise UsageError(
            "S0424",
            f"SLOPEC_CACHE_LIMIT is `{text}`, which is no size",
            hint="write a number of bytes, or one with a unit such as `500M` or `2GiB`",
        )
    return int(float(size[1]) * (1 << _UNITS[size[2]]))


def key(parts: Iterable[bytes | str]) -> str:
    """The name of the entry for these parts: different lists of parts, different names.

    >>> key(["ab", "c"]) == key(["a", "bc"])
    False
    """
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(_LENGTH.pack(len(data) & 0xFFFFFFFF))
        digest.update(data if len(data) <= _PIECE else _digest(memoryview(data)))
    return digest.hexdigest()


def digest_of_files(folder: Path, pattern: str) -> str:
    """A digest of what files in a folder contain: other sources make other modules."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob(pattern)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def digest(data: Any) -> str:
    """The SHA-256 of the SHA-256 of pieces of 16 MiB, which several threads compute at once.

    >>> digest(b"weights") == digest(bytearray(b"weights"))
    True
    """
    view = memoryview(data).cast("B") if memoryview(data).nbytes else memoryview(b"")
    return _digest(view).hex()


def _digest(view: memoryview) -> bytes:
    pieces = [view[i : i + _PIECE] for i in range(0, len(view), _PIECE)] or [view]
    if len(pieces) == 1:
        digests: Iterable[bytes] = [hashlib.sha256(view).digest()]
    else:
        with ThreadPoolExecutor(min(len(pieces), os.cpu_count() or 1)) as pool:
            digests = list(pool.map(lambda piece: hashlib.sha256(piece).digest(), pieces))
    return hashlib.sha256(b"".join(digests)).digest()


@dataclass(frozen=True)
class Entry:
    """What was made and the facts stored with it; `data` may be a map of the file."""

    facts: Mapping[str, Any]
    data: memoryview = field(repr=False)


@dataclass(frozen=True)
class Info:
    """What a cache holds: number of entries, bytes they take, the limit in bytes."""

    folder: Path
    entries: int
    size: int
    limit: int


@dataclass(frozen=True)
class Cache:
    """The entries in a folder, kept under a size.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     cache = Cache(Path(folder), limit=1000)
    ...     _ = cache.write(key(["x"]), {"flags": ["-O1"]}, b"code")
    ...     cache.read(key(["x"])).facts["flags"]
    ['-O1']
    """

    folder: Path
    limit: int = DEFAULT_LIMIT

    def read(self, name: str) -> Entry | None:
        """The entry of that name, or None; a damaged one is removed."""
        path = self._path(name)
        if self.limit == 0:
            return None
        try:
            with path.open("rb") as file:
                empty = os.fstat(file.fileno()).st_size == 0  # and cannot be mapped
                raw = b"" if empty else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except OSError:
            return None
        entry = _decode(memoryview(raw))
        with contextlib.suppress(OSError):
            if entry is None:
                path.unlink()
            else:
                os.utime(path)  # it was used now
        return entry

    def write(
        self,
        name: str,
        facts: Mapping[str, Any],
        data: bytes | bytearray | memoryview | Callable[[IO[bytes]], object],
    ) -> str | None:
        """Keep an entry, whose data may be written by a function into the file that it is given.

        Returns why it was not kept, or None if it was or need not be.
        """
        if self.limit == 0 or (not callable(data) and len(data) > self.limit):
            return None
        path = self._path(name)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, scratch = tempfile.mkstemp(prefix=".", dir=path.parent)
            try:
                with os.fdopen(descriptor, "w+b") as file:
                    fits = _encode(file, facts, data) <= self.limit
                if fits:
                    Path(scratch).replace(path)
            finally:
                Path(scratch).unlink(missing_ok=True)
        except OSError as error:
            return f"{self.folder}: {(error.strerror or str(error)).lower()}"
        self._evict()
        return None

    def info(self) -> Info:
        """How much there is."""
        sizes = [size for _, size, _ in self._entries()]
        return Info(self.folder, len(sizes), sum(sizes), self.limit)

    def clear(self) -> int:
        """Remove every entry; returns how many there were."""
        removed = 0
        for _, _, path in self._entries(unfinished=True):
            with contextlib.suppress(OSError):
                path.unlink()
                removed += path.suffix == _SUFFIX
        return removed

    def _path(self, name: str) -> Path:
        return self.folder / name[:2] / (name[2:] + _SUFFIX)

    def _entries(self, *, unfinished: bool = False) -> list[tuple[float, int, Path]]:
        """When each entry was last used, its size and its path; the oldest first."""
        found = []
        for path in self.folder.glob("??/*"):
            if path.suffix == _SUFFIX or unfinished:
                with contextlib.suppress(OSError):  # another process may have removed it
                    facts = path.stat()
                    found.append((facts.st_mtime, facts.st_size, path))
        return sorted(found, key=lambda entry: entry[0])

    def _evict(self) -> None:
        entries = self._entries(unfinished=True)
        total = sum(size for _, size, _ in entries)
        abandoned = time.time() - _ABANDONED_AFTER
        for used, size, path in entries:
            if path.suffix == _SUFFIX and total <= self.limit:
                continue
            if path.suffix != _SUFFIX and used > abandoned:
                continue
            with contextlib.suppress(OSError):
                path.unlink()
                total -= size


def artifacts() -> Cache:
    """The cache of compiled modules, as the environment sets it up."""
    return Cache(directory() / "artifacts", limit())


def keep_reproducer(name: str, module: bytes, flags: Iterable[str]) -> Path | None:
    """Keep a module that the compiler did not survive, with the command; None if that fails."""
    folder = directory() / "crashes" / name[:16]
    lines = ["iree-compile module.mlirbc -o module.vmfb", *(shlex.quote(flag) for flag in flags)]
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / "module.mlirbc").write_bytes(module)
        (folder / "command.sh").write_text(" \\\n  ".join(lines) + "\n", encoding="utf-8")
    except OSError:
        return None
    return folder


def _encode(
    file: IO[bytes],
    facts: Mapping[str, Any],
    data: bytes | bytearray | memoryview | Callable[[IO[bytes]], object],
) -> int:
    """Write an entry into an empty file; gives its size."""
    described = json.dumps(facts).encode()
    if callable(data):
        data(file)
        file.flush()
        size = file.seek(0, os.SEEK_END)
        with _mapped(file) as written:
            seal = _seal(described, written)
    else:
        size = file.write(data)
        seal = _seal(described, memoryview(data))
    tail = seal + _LENGTH.pack(len(described)) + _MAGIC
    size += file.write(described + tail)
    _note_whole(size, tail)
    return size


@contextlib.contextmanager
def _mapped(file: IO[bytes]) -> Iterator[memoryview]:
    """What was written to a file, which is not empty, without reading it."""
    with (
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as raw,
        memoryview(raw) as view,
    ):
        yield view


def _seal(described: bytes | memoryview, data: memoryview) -> bytes:
    """A digest of facts and data."""
    return hashlib.sha256(hashlib.sha256(described).digest() + _digest(data)).digest()


def _decode(raw: memoryview) -> Entry | None:
    tail = raw[-_TAIL:]
    if len(tail) < _TAIL or tail[-len(_MAGIC) :] != _MAGIC:
        return None
    (length,) = _LENGTH.unpack_from(tail, _DIGEST)
    start = len(raw) - _TAIL - length
    if start < 0:
        return None
    data, described = raw[:start], raw[start:-_TAIL]
    if (len(raw), bytes(tail)) not in _whole:
        if _seal(described, data) != tail[:_DIGEST]:
            return None
        _note_whole(len(raw), bytes(tail))
    return Entry(json.loads(bytes(described)), data)


def _note_whole(size: int, tail: bytes) -> None:
    """Hashing a large entry takes longer than all else; once in a process is enough."""
    if size > _PIECE:
        _whole.add((size, tail))
