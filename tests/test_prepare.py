"""What passes make of a program is kept, and made anew when anything it depends on changes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import slopec as sp
from slopec import prepare as room
from slopec.build import DERIVE, LEGALIZE, OPTIMIZE, build
from slopec.emit import EmitOptions
from slopec.lower import lower
from slopec.targets import parse_target

PIPELINES = (DERIVE, OPTIMIZE, LEGALIZE)


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The pipelines that really ran, with a cache of one's own."""
    ran: list[str] = []
    original = room._run
    monkeypatch.setenv("SLOPEC_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(room, "_run", lambda *a: ran.append(a[1][1]) or original(*a))
    return ran


def lowered(factor: float = 2.0, dims: Any = None) -> Any:
    @sp.program(x=sp.spec("float32", ("batch", 4)))
    def scaled(x: Any) -> Any:
        return sp.grad(lambda x: (factor * x * x).sum())(x)

    return lower([scaled], name="scaled", dims=dims or {"batch": [2]})


def test_the_second_time_nothing_runs(runs: list[str]) -> None:
    first = room.prepare(lowered(), PIPELINES, keeps_scratch=True)
    assert room.prepare(lowered(), PIPELINES, keeps_scratch=True) == first
    assert len(runs) == 1


@pytest.mark.parametrize(
    "other",
    [
        lambda: (lowered(3.0), PIPELINES, True),
        lambda: (lowered(dims={"batch": [2, 3]}), PIPELINES, True),
        lambda: (lowered(), (DERIVE, "canonicalize", LEGALIZE), True),
        lambda: (lowered(), PIPELINES, False),
    ],
    ids=["constant", "sizes", "passes", "memory"],
)
def test_something_else_is_made_anew(runs: list[str], other: Any) -> None:
    room.prepare(lowered(), PIPELINES, keeps_scratch=True)
    program, pipelines, keeps = other()
    room.prepare(program, pipelines, keeps_scratch=keeps)
    assert len(runs) == 2


def test_a_cache_may_be_left_out(runs: list[str]) -> None:
    for _ in range(2):
        room.prepare(lowered(), PIPELINES, keeps_scratch=True, kept=False)
    assert len(runs) == 2


def test_artifacts_are_the_same(runs: list[str]) -> None:
    target = [parse_target("llvm-cpu")]
    made = [build(lowered(), target)[0] for _ in range(2)]
    fresh = build(lowered(), target, options=EmitOptions(cache=False))[0]
    assert [a.cached for a in made] == [False, True]
    assert made[0].data == made[1].data == fresh.data
    x = np.ones((5, 4), np.float32)
    np.testing.assert_array_equal(made[1].load()(x=x).numpy(), 4 * x)
    assert len(runs) == 2
