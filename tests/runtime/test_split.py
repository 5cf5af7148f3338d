"""Batches of any size from functions compiled for a few."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from slopec_runtime import load
from slopec_runtime.artifact import pack
from slopec_runtime.operands import Expected, measure
from slopec_runtime.split import Piece, join, pieces, take

WEIGHT = np.arange(6, dtype=np.float32).reshape(3, 2)
SIZES = st.sets(st.integers(1, 12), min_size=1, max_size=4).map(lambda s: tuple(sorted(s)))


@given(rows=st.integers(0, 60), sizes=SIZES)
def test_pieces_cover_every_row_once(rows, sizes):
    plan = pieces(rows, sizes)

    assert [piece.start for piece in plan] == np.cumsum([0, *(p.rows for p in plan)]).tolist()[:-1]
    assert sum(piece.rows for piece in plan) == rows
    assert all(piece.size in sizes and piece.rows <= piece.size for piece in plan)
    assert rows == 0 or all(piece.rows > 0 for piece in plan)


@given(data=st.data(), sizes=SIZES)
def test_no_other_plan_is_cheaper(data, sizes):
    rows = data.draw(st.integers(1, 4 * max(sizes) - 1))
    fixed = max(sizes) / 8
    best = [0.0]
    for count in range(1, rows + 1):
        best.append(min(best[max(0, count - size)] + size + fixed for size in sizes))

    assert sum(piece.size + fixed for piece in pieces(rows, sizes)) == pytest.approx(best[rows])


@given(rows=st.integers(0, 20), axis=st.integers(0, 2), sizes=SIZES)
def test_taking_apart_and_joining_is_the_identity(rows, axis, sizes):
    shape = [2, 3, 2]
    shape[axis] = rows
    x = np.arange(np.prod(shape)).reshape(shape)
    plan = pieces(rows, sizes)

    parts = [take(x, axis, piece) for piece in plan]

    assert [part.shape[axis] for part in parts] == [piece.size for piece in plan]
    assert_array_equal(join(parts, axis, plan), x)


def test_padding_repeats_the_last_row():
    assert take(np.array([1, 2, 3]), 0, Piece(1, 2, 4)).tolist() == [2, 3, 3, 3]


@pytest.mark.parametrize("rows", [0, 1, 2, 3, 4, 5, 7, 8, 9, 21])
def test_any_number_of_independent_rows_runs(program, rows):
    x = np.arange(3 * rows, dtype=np.float32).reshape(rows, 3)

    y, t, one = program.predict(x)

    assert (y.shape, t.shape, y.dtype) == ((rows, 2), (2, rows), np.float32)
    assert_array_equal(y, x @ WEIGHT)
    assert_array_equal(t, (x @ WEIGHT).T)
    assert one.item() == 1.0


def test_results_of_split_calls_go_into_the_next_call(program):
    x = np.arange(30, dtype=np.float32).reshape(10, 3)
    y, _, _ = program.predict(x)
    padded = np.concatenate([np.asarray(y), np.zeros((10, 1), np.float32)], axis=1)

    again, _, _ = program.predict(program.predict(padded)[0].numpy() @ np.ones((2, 3), np.float32))

    assert again.shape == (10, 2)
    assert_array_equal(program.center(y[:4, :1].repeat(3, 1)), -2 * y[:4, :1].repeat(3, 1))


def test_device_arrays_can_be_split(program):
    x = np.arange(18, dtype=np.float32).reshape(6, 3)

    y, _, _ = program.predict(program.put(x))

    assert_array_equal(y, x @ WEIGHT)


@pytest.mark.parametrize("rows", [0, 1, 2, 3, 4, 6, 9])
def test_one_of_two_dimensions_is_split(program, rows):
    x = np.arange(5 * rows, dtype=np.float32).reshape(rows, 5)

    assert_array_equal(program.center(x), x - x.sum(1, keepdims=True))


def test_dependent_dimensions_are_not_split(program, failure):
    text = failure("S0513", program.center, np.zeros((2, 4), np.float32))

    assert "center() cannot run with width = 4" in text
    assert "compiled for rows = 2, width = 3 or rows = 4, width = 3" in text
    assert "rows along 'width' depend on each other" in text


def center_only(module, manifest, edit):
    entry = edit(manifest.entries["center"])
    facts = dataclasses.replace(manifest, entries={"center": entry}, state={})
    return load(pack(module, facts))


def test_calls_that_donate_are_not_split(module, manifest, failure):
    def donate(entry):
        given = tuple(dataclasses.replace(array, donated=True) for array in entry.inputs)
        return dataclasses.replace(entry, inputs=given)

    program = center_only(module, manifest, donate)

    text = failure("S0513", program, np.zeros((3, 5), np.float32))
    assert "cannot run with rows = 3" in text
    assert "it changes state or donates its inputs" in text


def test_a_combination_that_was_not_compiled(module, manifest, failure):
    program = center_only(
        module, manifest, lambda e: dataclasses.replace(e, variants=e.variants[::3])
    )

    text = failure("S0513", program, np.zeros((2, 5), np.float32))
    assert "cannot run with rows = 2, width = 5" in text
    assert "compiled for rows = 2, width = 3 or rows = 4, width = 5" in text


def test_inputs_must_agree_about_a_dimension(failure):
    image = Expected("input 'image'", "image", ("batch", 2), "float32")
    label = Expected("input 'label'", "label", ("batch",), "int32")
    sizes: dict[str, int] = {}
    measure(sizes, (3, 2), image)

    text = failure("S0511", measure, sizes, (4,), label)
    assert "'batch' is 4 in input 'label', but 3" in text
