"""A module asks for its large constants by name, and finds them in the artifact, where they lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iree.runtime import ParameterIndex, create_io_parameters_module

from .convention import CONSTANTS
from .devices import instance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from iree.runtime import VmModule


def providing(constants: Mapping[str, memoryview]) -> list[VmModule]:
    """The modules that have to be there for one that asks for these constants."""
    if not constants:
        return []
    provider = indexed(constants).create_provider(scope=CONSTANTS)
    return [create_io_parameters_module(instance(), provider)]


def indexed(constants: Mapping[str, memoryview]) -> ParameterIndex:
    """The constants as IREE takes them; on a host nothing is copied, or read before its use."""
    index = ParameterIndex()
    for name, content in constants.items():
        index.add_buffer(name, content)
    return index
