"""Memory that comes from several places is given back by who holds it last, not by the program.

What a loop or a branch hands on is new memory or old: an argument, which belongs to the caller, or
a value that is still needed. IREE 3.13 frees it after its last use under the new name, whosever it
is. Without that it is freed when nothing refers to it any more. Only the standard library is
imported here.
"""

from typing import Any

from slopec import emit_tree as tree
from slopec.emit_library import Handle, Invocation

_FREE = b"stream.resource.dealloca"
_WHOEVER = b"prefer_origin"
"""The attribute of an op that frees memory of which it is not known where it was allocated."""
_NOW = b"%now = stream.timepoint.immediate => !stream.timepoint"


def keep_handed_on(invocation: Invocation) -> bool:
    """Drop the ops that free what blocks are handed; the module is to have timepoints."""
    library = invocation.library
    module = invocation.take()
    for function in tree.named(library, module, b"util.func"):
        for op in tree.within(library, function, _FREE):
            if tree.attribute(library, op, _WHOEVER).pointer is not None:
                _drop(library, op)
    return invocation.give(module)


def _drop(library: Any, op: Handle) -> None:
    """Remove an op that frees memory: who awaits it awaits what it does."""
    _, _, *awaited = tree.operands(library, op)
    after = awaited[0] if awaited else tree.made_before(library, op, _NOW)
    library.mlirValueReplaceAllUsesOfWith(library.mlirOperationGetResult(op, 0), after)
    library.mlirOperationDestroy(op)
