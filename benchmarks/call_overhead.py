"""What a call of a loaded program costs over raw IREE: medians in microseconds, same module.

    python benchmarks/call_overhead.py

Rows are programs, columns are ways to call them: IREE's low-level invoke with prepared device
buffers, IREE's FunctionInvoker with device arrays, and slopec_runtime with device arrays; then
FunctionInvoker and slopec_runtime with NumPy arrays going in and coming out.
"""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

import iree.compiler
import iree.runtime as rt
import numpy as np

from slopec_runtime import load
from slopec_runtime.artifact import pack
from slopec_runtime.devices import instance, open_device
from slopec_runtime.manifest import (
    EntryPoint,
    Input,
    Manifest,
    ModuleFacts,
    Output,
    Producer,
    Slot,
    Target,
    Variant,
)
from slopec_runtime.tree import Branch

if TYPE_CHECKING:
    from collections.abc import Callable

COUNTS = (1, 10, 100)
WARM_UP, CALLS = 200, 2000
TYPE = "tensor<4xf32>"


def source() -> str:
    """For each count, a function that negates that many arrays, and one that does so in place."""
    functions = []
    for count in COUNTS:
        names = [f"%a{i}" for i in range(count)]
        body = "".join(f"  %r{i} = stablehlo.negate %a{i} : {TYPE}\n" for i in range(count))
        results = ", ".join(f"%r{i}" for i in range(count))
        types = ", ".join([TYPE] * count)
        for symbol, alias in (("pure", ""), ("state", " {{tf.aliasing_output = {i} : i32}}")):
            arguments = ", ".join(
                f"{name}: {TYPE}{alias.format(i=i)}" for i, name in enumerate(names)
            )
            functions.append(
                f"func.func @{symbol}{count}({arguments}) -> ({types}) {{\n{body}"
                f"  return {results} : {types}\n}}\n"
            )
    return "".join(functions)


def entry(symbol: str, count: int, in_state: bool) -> EntryPoint:
    """`count` arrays from arguments to results, or from state to state."""
    slots = [f"s{count}.{i}" if in_state else None for i in range(count)]
    leaves = () if in_state else tuple(range(count))
    return EntryPoint(
        inputs=tuple(
            Input(f"a{i}", (4,), "float32", slot, in_state) for i, slot in enumerate(slots)
        ),
        outputs=tuple(Output(f"r{i}", (4,), "float32", slot) for i, slot in enumerate(slots)),
        arguments=tuple((f"a{i}", i) for i in leaves),
        result=Branch("tuple", leaves),
        variants=(Variant(symbol),),
    )


def artifact() -> tuple[bytes, bytes]:
    """The IREE module and the artifact around it."""
    module: bytes = iree.compiler.compile_str(
        source(),
        target_backends=["llvm-cpu"],
        input_type="stablehlo",
        extra_args=["--iree-llvmcpu-target-cpu=generic"],
    )
    slots = [f"s{count}.{i}" for count in COUNTS for i in range(count)]
    manifest = Manifest(
        name="overhead",
        producer=Producer("0.1.0", "3.13.0"),
        target=Target("llvm-cpu", ("local-sync", "local-task")),
        module=ModuleFacts(0, ""),
        entries={
            f"{kind}{count}": entry(f"{kind}{count}", count, kind == "state")
            for count in COUNTS
            for kind in ("pure", "state")
        },
        state={name: Slot((4,), "float32", initial=True) for name in slots},
    )
    zeros = np.zeros(4, np.float32).tobytes()
    return module, pack(module, manifest, dict.fromkeys(slots, zeros))


def median(function: Callable[[], object]) -> float:
    """Median time of a call in microseconds."""
    for _ in range(WARM_UP):
        function()
    times = []
    for _ in range(CALLS):
        start = time.perf_counter_ns()
        function()
        times.append(time.perf_counter_ns() - start)
    return statistics.median(times) / 1000


def low_level(
    context: rt.VmContext, function: rt.VmFunction, views: list[rt.HalBufferView]
) -> Callable[[], object]:
    """IREE's cheapest path: lists of buffer views in and out."""

    def call() -> list[rt.HalBufferView]:
        arguments = rt.VmVariantList(len(views))
        for view in views:
            arguments.push_ref(view)
        results = rt.VmVariantList(len(views))
        context.invoke(function, arguments, results)
        return [results.get_as_object(i, rt.HalBufferView) for i in range(len(views))]

    return call


def measure(driver: str, module: bytes, packed: bytes) -> None:
    """Print one line per program."""
    device = open_device(driver)
    vm_module = rt.VmModule.copy_buffer(instance(), module)
    context = rt.VmContext(instance(), modules=[device.hal, vm_module])
    program = load(packed, device=driver)
    print(f"\n{driver:24} low-level  invoker   slopec | NumPy: invoker   slopec")
    for count in COUNTS:
        function = vm_module.lookup_function(f"pure{count}")
        arrays = [np.full(4, i, np.float32) for i in range(count)]
        raw = [rt.asdevicearray(device.handle, array) for array in arrays]
        views = [array._buffer_view for array in raw]
        invoker = rt.FunctionInvoker(context, device.handle, function)
        pure, state = program[f"pure{count}"], program[f"state{count}"]
        ours = pure(*arrays)

        def invoker_numpy() -> list[np.ndarray]:
            found = invoker(*arrays)  # noqa: B023 - called before the next round
            results = found if isinstance(found, tuple) else (found,)
            return [result.to_host() for result in results]

        def ours_numpy() -> list[np.ndarray]:
            return [result.numpy() for result in pure(*arrays)]  # noqa: B023 - likewise

        times = [
            median(low_level(context, function, views)),
            median(lambda: invoker(*raw)),  # noqa: B023 - likewise
            median(lambda: pure(*ours)),  # noqa: B023 - likewise
            median(invoker_numpy),
            median(ours_numpy),
        ]
        cells = [f"{value:8.1f}" for value in times]
        print(
            f"{count:3} arguments and results {' '.join(cells[:3])} |        {' '.join(cells[3:])}"
        )
        in_place = vm_module.lookup_function(f"state{count}")
        times = [median(low_level(context, in_place, views)), median(state)]
        print(f"{count:3} slots of state        {times[0]:8.1f}          {times[1]:8.1f} |")


def main() -> None:
    """Measure on both CPU drivers."""
    module, packed = artifact()
    print("microseconds per call, medians")
    for driver in ("local-sync", "local-task"):
        measure(driver, module, packed)


if __name__ == "__main__":
    main()
