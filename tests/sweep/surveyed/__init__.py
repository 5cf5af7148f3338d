"""The survey: 1,147 small modules, one of everything that frameworks write, for every target.

What came before the sweep: IREE alone gets 151 of them wrong, or refuses them, on processors.
"""

from collections.abc import Iterator

from tests.sweep.case import Case


def cases() -> Iterator[Case]:
    """All of them."""
    from tests.sweep.surveyed import elementwise, frameworks, indexing, moving, texts

    for part in (elementwise, moving, indexing, texts, frameworks):
        yield from part.cases()
