"""What the machine can do: single-precision products and streams, by the best library at hand.

Both are contenders of a kind, timed in the same rounds as the programs, so that a fraction of the
peak is a ratio of neighbours in time whatever else the machine does.
"""

import os
import platform
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.worker import seconds

SIZE = 1536
"""Of the matrices."""
STREAM = range(1 << 14, 1 << 24)
"""Numbers in each of three arrays: as many as the program moves, between these."""


def peaks(device: str) -> Mapping[str, Callable[..., Any]]:
    """ "rates": flops and bytes per second, now, bytes for so many moved; "name": by whom."""
    products = _products(device)
    name = min(products, key=lambda name: seconds(products[name], 5))
    streams: dict[int, Callable[[], Any]] = {}

    def rates(moved: float) -> tuple[float, float]:
        count = min(max(int(moved / 12), STREAM.start), STREAM.stop)
        stream = streams.setdefault(count, _stream(device, count))
        flops = 2.0 * SIZE**3 / seconds(products[name], 1)
        return flops, 12.0 * count / seconds(stream, max(1, 1_000_000 // count))

    return {"rates": rates, "name": lambda: name}


def _products(device: str) -> dict[str, Callable[[], Any]]:
    """A matrix product by each library at hand."""
    a, b = (np.random.default_rng(i).random((SIZE, SIZE), np.float32) for i in range(2))
    found: dict[str, Callable[[], Any]] = {}
    if device == "cpu":
        found["NumPy"] = lambda: a @ b
    if find_spec("torch"):
        import torch

        x, y = (torch.from_numpy(array).to(device) for array in (a, b))
        found["PyTorch"] = lambda: _synchronized(x @ y)
    if find_spec("jax"):
        import jax

        place = jax.devices("gpu" if device == "cuda" else device)[0]
        product = jax.jit(lambda u, v: u @ v)
        u, v = (jax.device_put(array, place) for array in (a, b))
        found["JAX"] = lambda: product(u, v).block_until_ready()
    return found


def _synchronized(tensor: Any) -> Any:
    if tensor.is_cuda:
        import torch

        torch.cuda.synchronize()
    return tensor


def _stream(device: str, count: int) -> Callable[[], Any]:
    """c ← a + b, every core its share."""
    if device == "cuda" and find_spec("torch"):
        import torch

        x, y, z = (torch.ones(count, device=device) for _ in range(3))
        return lambda: _synchronized(torch.add(x, y, out=z))
    if device == "cuda":
        import jax
        import jax.numpy as jnp

        u, v = (jnp.ones(count) for _ in range(2))
        add = jax.jit(lambda u, v: u + v)
        return lambda: add(u, v).block_until_ready()
    cores = os.cpu_count() or 1
    a, b, c = (np.array_split(np.ones(count, np.float32), cores) for _ in range(3))
    pool = ThreadPoolExecutor(cores)
    return lambda: list(pool.map(np.add, a, b, c))


def describe() -> str:
    """The machine in a line."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text(encoding="utf-8").splitlines()
        named = [line.partition(":")[2].strip() for line in lines if "model name" in line]
        model = named[0] if named else model
    return (
        f"{model}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
    )
