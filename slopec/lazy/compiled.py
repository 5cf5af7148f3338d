"""A function of a module, compiled, loaded and called with flat arguments; `jit` does so too."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from slopec import ir
from slopec.lazy.graph import Value
from slopec_runtime.arrays import Array
from slopec_runtime.devices import open_device
from slopec_runtime.manifest import EntryPoint, Input, Output, Variant
from slopec_runtime.tree import Branch


@dataclass(frozen=True)
class Compiled:
    """A loaded program; `device` is the runtime's, where its results stay."""

    call: Callable[[tuple[Any, ...]], tuple[Any, ...]]
    device: Any

    def run(self, inputs: Sequence[Value], numbers: Sequence[Any] = ()) -> list[Any]:
        """The results, on the device; host data that go there stay there for the next call."""
        given = []
        for value in inputs:
            data = value.data
            if isinstance(data, np.ndarray):
                data = Array(self.device, data.shape, data.dtype, host=_contiguous(data))
                value.data = data
            given.append(data)
        given += [np.asarray(number) for number in numbers]
        return list(self.call(tuple(given)))


def _contiguous(array: np.ndarray) -> np.ndarray:
    """`array` as a runtime array holds it: contiguous and read-only."""
    if array.flags.c_contiguous and not array.flags.writeable:
        return array
    copy = array.copy()
    copy.flags.writeable = False
    return copy


def compile_module(
    module: ir.Module, symbol: str, device: str | None = None, target: str | None = None
) -> Compiled:
    """Compile the public function `symbol` of a module and load it on a device.

    Without a device the host is meant; `target` names another back end than the device's own.
    """
    from slopec.build import build
    from slopec.lower import Lowered
    from slopec.targets import parse_target

    name = target or _target(device)
    inputs, outputs = ir.function_type(ir.function(module, symbol))
    given = [ir.shape_and_dtype(type_) for type_ in inputs]
    made = [ir.shape_and_dtype(type_) for type_ in outputs]
    entry = EntryPoint(
        tuple(Input(f"x{i}", shape, dtype.name) for i, (shape, dtype) in enumerate(given)),
        tuple(Output(f"y{i}", shape, dtype.name) for i, (shape, dtype) in enumerate(made)),
        (("arguments", Branch("tuple", tuple(range(len(given))))),),
        Branch("tuple", tuple(range(len(made)))),
        (Variant(symbol),),
    )
    lowered = Lowered(symbol, module, {"main": entry}, {}, {}, False)
    chosen = parse_target(name, cpu="host" if name == "llvm-cpu" else None)
    (artifact,) = build(lowered, [chosen], carry_stablehlo=False)
    program = artifact.load() if device is None else artifact.load(device)
    return Compiled(program["main"], open_device(program.device))


def _target(device: str | None) -> str:
    """The back end that compiles for a device."""
    if device in (None, "cpu"):
        return "llvm-cpu"
    return str(device).partition(":")[0]
