"""Patterns come to an end: on no benchmarked program do two of them undo each other's work."""

from typing import Any

import pytest

from benchmarks.artifacts import lowered
from benchmarks.programs import programs
from slopec import ir
from slopec.build import DERIVE, LEGALIZE, OPTIMIZE
from slopec.passes import parse_pipeline, pattern, run_pipeline
from slopec.rewrite import rewrite_greedily


@pytest.mark.parametrize("name", programs())
def test_patterns_come_to_an_end(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[bool] = []

    def watched(*arguments: Any, **options: Any) -> bool:
        ended.append(rewrite_greedily(*arguments, **options))
        return ended[-1]

    monkeypatch.setattr(pattern, "rewrite_greedily", watched)
    program = programs()[name]
    deep = {"depth": 2} if "depth" in program.tiny else {}
    module = ir.clone_module(lowered(program.sized(**program.tiny).sized(**deep)).module)
    run_pipeline(module, parse_pipeline(f"{DERIVE},{OPTIMIZE},{LEGALIZE}"))
    assert ended
    assert all(ended)
