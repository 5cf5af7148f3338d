"""A module's executables are linked into a few, which LLVM then compiles at the same time.

IREE links all of them into one, on which one thread of LLVM works while the others wait. Only the
standard library is imported here.
"""

from collections.abc import Callable, Sequence
from typing import Any

from slopec import emit_tree as tree
from slopec.emit_library import Handle, Invocation

Divide = Callable[[Sequence[Handle]], dict[str, list[Handle]]]
"""Says in which parts to link executables."""

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


def divided(executables: Sequence[Handle], name: str = "part") -> dict[str, list[Handle]]:
    """The parts that executables are to be linked in, by what they are called."""
    parts = max(1, min(PARTS, len(executables) // LEAST))
    return {f"{name}_{part}": list(executables[part::parts]) for part in range(parts)}


def link(invocation: Invocation, divide: Divide = divided) -> bool:
    """Link what was translated for processors; False if IREE cannot, which diagnostics explain.

    The executables of one part at a time are in the module while IREE links.
    """
    library = invocation.library
    module = invocation.take()
    name = tree.symbol(library, module)
    linked: list[Handle] = []
    for part, executables in divide(_taken(library, module)).items():
        tree.insert(library, module, executables)
        tree.call(library, module, part)  # IREE calls what it links after the module
        invocation.give(module)
        if not invocation.run_passes(_LINK):
            return False
        module = invocation.take()
        linked += _taken(library, module)
    tree.insert(library, module, linked)
    tree.call(library, module, name)
    return invocation.give(module)


def _taken(library: Any, module: Handle) -> list[Handle]:
    """The executables, which are no longer in the module."""
    found = tree.named(library, module, tree.EXECUTABLE)
    for executable in found:
        library.mlirOperationRemoveFromParent(executable)
    return found
