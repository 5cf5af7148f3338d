"""XLA as a reference, for what integers do where C leaves it open, and for random bits."""

import os
from collections.abc import Callable
from typing import Any

import numpy as np

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax

jax.config.update("jax_enable_x64", True)


def xla(function: Callable[..., Any]) -> Callable[..., Any]:
    """A JAX function that returns NumPy arrays."""

    def run(*arrays: np.ndarray) -> Any:
        found = function(*arrays)
        return [np.asarray(x) for x in found] if isinstance(found, tuple) else np.asarray(found)

    return run


def run_text(text: str, *arrays: np.ndarray) -> list[np.ndarray]:
    """What XLA's compiler for processors makes of a StableHLO module, given as text."""
    from jax._src.lib import xla_client

    device = jax.devices("cpu")[0]
    places = xla_client.DeviceList((device,))
    loaded = device.client.compile_and_load(text, places, xla_client.CompileOptions())
    results = loaded.execute_sharded([jax.device_put(a, device) for a in arrays])
    return [np.asarray(parts[0]) for parts in results.disassemble_into_single_device_arrays()]
