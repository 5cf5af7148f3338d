"""Folding: reductions and sliding windows, against XLA and by the specification's wording."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax

from tests.reference.harness import Group, agree, dtype, run, same, sample

X = sample((3, 4, 5), "float32")
MONOIDS = {
    "add": (lax.add, 0),
    "mul": (lax.mul, 1),
    "max": (lax.max, -100),
    "min": (lax.min, 100),
}
LOGIC = {"and": (lax.bitwise_and, True), "or": (lax.bitwise_or, False), "xor": (lax.bitwise_xor, 0)}


def scaled(name: str) -> np.ndarray:
    return sample((3, 4, 5), name, scale=0.8)


REDUCTIONS = Group()
for _dtype in ("float32", "float64", "bfloat16", "float16", "int32", "uint8", "complex64"):
    for _name, (_op, _init) in MONOIDS.items():
        if _dtype == "complex64" and _name in ("max", "min"):
            continue
        _start = scaled(_dtype).dtype.type(max(_init, 0) if _dtype == "uint8" else _init)
        for _dims in [(0,), (1, 2), (0, 1, 2), ()]:
            REDUCTIONS.add(
                f"{_dtype} {_name} {_dims}",
                lambda x, i, op=_op, d=_dims: lax.reduce(x, i, op, d),
                scaled(_dtype),
                _start,
            )
for _dtype in ("bool", "int32"):
    for _name, (_op, _init) in LOGIC.items():
        _x = sample((3, 4), _dtype)
        REDUCTIONS.add(
            f"{_dtype} {_name}",
            lambda x, i, op=_op: lax.reduce(x, i, op, (1,)),
            _x,
            _x.dtype.type(_init),
        )
REDUCTIONS.add("argmax", lambda x: lax.argmax(x, 1, jnp.int32), X)
REDUCTIONS.add("argmin of nan", lambda x: lax.argmin(x, 0, jnp.int32), np.array([1, np.nan, 0.0]))
REDUCTIONS.add(
    "two at once",
    lambda x: lax.reduce((x, x), (0.0, 1.0), lambda a, b: (a[0] + b[0], a[1] * b[1]), (0, 1)),
    sample((3, 4), "float64", scale=0.9),
)
REDUCTIONS.add(
    "not commutative",  # affine maps compose in order
    lambda a, b: lax.reduce(
        (a, b),
        (1.0, 0.0),
        lambda p, q: (p[0] * q[0], p[1] * q[0] + q[1]),
        (0, 2),
    ),
    sample((3, 4, 5), "float64", 1, 0.9),
    sample((3, 4, 5), "float64", 2),
)
REDUCTIONS.add(
    "empty", lambda x: lax.reduce(x, np.float32(3), lax.add, (0,)), np.zeros((0, 2), "f4")
)


@pytest.mark.parametrize("name", list(REDUCTIONS.cases))
def test_reduction(name: str) -> None:
    REDUCTIONS.check(name, 2e-5 if name.startswith(("float32", "complex64")) else None)


def test_low_precision_sums_are_rounded_once() -> None:
    ones = np.ones(1000, dtype("bfloat16"))
    agree(lambda x: lax.reduce(x, jnp.bfloat16(0), lax.add, (0,)), ones)


def test_a_body_that_no_array_step_can_do_runs_lane_by_lane() -> None:
    text = """func.func @main(%x: tensor<4x3xi32>, %i: tensor<i32>) -> tensor<3xi32> {
      %0 = "stablehlo.reduce"(%x, %i) ({
        ^bb0(%a: tensor<i32>, %b: tensor<i32>):
          %p = stablehlo.compare GT, %a, %b : (tensor<i32>, tensor<i32>) -> tensor<i1>
          %r = "stablehlo.if"(%p) ({
            stablehlo.return %a : tensor<i32>
          }, {
            stablehlo.return %b : tensor<i32>
          }) : (tensor<i1>) -> tensor<i32>
          stablehlo.return %r : tensor<i32>
      }) {dimensions = array<i64: 0>} : (tensor<4x3xi32>, tensor<i32>) -> tensor<3xi32>
      return %0 : tensor<3xi32> }"""
    x = sample((4, 3), "int32")
    same(run(text, x, np.int32(-50))[0], x.max(0))


# --- windows ---

Window = tuple[
    tuple[int, ...], tuple[int, ...], list[tuple[int, int]], tuple[int, ...], tuple[int, ...]
]


@st.composite
def windows(draw: Callable[..., Any]) -> tuple[tuple[int, ...], Window]:
    rank = draw(st.integers(1, 3))
    many = partial(st.lists, min_size=rank, max_size=rank)
    shape = draw(many(st.integers(1, 6)))
    sizes, strides = draw(many(st.integers(1, 5))), draw(many(st.integers(1, 3)))
    padding = draw(many(st.tuples(st.integers(0, 3), st.integers(0, 3))))
    base, dilation = draw(many(st.integers(1, 3))), draw(many(st.integers(1, 3)))
    return tuple(shape), (tuple(sizes), tuple(strides), padding, tuple(base), tuple(dilation))


def by_definition(x: np.ndarray, init: int, window: Window, fold: Callable[..., Any]) -> np.ndarray:
    """`reduce_window` as the specification words it."""
    sizes, strides, padding, base, dilation = window
    dilated = np.full([(n - 1) * b + 1 for n, b in zip(x.shape, base, strict=True)], init, x.dtype)
    dilated[tuple(slice(None, None, b) for b in base)] = x
    padded = np.pad(dilated, padding, constant_values=init)
    reach = [(w - 1) * d + 1 for w, d in zip(sizes, dilation, strict=True)]
    counts = [
        max((n - r) // s + 1, 0) if n >= r else 0
        for n, r, s in zip(padded.shape, reach, strides, strict=True)
    ]
    result = np.empty(counts, x.dtype)
    for at in np.ndindex(*counts):
        part = padded[
            tuple(
                slice(i * s, i * s + r, d)
                for i, s, r, d in zip(at, strides, reach, dilation, strict=True)
            )
        ]
        result[at] = fold([init, *part.ravel()])
    return result


def window_text(shape: tuple[int, ...], result: tuple[int, ...], window: Window, body: str) -> str:
    sizes, strides, padding, base, dilation = window
    kind = "x".join(map(str, shape)) + "xi32"
    out = "x".join(map(str, result)) + "xi32"

    def array(numbers: tuple[int, ...]) -> str:
        return f"array<i64: {', '.join(map(str, numbers))}>"

    return f"""func.func @main(%x: tensor<{kind}>, %i: tensor<i32>) -> tensor<{out}> {{
      %0 = "stablehlo.reduce_window"(%x, %i) ({{
        ^bb0(%a: tensor<i32>, %b: tensor<i32>):
          {body}
          stablehlo.return %r : tensor<i32>
      }}) {{window_dimensions = {array(sizes)}, window_strides = {array(strides)},
           base_dilations = {array(base)}, window_dilations = {array(dilation)},
           padding = dense<{[list(p) for p in padding]}> : tensor<{len(shape)}x2xi64>}}
        : (tensor<{kind}>, tensor<i32>) -> tensor<{out}>
      return %0 : tensor<{out}> }}"""


BODIES = {
    "add": ("%r = stablehlo.add %a, %b : tensor<i32>", sum),
    "max": ("%r = stablehlo.maximum %a, %b : tensor<i32>", max),
    # Associative but not commutative: the last element that is not zero.
    "last": (
        """%z = stablehlo.constant dense<0> : tensor<i32>
          %p = stablehlo.compare EQ, %b, %z : (tensor<i32>, tensor<i32>) -> tensor<i1>
          %r = stablehlo.select %p, %a, %b : tensor<i1>, tensor<i32>""",
        lambda values: next((v for v in reversed(values) if v), 0),
    ),
}


@pytest.mark.parametrize("body", list(BODIES))
@settings(max_examples=60)
@given(case=windows())
def test_reduce_window_follows_its_definition(
    body: str, case: tuple[tuple[int, ...], Window]
) -> None:
    shape, window = case
    text, fold = BODIES[body]
    x = np.random.default_rng(0).integers(-3, 4, shape).astype(np.int32)
    expected = by_definition(x, 0, window, fold)
    same(run(window_text(shape, expected.shape, window, text), x, np.int32(0))[0], expected)


WINDOWS = Group()
IMAGE = sample((2, 7, 8, 3), "float32")
for _name, _window in {
    "2x2": ((1, 2, 2, 1), (1, 2, 2, 1), "VALID"),
    "3x3 same": ((1, 3, 3, 1), (1, 2, 1, 1), "SAME"),
    "padded": ((1, 3, 2, 1), (1, 1, 1, 1), [(0, 0), (1, 2), (1, 0), (0, 0)]),
    "whole": ((1, 7, 8, 1), (1, 1, 1, 1), "VALID"),
    "overlap": ((1, 5, 4, 2), (1, 2, 3, 1), "SAME"),
}.items():
    for _kind, (_op, _init) in {"max": (lax.max, -np.inf), "add": (lax.add, 0.0)}.items():

        def _pool(x: Any, op: Any = _op, init: float = _init, window: Any = _window) -> Any:
            return lax.reduce_window(x, np.float32(init), op, *window)

        WINDOWS.add(f"{_kind} pool {_name}", _pool, IMAGE)
        WINDOWS.add(
            f"{_kind} pool gradient {_name}", jax.grad(lambda x, f=_pool: (f(x) ** 2).sum()), IMAGE
        )
for _scan in ("cumsum", "cumprod", "cummax", "cummin", "cumlogsumexp"):
    for _backwards in (False, True):
        WINDOWS.add(
            f"{_scan} {_backwards}",
            partial(getattr(lax, _scan), axis=1, reverse=_backwards),
            sample((2, 37), "float64", scale=1.0),
        )


@pytest.mark.parametrize("name", list(WINDOWS.cases))
def test_window(name: str) -> None:
    WINDOWS.check(name, 2e-5 if "pool" in name else None)


def test_windows_of_bfloat16_are_rounded_once() -> None:
    text = """func.func @main(%x: tensor<600xbf16>, %i: tensor<bf16>) -> tensor<101xbf16> {
      %0 = "stablehlo.reduce_window"(%x, %i) ({
        ^bb0(%a: tensor<bf16>, %b: tensor<bf16>):
          %r = stablehlo.add %a, %b : tensor<bf16>
          stablehlo.return %r : tensor<bf16>
      }) {window_dimensions = array<i64: 500>} : (tensor<600xbf16>, tensor<bf16>) -> tensor<101xbf16>
      return %0 : tensor<101xbf16> }"""
    ones = np.ones(600, dtype("bfloat16"))
    same(run(text, ones, np.zeros((), ones.dtype))[0], np.full(101, 500, ones.dtype))
