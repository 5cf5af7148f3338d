"""A module's executables are linked into a few, which LLVM then compiles at the same time.

IREE links all of them into one, on which one thread of LLVM works while the others wait. Only the
standard library is imported here.
"""

from collections.abc import Collection, Sequence
from typing import Any

from slopec import emit_tree as tree
from slopec.emit_library import Handle, Invocation

PARTS = 4
"""Parts at most. What is made of a program must not depend on the machine that makes it."""

LEAST = 8
"""Executables that pay for a part of their own: with each of them LLVM compiles C's mathematics
anew, which takes 0.1 s."""

_LINK = (
    b"iree-llvmcpu-link-executables{target=llvm-cpu},hal.executable(canonicalize,"
    b"hal.executable.variant(iree-llvmcpu-assign-constant-ordinals,"
    b"iree-llvmcpu-assign-import-ordinals))"
)
"""What IREE does to link, which it does to all the executables that it finds in the module."""


def parts_of(executables: Sequence[Any], most: int = PARTS) -> list[Sequence[Any]]:
    """The executables in as many parts as pay, `most` at most."""
    parts = max(1, min(most, len(executables) // LEAST))
    return [executables[part::parts] for part in range(parts)]


def link(invocation: Invocation, complete: Collection[str] = ()) -> bool:
    """Link what was translated for processors; False if IREE cannot, which diagnostics explain.

    Executables whose names are among the `complete` stay as they are, after the others: LLVM's
    threads begin with the first, and those are soon done. Those of one part at a time are in the
    module while IREE links.
    """
    library = invocation.library
    module = invocation.take()
    name = tree.symbol(library, module)
    taken = _taken(library, module)
    kept = [one for one in taken if tree.symbol(library, one) in complete]
    linked = list[Handle]()
    parts = parts_of([one for one in taken if tree.symbol(library, one) not in complete])
    for number, executables in enumerate(parts):
        tree.insert(library, module, executables)
        if len(parts) > 1:  # IREE calls what it links after the module
            tree.call(library, module, f"part_{number}")
        invocation.give(module)
        if not invocation.run_passes(_LINK):
            return False
        module = invocation.take()
        linked += _taken(library, module)
    tree.insert(library, module, [*linked, *kept])
    tree.call(library, module, name)
    return invocation.give(module)


def _taken(library: Any, module: Handle) -> list[Handle]:
    """The executables, which are no longer in the module."""
    found = tree.named(library, module, tree.EXECUTABLE)
    for executable in found:
        library.mlirOperationRemoveFromParent(executable)
    return found
