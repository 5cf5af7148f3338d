"""StableHLO from elsewhere: a module of JAX, PyTorch or TensorFlow enters at the first stage."""

import re
from pathlib import Path

from slopec import dtypes, ir
from slopec.diagnostics import Span, UsageError
from slopec.libraries import recognise
from slopec.portable import text_of
from slopec.sizing import CHECK, is_open
from slopec.tracing import TensorType


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


def _drop_annotations(module: ir.Module) -> None:
    """Erase annotations, and what was to be checked of sizes where all of them are known."""
    given = [type_ for op in ir.functions(module) for type_ in ir.function_type(op)[0]]
    dropped = _ANNOTATIONS if any(map(is_open, given)) else (*_ANNOTATIONS, CHECK)
    for op in ir.ops_in(module, "stablehlo.custom_call"):
        if ir.string_in(op, "call_target_name") not in dropped:
            continue
        for result, operand in zip(op.results, op.operands, strict=False):
            result.replace_all_uses_with(operand)
        op.erase()


def typed(type_: ir.Type, span: Span | None, *, open_: bool = False) -> TensorType:
    """The shape and dtype of an argument or result; raises UsageError (S0434) for others.

    Sizes may be left open where that is said.
    """
    try:
        shape, dtype = ir.shape_and_dtype(type_)
    except TypeError as error:
        raise UsageError("S0434", f"{error} in the signature", span=span) from None
    if ir.DYNAMIC in shape and not open_:
        raise UsageError(
            "S0434",
            f"a size in the signature depends on values: {type_}",
            span=span,
            hint="give results sizes that follow from those of the arguments",
        )
    return shape, dtype
