"""What a module being compiled consists of: operations in operations, by MLIR's C interface.

Where no more is said, operations have one region of one block, as a module and all that carries
executables have.
"""

import ctypes
from collections.abc import Sequence
from typing import Any

from slopec.emit_library import Handle, OnOperation, Text

EXECUTABLE = b"hal.executable"
_NAME = b"sym_name"


def inner(library: Any, operation: Handle) -> list[Handle]:
    """The operations in one, in order."""
    found = []
    following = library.mlirBlockGetFirstOperation(_block(library, operation))
    while following.pointer is not None:
        found.append(following)
        following = library.mlirOperationGetNextInBlock(following)
    return found


def named(library: Any, operation: Handle, kind: bytes) -> list[Handle]:
    """The operations in one that are of a kind, such as b"hal.executable"."""
    return [one for one in inner(library, operation) if _name(library, one) == kind]


def within(library: Any, operation: Handle, kind: bytes) -> list[Handle]:
    """The operations of a kind in one, in whatever blocks and regions."""
    found = list[Handle]()

    def visit(pointer: int, _: object) -> int:
        if _name(library, Handle(pointer)) == kind:
            found.append(Handle(pointer))
        return 0  # to go on

    library.mlirOperationWalk(operation, OnOperation(visit), None, 0)
    return found


def operands(library: Any, operation: Handle) -> list[Handle]:
    """The values that an operation takes."""
    count = library.mlirOperationGetNumOperands(operation)
    return [library.mlirOperationGetOperand(operation, place) for place in range(count)]


def made_before(library: Any, operation: Handle, text: bytes) -> Handle:
    """The result of a new operation, spelled without operands, in front of one."""
    made = library.mlirOperationCreateParse(
        _context(library, operation), Text.of(text), Text.of(b"made")
    )
    return _placed_before(library, operation, made)


def made_of(library: Any, operation: Handle, name: bytes, given: Sequence[Handle]) -> Handle:
    """The result of a new operation in front of one, of values of the type that it has itself."""
    state = library.mlirOperationStateGet(
        Text.of(name), library.mlirOperationGetLocation(operation)
    )
    type_ = library.mlirValueGetType(given[0])
    library.mlirOperationStateAddResults(ctypes.byref(state), 1, ctypes.byref(type_))
    values = (Handle * len(given))(*given)
    library.mlirOperationStateAddOperands(ctypes.byref(state), len(given), values)
    return _placed_before(library, operation, library.mlirOperationCreate(ctypes.byref(state)))


def blocks(library: Any, operation: Handle) -> list[Handle]:
    """The blocks of an operation's first region."""
    found = list[Handle]()
    block = _block(library, operation)
    while block.pointer is not None:
        found.append(block)
        block = library.mlirBlockGetNextInRegion(block)
    return found


def arguments(library: Any, block: Handle, type_: bytes) -> list[int]:
    """The places of a block's arguments of a type."""
    context = _context(library, library.mlirBlockGetParentOperation(block))
    wanted = library.mlirTypeParseGet(context, Text.of(type_))
    count = library.mlirBlockGetNumArguments(block)
    types = [
        library.mlirValueGetType(library.mlirBlockGetArgument(block, place))
        for place in range(count)
    ]
    return [place for place, one in enumerate(types) if library.mlirTypeEqual(one, wanted)]


def edges(library: Any, operation: Handle) -> list[tuple[Handle, Handle, int]]:
    """Where the blocks in one go on: a terminator, the next block, the first operand it is given.

    What blocks are given are a terminator's last operands, one block's after the other's.
    """
    found = []
    for block in blocks(library, operation):
        end = library.mlirBlockGetTerminator(block)
        count = library.mlirOperationGetNumSuccessors(end)
        after = [library.mlirOperationGetSuccessor(end, place) for place in range(count)]
        sizes = [library.mlirBlockGetNumArguments(one) for one in after]
        first = library.mlirOperationGetNumOperands(end) - sum(sizes)
        for one, size in zip(after, sizes, strict=True):
            found.append((end, one, first))
            first += size
    return found


def insert(library: Any, operation: Handle, inserted: Sequence[Handle]) -> None:
    """Put operations, in their order, before all that is in one."""
    block = _block(library, operation)
    for place, one in enumerate(inserted):
        library.mlirBlockInsertOwnedOperation(block, place, one)


def symbol(library: Any, operation: Handle) -> str:
    """What an operation is called; "" if it has no name."""
    value = attribute(library, operation, _NAME)
    if value.pointer is None:
        return ""
    text: Text = library.mlirStringAttrGetValue(value)
    return text.read().decode()


def call(library: Any, operation: Handle, name: str) -> None:
    """Give an operation a name, or with "" none."""
    if name:
        set_text(library, operation, _NAME, name)
    else:
        library.mlirOperationRemoveAttributeByName(operation, Text.of(_NAME))


def attribute(library: Any, operation: Handle, name: bytes) -> Handle:
    """An attribute; its pointer is None where there is none."""
    value: Handle = library.mlirOperationGetAttributeByName(operation, Text.of(name))
    return value


def set_text(library: Any, operation: Handle, name: bytes, value: str) -> None:
    """Set an attribute to a text."""
    text = library.mlirStringAttrGet(_context(library, operation), Text.of(value.encode()))
    library.mlirOperationSetAttributeByName(operation, Text.of(name), text)


def data(library: Any, operation: Handle, name: bytes) -> bytes:
    """An attribute that is a vector of bytes."""
    value = attribute(library, operation, name)
    start = library.mlirDenseElementsAttrGetRawData(value)
    return ctypes.string_at(start, library.mlirElementsAttrGetNumElements(value))


def set_data(library: Any, operation: Handle, name: bytes, value: bytes) -> None:
    """Set an attribute to a vector of bytes."""
    byte = library.mlirIntegerTypeGet(_context(library, operation), 8)
    type_ = library.mlirVectorTypeGet(1, (ctypes.c_int64 * 1)(len(value)), byte)
    elements = library.mlirDenseElementsAttrRawBufferGet(type_, len(value), value)
    library.mlirOperationSetAttributeByName(operation, Text.of(name), elements)


def _placed_before(library: Any, operation: Handle, made: Handle) -> Handle:
    """The result of an operation that is put in front of another."""
    block = library.mlirOperationGetBlock(operation)
    library.mlirBlockInsertOwnedOperationBefore(block, operation, made)
    value: Handle = library.mlirOperationGetResult(made, 0)
    return value


def _name(library: Any, operation: Handle) -> bytes:
    name: Text = library.mlirIdentifierStr(library.mlirOperationGetName(operation))
    return name.read()


def _block(library: Any, operation: Handle) -> Handle:
    block: Handle = library.mlirRegionGetFirstBlock(library.mlirOperationGetFirstRegion(operation))
    return block


def _context(library: Any, operation: Handle) -> Handle:
    context: Handle = library.mlirOperationGetContext(operation)
    return context
