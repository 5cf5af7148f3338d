"""Custom calls of LAPACK, which JAX makes for CPUs: unknown to the evaluator, but not to `derive`."""

import re

import jax
import numpy as np
import pytest
from jax import lax

from tests.transforms.cases.linalg import definite
from tests.transforms.harness import Case, check, normal

TRIANGLE = normal(3, 3) + 3 * np.eye(3)


def exported(function, *inputs):
    """The module for CPUs, without the annotations of a dialect that is not StableHLO's."""
    text = jax.jit(function).trace(*inputs).lower(lowering_platforms=("cpu",)).as_text()
    assert "lapack_" in text
    return re.sub(r"(, )?sdy\.sharding_rule = #sdy\.op_sharding_rule<.*?, custom>", "", text)


def solve(**options):
    return lambda a, b: lax.linalg.triangular_solve(a, b, **options)


CASES = {
    "cholesky": (lax.linalg.cholesky, definite(2, 3, 3)),
    "cholesky, complex": (lax.linalg.cholesky, definite(3, 3, kind="c")),
    "solve": (solve(left_side=True, lower=True), TRIANGLE, normal(3, 2)),
    "solve, transposed": (
        solve(left_side=False, transpose_a=True, unit_diagonal=True),
        TRIANGLE,
        normal(2, 3),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_lapack(name):
    function, *inputs = CASES[name]
    text = exported(function, *inputs)
    case = Case(name, text, tuple(inputs), numeric=False, order=1, tolerance=1e-9, jax=function)

    check(case)
