"""The whole spine: a model file through the command line into an artifact that computes."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import slopec_runtime

HEAD = "import slopec as sp\nfrom slopec import nn\n"
SPEC = '@sp.program(x=sp.spec("float32", (4, 8)))\n'
BATCH = '@sp.program(x=sp.spec("float32", ("batch", 4)))\n'

WRONG = {
    "shapes": (f"{HEAD}W = sp.ones((9, 2))\n{SPEC}def f(x):\n    return x @ W\n", "S0101", 1),
    "not scalar": (
        f"{HEAD}{SPEC}def f(x):\n    return sp.grad(lambda x: x * 2.0)(x)\n",
        "S0206",
        1,
    ),
    "integers": (
        f"{HEAD}{SPEC}def f(x):\n    return sp.grad(lambda i: (i * 2).sum())(sp.arange(3))\n",
        "S0205",
        1,
    ),
    "syntax": ("def f(:\n", "S0115", 1),
    "exit": ("import sys\nsys.exit(3)\n", "S0115", 1),
    "name": (f"{HEAD}{SPEC}def f(x):\n    return x + missing\n", "S0115", 1),
    "branch": (f"{HEAD}{SPEC}def f(x):\n    return x if x.sum() > 0 else -x\n", "S0105", 1),
    "no return": (f"{HEAD}{SPEC}def f(x):\n    x + 1.0\n", "S0109", 1),
    "a text": (f"{HEAD}{SPEC}def f(x):\n    return {{'y': x, 'z': 'text'}}\n", "S0109", 1),
    "nothing marked": ("x = 1\n", "S0411", 2),
    "mixed rows": (
        (
            f'{HEAD}@sp.program(x=sp.spec("float32", ("batch", 4)))\n'
            "def f(x):\n    return x - x.mean(axis=0)\n"
        ),
        "S0114",
        1,
    ),
}


def slopec(*words: object, folder: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "slopec", *map(str, words)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", WRONG)
def test_mistakes_are_explained_at_the_users_line(name: str, tmp_path: Path) -> None:
    text, code, exit_code = WRONG[name]
    (tmp_path / "model.py").write_text(text)
    done = slopec("compile", "model.py", folder=tmp_path)
    assert done.returncode == exit_code
    assert f"error[{code}]" in done.stderr
    assert "Traceback" not in done.stderr
    assert ("model.py:" in done.stderr and "^" in done.stderr) or code == "S0411"


@pytest.mark.parametrize("size", [0, 2**70])
def test_sizes_that_none_can_have_are_told(tmp_path: Path, size: int) -> None:
    (tmp_path / "model.py").write_text(f"{HEAD}{BATCH}def f(x):\n    return x\n")
    done = slopec("compile", "model.py", "--dim", f"batch={size}", folder=tmp_path)

    assert done.returncode == 2
    assert "error[S0412]: dimension `batch` needs sizes from 1 to" in done.stderr


def test_a_file_becomes_artifacts_that_compute(tmp_path: Path) -> None:
    text = (
        f"{HEAD}W = sp.arange(12.0).reshape(4, 3)\n"
        '@sp.program(x=sp.spec("float32", ("batch", 4)))\n'
        "def f(x):\n    return sp.vjp(sp.tanh, x @ W)[1](sp.ones((x.shape[0], 3)))[0]\n"
    )
    (tmp_path / "model.py").write_text(text)
    done = slopec("compile", "model.py", "--target", "llvm-cpu,cuda,metal", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["model.llvm-cpu.vmfb", "model.cuda.vmfb", "model.metal.vmfb"]
    x = np.random.default_rng(0).standard_normal((37, 4)).astype(np.float32) * 0.05
    got = slopec_runtime.load(tmp_path / "model.llvm-cpu.vmfb")(x=x)
    wanted = 1 - np.tanh(x @ np.arange(12, dtype=np.float32).reshape(4, 3)) ** 2
    np.testing.assert_allclose(np.asarray(got), wanted, rtol=1e-4, atol=1e-5)
    for stage, mark in (("stablehlo", "slope.derive"), ("grad", "tanh"), ("optimized", "tanh")):
        printed = slopec("compile", "model.py", "--emit", stage, folder=tmp_path)
        assert mark in printed.stdout


def test_artifacts_tell_nothing_of_where_they_were_made(tmp_path: Path) -> None:
    text = (
        f'{HEAD}@sp.program(x=sp.spec("float32", (3, 4)))\ndef f(x):\n    return sp.tanh(x @ x.T)\n'
    )
    made = []
    for folder in (tmp_path / "here", tmp_path / "there" / "deeper"):
        folder.mkdir(parents=True)
        (folder / "model.py").write_text(text)
        cache = {"SLOPEC_CACHE_DIR": str(folder / "cache")}
        command = [
            sys.executable,
            "-m",
            "slopec",
            "compile",
            "model.py",
            "-t",
            "llvm-cpu,cuda,metal",
        ]
        subprocess.run(command, cwd=folder, env={**os.environ, **cache}, check=True)
        made.append([path.read_bytes() for path in sorted(folder.glob("*.vmfb"))])
    assert made[0] == made[1]
    assert not any(str(tmp_path).encode() in data for data in made[0])
