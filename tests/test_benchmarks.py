"""The programs that are benchmarked mean the same in slopec's words and in JAX's, at tiny sizes."""

from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
import pytest

from benchmarks import growth, report
from benchmarks.artifacts import lowered
from benchmarks.contenders import of_jax
from benchmarks.measure import Measurement, Spread, distance
from benchmarks.programs import Program, programs
from benchmarks.scan import Scanned, disagreement
from benchmarks.small import SMALL
from slopec.build import transform
from slopec.reference import evaluate

PROGRAMS = {name: program.sized(**program.tiny) for name, program in programs().items()}


def by_reference(program: Program) -> Iterator[np.ndarray]:
    """The results of calls one after the other, by slopec's evaluator."""
    made = lowered(program)
    transform(made.module, "grad")
    entry, state = made.entries["main"], dict(made.state)
    while True:
        given = iter(program.given.values())
        values = [next(given) if i.slot is None else state[i.slot] for i in entry.inputs]
        results = evaluate(made.module, entry.variants[0].symbol, *values)
        for out, value in zip(entry.outputs, results, strict=True):
            if out.slot is not None:
                state[out.slot] = value
        yield next(v for o, v in zip(entry.outputs, results, strict=True) if o.slot is None)


@pytest.mark.parametrize("name", [name for name in PROGRAMS if name[-1].isalpha()])
def test_the_twins_agree(name: str) -> None:
    ours = by_reference(PROGRAMS[name])
    theirs = of_jax.prepare(PROGRAMS[name], "cpu", None)
    for _ in range(3):
        assert distance(next(ours), theirs.fetch(theirs.run())) <= 1e-5


def measured(name: str) -> Measurement:
    """A measurement as it might have come out."""
    costs = {"ops": 3, "flops": 4.0, "moved": 32.0, "size": 5.0, "load": 0.1, "memory": 1e6}
    parts = {"trace": 0.1, "derive": 0.0, "passes": 0.2, "iree": 1.0, "again": 0.01}
    return Measurement(
        name,
        {},
        seconds={"slopec": Spread(1e-5, 1e-5, 2e-5), "jax": Spread(2e-5, 1e-5, 3e-5)},
        ratios={"jax": Spread(2.0, 1.5, 2.5)},
        facts={"slopec": {**costs, **parts}, "jax": {"compile": 0.1, "memory": 2e6}},
        failures={"torch": "the process was ended by SIGSEGV"},
        bound=Spread(0.5, 0.4, 0.6),
    )


def test_results_are_kept_and_become_tables(tmp_path: Any) -> None:
    path = tmp_path / "cpu.json"
    made = report.Report("a machine", "NumPy", 5, {}, {"call": measured("call")})
    made.write(path)
    report.Report("a machine", "NumPy", 5, {"torch": "nothing"}, {"gpt": measured("gpt")}).write(
        path
    )
    kept = report.Report.read(path)
    assert list(kept.measurements) == ["call", "gpt"]
    assert kept.measurements["call"] == measured("call")
    text = report.written("<!-- speed -->\nold\n<!-- end -->", kept.tables())
    assert "2.00 (1.50–2.50)" in text
    assert "SIGSEGV" in text
    assert "old" not in text


CURVE = growth.Curve(
    "gpt",
    "depth",
    [1, 2, 4],
    {"slopec": [0.1, 0.2, 0.4], "jax": [0.1, None, 0.1]},
    {"slopec": [1.0, 1.5, 2.0], "jax": [0.3, None, 0.5]},
)


def test_growth_is_a_power() -> None:
    assert CURVE.exponent("slopec") == pytest.approx(1.0)
    assert CURVE.exponent("jax") == pytest.approx(0.0)
    assert "| 1.00 | 0.00 |" in growth.growth_table([CURVE])


def test_curves_are_kept_and_plotted(tmp_path: Any) -> None:
    growth.write([CURVE], tmp_path / "growth.json")
    growth.write([growth.Curve("mlp-step", "batch", [1], {}, {})], tmp_path / "growth.json")
    assert [c.program for c in growth.read(tmp_path / "growth.json")] == ["mlp-step", "gpt"]
    pytest.importorskip("matplotlib")
    (picture,) = growth.plot([CURVE], tmp_path)
    assert picture.stat().st_size > 1000


def test_the_readme_has_the_tables_of_the_results() -> None:
    text = report.README.read_text(encoding="utf-8")
    assert text == report.renewed(text)


def test_small_programs_are_programs_of_jax() -> None:
    for name, (function, inputs) in SMALL.items():
        made = jax.tree.leaves(jax.eval_shape(function, *inputs))
        assert made, name
        assert all(leaf.size for leaf in made), name


def test_a_scan_tells_what_disagrees() -> None:
    x = np.ones((2, 3), np.complex64)
    assert disagreement(x, x) == ""
    assert disagreement(x * 1j, x) == "results differ by 1.4e+00"
    assert disagreement(x[0], x) == "complex64(3,) for complex64(2, 3)"
    assert disagreement(x.real.astype("f2") * 1.001, x.real.astype("f2")) == ""


def test_a_row_of_a_scan_tells_the_ratio_or_what_failed() -> None:
    row = Scanned("fft", 1e-3, 2e-3, Spread(2.0, 1.5, 2.5))
    assert row.cells() == ("fft", "1.0 ms", "2.0 ms", "2.00 (1.50–2.50)")
    assert Scanned("fft", failure="SIGSEGV").cells() == ("fft", "–", "–", "SIGSEGV")
