"""Drawn programs compute what JAX computes; `make fuzz` draws others."""

import pytest

from tests.fuzz.hunt import attempt, persists, trial_of
from tests.fuzz.ways import Way, ways


def check(seeds, way, length=None):
    drawn = [trial_of(seed, length, stateful=way.donated) for seed in seeds]
    trials = [trial for trial in drawn if trial is not None]
    assert trials
    bad = [found for found in attempt(trials, way) if found is not None and persists(found)]
    assert not bad, "\n\n".join(
        f"seed {f.trial.seed}, {f.trial.kind}: {f.kind}: {f.detail}\n{f.trial.program}" for f in bad
    )


def test_short_programs():
    check(range(8, 12), Way(), length=6)


def test_short_programs_that_keep_state():
    (way,) = (way for way in ways() if way.name == "donated")
    check((120, 220, 228, 1054), way, length=3)


@pytest.mark.slow
@pytest.mark.parametrize("way", ways()[:8], ids=lambda way: way.name)
def test_programs_in_many_ways(way):
    check(range(300, 308), way)
