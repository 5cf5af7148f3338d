"""The families of the sweep: each a file of this folder with a function `cases()`."""

from importlib import import_module

from tests.sweep.case import Case

FAMILIES = (
    "arithmetic",
    "rounding",
    "comparing",
    "conversion",
    "unary",
    "powers",
    "functions",
    "complexes",
    "generators",
    "narrow",
    "moving",
    "gathering",
    "scattering",
    "contractions",
    "convolving",
    "folding",
    "sliding",
    "memory",
    "sorting",
    "algebra",
    "control",
    "dynamic",
    "alone",
)


SURVEY = "surveyed"
"""Small modules of everything, for every target; most ops come in other families too."""


def cases_of(family: str) -> list[Case]:
    """The cases of a family; their names are unique."""
    cases: list[Case] = list(import_module(f"tests.sweep.{family}").cases())
    names = [case.name for case in cases]
    assert len(set(names)) == len(names), {n for n in names if names.count(n) > 1}
    return cases


def covering(cases: list[Case]) -> list[Case]:
    """One case of every op: of the first op its first, of the second its second, and so on."""
    groups: dict[str, list[Case]] = {}
    for case in cases:
        groups.setdefault(case.op, []).append(case)
    return [group[i % len(group)] for i, group in enumerate(groups.values())]
