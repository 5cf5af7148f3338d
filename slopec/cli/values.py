"""Arrays as people write them on a command line: files by their ending, or JSON.

Text has no element type and takes the program's. Stored arrays are converted to it only upwards
(bool → integer → float → complex): what would lose more than precision is refused.
"""

import csv
import json
import re
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slopec import dtypes
from slopec.cli.files import existing
from slopec.diagnostics import UsageError, writing

Array = NDArray[Any]

READABLE = (".npy", ".npz", ".json", ".csv")
WRITABLE = (".npz", ".npy", ".json")

KINDS = {"b": 0, "i": 1, "u": 1, "f": 2, "c": 3}
"""NumPy's letters for the kinds of numbers, in the order in which they convert."""


def read(name: str, source: str, dtype: dtypes.DType) -> Array:
    """The array that `source` (`@FILE` or JSON) gives for the input `name`, as `dtype`.

    Raises `UsageError`: S0404 for a missing file, S0406 for one that cannot be read as what its
    ending says, S0407 for elements that cannot become `dtype`.

    >>> read("scale", "[1, 2.5]", dtypes.float32)
    array([1. , 2.5], dtype=float32)
    """
    if source.startswith("@"):
        return convert(name, _read_file(name, source[1:]), dtype)
    try:
        return convert(name, _numbers(json.loads(source)), dtype)
    except json.JSONDecodeError as error:
        raise UsageError(
            "S0407",
            f"the value of input `{name}` is not JSON: `{source}`",
            notes=(str(error),),
            hint=_meant(name, source),
        ) from None
    except ValueError as error:
        raise UsageError(
            "S0407", f"the value of input `{name}` is not an array: `{source}`", notes=(str(error),)
        ) from None


def _meant(name: str, source: str) -> str:
    """How to write what is neither a file nor JSON: as a list if it is numbers, else as a file."""
    cells = [cell for cell in re.split(r"[\s,]+", source.strip("()[], ")) if cell]
    try:
        [complex(cell) for cell in cells]
    except ValueError:
        return f"a file is given with an at sign: {name}=@{source}"
    return f"several numbers are a list: '{name}=[{', '.join(cells)}]'"


def convert(name: str, array: Array, dtype: dtypes.DType) -> Array:
    """`array` with elements of `dtype`, if no more than precision is lost."""
    if array.dtype.kind == "V" and dtypes.is_floating(dtype) and array.itemsize == dtype.itemsize:
        return array.view(dtype)  # what `numpy.load` makes of a stored bfloat16
    if KINDS.get(array.dtype.kind, len(KINDS)) > _kind(dtype):
        raise UsageError(
            "S0407",
            f"input `{name}` has elements of {dtype}, and {array.dtype} is given",
            hint=f"convert the array on purpose, with `array.astype('{dtype}')`",
        )
    if dtypes.is_integer(dtype) and array.size:
        bounds = np.iinfo(dtype)
        low, high = int(array.min()), int(array.max())
        if low < bounds.min or high > bounds.max:
            raise UsageError(
                "S0407",
                f"input `{name}` has elements of {dtype}, which cannot hold "
                f"{low if low < bounds.min else high}",
            )
    return array.astype(dtype)


def write(path: str, outputs: Mapping[str, Array]) -> None:
    """Write named arrays to a file in the form of its ending, or as JSON on stdout for `-`.

    NumPy's files know no bfloat16 and no 8-bit floats, which are written as float32. Raises
    `UsageError` (S0409) for another ending, several arrays to `.npy`, or complex ones to JSON.
    """
    ending = ".json" if path == "-" else Path(path).suffix
    if ending not in WRITABLE:
        raise UsageError(
            "S0409",
            f"the output file `{path}` ends in none of {', '.join(WRITABLE)}",
            hint="the ending chooses the form; `-` writes JSON to stdout",
        )
    portable = {name: _portable(array) for name, array in outputs.items()}
    if path == "-":
        sys.stdout.write(_to_json(portable) + "\n")
    elif ending == ".json":
        with writing(Path(path)) as file:
            file.write_text(_to_json(portable) + "\n", encoding="utf-8")
    elif ending == ".npz":
        with writing(Path(path)) as file:
            np.savez(file, **portable)  # type: ignore[arg-type]
    elif len(portable) == 1:
        with writing(Path(path)) as file:
            np.save(file, next(iter(portable.values())))
    else:
        raise UsageError(
            "S0409",
            f"`{path}` holds one array, and there are {len(portable)} outputs",
            notes=(f"outputs: {', '.join(portable)}",),
            hint="choose an `.npz` file",
        )


def _read_file(name: str, source: str) -> Array:
    path, _, member = source.partition(":") if ".npz:" in source else (source, "", "")
    file = Path(path)
    if file.suffix not in READABLE:
        raise UsageError("S0406", f"`{file}` ends in none of {', '.join(READABLE)}")
    existing(file)
    try:
        return _parse_file(file, member or name)
    except (ValueError, EOFError, RecursionError, zipfile.BadZipFile) as error:
        raise UsageError(
            "S0406", f"`{file}` cannot be read as {file.suffix}", notes=(str(error),)
        ) from None


def _parse_file(file: Path, member: str) -> Array:
    if file.suffix == ".json":
        return _numbers(json.loads(file.read_text(encoding="utf-8")))
    if file.suffix == ".csv":
        with file.open(newline="", encoding="utf-8") as text:
            rows = [[float(cell) for cell in row] for row in csv.reader(text) if row]
        return _numbers(rows)
    loaded = np.load(file, allow_pickle=False)
    if isinstance(loaded, np.ndarray):
        return loaded
    with loaded:
        found: Array = loaded[_member(file, list(loaded.files), member)]
        return found


def _member(file: Path, members: list[str], wanted: str) -> str:
    if wanted in members or len(members) == 1:
        return wanted if wanted in members else members[0]
    raise UsageError(
        "S0406",
        f"`{file}` has no array `{wanted}`",
        notes=(f"arrays: {', '.join(members) or 'none'}",),
        hint=f"pick one with @{file}:NAME",
    )


def _numbers(value: Any) -> Array:
    """Nested lists as an array: of bool, int64 or float64, whichever holds every number."""
    try:
        array = np.array(value)
    except ValueError:
        raise ValueError("its lists differ in length") from None
    if array.dtype.kind not in KINDS:
        raise ValueError("it holds something other than numbers and lists of numbers")
    return array


def _kind(dtype: dtypes.DType) -> int:
    return 2 if dtypes.is_floating(dtype) else KINDS[dtype.kind]


def _portable(array: Array) -> Array:
    return array.astype(np.float32) if array.dtype.isbuiltin == 2 else array


def _to_json(outputs: Mapping[str, Array]) -> str:
    if any(array.dtype.kind == "c" for array in outputs.values()):
        raise UsageError("S0409", "JSON has no complex numbers", hint="choose an `.npz` file")
    return json.dumps({name: array.tolist() for name, array in outputs.items()})
