"""Drawn programs compute what JAX computes; `make fuzz` draws others."""

import pytest

from tests.fuzz.hunt import attempt, persists, trial_of
from tests.fuzz.ways import Way, ways


def check(seeds, way, length=None):
    trials = [trial for seed in seeds if (trial := trial_of(seed, length)) is not None]
    assert trials
    bad = [found for found in attempt(trials, way) if found is not None and persists(found)]
    assert not bad, "\n\n".join(
        f"seed {f.trial.seed}, {f.trial.kind}: {f.kind}: {f.detail}\n{f.trial.program}" for f in bad
    )


def test_short_programs():
    check(range(8, 12), Way(), length=6)


@pytest.mark.slow
@pytest.mark.parametrize("way", ways()[:7], ids=lambda way: way.name)
def test_programs_in_many_ways(way):
    check(range(300, 308), way)
