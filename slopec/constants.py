"""Large constants stay out of a module until it is compiled; until then it calls them by a name.

Weights are most of a traced module, and all that is asked of them when it was compiled before is
whether they are the same: the name is a digest.
"""

import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from slopec import cache, ir

LARGE = 64 << 10
"""Bytes from which on a constant is only named."""

_NAME = "slope.constant."
_digests: dict[int, tuple[weakref.ref[np.ndarray], str]] = {}


@dataclass(frozen=True)
class Constants:
    """The large constants of a module, by the names it calls them by."""

    arrays: dict[str, np.ndarray] = field(default_factory=dict)

    def create(self, array: np.ndarray, point: ir.InsertionPoint) -> ir.Value:
        """An op at `point` that gives the array."""
        types = [ir.tensor_type(array.shape, array.dtype)]
        if array.nbytes < LARGE:
            kind, facts = "stablehlo.constant", {"value": ir.dense(array)}
        else:
            name = f"{_NAME}{digest(array)}.{types[0]}"  # the same bytes may be of another type
            self.arrays[name] = array
            kind, facts = "stablehlo.custom_call", {"call_target_name": ir.string(name)}
        return ir.create(kind, types, [], facts, ir.unknown(), point).results[0]


def digest(array: np.ndarray) -> str:
    """A digest of the elements, which is computed once for an array that nobody can change.

    >>> digest(np.zeros(2)) == digest(np.zeros(2)), digest(np.zeros(2)) == digest(np.ones(2))
    (True, False)
    """
    changes = array.flags.writeable or array.base is not None
    known = None if changes else _digests.get(id(array))
    if known is not None and known[0]() is array:
        return known[1]
    made = cache.digest(np.ascontiguousarray(array))
    if not changes and array.nbytes >= LARGE:
        key = id(array)
        _digests[key] = (weakref.ref(array, lambda _: _digests.pop(key, None)), made)
    return made


def filled(module: ir.Module, arrays: Mapping[str, np.ndarray]) -> ir.Module:
    """A copy of the module that holds the constants it names."""
    copy = ir.clone_module(module)
    if not arrays:
        return copy
    for op in ir.ops_in(copy, "stablehlo.custom_call"):
        array = arrays.get(ir.string_in(op, "call_target_name"))
        if array is not None:
            put_constant(op.results[0], array)
            op.erase()
    return copy


def put_constant(value: ir.Value, array: np.ndarray) -> None:
    """Let a constant take the place of a value; the op that makes it stays."""
    op = value.owner.operation
    facts, point = {"value": ir.dense(array)}, ir.InsertionPoint(op)
    made = ir.create("stablehlo.constant", [value.type], [], facts, op.location, point)
    value.replace_all_uses_with(made.results[0])
