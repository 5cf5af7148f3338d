"""The table of features tells the truth: its names exist, its tests are collected."""

import pytest

from tests.features import PAGE, document, features, is_there, proofs

LINES = [line for lines in features().values() for line in lines]


@pytest.mark.parametrize("line", LINES, ids=[line.says for line in LINES])
def test_what_is_named_exists(line):
    assert [name for name in line.by if not is_there(name)] == []


def test_every_named_test_is_collected():
    assert [test for test, found in proofs(LINES).items() if not found] == []


def test_what_nothing_serves_has_a_reason():
    assert [line.says for line in LINES if not line.by and not line.why] == []
    assert [line.says for line in LINES if line.tests and not line.by] == []


@pytest.mark.parametrize(
    "name",
    ["nn.Liner", "slopec optt", "slopec opt -p csee", "slopec run --no", "make tea", "models/x.py"],
)
def test_what_does_not_exist_is_noticed(name):
    assert not is_there(name)


def test_the_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == document(), "run `make features`"
