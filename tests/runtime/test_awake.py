"""Short functions run on the pool whose workers stay awake, where that takes less."""

import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from slopec_runtime import awake, load
from slopec_runtime.awake import Trial, pool_beside
from slopec_runtime.devices import open_device

ONES = np.ones((3, 2), np.float32)


def share(first, second, calls=20_000):
    """How many of so many calls went the second way, each way taking so long."""
    trial, gone = Trial(), 0
    for _ in range(calls):
        gone += trial.way
        trial.took((first, second)[trial.way])
    return gone / calls


@pytest.mark.parametrize(
    ("first", "second", "least", "most"),
    [
        (100_000, 60_000, 0.95, 1),
        (100_000, 95_000, 0, 0.03),
        (200_000, 280_000, 0, 0.03),
        (100_000, 4_000_000, 0, 0.002),  # others have the cores
        (600_000, 100_000, 0, 0),  # not worth it
    ],
)
def test_the_quicker_way_is_gone(first, second, least, most):
    assert least <= share(first, second) <= most


def test_late_calls_are_paid_by_what_others_have_gained():
    def after(late):
        trial = Trial()
        for call in range(max(late) + 50):
            trial.took(4_000_000 if call in late else (100_000, 60_000)[trial.way])
        return trial.way

    assert after({800}) == after({800, 1000, 1200, 1400}) == 1
    assert after({800, 810, 820, 830, 840, 850}) == 0


@pytest.fixture
def restless(monkeypatch):
    """Ways are tried all the time."""
    monkeypatch.setattr(awake, "_FIRST", 3)
    monkeypatch.setattr(awake, "_STAY", 5)
    monkeypatch.setattr(awake, "_LONGEST_STAY", 5)
    monkeypatch.setattr(awake, "_LONG", 1 << 60)
    monkeypatch.setattr(awake, "_LOSS", 1 << 60)


def test_state_and_results_go_from_pool_to_pool(handed_over, restless):
    program = load(handed_over, device="local-task")
    zeros = np.zeros((3, 2), np.float32)
    program.state["w"], program.state["m"] = ONES, zeros
    weight, moment = ONES, zeros
    rows = np.arange(21, dtype=np.float32).reshape(7, 3)
    four = program.put(np.ones(4, np.float32))
    for count in range(200):
        moment = np.float32(0.5) * moment + ONES
        weight = weight - moment
        assert float(program.step(ONES)["loss"]) == weight.sum()
        assert_array_equal(program.state["w"], weight)
        logits, turned, _ = program.predict(rows)
        assert_array_equal(turned, logits.numpy().T)
        four = program.add(four, np.ones(4, np.float32))
        assert four.tolist() == [count + 2.0] * 4


def test_who_says_how_many_workers_there_are_gets_no_others(monkeypatch):
    monkeypatch.setenv("SLOPEC_THREADS", "4")
    assert pool_beside.__wrapped__(open_device("local-task")) is None
    monkeypatch.delenv("SLOPEC_THREADS")
    assert pool_beside.__wrapped__(open_device("local-sync")) is None


FORKS = """
import os, sys
import numpy as np
from slopec_runtime import Error, awake, load

awake._FIRST, awake._LONG = 3, 1 << 60
program = load(sys.argv[1], device="local-task")
for _ in range(50):
    program.predict(np.ones((7, 3), np.float32))
child = os.fork()
if child == 0:
    try:
        program.predict(np.ones((7, 3), np.float32))
    except Error as problem:
        sys.exit(problem.code != "S0507")
    sys.exit(2)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the pool is for Linux")
def test_a_forked_child_ends(handed_over, tmp_path):
    path = tmp_path / "zoo.vmfb"
    path.write_bytes(handed_over)
    command = [sys.executable, "-c", FORKS, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "0", done.stderr
