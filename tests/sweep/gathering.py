"""Gather: where windows come from and go to, indices of every type, inside and out."""

from collections.abc import Iterator

import numpy as np

from tests.sweep.case import Case
from tests.sweep.definitions import Numbers, gather
from tests.sweep.modules import EVERY, flag, numbers, one_op, sample

ROWS = Numbers((1,), (0,), start=(0,), vector_dim=1)
Shapes = tuple[tuple[int, ...], Numbers, tuple[int, ...], tuple[int, ...]]
FORMS: dict[str, Shapes] = {
    # the operand's shape, the numbers, the sizes of slices, the shape of the indices
    "rows": ((5, 4), ROWS, (1, 4), (6, 1)),
    "rows, scalar indices": ((5, 4), Numbers((1,), (0,), start=(0,), vector_dim=1), (1, 4), (6,)),
    "rows of a matrix of indices": ((5, 4), Numbers((2,), (0,), start=(0,), vector_dim=2), (1, 4), (3, 2)),
    "columns": ((5, 4), Numbers((0,), (1,), start=(1,), vector_dim=1), (5, 1), (6, 1)),
    "columns last": ((3, 4), Numbers((1,), (1,), start=(1,), vector_dim=1), (3, 1), (6, 1)),
    "elements": ((7,), Numbers((), (0,), start=(0,), vector_dim=1), (1,), (9, 1)),
    "one element": ((7,), Numbers((), (0,), start=(0,), vector_dim=0), (1,), (1,)),
    "one row, a scalar index": ((5, 4), Numbers((0,), (0,), start=(0,), vector_dim=0), (1, 4), ()),
    "points": ((5, 4), Numbers((), (0, 1), start=(0, 1), vector_dim=1), (1, 1), (8, 2)),
    "points, exchanged": ((5, 4), Numbers((), (0, 1), start=(1, 0), vector_dim=1), (1, 1), (8, 2)),
    "points of a cube": ((3, 4, 5), Numbers((), (0, 1, 2), start=(2, 0, 1), vector_dim=2), (1, 1, 1), (2, 3, 3)),
    "vectors first": ((5, 4), Numbers((), (0, 1), start=(0, 1), vector_dim=0), (1, 1), (2, 8)),
    "vectors in the middle": ((5, 4), Numbers((), (0, 1), start=(0, 1), vector_dim=1), (1, 1), (3, 2, 4)),
    "windows": ((5, 4), Numbers((1, 2), (), start=(0, 1), vector_dim=1), (2, 3), (6, 2)),
    "windows of rows": ((5, 4), Numbers((1, 2), (), start=(0,), vector_dim=1), (2, 4), (6, 1)),
    "partial windows": ((5, 4), Numbers((1, 2), (), start=(0,), vector_dim=1), (2, 3), (6, 1)),
    "partial rows": ((5, 4), Numbers((1,), (0,), start=(0,), vector_dim=1), (1, 3), (6, 1)),
    "windows in front": ((5, 4), Numbers((0, 1), (), start=(0, 1), vector_dim=1), (2, 3), (6, 2)),
    "windows around": ((5, 4), Numbers((0, 2), (), start=(0, 1), vector_dim=1), (2, 3), (6, 2)),
    "one window": ((5, 4), Numbers((0, 1), (), start=(0, 1), vector_dim=0), (2, 3), (2,)),
    "windows of a cube": ((3, 4, 5), Numbers((1, 2), (1,), start=(1, 2), vector_dim=1), (3, 1, 2), (6, 2)),
    "windows, one side collapsed": ((3, 4, 5), Numbers((0, 2), (0,), start=(0, 1), vector_dim=1), (1, 2, 5), (6, 2)),
    "windows, a side dropped": ((3, 4, 5), Numbers((1, 2), (1,), start=(2, 0), vector_dim=1), (2, 1, 3), (6, 2)),
    "partial before an indexed side": ((3, 4, 5), Numbers((1, 2), (2,), start=(2,), vector_dim=1), (2, 4, 1), (6, 1)),
    "no index dims, a side dropped": ((3, 5, 4), Numbers((1, 2), (0,), start=(), vector_dim=1), (1, 2, 3), (3, 0)),
    "everything": ((5, 4), Numbers((1, 2), (), start=(0, 1), vector_dim=1), (5, 4), (3, 2)),
    "no index dims": ((5, 4), Numbers((1, 2), (), start=(), vector_dim=1), (2, 3), (3, 0)),
    "batched rows": ((3, 5, 4), Numbers((2,), (1,), (0,), (0,), (1,), 2), (1, 1, 4), (3, 6, 1)),
    "batched elements": ((3, 5), Numbers((), (1,), (0,), (0,), (1,), 2), (1, 1), (3, 6, 1)),
    "batched, indices turned": ((3, 5), Numbers((), (1,), (0,), (1,), (1,), 2), (1, 1), (6, 3, 1)),
    "two batches": ((2, 3, 5), Numbers((), (2,), (0, 1), (0, 1), (2,), 3), (1, 1, 1), (2, 3, 4, 1)),
    "batched windows": ((2, 5, 6), Numbers((2, 3), (), (0,), (0,), (1, 2), 2), (1, 2, 3), (2, 4, 2)),
    "batches behind": ((5, 3), Numbers((), (0,), (1,), (2,), (0,), 0), (1, 1), (1, 6, 3)),
    "empty windows": ((5, 4), Numbers((1, 2), (), start=(0, 1), vector_dim=1), (0, 3), (6, 2)),
    "no indices": ((5, 4), ROWS, (1, 4), (0, 1)),
    "rows without columns": ((5, 0), ROWS, (1, 0), (6, 1)),
    "rank 0": ((), Numbers((), (), start=(), vector_dim=1), (), (3, 0)),
}  # fmt: skip
HOSTILE = {
    "int8": (-128, 127, -1), "int16": (-(2**15), 2**15 - 1, -3), "int32": (-(2**31), 2**31 - 1, -1),
    "int64": (-(2**63), 2**63 - 1, 2**32, -(2**32) + 1, 2**31), "uint8": (255, 5, 4), "uint16": (65535, 128, 5),
    "uint32": (2**32 - 1, 2**31, 6), "uint64": (2**64 - 1, 2**63, 2**32),
}  # fmt: skip


def places(form: Shapes, seed: int, low: int = -3, high: int = 8) -> np.ndarray:
    """Indices around the operand, most of them inside."""
    return np.random.default_rng(seed).integers(low, high, form[3]).astype(np.int32)


def of(what: str, form: Shapes, x: np.ndarray, indices: np.ndarray, ordered: bool = False) -> Case:
    _, dims, sizes, _ = form
    attributes = (
        f"dimension_numbers = {dims.of_gather()}, slice_sizes = {numbers(sizes)}, "
        f"indices_are_sorted = {flag(ordered)}"
    )
    return one_op(f"gather/{what}", [x, indices], [gather(x, indices, dims, sizes)], attributes)


def cases() -> Iterator[Case]:
    for seed, (name, form) in enumerate(FORMS.items()):
        yield of(f"{name}", form, sample(form[0]), places(form, seed))
    rows, points = FORMS["rows"], FORMS["points"]
    for kind in EVERY:
        yield of(f"rows of {kind}", rows, sample((5, 4), kind), places(rows, 1))
        yield of(f"points of {kind}", points, sample((5, 4), kind), places(points, 1))
    for kind, values in HOSTILE.items():
        for name in ("rows", "elements", "windows", "points"):
            form = FORMS[name]
            given = np.resize(np.array([*values, 0, 1, 3], kind), form[3])
            yield of(f"{name} at hostile {kind}", form, sample(form[0]), given)
    inside = np.sort(places(rows, 2, 0, 5), axis=0)
    yield of("rows, sorted", rows, sample((5, 4)), inside, ordered=True)
    yield of("rows, sorted, outside", rows, sample((5, 4)), np.sort(places(rows, 3), axis=0), ordered=True)  # fmt: skip
