"""Rows of the survey: small modules and what XLA makes of them in double precision."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from slopec import ir
from slopec.sizing import sized
from tests.sweep.algebra import close
from tests.sweep.case import Case
from tests.sweep.modules import sample, wide
from tests.sweep.values import dtype

TYPES = {
    "f16": "float16", "bf16": "bfloat16", "f32": "float32", "f64": "float64", "i1": "bool",
    "i8": "int8", "i16": "int16", "i32": "int32", "i64": "int64", "ui8": "uint8",
    "ui32": "uint32", "ui64": "uint64", "c64": "complex64", "f8E4M3FN": "float8_e4m3fn",
    "f8E5M2": "float8_e5m2",
}  # fmt: skip
"""NumPy's names of the types that rows are named after."""

NARROW = re.compile(r"(?<=[x<])(bf16|f16|f32)(?=>)")


def array(shape: Sequence[int], kind: str, seed: int = 0) -> np.ndarray:
    """Small numbers of a type, by its name in rows."""
    return sample(tuple(shape), TYPES[kind], seed)


def numbers(values: Any, kind: str = "f32") -> np.ndarray:
    """These numbers."""
    return np.array(values).astype(dtype(TYPES[kind]))


def row(
    name: str, text: str, *arguments: np.ndarray, keep: bool = False, times: float = 16.0
) -> Case:
    """A module as text; with `keep` XLA runs it as it is, else with every float as a double."""
    from tests.sweep.xla import run_text

    public = text.replace("func.func @main", "func.func public @main")
    given = arguments if keep else tuple(map(wide, arguments))
    expected = run_text(public if keep else NARROW.sub("f64", public), *given)
    return case(name, text, arguments, expected, times)


def known(name: str, text: str, *arguments: np.ndarray, expected: Sequence[Any]) -> Case:
    """A module that XLA lacks, whose results are given."""
    return case(name, text, arguments, [np.asarray(y) for y in expected], 16.0)


def opened(name: str, text: str, *arguments: np.ndarray) -> Case:
    """A module that leaves sizes open, as XLA computes it for those of the arguments."""
    from tests.sweep.xla import run_text

    static = sized(ir.parse(text), "main", [x.shape for x in arguments])
    return case(name, text, arguments, run_text(str(static), *arguments), 16.0)


def refused(name: str, text: str, *arguments: np.ndarray, code: str) -> Case:
    """A module that must be refused."""
    return Case(spelled(name), text, arguments, (), (), refusal=code)


def case(
    name: str,
    text: str,
    arguments: Sequence[np.ndarray],
    expected: Sequence[np.ndarray],
    times: float,
) -> Case:
    """Within some rounding errors of the largest number of the results."""
    module = ir.parse(text)
    _, results = ir.function_type(ir.function(module, "main"))
    names = tuple(ir.shape_and_dtype(t)[1].name for t in results)
    made = Case(spelled(name), text, tuple(arguments), tuple(expected), names, ulps=4)
    if not all(np.issubdtype(y.dtype, np.inexact) for y in expected):
        return made
    floats = [np.where(np.isfinite(y), y, 0) for y in expected]
    return replace(close(made, *floats, times=times), expected=tuple(expected))


def spelled(name: str) -> str:
    """The op, a slash, the rest."""
    return name.replace(".", "/", 1)


def of_jax(
    name: str, function: Callable[..., Any], *arguments: np.ndarray, keep: bool = False, times: float = 32.0
) -> Case:  # fmt: skip
    """What JAX makes of a function."""
    import jax
    import jax.numpy as jnp

    from tests.transforms.harness import lower

    text = lower(function, *arguments).replace("func.func public @main", "func.func @main")
    given = arguments if keep else [jnp.asarray(wide(a)) for a in arguments]
    expected = [np.asarray(leaf) for leaf in jax.tree.leaves(function(*given))]
    # Sums with zeros lose the sign of zero.
    return replace(case(name, text, arguments, expected, times), signs=False)
