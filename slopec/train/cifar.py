"""CIFAR-10 and CIFAR-100 in their binary version: a label or two, then red, green and blue planes.

Source: A. Krizhevsky, *Learning Multiple Layers of Features from Tiny Images*, 2009.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from slopec.diagnostics import UsageError
from slopec.train.batches import Arrays

IMAGE = (3, 32, 32)


@dataclass(frozen=True)
class Layout:
    """The files of a set, and how many labels stand before an image; the last is the class."""

    train: tuple[str, ...]
    test: tuple[str, ...]
    labels: int


LAYOUTS = {
    "cifar10": Layout(tuple(f"data_batch_{n}.bin" for n in range(1, 6)), ("test_batch.bin",), 1),
    "cifar100": Layout(("train.bin",), ("test.bin",), 2),
}


def read_part(folder: Path, files: tuple[str, ...], labels: int) -> Arrays:
    """The images, uint8 (N, 3, 32, 32), and int32 labels of some files of `folder`.

    Raises `UsageError`: S0601 if a file is missing, S0602 if one is cut short.
    """
    record = labels + int(np.prod(IMAGE))
    rows = np.concatenate([_records(folder, file, record) for file in files])
    return {
        "image": rows[:, labels:].reshape(-1, *IMAGE),
        "label": rows[:, labels - 1].astype(np.int32),
    }


def _records(folder: Path, name: str, record: int) -> np.ndarray:
    path = folder / name
    if not path.is_file():
        raise UsageError(
            "S0601",
            f"the folder `{folder}` has no file `{name}`",
            notes=() if folder.is_dir() else ("there is no such folder",),
            hint="put the files of the set's binary version there, unpacked",
        )
    content = path.read_bytes()
    if not content or len(content) % record:
        raise UsageError(
            "S0602",
            f"`{path}` is not a whole CIFAR file",
            notes=(f"it holds {len(content)} bytes, which are no images of {record}",),
        )
    return np.frombuffer(content, np.uint8).reshape(-1, record)
