"""State: kept on the device between calls, shared by entries, read as snapshots, never mixed up."""

import threading

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from slopec_runtime import buffers, load
from slopec_runtime.errors import Error

WEIGHT = np.arange(6, dtype=np.float32).reshape(3, 2)
ONES = np.ones((3, 2), np.float32)


def expected_steps(count, w=WEIGHT, m=None):
    m = np.zeros_like(w) if m is None else m
    for _ in range(count):
        m = m * np.float32(0.5) + ONES
        w = w - m
    return w, m


def test_entries_share_state_that_stays_on_the_device(program):
    program.state["m"] = np.zeros((3, 2), np.float32)
    gradient = program.peek().numpy() * 0 + 1
    before = program.stats
    for _ in range(5):
        result = program.step(gradient)
    traffic = program.stats - before

    w, m = expected_steps(5)
    assert (traffic.calls, traffic.uploaded, traffic.downloaded) == (5, 5 * 24, 0)
    assert_array_equal(result["w"], w)
    assert result["loss"].item() == pytest.approx(w.sum())
    assert_array_equal(program.state["m"], m)
    assert_array_equal(program.predict(np.eye(3, dtype=np.float32)[:1])[0], w[:1])


def test_equal_initial_values_do_not_share_memory(program):
    """`init` gives one zero for both slots; in place, each needs its own."""
    for _ in range(2):
        program.init()
        program.step(ONES)
        program.step(ONES)
        w, m = expected_steps(2, np.zeros((3, 2), np.float32))
        assert_array_equal(program.state["w"], w)
        assert_array_equal(program.state["m"], m)


def test_they_do_not_where_addresses_are_unknown_either(program, monkeypatch):
    monkeypatch.setattr(buffers, "address", lambda *_: None)

    test_equal_initial_values_do_not_share_memory(program)


def test_slots_that_must_not_be_overwritten_live_in_two_buffers_by_turns(program):
    program.state["m"] = np.zeros((3, 2), np.float32)
    places, w = [], WEIGHT
    for _ in range(4):
        old, new = program.turn()
        assert_array_equal(old, w * 2)
        w = w[::-1]
        assert_array_equal(new, w)
        places.append(buffers.address(program._context.device, program.state.held["w"]))
    assert places[0] == places[2] != places[1] == places[3]

    program.step(ONES)  # which replaces it in its own memory, wherever that is
    w = w - ONES
    program.turn()
    program.state["w"] = w = w * 3
    program.turn()
    assert_array_equal(program.state["w"], w[::-1])


def test_what_was_read_or_cloned_stays_while_buffers_take_turns(program):
    read, (_, returned), twin = program.state["w"], program.turn(), program.clone()
    peeked, view = program.peek(), program.state["w"].numpy()
    for _ in range(3):
        program.turn()
        twin.turn()

    assert_array_equal(read, WEIGHT)
    for kept in (returned, peeked, view):
        assert_array_equal(kept, WEIGHT[::-1])
    for there in (program, twin):
        assert_array_equal(there.state["w"], WEIGHT)


def test_values_read_earlier_do_not_change(program):
    program.init()
    before = program.state["w"]
    view = program.state["w"].numpy()
    peeked = program.peek()
    result = program.step(ONES)["w"]
    first = np.array(result)
    program.step(ONES)

    for snapshot in (before, view, peeked):
        assert_array_equal(snapshot, np.zeros((3, 2)))
    assert_array_equal(result, first)


def test_assigned_arrays_do_not_change(program):
    program.init()
    value = program.flip_float32(WEIGHT.reshape(2, 3))
    program.state["w"] = value
    program.step(ONES)

    assert_array_equal(value, WEIGHT.reshape(2, 3).T)


def test_it_is_a_mapping_of_the_slots_that_have_values(program):
    assert list(program.state) == ["w"]
    assert "m" not in program.state
    assert program.state.get("m") is None
    program.state.update(m=ONES)
    assert {name: array.shape for name, array in program.state.items()} == {
        "w": (3, 2),
        "m": (3, 2),
    }
    assert len(program.state) == 2
    assert repr(program.state).splitlines()[1] == "  w: float32[3, 2]"


def test_mistakes_are_named(program, failure):
    state = program.state

    assert "call init()" in failure("S0514", lambda: state["m"])
    assert "did you mean" not in failure("S0514", lambda: state["zzz"])
    assert "slots: w, m" in failure("S0514", state.__setitem__, "zzz", ONES)
    assert "no value yet" in failure("S0514", program.step, ONES)
    assert "state slot 'w'" in failure("S0511", state.__setitem__, "w", ONES.T)
    assert 'w.astype("float32")' in failure("S0512", state.__setitem__, "w", np.ones((3, 2)))
    assert "cannot be deleted" in failure("S0514", state.__delitem__, "w")


def test_a_missing_slot_costs_nothing(program, failure):
    """The call that fails for lack of `m` must not have given away `w`."""
    failure("S0514", program.step, ONES)

    assert_array_equal(program.state["w"], WEIGHT)


def test_a_failed_call_loses_what_it_was_given(program, failure, monkeypatch):
    program.init()

    def broken(*_):
        raise RuntimeError("the device failed")

    with monkeypatch.context() as patch:
        patch.setattr(program.step._only, "_to_its_end", broken)
        failure("S0516", program.step, ONES)
    assert "lost when step() failed" in failure("S0514", lambda: program.state["w"])
    program.state["w"] = WEIGHT
    program.state["m"] = ONES
    program.step(ONES)
    assert_array_equal(program.state["w"], expected_steps(1, m=ONES)[0])


def test_a_clone_starts_from_the_same_state_and_goes_its_own_way(program):
    program.init()
    program.step(ONES)
    twin = program.clone()
    twin.step(ONES)
    zeros = np.zeros((3, 2), np.float32)

    assert_array_equal(program.state["w"], expected_steps(1, zeros)[0])
    assert_array_equal(twin.state["w"], expected_steps(2, zeros)[0])


@pytest.mark.parametrize("driver", ["local-sync", "local-task"])
def test_threads_take_turns(artifact, driver):
    program = load(artifact, device=driver)
    program.init()
    zeros = np.zeros((3, 2), np.float32)
    failures = []

    def work():
        try:
            for _ in range(100):
                program.step(zeros)
                program.state["w"].numpy()
                program.predict(np.zeros((1, 3), np.float32))
        except Error as problem:
            failures.append(problem)

    program.state["m"] = ONES
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not failures
    # 400 halvings of 1: what was subtracted sums to 1 if no step was lost or done twice.
    assert_allclose(program.state["w"], -ONES, atol=1e-6)
    assert_array_equal(program.state["m"], 0.5**400 * ONES)
    assert program.stats.calls == 1 + 4 * 200


def test_clones_run_side_by_side(program):
    program.state["m"] = ONES
    clones = [program.clone() for _ in range(4)]
    gradient = np.zeros((3, 2), np.float32)

    def work(clone):
        for _ in range(50):
            clone.step(gradient)

    threads = [threading.Thread(target=work, args=(clone,)) for clone in clones]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    for clone in clones:
        assert_allclose(clone.state["w"], WEIGHT - ONES, atol=1e-6)
    assert_array_equal(program.state["w"], WEIGHT)


def test_other_threads_run_during_a_call(program):
    """A call releases the interpreter: this thread must make progress while the other computes."""
    done = threading.Event()

    def work():
        program.spin(300_000)
        done.set()

    program.spin(1)
    thread = threading.Thread(target=work)
    thread.start()
    turns = 0
    while not done.wait(0.001):
        turns += 1
    thread.join()

    assert turns > 1
