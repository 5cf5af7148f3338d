"""Elementwise ops against XLA: every op on every type it takes, edge values included."""

import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from tests.reference.harness import (
    COMPLEX,
    FLOATS,
    SIGNED,
    UNSIGNED,
    Group,
    dtype,
    sample,
)

FLOAT8 = ("float8_e4m3fn", "float8_e5m2")

EDGES = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, -1.5, 2.5, -2.5, 0.49999997, 3.7, -3.7, 1e-3, 30.0]
INFINITE = [np.inf, -np.inf, np.nan]


def floats(name: str) -> np.ndarray:
    edges = np.array(EDGES + INFINITE).astype(dtype(name))
    return np.concatenate([edges, sample((40,), name)])


def integers(name: str) -> np.ndarray:
    info = np.iinfo(dtype(name))
    edges = np.array([0, 1, 2, 3, 7, info.max, info.min, info.max - 1, info.min + 1])
    return np.concatenate([edges.astype(dtype(name)), sample((20,), name)])


def pairs(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every value with every other."""
    left, right = np.meshgrid(values, values)
    return left.ravel(), right.ravel()


UNARY_FLOAT = """abs neg sign floor ceil exp exp2 expm1 log log1p sqrt rsqrt cbrt logistic
sin cos tan tanh asin acos atan sinh cosh asinh acosh atanh is_finite square
erf erfc erf_inv lgamma digamma bessel_i1e""".split()
BINARY_FLOAT = "add sub mul div rem pow max min atan2 nextafter eq ne lt le gt ge".split()
BINARY_INTEGER = """add sub mul div rem max min mulhi bitwise_and bitwise_or bitwise_xor
shift_left shift_right_logical shift_right_arithmetic eq ne lt le gt ge""".split()
UNARY_COMPLEX = """abs neg sign exp expm1 log log1p sqrt rsqrt logistic sin cos tan tanh
asin acos atan sinh cosh asinh acosh atanh real imag conj square""".split()
UNARY_INTEGER = "bitwise_not population_count clz sign".split()
BINARY_BOOLEAN = "bitwise_and bitwise_or bitwise_xor eq ne lt le gt ge max min".split()
BINARY_COMPLEX = "add sub mul div pow eq ne".split()

NOT_FLOAT8 = "erf erfc erf_inv lgamma digamma bessel_i1e exp2 nextafter pow atan2".split()
"""What XLA does not compile for 8-bit floats."""

# XLA's own approximations are coarser than the type's precision.
COARSE = {
    ("lgamma", "float32"): 2e-5,
    ("lgamma", "float64"): 1e-12,
    ("digamma", "float32"): 2e-4,
    ("digamma", "float64"): 1e-11,
    ("erf_inv", "float32"): 2e-5,
    ("erf_inv", "float64"): 1e-11,
    ("tan", "complex64"): 1e-4,
}


def of_floats(name: str) -> Group:
    group = Group()
    values = floats(name)
    left, right = pairs(values[:24])
    left_out = NOT_FLOAT8 if name in FLOAT8 else []
    for op in UNARY_FLOAT:
        if op not in left_out:
            group.add(op, getattr(lax, op), values)
    for op in BINARY_FLOAT:
        if op not in left_out:
            group.add(op, getattr(lax, op), left, right)
    group.add("round_afz", lambda x: lax.round(x, lax.RoundingMethod.AWAY_FROM_ZERO), values)
    group.add("round_even", lambda x: lax.round(x, lax.RoundingMethod.TO_NEAREST_EVEN), values)
    group.add("clamp", lax.clamp, dtype(name).type(-1), values, dtype(name).type(2))
    group.add("select", lax.select, left > right, left, right)
    return group


def of_integers(name: str) -> Group:
    group = Group()
    values = integers(name)
    left, right = pairs(values)
    for op in BINARY_INTEGER:
        group.add(op, getattr(lax, op), left, right)
    for op in UNARY_INTEGER + (["abs", "neg"] if name in SIGNED else []):
        group.add(op, getattr(lax, op), values)
    group.add("cube", lambda x: lax.integer_pow(x, 3), values)
    return group


def of_complex(name: str) -> Group:
    group = Group()
    values = sample((30,), name, scale=1.0)
    values = np.concatenate([values, np.array([0, 1, -1, 1j, -1j, 1e-8, 2], values.dtype)])
    for op in UNARY_COMPLEX:
        safe = values[values != 0] if op in ("rsqrt", "sign") else values
        safe = safe[np.abs(np.abs(safe) - 1) > 1e-6] if op in ("atanh", "atan") else safe
        group.add(op, getattr(lax, op), safe)
    left, right = pairs(values[:20])
    for op in BINARY_COMPLEX:
        group.add(op, getattr(lax, op), left, right)
    group.add("complex", lax.complex, values.real, values.imag)
    return group


def of_booleans() -> Group:
    group = Group()
    left, right = pairs(np.array([False, True]))
    for op in BINARY_BOOLEAN:
        group.add(op, getattr(lax, op), left, right)
    group.add("bitwise_not", lax.bitwise_not, left)
    group.add("add", jnp.add, left, right)
    group.add("multiply", jnp.multiply, left, right)
    group.add("select", lax.select, left, left, right)
    return group


with np.errstate(all="ignore"):
    GROUPS = {name: of_floats(name) for name in (*FLOATS, *FLOAT8)}
    GROUPS |= {name: of_integers(name) for name in (*SIGNED, *UNSIGNED)}
    GROUPS |= {name: of_complex(name) for name in COMPLEX}
    GROUPS["bool"] = of_booleans()


@pytest.mark.parametrize(
    ("name", "op"), [(name, op) for name, group in GROUPS.items() for op in group.cases]
)
def test_op_agrees_with_xla(name: str, op: str) -> None:
    GROUPS[name].check(op, COARSE.get((op, name)))
