"""IREE's compiler as C functions: what they take and give, and what its diagnostics say.

IREE's Python wrapper covers neither phases nor diagnostics, so the functions are called as the
headers of its embedding interface and of MLIR's C interface declare them. Only the standard library
is imported here.
"""

import ctypes
import itertools
import mmap
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from slopec.emit_frames import Header, Send

PHASES = (
    *("input", "abi", "preprocessing", "global-optimization", "dispatch-creation", "flow"),
    *("stream", "executable-sources", "executable-configurations", "executable-targets"),
    *("hal", "vm", "end"),
)
"""IREE's compilation phases in order. Run one by one they make the same module in the same time,
and the last one announced is where a crash happened."""

_AT_ONCE = frozenset({"executable-configurations", "executable-targets", "hal"})
"""Phases in which there is work for several threads. In the others, which rewrite the program, a
function at a time, MLIR's threads take more than they give: a fifth of the time."""

_FILE = "libIREECompiler.dylib" if sys.platform == "darwin" else "libIREECompiler.so"

BUFFER_NAME = "<module>"
"""What IREE calls the text it parses: locations in it are not the user's."""

_TEXT_LIMIT = 2000
_PLACES_LIMIT = 16


class Handle(ctypes.Structure):
    """An object of MLIR's C interface, passed by value."""

    _fields_ = (("pointer", ctypes.c_void_p),)


class Text(ctypes.Structure):
    """A piece of text of MLIR's C interface."""

    _fields_ = (("data", ctypes.c_void_p), ("length", ctypes.c_size_t))

    @classmethod
    def of(cls, text: bytes) -> "Text":
        """For a text that lives as long as the call it is given to."""
        return cls(ctypes.cast(ctypes.c_char_p(text), ctypes.c_void_p), len(text))

    def read(self) -> bytes:
        """A copy."""
        return ctypes.string_at(self.data, self.length)


_PARTS = ("results", "operands", "regions", "successors", "attributes")
_ROWS = (("count", ctypes.c_ssize_t), ("start", ctypes.c_void_p))


class State(ctypes.Structure):
    """What an operation is created of."""

    _fields_ = (
        ("name", Text),
        ("location", Handle),
        *((f"{part}_{fact}", kind) for part in _PARTS for fact, kind in _ROWS),
        ("infers_results", ctypes.c_bool),
    )


OnOperation = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
"""Who is shown operations one by one; 0 goes on."""
_OnText = ctypes.CFUNCTYPE(None, Text, ctypes.c_void_p)
_OnDiagnostic = ctypes.CFUNCTYPE(ctypes.c_int8, ctypes.c_void_p, ctypes.c_void_p)

_P, _S, _H, _T = ctypes.c_void_p, ctypes.c_char_p, Handle, Text
_SIGNATURES: dict[str, tuple[Any, ...]] = {
    "ireeCompilerGlobalInitialize": (None,),
    "ireeCompilerSetupGlobalCL": (None, ctypes.c_int, ctypes.POINTER(_S), _S, ctypes.c_bool),
    "ireeCompilerErrorGetMessage": (_S, _P),
    "ireeCompilerSessionCreate": (_P,),
    "ireeCompilerSessionSetFlags": (_P, _P, ctypes.c_int, _P),
    "ireeCompilerInvocationCreate": (_P, _P),
    "ireeCompilerInvocationParseSource": (ctypes.c_bool, _P, _P),
    "ireeCompilerInvocationPipeline": (ctypes.c_bool, _P, ctypes.c_int),
    "ireeCompilerSessionBorrowContext": (_H, _P),
    "ireeCompilerInvocationSetCompileFromPhase": (None, _P, _S),
    "ireeCompilerInvocationSetCompileToPhase": (None, _P, _S),
    "ireeCompilerInvocationSetVerifyIR": (None, _P, ctypes.c_bool),
    "ireeCompilerInvocationExportStealModule": (_H, _P),
    "ireeCompilerInvocationImportStealModule": (ctypes.c_bool, _P, _H),
    "ireeCompilerInvocationRunPassPipeline": (ctypes.c_bool, _P, _S),
    "mlirContextEnableMultithreading": (None, _H, ctypes.c_bool),
    "mlirOperationGetContext": (_H, _H),
    "mlirBlockGetFirstOperation": (_H, _H),
    "mlirOperationGetFirstRegion": (_H, _H),
    "mlirRegionGetFirstBlock": (_H, _H),
    "mlirBlockInsertOwnedOperation": (None, _H, ctypes.c_ssize_t, _H),
    "mlirOperationGetNextInBlock": (_H, _H),
    "mlirOperationGetName": (_H, _H),
    "mlirOperationGetAttributeByName": (_H, _H, _T),
    "mlirOperationSetAttributeByName": (None, _H, _T, _H),
    "mlirOperationRemoveAttributeByName": (ctypes.c_bool, _H, _T),
    "mlirOperationRemoveFromParent": (None, _H),
    "mlirOperationVerify": (ctypes.c_bool, _H),
    "mlirOperationWalk": (None, _H, OnOperation, _P, ctypes.c_int),
    "mlirOperationCreateParse": (_H, _H, _T, _T),
    "mlirOperationDestroy": (None, _H),
    "mlirOperationGetBlock": (_H, _H),
    "mlirOperationGetNumOperands": (ctypes.c_ssize_t, _H),
    "mlirOperationGetOperand": (_H, _H, ctypes.c_ssize_t),
    "mlirOperationSetOperand": (None, _H, ctypes.c_ssize_t, _H),
    "mlirOperationGetResult": (_H, _H, ctypes.c_ssize_t),
    "mlirOperationGetNumSuccessors": (ctypes.c_ssize_t, _H),
    "mlirOperationGetSuccessor": (_H, _H, ctypes.c_ssize_t),
    "mlirOperationGetLocation": (_H, _H),
    "mlirOperationStateGet": (State, _T, _H),
    "mlirOperationStateAddOperands": (None, ctypes.POINTER(State), ctypes.c_ssize_t, _P),
    "mlirOperationStateAddResults": (None, ctypes.POINTER(State), ctypes.c_ssize_t, _P),
    "mlirOperationCreate": (_H, ctypes.POINTER(State)),
    "mlirBlockGetNextInRegion": (_H, _H),
    "mlirBlockGetTerminator": (_H, _H),
    "mlirBlockGetParentOperation": (_H, _H),
    "mlirBlockGetNumArguments": (ctypes.c_ssize_t, _H),
    "mlirBlockGetArgument": (_H, _H, ctypes.c_ssize_t),
    "mlirBlockEqual": (ctypes.c_bool, _H, _H),
    "mlirValueEqual": (ctypes.c_bool, _H, _H),
    "mlirValueGetType": (_H, _H),
    "mlirTypeEqual": (ctypes.c_bool, _H, _H),
    "mlirTypeParseGet": (_H, _H, _T),
    "mlirValueReplaceAllUsesOfWith": (None, _H, _H),
    "mlirBlockInsertOwnedOperationBefore": (None, _H, _H, _H),
    "mlirStringAttrGet": (_H, _H, _T),
    "mlirStringAttrGetValue": (_T, _H),
    "mlirIntegerTypeGet": (_H, _H, ctypes.c_uint),
    "mlirVectorTypeGet": (_H, ctypes.c_ssize_t, ctypes.POINTER(ctypes.c_int64), _H),
    "mlirElementsAttrGetNumElements": (ctypes.c_int64, _H),
    "mlirDenseElementsAttrGetRawData": (_P, _H),
    "mlirDenseElementsAttrRawBufferGet": (_H, _H, ctypes.c_size_t, _S),
    "ireeCompilerInvocationOutputIR": (_P, _P, _P),
    "ireeCompilerInvocationOutputVMBytecode": (_P, _P, _P),
    "ireeCompilerSourceWrapBuffer": (_P, _P, _S, _P, ctypes.c_size_t, ctypes.c_bool, _P),
    "ireeCompilerOutputOpenFD": (_P, ctypes.c_int, _P),
    "ireeCompilerOutputKeep": (None, _P),
    "ireeCompilerOutputDestroy": (None, _P),
    "mlirContextAttachDiagnosticHandler": (ctypes.c_uint64, _H, _OnDiagnostic, _P, _P),
    "mlirDiagnosticPrint": (None, _H, _OnText, _P),
    "mlirDiagnosticGetLocation": (_H, _H),
    "mlirDiagnosticGetSeverity": (ctypes.c_int, _H),
    "mlirLocationIsAFileLineColRange": (ctypes.c_bool, _H),
    "mlirLocationFileLineColRangeGetFilename": (_H, _H),
    "mlirLocationFileLineColRangeGetStartLine": (ctypes.c_int, _H),
    "mlirLocationFileLineColRangeGetStartColumn": (ctypes.c_int, _H),
    "mlirLocationFileLineColRangeGetEndLine": (ctypes.c_int, _H),
    "mlirLocationFileLineColRangeGetEndColumn": (ctypes.c_int, _H),
    "mlirIdentifierStr": (Text, _H),
    "mlirLocationIsACallSite": (ctypes.c_bool, _H),
    "mlirLocationCallSiteGetCallee": (_H, _H),
    "mlirLocationCallSiteGetCaller": (_H, _H),
    "mlirLocationIsAName": (ctypes.c_bool, _H),
    "mlirLocationNameGetChildLoc": (_H, _H),
    "mlirLocationIsAFused": (ctypes.c_bool, _H),
    "mlirLocationFusedGetNumLocations": (ctypes.c_uint, _H),
    "mlirLocationFusedGetLocations": (None, _H, ctypes.POINTER(Handle)),
}
_SEVERITIES = ("error", "warning", "note", "remark")


def load() -> Any:
    """The library, in which the functions know their types.

    IREE's package for Python would load its bindings and NumPy first, which takes as long.
    """
    library: Any = ctypes.CDLL(str(_brought_along(_FILE)))
    for name, (result, *arguments) in _SIGNATURES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    library.ireeCompilerGlobalInitialize()
    return library


def _brought_along(file: str) -> Path:
    """Where a file of IREE's package is, which is not loaded; raises ImportError without it."""
    package = find_spec("iree")
    folders = (package and package.submodule_search_locations) or ()
    for folder in folders:
        path = Path(folder, "compiler", "_mlir_libs", file)
        if path.exists():
            return path
    raise ImportError(f"IREE's compiler is not installed: no {file}")


def strings(texts: Sequence[str]) -> Any:
    """An array of C strings."""
    return (ctypes.c_char_p * len(texts))(*(text.encode() for text in texts))


def _diagnostic_handler(library: Any, send: Send) -> Any:
    """A handler that sends every diagnostic, structured, and lets nothing reach stderr.

    Notes are left out: they print the operation that failed, in IREE's terms and at any length.
    """

    def handle(pointer: int, _: object) -> int:
        diagnostic = Handle(pointer)
        pieces: list[bytes] = []
        collect = _OnText(lambda text, _: pieces.append(text.read()))
        library.mlirDiagnosticPrint(diagnostic, collect, None)
        where = library.mlirDiagnosticGetLocation(diagnostic)
        described = {
            "severity": _SEVERITIES[library.mlirDiagnosticGetSeverity(diagnostic)],
            "text": b"".join(pieces)[:_TEXT_LIMIT].decode(errors="replace"),
            "places": list(itertools.islice(_places(library, where), _PLACES_LIMIT)),
        }
        send({"kind": "diagnostic", **described})
        return 1

    return _OnDiagnostic(handle)


def _places(library: Any, location: Handle) -> Iterator[list[Any]]:
    """The file ranges of a location, innermost call first: file, start and end."""
    if library.mlirLocationIsAFileLineColRange(location):
        name = library.mlirLocationFileLineColRangeGetFilename(location)
        file = library.mlirIdentifierStr(name).read().decode(errors="replace")
        if file not in (BUFFER_NAME, "", "-"):
            ask = "mlirLocationFileLineColRangeGet"
            parts = ("StartLine", "StartColumn", "EndLine", "EndColumn")
            yield [file, *(getattr(library, ask + part)(location) for part in parts)]
    elif library.mlirLocationIsACallSite(location):
        yield from _places(library, library.mlirLocationCallSiteGetCallee(location))
        yield from _places(library, library.mlirLocationCallSiteGetCaller(location))
    elif library.mlirLocationIsAName(location):
        yield from _places(library, library.mlirLocationNameGetChildLoc(location))
    elif library.mlirLocationIsAFused(location):
        count = library.mlirLocationFusedGetNumLocations(location)
        parts_of = (Handle * count)()
        library.mlirLocationFusedGetLocations(location, parts_of)
        for part in parts_of:
            yield from _places(library, part)


@dataclass(frozen=True)
class Invocation:
    """A module that IREE compiles, phase by phase."""

    library: Any
    pointer: int
    _session: int
    _kept: list[Any] = field(repr=False)
    """What must live as long as the module: what it is read from, and who is told diagnostics."""

    @classmethod
    def open(cls, library: Any, header: Header, send: Send) -> "Invocation | None":
        """One that has the flags of a request, and no module yet; None if IREE refuses them."""
        _set_process_flags(library, header)
        session = library.ireeCompilerSessionCreate()
        flags = [*header["flags"], *_linker(header["flags"])]
        error = library.ireeCompilerSessionSetFlags(session, len(flags), strings(flags))
        if error:
            send({"kind": "refused", "text": library.ireeCompilerErrorGetMessage(error).decode()})
            return None
        pointer = library.ireeCompilerInvocationCreate(session)
        library.ireeCompilerInvocationSetVerifyIR(pointer, False)
        context = library.ireeCompilerSessionBorrowContext(session)
        handler = _diagnostic_handler(library, send)
        library.mlirContextAttachDiagnosticHandler(context, handler, None, None)
        return cls(library, pointer, session, [handler])

    def parse(self, file: int) -> bool:
        """Read the module from a file; like all that follows, False if diagnostics tell why not."""
        module = mmap.mmap(file, 0, access=mmap.ACCESS_COPY)
        source, start = ctypes.c_void_p(), (ctypes.c_char * len(module)).from_buffer(module)
        self._kept.append(start)
        self.library.ireeCompilerSourceWrapBuffer(
            self._session, BUFFER_NAME.encode(), start, len(module), False, ctypes.byref(source)
        )
        return bool(self.library.ireeCompilerInvocationParseSource(self.pointer, source))

    def run(self, phase: str, alone: bool = False) -> bool:
        """Run one of IREE's phases, the one before it having run; `alone` by one thread."""
        context = self.library.ireeCompilerSessionBorrowContext(self._session)
        self.library.mlirContextEnableMultithreading(context, phase in _AT_ONCE and not alone)
        before = PHASES[: PHASES.index(phase)]
        if before:
            start = before[-1].encode()
            self.library.ireeCompilerInvocationSetCompileFromPhase(self.pointer, start)
        self.library.ireeCompilerInvocationSetCompileToPhase(self.pointer, phase.encode())
        return bool(self.library.ireeCompilerInvocationPipeline(self.pointer, 0))

    def run_passes(self, pipeline: bytes) -> bool:
        """Run passes of MLIR's or IREE's."""
        return bool(self.library.ireeCompilerInvocationRunPassPipeline(self.pointer, pipeline))

    def take(self) -> Handle:
        """The module, which is to be given back before anything else runs."""
        module: Handle = self.library.ireeCompilerInvocationExportStealModule(self.pointer)
        return module

    def give(self, module: Handle) -> bool:
        """Give the module back."""
        return bool(self.library.ireeCompilerInvocationImportStealModule(self.pointer, module))

    def output(self, write: str, file: int) -> None:
        """Have one of the invocation's functions write to a file."""
        library, opened = self.library, ctypes.c_void_p()
        error = library.ireeCompilerOutputOpenFD(file, ctypes.byref(opened))
        error = error or getattr(library, f"ireeCompilerInvocation{write}")(self.pointer, opened)
        if error:
            raise RuntimeError(library.ireeCompilerErrorGetMessage(error).decode())
        library.ireeCompilerOutputKeep(opened)
        library.ireeCompilerOutputDestroy(opened)


def _set_process_flags(library: Any, header: Header) -> None:
    if not header["process_flags"]:
        return
    # Once there are such flags, IREE no longer heeds a session's optimisation level.
    levels = [flag for flag in header["flags"] if flag.startswith("--iree-opt-level=")]
    arguments = ("slopec", *header["process_flags"], *levels)
    library.ireeCompilerSetupGlobalCL(len(arguments), strings(arguments), b"slopec", False)


def _linker(flags: Sequence[str]) -> list[str]:
    """Link for the system's loader, where asked to, with the linker that IREE brings along."""
    if "--iree-llvmcpu-link-embedded=false" not in flags or sys.platform != "linux":
        return []
    program = _brought_along("iree-lld")
    return [f"--iree-llvmcpu-system-linker-path={program} -flavor gnu"]
