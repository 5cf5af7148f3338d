"""Who runs the programs: for each framework a function that makes a program ready to be called.

`prepare(program, device, artifact)` gives a `Ready`, whose `run` is one call that is done when it
returns: weights and inputs are on the device, the state of a step is donated, results are blocked
on. It is called in a process of its own (`benchmarks.worker`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.programs import Program


@dataclass(frozen=True)
class Ready:
    """A program to be called; `fetch` gives the result of a call as an array.

    `load` are the seconds it took to load what was compiled before.
    """

    run: Callable[[], Any]
    fetch: Callable[[Any], np.ndarray]
    load: float = 0.0


@dataclass(frozen=True)
class Contender:
    """A way to run programs; it takes part where the `needs` are installed."""

    name: str
    title: str
    module: str
    needs: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ("call", "step", "decode")
    devices: tuple[str, ...] = ("cpu", "cuda")

    @property
    def missing(self) -> list[str]:
        """What would have to be installed."""
        return [name for name in self.needs if find_spec(name) is None]

    def prepare(self, program: Program, device: str, artifact: Path | None) -> Ready:
        """Make the program ready on "cpu" or "cuda"; slopec loads it from the artifact."""
        made: Ready = import_module(self.module).prepare(program, device, artifact)
        return made


_ROWS = (
    Contender("slopec", "slopec", "benchmarks.contenders.of_slopec"),
    Contender("jax", "JAX", "benchmarks.contenders.of_jax", ("jax",)),
    Contender("torch", "PyTorch", "benchmarks.contenders.of_torch", ("torch",)),
    Contender(
        "torch-compile", "torch.compile", "benchmarks.contenders.of_torch_compiled", ("torch",)
    ),
    Contender(
        "onnxruntime",
        "ONNX Runtime",
        "benchmarks.contenders.of_onnxruntime",
        ("onnxruntime", "onnx", "onnxscript", "torch"),
        kinds=("call",),
    ),
)
CONTENDERS = {row.name: row for row in _ROWS}
OURS = "slopec"
