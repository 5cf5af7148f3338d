"""Convolutions in groups, of one and of three dimensions, and their gradients, equal JAX's."""

import re

import jax
import numpy as np
from jax import export, lax

import slopec as sp
from slopec.build import OPTIMIZE, transform
from tests.kernels.run import ON_X86, placed

ORDERS = {1: ("NCH", "OIH", "NCH"), 2: ("NHWC", "HWIO", "NHWC"), 3: ("NCDHW", "OIDHW", "NCDHW")}
LINES = (
    # x, weights, strides, padding, dilation
    ((3, 20, 70), (33, 20, 9), (1,), "SAME", (1,)),
    ((2, 9, 101), (40, 9, 4), (3,), "VALID", (1,)),
    ((1, 1, 400), (65, 1, 10), (5,), "SAME", (1,)),
    ((2, 16, 50), (24, 16, 5), (2,), ((7, 4),), (1,)),
    ((2, 16, 60), (24, 16, 3), (1,), "SAME", (4,)),
    ((2, 1, 90), (1, 1, 41), (1,), "SAME", (1,)),
)
VOLUMES = (
    ((2, 8, 5, 9, 11), (24, 8, 3, 3, 3), (1, 1, 1), "SAME", (1, 1, 1)),
    ((1, 8, 9, 8, 10), (16, 8, 3, 2, 3), (2, 2, 1), "VALID", (1, 1, 1)),
    ((1, 8, 9, 8, 10), (16, 8, 2, 3, 3), (1, 1, 1), ((1, 2), (0, 1), (1, 1)), (2, 1, 2)),
)
GROUPS = (
    ((2, 10, 11, 12), (3, 3, 4, 30), (1, 1), "SAME", (1, 1)),
    ((3, 9, 8, 32), (3, 2, 16, 16), (2, 1), "VALID", (1, 2)),
    ((2, 24, 40), (24, 6, 5), (1,), "SAME", (1,)),
    ((1, 32, 20), (32, 8, 31), (1,), "SAME", (1,)),
)


def groups_of(x, w):
    """How often the features that a kernel takes go into those of the image."""
    given, taken, _ = ORDERS[x.ndim - 2]
    return x.shape[given.index("C")] // w.shape[taken.index("I")]


def convolved(cases):
    """All of some convolutions, and the gradients of what makes every result matter."""

    def each(pairs):
        return [
            lax.conv_general_dilated(
                x,
                w,
                strides,
                padding,
                rhs_dilation=dilation,
                dimension_numbers=ORDERS[x.ndim - 2],
                feature_group_count=groups_of(x, w),
            )
            for (x, w), (_, _, strides, padding, dilation) in zip(pairs, cases, strict=True)
        ]

    def f(pairs):
        slopes = jax.grad(lambda pairs: sum((y * y).sum() for y in each(pairs)))(pairs)
        return each(pairs), slopes

    return f


def check(cases):
    rng = np.random.default_rng(0)
    pairs = [
        tuple(rng.standard_normal(shape).astype(np.float32) for shape in case[:2]) for case in cases
    ]
    f = jax.jit(convolved(cases))
    ours = sp.from_stablehlo(export.export(f)(pairs).mlir_module())
    results = sp.jit(ours)(*jax.tree.leaves(pairs))
    for got, exact in zip(results, jax.tree.leaves(f(pairs)), strict=True):
        np.testing.assert_allclose(got, exact, rtol=1e-4, atol=1e-5 * np.abs(exact).max())


@ON_X86
def test_groups_with_windows_longer_than_the_result_are_products():
    by_hand = OPTIMIZE.replace("contract-convolutions", "contract-convolutions{hand-written}")
    f = sp.jit(lambda x, w: sp.conv1d(x, w, padding=15, groups=4))
    module = f.lower(sp.zeros((1, 32, 20)), sp.zeros((32, 8, 31)))
    transform(module, pipeline=by_hand)
    (called,) = re.findall(r"flow.dispatch @\w+::@slopec_(\w+)", placed(module))
    assert called.count("matmul_20x8x248_f32_nn_by8") == 4


@ON_X86
def test_lines_and_their_gradients():
    check(LINES)


@ON_X86
def test_volumes_and_their_gradients():
    check(VOLUMES)


@ON_X86
def test_groups_and_their_gradients():
    check(GROUPS)
