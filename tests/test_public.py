"""Nothing public goes untried: every function has a test of its values, and of its derivative.

What the tables of `tests/ops` call is read from their cases; what is tried elsewhere is found as
`sp.name`, `x.name` or `module.name` in the source of the tests.
"""

import ast
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import slopec as sp
from slopec import linalg, ops
from slopec.ops import fft
from slopec.ops.methods import METHODS
from tests.ops.harness import Case

TESTS = Path(__file__).parent
TABLES = [f"tests.ops.{path.stem}" for path in sorted((TESTS / "ops").glob("test_*.py"))]

NO_DERIVATIVE = {
    # of which there is none, because values are discrete or cut to pieces
    *"all any argmax argmin argsort bincount bitwise_and bitwise_invert bitwise_left_shift".split(),
    *"bitwise_or bitwise_right_shift bitwise_xor count_nonzero digitize equal greater isin".split(),
    *"greater_equal histogram indices isclose isfinite isinf isnan less less_equal".split(),
    *"logical_and logical_not logical_or logical_xor nonzero not_equal one_hot".split(),
    *"searchsorted signbit unique_all unique_counts unique_inverse unique_values".split(),
    *"nextafter heaviside unique_consecutive unravel_index".split(),
    *"argpartition array_equal gcd lcm lexsort nanargmax nanargmin ravel_multi_index".split(),
    # of no tensors
    *"arange diag_indices empty empty_like eye from_dlpack full_like geomspace identity logspace ones".split(),
    *"ones_like tri zeros zeros_like fftfreq rfftfreq".split(),
    *"bartlett_window blackman_window hamming_window hann_window kaiser_window".split(),
    # of types and shapes
    *"__array_namespace_info__ bitcast broadcast_shapes can_cast finfo iinfo isdtype".split(),
    "result_type",
}
ELSEWHERE = {
    "avg_pool1d": "nn/test_modules.py::test_against_jax",
    "avg_pool3d": "nn/test_modules.py::test_against_jax",
    "max_pool1d": "nn/test_modules.py::test_against_jax",
    "max_pool3d": "nn/test_modules.py::test_against_jax",
    "divmod": "transforms/test_points.py::test_convention",
    "stft": "ops/test_spectrograms.py::test_against_torch",
    "istft": "ops/test_spectrograms.py::test_against_torch",
    "zeta": "transforms/test_points.py::test_convention",
    "chunk": "ops/test_shapes.py::test_chunk_is_as_in_pytorch",
    "getitem": "ops/test_indexing.py::test_against_jax",
    "frexp": "ops/test_samples.py::test_the_derivative_of_a_mantissa",
    "index_select": "ops/test_methods.py::test_spelling",
    "sliding_window_view": "ops/test_windows.py::test_sliding_windows_are_as_in_numpy",
}
"""Functions that a table calls by another name, or composes of ops whose derivatives are tried."""


def _called(function: Any) -> Iterator[str]:
    """The names that a case's call looks up, those in variables that it closes over too."""
    if not isinstance(function, FunctionType):
        return
    pending: list[Any] = [function.__code__]
    while pending:
        code = pending.pop()
        yield from code.co_names
        pending += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    inner = [cell.cell_contents for cell in function.__closure__ or ()]
    for value in (*inner, *(function.__defaults__ or ())):
        if isinstance(value, str):
            yield value
        elif isinstance(value, FunctionType):
            yield from _called(value)


@cache
def tabled() -> tuple[frozenset[str], frozenset[str]]:
    """The names that cases call, and those of them whose gradients are compared."""
    values, gradients = set(), set()
    for name in TABLES:
        for table in vars(import_module(name)).values():
            cases = table if isinstance(table, tuple) else ()
            for case in cases:
                if isinstance(case, Case):
                    found = set(_called(case.call))
                    values |= found
                    gradients |= found if case.differentiated else set()
    return frozenset(values), frozenset(gradients)


@cache
def spelled() -> frozenset[str]:
    """Every attribute, imported name and string in the tests' source."""
    found = set()
    for path in TESTS.rglob("*.py"):
        if path == Path(__file__):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                found.add(node.attr)
            elif isinstance(node, ast.ImportFrom):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found |= set(node.value.split())
    return frozenset(found)


FUNCTIONS = [*(name for name in ops.__all__ if callable(getattr(ops, name))), *fft.__all__]


def test_every_function_has_its_values_tried():
    values, _ = tabled()

    assert [name for name in FUNCTIONS if name not in values | spelled()] == []


def test_every_function_has_its_derivative_tried():
    _, gradients = tabled()

    untried = set(FUNCTIONS) - gradients - set(ELSEWHERE) - NO_DERIVATIVE
    assert sorted(untried) == []


def test_exceptions_are_of_this_world():
    _, gradients = tabled()

    assert set(FUNCTIONS) >= NO_DERIVATIVE | set(ELSEWHERE)
    assert not gradients & set(ELSEWHERE)
    for test in ELSEWHERE.values():
        path, _, function = test.partition("::")
        assert f"def {function}(" in (TESTS / path).read_text(encoding="utf-8")


def test_every_method_is_tried():
    values, _ = tabled()
    functions = {name for name, method in METHODS.items() if method is getattr(ops, name, None)}
    own = {name for name in dir(sp.Tensor) if not name.startswith("_")} - functions

    assert sorted(own - spelled()) == []
    assert sorted(functions - spelled() - values) == []


def test_every_name_is_used():
    factors = {name for name in linalg.__all__ if not isinstance(getattr(linalg, name), type)}
    known = {*sp.public.__all__, *factors}

    assert sorted(known - spelled() - tabled()[0]) == []
