"""What compiled functions take besides the inputs in the manifest: memory that callers keep.

The last argument holds intermediate values. Those before it, after the inputs, are where results
are written that replace state but must not lie where the state lies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iree.runtime import VmFunction

TURNING = "slopec.turning"
"""In a function's reflection, the results whose memory takes turns with that of their slots."""


def turning(function: VmFunction) -> list[int]:
    """The results that are written to further arguments, in the order of those."""
    stated = function.reflection.get(TURNING, "")
    return [int(place) for place in stated.split(",") if place]


def scratch_size(function: VmFunction) -> int | None:
    """The bytes that a function takes as its last argument; None if it has no such argument."""
    stated = function.reflection.get("iree.abi.transients.size.constant")
    return None if stated is None else max(1, int(stated))


CONSTANTS = "constants"
"""The scope of IREE's parameters that are constants which the module asks for by name."""
