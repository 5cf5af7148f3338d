"""Checkpoints: named arrays in a safetensors file, with facts about them as its metadata."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from slopec.diagnostics import UsageError

Arrays = dict[str, np.ndarray]


def write_arrays(
    path: Path, arrays: Mapping[str, Any], metadata: Mapping[str, str] | None = None
) -> None:
    """Write arrays under their names; the file appears complete or not at all."""
    from safetensors.numpy import save_file

    scratch = path.with_name(f".{path.name}.part")
    stored = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    save_file(stored, scratch, dict(metadata or {}))
    scratch.replace(path)


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
