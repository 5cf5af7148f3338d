"""The hunt: draw programs, run them beside JAX, and make what fails as small as it can be."""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

import jax
import numpy as np

import tests.fuzz.larger
import tests.fuzz.rarer
import tests.fuzz.shaped
import tests.fuzz.writing  # noqa: F401 - register their steps
from slopec import ir
from slopec.reference import evaluate
from tests.fuzz import kinds
from tests.fuzz.compare import COARSEST, Arrays, problem
from tests.fuzz.drawing import draw
from tests.fuzz.program import Drawn, wide
from tests.fuzz.stateful import draw_stateful
from tests.fuzz.ways import Way
from tests.sweep.harness import outcomes
from tests.sweep.worker import Job


@dataclass(frozen=True)
class Trial:
    """A program, what is made of it, and the seed of its arguments."""

    program: Drawn
    kind: str
    seed: int

    @property
    def arrays(self) -> list[np.ndarray]:
        return kinds.arguments(self.program, self.kind, np.random.default_rng(self.seed))


@dataclass(frozen=True)
class Found:
    """A trial that went wrong: `kind` is "wrong", "refused", "fault" or "crash"."""

    trial: Trial
    way: Way
    kind: str
    detail: str


def trial_of(seed: int, length: int | None = None, *, stateful: bool = False) -> Trial | None:
    """The trial of a seed; None where JAX has no such gradient or batch.

    `stateful` programs replace arguments, and are run as they are.
    """
    if stateful:
        trial = Trial(draw_stateful(seed, length), "forward", seed)
        return trial if runs(trial) else None
    kind = kinds.KINDS[seed % len(kinds.KINDS)]
    nested = len(kinds.stages(kind)) > 1
    program = draw(seed, length or (kinds.NESTED if nested else None))
    trial = Trial(program, kind if kinds.varied(program) else "forward", seed)
    return trial if runs(trial) else None


def runs(trial: Trial) -> bool:
    """Whether JAX can write the program."""
    try:
        jax.eval_shape(kinds.reference(trial.program, trial.kind), *trial.arrays)
        kinds.text(trial.program, trial.kind)
    except (NotImplementedError, TypeError, ValueError):
        return False
    return True


def attempt(trials: Sequence[Trial], way: Way) -> list[Found | None]:
    """Run trials, all compiled together; None for each that is right."""
    known: dict[int, tuple[list[np.ndarray], list[np.ndarray]]] = {}
    jobs = []
    for number, trial in enumerate(trials):
        arrays = trial.arrays
        expected = expected_of(trial, arrays, way)
        known[number] = arrays, expected
        jobs.append(Job(number, kinds.text(trial.program, trial.kind), tuple(arrays)))
    found: list[Found | None] = [None] * len(trials)
    for number, kind, rest in outcomes(jobs, way, "tests.fuzz.worker"):
        trial, (arrays, expected) = trials[number], known[number]
        if kind != "done":
            found[number] = Found(trial, way, kind, ": ".join(map(str, rest)))
            continue
        said = _wrong(trial, way, arrays, rest[0], expected) if way.drivers else None
        found[number] = None if said is None else Found(trial, way, "wrong", said)
    return found


def expected_of(
    trial: Trial, arrays: list[np.ndarray], way: Way, *, wider: bool = False
) -> list[np.ndarray]:
    """What JAX computes; `wider`, in double precision."""
    with wide() if wider else nullcontext():
        run = kinds.compiled(trial.program, trial.kind)
        return way.results(run, arrays)


def _wrong(
    trial: Trial,
    way: Way,
    arrays: list[np.ndarray],
    got: Arrays,
    expected: Arrays,
) -> str | None:
    expected = _known(trial, got, expected)
    text = kinds.definition(trial.program, trial.kind)
    coarse = max([2.0**-24, *(eps for name, eps in COARSEST.items() if spelled(name) in text)])
    if problem(got, expected, coarse=coarse) is None:
        return None
    # Only now is it worth knowing what rounding may do.
    wider = expected_of(trial, arrays, way, wider=True)
    said = problem(got, expected, wider, coarse)
    if said is None:
        return None
    # XLA is wrong sometimes, as with a window of a window that begins too late.
    module = ir.parse(text)
    defined = way.results(lambda these: evaluate(module, "main", *these), arrays)
    return problem(got, _known(trial, got, defined), wider, coarse) and said


def _known(trial: Trial, got: Arrays, expected: Arrays) -> Arrays:
    """What JAX knows of results: its rules say NaN where there is a derivative, as of some minima."""
    if not kinds.stages(trial.kind) or trial.kind.endswith(kinds.JAX):
        return expected
    return [np.where(np.isnan(y), x, y) for x, y in zip(got, expected, strict=True)]


def spelled(name: str) -> str:
    """An element type as MLIR has it, at the end of a tensor's type."""
    return {"bfloat16": "bf16>", "float16": "xf16>"}[name]


def persists(found: Found) -> bool:
    """Whether it goes wrong with other arguments too: comparisons may fall out either way."""
    if found.kind != "wrong":
        return True
    again = [replace(found.trial, seed=found.trial.seed + 1000 * (k + 1)) for k in range(3)]
    return sum(f is not None and f.kind == "wrong" for f in attempt(again, found.way)) >= 2


def shrunk(found: Found, rounds: int = 60) -> Found:
    """A smaller program that goes wrong in the same manner, results and steps taken away."""
    for _ in range(rounds):
        smaller = next((f for f in _attempts(found)), None)
        if smaller is None:
            return found
        found = smaller
    return found


def _attempts(found: Found) -> Iterator[Found]:
    """Smaller programs that go wrong as this one does; several are tried in one compilation."""
    candidates = list(_smaller(found.trial.program))
    for start in range(0, len(candidates), 6):
        trials = []
        for program in candidates[start : start + 6]:
            trial = replace(found.trial, program=program)
            if runs(trial):
                trials.append(trial)
        for result in attempt(trials, found.way):
            if result is not None and result.kind == found.kind and persists(result):
                yield result


def _smaller(program: Drawn) -> Iterator[Drawn]:
    """One result of several; or a step's result as an argument; or a later result left out."""
    first = len(program.inputs)
    if len(program.results) > 1:
        for i in reversed(program.results):
            yield program.only([i])
        for i in reversed(program.results):
            yield program.only([j for j in program.results if j != i])
        return
    types = jax.eval_shape(lambda *xs: tuple(program.values(*xs)), *program.inputs)
    last = program.results[0]
    for place in range(last - 1, first - 1, -1):
        like = types[place]
        if isinstance(like, tuple | list):  # of which the parts are taken
            continue
        cut = program.given(place, jax.ShapeDtypeStruct(like.shape, like.dtype))
        yield cut.only(cut.results)
    for place in range(last - 1, first - 1, -1):
        if not isinstance(types[place], tuple | list):
            yield program.only([place])
