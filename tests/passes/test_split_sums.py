"""Sums of many numbers keep their digits."""

import numpy as np

import slopec as sp

SHAPES = ((1 << 18,), (7, 99991), (31, 5, 997), (1, 17, 3822), (99991,), (2048, 33))


def test_many_equal_numbers_add_up_to_so_many_times_their_size():
    arrays = [np.full(shape, 0.1, np.float32) for shape in SHAPES]

    @sp.jit
    def sums(arrays):
        return [(sp.sum(x), sp.mean(sp.tanh(x), axis=(0, -1)[: x.ndim])) for x in arrays]

    for x, (total, mean) in zip(arrays, sums(arrays), strict=True):
        np.testing.assert_allclose(total.numpy(), x.sum(dtype=np.float64), rtol=3e-5)
        np.testing.assert_allclose(mean.numpy(), np.tanh(np.float64(x[..., 0].max())), rtol=3e-5)
