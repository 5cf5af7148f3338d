"""MLIR's pass manager and greedy pattern driver: the half of the door that changes modules.

Patterns are Python functions; the driver around them is MLIR's own, so it visits, re-visits, folds
and erases in C++ at one to three microseconds an op, and only a match costs Python's price.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from iree.compiler import passmanager
from iree.compiler import rewrite as mlir_rewrite

from slopec import ir

Attempt = Callable[[Any], Sequence[ir.Value] | None]


def run_passes(module: ir.Module | ir.OpView, pipeline: str) -> None:
    """Run passes registered in C++ over `module`; raises MLIRError when one of them fails."""
    passmanager.PassManager.parse(f"builtin.module({pipeline})", ir.context()).run(module.operation)


def rewrite_greedily(
    root: ir.Operation, attempts: Mapping[str, Attempt], *, max_iterations: int, max_rewrites: int
) -> bool:
    """Apply `attempts` to the ops inside `root` until none matches; whether that point was reached.

    An attempt gets an op of the name it is filed under and returns the values that take the place
    of the op's results, or None when it does not match. It may create ops only when it matches.
    Dead ops are erased on the way. `max_rewrites` bounds one of at most `max_iterations` rounds.
    """
    patterns = mlir_rewrite.RewritePatternSet(ir.context())
    for name, attempt in attempts.items():
        patterns.add(name, _as_pattern(attempt))
    config = mlir_rewrite.GreedyRewriteConfig()
    config.max_iterations = max_iterations
    config.max_num_rewrites = max_rewrites
    config.use_top_down_traversal = True
    config.region_simplification_level = mlir_rewrite.GreedySimplifyRegionLevel.NORMAL
    try:
        mlir_rewrite.apply_patterns_and_fold_greedily(root, patterns.freeze(), config)
    except RuntimeError as error:
        if "failed to converge" not in str(error):
            raise
        return False
    return True


def _as_pattern(attempt: Attempt) -> Callable[[Any, Any], bool]:
    """The bindings' calling convention: true means that nothing matched."""

    def match_and_rewrite(op: Any, rewriter: Any) -> bool:
        values = attempt(op)
        if values is None:
            return True
        if len(values) != len(op.operation.results):  # MLIR would crash
            raise ValueError(f"{len(values)} values cannot replace the results of {op.name}")
        rewriter.replace_op(op, list(values))
        return False

    return match_and_rewrite
