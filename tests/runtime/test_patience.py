"""Waiting for workers moves a thread to the class for batches and near the first, and back."""

import os
import sys

import numpy as np
import pytest

from slopec_runtime import load, patience
from slopec_runtime.patience import Patience

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="scheduling classes of Linux")


@pytest.fixture(autouse=True)
def _ordinary():
    before = os.sched_getscheduler(0)
    if before != os.SCHED_OTHER:
        pytest.skip("the tests run in another scheduling class")
    yield
    os.sched_setscheduler(0, before, os.sched_param(0))


@pytest.fixture
def cores(monkeypatch):
    """The cores that the thread may use, two at least; the first worker is on the last."""
    before = os.sched_getaffinity(0)
    if len(before) < 2:
        pytest.skip("there is one core")
    monkeypatch.setattr(patience, "_core", [{max(before)}])
    yield before
    os.sched_setaffinity(0, before)


def test_a_thread_is_patient_within():
    with Patience():
        assert os.sched_getscheduler(0) in (os.SCHED_BATCH, os.SCHED_OTHER)
    assert os.sched_getscheduler(0) == os.SCHED_OTHER


def test_a_class_that_was_chosen_stays():
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    with Patience():
        assert os.sched_getscheduler(0) == os.SCHED_BATCH
    assert os.sched_getscheduler(0) == os.SCHED_BATCH


def test_it_may_be_forbidden(monkeypatch):
    def refuse(*arguments):
        raise PermissionError

    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    with Patience():
        assert os.sched_getscheduler(0) == os.SCHED_OTHER
    monkeypatch.undo()


def test_what_fails_within_leaves_the_thread_as_it_was():
    with pytest.raises(ValueError, match="wrong"), Patience():
        raise ValueError("wrong")
    assert os.sched_getscheduler(0) == os.SCHED_OTHER


def test_a_thread_is_near_the_first_worker_within(cores):
    with Patience():
        assert os.sched_getaffinity(0) == {max(cores)}
    assert os.sched_getaffinity(0) == cores


def test_cores_that_were_chosen_stay(cores):
    others = cores - {max(cores)}
    os.sched_setaffinity(0, others)
    with Patience():
        assert os.sched_getaffinity(0) == others
    assert os.sched_getaffinity(0) == others


def test_moving_may_be_forbidden(cores, monkeypatch):
    def refuse(*arguments):
        raise PermissionError

    with monkeypatch.context() as patch:
        patch.setattr(os, "sched_setaffinity", refuse)
        with Patience():
            assert os.sched_getaffinity(0) == cores
    assert os.sched_getaffinity(0) == cores


def test_the_first_worker_is_found_where_it_runs(artifact, monkeypatch):
    monkeypatch.setattr(patience, "_core", [])
    four = np.ones(4, np.float32)
    load(artifact, "local-task").add(four, four)
    (core,) = patience._core
    assert len(core) == 1
    assert core <= os.sched_getaffinity(0)


@pytest.mark.parametrize("is_near", [True, False])
def test_who_is_awake_is_brought_there_and_free(cores, monkeypatch, is_near):
    moves = []
    monkeypatch.setattr(patience, "_processor", lambda: max(cores) if is_near else min(cores))
    monkeypatch.setattr(patience, "_moved", lambda cores: moves.append(cores) or True)
    with Patience(awake=True):
        assert moves == ([] if is_near else [{max(cores)}, cores])
    assert len(moves) == (0 if is_near else 2)
