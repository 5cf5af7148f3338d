"""Gather and scatter: by the specification on drawn dimension numbers, and against XLA."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax

from slopec.dialects.attributes import GatherDimensionNumbers, ScatterDimensionNumbers
from tests.reference.harness import Group, dtype, run, same, sample


def tensor(shape: tuple[int, ...], kind: str) -> str:
    return f"tensor<{''.join(f'{n}x' for n in shape)}{kind}>"


def array(numbers: tuple[int, ...]) -> str:
    return f"array<i64: {', '.join(map(str, numbers))}>" if numbers else "array<i64>"


class Places:
    """A drawn operand shape, batch shape and split of dimensions, common to gather and scatter."""

    def __init__(self, draw: Callable[..., Any]) -> None:
        rank = draw(st.integers(1, 4))
        self.shape = tuple(draw(st.lists(st.integers(1, 4), min_size=rank, max_size=rank)))
        dims = draw(st.permutations(range(rank)))
        self.batching = tuple(sorted(dims[: draw(st.integers(0, min(2, rank - 1)))]))
        rest = [d for d in range(rank) if d not in self.batching]
        indexed = draw(st.permutations(rest))
        self.indexed = tuple(indexed[: draw(st.integers(1, len(rest)))])
        self.collapsed = tuple(sorted(d for d in self.indexed if draw(st.booleans())))
        self.sizes = tuple(
            1
            if d in self.collapsed or d in self.batching
            else draw(st.integers(0 if d in self.indexed else 1, n))
            for d, n in enumerate(self.shape)
        )
        free = tuple(draw(st.lists(st.integers(1, 3), max_size=2)))
        sizes = [*free, *(self.shape[d] for d in self.batching)]
        order = draw(st.permutations(range(len(sizes))))
        self.batch = tuple(sizes[i] for i in order)
        places = [order.index(len(free) + i) for i in range(len(self.batching))]
        self.scalar = len(self.indexed) == 1 and draw(st.booleans())
        self.vector_dim = len(self.batch) if self.scalar else draw(st.integers(0, len(self.batch)))
        self.indices_batching = tuple(
            p + (not self.scalar and p >= self.vector_dim) for p in places
        )
        self.indices_shape = self.batch
        if not self.scalar:
            self.indices_shape = (
                *self.batch[: self.vector_dim],
                len(self.indexed),
                *self.batch[self.vector_dim :],
            )
        kept = [d for d in range(rank) if d not in self.collapsed and d not in self.batching]
        self.window = tuple(self.sizes[d] for d in kept)
        total = len(self.batch) + len(kept)
        chosen = draw(st.permutations(range(total)))
        self.offset_dims = tuple(sorted(chosen[: len(kept)]))
        batch, window = iter(self.batch), iter(self.window)
        self.laid_out = tuple(
            next(window) if d in self.offset_dims else next(batch) for d in range(total)
        )
        self.seed = draw(st.integers(0, 99))

    def indices(self) -> np.ndarray:
        return np.random.default_rng(self.seed).integers(-2, 5, self.indices_shape).astype(np.int32)

    def start(self, indices: np.ndarray, batch_index: list[int]) -> list[int]:
        """`full_start_index` and `full_batching_index`, added."""
        at: list[Any] = list(batch_index)
        if not self.scalar:
            at.insert(self.vector_dim, slice(None))
        vector = np.atleast_1d(indices[tuple(at)])
        start = [0] * len(self.shape)
        for component, d in zip(vector, self.indexed, strict=True):
            start[d] = int(component)
        for d, place in zip(self.batching, self.indices_batching, strict=True):
            start[d] = batch_index[place - (not self.scalar and place > self.vector_dim)]
        return start

    def split(self, index: tuple[int, ...]) -> tuple[list[int], list[int]]:
        """An index of the laid-out tensor as batch index and full window index."""
        batch = [i for d, i in enumerate(index) if d not in self.offset_dims]
        offsets = iter([index[d] for d in self.offset_dims])
        dropped = {*self.collapsed, *self.batching}
        return batch, [0 if d in dropped else next(offsets) for d in range(len(self.shape))]


@st.composite
def places(draw: Callable[..., Any]) -> Places:
    return Places(draw)


@settings(max_examples=150)
@given(case=places())
def test_gather_follows_its_definition(case: Places) -> None:
    numbers = GatherDimensionNumbers(
        case.offset_dims,
        case.collapsed,
        case.batching,
        case.indices_batching,
        case.indexed,
        case.vector_dim,
    )
    x, indices = sample(case.shape, "int32"), case.indices()
    expected = np.empty(case.laid_out, np.int32)
    for index in np.ndindex(*case.laid_out):
        batch, window = case.split(index)
        start = case.start(indices, batch)
        place = [
            min(max(s, 0), n - size) + w
            for s, n, size, w in zip(start, case.shape, case.sizes, window, strict=True)
        ]
        expected[index] = x[tuple(place)]
    types = [tensor(case.shape, "i32"), tensor(indices.shape, "i32"), tensor(case.laid_out, "i32")]
    text = f"""func.func @main(%x: {types[0]}, %i: {types[1]}) -> {types[2]} {{
      %0 = "stablehlo.gather"(%x, %i) {{dimension_numbers = {numbers},
        slice_sizes = {array(case.sizes)}}} : ({types[0]}, {types[1]}) -> {types[2]}
      return %0 : {types[2]} }}"""
    same(run(text, x, indices)[0], expected)


SCATTERS: dict[str, tuple[str, Callable[[int, int], int]]] = {
    "add": ("%r = stablehlo.add %a, %b : tensor<i32>", lambda a, b: a + b),
    "set": ("%r = stablehlo.optimization_barrier %b : tensor<i32>", lambda a, b: b),
    "affine": (
        """%c = stablehlo.constant dense<3> : tensor<i32>
          %m = stablehlo.multiply %a, %c : tensor<i32>
          %r = stablehlo.subtract %m, %b : tensor<i32>""",
        lambda a, b: 3 * a - b,
    ),
    "branch": (
        """%p = stablehlo.compare GT, %a, %b : (tensor<i32>, tensor<i32>) -> tensor<i1>
          %r = "stablehlo.if"(%p) ({ stablehlo.return %a : tensor<i32> },
            { stablehlo.return %b : tensor<i32> }) : (tensor<i1>) -> tensor<i32>""",
        max,
    ),
}


@pytest.mark.parametrize("body", list(SCATTERS))
@settings(max_examples=60)
@given(case=places())
def test_scatter_follows_its_definition(body: str, case: Places) -> None:
    numbers = ScatterDimensionNumbers(
        case.offset_dims,
        case.collapsed,
        case.batching,
        case.indices_batching,
        case.indexed,
        case.vector_dim,
    )
    spelled, function = SCATTERS[body]
    x, indices = sample(case.shape, "int32"), case.indices()
    updates = sample(case.laid_out, "int32", 5)
    expected = x.copy()
    for index in np.ndindex(*case.laid_out):
        batch, window = case.split(index)
        place = [s + w for s, w in zip(case.start(indices, batch), window, strict=True)]
        if all(0 <= p < n for p, n in zip(place, case.shape, strict=True)):
            expected[tuple(place)] = function(int(expected[tuple(place)]), int(updates[index]))
    types = [tensor(a.shape, "i32") for a in (x, indices, updates)]
    text = f"""func.func @main(%x: {types[0]}, %i: {types[1]}, %u: {types[2]}) -> {types[0]} {{
      %0 = "stablehlo.scatter"(%x, %i, %u) ({{
        ^bb0(%a: tensor<i32>, %b: tensor<i32>):
          {spelled}
          stablehlo.return %r : tensor<i32>
      }}) {{scatter_dimension_numbers = {numbers}}} : ({", ".join(types)}) -> {types[0]}
      return %0 : {types[0]} }}"""
    same(run(text, x, indices, updates)[0], expected)


# --- what JAX makes of indexing ---

X = sample((5, 6, 7), "float32")
I = np.array([[0, 4, 2], [1, 1, 9]], np.int32)  # noqa: E741, as in the formulas
INDEXING = Group()
INDEXING.add("rows", lambda x, i: x.at[i].get(mode="clip"), X, I)
INDEXING.add("rows or fill", lambda x, i: x.at[i].get(mode="fill", fill_value=-1), X, I)
INDEXING.add("columns", lambda x, i: jnp.take(x, i, axis=1, mode="clip"), X, I)
INDEXING.add("pairs", lambda x, i: x.at[i, :, i].get(mode="clip"), X, I)
INDEXING.add("along", lambda x, i: jnp.take_along_axis(x, i, 1), X, sample((5, 2, 7), "uint8") % 6)
INDEXING.add(
    "unsigned", lambda x, i: x.at[i].get(mode="clip"), X, np.array([2**64 - 1, 1], np.uint64)
)
for _method in ("set", "add", "multiply", "min", "max"):
    for _dtype in ("float32", "int8", "bfloat16", "complex64"):
        if _dtype == "complex64" and _method in ("min", "max"):
            continue
        INDEXING.add(
            f"{_method} {_dtype}",
            lambda x, i, u, m=_method: getattr(x.at[i], m)(u, mode="drop"),
            sample((5, 4), _dtype, 1),
            np.array([0, 4, 7, 2, -9] if _method == "set" else [0, 4, 4, 2, 7, -9, 0], np.int32),
            sample((5 if _method == "set" else 7, 4), _dtype, 2, 1.0),
        )
INDEXING.add(
    "apply",
    lambda x, i: x.at[i].apply(lambda v: v * 2 + 1),
    sample((6,), "float32"),
    np.array([1, 3, 5]),
)
INDEXING.add("gradient", jax.grad(lambda x, i: (x[i] ** 2).sum()), X, I % 5)
INDEXING.add("vmapped", jax.vmap(lambda x, i: x.at[i].add(1.0)), X, I.reshape(-1)[:5] % 6)
INDEXING.add(
    "window",
    lambda x, u: (
        lax.dynamic_update_slice(x, u, (1, 2, 3)) + lax.dynamic_slice(x, (0, 1, 2), X.shape)
    ),
    X,
    sample((2, 2, 2), "float32"),
)
INDEXING.add("bool", lambda x, i: x.at[i].set(True), sample((6,), "bool"), np.array([1, 2]))


@pytest.mark.parametrize("name", list(INDEXING.cases))
def test_indexing(name: str) -> None:
    INDEXING.check(name)


def test_many_bfloat16_updates_are_rounded_once() -> None:
    text = """func.func @main(%x: tensor<2xbf16>, %i: tensor<1000x1xi32>, %u: tensor<1000xbf16>)
        -> tensor<2xbf16> {
      %0 = "stablehlo.scatter"(%x, %i, %u) ({
        ^bb0(%a: tensor<bf16>, %b: tensor<bf16>):
          %r = stablehlo.add %a, %b : tensor<bf16>
          stablehlo.return %r : tensor<bf16>
      }) {scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0],
          scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}
        : (tensor<2xbf16>, tensor<1000x1xi32>, tensor<1000xbf16>) -> tensor<2xbf16>
      return %0 : tensor<2xbf16> }"""
    kind = dtype("bfloat16")
    arrays = np.zeros(2, kind), np.zeros((1000, 1), np.int32), np.ones(1000, kind)
    same(run(text, *arrays)[0], np.array([1000, 0], kind))


def test_torch_index_select_keeps_batch_dimensions_together() -> None:
    text = """func.func @main(%x: tensor<2x5x3x4xf32>, %i: tensor<2x6xi32>) -> tensor<2x5x6x4xf32> {
      %0 = "stablehlo.torch_index_select"(%x, %i) {batch_dims = 1 : i64, dim = 2 : i64}
        : (tensor<2x5x3x4xf32>, tensor<2x6xi32>) -> tensor<2x5x6x4xf32>
      return %0 : tensor<2x5x6x4xf32> }"""
    x = sample((2, 5, 3, 4), "float32")
    i = np.random.default_rng(0).integers(0, 3, (2, 6)).astype(np.int32)
    same(run(text, x, i)[0], np.stack([x[b][:, i[b]] for b in range(2)]))
