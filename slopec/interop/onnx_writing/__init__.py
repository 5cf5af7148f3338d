"""What the ops of StableHLO are in ONNX: one table, by family.

A rule writes nodes for an op and returns the name of what stands for its result.
"""

from slopec.interop.onnx_writing import contractions, elementwise, shapes
from slopec.interop.onnx_writing.writer import Rule

TABLE: dict[str, Rule] = {**elementwise.TABLE, **shapes.TABLE, **contractions.TABLE}
"""Every op that is known."""
