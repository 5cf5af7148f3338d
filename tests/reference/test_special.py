"""Special functions to the last digits, against SciPy and identities."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st

from slopec.reference import gamma, special
from slopec.reference.broadcasting import PLAIN
from slopec.reference.complexes import asin_acos_kernel
from tests.reference.harness import dtype, run, same, sample

AROUND = np.concatenate(
    [np.linspace(-6, 6, 4001), np.logspace(-300, 1, 500), -np.logspace(-30, 1, 500)]
)
BETWEEN = np.concatenate([np.linspace(-0.999, 0.999, 2001), np.logspace(-300, -3, 500)])
POSITIVE = np.concatenate([np.linspace(0.003, 30, 3001), np.logspace(-300, 300, 900)])

# Function, SciPy's, where, and the relative error allowed (absolute where a function crosses zero).
# SciPy forms exp(-x^2) from a rounded square, which costs its erfc digits in the tail.
ACCURACY: dict[str, tuple[Callable[..., Any], Callable[..., Any], np.ndarray, float]] = {
    "erf": (special.erf, scipy.special.erf, AROUND, 1e-15),
    "erfc": (
        special.erfc,
        scipy.special.erfc,
        np.concatenate([AROUND, np.linspace(6, 26, 500)]),
        2e-13,
    ),
    "erf_inv": (special.erf_inv, scipy.special.erfinv, BETWEEN, 2e-15),
    "bessel_i1e": (special.bessel_i1e, scipy.special.i1e, AROUND * 10, 4e-15),
    "lgamma": (gamma.lgamma, scipy.special.gammaln, POSITIVE, 1e-14),
    "digamma": (gamma.digamma, scipy.special.digamma, POSITIVE, 1e-14),
    "lgamma of negatives": (
        gamma.lgamma,
        scipy.special.gammaln,
        -np.linspace(0.01, 20.3, 997),
        2e-14,
    ),
    "digamma of negatives": (
        gamma.digamma,
        scipy.special.digamma,
        -np.linspace(0.01, 20.3, 997),
        2e-12,
    ),
}


@pytest.mark.parametrize("name", list(ACCURACY))
def test_accuracy_in_float64(name: str) -> None:
    ours, theirs, x, allowed = ACCURACY[name]
    crosses_zero = 1e-14 if "gamma" in name else 0.0
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(ours(x), theirs(x), rtol=allowed, atol=crosses_zero)


@pytest.mark.parametrize("name", ["float32", "bfloat16", "float16"])
def test_low_precision_is_float64_rounded(name: str) -> None:
    x = sample((50,), name, scale=1.5)
    expected = scipy.special.erf(x.astype(np.float64)).astype(dtype(name))
    np.testing.assert_array_equal(special.erf(x), expected)


def test_large_arrays_go_piece_by_piece() -> None:
    x = sample((100, 333), "float32")
    np.testing.assert_array_equal(special.erf(x), np.stack([special.erf(row) for row in x]))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_zeta_and_polygamma() -> None:
    x, q = np.meshgrid([1.0001, 1.5, 2, 3, 10, 50, 170], [1e-3, 0.1, 0.5, 1, 2, 10, 100, 1e5])
    np.testing.assert_allclose(gamma.zeta(x, q), scipy.special.zeta(x, q), rtol=2e-15)
    n, z = np.meshgrid([0.0, 1, 2, 3, 10, 20], [0.1, 0.5, 1, 3, 10, 100])
    np.testing.assert_allclose(
        gamma.polygamma(n, z), scipy.special.polygamma(n, z), rtol=1e-14, atol=1e-15
    )


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@given(st.floats(-40, -0.01).filter(lambda q: abs(q - round(q)) > 1e-3), st.integers(2, 8))
def test_zeta_left_of_zero_satisfies_its_recurrence(q: float, x: int) -> None:
    """ζ(x, q) = ζ(x, q + 1) + q⁻ˣ, where powers of negative numbers are whole."""
    order, at = np.array(float(x)), np.array(q)
    left, right = gamma.zeta(order, at), gamma.zeta(order, at + 1) + at**-order
    np.testing.assert_allclose(left, right, rtol=1e-12, atol=1e-12 * abs(q) ** -x)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@given(st.floats(0.05, 50))
def test_the_gamma_family_fits_together(x: float) -> None:
    at = np.array(x)
    np.testing.assert_allclose(
        gamma.lgamma(at + 1), gamma.lgamma(at) + np.log(at), rtol=1e-13, atol=1e-13
    )
    np.testing.assert_allclose(
        gamma.digamma(at + 1), gamma.digamma(at) + 1 / at, rtol=1e-13, atol=1e-13
    )
    trigamma = gamma.polygamma(np.array(1.0), at)
    step = (gamma.digamma(at + 1e-4) - gamma.digamma(at - 1e-4)) / 2e-4
    np.testing.assert_allclose(trigamma, step, rtol=1e-4)


def test_the_kernel_of_inverse_sine_and_cosine() -> None:
    z = sample((60,), "complex128")
    w = asin_acos_kernel(z)
    arcsine = np.arctan2(z.real, w.real) + 1j * np.sign(z.imag) * w.imag
    arccosine = np.arctan2(w.real, z.real) - 1j * np.sign(z.imag) * w.imag
    np.testing.assert_allclose(arcsine, np.arcsin(z), rtol=1e-13)
    np.testing.assert_allclose(arccosine, np.arccos(z), rtol=1e-13)


# --- CHLO's broadcasting ---

INTEGER = ("and", "or", "xor", "shift_left", "shift_right_arithmetic", "shift_right_logical")
FORMULAS: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "and": np.bitwise_and,
    "atan2": np.arctan2,
    "compare": np.less,
    "complex": lambda x, y: (x + 1j * y).astype(np.complex64),
    "divide": np.divide,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "multiply": np.multiply,
    "next_after": np.nextafter,
    "or": np.bitwise_or,
    "polygamma": lambda x, y: scipy.special.polygamma(x, y).astype(np.float32),
    "power": np.power,
    "remainder": np.fmod,
    "shift_left": np.left_shift,
    "shift_right_arithmetic": np.right_shift,
    "shift_right_logical": np.right_shift,
    "subtract": np.subtract,
    "xor": np.bitwise_xor,
    "zeta": lambda x, y: scipy.special.zeta(x + 2, y).astype(np.float32),
}


def test_the_table_below_is_complete() -> None:
    assert {f"chlo.broadcast_{name}" for name in FORMULAS} == set(PLAIN) - {"chlo.broadcast_select"}


@pytest.mark.parametrize("name", list(FORMULAS))
@pytest.mark.parametrize("placed", [False, True])
def test_broadcasting_op(name: str, placed: bool) -> None:
    kind = "i32" if name in INTEGER else "f32"
    of = np.int32 if name in INTEGER else np.float32
    x = np.arange(1, 7).reshape(2, 3).astype(of)
    y = np.arange(1, 3 if placed else 4).astype(of)
    column = y[:, None] if placed else y
    left = x + 2 if name == "zeta" else x
    result = {"compare": "i1", "complex": "complex<f32>"}.get(name, kind)
    facts = ["broadcast_dimensions = array<i64: 0>"] if placed else []
    if name == "compare":
        facts.append("comparison_direction = #chlo<comparison_direction LT>")
    types = f"(tensor<2x3x{kind}>, tensor<{y.size}x{kind}>) -> tensor<2x3x{result}>"
    text = f"""func.func @main(%x: tensor<2x3x{kind}>, %y: tensor<{y.size}x{kind}>)
        -> tensor<2x3x{result}> {{
      %0 = "chlo.broadcast_{name}"(%x, %y) {{{", ".join(facts)}}} : {types}
      return %0 : tensor<2x3x{result}> }}"""
    same(run(text, left, y)[0], FORMULAS[name](x, column), 1e-6)


def test_broadcasting_select() -> None:
    text = """func.func @main(%p: tensor<3xi1>, %x: tensor<2x1xf32>, %y: tensor<f32>) -> tensor<2x3xf32> {
      %0 = chlo.broadcast_select %p, %x, %y : (tensor<3xi1>, tensor<2x1xf32>, tensor<f32>) -> tensor<2x3xf32>
      return %0 : tensor<2x3xf32> }"""
    p, x, y = np.array([True, False, True]), sample((2, 1), "float32"), np.array(5, np.float32)
    same(run(text, p, x, y)[0], np.where(p, x, y))
