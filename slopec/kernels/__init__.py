"""Kernels written by hand, which take the place of StableHLO ops in what is compiled for a CPU.

`place_kernels` is the last thing that happens to a module before the back end has it.
"""

from collections.abc import Callable, Mapping
from functools import cache as once
from pathlib import Path

from slopec import cache, ir
from slopec.kernels import (
    column_functions,
    complex_functions,
    convolutions,
    middle_folds,
    parts,
    pooling,
    products,
    reversal,
    routines,
    row_functions,
    row_loops,
    scatters,
    side_by_side,
    small_loops,
    strides,
    taken,
    turnings,
    weights,
)
from slopec.kernels.elementwise import EACH
from slopec.kernels.hardware import Vectors, vectors_of
from slopec.passes.inline_routines import InlineRoutines
from slopec.targets import Target

Place = Callable[[ir.Module, ir.Operation, Vectors], bool]
"""Puts a kernel where an op is; whether it did. The op itself is left without uses."""

PLACES: tuple[dict[str, Place], ...] = (
    {"stablehlo.while": row_loops.place},
    {"stablehlo.while": small_loops.place},
    {"stablehlo.convolution": convolutions.place},
    {"stablehlo.reduce_window": pooling.place},
    {"stablehlo.dot_general": products.place},
    {"stablehlo.scatter": scatters.place},
)
"""Where kernels go, by the op that is looked at: table after table, for a kernel may take the ops
that follow along; first come, first served."""

ROWS: dict[str, Place] = dict.fromkeys(EACH, row_functions.place)
"""What is looked at once folds of columns have what they need."""

FOLDS: dict[str, Place] = {"stablehlo.reduce": row_functions.place_fold}
"""What is looked at once folds have what is computed with them."""

MIDDLES: dict[str, Place] = {"stablehlo.reduce": middle_folds.place}
"""Folds that are left, which are not of rows."""

TAKEN: dict[str, Place] = {"stablehlo.gather": taken.place}
"""What takes indices apart that would be put together otherwise."""

TURNS: dict[str, Place] = {
    "stablehlo.transpose": turnings.place,
    "stablehlo.reverse": reversal.place,
    "stablehlo.slice": strides.place_slice,
    "stablehlo.concatenate": strides.place_stack,
}
"""What is looked at last: it goes by what other kernels take and write."""


FIRST, REST = 2, 3
"""Executables, at most, of the kernels that are placed first, and of the others."""


def place_kernels(
    module: ir.Module, target: Target, ready: Callable[[], None] = lambda: None
) -> bool:
    """Put kernels into a module wherever they are faster on a resolved target; whether any are.

    `ready` is called when the code of some is complete, and again when that of all is.
    """
    vectors = vectors_of(target)
    if vectors is None:
        return False
    any_routine = _placed({"func.call": routines.place}, module, vectors)
    InlineRoutines().run(module)
    several = [_placed(places, module, vectors) for places in PLACES]
    side_by_side.place(module, vectors)
    weights.drop_unused(module)
    parts.gather(module, FIRST)
    ready()
    folded = column_functions.place(module, vectors)
    rows = _placed(ROWS, module, vectors)
    lone = _placed(FOLDS, module, vectors)
    middles = _placed(MIDDLES, module, vectors)
    of_parts = complex_functions.place(module, vectors)
    found = _placed(TAKEN, module, vectors)
    turned = _placed(TURNS, module, vectors)
    weights.drop_unused(module)
    parts.gather(module, REST)
    parts.spare_reshapes(module)
    ready()
    return any([any_routine, *several, folded, rows, lone, middles, of_parts, found, turned])


def _placed(places: Mapping[str, Place], module: ir.Module, vectors: Vectors) -> bool:
    """Put kernels where a table says; whether there are any."""
    found = ir.ops_in(module, *places)
    placed = [op for op in found if places[op.name](module, op, vectors)]
    for op in placed:
        op.erase()
    return bool(placed)


def suits(target: Target) -> bool:
    """Whether a resolved target has kernels for convolutions and loops, left alone by passes."""
    vectors = vectors_of(target)
    return vectors is not None and convolutions.suits(vectors)


@once
def edition() -> str:
    """A digest of this room: other kernels make other code of the same module."""
    return cache.digest_of_files(Path(__file__).parent, "*.py")
