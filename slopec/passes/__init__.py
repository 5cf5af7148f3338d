"""Passes: named rewrites of an MLIR module, and the pipelines made of them.

`parse_pipeline` reads a pipeline, `run_pipeline` runs it, observers watch. A new pass is a file of
the pass's name with a frozen dataclass in it and a line in `base.PASSES`.
"""

from slopec.passes.base import PASSES, Pass, find, options, spell
from slopec.passes.observe import Dump, Measure, Observer, Together, Verify, op_counts
from slopec.passes.pipeline import PassError, Pipeline, parse_pipeline, run_pipeline

__all__ = [
    "PASSES",
    "Dump",
    "Measure",
    "Observer",
    "Pass",
    "PassError",
    "Pipeline",
    "Together",
    "Verify",
    "find",
    "op_counts",
    "options",
    "parse_pipeline",
    "run_pipeline",
    "spell",
]
