"""Every rule on every case: both modes, four second orders, against differences and JAX."""

import dataclasses

import ml_dtypes
import numpy as np
import pytest

from slopec import ir
from slopec.dialects import calls, chlo, stablehlo
from slopec.transforms.rule import verdicts
from tests.transforms import test_collectives
from tests.transforms.cases import every
from tests.transforms.harness import Case, Derived, check, close, parsed, random

CASES = every()
CONTROL = {"stablehlo.case", "stablehlo.if", "stablehlo.while"}
"""Ops whose bodies become functions; `test_control` has their cases."""


@pytest.mark.parametrize("name", CASES)
def test_case(name):
    check(CASES[name])


def ops_of(text: str) -> set[str]:
    module = parsed(text)
    return set(map(ir.kind_of, ir.ops_in(module)))


def test_every_op_with_a_derivative_has_a_case():
    seen = set().union(*(ops_of(case.text) for case in CASES.values()))
    seen |= set().union(*map(ops_of, test_collectives.TEXTS.values()))
    proved = {name for name, kind in verdicts().items() if kind in ("derivative", "rewritten")}

    bitwise = {f"chlo.broadcast_{name}" for name in ("and", "or", "xor")}
    bitwise |= {name for name in proved if "broadcast_shift" in name}
    missing = proved - seen - CONTROL - bitwise - {"func.call"}
    assert not missing


def test_every_op_has_a_verdict():
    known = verdicts()
    every = {*stablehlo.OPERANDS, *chlo.OPERANDS, *calls.OPERANDS}
    assert not every - set(known)
    assert set(known) - every <= {"func.call"}


def in_precision(case: Case, dtype: np.dtype) -> Case:
    """The case on arguments of another type, which its function takes as well."""
    narrow = {np.dtype("float64"): dtype, np.dtype("complex128"): np.dtype("complex64")}
    inputs = tuple(np.asarray(x).astype(narrow.get(x.dtype, x.dtype)) for x in case.inputs)
    return dataclasses.replace(case, inputs=inputs, numeric=False, order=1, jax=False)


LINALG = ("linalg", "factor", "reduce: smooth", "window: smooth", "window: cumlogsumexp")
TOLERANCES = {"float32": 2e-4, "float16": 0.1, "bfloat16": 0.5}
NARROW = [
    (name, dtype)
    for name, case in CASES.items()
    for dtype in TOLERANCES
    if not isinstance(case.function, str)
    and case.numeric
    and not name.startswith(LINALG)
    and (dtype == "float32" or "complex" not in case.text)
]


@pytest.mark.parametrize(("name", "dtype"), NARROW)
def test_narrow_types(name, dtype):
    wide, narrow = (
        CASES[name],
        in_precision(CASES[name], np.dtype(getattr(ml_dtypes, dtype, dtype))),
    )
    exact, rounded = Derived(dataclasses.replace(wide, order=1)), Derived(narrow)
    us = random([rounded.inputs[i] for i in rounded.wrt], 1)
    vs = random([rounded.outputs[i] for i in rounded.out], 2)
    found = [*rounded.forward(narrow.inputs, us), *rounded.reverse(narrow.inputs, vs)]

    expected_types = [rounded.outputs[i] for i in rounded.out]
    expected_types += [rounded.inputs[i] for i in rounded.wrt]
    assert [(x.shape, x.dtype) for x in found] == expected_types
    at = [x.astype(w.dtype) for x, w in zip(narrow.inputs, wide.inputs, strict=True)]
    up = [u.astype(t[1]) for u, t in zip(us, (exact.inputs[i] for i in exact.wrt), strict=True)]
    down = [v.astype(t[1]) for v, t in zip(vs, (exact.outputs[i] for i in exact.out), strict=True)]
    close(found, [*exact.forward(at, up), *exact.reverse(at, down)], TOLERANCES[dtype])


def test_what_is_not_differentiated_stays():
    x = np.arange(1.0, 7.0)
    product = Case("product", lambda x, y: x.prod() + y.sum(), (x, x), order=1, wrt=(1,))
    derived = Derived(product)

    text = str(ir.function(derived.module, derived.vjp))
    assert "applies stablehlo.multiply" in text
