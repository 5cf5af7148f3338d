"""A module's executables are linked into a few, which LLVM then compiles at the same time.

IREE links all of them into one, on which one thread of LLVM works while the others wait. Only the
standard library is imported here.
"""

from collections.abc import Sequence
from typing import Any

from slopec.emit_library import Handle, Text

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

_NAME, _EXECUTABLE = b"sym_name", b"hal.executable"


def link_in_parts(library: Any, invocation: int) -> bool:
    """Link what was translated for processors; False if IREE cannot, which diagnostics explain.

    The executables of one part at a time are in the module while IREE links.
    """
    module = library.ireeCompilerInvocationExportStealModule(invocation)
    unlinked = _take_executables(library, module)
    parts = max(1, min(PARTS, len(unlinked) // LEAST))
    name = library.mlirOperationGetAttributeByName(_operation(library, module), Text.of(_NAME))
    linked: list[Handle] = []
    for part in range(parts):
        _insert(library, module, unlinked[part::parts])
        if parts > 1:  # IREE calls what it links after the module
            _call(library, module, f"part_{part}".encode())
        library.ireeCompilerInvocationImportStealModule(invocation, module)
        if not library.ireeCompilerInvocationRunPassPipeline(invocation, _LINK):
            return False
        module = library.ireeCompilerInvocationExportStealModule(invocation)
        linked += _take_executables(library, module)
    _insert(library, module, linked)
    if name.pointer is None:
        library.mlirOperationRemoveAttributeByName(_operation(library, module), Text.of(_NAME))
    else:
        library.mlirOperationSetAttributeByName(_operation(library, module), Text.of(_NAME), name)
    return bool(library.ireeCompilerInvocationImportStealModule(invocation, module))


def _operation(library: Any, module: Handle) -> Handle:
    operation: Handle = library.mlirModuleGetOperation(module)
    return operation


def _call(library: Any, module: Handle, name: bytes) -> None:
    """Give the module a name."""
    attribute = library.mlirStringAttrGet(library.mlirModuleGetContext(module), Text.of(name))
    library.mlirOperationSetAttributeByName(_operation(library, module), Text.of(_NAME), attribute)


def _take_executables(library: Any, module: Handle) -> list[Handle]:
    """The executables, which are no longer in the module."""
    found = []
    operation = library.mlirBlockGetFirstOperation(library.mlirModuleGetBody(module))
    while operation.pointer is not None:
        if library.mlirIdentifierStr(library.mlirOperationGetName(operation)).read() == _EXECUTABLE:
            found.append(operation)
        operation = library.mlirOperationGetNextInBlock(operation)
    for executable in found:
        library.mlirOperationRemoveFromParent(executable)
    return found


def _insert(library: Any, module: Handle, executables: Sequence[Handle]) -> None:
    """Put executables, in their order, before all that is in the module."""
    body = library.mlirModuleGetBody(module)
    for place, executable in enumerate(executables):
        library.mlirBlockInsertOwnedOperation(body, place, executable)
