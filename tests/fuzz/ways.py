"""Ways to compile a program: as usual, or with what a tuner, a training step or a user may choose."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from slopec.build import OPTIMIZE
from slopec.configurations import CONFIGURATIONS
from slopec.lower import Lowered
from slopec.targets import parse_target
from slopec.variants import FLAGS, KERNELS, PASSES, Variant
from slopec_runtime.manifest import EntryPoint
from slopec_runtime.tree import Branch

Arrays = Sequence[np.ndarray]
BOTH = ("local-sync", "local-task")
BARE = Variant((KERNELS,))
LEVELS = tuple(f"--iree-opt-level=O{level}" for level in range(4))


class Typed(Protocol):
    """An argument or a result, of which shape and type are known."""

    @property
    def shape(self) -> Sequence[object]: ...
    @property
    def dtype(self) -> object: ...


@dataclass(frozen=True)
class Way:
    """A way to compile, with a name.

    `scratch` lets every function take memory from its caller, `donated` keeps arguments as state
    which results of their types replace, `pipeline` stands for the optimisation passes. A program is
    called `calls` times with the same arguments, on each of the `drivers`, with `threads` where
    there are several. What has no drivers is compiled and not run.
    """

    name: str = "as usual"
    target: str = "llvm-cpu"
    variant: Variant | None = None
    pipeline: str = OPTIMIZE
    scratch: bool = False
    donated: bool = False
    drivers: tuple[str, ...] = BOTH
    threads: int = 4
    calls: int = 2

    @property
    def sure(self) -> bool:
        """Whether every program compiles: of passes and flags, a tuner tries what may be refused."""
        return self.pipeline == OPTIMIZE and self.variant in (None, BARE)

    def results(self, run: Callable[[Arrays], list[np.ndarray]], given: Arrays) -> list[np.ndarray]:
        """All results of all calls on all drivers, of what one call computes."""
        if not self.donated:
            return run(given) * self.calls * len(self.drivers)
        arrays, found = list(given), list[np.ndarray]()
        for _ in range(self.calls):
            made = run(arrays)
            found += made
            for i, j in replaced(given, made).items():
                arrays[i] = made[j]
        return found * len(self.drivers)


def replaced(inputs: Sequence[Typed], outputs: Sequence[Typed]) -> dict[int, int]:
    """The result that takes the place of each argument: the first of its type that is free."""
    found: dict[int, int] = {}
    for i, given in enumerate(inputs):
        for j, made in enumerate(outputs):
            alike = (tuple(made.shape), str(made.dtype)) == (tuple(given.shape), str(given.dtype))
            if alike and j not in found.values():
                found[i] = j
                break
    return found


def ways() -> list[Way]:
    """All of them, the usual one first."""
    every = [
        Way(),
        Way("host", "llvm-cpu:host"),
        Way("scratch", scratch=True),
        Way("donated", donated=True, calls=3),
        Way("donated and scratch", donated=True, scratch=True, threads=8),
        Way("donated, host", "llvm-cpu:host", donated=True, threads=2),
        Way("without kernels", variant=BARE),
        Way("donated, without kernels", variant=BARE, donated=True),
        Way("cuda", "cuda", drivers=()),
        Way("metal", "metal", drivers=()),
        Way("rematerialize", pipeline=OPTIMIZE.replace("rematerialize", "rematerialize{least=1}")),
        Way("no passes", pipeline="canonicalize"),
    ]
    variants = [Variant(configuration=name) for name in CONFIGURATIONS]
    variants += [Variant(without=(name,)) for name in PASSES]
    variants += [Variant(configuration=name, without=(KERNELS,)) for name in CONFIGURATIONS]
    variants += [Variant(flags=(flag,)) for flag in (*LEVELS, *FLAGS["llvm-cpu"][2:])]
    variants += [Variant((KERNELS,), flags=(level,)) for level in LEVELS]
    host = parse_target("llvm-cpu:host").cpu
    every += [Way(v.name, variant=v) for v in variants]
    return [*every, *(Way(f"{host} {v.name}", "llvm-cpu:host", v) for v in variants)]


def keeping_state(
    lowered: Lowered, arguments: Mapping[str, tuple[np.ndarray, ...]]
) -> tuple[Lowered, dict[str, list[str | None]]]:
    """Arguments become state where a result of their type can replace them.

    Also returns, for each entry, the slot of each of its results, None where it is returned.
    """
    entries, slots, state = {}, {}, {}
    for name, entry in lowered.entries.items():
        entries[name], slots[name] = _keeping(name, entry)
        for i, given in enumerate(entries[name].inputs):
            if given.slot is not None:
                state[given.slot] = arguments[name][i]
    return replace(lowered, entries=entries, state=state), slots


def _keeping(name: str, entry: EntryPoint) -> tuple[EntryPoint, list[str | None]]:
    inputs, outputs = list(entry.inputs), list(entry.outputs)
    for i, j in replaced(inputs, outputs).items():
        slot = f"{name}.{i}"
        inputs[i] = replace(inputs[i], slot=slot, donated=True)
        outputs[j] = replace(outputs[j], slot=slot)
    arguments = tuple((n, i) for n, i in entry.arguments if inputs[i].slot is None)
    returned = tuple(j for j, made in enumerate(outputs) if made.slot is None)
    result = Branch("tuple", returned)
    kept = replace(
        entry, inputs=tuple(inputs), outputs=tuple(outputs), arguments=arguments, result=result
    )
    return kept, [made.slot for made in outputs]
