"""The fuzzer's child process: compiles drawn programs in one of the `ways` and runs them."""

import os
from collections.abc import Sequence

import numpy as np

from slopec import convention
from slopec.build import build
from slopec.emit import EmitOptions
from slopec.targets import parse_target
from tests.fuzz.ways import Way, keeping_state
from tests.sweep.worker import PATIENCE, Job, Runner, entry_name, lowered, serve


def compiled(jobs: Sequence[Job], way: Way) -> Runner:
    """The programs, each an entry of one artifact."""
    module = lowered(jobs)
    slots: dict[str, list[str | None]] = {}
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
        entry = artifact.manifest.entries[entry_name(job)]
        given = [x for x, i in zip(job.arguments, entry.inputs, strict=True) if i.slot is None]
        places = slots.get(entry_name(job)) or [None] * len(entry.outputs)
        found = []
        for program in programs:
            for _ in range(way.calls):
                made = program[entry_name(job)](*given)
                returned = iter(made if isinstance(made, tuple) else (made,))
                found += [
                    (next(returned) if slot is None else program.state[slot]).numpy()
                    for slot in places
                ]
        return found

    return results_of


if __name__ == "__main__":
    serve(compiled)
