"""Ties, zeros and ends of domains: there JAX's convention is the rule, but for |x| at 0."""

import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from tests.transforms.harness import Case, Derived, check_convention

INF, NAN = np.inf, np.nan
ENDS = np.array([-1.0, 0.0, -0.0, 1.0, INF, -INF, 0.5])
PAIRS = np.array([[0.0, 2.0], [2.0, 0.0], [0.0, 1.0], [1.0, 1.0], [-2.0, 2.0]]).T
TIES = np.array([1.0, 3.0, 3.0, 2.0, 3.0, -1.0])
NAMES = "acos asin asinh atan atanh cbrt cos erf erfc erf_inv exp expm1 log log1p"
NAMES += " rsqrt sin sinh sqrt square tan tanh bessel_i1e digamma lgamma sign floor ceil round"


LOGISTIC = """
func.func public @main(%x: tensor<7xf64>) -> tensor<7xf64> {
  %0 = stablehlo.logistic %x : tensor<7xf64>
  return %0 : tensor<7xf64>
}"""


def points(name, function, *inputs, jax=True):
    return Case(name, function, inputs, numeric=False, order=1, tolerance=1e-9, jax=jax)


def pooled(window, strides):
    return lambda x: lax.reduce_window(x, -INF, lax.max, window, strides, "SAME")


CASES = [
    *(points(name, getattr(lax, name), ENDS) for name in NAMES.split()),
    *(
        points(name, getattr(lax, name), *PAIRS)
        for name in ("pow", "atan2", "max", "min", "div", "rem")
    ),
    points("acosh", lax.acosh, np.array([1.0, 2.0, INF])),
    points("logistic", LOGISTIC, ENDS, jax=lax.logistic),
    points("abs of complex", lax.abs, np.array([0j, 1 + 1j, -2j])),
    points("integer powers", lambda x: x**2 + x**3, np.array([0.0, -1.0])),
    points("power of 0", lambda x: jnp.power(x, 2.0), np.array([0.0, -1.0, 2.0])),
    points("clamp at its bounds", lambda x: lax.clamp(0.0, x, 1.0), np.array([0.0, 1.0, 0.5, 2])),
    points("relu", lambda x: jnp.maximum(x, 0.0), np.array([-1.0, 0.0, 1.0])),
    points("max of ties", lambda x: jnp.max(x), TIES),
    points("min of ties", lambda x: jnp.min(x.reshape(2, 3), 1), np.array([1.0, 1, 2, 3, 3, 3])),
    points("max pool of ties", pooled((3,), (1,)), TIES),
    points("max pool of zeros", pooled((2, 2), (2, 2)), np.zeros((4, 4))),
    points("cummax of ties", lambda x: lax.cummax(x), TIES),
    points("prod of zeros", lambda x: jnp.prod(x), np.array([0.0, 2.0, 0.0])),
    points("sort of ties", lambda x, y: lax.sort((x, y), num_keys=1), TIES, np.arange(6.0)),
    points("top_k of ties", lambda x: lax.top_k(x, 2)[0], TIES),
    *(
        points(
            f"scatter {kind} of ties",
            lambda x, u, kind=kind: getattr(x.at[np.array([0, 0, 1])], kind)(u),
            np.array([2.0, 5.0, 1.0]),
            np.array([2.0, 2.0, 5.0]),
        )
        for kind in ("max", "min", "set")
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_convention(case):
    with np.errstate(all="ignore"):
        check_convention(case)


def test_abs_of_zero():
    # JAX gives 1; with the mean of both sides, max(x, 0) is (x + |x|) / 2 in its slopes as well.
    case = points("abs", lax.abs, ENDS)

    (found,) = Derived(case).reverse(case.inputs, [np.ones(7)])

    np.testing.assert_array_equal(found, np.sign(ENDS))


def test_power_of_zero():
    # JAX gives NaN for 0⁰; with y = 0 held constant, x⁰ is 1 all around.
    case = points("pow", lax.pow, np.array([0.0, 0.0]), np.array([0.0, 1.0]))
    derived = Derived(case)

    by_x, by_y = derived.reverse(case.inputs, [np.ones(2)])

    np.testing.assert_array_equal(by_x, [0.0, 1.0])
    np.testing.assert_array_equal(by_y, [0.0, 0.0])
