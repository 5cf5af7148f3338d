"""StableHLO from elsewhere: a module of JAX, PyTorch or TensorFlow enters at the first stage."""

import re
from pathlib import Path

from slopec import dtypes, ir
from slopec.diagnostics import Span, UsageError, did_you_mean
from slopec.libraries import recognise
from slopec.lower import Lowered
from slopec.portable import text_of
from slopec_runtime.manifest import EntryPoint, Input, Output, Variant
from slopec_runtime.tree import Branch


def read_module(path: Path) -> ir.Module:
    """The module in a file of MLIR text, bytecode, or a portable artifact.

    Raises UsageError (S0433) at the line that does not parse or verify.
    """
    return parse_module(path.read_bytes(), path)


def parse_module(data: bytes, path: Path) -> ir.Module:
    """The module in text, bytecode or a portable artifact that came from `path`.

    Raises UsageError (S0433) for what is damaged, at the line where text does not parse.
    """
    text = text_of(data, path)
    try:
        module = ir.parse(text)
    except ir.MLIRError as error:
        first = error.error_diagnostics[0]
        span = ir.location_span(first.location)
        if span is not None and span.file in ("-", ""):
            span = Span(str(path), span.line, span.column)
        raise _invalid(first.message, text, span) from None
    _name_file(module, path)
    _refuse_unknown_numbers(module)
    _drop_annotations(module)
    recognise(module)
    return module


_UNKNOWN_DIALECT = ("unregistered dialect", "not found for custom op")
"""What MLIR says of an op whose dialect it does not know, depending on how the op is spelled."""


def _invalid(message: str, text: str, span: Span | None) -> UsageError:
    """The error for text that does not parse: what MLIR says, or which dialect is not known."""
    lines = text.splitlines()
    line = lines[span.line - 1] if span is not None and span.line <= len(lines) else ""
    op = re.search(r'=\s*"?(\w+)\.|^\s*"?(\w+)\.', line)
    if op is None or not any(words in message for words in _UNKNOWN_DIALECT):
        return UsageError("S0433", f"not a valid module: {message}", span=span)
    return UsageError(
        "S0433",
        f"not a valid module: the dialect `{op[1] or op[2]}` is not known",
        span=span,
        hint="export the program as StableHLO, with its functions in the dialect `func`",
    )


def _name_file(module: ir.Module, path: Path) -> None:
    """Let ops that were parsed from unnamed text point at the file that it came from."""
    for op in ir.ops_in(module):
        where = op.location
        if getattr(where, "filename", "") == "-":
            op.location = ir.location(Span(str(path), where.start_line, where.start_col))


_NUMBERS = re.compile(r"tensor<(?:[\dx?]*x)?((?:u?i|f|bf|tf)\d\w*)>")
"""Tensors of integers and floats, and how their elements are spelled."""


def _refuse_unknown_numbers(module: ir.Module) -> None:
    """Raise UsageError (S0434) at the first op that makes numbers which NumPy has no type for."""
    for op in ir.ops_in(module):
        for type_ in (str(result.type) for result in op.results):
            found = _NUMBERS.fullmatch(type_)
            if found is not None and found[1] not in dtypes.FROM_MLIR:
                raise _unknown_number(op.name, found[1], ir.span_of(op))


def _unknown_number(op: str, element: str, span: Span | None) -> UsageError:
    return UsageError(
        "S0434",
        f"`{op}` makes elements of the type {element}, which slopec does not have",
        notes=(f"it has {', '.join(dtypes.FROM_MLIR)}",),
        span=span,
        hint="convert to a wider float that it has, and round with `stablehlo.reduce_precision`"
        if "f" in element
        else "compute with wider integers, and mask their bits",
    )


_ANNOTATIONS = ("Sharding", "xla.sdy.FuncResultSharding", "annotate_device_placement")
"""Custom calls that return what they are given, and tell a partitioner where to keep it."""

_CHECKS = ("shape_assertion",)
"""Custom calls without a result, which hold where shapes are static."""


def _drop_annotations(module: ir.Module) -> None:
    for op in ir.ops_in(module, "stablehlo.custom_call"):
        if ir.string_in(op, "call_target_name") not in (*_ANNOTATIONS, *_CHECKS):
            continue
        for result, operand in zip(op.results, op.operands, strict=False):
            result.replace_all_uses_with(operand)
        op.erase()


def lower_file(path: Path, wanted: str | None) -> Lowered:
    """A module file as a lowered program whose public functions are the entries."""
    module = read_module(path)
    public = [op for op in ir.functions(module) if ir.is_public(op) and ir.has_body(op)]
    names = [ir.symbol_name(op) for op in public]
    if wanted is not None and wanted not in names:
        raise UsageError(
            "S0411",
            f"{path} has no public function `{wanted}`",
            notes=(f"it has {', '.join(names) or 'none'}",),
            hint=did_you_mean(wanted, names),
        )
    entries = {}
    for op, name in zip(public, names, strict=True):
        if wanted in (None, name):
            entries[name] = _entry(op, name)
        else:
            op.attributes["sym_visibility"] = ir.string("private")
    if not entries:
        raise UsageError("S0411", f"{path} has no public function to compile")
    return Lowered(path.stem, module, entries, {}, {}, False)


def _entry(op: ir.Operation, name: str) -> EntryPoint:
    """The manifest's entry of a function: arguments by position, results as a tuple."""
    inputs, outputs = ir.function_type(op)
    given = [typed(t, ir.span_of(op)) for t in inputs]
    taken = [typed(t, ir.span_of(op)) for t in outputs]
    result = 0 if len(taken) == 1 else Branch("tuple", tuple(range(len(taken))))
    return EntryPoint(
        tuple(Input(f"arg{i}", shape, dtype) for i, (shape, dtype) in enumerate(given)),
        tuple(Output(f"result{i}", shape, dtype) for i, (shape, dtype) in enumerate(taken)),
        tuple((f"arg{i}", i) for i in range(len(given))),
        result,
        (Variant(name),),
    )


def typed(type_: ir.Type, span: Span | None) -> tuple[tuple[int, ...], str]:
    """The shape and dtype name of an argument or result; raises UsageError (S0434) for others."""
    try:
        shape, dtype = ir.shape_and_dtype(type_)
    except TypeError as error:
        raise UsageError("S0434", f"{error} in the signature", span=span) from None
    if ir.DYNAMIC in shape:
        raise UsageError(
            "S0434",
            f"the signature has a dynamic dimension: {type_}",
            span=span,
            hint="export the function for the shapes that it will be called with",
        )
    return shape, dtype.name
