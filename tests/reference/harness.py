"""Comparing the evaluator with XLA: cases are lowered together by JAX, run by both, judged one by one.

One jitted function holds all cases of a group, so a group costs one XLA compilation.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import jax
import ml_dtypes
import numpy as np

from slopec import ir, reference

jax.config.update("jax_enable_x64", True)

TOLERANCE = {
    "float8_e4m3fn": 2**-3,
    "float8_e5m2": 2**-2,
    "bfloat16": 2**-7,
    "float16": 2**-9,
    "float32": 4e-6,
    "float64": 2e-13,
    "complex64": 8e-6,
    "complex128": 4e-13,
}
"""Largest relative error, or absolute one below magnitude 1: a few units in the last place."""


@dataclass
class Group:
    """Named cases, each a JAX function of its own arrays."""

    platform: str | None = None
    cases: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = field(default_factory=dict)

    def add(self, name: str, function: Callable[..., Any], *arrays: Any) -> None:
        assert name not in self.cases, name
        self.cases[name] = (function, arrays)

    @cached_property
    def results(self) -> dict[str, tuple[list[np.ndarray], list[np.ndarray]]]:
        """For each case what the evaluator and what XLA make of it."""

        def together(*arrays: Any) -> list[Any]:
            position, outputs = 0, []
            for function, own in self.cases.values():
                given = arrays[position : position + len(own)]
                position += len(own)
                outputs.append(jax.tree.leaves(function(*given)))
            return outputs

        flat = [np.asarray(a) for _, own in self.cases.values() for a in own]
        ours, theirs = both(together, *flat, platform=self.platform, tree=True)
        position, split = 0, {}
        for name, leaves in zip(self.cases, theirs, strict=True):
            split[name] = (ours[position : position + len(leaves)], leaves)
            position += len(leaves)
        return split

    def check(self, name: str, tolerance: float | None = None) -> None:
        ours, theirs = self.results[name]
        assert len(ours) == len(theirs)
        for mine, reference_ in zip(ours, theirs, strict=True):
            same(mine, reference_, tolerance)


def both(
    function: Callable[..., Any], *arrays: Any, platform: str | None = None, tree: bool = False
) -> tuple[list[np.ndarray], Any]:
    """The results of a JAX function by the evaluator and by XLA."""
    jitted = jax.jit(function, keep_unused=True)
    traced = jitted.trace(*arrays)
    text = traced.lower(lowering_platforms=(platform,) if platform else None).as_text()
    expected = traced.lower().compile()(*arrays)
    leaves = jax.tree.map(np.asarray, expected)
    ours = reference.evaluate(ir.parse(text), "main", *map(np.asarray, arrays))
    return ours, leaves if tree else jax.tree.leaves(leaves)


def agree(
    function: Callable[..., Any], *arrays: Any, platform: str | None = None, tolerance: Any = None
) -> None:
    """Assert that evaluator and XLA agree on a JAX function."""
    ours, theirs = both(function, *arrays, platform=platform)
    assert len(ours) == len(theirs)
    for mine, reference_ in zip(ours, theirs, strict=True):
        same(mine, reference_, tolerance)


def same(ours: np.ndarray, theirs: np.ndarray, tolerance: float | None = None) -> None:
    """Assert equal dtype, shape and values up to the tolerance of the dtype."""
    assert isinstance(ours, np.ndarray)
    assert ours.dtype == theirs.dtype, (ours.dtype, theirs.dtype)
    assert ours.shape == theirs.shape, (ours.shape, theirs.shape)
    if ours.dtype.name not in TOLERANCE:
        np.testing.assert_array_equal(ours, theirs)
        return
    error = TOLERANCE[ours.dtype.name] if tolerance is None else tolerance
    wide = np.complex128 if ours.dtype.kind == "c" else np.float64
    np.testing.assert_allclose(ours.astype(wide), theirs.astype(wide), rtol=error, atol=error)


def run(text: str | bytes, *arrays: Any) -> list[np.ndarray]:
    """Evaluate `@main` of a module given as text."""
    return reference.evaluate(ir.parse(text), "main", *arrays)


def program(inputs: str, outputs: str, body: str, returned: str = "%0") -> str:
    """A module whose @main takes `inputs` and returns values of the types `outputs`."""
    return f"func.func @main({inputs}) -> ({outputs}) {{\n{body}\nreturn {returned} : {outputs} }}"


FLOATS = ("float32", "float64", "bfloat16", "float16")
SIGNED = ("int8", "int16", "int32", "int64")
UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
COMPLEX = ("complex64", "complex128")


def dtype(name: str) -> np.dtype:
    """The NumPy type of a name, ml_dtypes' included."""
    return np.dtype(getattr(ml_dtypes, name, name))


def sample(shape: tuple[int, ...], name: str, seed: int = 0, scale: float = 3.0) -> np.ndarray:
    """Ordinary values of a type: normal for floats, small for integers, fair for Booleans."""
    random = np.random.default_rng([seed, *shape])
    kind = dtype(name)
    if name == "bool":
        return random.random(shape) < 0.5
    if kind.kind in "iu":
        return random.integers(-7 if kind.kind == "i" else 0, 8, shape).astype(kind)
    values = random.normal(size=shape) * scale
    if kind.kind == "c":
        values = values + 1j * random.normal(size=shape) * scale
    return values.astype(kind)
