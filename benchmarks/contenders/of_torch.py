"""PyTorch, eager: inference without autograd, steps by `backward` and the fused Adam."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.contenders import Ready
from benchmarks.ops import ops_of
from benchmarks.programs import LEARNING_RATE, Arrays, Program


def tensors(arrays: Arrays, device: str) -> dict[str, torch.Tensor]:
    """Arrays on the device."""
    return {name: torch.from_numpy(np.array(a)).to(device) for name, a in arrays.items()}


def prepare(
    program: Program,
    device: str,
    artifact: Path | None,
    transform: Callable[[Any], Any] = lambda function: function,
) -> Ready:
    """The program as it stands, or what `transform` makes of it."""
    weights, kept, inputs = (tensors(arrays, device) for arrays in program.arrays())
    given = list(inputs.values())
    function = transform(lambda *arguments: program.apply(ops_of("torch"), *arguments))
    done = torch.cuda.synchronize if device == "cuda" else lambda: None

    def step() -> Any:
        optimizer.zero_grad()
        loss = function(weights, *given)
        loss.backward()
        optimizer.step()
        done()
        return loss

    @torch.inference_mode()
    def call() -> Any:
        result = function(weights, *given)
        done()
        return result

    @torch.inference_mode()
    def decode() -> Any:
        nonlocal kept
        kept, result = function(weights, kept, *given)
        done()
        return result

    if program.kind == "step":
        for weight in weights.values():
            weight.requires_grad_()
        optimizer = torch.optim.Adam(weights.values(), lr=LEARNING_RATE, fused=True)
    run = {"step": step, "call": call, "decode": decode}[program.kind]
    return Ready(run, lambda result: result.detach().cpu().numpy())
