"""`torch.compile` of the function, its derivative with it; the optimiser is the eager one's."""

from pathlib import Path

import torch

from benchmarks.contenders import Ready, of_torch
from benchmarks.programs import Program


def prepare(program: Program, device: str, artifact: Path | None) -> Ready:
    """Compiled at the first call."""
    return of_torch.prepare(program, device, artifact, torch.compile)
