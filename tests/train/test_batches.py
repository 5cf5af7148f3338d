"""Batches are a function of seed and step, and every row comes once an epoch."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slopec.diagnostics import UsageError
from slopec.train.batches import Batches, permutation


@given(rows=st.integers(1, 40), size=st.integers(1, 40), seed=st.integers(0, 2**63))
def test_an_epoch_takes_every_row_once(rows, size, seed):
    batches = Batches({"x": np.arange(rows)}, size, seed=seed, drop_last=False)

    taken = np.concatenate([batch["x"] for batch in batches.epoch(0)])

    assert sorted(taken) == list(range(rows))


@given(rows=st.integers(4, 40), start=st.integers(0, 30))
def test_resuming_gives_the_batches_of_an_uninterrupted_run(rows, start):
    batches = Batches({"x": np.arange(rows)}, size=4, seed=5)

    through = list(itertools.islice(batches.steps(), start + 3))[start:]
    resumed = list(itertools.islice(batches.steps(start), 3))

    assert [batch["x"].tolist() for batch in through] == [batch["x"].tolist() for batch in resumed]


def test_arrays_stay_aligned_and_epochs_differ():
    batches = Batches({"x": np.arange(20), "y": np.arange(20) * 2}, size=6)

    first, second = (list(batches.epoch(number)) for number in (0, 1))

    assert [len(batch["x"]) for batch in first] == [6, 6, 6]
    assert all((batch["y"] == 2 * batch["x"]).all() for batch in first + second)
    assert any((a["x"] != b["x"]).any() for a, b in zip(first, second, strict=True))


def test_without_shuffling_rows_come_in_order():
    batches = Batches({"x": np.arange(5)}, size=2, shuffle=False, drop_last=False)

    assert [batch["x"].tolist() for batch in batches.epoch(3)] == [[0, 1], [2, 3], [4]]


def test_the_permutation_never_changes():
    assert permutation(8, 42, 1).tolist() == [1, 2, 5, 3, 6, 0, 4, 7]


@pytest.mark.parametrize(
    ("arrays", "size", "told"),
    [
        ({"x": np.zeros(3), "y": np.zeros(4)}, 1, "rows: `x` 3, `y` 4"),
        ({}, 1, "no arrays at all"),
        ({"x": np.zeros(3)}, 0, "at least one row, not 0"),
        ({"x": np.zeros(3)}, 4, "batch of 4 rows cannot be taken from 3"),
        ({"x": np.zeros(0)}, 4, "the data set is empty"),
    ],
)
def test_impossible_batches_are_refused(arrays, size, told):
    with pytest.raises(UsageError, match=told) as caught:
        Batches(arrays, size)
    assert caught.value.code == "S0603"
