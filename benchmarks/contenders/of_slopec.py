"""slopec: an artifact, loaded by the runtime alone; the compiler is not in the process."""

import time
from pathlib import Path

import slopec_runtime
from benchmarks.contenders import Ready
from benchmarks.programs import Program


def prepare(program: Program, device: str, artifact: Path | None) -> Ready:
    """Load the artifact; its inputs stay on the device."""
    assert artifact is not None
    started = time.perf_counter()
    loaded = slopec_runtime.load(artifact, None if device == "cpu" else device)
    took = time.perf_counter() - started
    entry = loaded["main"]
    given = [loaded.put(value) for value in program.given.values()]
    return Ready(lambda: entry(*given), lambda result: result.numpy(), took)
