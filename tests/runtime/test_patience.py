"""Waiting for workers moves a thread to the class for batches, and back."""

import os
import sys

import pytest

from slopec_runtime.patience import Patience

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="scheduling classes of Linux")


@pytest.fixture(autouse=True)
def _ordinary():
    before = os.sched_getscheduler(0)
    if before != os.SCHED_OTHER:
        pytest.skip("the tests run in another scheduling class")
    yield
    os.sched_setscheduler(0, before, os.sched_param(0))


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
