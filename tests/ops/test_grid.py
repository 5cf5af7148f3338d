"""Every function of a kind on one grid of shapes, axes and types, values and gradients, against JAX.

The other tables try what is peculiar to a function; this one what all of a kind have in common:
scalars, no elements, broadcasting, axes from either end, narrow types.
"""

import jax
import numpy as np
import pytest

from tests.ops import test_elementwise as elementwise
from tests.ops.harness import BFLOAT16, Case, check, integers, normal, positive

SHAPES = ((), (0, 3), (2, 1, 3))
PAIRS = (((3, 1), (4,)), ((), (2, 3)), ((0, 3), (1, 3)), ((2, 1, 3), (4, 1)), ((1, 1), ()))
NARROW = ("float16", BFLOAT16)
BINARY = (
    "add subtract multiply divide maximum minimum pow atan2 hypot logaddexp copysign fmod "
    "floor_divide remainder xlogy heaviside nextafter equal not_equal less less_equal greater "
    "greater_equal logical_and logical_or logical_xor isclose"
).split()
NOT_IN_NARROW = ("nextafter",)
ALONG = (
    "cumsum cumprod cummax cummin cumlogsumexp sort argsort flip diff softmax log_softmax"
).split()


def _unary(name):
    """A function of every shape."""
    values = elementwise.DOMAIN.get(name, elementwise.REAL).ravel()
    inputs = [np.resize(values, shape).astype(np.float32) for shape in SHAPES]
    function = elementwise.named(name)
    call, reference = function["call"], function["reference"] or function["call"]
    return Case(
        name,
        lambda np, *xs: [call(np, x) for x in xs],
        tuple(inputs),
        looser=5,
        reference=lambda np, *xs: [reference(np, x) for x in xs],
    )


def _binary(name):
    """A function of all pairs of shapes."""
    inputs = [
        positive(*shape, seed=i + j) for i, pair in enumerate(PAIRS) for j, shape in enumerate(pair)
    ]
    return Case(name, _paired(name), tuple(inputs), looser=5, **_facts(name))


def _narrow(name, dtype):
    """A function of two narrow operands."""
    inputs = (positive(3, 1, dtype=dtype), positive(4, seed=1, dtype=dtype))
    return Case(f"{name} of {np.dtype(dtype)}", _paired(name), inputs, looser=3, **_facts(name))


def _paired(name):
    def call(np, *xs):
        return [getattr(np, name)(a, b) for a, b in zip(xs[::2], xs[1::2], strict=True)]

    return call


def _facts(name):
    reference = None
    if name == "xlogy":

        def reference(np, *xs):
            return [jax.scipy.special.xlogy(a, b) for a, b in zip(xs[::2], xs[1::2], strict=True)]

    return {"gradient": name not in ("nextafter", "heaviside"), "reference": reference}


def _along(name):
    """A function along each axis of a matrix, of one without elements and of a vector."""

    def every(function, *xs):
        return [function(x, axis) for x in xs for axis in (*range(x.ndim), -1)]

    def call(np, *xs):
        from slopec.nn import functional

        if name in ("softmax", "log_softmax"):
            return every(getattr(functional, name), *xs)
        return every(lambda x, axis: getattr(np, name)(x, axis=axis), *xs)

    def reference(np, *xs):
        def function(x, axis):
            if name in ("softmax", "log_softmax"):
                return getattr(jax.nn, name)(x, axis)
            if name in ("cummax", "cummin", "cumlogsumexp"):
                return getattr(jax.lax, name)(x, axis % x.ndim)
            found = getattr(np, name)(x, axis=axis)
            return found.astype("int32") if name == "argsort" else found

        return every(function, *xs)

    return Case(name, call, (normal(3, 4), normal(2, 0), normal(5)), looser=3, reference=reference)


CASES = (
    *(_unary(name) for name in elementwise.UNARY),
    *(_binary(name) for name in BINARY),
    *(_narrow(name, dtype) for name in BINARY if name not in NOT_IN_NARROW for dtype in NARROW),
    *(_along(name) for name in ALONG),
    Case("integers", lambda np, x, y: [np.add(x, y), np.bitwise_xor(x, y)], (integers(3, 1), integers(4))),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_grid(case):
    check(case, CASES)
