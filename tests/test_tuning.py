"""`slopec tune`: variants are tried beside the best so far, and what is known is kept."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

import slopec as sp
from slopec import cli, tuned, tuning, variants
from slopec.build import build
from slopec.diagnostics import UsageError
from slopec.imported import lower_file
from slopec.lower import Lowered, lower
from slopec.programs import Weights
from slopec.targets import parse_target
from slopec.tuned import Key, Record, Trial
from slopec.variants import Variant, neighbours
from slopec_runtime.errors import Error
from tests.emit.programs import DEPTHWISE

HOST = parse_target("llvm-cpu:host")
PLENTY = 600
"""Seconds for a search that ends sooner, when it has tried every neighbour, however busy the machine."""
SOURCE = """
import slopec as sp


@sp.program(x=sp.spec("float32", ("rows", 16)))
def scale(x):
    return sp.tanh(x @ x.T) * 2.0
"""


def scaled(factor: float, name: str = "scaled") -> Lowered:
    @sp.program(state=("total",), x=sp.spec("float32", ("rows", 16)), i=sp.spec("int32", ("rows",)))
    def scale(w, total, x, i):
        """Rows of a product too small for a kernel, and a sum that is kept."""
        y = (x @ w) * factor
        return total + sp.sum(y), {"y": y, "i": i + 1}

    weights = Weights({"total": sp.zeros(()), "w": sp.eye(16) + 0.5})
    return lower([scale], name=name, dims={"rows": [4, 16]}, weights=weights)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three neighbours only: two configurations and a flag that IREE does not know."""
    rows = {name: variants.CONFIGURATIONS[name] for name in ("fused", "default")}
    monkeypatch.setattr(variants, "CONFIGURATIONS", rows)
    monkeypatch.setattr(variants, "FLAGS", {"llvm-cpu": ("--iree-no-such-flag",)})


def outcomes(record: Record) -> dict[str, str]:
    return {trial.variant.name: trial.outcome for trial in record.trials}


def test_variants_are_measured_and_kept(few: None, tmp_path: Path) -> None:
    path, told = tmp_path / "tuned.json", []
    record = tuning.tune(
        scaled(2.0), HOST, seconds=PLENTY, path=path, notify=lambda trial, _: told.append(trial)
    )

    found = outcomes(record)
    flagged = {name for name in found if "no-such-flag" in name}
    assert {found.pop(name) for name in flagged} == {"not compiled"}
    assert found == {"fused": "measured", "default": "measured"}
    assert record.trials == tuple(told)
    assert tuned.read(path) == (record,)
    assert tuning.winner(scaled(2.0), HOST, path) == record.winner
    assert json.loads(path.read_text())["format"] == tuned.FORMAT

    again = tuning.tune(scaled(2.0), HOST, seconds=PLENTY, path=path, notify=pytest.fail)
    assert again == record


def test_an_interrupted_search_keeps_what_it_knows(few: None, tmp_path: Path) -> None:
    def stop(trial: Trial, record: Record) -> None:
        raise KeyboardInterrupt

    path = tmp_path / "tuned.json"
    with pytest.raises(KeyboardInterrupt):
        tuning.tune(scaled(2.0), HOST, seconds=PLENTY, path=path, notify=stop)
    (record,) = tuned.read(path)
    assert len(record.trials) == 1


@pytest.mark.parametrize(
    ("script", "note"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "signal 11"),
        ("raise RuntimeError('out of luck')", "RuntimeError: out of luck"),
    ],
)
def test_a_candidate_that_crashes_costs_its_trial_only(
    few: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, note: str
) -> None:
    path = tmp_path / "trial.py"
    path.write_text(script)
    monkeypatch.setattr(tuning, "TRIAL", path)
    record = tuning.tune(scaled(2.0), HOST, seconds=PLENTY, path=tmp_path / "tuned.json")

    assert record.winner == Variant()
    crashed = [trial for trial in record.trials if trial.outcome == "crashed"]
    assert {trial.note for trial in crashed} == {note}
    assert len(crashed) == 2


def test_other_results_are_found_out(tmp_path: Path) -> None:
    bench = tuning._Bench(scaled(3.0), HOST, None, None, tmp_path, 0.1)
    bench.compile(Variant(), "champion", None)
    other = replace(bench, lowered=scaled(3.1))
    trial = other.measure(Variant(configuration="default"), end=1e9)

    assert trial is not None
    assert trial.outcome == "wrong"
    assert trial.note.startswith("results differ by")
    same = bench.measure(Variant(configuration="default"), end=1e9)
    assert same is not None
    assert same.outcome == "measured"
    assert same.ratio is not None


def test_artifacts_say_what_became_of_them() -> None:
    variant = Variant(("channels-last",), "default", ("--iree-opt-level=O2",))
    (artifact,) = build(scaled(2.0), [HOST], variant=variant)

    compilation = artifact.manifest.compilation
    assert compilation is not None
    assert compilation.configuration == "default"
    assert compilation.variant == "default -channels-last opt-level=O2"
    assert "--iree-opt-level=O2" in artifact.manifest.target.flags
    assert artifact.load().manifest.compilation == compilation


def test_what_was_refused_is_in_the_artifact(tmp_path: Path) -> None:
    path = tmp_path / "depthwise.mlir"
    path.write_bytes(DEPTHWISE)
    target = parse_target("llvm-cpu:x86_64")
    (artifact,) = build(lower_file(path, None), [target], pipeline="canonicalize")
    compilation = artifact.manifest.compilation
    assert compilation is not None
    assert compilation.configuration == "default"
    assert [refused.configuration for refused in compilation.refused] == ["im2col"]
    assert compilation.refused[0].reason


def test_neighbours_differ_in_one_point() -> None:
    start = Variant(("channels-last",), "tiled", ("--iree-opt-level=O2",))
    near = list(neighbours(start, HOST, convolutions=True))

    assert len(set(near)) == len(near)
    assert Variant((), "tiled", ("--iree-opt-level=O2",)) in near
    assert Variant(("channels-last",), "tiled", ("--iree-opt-level=O3",)) in near
    assert Variant(("channels-last",), "tiled") in near
    assert start not in near
    plain = list(neighbours(Variant(), HOST, convolutions=False))
    assert [*plain, Variant(("kernels",))] == sorted(
        neighbours(Variant(), HOST, convolutions=False, kernels=True),
        key=lambda variant: "kernels" in variant.without,
    )
    assert not any(v.without or v.configuration == "im2col" for v in plain)


@pytest.mark.parametrize(
    "text", ["no JSON", '{"format": 2, "records": []}', '{"format": 1}', '{"format": 1, "x": 1}']
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "tuned.json"
    path.write_text(text)
    with pytest.raises(UsageError, match="S0426"):
        tuned.read(path)


def test_records_replace_older_ones_of_their_key(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "tuned.json"
    first, other = (Record("p", Key(program, "t", "m"), Variant()) for program in "ab")
    faster = tuned.with_trial(first, Trial(Variant(configuration="tiled"), "measured", 0.5, 1.0))
    for record in (first, other, faster):
        tuned.write(path, record)

    assert tuned.find(tuned.read(path), first.key) == faster
    assert tuned.find(tuned.read(path), other.key) == other
    level = Trial(Variant(configuration="fused"), "measured", 0.99, 1.0)
    assert tuned.with_trial(faster, level).winner == faster.winner
    unsure = Trial(Variant(configuration="fused"), "measured", 0.9, 1.0, upper=1.1)
    assert tuned.with_trial(faster, unsure).winner == faster.winner


def test_what_is_not_known_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="S0428"):
        tuning.winner(scaled(2.0), HOST, tmp_path / "tuned.json")
    with pytest.raises(UsageError, match="S0427"):
        tuning.tune(scaled(2.0), parse_target("llvm-cpu:riscv64"), seconds=1)
    with pytest.raises(Error, match="S0508"):
        tuning.tune(scaled(2.0), HOST, seconds=1, device="cuda")
    with pytest.raises(Error, match="S0507"):
        tuning.tune(scaled(2.0), parse_target("metal"), seconds=1, device="metal:7")


def test_from_the_command_line(
    few: None, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("model.py").write_text(SOURCE)
    common = ["model.py", "--cpu", "host", "--dim", "rows=8", "--tuned", "tuned.json"]

    assert cli.main(["compile", *common]) == 2
    assert "S0428" in capsys.readouterr().err
    assert cli.main(["tune", *common, "--seconds", "20"]) == 0
    captured = capsys.readouterr()
    assert "fused" in captured.out
    assert "fastest:" in captured.err
    assert cli.main(["compile", *common, "--tune", "20"]) == 0
    assert cli.main(["compile", *common]) == 0
    capsys.readouterr()
    assert cli.main(["info", "model.vmfb"]) == 0
    assert "tuned:" in capsys.readouterr().out
