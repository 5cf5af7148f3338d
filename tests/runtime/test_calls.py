"""Calling entries: arguments and results, names and nesting, dtypes, and every way to be wrong."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from slopec_runtime import Array, Error
from slopec_runtime.dtypes import NAMES, numpy_dtype

from .conftest import WEIGHT

X = np.float32([[1, 2, 3]])
FOUR = np.arange(4, dtype=np.float32)


def test_positional_and_named_arguments_agree(program):
    for result in (program.predict(X), program.predict(x=X), program["predict"](X)):
        assert isinstance(result, tuple)
        y, t, one = result
        assert_array_equal(y, X @ WEIGHT)
        assert_array_equal(t, (X @ WEIGHT).T)
        assert one.item() == 1.0


@pytest.mark.parametrize("name", NAMES)
def test_every_dtype_goes_in_and_comes_out(program, name):
    dtype = numpy_dtype(name)
    x = np.array([[0, 1, 2], [3, 4, 5]]).astype(dtype)
    y = program[f"flip_{name}"](x)
    assert (y.shape, y.dtype) == ((3, 2), dtype)
    assert y.numpy().dtype == dtype
    assert_array_equal(y.numpy(), x.T)
    # What came out goes in again without passing through the host.
    before = program.stats
    again = program.flip_float32(np.asarray(y, np.float32).reshape(2, 3))
    assert again.shape == (3, 2)
    assert (program.stats - before).calls == 1
