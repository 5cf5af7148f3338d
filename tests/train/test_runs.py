"""Runs of a recipe: gone on from, diverging, stopped by the system; nothing written is lost."""

import json

import numpy as np
import pytest
from safetensors import SafetensorError

from slopec.diagnostics import UsageError
from slopec.train import loop
from slopec.train import recipe as recipes
from slopec.train.checkpoint import read_arrays

QUICK = {"train.batch": "512", "optimizer.schedule": "constant"}


def quick(**changes: str) -> recipes.Recipe:
    settings = {name.replace("__", "."): value for name, value in changes.items()}
    return recipes.read(recipes.find("digits-mlp"), {**QUICK, **settings})


def lines_of(folder) -> list[dict]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("run")
    loop.run(quick(train__epochs="1"), made, lambda *_: None)
    return made


def test_a_run_goes_on_where_it_was(folder, tmp_path):
    checkpoint = folder / "checkpoint.safetensors"
    loop.run(quick(train__epochs="2"), tmp_path, lambda *_: None)
    loop.run(quick(train__epochs="2"), folder, lambda *_: None, resume=checkpoint)

    assert lines_of(folder) == lines_of(tmp_path)
    kept, whole = read_arrays(checkpoint), read_arrays(tmp_path / "checkpoint.safetensors")
    assert all(np.array_equal(kept[name], whole[name]) for name in whole)


@pytest.mark.parametrize("text", ["{", "[]", '{"epoch": 1}', "\xff"])
def test_metrics_of_something_else_are_left_alone(folder, tmp_path, text):
    metrics = tmp_path / "metrics.jsonl"
    metrics.write_text(text, encoding="latin-1")
    with pytest.raises(UsageError, match=r"S0605.*metrics\.jsonl"):
        loop.run(
            quick(train__epochs="5"),
            tmp_path,
            lambda *_: None,
            resume=folder / "checkpoint.safetensors",
        )
    assert metrics.read_text(encoding="latin-1") == text


def test_what_diverged_replaces_no_checkpoint(folder):
    checkpoint = folder / "checkpoint.safetensors"
    before = checkpoint.read_bytes()
    recipe = quick(train__epochs="9", optimizer__learning_rate="1e30")

    with pytest.raises(UsageError, match=r"S0610.*\n.*epoch before"):
        loop.run(recipe, folder, lambda *_: None, resume=checkpoint)

    assert checkpoint.read_bytes() == before


def test_a_full_disk_keeps_the_checkpoint_before(folder, monkeypatch):
    def refuse(stored, file, metadata):
        file.write_bytes(b"half")
        raise SafetensorError("I/O error: No space left on device (os error 28)")

    monkeypatch.setattr("safetensors.numpy.save_file", refuse)
    checkpoint = folder / "checkpoint.safetensors"
    before = checkpoint.read_bytes()
    recipe = quick(train__epochs="9")

    with pytest.raises(UsageError, match=r"S0405.*checkpoint.safetensors`: no space left"):
        loop.run(recipe, folder, lambda *_: None, resume=checkpoint)

    assert checkpoint.read_bytes() == before
    assert not [file for file in folder.iterdir() if file.name.startswith(".")]
