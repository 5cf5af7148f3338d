"""The fuzzer's child process: compiles drawn programs in one of the `ways` and runs them."""

import os
from collections.abc import Sequence

import numpy as np

from slopec import convention
from slopec.build import build
from slopec.emit import EmitOptions
from slopec.targets import parse_target
from slopec_runtime import Array, Program
from slopec_runtime.buffers import download
from tests.fuzz.ways import Way, keeping_state
from tests.sweep.worker import PATIENCE, Job, Runner, entry_name, lowered, serve

Slots = Sequence[str | None]


def compiled(jobs: Sequence[Job], way: Way) -> Runner:
    """The programs, each an entry of one artifact."""
    module = lowered(jobs)
    slots: dict[str, Slots] = {}
    if way.donated:
        arguments = {entry_name(job): job.arguments for job in jobs}
        module, slots = keeping_state(module, arguments)
    if way.scratch:
        convention.KEPT = 0
    options = EmitOptions(timeout=PATIENCE * (1 + len(jobs)), cache=False)
    (artifact,) = build(
        module,
        [parse_target(way.target)],
        options=options,
        pipeline=way.pipeline,
        carry_stablehlo=False,
        variant=way.variant,
    )
    broken = [x for x in artifact.manifest.compilation.refused if "not a valid" in x.reason]
    assert not broken, f"a pass or a kernel broke the module: {broken}"
    os.environ["SLOPEC_THREADS"] = str(way.threads)
    programs = [artifact.load(driver) for driver in way.drivers]

    def results_of(job: Job) -> list[np.ndarray]:
        name = entry_name(job)
        entry = artifact.manifest.entries[name]
        given = [x for x, i in zip(job.arguments, entry.inputs, strict=True) if i.slot is None]
        places = slots.get(name) or [None] * len(entry.outputs)
        return [
            found
            for program in programs
            for found in called(program, name, given, places, way.calls)
        ]

    return results_of


def called(
    program: Program, name: str, given: Sequence[np.ndarray], slots: Slots, calls: int
) -> list[np.ndarray]:
    """All results of some calls with the same arguments, which live on, as results do.

    No call may change a bit of what was there before, and without state all return the same bits.
    """
    arguments = [program.put(x) for x in given]
    kept = [(f"argument {i}", a, x) for i, (a, x) in enumerate(zip(arguments, given, strict=True))]
    found = list[list[np.ndarray]]()
    for call in range(calls):
        made = program[name](*arguments)
        returned = iter(made if isinstance(made, tuple) else (made,))
        results = [next(returned) if slot is None else program.state[slot] for slot in slots]
        for what, array, before in kept:
            assert _bits(array) == before.tobytes(), f"{what} was overwritten in call {call}"
        found.append([np.array(array.numpy()) for array in results])
        rows = enumerate(zip(results, found[-1], found[0], strict=True))
        for i, (array, now, first) in rows:
            same = any(slots) or now.tobytes() == first.tobytes()
            assert same, f"result {i} of call {call} is not that of call 0"
            kept.append((f"result {i} of call {call}", array, now))
    return [array for results in found for array in results]


def _bits(array: Array) -> bytes:
    """What is on the device, not what once came from the host."""
    return download(array.device, array.handle(), array.shape, array.dtype).tobytes()


if __name__ == "__main__":
    serve(compiled)
