"""What the operators of ONNX are in ours: one table, by family.

A function takes an operator's inputs in their order and its attributes by keyword (`transA` as
`trans_a`). One that has a parameter `version` or `outputs` is told the version of the operator set
or how many outputs are wanted. Inputs whose places stand in `KNOWN` are arrays of NumPy: they
decide about shapes, so they have to be known when the model is traced.
"""

from collections.abc import Callable
from typing import Any

from slopec.interop.onnx import (
    contractions,
    elementwise,
    images,
    normalization,
    places,
    pooling,
    recurrence,
    reductions,
    shapes,
)

FAMILIES = (
    *(elementwise, reductions, shapes, places, contractions, normalization, pooling, images),
    recurrence,
)

TABLE: dict[str, Callable[..., Any]] = {}
"""Every operator that is known; those that ONNX itself defines by others need no line."""

KNOWN: dict[str, tuple[int, ...]] = {}
"""For operators the places of inputs that must be known."""

for _family in FAMILIES:
    assert not TABLE.keys() & _family.TABLE.keys(), f"{_family.__name__} repeats an operator"
    TABLE.update(_family.TABLE)
    KNOWN.update(getattr(_family, "KNOWN", {}))
