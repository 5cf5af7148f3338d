"""Tokenizers lose nothing, corpora are long and repeatable, windows are shifted by one token."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slopec.diagnostics import UsageError
from slopec.train.text import (
    ByteTokenizer,
    CharTokenizer,
    number_sentences,
    python_reference,
    spelled,
    windows,
    word_error_rate,
)


@given(st.text())
def test_tokenizers_restore_the_text(text):
    for tokenizer in (ByteTokenizer(), CharTokenizer.of(text)):
        ids = tokenizer.encode(text)
        assert ids.dtype == np.int32
        assert ((ids >= 0) & (ids < tokenizer.size)).all()
        assert tokenizer.decode(ids) == text


def test_foreign_characters_are_named():
    with pytest.raises(UsageError, match="unknown: 'x', 'y'") as caught:
        CharTokenizer.of("abc").encode("axby")
    assert caught.value.code == "S0604"


def test_the_reference_is_long_and_repeatable():
    text = python_reference()

    assert len(text) > 300_000
    assert len(set(text)) < 200
    assert text == python_reference()


def test_sums_in_words_are_right():
    value = {spelled(number): number for number in range(100)}
    assert len(value) == 100
    for line in number_sentences(200, seed=9).splitlines():
        addends, total = line.removesuffix(".").split(" is ")
        assert sum(value[addend] for addend in addends.split(" plus ")) == value[total]


@given(length=st.integers(2, 50), context=st.integers(1, 20), stride=st.integers(1, 20))
def test_windows_are_shifted_by_one(length, context, stride):
    tokens = np.arange(length, dtype=np.int32)
    if length <= context:
        with pytest.raises(UsageError, match=f"hold no context of {context}"):
            windows(tokens, context)
        return

    rows = windows(tokens, context, stride)

    assert rows["tokens"].shape[1] == context
    assert (rows["target"] == rows["tokens"] + 1).all()
    assert rows["tokens"][:, 0].tolist() == list(range(0, length - context, stride))


@pytest.mark.parametrize(
    ("reference", "said", "wrong"),
    [
        ("a b c", "a b c", 0),
        ("a b c", "", 3),
        ("a b c d", "a x c", 2),
        ("a b", "b a b a", 2),
        ("one two three", "two three four", 2),
    ],
)
def test_word_error_rates(reference, said, wrong):
    assert word_error_rate(reference, said) == wrong / len(reference.split())
    assert word_error_rate("", "a b") == 2
