"""The search for garbage is put off by whoever asks, and goes on when the last is done."""

import gc
import os
import threading

import pytest

from slopec import garbage


@garbage.later()
def _enabled_inside() -> bool:
    return gc.isenabled()


def test_it_is_off_inside_and_on_again_outside() -> None:
    assert not _enabled_inside()
    with garbage.later():
        assert not _enabled_inside()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_what_is_off_anyway_stays_off() -> None:
    gc.disable()
    try:
        assert not _enabled_inside()
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_an_error_ends_it() -> None:
    with pytest.raises(KeyError), garbage.later():
        raise KeyError
    assert gc.isenabled()


def test_it_goes_on_after_the_last_thread() -> None:
    inside, leave = threading.Event(), threading.Event()

    def wait() -> None:
        with garbage.later():
            inside.set()
            leave.wait()

    thread = threading.Thread(target=wait)
    thread.start()
    inside.wait()
    assert not _enabled_inside()
    assert not gc.isenabled()
    leave.set()
    thread.join()
    assert gc.isenabled()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks")
def test_a_fork_has_it_on() -> None:
    with garbage.later():
        process = os.fork()
        if process == 0:
            os._exit(0 if gc.isenabled() else 1)
        assert os.waitpid(process, 0)[1] == 0
