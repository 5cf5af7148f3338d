"""Dispatches become work on streams by IREE's passes, with less tidying up between them.

IREE's phase tidies thirteen times: half of its time, which is the longest of the phases that only
one thread works in. What comes out is the same, but for the order in which memory is laid out. Only
the standard library is imported here.
"""

from collections.abc import Sequence

from slopec.emit_library import Invocation

_OTHERS = (
    *("--iree-stream-", "--iree-scheduling-"),
    *("--iree-execution-model=host", "--iree-execution-model=inline"),
)
"""How flags begin with which IREE's phase has other passes."""


def to_streams(invocation: Invocation, flags: Sequence[str]) -> bool:
    """Run the phase "stream"; False if it fails, which diagnostics explain."""
    if any(flag.startswith(_OTHERS) for flag in flags):
        return invocation.run("stream")
    invocation.use_threads(False)
    return invocation.run_passes(",".join(_PASSES).encode())


def _in_functions(*passes: str) -> str:
    """Passes over each function and each initializer of a module."""
    inner = ",".join(passes)
    return f"util.initializer({inner}),util.func({inner})"


_GLOBALS = ("iree-util-fold-globals", "iree-util-fuse-globals", "iree-util-ipo")
_TIDY = (
    *("canonicalize", "cse", "iree-util-optimize-int-arithmetic"),
    *("iree-util-simplify-global-accesses", "iree-util-apply-patterns"),
)
_TENSORS = (
    "iree-util-verify-initialization-order",
    "iree-stream-verify-input",
    _in_functions("canonicalize", "cse", "iree-util-simplify-global-accesses"),
    *_GLOBALS,
    "iree-stream-clone-to-consumers",
    "iree-stream-conversion",
    "iree-stream-verify-lowering-to-tensors",
    "inline{default-pipeline= max-iterations=4}",
    _in_functions(*_TIDY),
    *_GLOBALS,
    "iree-util-combine-initializers",
)
_RESOURCES = (
    "iree-stream-specialize-encodings",
    _in_functions("iree-stream-encode-host-tensors"),
    "stream.executable(iree-stream-encode-device-tensors)",
    "iree-stream-materialize-encodings",
    _in_functions("iree-stream-layout-slices", "canonicalize", "cse"),
    "iree-stream-verify-lowering-to-async-resources",
    _in_functions("iree-stream-materialize-copy-on-write", "canonicalize"),
    "iree-stream-elide-async-copies",
    _in_functions("canonicalize", "iree-stream-emplace-allocations"),
    "iree-stream-refine-usage",
    _in_functions("canonicalize"),
    "iree-stream-elide-async-copies",
    _in_functions("canonicalize", "cse"),
    "iree-stream-verify-async-access-ranges",
)
_SCHEDULE = (
    "iree-stream-place-transfer-executions",
    _in_functions("iree-stream-schedule-execution", "iree-stream-schedule-concurrency"),
    "iree-stream-sync-initializers",
    "iree-stream-propagate-timepoints",
    "iree-stream-materialize-builtins",
    _in_functions("canonicalize", "cse"),
    "iree-stream-verify-lowering-to-async",
)
_COMMANDS = (
    "iree-stream-schedule-allocation",
    "iree-stream-emplace-transients",
    "iree-stream-materialize-transient-size-queries",
    _in_functions("iree-stream-pack-constants", "iree-stream-layout-slices", "canonicalize"),
    "iree-util-propagate-subranges",
    _in_functions(*_TIDY),
    "iree-stream-automatic-reference-counting",
    "iree-stream-annotate-constant-transient-size",
    "iree-stream-verify-lowering-to-cmd",
    _in_functions("iree-stream-reuse-allocations", "convert-scf-to-cf"),
    _in_functions(*_TIDY),
    *_GLOBALS,
    "iree-stream-elide-timepoints",
    _in_functions("cse", "canonicalize"),
)
_BINDINGS = (
    "iree-stream-fuse-dispatch-bindings",
    "iree-stream-annotate-dispatch-arguments",
    "iree-stream-annotate-dispatch-assumptions",
    "iree-stream-pack-dispatch-operands",
    _in_functions(*_TIDY),
    *_GLOBALS,
    "iree-stream-fold-uniform-operands",
    _in_functions(*_TIDY),
    *_GLOBALS,
    "symbol-dce",
)
_PASSES = (*_TENSORS, *_RESOURCES, *_SCHEDULE, *_COMMANDS, *_BINDINGS)
"""IREE's passes of the phase, all of those that do not tidy up among them, in its order."""
