"""`slopec run` and `slopec info` on an artifact with symbolic, nested and kept arrays."""

import json

import numpy as np
import pytest
from iree.compiler.tools import compile_str

from slopec import cli
from slopec_runtime import artifact
from slopec_runtime.manifest import (
    Cost,
    Dim,
    EntryPoint,
    Input,
    Manifest,
    ModuleFacts,
    Output,
    Producer,
    Slot,
    Target,
    Variant,
)
from slopec_runtime.tree import Branch

SOURCE = """
func.func @scale(%x: tensor<2x3xf32>, %by: tensor<f32>) -> (tensor<2x3xf32>, tensor<2xi1>) {
  %b = stablehlo.broadcast_in_dim %by, dims = [] : (tensor<f32>) -> tensor<2x3xf32>
  %y = stablehlo.multiply %x, %b : tensor<2x3xf32>
  %t = stablehlo.constant dense<[true, false]> : tensor<2xi1>
  return %y, %t : tensor<2x3xf32>, tensor<2xi1>
}
func.func @count(%n: tensor<i32>) -> (tensor<i32>, tensor<i32>) {
  %one = stablehlo.constant dense<1> : tensor<i32>
  %m = stablehlo.add %n, %one : tensor<i32>
  return %m, %m : tensor<i32>, tensor<i32>
}
"""

SCALE = EntryPoint(
    inputs=(Input("x", ("rows", 3), "float32"), Input("options.by", (), "float32")),
    outputs=(Output("scaled", ("rows", 3), "float32"), Output("flags", (2,), "bool")),
    arguments=(("x", 0), ("options", Branch("dict", (1,), ("by",)))),
    result=Branch("tuple", (0, 1)),
    variants=(Variant("scale", {"rows": 2}),),
    doc="Multiply every element.\n\nAnd more.",
)
COUNT = EntryPoint(
    inputs=(Input("n", (), "int32", slot="n"),),
    outputs=(Output("count", (), "int32"), Output("n", (), "int32", slot="n")),
    arguments=(),
    result=0,
    variants=(Variant("count"),),
)
GRID = [[0, 1, 2], [3, 4, 5]]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Two artifacts, of both entries and of `scale` alone, in a folder of their own."""
    folder = tmp_path_factory.mktemp("artifacts")
    module = compile_str(
        SOURCE,
        target_backends=["llvm-cpu"],
        input_type="stablehlo",
        extra_args=["--iree-llvmcpu-target-cpu=generic"],
    )
    manifest = Manifest(
        name="sample",
        producer=Producer("0.1.0", "3.13.0"),
        target=Target("llvm-cpu", ("local-sync", "local-task")),
        module=ModuleFacts(0, "0" * 64),
        dims={"rows": Dim((2,))},
        cost=Cost(6.0, 1234567.0),
        entries={"scale": SCALE, "count": COUNT},
        state={"n": Slot((), "int32", initial=True)},
        sources={"sample.py": "1" * 64},
    )
    artifact.write(folder / "both.vmfb", module, manifest, {"n": np.int32(41).tobytes()})
    one = Manifest(**{**vars(manifest), "entries": {"scale": SCALE}, "state": {}})
    artifact.write(folder / "one.vmfb", module, one)
    (folder / "cut.vmfb").write_bytes((folder / "one.vmfb").read_bytes()[:-500])
    np.save(folder / "grid.npy", GRID)
    return folder


@pytest.fixture
def slopec(built, capsys, monkeypatch):
    """Run the command line in the folder of the artifacts: exit code, stdout, stderr."""
    monkeypatch.chdir(built)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = cli.main(arguments)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


INPUTS = ("--input", "x=@grid.npy", "--input", "options.by=2")


def test_run_prints_a_table_of_the_outputs(slopec):
    code, out, err = slopec("run", "one.vmfb", *INPUTS)

    assert (code, err) == (0, "")
    assert out == (
        "output  type           min  max  mean  values\n"
        "scaled  float32[2, 3]  0    10   5     0 2 4 6 …\n"
        "flags   bool[2]        0    1    0.5   True False\n"
    )


def test_run_stores_outputs_and_tells_on_stderr(slopec, tmp_path):
    path = tmp_path / "out.npz"

    code, out, err = slopec("run", "one.vmfb", *INPUTS, "--output", str(path))

    assert (code, out) == (0, "")
    assert "scaled" in err
    with np.load(path) as stored:
        np.testing.assert_array_equal(stored["scaled"], 2.0 * np.array(GRID))
        assert stored["flags"].tolist() == [True, False]


def test_quiet_says_nothing(slopec, tmp_path):
    arguments = ("run", "-q", "one.vmfb", *INPUTS, "-o", str(tmp_path / "out.npz"))

    assert slopec(*arguments) == (0, "", "")


def test_run_writes_json_to_stdout(slopec):
    code, out, err = slopec("run", "both.vmfb", "-e", "scale", *INPUTS, "-o", "-")

    assert (code, err) == (0, "")
    assert json.loads(out) == {"scaled": [[0, 2, 4], [6, 8, 10]], "flags": [True, False]}


def test_state_comes_from_the_artifact(slopec):
    code, out, _ = slopec("run", "both.vmfb", "--entry", "count", "-o", "-")

    assert (code, json.loads(out)) == (0, {"count": 42})


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("one.vmfb",), 2, "error[S0407]: `scale` needs `x`, `options.by`"),
        (("one.vmfb", "-i", "x"), 2, "`--input x` is not of the form NAME=VALUE"),
        (("one.vmfb", "-i", "y=1"), 2, "error[S0407]: `scale` has no input `y`"),
        (("one.vmfb", "-i", "option.by=1"), 2, "did you mean `options.by`?"),
        (("one.vmfb", *INPUTS, "-i", "x=1"), 2, "input `x` is given twice"),
        (("both.vmfb",), 2, "the artifact has several entries"),
        (("both.vmfb", "-e", "scal"), 2, "did you mean `scale`?"),
        (("one.vmfb", "-i", "x=[[1, 2]]", "-i", "options.by=2"), 2, "error[S0511]"),
        (("one.vmfb", "-i", "x=[[1, 2, 3]]", "-i", "options.by=2"), 2, "error[S0513]"),
        (("one.vmfb", "-i", "x=@gird.npy", "-i", "options.by=2"), 4, "did you mean `grid.npy`?"),
        (("one.vmfb", "-d", "cuba", *INPUTS), 4, "error[S0508]"),
        (("one.vmfb", *INPUTS, "-o", "out.txt"), 2, "error[S0409]"),
        (("cut.vmfb", *INPUTS), 4, "error[S0503]"),
        (("grid.npy", *INPUTS), 4, "error[S0406]"),
    ],
)
def test_mistakes_in_a_run_are_told(slopec, arguments, code, told):
    status, out, err = slopec("run", *arguments)

    assert (status, out) == (code, "")
    assert told in err


def test_info_describes_the_artifact(slopec):
    code, out, err = slopec("info", "-v", "both.vmfb")

    assert (code, err) == (0, "")
    for line in (
        "made by   slopec 0.1.0, IREE 3.13.0",
        "target    llvm-cpu",
        "drivers   local-sync, local-task",
        "dim rows  2",
        "cost      6 FLOP, 1.23 MB per call",
        "state     1 slots, 4 B",
        "  scale(x: float32[rows, 3], options: {'by': float32[]}) -> (float32[rows, 3], bool[2])",
        "      Multiply every element.",
        "n      int32[]",
        f"sample.py  {'1' * 64}",
    ):
        assert line in out.splitlines(), line


def test_info_gives_the_manifest_to_programs(slopec):
    stored = json.loads(slopec("info", "--json", "one.vmfb")[1])

    assert Manifest.from_json(json.dumps(stored)).entries == {"scale": SCALE}
