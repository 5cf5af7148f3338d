"""Rows of gather and scatter; what lies outside is clamped, or dropped."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from tests.sweep.case import Case
from tests.sweep.definitions import Numbers, gather, scatter
from tests.sweep.modules import FOLDS, block, combine, numbers, one_op, type_of, wide
from tests.sweep.surveyed.rows import array, case, known

ROWS = Numbers(offset=(1,), collapsed=(0,), start=(0,), vector_dim=1)
POINTS = Numbers(collapsed=(0, 1), start=(0, 1), vector_dim=1)
SOME, FAR = np.array([2, 0, 4, 2], np.int32), np.array([2, 99, -5, 5], np.int32)
PLACES = np.array([[0, 1], [4, 2], [2, 2]], np.int32)


def cases() -> Iterator[Case]:
    yield from gathers()
    yield from scatters()


def gathered(name: str, x: np.ndarray, indices: np.ndarray, how: Numbers, sizes: Sequence[int]) -> Case:  # fmt: skip
    y = gather(x, indices, how, tuple(sizes))
    facts = f"dimension_numbers = {how.of_gather()}, slice_sizes = {numbers(sizes)}"
    made = one_op(f"gather/{name}", [x, indices], [y], facts)
    return case(f"gather.{name}", made.text, [x, indices], [y], 16)


def gathers() -> Iterator[Case]:
    for kind in ("f32", "bf16", "i32", "i1", "f64", "c64", "i8"):
        yield gathered(f"embedding.{kind}", array((5, 3), kind), SOME[:, None], ROWS, (1, 3))
    x = array((5, 3), "f32")
    for kind in ("int64", "uint32"):
        name = {"int64": "i64idx", "uint32": "ui32idx"}[kind]
        yield gathered(f"embedding.{name}", x, SOME[:, None].astype(kind), ROWS, (1, 3))
    yield gathered("oob", x, FAR[:, None], ROWS, (1, 3))
    yield gathered("implicit_ivd", x, SOME, ROWS, (1, 3))
    windows = Numbers(offset=(1, 2), start=(0, 1), vector_dim=1)
    yield gathered("window_slices", x, PLACES // 2, windows, (2, 2))
    yield gathered("window_oob", x, PLACES * 5 - 9, windows, (2, 2))
    yield gathered("nd_points", x, PLACES, POINTS, (1, 1))
    swapped = Numbers(collapsed=(0, 1), start=(1, 0), vector_dim=1)
    yield gathered("swapped_map", x, PLACES[:, ::-1].copy(), swapped, (1, 1))
    batches = Numbers(offset=(2,), collapsed=(1,), batching=(0,), indices_batching=(0,), start=(1,), vector_dim=2)  # fmt: skip
    yield gathered("batching_dims", array((2, 5, 3), "f32"), np.stack([SOME, SOME[::-1]])[..., None], batches, (1, 1, 3))  # fmt: skip
    along = Numbers(collapsed=(1,), batching=(0,), indices_batching=(0,), start=(1,), vector_dim=2)
    yield gathered("batching_take_along", array((4, 5), "f32"), SOME[:, None, None], along, (1, 1))
    columns = Numbers(offset=(0,), collapsed=(1,), start=(1,), vector_dim=1)
    yield gathered("axis1", x, SOME[:, None] % 3, columns, (5, 1))
    body = f'func.func @main(%0: {type_of(x)}, %1: tensor<4xi32>) -> tensor<4x3xf32> {{\n%r = "stablehlo.torch_index_select"(%0, %1) {{dim = 0 : i64, batch_dims = 0 : i64}} : ({type_of(x)}, tensor<4xi32>) -> tensor<4x3xf32>\nreturn %r : tensor<4x3xf32>\n}}'
    yield known("torch_index_select", body, x, SOME, expected=[x[SOME]])


def scattered(
    name: str,
    xs: Sequence[np.ndarray],
    indices: np.ndarray,
    updates: Sequence[np.ndarray],
    how: Numbers,
    fold: str = "add",
    region: str = "",
    function: Callable[[Any, Any], Any] | None = None,
    unique: bool = False,
) -> Case:
    kind = xs[0].dtype.name
    given = [wide(x) for x in (*xs, *updates)]
    made = scatter(given[: len(xs)], indices, given[len(xs) :], how, function or FOLDS[fold])
    facts = f"scatter_dimension_numbers = {how.of_scatter()}, indices_are_sorted = false, unique_indices = {str(unique).lower()}"
    inputs = [*xs, indices, *updates]
    text = one_op("scatter/x", inputs, list(xs), facts, [region or combine(fold, kind)]).text
    return case(f"scatter.{name}", text, inputs, made, 16)


def scatters() -> Iterator[Case]:
    x, y = array((5, 3), "f32"), array((4, 3), "f32", 1)
    for name, fold in (("rows_add_dup", "add"), ("rows_multiply_dup", "multiply"), ("rows_maximum_dup", "maximum"), ("rows_minimum_dup", "minimum"), ("rows_subtract_dup", "subtract")):  # fmt: skip
        yield scattered(name, [x], SOME[:, None], [y], ROWS, fold)
    for kind in ("bf16", "i32", "f64", "f16", "c64", "i1", "i8"):
        yield scattered(f"rows_add_dup.{kind}", [array((5, 3), kind)], SOME[:, None], [array((4, 3), kind, 1)], ROWS)  # fmt: skip
    once = np.array([[3], [0], [4], [1]], np.int32)
    yield scattered("rows_set_unique", [x], once, [y], ROWS, "second", unique=True)
    yield scattered("rows_set_nonuniqueflag", [x], once, [y], ROWS, "second")
    far = FAR[:, None]
    yield scattered("rows_add_oob", [x], far, [y], ROWS)
    yield scattered("rows_set_oob", [x], far, [y], ROWS, "second")
    yield scattered("rows_add_oob_pos_only", [x], np.abs(far), [y], ROWS)
    yield scattered("rows_add_i64idx", [x], SOME[:, None].astype("int64"), [y], ROWS)
    z = array((3,), "f32", 2)
    yield scattered("points_add", [x], PLACES, [z], POINTS)
    yield scattered("points_add_oob", [x], PLACES * 3, [z], POINTS)
    yield scattered("points_add_oob_inbuffer", [x], PLACES + np.int32([0, 2]), [z], POINTS)
    swapped = Numbers(collapsed=(0, 1), start=(1, 0), vector_dim=1)
    yield scattered("points_swapped_map", [x], PLACES[:, ::-1].copy(), [z], swapped)
    windows = Numbers(offset=(1, 2), start=(0, 1), vector_dim=1)
    parts = array((3, 2, 2), "f32", 3)
    yield scattered("window_partial", [x], PLACES // 2, [parts], windows)
    yield scattered("window_partial_oob", [x], PLACES, [parts], windows)
    one = Numbers(offset=(0, 1), start=(0, 1), vector_dim=0)
    yield scattered("single_dus_like", [x], np.array([2, 1], np.int32), [parts[0]], one, "second")
    columns = Numbers(offset=(0,), collapsed=(1,), start=(1,), vector_dim=1)
    yield scattered("axis1", [x], SOME[:, None] % 3, [array((5, 4), "f32", 1)], columns)
    batches = Numbers(offset=(2,), collapsed=(1,), batching=(0,), indices_batching=(0,), start=(1,), vector_dim=2)  # fmt: skip
    twice = np.stack([SOME, SOME[::-1]])[..., None]
    yield scattered("batching_dims", [array((2, 5, 3), "f32")], twice, [array((2, 4, 3), "f32", 1)], batches)  # fmt: skip
    along = Numbers(collapsed=(1,), batching=(0,), indices_batching=(0,), start=(1,), vector_dim=2)
    yield scattered("batching_points", [array((2, 5), "f32")], twice, [array((2, 4), "f32", 1)], along)  # fmt: skip
    more = Numbers(offset=(2,), collapsed=(0,), start=(0,), vector_dim=2)
    yield scattered("multi_batch_idx", [x], twice, [array((2, 4, 3), "f32", 1)], more)
    t = "tensor<f32>"
    ops = f"%h = stablehlo.constant dense<0.5> : {t}\n%s = stablehlo.multiply %b, %h : {t}\n%c = stablehlo.add %a, %s : {t}"
    region = block(["a:float32", "b:float32"], ops, ["c:float32"])
    yield scattered("custom_region", [x], SOME[:, None], [y], ROWS, region=region, function=lambda a, b: a + b / 2)  # fmt: skip
    whole = Numbers(offset=(0, 1), vector_dim=0)
    yield scattered("empty_index_full", [x], np.zeros(0, np.int32), [x * 2], whole)
    pair = block([f"{n}:float32" for n in "abcd"], f"%e = stablehlo.add %a, %c : {t}\n%f = stablehlo.multiply %b, %d : {t}", ["e:float32", "f:float32"])  # fmt: skip
    twos = [x, array((5, 3), "f32", 4)], [y, array((4, 3), "f32", 5)]
    folded = [scatter([a], SOME[:, None], [b], ROWS, f)[0] for a, b, f in zip(*twos, (FOLDS["add"], FOLDS["multiply"]), strict=True)]  # fmt: skip
    facts = f"scatter_dimension_numbers = {ROWS.of_scatter()}"
    inputs = [*twos[0], SOME[:, None], *twos[1]]
    text = one_op("scatter/variadic", inputs, twos[0], facts, [pair]).text
    yield case("scatter.variadic", text, inputs, folded, 16)
