"""Exported functions take memory for intermediate values from their caller where that pays."""

import resource

import numpy as np
import pytest

import slopec as sp
from slopec.build import build
from slopec.lower import lower
from slopec.targets import fat, parse_target, parse_targets

SIDE = 1200
"""Rows and columns of a matrix of 5.8 MB: three of them are too much for malloc to keep."""


@sp.program(x=sp.spec("float32", (SIDE, SIDE)))
def straight(x):
    """Products one after the other; each needs the one before."""
    return {"y": sp.tanh(x @ sp.tanh(x @ sp.tanh(x @ sp.tanh(x @ x))))}


@sp.program(x=sp.spec("float32", (SIDE, SIDE)))
def looping(x):
    """The same products in a loop, whose memory IREE cannot place ahead."""
    return {"y": sp.fori_loop(0, 4, lambda i, y: sp.tanh(x @ y), x)}


@sp.program(x=sp.spec("float32", (8, 8)))
def small(x):
    """Little enough to leave the function as IREE's own tools call it."""
    return {"y": sp.tanh(x @ x)}


@pytest.fixture(scope="module")
def loaded():
    (artifact,) = build(
        lower([straight, looping, small], name="all"), [parse_target("llvm-cpu", cpu="host")]
    )
    return artifact.load("local-task")


def scratch(program, name):
    """Bytes the entry takes from its caller, None if it takes none."""
    (variant,) = program.manifest.entries[name].variants
    return program._context.function(variant.symbol).reflection.get(
        "iree.abi.transients.size.constant"
    )


def test_only_large_straight_functions_take_memory(loaded):
    assert int(scratch(loaded, "straight")) > 4 * SIDE * SIDE
    assert scratch(loaded, "looping") is None
    assert scratch(loaded, "small") is None


def test_values(loaded):
    x = np.random.default_rng(0).normal(size=(SIDE, SIDE)).astype("float32") / SIDE**0.5
    y = x
    for _ in range(4):
        y = np.tanh(x @ y)
    for program in (loaded, loaded.clone()):
        for name in ("straight", "looping", "straight"):
            np.testing.assert_allclose(program[name](x=x)["y"].numpy(), y, atol=1e-5)


def test_memory_is_touched_once(loaded):
    x = loaded.put(np.zeros((SIDE, SIDE), "float32"))
    result = loaded.straight(x=x)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        result = loaded.straight(x=x)
    faults = (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / 10

    # The result is new memory each time, the intermediate values are not.
    assert faults < 1.5 * result["y"].numpy().nbytes / resource.getpagesize() + 100


def test_shipped_to_a_gpu_functions_stay_as_they_are():
    assert parse_target("llvm-cpu").keeps_scratch
    assert not parse_target("cuda").keeps_scratch
    assert not fat(parse_targets("llvm-cpu,cuda")).keeps_scratch
