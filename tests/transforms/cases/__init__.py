"""The cases by which derivative rules are proved, a file per family of ops."""

from tests.transforms.cases import (
    contract,
    elementwise,
    factor,
    index,
    linalg,
    order,
    quantile,
    reduce,
    rewritten,
    shape,
    window,
)
from tests.transforms.harness import Case

FAMILIES = (
    *(
        elementwise,
        shape,
        contract,
        reduce,
        window,
        index,
        order,
        linalg,
        factor,
        quantile,
        rewritten,
    ),
)


def every() -> dict[str, Case]:
    """All cases by name."""
    found: dict[str, Case] = {}
    for family in FAMILIES:
        stem = family.__name__.rpartition(".")[2]
        for case in family.CASES:
            name = f"{stem}: {case.name}"
            assert name not in found, name
            found[name] = case
    return found
