"""ONNX Runtime: PyTorch's function of the program, exported to ONNX."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch

from benchmarks.contenders import Ready
from benchmarks.contenders.of_torch import tensors
from benchmarks.ops import ops_of
from benchmarks.programs import Program

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


class _Model(torch.nn.Module):
    """A program's function with its weights."""

    def __init__(self, program: Program) -> None:
        super().__init__()
        self.program = program
        self.names = list(program.arrays()[0])
        for i, weight in enumerate(tensors(program.arrays()[0], "cpu").values()):
            self.register_buffer(f"w{i}", weight)

    def forward(self, *given: Any) -> Any:
        """The result for the inputs."""
        weights = {name: getattr(self, f"w{i}") for i, name in enumerate(self.names)}
        return self.program.apply(ops_of("torch"), weights, *given)


def prepare(program: Program, device: str, artifact: Path | None) -> Ready:
    """Export, and make a session; inputs are bound once."""
    _, _, inputs = program.arrays()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        given = tuple(tensors(inputs, "cpu").values())
        with torch.no_grad():
            torch.onnx.export(
                _Model(program).eval(), given, path, input_names=list(inputs), verbose=False
            )
        session = onnxruntime.InferenceSession(path, providers=[PROVIDERS[device]])
    bound = session.io_binding()
    for name, value in inputs.items():
        held = onnxruntime.OrtValue.ortvalue_from_numpy(np.asarray(value), device, 0)
        bound.bind_ortvalue_input(name, held)
    bound.bind_output(session.get_outputs()[0].name, device)

    def run() -> Any:
        session.run_with_iobinding(bound)
        return bound

    return Ready(run, lambda result: result.copy_outputs_to_cpu()[0])
