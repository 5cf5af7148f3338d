"""Every module and every model, forward and one training step, compiles for every target."""

import pytest

from slopec.build import build
from slopec.emit import EmitOptions
from slopec.targets import parse_target
from tests.nn import steps

TARGETS = ("llvm-cpu", "cuda", "metal")
TOGETHER = 12
"""Steps in one artifact."""


def compiles(lowered, target):
    options = EmitOptions(timeout=1800)
    (artifact,) = build(lowered, [parse_target(target)], options=options, carry_stablehlo=False)
    assert artifact.manifest.target.name == target


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("group", steps.GROUPS)
def test_modules_and_models(group, target):
    rows = list(steps.GROUPS[group]().items())
    for start in range(0, len(rows), TOGETHER):
        compiles(steps.lowered(dict(rows[start : start + TOGETHER])), target)


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
def test_two_models_in_one_program(target):
    compiles(steps.gan(), target)
