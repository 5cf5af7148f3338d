"""Every case of the sweep is right, or refused where it must be; quickly, one case of every op."""

import numpy as np
import pytest

from tests.sweep.case import Case, distance
from tests.sweep.contractions import converted
from tests.sweep.families import FAMILIES, SURVEY, cases_of, covering
from tests.sweep.harness import sweep

ADD = "func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {\n%0 = stablehlo.add %x, %x : tensor<2xf32>\nreturn %0 : tensor<2xf32> }"


def check(cases, target="llvm-cpu"):
    found = sweep(cases, target=target)
    bad = [f"{v.kind} {v.case.name}: {v.detail}" for v in found if not v.good]
    assert not bad, "\n".join(bad)


@pytest.mark.parametrize("family", FAMILIES)
def test_an_example_of_every_op(family):
    check(covering(cases_of(family)))


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_every_case(family):
    check(cases_of(family))


@pytest.mark.slow
@pytest.mark.parametrize("target", ["llvm-cpu", "cuda", "metal"])
def test_the_survey(target):
    check(cases_of(SURVEY), target)


def test_products_give_no_sign_to_what_has_none():
    check([case for case in converted() if "rows" in case.name])


def test_one_case_takes_no_other_with_it():
    x = np.float32([1, 2])
    good = Case("add/good", ADD, (x,), (x + x,), ("float32",))
    wrong = Case("add/wrong", ADD, (x,), (x,), ("float32",))
    broken = Case("add/broken", "func.func @main(", (x,), (x,), ("float32",))
    lacking = ADD.replace("%0 = stablehlo.add %x, %x", "%0 = stablehlo.custom_call @none(%x)")
    lacking = lacking.replace(
        ": tensor<2xf32>\nreturn", ": (tensor<2xf32>) -> tensor<2xf32>\nreturn"
    )
    refused = Case("custom_call/none", lacking, (x,), (x,), ("float32",))
    found = sweep([good, wrong, broken, refused, good])

    assert [v.kind for v in found] == ["right", "wrong", "refused", "failed", "right"]
    assert "S0433" in found[2].detail


@pytest.mark.parametrize(
    ("got", "expected", "ulps"),
    [
        (1.0, 1.0, 0),
        (0.0, -0.0, np.inf),
        (np.nan, np.nan, 0),
        (np.nan, 1.0, np.inf),
        (np.inf, 1e300, 0.5),
        (np.inf, 1.0, np.inf),
        (1.0, 1 + 2.0**-23, 1),
        (1.0, 1 + 2.0**-24, 0.5),
        (2.0**-149, 0.0, 1),
    ],
)
def test_errors_are_measured_in_units_of_the_last_place(got, expected, ulps):
    assert distance(np.float32([got]), np.float64([expected]))[0] == ulps
