"""slopec's side before anything runs: a program becomes an artifact, and what that took.

Weights of calls and decoding are constants of the artifact, those of steps its state.
"""

import math
import os
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import slopec as sp
from benchmarks.ops import ops_of
from benchmarks.programs import LEARNING_RATE, Arrays, Program
from slopec import ir
from slopec.build import DERIVE, Artifact, build
from slopec.emit import warm
from slopec.lower import Lowered, lower
from slopec.passes import Measure, parse_pipeline, run_pipeline
from slopec.programs import Weights
from slopec.targets import parse_target
from slopec_runtime.dtypes import numpy_dtype


@dataclass(frozen=True)
class Facts:
    """Of one compilation: seconds by part, ops when traced, bytes, and the program's cost.

    `passes` and `iree` are without the cache, `again` is the whole a second time with it.
    `moved` are the bytes that must be moved at least: inputs and weights read, results written.
    """

    trace: float
    derive: float
    passes: float
    iree: float
    again: float
    ops: int
    size: int
    flops: float
    moved: float

    @property
    def cold(self) -> float:
        """Seconds of the whole without the cache."""
        return self.trace + self.passes + self.iree


@dataclass(frozen=True)
class Held:
    """What is there before a program is traced: weights, what calls keep, types of the inputs."""

    values: dict[str, Any]
    specs: dict[str, Any]


def held(program: Program) -> Held:
    """What a program needs to be traced."""
    weights, kept, inputs = program.arrays()
    values = {"weights": _tensors(weights)}
    if program.kind == "step":
        values["moments"] = sp.optim.adam(LEARNING_RATE).init(values["weights"])
    if program.kind == "decode":
        values["kept"] = _tensors(kept)
    return Held(values, {name: sp.spec(a.dtype, a.shape) for name, a in inputs.items()})


def lowered(program: Program, holds: Held | None = None) -> Lowered:
    """The program traced, with the update of its state."""
    holds = holds or held(program)
    mark: Any = {"call": _call, "step": _step, "decode": _decode}[program.kind]
    return lower([mark(program, holds.specs)], name="main", weights=Weights(holds.values))


def _tensors(arrays: Arrays) -> dict[str, sp.Tensor]:
    return {name: sp.tensor(array) for name, array in arrays.items()}


def _call(program: Program, specs: dict[str, Any]) -> Any:
    def main(weights: Any, *given: Any) -> Any:
        return program.apply(ops_of("slopec"), weights, *given)

    return _program(main, ["weights"], specs)


def _step(program: Program, specs: dict[str, Any]) -> Any:
    optimizer = sp.optim.adam(LEARNING_RATE)

    def main(weights: Any, moments: Any, *given: Any) -> Any:
        def loss(weights: Any) -> Any:
            return program.apply(ops_of("slopec"), weights, *given)

        value, slope = sp.value_and_grad(loss)(weights)
        weights, moments = optimizer.update(slope, moments, weights)
        return weights, moments, value

    return _program(main, ["weights", "moments"], specs, state=("weights", "moments"))


def _decode(program: Program, specs: dict[str, Any]) -> Any:
    def main(weights: Any, kept: Any, *given: Any) -> Any:
        return program.apply(ops_of("slopec"), weights, kept, *given)

    return _program(main, ["weights", "kept"], specs, state=("kept",))


def _program(function: Any, held: list[str], specs: dict[str, Any], **options: Any) -> Any:
    """The function marked, its parameters being those held and the inputs by their names."""
    names = [*held, *specs]
    source = f"lambda {', '.join(names)}: function({', '.join(names)})"
    made = eval(source, {"function": function})
    return sp.program(name="main", **options, **specs)(made)


def compiled(program: Program, target: str, path: Path) -> Facts:
    """Compile into a file, twice: without the cache and with it; its weights are there before."""
    holds = held(program)
    chosen = parse_target(target, cpu="host" if target == "llvm-cpu" else None)
    before = os.environ.get("SLOPEC_CACHE_DIR")
    with TemporaryDirectory() as fresh:
        os.environ["SLOPEC_CACHE_DIR"] = fresh
        started = time.perf_counter()
        warm(chosen)
        made = lowered(program, holds)
        trace = time.perf_counter() - started
        clock = Measure()
        run_pipeline(ir.clone_module(made.module), parse_pipeline(DERIVE), clock)
        started = time.perf_counter()
        (artifact,) = build(made, [chosen], carry_stablehlo=False)
        built = time.perf_counter() - started
        started = time.perf_counter()
        build(lowered(program, holds), [chosen], carry_stablehlo=False)
        again = time.perf_counter() - started
    if before is None:
        del os.environ["SLOPEC_CACHE_DIR"]
    else:
        os.environ["SLOPEC_CACHE_DIR"] = before
    artifact.save(path)
    cost = artifact.manifest.cost
    return Facts(
        trace=trace,
        derive=sum(row.seconds for row in clock.results),
        passes=built - artifact.seconds,
        iree=artifact.seconds,
        again=again,
        ops=clock.results[0].ops_before,
        size=len(artifact.data),
        flops=0.0 if cost is None else cost.flops,
        moved=_moved(program, artifact),
    )


def _moved(program: Program, artifact: Artifact) -> float:
    """Bytes of inputs, weights and results; what is kept is read and written."""
    weights, _, inputs = program.arrays()
    constant = {} if program.kind == "step" else weights
    results = [out for out in artifact.manifest.entries["main"].outputs if out.slot is None]
    arrays = sum(array.nbytes for array in (*constant.values(), *inputs.values()))
    state = sum(map(_bytes, artifact.manifest.state.values()))
    return float(arrays + 2 * state + sum(map(_bytes, results)))


def _bytes(facts: Any) -> int:
    return math.prod(facts.shape) * numpy_dtype(facts.dtype).itemsize
