"""Every op of the dialects is evaluated, or named with the reason why not; none is both."""

import pytest

from slopec.dialects import calls, chlo, stablehlo
from slopec.reference import SUPPORTED, UNSUPPORTED

OPS = [*stablehlo.OPERANDS, *chlo.OPERANDS, *calls.OPERANDS]


@pytest.mark.parametrize("name", OPS)
def test_op_is_in_exactly_one_table(name: str) -> None:
    assert (name in SUPPORTED) != (name in UNSUPPORTED)


def test_the_tables_name_nothing_else() -> None:
    assert set(SUPPORTED) | set(UNSUPPORTED) == {*OPS, "func.call", "func.return"}


def test_reasons_are_sentences_without_a_subject() -> None:
    assert all(reason and not reason.endswith(".") for reason in UNSUPPORTED.values())
