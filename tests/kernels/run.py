"""Running compiled modules by IREE's own means."""

import platform

import iree.runtime as rt
import numpy as np
import pytest

from slopec.targets import parse_target

HOST = parse_target("llvm-cpu:host")
TARGETS = (HOST, parse_target("llvm-cpu:x86_64"))
"""Vectors of this machine's width, and those of every x86-64 processor since 2013."""

ON_X86 = pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64"), reason="runs code for x86-64"
)


def run(vmfb: bytes, *arguments: np.ndarray) -> list[np.ndarray]:
    """The results of `main`, by several workers."""
    config = rt.Config("local-task")
    module = rt.load_vm_module(rt.VmModule.copy_buffer(config.vm_instance, vmfb), config)
    results = module["main"](*arguments)
    several = results if isinstance(results, tuple | list) else [results]
    return [result.to_host() for result in several]
