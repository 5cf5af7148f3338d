"""Proving derivatives: a case is a module and arguments, and every claim about it is a number.

Functions come from JAX (lowered to StableHLO, so they bring their own reference derivatives) or as
MLIR text. Derived functions are declared on the module itself and filled by `derive`, then run by
the reference evaluator: forward against central differences, reverse against forward, both against
JAX, and second order four ways.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from slopec import dtypes, ir, reference
from slopec.foreign import parse_module
from slopec.transforms.derive import derive, pending
from slopec.transforms.function import Traced, declare_jvp, declare_vjp, differentiable
from slopec.tree import LEAF

jax.config.update("jax_enable_x64", True)

Arrays = Sequence[np.ndarray]


def normal(*shape: int, seed: int = 0, kind: str = "f") -> np.ndarray:
    """Normal values in double precision; `kind` "c" for complex ones."""
    generator = np.random.default_rng([seed, *shape])
    values = generator.normal(size=shape)
    return values + 1j * generator.normal(size=shape) if kind == "c" else values


def spread(*shape: int, seed: int = 0) -> np.ndarray:
    """Positive values, away from 0."""
    return np.abs(normal(*shape, seed=seed)) + 0.5


def uniform(*shape: int, seed: int = 0) -> np.ndarray:
    """Values between −0.9 and 0.9."""
    return np.random.default_rng([seed, *shape]).uniform(-0.9, 0.9, shape)


@dataclass(frozen=True)
class Case:
    """A function, where it is differentiated, and how well finite differences can judge it."""

    name: str
    function: Callable[..., Any] | str
    inputs: tuple[np.ndarray, ...]
    tolerance: float = 1e-6
    order: int = 2
    numeric: bool = True
    """Whether finite differences exist: not at ties, nor in low precision."""
    wrt: tuple[int, ...] | None = None
    """The arguments to differentiate by, if not all that can be."""
    jax: Callable[..., Any] | bool = True
    """What JAX differentiates: the function itself, another for a module given as text, nothing."""
    platform: str = "tpu"
    """What JAX lowers for: nearly no platform in particular, or "cpu", which calls LAPACK."""

    @property
    def text(self) -> str:
        """The module, whose function is `main`."""
        return self.function if isinstance(self.function, str) else lowered(self)

    @property
    def reference(self) -> Callable[..., Any] | None:
        """The function that JAX differentiates, if any."""
        if self.jax is True:
            return None if isinstance(self.function, str) else self.function
        return self.jax or None


def lowered(case: Case) -> str:
    assert not isinstance(case.function, str)
    return lower(case.function, *case.inputs, platform=case.platform)


def lower(function: Callable[..., Any], *arrays: Any, platform: str = "tpu") -> str:
    """The StableHLO of a JAX function, for no platform in particular."""
    traced = jax.jit(function, keep_unused=True).trace(*arrays)
    return traced.lower(lowering_platforms=(platform,)).as_text()


def parsed(text: str) -> ir.Module:
    """A module of JAX, its calls of libraries recognised."""
    return parse_module(text.encode(), Path("case.mlir"))


def traced_of(module: ir.Module, symbol: str) -> Traced:
    """A function of a module as the transforms see it."""
    inputs, outputs = (
        tuple(ir.shape_and_dtype(t) for t in types)
        for types in ir.function_type(ir.function(module, symbol))
    )
    return Traced(symbol, inputs, outputs, LEAF, ())


def random(types: Sequence[Any], seed: int) -> list[np.ndarray]:
    """Directions: normal values of the given types."""
    generator = np.random.default_rng(seed)

    def draw(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        values = generator.normal(size=shape)
        if dtypes.is_complex(dtype):
            values = values + 1j * generator.normal(size=shape)
        return np.asarray(values).astype(dtype)

    return [draw(*type_) for type_ in types]


def inner(a: Arrays, b: Arrays) -> float:
    """Σ a·b, real part: the pairing by which transposes are defined."""
    wide = np.complex128
    return sum(
        float(np.sum(x.astype(wide) * y.astype(wide)).real) for x, y in zip(a, b, strict=True)
    )


class Derived:
    """The derivatives of a case, of first and second order, as functions of arrays."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.module = parsed(case.text)
        main = traced_of(self.module, "main")
        self.wrt = differentiable(main.inputs) if case.wrt is None else list(case.wrt)
        self.out = differentiable(main.outputs)
        self.inputs, self.outputs = main.inputs, main.outputs
        self.jvp, _ = declare_jvp(self.module, main, self.wrt, self.out)
        self.vjp, _ = declare_vjp(self.module, main, self.wrt, self.out)
        if case.order > 1:
            self._declare_second()
        derive(self.module)
        ir.verify(self.module)
        left = [ir.symbol_name(op) for op in ir.functions(self.module) if pending(op)]
        assert not left, left

    def _declare_second(self) -> None:
        forward, reverse = (traced_of(self.module, s) for s in (self.jvp, self.vjp))
        tangents = [len(self.outputs) + i for i in range(len(self.out))]
        cotangents = [len(self.outputs) + i for i in range(len(self.wrt))]
        self.second = [
            declare_jvp(self.module, forward, self.wrt, tangents)[0],
            declare_jvp(self.module, reverse, self.wrt, cotangents)[0],
            declare_vjp(self.module, forward, self.wrt, tangents)[0],
            declare_vjp(self.module, reverse, self.wrt, cotangents)[0],
        ]

    def value(self, xs: Arrays) -> list[np.ndarray]:
        """The differentiable results."""
        results = reference.evaluate(self.module, "main", *xs)
        return [results[i] for i in self.out]

    def forward(self, xs: Arrays, us: Arrays) -> list[np.ndarray]:
        """The tangents of the differentiable results."""
        return reference.evaluate(self.module, self.jvp, *xs, *us)[len(self.outputs) :]

    def reverse(self, xs: Arrays, vs: Arrays) -> list[np.ndarray]:
        """The cotangents of the differentiable arguments."""
        return reference.evaluate(self.module, self.vjp, *xs, *vs)[len(self.outputs) :]

    def seconds(self, xs: Arrays, us: Arrays, ws: Arrays, vs: Arrays) -> list[float]:
        """⟨v, D²f[u, w]⟩ by the four compositions of the two modes."""
        given = [(us, ws, vs), (vs, ws, us), (us, vs, ws), (vs, us, ws)]
        found = []
        for symbol, (first, seed, against) in zip(self.second, given, strict=True):
            results = reference.evaluate(self.module, symbol, *xs, *first, *seed)
            found.append(inner(results[-len(against) :], against))
        return found

    def moved(self, xs: Arrays, us: Arrays, by: float) -> list[np.ndarray]:
        """The arguments, the differentiable ones moved along `us`."""
        given = list(xs)
        for place, u in zip(self.wrt, us, strict=True):
            given[place] = np.asarray(given[place] + by * u).astype(u.dtype)
        return given

    def difference(self, function: Callable[[Arrays], Arrays], us: Arrays) -> list[np.ndarray]:
        """The central difference of a function of the arguments along `us`."""
        step = 1e-6
        xs = self.case.inputs
        ahead, behind = (function(self.moved(xs, us, s)) for s in (step, -step))
        # Infinite results, as a maximum of nothing, do not move.
        pairs = zip(ahead, behind, strict=True)
        return [
            np.subtract(a, b, out=np.zeros_like(a), where=a != b) / (2 * step) for a, b in pairs
        ]


def check(case: Case) -> None:
    """Assert every claim about the derivatives of a case."""
    derived = Derived(case)
    xs = case.inputs
    ins = [derived.inputs[i] for i in derived.wrt]
    outs = [derived.outputs[i] for i in derived.out]
    us, ws, vs = random(ins, 1), random(ins, 2), random(outs, 3)
    forward, reverse = derived.forward(xs, us), derived.reverse(xs, vs)
    if case.numeric:
        close(forward, derived.difference(derived.value, us), case.tolerance)
    scalar_close(inner(vs, forward), inner(reverse, us), 1e-9 if case.numeric else case.tolerance)
    if case.reference is not None:
        against_jax(case, derived, us, vs, forward, reverse)
    if case.order > 1:
        second = derived.seconds(xs, us, ws, vs)
        if case.numeric:
            slope = derived.difference(lambda at: derived.forward(at, us), ws)
            second.append(inner(vs, slope))
        for other in second[1:]:
            scalar_close(second[0], other, max(case.tolerance, 1e-6) * 10)


def check_convention(case: Case) -> None:
    """Assert only that both modes do as JAX does, infinite and undefined slopes included."""
    derived = Derived(case)
    us = random([derived.inputs[i] for i in derived.wrt], 1)
    vs = random([derived.outputs[i] for i in derived.out], 3)
    forward, reverse = derived.forward(case.inputs, us), derived.reverse(case.inputs, vs)
    against_jax(case, derived, us, vs, forward, reverse)


def against_jax(
    case: Case, derived: Derived, us: Arrays, vs: Arrays, forward: Arrays, reverse: Arrays
) -> None:
    """Compare both modes with JAX's own, which the reference evaluator runs too."""
    function, places = case.reference, derived.wrt
    assert function is not None

    def of_floats(*floats: Any) -> list[Any]:
        given = list(case.inputs)
        for place, x in zip(places, floats, strict=True):
            given[place] = x
        results = jax.tree.leaves(function(*given))
        return [results[i] for i in derived.out]

    floats = [case.inputs[i] for i in places]

    def both(*arrays: Any) -> Any:
        n = len(floats)
        xs, us_, vs_ = arrays[:n], arrays[n : 2 * n], arrays[2 * n :]
        _, tangents = jax.jvp(of_floats, xs, us_)
        _, pullback = jax.vjp(of_floats, *xs)
        return tangents, pullback(list(vs_))

    given = [*floats, *us, *vs]
    expected = reference.evaluate(
        parsed(lower(both, *given, platform=case.platform)), "main", *given
    )
    close([*forward, *reverse], expected, 1e-9 if case.numeric else case.tolerance)


def close(ours: Arrays, theirs: Arrays, tolerance: float) -> None:
    """Assert that arrays agree up to `tolerance` of their largest element (or of 1)."""
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.shape == other.shape, (mine.shape, other.shape)
        a, b = mine.astype(np.complex128), other.astype(np.complex128)
        finite = np.abs(b[np.isfinite(b)])
        scale = max(1.0, float(finite.max(initial=0.0)))
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * scale)


def scalar_close(a: float, b: float, tolerance: float) -> None:
    assert abs(a - b) <= tolerance * max(1.0, abs(a), abs(b)), (a, b)
