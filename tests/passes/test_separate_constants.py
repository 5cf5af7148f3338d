"""Complex constants beside real data, which IREE fails on where it computes them itself."""

import numpy as np
import pytest

import slopec as sp

K = np.array([[2.0, 1 - 2j, 0.5j], [1 + 2j, -1.0, 3.0], [-0.5j, 3.0, 0.25]])


def complex_of(s, dtype):
    return sp.astype(s, dtype)


FUNCTIONS = {
    "times": (lambda s, k: complex_of(s, k.dtype) * k, lambda s, k: s * k),
    "over": (lambda s, k: k / complex_of(s, k.dtype), lambda s, k: k / s),
    "matrix": (lambda s, k: complex_of(s, k.dtype) * sp.eye(3) @ k, lambda s, k: s * k),
    "updated": (
        lambda s, k: sp.full(5, 2j, dtype=k.dtype).at[1:4].set(complex_of(s, k.dtype) * k[0]),
        lambda s, k: np.array([2j, *(s * k[0]), 2j]),
    ),
    "updated with a constant": (
        lambda s, k: sp.full(3, 2j, dtype=k.dtype).at[:1].set(k[0, 1]) * complex_of(s, k.dtype),
        lambda s, k: s * np.array([k[0, 1], 2j, 2j]),
    ),
    "scattered into": (
        lambda s, k: sp.zeros(5, dtype=k.dtype).at[sp.tensor([0, 2, 2])].add(s * k[0]),
        lambda s, k: s * np.array([k[0, 0], 0, k[0, 1] + k[0, 2], 0, 0]),
    ),
    "uniform": (lambda s, k: complex_of(s, k.dtype) * (0 * k + (1 - 2j)), lambda s, k: s * (1 - 2j) + 0 * k),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_compiled(dtype):
    """Each function of a real scalar and a constant that is known when it is compiled."""
    k = K.astype(dtype)
    s = np.array(1.5, k.real.dtype)
    found = sp.jit(lambda s: [ours(s, sp.tensor(k)) for ours, _ in FUNCTIONS.values()])(s)
    for got, (_, theirs) in zip(found, FUNCTIONS.values(), strict=True):
        rtol = 1e-5 if dtype == "complex64" else 1e-13
        np.testing.assert_allclose(got.numpy(), theirs(s, k), rtol=rtol, atol=rtol)
