"""Every case of the tables again, compiled for the host: what IREE computes is what JAX does."""

import numpy as np
import pytest

import slopec as sp
from tests.ops import (
    test_elementwise,
    test_image,
    test_indexing,
    test_linear,
    test_reductions,
    test_shapes,
    test_windows,
)
from tests.ops.harness import Case, known, leaves

TABLES: dict[str, tuple[Case, ...]] = {
    "unary": test_elementwise.UNARY_CASES,
    "binary": test_elementwise.BINARY_CASES,
    "elementwise": test_elementwise.OTHER_CASES,
    "folds": test_reductions.FOLD_CASES,
    "order": test_reductions.OTHER_CASES,
    "shapes": test_shapes.CASES,
    "linear": test_linear.CASES,
    "indexing": test_indexing.CASES,
    "convolutions": test_windows.CONVOLUTIONS,
    "windows": test_windows.CASES,
    "image": test_image.CASES,
}
GROUP = 60
"""How many cases share a compilation."""

TOLERANCE = {"float16": 1e-2, "bfloat16": 5e-2}
GROUPS = [(name, at) for name, cases in TABLES.items() for at in range(0, len(cases), GROUP)]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "at"), GROUPS)
def test_compiled(name, at):
    cases = TABLES[name][at : at + GROUP]
    references = known(TABLES[name])

    def run(*inputs):
        waiting = iter(inputs)
        given = [[next(waiting) for _ in case.inputs] for case in cases]
        return [leaves(case.call(sp, *xs)) for case, xs in zip(cases, given, strict=True)]

    results = sp.jit(run)(*[x for case in cases for x in case.inputs])
    for case, found in zip(cases, results, strict=True):
        for ours, theirs in zip(found, references[case][0], strict=True):
            close(case, ours.numpy(), theirs)


def close(case, ours, theirs):
    assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape), case
    tolerance = TOLERANCE.get(theirs.dtype.name, 2e-4) if theirs.dtype.kind not in "biu" else 0
    exact = np.complex128 if theirs.dtype.kind == "c" else np.float64
    np.testing.assert_allclose(
        ours.astype(exact), theirs.astype(exact), tolerance, tolerance, err_msg=str(case)
    )
