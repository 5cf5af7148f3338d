"""A manifest that follows the schema can still contradict itself; these are the rules it must keep.

Each rule protects a later step that relies on it without looking: the call path, the splitting of
batches, or the bookkeeping of state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .dtypes import NAMES
from .errors import did_you_mean
from .fields import invalid
from .sizes import evaluate, is_name, names
from .tree import Tree, leaves

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .manifest import EntryPoint, Input, Manifest, Output, Shape


def check(manifest: Manifest) -> None:
    """Raise Error S0504 at the first rule that `manifest` breaks."""
    if not manifest.target.drivers:
        invalid("target.drivers", "must name at least one driver")
    if manifest.module.size < 0:
        invalid("module.size", "must not be negative")
    end = manifest.module.size
    for name, constant in sorted(manifest.constants.items(), key=lambda item: item[1].start):
        if constant.start < end or constant.size < 0:
            invalid(f"constants.{name}", "must lie behind the module and the constants before it")
        end = constant.start + constant.size
    for name, dim in manifest.dims.items():
        if not dim.sizes or min(dim.sizes) < 1 or len(set(dim.sizes)) != len(dim.sizes):
            invalid(f"dims.{name}.sizes", "must be distinct positive sizes, at least one")
    for name, slot in manifest.state.items():
        _check_array(f"state.{name}", slot.shape, slot.dtype, manifest)
    for name, entry in manifest.entries.items():
        _check_entry(f"entries.{name}", entry, manifest)


def _check_entry(where: str, entry: EntryPoint, manifest: Manifest) -> None:
    sides: tuple[tuple[str, Sequence[Input | Output]], ...] = (
        ("inputs", entry.inputs),
        ("outputs", entry.outputs),
    )
    for kind, arrays in sides:
        for position, array in enumerate(arrays):
            _check_array(f"{where}.{kind}[{position}]", array.shape, array.dtype, manifest)
        _check_slots(f"{where}.{kind}", arrays, manifest)
    _check_donation(where, entry)
    fed = [i for i, array in enumerate(entry.inputs) if array.slot is None]
    names = [name for name, _ in entry.arguments]
    if len(set(names)) != len(names):
        invalid(f"{where}.arguments", "must have distinct names")
    used = [leaf for _, tree in entry.arguments for leaf in _leaves(where, tree)]
    if sorted(used) != fed:
        invalid(f"{where}.arguments", f"must use each of the inputs {fed} exactly once, not {used}")
    for leaf in _leaves(where, entry.result):
        if not 0 <= leaf < len(entry.outputs):
            invalid(f"{where}.result", f"refers to output {leaf} of {len(entry.outputs)}")
    _check_variants(where, entry, manifest)


def _check_array(where: str, shape: Shape, dtype: str, manifest: Manifest) -> None:
    if dtype not in NAMES:
        invalid(f"{where}.dtype", f"is the unknown dtype '{dtype}'", did_you_mean(dtype, NAMES))
    for axis, size in enumerate(shape):
        place = f"{where}.shape[{axis}]"
        if isinstance(size, int) and size < 0:
            invalid(place, f"must not be negative, not {size}")
        if isinstance(size, str):
            _check_formula(place, size, manifest)
    used = [name for size in shape for name in names(size)]
    for name in used:
        if manifest.dims[name].independent and (used.count(name) > 1 or name not in shape):
            invalid(where, f"uses the independent dimension '{name}' in a formula or twice")


def _check_formula(where: str, size: str, manifest: Manifest) -> None:
    try:
        used = names(size)
    except ValueError as problem:
        invalid(where, f"must be a size: {problem}")
    if not used:
        invalid(where, f"'{size}' names no dimension")
    for name in used:
        if name not in manifest.dims:
            invalid(where, f"names the dimension '{name}', which is not in dims")


def _check_slots(where: str, arrays: Iterable[Input | Output], manifest: Manifest) -> None:
    seen: set[str] = set()
    for position, array in enumerate(arrays):
        if array.slot is None:
            continue
        place = f"{where}[{position}].slot"
        if array.slot not in manifest.state:
            invalid(place, f"'{array.slot}' is not in state")
        if array.slot in seen:
            invalid(place, f"'{array.slot}' is used twice")
        seen.add(array.slot)
        slot = manifest.state[array.slot]
        if (slot.shape, slot.dtype) != (array.shape, array.dtype):
            invalid(place, f"'{array.slot}' has another shape or dtype than the array bound to it")


def _check_donation(where: str, entry: EntryPoint) -> None:
    """A donated slot loses its memory in the call, so the call must give it a new value."""
    replaced = {output.slot for output in entry.outputs}
    for position, array in enumerate(entry.inputs):
        if array.slot is not None and array.donated and array.slot not in replaced:
            invalid(f"{where}.inputs[{position}]", f"donates '{array.slot}' but no output sets it")


def _leaves(where: str, tree: Tree) -> list[int]:
    def look(node: Tree) -> None:
        if isinstance(node, int):
            return
        wanted = len(node.items) if node.kind == "dict" else 0
        if len(node.keys) != wanted or len(set(node.keys)) != wanted:
            invalid(where, f"has a {node.kind} with keys that do not match its items")
        if node.kind == "none" and node.items:
            invalid(where, "has a none with items")
        for item in node.items:
            look(item)

    look(tree)
    return list(leaves(tree))


def _check_variants(where: str, entry: EntryPoint, manifest: Manifest) -> None:
    """Each function serves one combination of sizes of the dimensions that the inputs use."""
    used = {str(size) for array in entry.inputs for size in array.shape if is_name(size)}
    sides: tuple[tuple[str, Sequence[Input | Output]], ...] = (
        ("inputs", entry.inputs),
        ("outputs", entry.outputs),
    )
    for kind, arrays in sides:
        for position, array in enumerate(arrays):
            free = [n for size in array.shape for n in names(size) if n not in used]
            if free:
                place = f"{where}.{kind}[{position}]"
                invalid(place, f"uses '{free[0]}', which no input determines")
    if not entry.variants:
        invalid(f"{where}.variants", "must hold at least one function")
    seen: list[dict[str, int]] = []
    for position, variant in enumerate(entry.variants):
        place = f"{where}.variants[{position}].dims"
        if set(variant.dims) != used:
            invalid(place, f"must give a size for each of {sorted(used)}")
        if dict(variant.dims) in seen:
            invalid(place, "repeats the sizes of an earlier variant")
        seen.append(dict(variant.dims))
        _check_sizes(where, entry, variant.dims)
        for name, size in variant.dims.items():
            if size not in manifest.dims[name].sizes:
                invalid(f"{place}.{name}", f"is {size}, which dims.{name}.sizes does not list")


def _check_sizes(where: str, entry: EntryPoint, dims: Mapping[str, int]) -> None:
    """Every formula gives a size for the sizes that a variant serves."""
    sides: tuple[tuple[str, Sequence[Input | Output]], ...] = (
        ("inputs", entry.inputs),
        ("outputs", entry.outputs),
    )
    for kind, arrays in sides:
        for position, array in enumerate(arrays):
            for axis, size in enumerate(array.shape):
                place = f"{where}.{kind}[{position}].shape[{axis}]"
                try:
                    value = evaluate(size, dims)
                except ValueError as problem:
                    invalid(place, f"must be a size: {problem}")
                if not 0 <= value < 2**62:
                    invalid(place, f"'{size}' is {value} for {dict(dims)}")
