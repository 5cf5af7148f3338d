"""Formulas of symbolic dimensions: what they may hold, and what they come to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slopec_runtime import sizes

DIMS = {"n": 7, "heads": 4}


@given(st.recursive(
    st.sampled_from([*DIMS, "1", "2", "30"]),
    lambda part: st.builds("({} {} {})".format, part, st.sampled_from(["+", "-", "*", "//"]), part),
    max_leaves=8,
))  # fmt: skip
def test_formulas_are_pythons(text):
    try:
        expected = eval(text, dict(DIMS))
    except ZeroDivisionError:
        with pytest.raises(ValueError, match="divides by zero"):
            sizes.evaluate(text, DIMS)
        return
    assert sizes.evaluate(text, DIMS) == expected
    assert set(sizes.names(text)) == {name for name in DIMS if name in text}


@pytest.mark.parametrize(
    "text",
    [
        "", "n +", "f(n)", "n ** 9", "n / 2", "n.real", "n[0]", "-n", "n if n else 1", "1.5 * n",
        "True + n", "'a' * n", "lambda: n", "n\x00", "__import__('os')", "n" * 201, "(" * 150,
        "1+" * 90 + "n +", "n; n", "n = 3", "[n]", "n << 80", "class",
    ],
)  # fmt: skip
def test_nothing_else_is_read(text):
    with pytest.raises(ValueError, match="no formula"):
        sizes.names(text)
    with pytest.raises(ValueError, match="no formula"):
        sizes.evaluate(text, {})
