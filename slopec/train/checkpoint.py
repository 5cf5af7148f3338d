"""Checkpoints: named arrays in a safetensors file, with facts about them as its metadata."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from slopec.diagnostics import UsageError, writing

Arrays = dict[str, np.ndarray]


def write_arrays(
    path: Path, arrays: Mapping[str, Any], metadata: Mapping[str, str] | None = None
) -> None:
    """Write arrays under their names; the file appears complete or not at all.

    Raises UsageError (S0405) if it cannot be written.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    stored = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    with writing(path) as file:
        try:
            save_file(stored, file, dict(metadata or {}))
        except SafetensorError as error:  # which is how it tells of a full disk, too
            number = re.search(r"os error (\d+)", str(error))
            reason = os.strerror(int(number[1])) if number else str(error)
            raise OSError(number and int(number[1]), reason) from None


def read_arrays(path: Path) -> Arrays:
    """The arrays of a safetensors file; raises UsageError (S0605) for a file that is none."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return dict(load_file(path))
    except (SafetensorError, OSError, ValueError) as error:
        raise UsageError("S0605", f"cannot read {path} as safetensors: {error}") from None


def read_metadata(path: Path) -> dict[str, str]:
    """What was written about the arrays."""
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        return dict(file.metadata() or {})
