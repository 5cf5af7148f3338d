"""What tests of kernels share: modules as kernels find them, and running what is compiled."""

import platform

import iree.runtime as rt
import jax
import numpy as np
import pytest
from jax import export

import slopec as sp
from slopec import ir
from slopec.build import LEGALIZE, transform
from slopec.emit import Emitted, emit, resolve
from slopec.kernels import place_kernels
from slopec.kernels.kernel import call
from slopec.passes import parse_pipeline, run_pipeline
from slopec.targets import parse_target
from slopec_runtime.artifact import Bytes
from slopec_runtime.constants import providing
from slopec_runtime.devices import instance

HOST = parse_target("llvm-cpu:host")
TARGETS = (HOST, parse_target("llvm-cpu:x86_64"))
"""Vectors of this machine's width, and those of every x86-64 processor since 2013."""

ON_X86 = pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64"), reason="runs code for x86-64"
)


def of_jax(cases, given, exactly=None):
    """JAX's functions, each of some inputs, as one of ours; and what they give, of others maybe."""

    def main(*given):
        rest = iter(given)
        return [f(*(next(rest) for _ in inputs)) for f, inputs in cases]

    with jax.enable_x64(True):
        ours = sp.from_stablehlo(export.export(jax.jit(main))(*given).mlir_module())
        return ours, jax.jit(main)(*(given if exactly is None else exactly))


def legal(function, arguments, pipeline=LEGALIZE):
    """A traced function after all passes, where kernels are placed next."""
    module = sp.jit(function).lower(*arguments)
    transform(module)
    run_pipeline(module, parse_pipeline(pipeline))
    return module


def placed(module):
    """The text of a module with kernels for this machine."""
    copy = ir.clone_module(module)
    place_kernels(copy, resolve(HOST))
    ir.verify(copy)
    return str(copy)


def typed(shape):
    """How a tensor type of float32 is spelled."""
    return f"tensor<{'x'.join(map(str, shape))}xf32>"


def convolutions(calls):
    """One function with an operand pair and a result for each of some convolutions."""
    types = [[typed(shape) for shape in shapes] for shapes, _ in calls]
    given = [f"%x{i}: {x}, %k{i}: {k}" for i, (x, k, _) in enumerate(types)]
    body = "\n".join(
        f"%y{i} = stablehlo.convolution(%x{i}, %k{i}) {text} : ({x}, {k}) -> {y}"
        for i, ((x, k, y), (_, text)) in enumerate(zip(types, calls, strict=True))
    )
    results = ", ".join(y for _, _, y in types)
    values = ", ".join(f"%y{i}" for i in range(len(calls)))
    return f"func.func @main({', '.join(given)}) -> ({results}) {{ {body}\n return {values} : {results} }}"


def compiled(kernels, target):
    """The results of kernels, each of operands of its own, which are the arguments."""
    types = [ir.tensor_type(*t) for kernel in kernels for t in kernel.operands]
    results = [ir.tensor_type(*t) for kernel in kernels for t in kernel.results]
    names = [f"%a{i}: {t}" for i, t in enumerate(types)]
    spelled = ", ".join(map(str, results))
    module = ir.parse(f"func.func @main({', '.join(names)}) -> ({spelled}) {{ llvm.unreachable }}")
    function = ir.function(module, "main")
    (end,) = [op.operation for op in ir.body_of(function).operations]
    arguments = iter(ir.body_of(function).arguments)
    values = [
        value
        for kernel in kernels
        for value in call(kernel, [next(arguments) for _ in kernel.operands], module, end)
    ]
    ir.create("func.return", [], values, None, end.location, ir.InsertionPoint(end))
    end.erase()
    return emit(ir.bytecode(module), target)


def run(made: Emitted | Bytes, *arguments: np.ndarray) -> list[np.ndarray]:
    """The results of `main`, by several workers, of what was emitted or of a module alone."""
    vmfb, constants = (made.vmfb, made.constants) if isinstance(made, Emitted) else (made, {})
    config = rt.Config("local-task")
    module = rt.VmModule.copy_buffer(instance(), vmfb)
    *_, loaded = rt.load_vm_modules(*providing(constants), module, config=config)
    results = loaded["main"](*arguments)
    several = results if isinstance(results, tuple | list) else [results]
    return [result.to_host() for result in several]
