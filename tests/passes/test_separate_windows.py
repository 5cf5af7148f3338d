"""Poolings with results alike begin with different tensors, and are still poolings."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import slopec as sp
from slopec import ir
from slopec.passes.separate_windows import SeparateWindows
from tests.transforms.harness import lower

rng = np.random.default_rng(0)
IMAGE = rng.standard_normal((1, 20, 20, 128)).astype("float32")
KERNEL = rng.standard_normal((1, 1, 128, 128)).astype("float32") * 0.1


def pooled(x, size, step=1, pads=None, fold=lax.max, first=-jnp.inf, apart=1):
    pads = [(0, 0), *[pads or (size // 2, size // 2)] * 2, (0, 0)]
    window, steps, gaps = (1, size, size, 1), (1, step, step, 1), (1, apart, apart, 1)
    return lax.reduce_window(x, jnp.asarray(first, x.dtype), fold, window, steps, pads, None, gaps)


def convolved(x, kernel):
    dims = ("NHWC", "HWIO", "NHWC")
    return lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=dims)


def chain(x, kernel):
    """What detectors make of their last feature map."""
    x = convolved(x, kernel)
    a = pooled(x, 5)
    b = pooled(a, 5)
    every = jnp.concatenate([x, a, b, pooled(b, 5)], -1)
    return convolved(every, jnp.concatenate([kernel] * 4, 2))


def branches(x, kernel):
    """Two poolings before several convolutions, as where Inception begins a stage."""
    x = pooled(jnp.concatenate([x, x], 1), 3, 2, (0, 1))
    return convolved(pooled(x, 3), kernel), convolved(x, kernel)


def others(x, kernel):
    """Sums that begin with a number, products, gaps between the elements of a window, integers."""
    sums = [pooled(y, 3, 1, (0, 0), lax.add, 2.0) for y in (x, -x)]
    apart = pooled(x, 3), pooled(-x, 3, 1, (2, 2), apart=2)
    products = [pooled(y, 2, 1, (0, 1), lax.mul, 1.0) for y in (x, -x)]
    whole = [pooled((y * 9).astype("int32"), 3, fold=lax.min, first=7) for y in (x, -x)]
    return *sums, *apart, *products, *whole


PROGRAMS = {f.__name__: f for f in (chain, branches, others)}


@pytest.mark.parametrize("name", PROGRAMS)
def test_results(name):
    function = PROGRAMS[name]
    imported = sp.from_stablehlo(lower(function, IMAGE, KERNEL))
    found = jax.tree.leaves(sp.jit(imported)(IMAGE, KERNEL))
    for value, wanted in zip(found, jax.tree.leaves(jax.jit(function)(IMAGE, KERNEL)), strict=True):
        np.testing.assert_allclose(value.numpy(), wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("function", "left"), [(chain, 1), (branches, 1), (others, 4)])
def test_the_first_of_those_alike_stays(function, left):
    module = ir.parse(lower(function, IMAGE, KERNEL))
    SeparateWindows().run(module)
    ir.verify(module)
    assert len(ir.ops_in(module, "stablehlo.reduce_window")) == left


def test_long_windows_stay():
    module = ir.parse(lower(lambda x: (jnp.cumsum(x, 1), jnp.cumsum(-x, 1)), IMAGE[:, :, :, 0]))
    before = len(ir.ops_in(module, "stablehlo.reduce_window"))
    SeparateWindows().run(module)
    assert len(ir.ops_in(module, "stablehlo.reduce_window")) == before
