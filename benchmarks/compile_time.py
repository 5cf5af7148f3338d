"""What slopec itself takes to compile the training step of each recipe, next to IREE's share.

Medians of five runs in one process: trace (the Python program becomes StableHLO), derive (every
derivative is written and inlined; beside it per op of the traced module), optimise (the passes).
IREE compiles without the cache.
"""

import statistics
import time

from slopec import ir
from slopec.build import DERIVE, OPTIMIZE, build
from slopec.emit import EmitOptions
from slopec.lower import Lowered, lower
from slopec.passes import Measure, parse_pipeline, run_pipeline
from slopec.targets import parse_target
from slopec.train import recipe as recipes
from slopec.train.loop import Training

RUNS = 5


def traced(name: str) -> tuple[Lowered, float]:
    """The training step of a recipe as a traced module, and the seconds that tracing took."""
    training = Training.__new__(Training)
    training.prepare(recipes.read(recipes.find(name)))
    marked, weights = training.programs()
    started = time.perf_counter()
    lowered = lower(marked[:1], name="step", weights=weights)
    return lowered, time.perf_counter() - started


def main() -> None:
    """Print a Markdown table."""
    print("| training step | ops | trace | derive | per op | optimise | slopec in all | IREE |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    for name in ("digits-mlp", "digits-convnet", "text-gpt"):
        rows = []
        for _ in range(RUNS):
            lowered, trace_seconds = traced(name)
            module = ir.clone_module(lowered.module)
            clocks = []
            for pipeline in (DERIVE, OPTIMIZE):
                clock = Measure()
                run_pipeline(module, parse_pipeline(pipeline), clock)
                clocks.append(clock)
            derive, optimise = (sum(m.seconds for m in clock.results) for clock in clocks)
            rows.append((trace_seconds, derive, optimise))
        columns = zip(*rows, strict=True)
        trace_s, derive, optimise = (statistics.median(column) for column in columns)
        (artifact,) = build(
            lowered, [parse_target("llvm-cpu:host")], options=EmitOptions(cache=False)
        )
        given, ops = clocks[0].results[0].ops_before, clocks[-1].results[-1].ops_after
        per_op = f"{derive / given * 1e6:.0f} µs"
        seconds = (trace_s, derive, optimise, trace_s + derive + optimise, artifact.seconds)
        cells = [f"{t:.2f} s" for t in seconds]
        print(f"| {' | '.join([name, str(ops), *cells[:2], per_op, *cells[2:]])} |", flush=True)


if __name__ == "__main__":
    main()
