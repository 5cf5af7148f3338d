"""Every example in a docstring runs and prints what it says."""

import doctest
import pkgutil
from importlib import import_module

import pytest

import slopec
import slopec_runtime

PROGRAMS = {"slopec.__main__"}
"""Modules that do something when they are imported."""

MODULES = [
    module.name
    for package in (slopec, slopec_runtime)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    if module.name not in PROGRAMS
]


@pytest.mark.parametrize("name", ["slopec", "slopec_runtime", *MODULES])
def test_examples(name):
    failed, _ = doctest.testmod(import_module(name), optionflags=doctest.ELLIPSIS)

    assert not failed
