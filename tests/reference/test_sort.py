"""Sorting by the comparators that frameworks write, and by others."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from tests.reference.harness import Group, dtype, run, same, sample

SORTS = Group()
WILD = np.array([3, -1, np.nan, 0.0, -0.0, 2, -np.inf, np.inf, 2, np.nan, -5, 0.0])
for _dtype in ("float32", "bfloat16", "float64"):
    _x = np.stack([WILD, WILD[::-1]]).astype(dtype(_dtype))
    SORTS.add(f"sort {_dtype}", lambda x: lax.sort(x), _x)
    SORTS.add(f"argsort {_dtype}", lambda x: jnp.argsort(x, axis=0), _x)
    SORTS.add(f"descending {_dtype}", lambda x: jnp.argsort(x, descending=True), _x)
for _dtype in ("int32", "uint8", "bool"):
    SORTS.add(f"sort {_dtype}", lambda x: lax.sort(x, dimension=0), sample((9, 2), _dtype))
    SORTS.add(
        f"down {_dtype}", lambda x: jnp.sort(x, descending=True, axis=0), sample((9, 2), _dtype)
    )
SORTS.add(
    "two keys",
    lambda a, b, c: lax.sort((a, b, c), num_keys=2),
    sample((20,), "int8") % 3,
    np.round(sample((20,), "float32")),
    np.arange(20),
)
SORTS.add(
    "three keys",
    lambda a, b, c, d: lax.sort((a, b, c, d), num_keys=3),
    sample((40,), "bool"),
    sample((40,), "int8") % 2,
    np.round(sample((40,), "float32")),
    np.arange(40),
)
SORTS.add("complex", lambda x: lax.sort(x), np.round(sample((20,), "complex64")))
SORTS.add(
    "lexsort", lambda a, b: jnp.lexsort((a, b)), sample((20,), "int8") % 4, sample((20,), "bool")
)
SORTS.add("top_k", lambda x: lax.top_k(x, 3), sample((3, 9), "float32"))
SORTS.add("top_k of integers", lambda x: lax.top_k(x, 4), sample((3, 9), "int32"))
SORTS.add("median", lambda x: jnp.median(x, axis=1), sample((3, 8), "float32"))
SORTS.add("unique", lambda x: jnp.unique(x, size=5, fill_value=0), sample((20,), "int8") % 4)
SORTS.add("searchsorted", jnp.searchsorted, np.arange(9.0), sample((5,), "float64"))


@pytest.mark.parametrize("name", list(SORTS.cases))
def test_sort(name: str) -> None:
    SORTS.check(name, 0.0)


def sort_text(comparator: str) -> str:
    return f"""func.func @main(%x: tensor<3x8xi32>, %y: tensor<3x8xi32>)
        -> (tensor<3x8xi32>, tensor<3x8xi32>) {{
      %0:2 = "stablehlo.sort"(%x, %y) ({{
        ^bb0(%a: tensor<i32>, %b: tensor<i32>, %c: tensor<i32>, %d: tensor<i32>):
          {comparator}
          stablehlo.return %r : tensor<i1>
      }}) {{dimension = 1 : i64, is_stable = true}}
        : (tensor<3x8xi32>, tensor<3x8xi32>) -> (tensor<3x8xi32>, tensor<3x8xi32>)
      return %0#0, %0#1 : tensor<3x8xi32>, tensor<3x8xi32> }}"""


COMPARE = "(tensor<i32>, tensor<i32>) -> tensor<i1>"
COMPARATORS: dict[str, tuple[str, Callable[[int, int], Any]]] = {
    "ascending": (f"%r = stablehlo.compare LT, %a, %b : {COMPARE}", lambda x, y: x),
    "descending": (f"%r = stablehlo.compare GT, %a, %b : {COMPARE}", lambda x, y: -x),
    "swapped": (f"%r = stablehlo.compare GT, %b, %a : {COMPARE}", lambda x, y: x),
    "second operand": (f"%r = stablehlo.compare LT, %c, %d : {COMPARE}", lambda x, y: y),
    "absolute value": (
        f"""%e = stablehlo.abs %a : tensor<i32>
          %f = stablehlo.abs %b : tensor<i32>
          %r = stablehlo.compare LT, %e, %f : {COMPARE}""",
        lambda x, y: abs(x),
    ),
    "a key of both": (
        f"""%e = stablehlo.multiply %a, %c : tensor<i32>
          %f = stablehlo.multiply %b, %d : tensor<i32>
          %r = stablehlo.compare GT, %e, %f : {COMPARE}""",
        lambda x, y: -x * y,
    ),
    "select": (
        f"""%e = stablehlo.compare EQ, %a, %b : {COMPARE}
          %f = stablehlo.compare LT, %a, %b : {COMPARE}
          %g = stablehlo.compare GT, %c, %d : {COMPARE}
          %r = stablehlo.select %e, %g, %f : tensor<i1>, tensor<i1>""",
        lambda x, y: (x, -y),
    ),
    "unlike anything": (
        f"""%e = stablehlo.subtract %a, %b : tensor<i32>
          %z = stablehlo.constant dense<0> : tensor<i32>
          %r = stablehlo.compare LT, %e, %z : {COMPARE}""",
        lambda x, y: x,
    ),
}


@pytest.mark.parametrize("name", list(COMPARATORS))
def test_comparator(name: str) -> None:
    comparator, key = COMPARATORS[name]
    x, y = sample((3, 8), "int32", 1) % 4, sample((3, 8), "int32", 2)
    rows = [
        sorted(zip(a, b, strict=True), key=lambda p: key(*p)) for a, b in zip(x, y, strict=True)
    ]
    expected = np.array(rows, np.int32)
    ours = run(sort_text(comparator), x, y)
    same(ours[0], expected[..., 0])
    same(ours[1], expected[..., 1])
