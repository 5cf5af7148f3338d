"""Executables are linked in as many parts as pay, and the program computes what it says."""

import iree.runtime as rt
import numpy as np
import pytest

from slopec.emit import emit
from slopec.emit_linking import LEAST, PARTS
from slopec.targets import parse_target


def sums(sizes):
    """A sum for each size, over tensors so shaped that each is an executable of its own."""
    types = [f"tensor<{size}x8xf32>" for size in sizes]
    zero = "%zero = stablehlo.constant dense<0.0> : tensor<f32>"
    ops = [
        f"%r{i} = stablehlo.reduce(%x{i} init: %zero) applies stablehlo.add across dimensions = [0]"
        f" : ({type_}, tensor<f32>) -> tensor<8xf32>"
        for i, type_ in enumerate(types)
    ]
    given = ", ".join(f"%x{i}: {type_}" for i, type_ in enumerate(types))
    made = ", ".join("tensor<8xf32>" for _ in types)
    returned = ", ".join(f"%r{i}" for i, _ in enumerate(types))
    body = "\n".join([zero, *ops, f"return {returned} : {made}"])
    return f"func.func @main({given}) -> ({made}) {{\n{body}\n}}".encode()


@pytest.mark.parametrize("count", [1, 2 * LEAST, LEAST * PARTS + 1])
def test_the_parts_of_a_program(count):
    sizes = range(3, 3 + count)
    emitted = emit(sums(sizes), parse_target("llvm-cpu:host"))
    assert bytes(emitted.vmfb).count(b"\x7fELF") == min(PARTS, max(1, count // LEAST))
    config = rt.Config("local-task")
    module = rt.load_vm_module(rt.VmModule.copy_buffer(config.vm_instance, emitted.vmfb), config)
    given = [np.arange(8 * size, dtype=np.float32).reshape(size, 8) for size in sizes]
    found = module["main"](*given)
    for array, total in zip(given, found if count > 1 else [found], strict=True):
        assert np.array_equal(total.to_host(), array.sum(0))
