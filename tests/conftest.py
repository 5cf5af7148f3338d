"""What all tests share: the reference runs on the CPU in full precision, examples repeat, and what
a file's tests leave in caches does not add up from file to file."""

import ctypes
import gc
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# Read by JAX when a test first imports it.
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["JAX_ENABLE_X64"] = "1"
# Most references run once: XLA need not make them fast.
os.environ.setdefault(
    "XLA_FLAGS",
    "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
    " --xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1",
)

# Compiled modules are kept from one run to the next, apart from those of the user.
CACHE = Path(__file__).resolve().parents[1] / ".pytest_cache" / "slopec"
os.environ.setdefault("SLOPEC_CACHE_DIR", str(CACHE))

# What a shell starts in the background ignores interrupts, which some tests are about.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A first example may compile or import, so no deadline; the same examples on every run, so that a
# failure seen once is seen again.
settings.register_profile(
    "slopec", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("slopec")

ROOM = 1 << 30
"""Resident bytes of a process that runs tests, above which it gives back what JAX keeps compiled."""


@pytest.fixture(autouse=True)
def _no_kernel_is_refused(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[None]:
    """Programs compile with kernels wherever they compile without: the ladder would not tell."""
    # Not before a test needs it: some are about what is not imported.
    emit = sys.modules.get("slopec.emit")
    refused: list[object] = []
    if emit is not None and request.node.get_closest_marker("refused") is None:
        climb = emit._Climb.run

        def run(self: Any, ladder: Any) -> Any:
            emitted = climb(self, ladder)
            *failed, last = emitted.attempts
            name = f"{last.configuration}+kernels"
            refused.extend(attempt for attempt in failed if attempt.configuration == name)
            return emitted

        monkeypatch.setattr(emit._Climb, "run", run)
    yield
    assert not refused, refused


@pytest.fixture(scope="module", autouse=True)
def _give_back_memory() -> Iterator[None]:
    """JAX keeps each program it ever compiled: gigabytes in a process that runs many files."""
    yield
    statm = Path("/proc/self/statm")
    if "jax" not in sys.modules or not statm.exists():
        return
    if int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") < ROOM:
        return
    sys.modules["jax"].clear_caches()
    gc.collect()
    # Freed pages stay with the allocator otherwise; only glibc has the call.
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
