"""Functions that return before their work is done run to their end, one behind the other."""

import threading

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from slopec_runtime import Error, load, timeline

ONES = np.ones((3, 2), np.float32)
ZEROS = np.zeros((3, 2), np.float32)


@pytest.fixture(params=["local-task", "local-sync"])
def program(request, handed_over):
    return load(handed_over, device=request.param)


@pytest.fixture
def by_threads(handed_over):
    return load(handed_over, device="local-task")


def check_steps(program, weight):
    """Three steps whose results feed the next."""
    program.state["w"], program.state["m"] = weight, ZEROS
    for moment in (1.0, 1.5, 1.75):
        weight = weight - np.float32(moment)
        loss = program.step(ONES)["loss"]
        assert float(loss) == weight.sum()
    assert_array_equal(program.state["w"], weight)


def test_functions_are_of_that_kind(program):
    function = program._context.function("step")
    assert function.reflection["iree.abi.model"] == "coarse-fences"


def test_state_goes_from_call_to_call(program):
    check_steps(program, ONES)


def test_results_are_whole(program):
    rows = np.arange(21, dtype=np.float32).reshape(7, 3)
    for _ in range(20):
        logits, turned, one = program.predict(rows)
        assert_array_equal(logits, rows @ np.arange(6, dtype=np.float32).reshape(3, 2))
        assert_array_equal(turned, logits.numpy().T)
        assert float(one) == 1
    assert program.spin(1000).item() == 499500


def test_arrays_may_be_donated(program):
    four = program.put(np.ones(4, np.float32))
    for _ in range(3):
        four = program.add(four, np.ones(4, np.float32))
    assert four.tolist() == [4, 4, 4, 4]


def test_a_clone_has_a_timeline_of_its_own(program):
    check_steps(program, ONES)
    check_steps(program.clone(), ZEROS)


def test_who_has_looked_for_long_sleeps(by_threads, monkeypatch):
    monkeypatch.setattr(timeline, "_LOOKING", 0)
    check_steps(by_threads, ONES)


def test_threads_take_turns(program):
    program.state["w"], program.state["m"] = ZEROS, ONES

    def work():
        for _ in range(50):
            program.step(ZEROS)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # 200 halvings of 1: what was subtracted sums to 1 if no step was lost or done twice.
    assert_allclose(program.state["w"], -ONES, atol=1e-6)


def test_after_an_interrupt_all_begins_anew(by_threads, monkeypatch):
    def interrupt():
        raise KeyboardInterrupt

    def call():
        while True:  # a call may end before it is looked for a second time
            by_threads.predict(np.ones((4, 3), np.float32))

    by_threads.state["m"] = ZEROS
    with monkeypatch.context() as patch:
        patch.setattr(timeline, "_give_way", interrupt)
        with pytest.raises(KeyboardInterrupt):
            call()
    check_steps(by_threads, ONES)


def test_after_a_failure_all_begins_anew(program, monkeypatch):
    class Broken:
        def invoke(self, *_):
            raise RuntimeError("the device failed")

    check_steps(program, ONES)
    with monkeypatch.context() as patch:
        patch.setattr(program._context._timeline, "_context", Broken())
        with pytest.raises(Error, match="S0516"):
            program.step(ONES)
    check_steps(program, ONES)
