"""The package as installed: it stands alone, starts quickly, and its examples are true."""

import dataclasses
import doctest
import importlib
import pickle
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import slopec_runtime
from slopec_runtime.artifact import pack, write
from slopec_runtime.errors import CODES

MODULES = [info.name for info in pkgutil.iter_modules(slopec_runtime.__path__)]


def run(program: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_running_an_artifact_loads_neither_slopec_nor_the_compiler(artifact):
    program = """
import sys, numpy, slopec_runtime
program = slopec_runtime.load(sys.argv[1])
print(program.predict(numpy.eye(3, dtype="float32"))[0].numpy().sum())
roots = {name.partition(".")[0] for name in sys.modules}
assert not roots & {"slopec", "jax", "click", "rich", "safetensors", "opt_einsum"}, roots
assert not [name for name in sys.modules if name.startswith("iree.compiler")]
"""
    assert float(run(program, str(artifact))) == 15


def test_importing_it_loads_nothing_heavy():
    program = """
import sys, slopec_runtime, slopec_runtime.errors
assert not {"numpy", "iree", "ml_dtypes"} & set(sys.modules)
"""
    run(program)


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_the_documentation_are_true(name):
    module = importlib.import_module(f"slopec_runtime.{name}")

    assert doctest.testmod(module).failed == 0


def test_public_names_exist():
    for name in slopec_runtime.__all__:
        assert getattr(slopec_runtime, name).__module__.startswith("slopec_runtime.")
        assert name in dir(slopec_runtime)
    with pytest.raises(AttributeError, match="nothing"):
        slopec_runtime.nothing  # noqa: B018


def test_every_code_has_a_title_and_an_explanation():
    assert list(CODES) == [f"S05{number:02}" for number in range(1, len(CODES) + 1)]
    for title, text in CODES.values():
        assert title[0].islower()
        assert text.endswith(".")


def test_errors_travel_between_processes():
    from slopec_runtime.errors import Error, MissingSlotError

    for kind in (Error, MissingSlotError):
        problem = kind("S0514", "gone", notes=["a note"], hint="a hint")
        assert str(pickle.loads(pickle.dumps(problem))) == str(problem)


def test_a_program_describes_itself(program):
    text = repr(program)

    assert text.startswith("Program 'zoo' on local-sync\n")
    assert "  predict(x: float32[batch, 3]) -> (float32[batch, 2], " in text
    assert "step(g: float32[3, 2]) -> {'loss': float32[], 'w': float32[3, 2]}" in text
    assert "nested(pair: {'a': float32[2], 'b': (float32[2], None)}, count: int32[])" in text
    assert repr(program.peek) == "<entry peek() -> float32[3, 2]>"
    assert program.predict.__doc__ == "Multiply by the weight."
    assert {"predict", "clone"} <= set(dir(program))


def readme_entries(entries):
    """The zoo's entries under the names that the README uses."""
    predict, step = entries["predict"], entries["step"]
    gradient, *kept = step.inputs
    image, weight = predict.inputs
    return {
        "predict": dataclasses.replace(
            predict,
            inputs=(dataclasses.replace(image, name="image"), weight),
            arguments=(("image", 0),),
            result=0,
        ),
        "step": dataclasses.replace(
            step,
            inputs=(dataclasses.replace(gradient, name="gradient"), *kept),
            arguments=(("gradient", 0),),
            result=0,
        ),
    }


def test_the_readme_is_true(module, manifest, tmp_path, monkeypatch, capsys):
    readme = Path(slopec_runtime.__file__).parents[1] / "README.md"
    blocks = re.findall(r"```python\n(.*?)```", readme.read_text(encoding="utf-8"), re.DOTALL)
    state = {name: dataclasses.replace(slot, initial=True) for name, slot in manifest.state.items()}
    facts = dataclasses.replace(manifest, entries=readme_entries(manifest.entries), state=state)
    write(tmp_path / "model.vmfb", module, facts, {"w": bytes(24), "m": bytes(24)})
    monkeypatch.chdir(tmp_path)

    for block in blocks:
        exec(compile(block, str(readme), "exec"), {})

    assert "Traffic(calls=10, uploaded=240, downloaded=4)" in capsys.readouterr().out


def test_a_program_with_one_entry_is_called_directly(module, manifest):
    only = dataclasses.replace(
        manifest, entries={"predict": manifest.entries["predict"]}, dims=manifest.dims
    )
    program = slopec_runtime.load(pack(module, only, {"w": bytes(24)}))

    assert program(x=np.zeros((1, 3), np.float32))[0].shape == (1, 2)
