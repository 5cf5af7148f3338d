"""The IDX format of MNIST: 0, 0, element type, rank, the sizes, then the elements, big-endian.

Source: Y. LeCun, C. Cortes, C. J. C. Burges, *The MNIST database of handwritten digits*.
"""

import gzip
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slopec.diagnostics import UsageError

ELEMENTS = {
    0x08: ">u1",
    0x09: ">i1",
    0x0B: ">i2",
    0x0C: ">i4",
    0x0D: ">f4",
    0x0E: ">f8",
}


def read_idx(folder: Path, name: str) -> NDArray[Any]:
    """The array in the IDX file `name` or `name.gz` of `folder`, in the machine's byte order.

    Raises `UsageError`: S0601 if neither file exists, S0602 if it is not IDX or is cut short.
    """
    path = _find(folder, name)
    content = _unpacked(path)
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in ELEMENTS:
        raise _damaged(
            path, f"begins with {content[:4].hex(' ') or 'nothing'}, not 00 00 type rank"
        )
    element, rank = np.dtype(ELEMENTS[content[2]]), content[3]
    start = 4 + 4 * rank
    if len(content) < start:
        raise _damaged(path, f"ends inside its header of {start} bytes")
    shape = tuple(int(size) for size in np.frombuffer(content[4:start], ">u4"))
    expected = start + int(np.prod(shape, dtype=np.int64)) * element.itemsize
    if len(content) != expected:
        raise _damaged(path, f"holds {len(content)} bytes where shape {shape} needs {expected}")
    array = np.frombuffer(content, element, offset=start).reshape(shape)
    return array.astype(element.newbyteorder("="))


def _find(folder: Path, name: str) -> Path:
    for candidate in (folder / name, folder / f"{name}.gz"):
        if candidate.is_file():
            return candidate
    raise UsageError(
        "S0601",
        f"the folder `{folder}` has no file `{name}`",
        notes=() if folder.is_dir() else ("there is no such folder",),
        hint="put the four IDX files of the data set there, with or without `.gz`",
    )


def _unpacked(path: Path) -> bytes:
    if path.suffix != ".gz":
        return path.read_bytes()
    try:
        return gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(path, f"cannot be unpacked: {error}") from error


def _damaged(path: Path, what: str) -> UsageError:
    return UsageError(
        "S0602",
        f"`{path}` is not a whole IDX file",
        notes=(f"it {what}",),
        hint="fetch the file again",
    )
