"""What legalization makes of a program means the same: evaluated with NumPy, case by case."""

import numpy as np
import pytest

from slopec import ir, reference
from slopec.build import DERIVE, LEGALIZE
from slopec.passes import parse_pipeline, run_pipeline
from tests.sweep.case import judge
from tests.sweep.families import cases_of, covering

FAMILIES = ("moving", "gathering", "scattering", "contractions", "convolving", "folding", "sliding", "sorting", "control", "dynamic", "alone")  # fmt: skip


def meaning(case, passes):
    module = ir.parse(case.text)
    run_pipeline(module, parse_pipeline(passes))
    ir.verify(module)
    return reference.evaluate(module, "main", *case.arguments)


def check(cases):
    bad = []
    for case in cases:
        if case.refusal is None:
            results = meaning(case, f"{DERIVE},{LEGALIZE}")
            problem = judge(case, [np.asarray(x) for x in results]).problem
            if problem is not None:
                bad.append(f"{case.name}: {problem}")
    assert not bad, "\n".join(bad)


@pytest.mark.parametrize("family", FAMILIES)
def test_examples_mean_the_same(family):
    check(covering(cases_of(family)))


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_all_mean_the_same(family):
    check(cases_of(family))
