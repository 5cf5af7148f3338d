"""Cases for operations: one expression, written once, run by slopec and by JAX.

A case calls a function of a namespace, `lambda np, x: np.sum(x, axis=1)`, which gets `jax.numpy` or
slopec. JAX computes all cases of a family in one compilation, without 64-bit defaults so that its
types are those slopec promises; values, dtypes, shapes and gradients (for cotangents that tell
every element apart) must agree.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np

import slopec as sp
from slopec import dtypes

Arrays = tuple[np.ndarray, ...]
TOLERANCE = {"float16": 4e-3, "bfloat16": 3e-2, "float32": 2e-5, "float64": 1e-12}
TOLERANCE |= {"complex64": 2e-5, "complex128": 1e-12}


@dataclass(frozen=True, eq=False)
class Case:
    """A call, its inputs, and how exactly and whether in derivatives too it must agree."""

    name: str
    call: Callable[..., Any]
    inputs: Arrays
    gradient: bool = True
    looser: float = 1.0
    reference: Callable[..., Any] | None = None
    """The same in JAX's words, where they differ."""

    def __str__(self) -> str:
        return self.name

    @property
    def differentiated(self) -> list[int]:
        """The inputs that gradients are taken of."""
        if not self.gradient:
            return []
        return [i for i, x in enumerate(self.inputs) if dtypes.is_floating(x.dtype)]


def normal(*shape: int, seed: int = 0, dtype: Any = np.float32) -> np.ndarray:
    """Normal values; for integer types, small whole numbers; for bool, a mixture."""
    values = np.random.default_rng([seed, *shape]).normal(size=shape)
    wanted = np.dtype(dtype)
    if wanted.kind == "b":
        return values > 0
    if wanted.kind in "iu":
        return np.abs(np.rint(3 * values)).astype(wanted)
    if wanted.kind == "c":
        return (values + 1j * np.random.default_rng([seed, 9, *shape]).normal(size=shape)).astype(
            wanted
        )
    return values.astype(wanted)


def positive(*shape: int, seed: int = 0, dtype: Any = np.float32) -> np.ndarray:
    """Values between 0.5 and 3."""
    return np.random.default_rng([seed, *shape]).uniform(0.5, 3, shape).astype(dtype)


def integers(
    *shape: int, low: int = -5, high: int = 6, seed: int = 0, dtype: Any = np.int32
) -> Any:
    """Whole numbers from `low` to `high` - 1."""
    return np.random.default_rng([seed, *shape]).integers(low, high, shape).astype(dtype)


def leaves(result: Any) -> list[Any]:
    return (
        [x for part in result for x in leaves(part)]
        if isinstance(result, list | tuple)
        else [result]
    )


def _cotangents(outputs: Sequence[Any]) -> list[np.ndarray]:
    """A cotangent for each floating output whose elements all differ."""
    return [
        (np.cos(np.arange(x.size) * 0.7 + i) + 1.3).reshape(x.shape).astype(x.dtype)
        for i, x in enumerate(outputs)
    ]


def _differentiable(outputs: Sequence[Any]) -> list[int]:
    return [i for i, x in enumerate(outputs) if dtypes.is_differentiable(np.dtype(x.dtype))]


def _in_jax(case: Case, inputs: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    call = case.reference or case.call

    def outputs(*floats: Any) -> list[Any]:
        given = list(inputs)
        for place, value in zip(case.differentiated, floats, strict=True):
            given[place] = value
        return [jnp.asarray(x) for x in leaves(call(jnp, *given))]

    floats = [inputs[i] for i in case.differentiated]
    found = outputs(*floats)
    chosen = _differentiable(found)
    if not floats or not chosen:
        return found, []
    _, pull = jax.vjp(lambda *xs: [outputs(*xs)[i] for i in chosen], *floats)
    return found, list(pull([jnp.asarray(c) for c in _cotangents([found[i] for i in chosen])]))


def references(cases: Sequence[Case]) -> dict[Case, tuple[list[np.ndarray], list[np.ndarray]]]:
    """What JAX computes for each case: outputs and gradients, all in one compilation."""
    with jax.enable_x64(False):
        computed = jax.jit(
            lambda every: [_in_jax(c, xs) for c, xs in zip(cases, every, strict=True)]
        )([case.inputs for case in cases])
    return dict(zip(cases, jax.tree.map(np.asarray, computed), strict=True))


@cache
def known(cases: tuple[Case, ...]) -> dict[Case, tuple[list[np.ndarray], list[np.ndarray]]]:
    """`references`, computed once for a table."""
    return references(cases)


def check(case: Case, cases: tuple[Case, ...]) -> None:
    """Compare one case of a table with JAX: values, types, shapes, gradients."""
    outputs, gradients = known(cases)[case]
    tensors = [sp.asarray(x) for x in case.inputs]
    found = leaves(case.call(sp, *tensors))
    assert len(found) == len(outputs)
    for ours, theirs in zip(found, outputs, strict=True):
        same(ours, theirs, case.looser)
    if not gradients:
        return
    floats = [tensors[i] for i in case.differentiated]
    chosen = _differentiable(outputs)

    def call(*values: Any) -> list[Any]:
        given = list(tensors)
        for place, value in zip(case.differentiated, values, strict=True):
            given[place] = value
        outputs = leaves(case.call(sp, *given))
        return [outputs[i] for i in chosen]

    _, pull = sp.vjp(call, *floats)
    pulled = pull([sp.asarray(c) for c in _cotangents([outputs[i] for i in chosen])])
    for ours, theirs in zip(leaves(pulled), gradients, strict=True):
        same(ours, theirs, 5 * case.looser)


def same(ours: Any, theirs: Any, looser: float = 1.0) -> None:
    """Assert that a tensor has the dtype, the shape and, up to rounding, the values of an array."""
    theirs = np.asarray(theirs)
    assert isinstance(ours, sp.Tensor)
    assert ours.dtype == theirs.dtype
    assert ours.shape == theirs.shape
    values = ours.numpy()
    assert values.dtype == theirs.dtype
    if not dtypes.is_differentiable(theirs.dtype):
        np.testing.assert_array_equal(values, theirs)
        return
    tolerance = looser * TOLERANCE[theirs.dtype.name]
    exact = np.complex128 if theirs.dtype.kind == "c" else np.float64
    np.testing.assert_allclose(
        values.astype(exact), theirs.astype(exact), rtol=tolerance, atol=tolerance
    )


BFLOAT16 = ml_dtypes.bfloat16
