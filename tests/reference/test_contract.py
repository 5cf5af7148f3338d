"""Contractions: dot_general, einsum, ragged_dot and convolution, against XLA and by definition."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax

from tests.reference.harness import Group, both, run, same, sample

DOTS = Group()
NUMBERS = {
    "matrix": ((3, 4), (4, 5), (((1,), (0,)), ((), ()))),
    "vector": ((4,), (4,), (((0,), (0,)), ((), ()))),
    "matrix vector": ((3, 4), (4,), (((1,), (0,)), ((), ()))),
    "transposed": ((4, 3), (5, 4), (((0,), (1,)), ((), ()))),
    "outer": ((3,), (5,), (((), ()), ((), ()))),
    "batch": ((2, 3, 4), (2, 4, 5), (((2,), (1,)), ((0,), (0,)))),
    "inner batch": ((3, 2, 4), (4, 5, 2), (((2,), (0,)), ((1,), (2,)))),
    "two contracted": ((3, 4, 2), (2, 5, 4), (((1, 2), (2, 0)), ((), ()))),
    "two batches": ((2, 3, 4, 5), (3, 5, 2, 6), (((3,), (1,)), ((0, 1), (2, 0)))),
    "empty sum": ((3, 0), (0, 5), (((1,), (0,)), ((), ()))),
    "empty": ((0, 4), (4, 5), (((1,), (0,)), ((), ()))),
}
for _name, (_left, _right, _numbers) in NUMBERS.items():
    for _dtype in (
        "float32",
        "float64",
        "bfloat16",
        "float16",
        "int32",
        "int8",
        "uint16",
        "complex64",
    ):
        DOTS.add(
            f"{_name} {_dtype}",
            partial(lax.dot_general, dimension_numbers=_numbers),
            sample(_left, _dtype, 1),
            sample(_right, _dtype, 2),
        )
for _from, _to in [("bfloat16", "float32"), ("int8", "int32"), ("float16", "float32")]:
    DOTS.add(
        f"{_from} to {_to}",
        partial(
            lax.dot_general,
            dimension_numbers=(((1,), (0,)), ((), ())),
            preferred_element_type=_to,
        ),
        sample((3, 40), _from, 1),
        sample((40, 5), _from, 2),
    )
DOTS.add(
    "repeated rows",
    lambda x, y: jnp.broadcast_to(x, (6, 4)) @ jnp.broadcast_to(y, (4, 7)),
    sample((4,), "float32", 1),
    sample((7,), "float32", 2),
)


@pytest.mark.parametrize("name", list(DOTS.cases))
def test_dot(name: str) -> None:
    DOTS.check(name, 1e-5 if name.endswith(("float32", "complex64")) else None)


def test_old_spellings() -> None:
    text = """func.func @main(%x: tensor<2x3xf32>, %y: tensor<3x4xf32>)
        -> (tensor<2x4xf32>, tensor<2x4xf32>, tensor<3xf32>) {
      %0 = stablehlo.dot %x, %y : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
      %1 = "stablehlo.einsum"(%x, %y) {einsum_config = "ij,jk->ik"}
        : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
      %2 = "stablehlo.unary_einsum"(%x) {einsum_config = "ij->j"} : (tensor<2x3xf32>) -> tensor<3xf32>
      return %0, %1, %2 : tensor<2x4xf32>, tensor<2x4xf32>, tensor<3xf32> }"""
    x, y = sample((2, 3), "float32"), sample((3, 4), "float32")
    for ours, theirs in zip(run(text, x, y), (x @ y, x @ y, x.sum(0)), strict=True):
        same(ours, theirs)


def test_ragged_dot_over_a_free_dimension() -> None:
    x, y = sample((7, 4), "float32", 1), sample((2, 4, 3), "float32", 2)
    sizes = np.array([3, 2], np.int32)
    text = """func.func @main(%x: tensor<7x4xf32>, %y: tensor<2x4x3xf32>, %n: tensor<2xi32>)
        -> tensor<7x3xf32> {
      %0 = "chlo.ragged_dot"(%x, %y, %n) {ragged_dot_dimension_numbers = #chlo.ragged_dot<
        lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [1],
        lhs_ragged_dimensions = [0], rhs_group_dimensions = [0]>}
        : (tensor<7x4xf32>, tensor<2x4x3xf32>, tensor<2xi32>) -> tensor<7x3xf32>
      return %0 : tensor<7x3xf32> }"""
    expected = np.concatenate([x[:3] @ y[0], x[3:5] @ y[1], np.zeros((2, 3), np.float32)])
    same(run(text, x, y, sizes)[0], expected, 1e-5)


def test_ragged_dot_over_a_contracted_dimension() -> None:
    x, y = sample((7, 4), "float32", 1), sample((7, 3), "float32", 2)
    sizes = np.array([3, 4], np.int32)
    text = """func.func @main(%x: tensor<7x4xf32>, %y: tensor<7x3xf32>, %n: tensor<2xi32>)
        -> tensor<2x4x3xf32> {
      %0 = "chlo.ragged_dot"(%x, %y, %n) {ragged_dot_dimension_numbers = #chlo.ragged_dot<
        lhs_contracting_dimensions = [0], rhs_contracting_dimensions = [0],
        lhs_ragged_dimensions = [0]>}
        : (tensor<7x4xf32>, tensor<7x3xf32>, tensor<2xi32>) -> tensor<2x4x3xf32>
      return %0 : tensor<2x4x3xf32> }"""
    same(run(text, x, y, sizes)[0], np.stack([x[:3].T @ y[:3], x[3:].T @ y[3:]]), 1e-5)


# --- convolution ---

CONVOLUTIONS = Group()
NCHW, NHWC = ("NCHW", "OIHW", "NCHW"), ("NHWC", "HWIO", "NHWC")
VARIANTS: dict[str, tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = {
    "plain": ((2, 3, 6, 7), (4, 3, 3, 2), {"dimension_numbers": NCHW}),
    "nhwc": ((2, 6, 7, 3), (3, 2, 3, 4), {"dimension_numbers": NHWC}),
    "same": ((2, 6, 7, 3), (3, 3, 3, 4), {"dimension_numbers": NHWC, "padding": "SAME"}),
    "strided": (
        (2, 6, 7, 3),
        (3, 3, 3, 4),
        {"dimension_numbers": NHWC, "padding": [(2, 1), (0, 3)], "window_strides": (2, 3)},
    ),
    "cropped": (
        (2, 6, 7, 3),
        (2, 2, 3, 4),
        {"dimension_numbers": NHWC, "padding": [(-1, 1), (2, -2)]},
    ),
    "transposed": (
        (2, 4, 5, 3),
        (3, 3, 3, 2),
        {"dimension_numbers": NHWC, "padding": [(2, 2), (1, 2)], "lhs_dilation": (2, 3)},
    ),
    "dilated": ((2, 8, 9, 3), (3, 2, 3, 4), {"dimension_numbers": NHWC, "rhs_dilation": (2, 3)}),
    "grouped": ((2, 6, 6, 4), (3, 3, 2, 6), {"dimension_numbers": NHWC, "feature_group_count": 2}),
    "depthwise": (
        (2, 6, 6, 4),
        (3, 3, 1, 8),
        {"dimension_numbers": NHWC, "feature_group_count": 4},
    ),
    "batch groups": (
        (4, 6, 6, 3),
        (3, 3, 3, 6),
        {"dimension_numbers": NHWC, "batch_group_count": 2},
    ),
    "one dimension": ((2, 9, 3), (4, 3, 5), {"dimension_numbers": ("NWC", "WIO", "NWC")}),
    "three dimensions": (
        (1, 2, 4, 5, 4),
        (3, 2, 2, 3, 2),
        {"dimension_numbers": ("NCDHW", "OIDHW", "NCDHW"), "padding": "SAME"},
    ),
    "no dimension": ((2, 3), (4, 3), {"dimension_numbers": ("NC", "OI", "NC")}),
    "empty batch": ((0, 6, 7, 3), (3, 2, 3, 4), {"dimension_numbers": NHWC}),
    "too small": ((2, 2, 2, 3), (3, 3, 3, 4), {"dimension_numbers": NHWC}),
}


def convolution(facts: dict[str, Any]) -> Any:
    def run_(x: Any, kernel: Any) -> Any:
        rank = len(x.shape) - 2
        defaults = {"window_strides": (1,) * rank, "padding": [(0, 0)] * rank}
        return lax.conv_general_dilated(x, kernel, **(defaults | facts))

    return run_


def gradients(function: Any) -> Any:
    return jax.grad(lambda x, kernel: (function(x, kernel) ** 2).sum(), (0, 1))


for _name, (_left, _right, _facts) in VARIANTS.items():
    _x, _k = sample(_left, "float64", 1), sample(_right, "float64", 2)
    CONVOLUTIONS.add(_name, convolution(_facts), _x, _k)
    if 0 not in _left and _name != "too small":
        CONVOLUTIONS.add(f"{_name} gradients", gradients(convolution(_facts)), _x, _k)
for _dtype in ("float32", "bfloat16", "float16", "int32", "complex64"):
    _left, _right, _facts = VARIANTS["strided"]
    CONVOLUTIONS.add(
        _dtype, convolution(_facts), sample(_left, _dtype, 1), sample(_right, _dtype, 2)
    )


@pytest.mark.parametrize("name", list(CONVOLUTIONS.cases))
def test_convolution(name: str) -> None:
    # Terms of a thousand cancel in the gradients, and what is left carries their rounding.
    tolerances = {"float32": 2e-5, "complex64": 2e-5, "grouped gradients": 2e-12}
    CONVOLUTIONS.check(name, tolerances.get(name))


def test_window_reversal_flips_the_kernel() -> None:
    text = """func.func @main(%x: tensor<1x1x5xf32>, %k: tensor<1x1x3xf32>) -> tensor<1x1x3xf32> {
      %0 = stablehlo.convolution(%x, %k) dim_numbers = [b, f, 0]x[o, i, 0]->[b, f, 0],
        window = {reverse = [1]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64}
        : (tensor<1x1x5xf32>, tensor<1x1x3xf32>) -> tensor<1x1x3xf32>
      return %0 : tensor<1x1x3xf32> }"""
    x, k = sample((5,), "float32", 1), sample((3,), "float32", 2)
    expected = np.convolve(x, k, "valid").reshape(1, 1, 3)
    same(run(text, x.reshape(1, 1, 5), k.reshape(1, 1, 3))[0], expected)


def test_a_large_batch_is_cut_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slopec.reference.convolution._ROWS_BYTES", 4000)
    x, k = sample((7, 6, 6, 3), "float32", 1), sample((3, 3, 3, 4), "float32", 2)
    (ours,), (theirs,) = both(convolution({"dimension_numbers": NHWC}), x, k)
    same(ours, theirs, 2e-5)


@st.composite
def convolutions(draw: Any) -> tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]:
    rank = draw(st.integers(1, 2))
    groups, batch_groups = draw(st.sampled_from([(1, 1), (2, 1), (1, 2)]))
    many = partial(st.lists, min_size=rank, max_size=rank)
    batch, per_group, out = batch_groups * draw(st.integers(1, 2)), draw(st.integers(1, 2)), 2
    size, window = draw(many(st.integers(1, 6))), draw(many(st.integers(1, 3)))
    facts = {
        "window_strides": draw(many(st.integers(1, 3))),
        "padding": [draw(st.tuples(*[st.integers(-(n > 2), 3)] * 2)) for n in size],
        "lhs_dilation": draw(many(st.integers(1, 3))),
        "rhs_dilation": draw(many(st.integers(1, 2))),
        "feature_group_count": groups,
        "batch_group_count": batch_groups,
    }
    return (batch, groups * per_group, *size), (out, per_group, *window), facts


@settings(max_examples=15)
@given(cases=st.lists(convolutions(), min_size=6, max_size=6))
def test_any_convolution(
    cases: list[tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]],
) -> None:
    group = Group()
    for index, (left, right, facts) in enumerate(cases):
        x, kernel = sample(left, "float64", 1), sample(right, "float64", 2)
        group.add(str(index), partial(lax.conv_general_dilated, **facts), x, kernel)
    for index in range(len(cases)):
        group.check(str(index))
