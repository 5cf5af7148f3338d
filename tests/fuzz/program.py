"""A program as a list of steps, each a function of earlier values: JAX runs it, and writes its StableHLO.

In a wider sort of run every float is float64, so that what rounding does to the results is known.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)

_WIDE = ContextVar("wide", default=False)
_WIDER = {"float16": "float64", "bfloat16": "float64", "float32": "float64", "complex64": "complex128"}  # fmt: skip


@contextmanager
def wide() -> Iterator[None]:
    """Programs that run in here compute in double precision."""
    token = _WIDE.set(True)
    try:
        yield
    finally:
        _WIDE.reset(token)


def kind(name: str) -> np.dtype:
    """The element type of that name, or the wide one in its place."""
    return jnp.dtype(_WIDER.get(name, name) if _WIDE.get() else name)


def as_kind(array: np.ndarray) -> np.ndarray:
    """An array in its type, or in the wide one."""
    return array.astype(kind(array.dtype.name))


@dataclass(frozen=True)
class Step:
    """`function` of the values at the places `args`; `label` says what it does."""

    label: str
    args: tuple[int, ...]
    function: Callable[..., Any]


@dataclass(frozen=True)
class Drawn:
    """A program: the types of its arguments, its steps, and the places of its results.

    Values are numbered: first the arguments, then the result of each step.
    """

    inputs: tuple[jax.ShapeDtypeStruct, ...]
    steps: tuple[Step, ...]
    results: tuple[int, ...]

    def values(self, *arrays: Any) -> list[Any]:
        """All values of a run."""
        known: list[Any] = [as_kind(array) for array in arrays]
        for step in self.steps:
            known.append(step.function(*(known[i] for i in step.args)))
        return known

    def __call__(self, *arrays: Any) -> tuple[Any, ...]:
        """The results of a run."""
        known = self.values(*arrays)
        return tuple(known[i] for i in self.results)

    def only(self, results: Sequence[int]) -> "Drawn":
        """The program with these results, without the steps that they do not need."""
        needed, waiting = set(results), list(results)
        while waiting:
            step = waiting.pop() - len(self.inputs)
            for arg in self.steps[step].args if step >= 0 else ():
                if arg not in needed:
                    needed.add(arg)
                    waiting.append(arg)
        first = len(self.inputs)
        count = first + len(self.steps)
        return self._arranged(
            self.inputs, [i for i in range(count) if i in needed or i < first], results
        )

    def given(self, place: int, like: jax.ShapeDtypeStruct) -> "Drawn":
        """The program with a last argument in the place of the result of a step."""
        first = len(self.inputs)
        rest = [i for i in range(first, first + len(self.steps)) if i != place]
        return self._arranged((*self.inputs, like), [*range(first), place, *rest], self.results)

    def _arranged(
        self, inputs: tuple[jax.ShapeDtypeStruct, ...], order: list[int], results: Sequence[int]
    ) -> "Drawn":
        places = {old: new for new, old in enumerate(order)}
        steps = [self.steps[i - len(self.inputs)] for i in order[len(inputs) :]]
        moved = tuple(Step(s.label, tuple(places[a] for a in s.args), s.function) for s in steps)
        return Drawn(inputs, moved, tuple(places[i] for i in results))

    def __str__(self) -> str:
        lines = [f"%{i}: {t.dtype}{list(t.shape)}" for i, t in enumerate(self.inputs)]
        for i, step in enumerate(self.steps, len(self.inputs)):
            lines.append(f"%{i} = {step.label}({', '.join(f'%{a}' for a in step.args)})")
        return "\n".join([*lines, f"return {', '.join(f'%{i}' for i in self.results)}"])


def drawn_array(like: jax.ShapeDtypeStruct, random: np.random.Generator) -> np.ndarray:
    """An argument: floats about 1 in size, few of them equal, small integers, fair Booleans."""
    name, shape = like.dtype.name, like.shape
    if name == "bool":
        return random.random(shape) < 0.5
    if like.dtype.kind in "iu":
        return np.asarray(random.integers(-5 if like.dtype.kind == "i" else 0, 9, shape)).astype(
            name
        )
    values = random.uniform(-1.7, 1.7, shape)
    if like.dtype.kind == "c":
        values = values + 1j * random.uniform(-1.7, 1.7, shape)
    return np.asarray(values).astype(like.dtype)
