"""Exported functions take memory from their caller, and return early, where that pays."""

import resource

import numpy as np
import pytest

import slopec as sp
from slopec import emit_program
from slopec.build import build
from slopec.emit import EmitOptions, resolve
from slopec.kernels import suits
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


@sp.program(x=sp.spec("float32", (300, 64, 300)), w=sp.spec("float32", (300, 300)))
def recurrent(x, w):
    """A loop that treats rows alone, of which a kernel is made where there are kernels."""
    h = sp.scan(lambda h, x: (sp.tanh(h @ w + x), h), x[0], x * 0.5)[1]
    return {"y": (h * h).sum(0)}


HOST = parse_target("llvm-cpu", cpu="host")


@pytest.fixture(scope="module")
def loaded():
    (artifact,) = build(lower([straight, looping, small, recurrent], name="all"), [HOST])
    return artifact.load("local-task")


def model(program, name):
    """How the entry tells of its end, None if it returns then."""
    (variant,) = program.manifest.entries[name].variants
    return program._context.function(variant.symbol).reflection.get("iree.abi.model")


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
    assert (scratch(loaded, "recurrent") is not None) == suits(resolve(HOST))


def test_what_loops_lent_is_given_back_where_they_stay(monkeypatch):
    """As it is where the back end refuses the kernels."""
    monkeypatch.setattr(emit_program, "place_kernels", lambda module, target, ready: False)
    refused = EmitOptions(cache=False)
    (artifact,) = build(lower([recurrent], name="all"), [HOST], options=refused)
    program = artifact.load("local-task")
    assert scratch(program, "recurrent") is None
    rng = np.random.default_rng(0)
    x, w = rng.uniform(-0.1, 0.1, (300, 64, 300)), rng.uniform(-0.1, 0.1, (300, 300))
    h, y = x[0], 0
    for row in x:
        y, h = y + h * h, np.tanh(h @ w + row * 0.5)
    got = program(x=x.astype("f"), w=w.astype("f"))["y"].numpy()
    np.testing.assert_allclose(got, y, atol=1e-4)


def test_what_is_worth_worker_threads_is_handed_to_them(loaded):
    (artifact,) = build(lower([small], name="small"), [HOST])
    assert model(loaded, "straight") == "coarse-fences"
    assert model(artifact.load(), "small") is None


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
    assert parse_target("llvm-cpu").is_host
    assert not parse_target("cuda").is_host
    assert not fat(parse_targets("llvm-cpu,cuda")).is_host
