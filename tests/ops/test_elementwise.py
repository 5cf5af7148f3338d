"""Functions of elements: every one against JAX, with broadcasting, and in every type it takes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import slopec as sp
from tests.ops.harness import BFLOAT16, Case, check, integers, normal, positive

UNIFORM = np.linspace(-0.95, 0.95, 12, dtype=np.float32).reshape(3, 4)
REAL = normal(3, 4)
PLUS = positive(3, 4)

# Where a function is smooth and defined, so that its derivative can be compared too.
DOMAIN = {
    **dict.fromkeys("acos asin atanh erfinv".split(), UNIFORM),
    **dict.fromkeys("acosh".split(), PLUS + 0.7),
    **dict.fromkeys("log log2 log10 sqrt rsqrt reciprocal digamma lgamma".split(), PLUS),
}
IN_JAX = {
    "bessel_i1e": jax.scipy.special.i1e,
    "digamma": jax.scipy.special.digamma,
    "erf": jax.scipy.special.erf,
    "erfc": jax.scipy.special.erfc,
    "erfinv": jax.scipy.special.erfinv,
    "lgamma": jax.scipy.special.gammaln,
    "relu": jax.nn.relu,
    "rsqrt": jax.lax.rsqrt,
    "sigmoid": jax.nn.sigmoid,
}
UNARY = (
    "abs acos acosh angle asin asinh atan atanh bessel_i1e cbrt ceil conj cos cosh deg2rad digamma "
    "erf erfc erfinv exp exp2 expm1 floor imag lgamma log log10 log1p log2 negative positive "
    "rad2deg real reciprocal relu round rsqrt sigmoid sign sin sinc sinh sqrt square tan tanh trunc "
    "isfinite isinf isnan signbit logical_not nan_to_num"
).split()
COMPLEX = (
    "abs acos acosh angle asin asinh atan atanh conj cos cosh exp expm1 imag log log1p negative "
    "real reciprocal sin sinh sqrt square tan tanh isfinite isinf isnan"
).split()
KEEPS_INTEGERS = "abs ceil floor negative positive real round sign square trunc".split()


def named(name, **options):
    return {
        "gradient": name not in ("nextafter", "heaviside"),
        "call": lambda np, *xs: getattr(np, name)(*xs),
        "reference": (lambda np, *xs: IN_JAX[name](*xs)) if name in IN_JAX else None,
        **options,
    }


UNARY_CASES = tuple(
    [Case(name, inputs=(DOMAIN.get(name, REAL),), looser=5, **named(name)) for name in UNARY]
    + [
        Case(f"{name} of {dtype}", inputs=(DOMAIN.get(name, REAL).astype(dtype),), **named(name))
        for name in ("exp", "sqrt", "sin", "erf", "tanh", "abs", "floor", "sigmoid", "relu")
        for dtype in ("float16", BFLOAT16)
    ]
    + [
        Case(f"{name} of {dtype}", inputs=(integers(5, low=0, dtype=dtype),), **named(name))
        for name in (*KEEPS_INTEGERS, "exp", "isnan")
        for dtype in ("int8", "int32", "uint16")
        if not (name == "negative" and dtype == "uint16")
    ]
    + [
        Case(
            f"{name} of complex64",
            inputs=(normal(3, 4, dtype="complex64"),),
            looser=20,
            **named(name),
        )
        for name in COMPLEX
    ]
    + [Case(f"{name} of nothing", inputs=(normal(0, 3),), **named(name)) for name in ("exp", "abs")]
)


@pytest.mark.parametrize("case", UNARY_CASES, ids=str)
def test_unary(case):
    check(case, UNARY_CASES)


SHAPES = [((3, 4), (3, 4)), ((3, 1), (4,)), ((), (2, 3)), ((2, 1, 3), (4, 1)), ((0, 3), (1, 3))]
BINARY = (
    "add subtract multiply divide floor_divide remainder pow maximum minimum atan2 hypot logaddexp "
    "copysign fmod heaviside nextafter xlogy"
).split()
IN_JAX |= {"xlogy": jax.scipy.special.xlogy, "nextafter": jnp.nextafter}
COMPARE = "equal not_equal less less_equal greater greater_equal isclose".split()
BITS = "bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift".split()
LOGICAL = "logical_and logical_or logical_xor".split()


def pair(a, b, dtype="float32", other=None):
    first = positive(*a, seed=1) if dtype == "float32" else integers(*a, low=1, dtype=dtype)
    return first, np.asarray(positive(*b, seed=2) * 1.37).astype(other or dtype)


BINARY_CASES = tuple(
    [
        Case(f"{name} {a} {b}", inputs=pair(a, b), looser=2, **named(name))
        for name in BINARY
        for a, b in (SHAPES if name in ("add", "multiply", "pow") else SHAPES[1:2])
    ]
    + [
        Case(f"{name} of {a} and {b}", inputs=pair((3, 1), (4,), a, b), **named(name))
        for name in ("add", "multiply", "maximum", "divide", "subtract")
        for a, b in (
            *(("int32", "int8"), ("uint8", "int8"), ("int32", "float16"), ("float32", "bool")),
            *(("int32", "int32"), ("int16", "float32"), ("uint8", "uint16")),
        )
    ]
    + [
        Case(f"{name} signs of {dtype}", inputs=(normal(40, dtype=dtype) - 1, low), **named(name))
        for name in ("floor_divide", "remainder", "fmod")
        for dtype, low in (
            ("int32", np.int32(3) - 6),
            ("int32", np.array([2, -3] * 20, np.int32)),
            ("float32", np.array([0.7, -0.4] * 20, np.float32)),
        )
        if not (name == "fmod" and dtype == "float32")
    ]
    + [
        Case(f"{name} of {a}", inputs=pair((3, 1), (4,), a), **named(name))
        for name in COMPARE
        for a in ("float32", "int8")
    ]
    + [
        Case(f"{name} of {a}", inputs=pair((3, 1), (4,), a), **named(name))
        for name in BITS
        for a in ("int32", "uint8")
    ]
    + [
        Case(
            f"{name} of {a}", inputs=(normal(9, dtype=a), normal(9, seed=3, dtype=a)), **named(name)
        )
        for name in LOGICAL
        for a in ("int32", "bool", "float32")
    ]
    + [
        Case(
            f"{name} of bool",
            inputs=(normal(9, dtype="bool"), normal(9, seed=3, dtype="bool")),
            **named(name),
        )
        for name in ("add", "multiply", "maximum", "minimum", "equal", "bitwise_xor")
    ]
)


@pytest.mark.parametrize("case", BINARY_CASES, ids=str)
def test_binary(case):
    check(case, BINARY_CASES)


X, Y = normal(3, 4), normal(4, seed=1)
OTHER_CASES = (
    Case("where", lambda np, x, y: np.where(x > 0, x, y), (X, Y)),
    Case("where scalar", lambda np, x: np.where(x > 0, x, 0), (X,)),
    Case("where both scalars", lambda np, x: np.where(x > 0, 1.0, 0.0), (X,)),
    Case("where int and float", lambda np, c, x, y: np.where(c, x, y), (X > 0, integers(4), X)),
    Case("where broadcast condition", lambda np, c, x: np.where(c, x, -x), (Y > 0, X)),
    Case("clip", lambda np, x: np.clip(x, -0.5, 0.5), (X,)),
    Case("clip below", lambda np, x: np.clip(x, min=0.1), (X,)),
    Case("clip tensors", lambda np, x, y: np.clip(x, y - 1, y + 1), (X, Y)),
    Case("clip integers", lambda np, x: np.clip(x, -1, 2), (integers(9),)),
    Case("round decimals", lambda np, x: np.round(x, 1), (X,), gradient=False),
    Case("round tens", lambda np, x: np.round(x, decimals=-1), (30 * X,), gradient=False),
    Case("pow 2", lambda np, x: x**2, (X,)),
    Case("pow 3", lambda np, x: x**3, (X,)),
    Case("pow 0", lambda np, x: x**0, (X,)),
    Case("pow -2", lambda np, x: x**-2, (PLUS,)),
    Case("pow 7", lambda np, x: x**7, (X,), looser=3),
    Case("pow 0.5", lambda np, x: x**0.5, (PLUS,)),
    Case("pow -0.5", lambda np, x: x**-0.5, (PLUS,)),
    Case("pow 1.7", lambda np, x: x**1.7, (PLUS,)),
    Case("pow of scalar", lambda np, x: 2.5**x, (X,)),
    Case("pow integers", lambda np, x: x**3, (integers(6),)),
    Case("pow of integer tensors", lambda np, x, y: x**y, (integers(6), integers(6, low=0, seed=1))),
    Case("reflected", lambda np, x: 1 / (2 - x) + 3 * x - (1 + x), (PLUS + 3,)),
    Case("reflected integers", lambda np, x: (7 // x, 7 % x, 7 - x), (integers(6, low=1),)),
    Case("divmod", lambda np, x, y: np.divmod(x, y), (integers(9), integers(9, low=1, seed=1))),
    Case("sinc twice", lambda np, x: np.sinc(x), (np.float32([0.0, 1e-3, 0.5, 2.0]),)),
    Case("invert", lambda np, x, y: (~x, ~y), (integers(5), normal(5, dtype="bool"))),
    Case("hypot at 0", lambda np, x: np.hypot(x, 3.0), (np.float32([0.0, 1e-30, 1e30]),)),
    Case("logaddexp far", lambda np, x, y: np.logaddexp(x, y), (np.float32([-1e3, 50, -np.inf]), np.float32([1e3, 50, 1.0]))),
    Case("relu at 0", lambda np, x: (np.relu if hasattr(np, "relu") else jax.nn.relu)(x), (np.float32([-1, 0, 1]),)),
    Case("lerp", lambda np, x, y: np.lerp(x, y, 0.3), (X, Y), reference=lambda np, x, y: x + 0.3 * (y - x)),
    Case("zeta", lambda np, x: np.zeta(x, 2.0), (PLUS + 1.5,), gradient=False, reference=lambda np, x: jax.scipy.special.zeta(x, 2.0)),
    Case("polygamma", lambda np, x: np.polygamma(1, x), (PLUS,), looser=5, reference=lambda np, x: jax.scipy.special.polygamma(1, x)),
    Case("masked_fill", lambda np, x: np.masked_fill(x, x > 0, 7.0), (X,), reference=lambda np, x: np.where(x > 0, 7.0, x)),
    Case("xlogy at 0", lambda np, x, y: np.xlogy(x, y), (np.float32([0, 0, 2]), np.float32([0, 1, 2])), gradient=False, reference=lambda np, x, y: jax.scipy.special.xlogy(x, y)),
)  # fmt: skip


@pytest.mark.parametrize("case", OTHER_CASES, ids=str)
def test_other(case):
    check(case, OTHER_CASES)


@pytest.mark.parametrize("name", ["floor_divide", "remainder"])
def test_division_by_zero_and_infinity_is_as_in_numpy(name):
    x, y = np.float32([1, -1, 5, -5, 0]), np.float32([0, 0, np.inf, np.inf, 3])
    with np.errstate(all="ignore"):
        expected = getattr(np, name)(x, y)

    np.testing.assert_array_equal(getattr(sp, name)(sp.tensor(x), sp.tensor(y)).numpy(), expected)


def test_second_derivative_of_sinc_at_zero():
    second = sp.grad(sp.grad(sp.sinc))(sp.tensor(0.0))

    np.testing.assert_allclose(second.item(), -(np.pi**2) / 3, rtol=1e-4)


def test_isclose_knows_infinities_and_nan():
    x = sp.tensor([np.inf, np.inf, np.nan, 1.0])
    y = sp.tensor([np.inf, -np.inf, np.nan, np.inf])

    assert sp.isclose(x, y).tolist() == [True, False, False, False]
    assert sp.isclose(x, y, equal_nan=True).tolist() == [True, False, True, False]


def test_relu_keeps_nan():
    np.testing.assert_array_equal(sp.relu(sp.tensor([np.nan, -1.0])).numpy(), [np.nan, 0])


def test_logaddexp_of_infinities():
    x, y = sp.tensor([np.inf, -np.inf, np.inf]), sp.tensor([np.inf, -np.inf, 2.0])
    value, pull = sp.vjp(sp.logaddexp, x, y)
    slopes = pull(sp.ones(3))

    assert value.tolist() == [np.inf, -np.inf, np.inf]
    assert [s.tolist() for s in slopes] == [[0.5, 0.5, 1.0], [0.5, 0.5, 0.0]]
