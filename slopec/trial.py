"""A trial, in a process of its own: whether two artifacts of one program agree, and which wins.

Run as a script it loads both, calls them in turns on the same inputs, and prints a JSON object. A
candidate that crashes takes this process with it and nothing else.
"""

import json
import statistics
import sys
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

import slopec_runtime
from slopec_runtime.dtypes import numpy_dtype
from slopec_runtime.manifest import EntryPoint
from slopec_runtime.sizes import evaluate
from slopec_runtime.tree import flatten, unflatten

Arrays = dict[str, NDArray[Any]]

TOLERANCE = 1e-3
"""How far results may be from each other, relative to their norm; ten times that where elements
have 16 bits or fewer, and for the state, of which optimisers make much of little."""

_ROUNDS = 9


def main(baseline: str, candidate: str, device: str, seconds: str) -> None:
    """Compare and time two artifacts; an empty `device` is the one that fits."""
    paths = {"baseline": baseline, "candidate": candidate}
    programs = {name: slopec_runtime.load(path, device or None) for name, path in paths.items()}
    first = programs["baseline"]
    draws = np.random.default_rng(0)
    arguments = {name: _arguments(entry, draws) for name, entry in first.manifest.entries.items()}
    found = {name: _results(program, arguments) for name, program in programs.items()}
    difference = _difference(found["baseline"], found["candidate"])
    result: dict[str, Any] = {"difference": difference, "agrees": difference <= TOLERANCE}
    if result["agrees"]:
        result |= _race(programs, arguments, float(seconds))
    sys.stdout.write(json.dumps(result))


def _arguments(entry: EntryPoint, draws: np.random.Generator) -> dict[str, Any]:
    """Random numbers for an entry, at its largest sizes; integers are 0, valid as any index."""
    sizes = max((v.dims for v in entry.variants), key=lambda dims: sum(dims.values()))
    leaves: list[NDArray[Any] | None] = []
    for given in entry.inputs:
        shape = tuple(evaluate(n, sizes) if isinstance(n, str) else n for n in given.shape)
        dtype = numpy_dtype(given.dtype)
        is_index = np.issubdtype(dtype, np.integer) or dtype == np.bool_
        array = np.zeros(shape) if is_index else draws.standard_normal(shape)
        leaves.append(None if given.slot else array.astype(dtype))
    return {argument: unflatten(tree, leaves) for argument, tree in entry.arguments}


def _results(program: Any, arguments: Mapping[str, dict[str, Any]]) -> Arrays:
    """What all entries give the first and the second time, and the state then."""
    found: Arrays = {}
    for turn in range(2):
        for name, given in arguments.items():
            entry = program.entries[name]

            def keep(place: int, leaf: Any, where: str = f"{turn} {name}") -> None:
                found[f"{where} {place}"] = np.asarray(leaf)

            flatten(program.manifest.entries[name].result, entry(**given), "result", keep)
        for slot in program.state if turn == 0 else ():
            found[f"state {slot}"] = np.asarray(program.state[slot]).copy()
    return found


def _difference(expected: Arrays, got: Arrays) -> float:
    """The largest distance between results, each relative to its norm and to what it may be."""
    worst = 0.0
    state: list[tuple[NDArray[Any], NDArray[Any]]] = []
    for name, array in expected.items():
        pair = _wide(array), _wide(got[name])
        if name.startswith("state "):
            state.append(pair)
            continue
        # After an update the first results' differences have gone through the optimiser.
        narrow = array.dtype.itemsize <= 2 or name.startswith("1 ")
        worst = max(worst, _distance(*pair) / (10 if narrow else 1))
    if state:
        wholes = [np.concatenate([p[side].ravel() for p in state]) for side in (0, 1)]
        worst = max(worst, _distance(*wholes) / 10)
    return worst


def _wide(array: NDArray[Any]) -> NDArray[Any]:
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)


def _distance(x: NDArray[Any], y: NDArray[Any]) -> float:
    same = (x == y) | (np.isnan(x) & np.isnan(y))
    if same.all():
        return 0.0
    apart = float(np.linalg.norm(np.where(same, 0, x - y)))
    size = float(np.linalg.norm(np.where(np.isfinite(x), x, 0)))
    return apart / size if np.isfinite(apart) and size > 0 else float("inf")


def _race(
    programs: Mapping[str, Any], arguments: Mapping[str, dict[str, Any]], seconds: float
) -> dict[str, float]:
    """Seconds per turn, a call of every entry, and the ratio: its median and upper quartile."""
    given = {
        side: {
            name: {key: _placed(program, value) for key, value in values.items()}
            for name, values in arguments.items()
        }
        for side, program in programs.items()
    }

    def turn(side: str) -> float:
        started = time.perf_counter()
        for name, values in given[side].items():
            programs[side].entries[name](**values)
        return time.perf_counter() - started

    rounds: list[dict[str, float]] = []
    end = time.perf_counter() + seconds
    while len(rounds) < _ROUNDS or time.perf_counter() < end:
        order = list(programs)[:: 1 if len(rounds) % 2 else -1]
        rounds.append({side: turn(side) for side in order})
    medians = {side: statistics.median(r[side] for r in rounds) for side in programs}
    _, ratio, upper = statistics.quantiles((r["candidate"] / r["baseline"] for r in rounds), n=4)
    return medians | {"ratio": ratio, "upper": upper}


def _placed(program: Any, value: Any) -> Any:
    """An array on the program's device, so that a turn does not send it again."""
    return program.put(value) if isinstance(value, np.ndarray) else value


if __name__ == "__main__":
    main(*sys.argv[1:])
