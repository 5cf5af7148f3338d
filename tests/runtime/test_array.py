"""`Array`: how a result behaves in Python and NumPy."""

import copy
import gc
import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from slopec_runtime import Array, load
from slopec_runtime.devices import open_device
from slopec_runtime.traffic import Meter

DEVICE = open_device("local-sync")


def array(value, dtype=np.float32):
    return Array.of(DEVICE, np.array(value, dtype))


def test_it_shows_its_numbers():
    assert repr(array([[1, 2], [3, 4.5]])) == (
        "Array([[1. , 2. ],\n       [3. , 4.5]], dtype=float32, device='local-sync')"
    )
    long = repr(array(np.zeros((40, 40))))
    assert "..." in long
    assert "shape=(40, 40), dtype=float32" in long


def test_it_converts_to_python_numbers():
    x = array([[2.5]])

    assert (float(array(2.5)), int(array(7, np.int32)), complex(array(1.5))) == (2.5, 7, 1.5)
    assert (x.item(), x.tolist(), bool(array(0))) == (2.5, [[2.5]], False)
    assert [10, 20, 30][array(1, np.int64)] == 20
    assert (len(x), x.ndim, x.size, x.nbytes) == (1, 2, 1, 4)
    with pytest.raises(TypeError, match="no length"):
        len(array(1))


def test_it_works_in_numpy_expressions():
    x = array([1, 2, 3])

    assert_array_equal(x + 1, [2, 3, 4])
    assert_array_equal(2 * x, [2, 4, 6])
    assert_array_equal(x - np.float32([1, 1, 1]), [0, 1, 2])
    assert_array_equal(np.maximum(x, array([2, 2, 2])), [2, 2, 3])
    assert_array_equal(x == 2, [False, True, False])
    assert np.argmax(x) == 2
    assert_array_equal(x[1:], [2, 3])
    assert [float(v) for v in x] == [1, 2, 3]
    assert np.asarray(x, np.int32).dtype == np.int32


def test_its_numpy_view_is_read_only_and_the_same_each_time():
    x = array([1, 2])

    assert x.numpy() is x.numpy()
    with pytest.raises(ValueError, match="read-only"):
        x.numpy()[0] = 5
    mine = np.array(x)
    mine[0] = 5
    assert x.tolist() == [1, 2]


def test_it_does_not_follow_the_array_it_was_made_of():
    source = np.float32([1, 2])
    x = Array.of(DEVICE, source)
    source[0] = 9

    assert x.tolist() == [1, 2]


def test_results_on_the_host_are_not_copied(program):
    y = program.twins(np.zeros(4, np.float32))[0]
    view = y.numpy()

    assert not view.flags.owndata
    address = view.__array_interface__["data"][0]
    assert np.from_dlpack(y).__array_interface__["data"][0] == address


def test_a_view_outlives_the_array_and_the_program(packed):
    x = np.arange(4, dtype=np.float32)
    program = load(packed)
    seen = program.add(x, x).numpy()
    shared = np.from_dlpack(program.add(x, x))
    del program
    gc.collect()
    others = [load(packed).add(x + 9, x + 9) for _ in range(3)]

    assert_array_equal(seen, 2 * x)
    assert_array_equal(shared, 2 * x)
    assert len(others) == 3


def test_dlpack_can_copy_and_names_the_host():
    x = array([1, 2, 3])

    assert x.__dlpack_device__() == (1, 0)
    assert_array_equal(np.from_dlpack(x), [1, 2, 3])
    capsule = x.__dlpack__(copy=True)
    assert "dltensor" in repr(capsule)


def test_it_travels_as_its_content():
    x = array([1, 2, 3])

    assert_array_equal(pickle.loads(pickle.dumps(x)), [1, 2, 3])
    assert_array_equal(copy.deepcopy(x), [1, 2, 3])


def test_it_is_sent_to_the_device_once(program):
    meter = Meter()
    x = Array.of(DEVICE, np.zeros(4, np.float32), meter)
    program.twins(x)
    program.twins(x)

    assert meter.read().uploaded == 16


def test_a_dtype_no_device_has_is_refused(failure):
    assert "dtype" in failure("S0512", Array.of, DEVICE, np.array(["a"]))
