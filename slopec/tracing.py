"""A trace is a function being written: every operation on tensors becomes an op at its end.

One global says which trace is being written. A tensor from an enclosing trace, or from outside all
of them, may be used inside: it is *captured*, which makes it a further argument of the function,
and the call passes it. Without a trace, ops are recorded (`slopec.lazy`) until a value is wanted.
This file alone looks at Python frames, to give each op the user's line.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import TYPE_CHECKING, Any

from slopec import ir
from slopec.diagnostics import Label, Span, TraceError
from slopec.dtypes import DType

if TYPE_CHECKING:
    from slopec.constants import Constants
    from slopec.lazy.graph import Value
    from slopec.tensor import Tensor

_PACKAGE = str(Path(__file__).parent) + "/"
# Keyed by identity, as hashing a code object takes as long as its code; keeping it keeps that true.
_ours: dict[int, tuple[CodeType, bool]] = {}
_locations: dict[tuple[int, int], tuple[Span, ir.Location]] = {}


def _is_ours(code: CodeType) -> bool:
    ours = code.co_filename.startswith((_PACKAGE, "<frozen", "<string>"))
    _ours[id(code)] = (code, ours)
    return ours


def _user_frame() -> FrameType | None:
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:  # fifteen frames for every op
        code = frame.f_code
        known = _ours.get(id(code))
        if not (_is_ours(code) if known is None else known[1]):
            break
        frame = frame.f_back
    if frame is not None and frame.f_globals.get("__name__", "").startswith("click."):
        return None  # our own command line has called, on no user's line
    return frame


def _place(frame: FrameType) -> tuple[Span, ir.Location]:
    code, instruction = frame.f_code, frame.f_lasti
    known = _locations.get((id(code), instruction))
    if known is None:
        positions = next(islice(code.co_positions(), instruction // 2, None), (None,) * 4)
        line, end_line, column, end_column = positions
        span = Span(
            code.co_filename,
            line or frame.f_lineno,
            0 if column is None else column + 1,
            end_line or line or frame.f_lineno,
            0 if end_column is None else end_column + 1,
        )
        known = _locations[id(code), instruction] = (span, ir.location(span))
    return known


def here() -> Span | None:
    """The span of the user's code that is running, the nearest frame outside slopec."""
    frame = _user_frame()
    return None if frame is None else _place(frame)[0]


def span_of_traceback(raised: TracebackType | None) -> Span | None:
    """The user's line nearest to where an exception was raised; None without one."""
    found = None
    while raised is not None:
        code = raised.tb_frame.f_code
        if not _is_ours(code) and Path(code.co_filename).exists():
            found = Span(code.co_filename, raised.tb_lineno)
        raised = raised.tb_next
    return found


def fresh_symbol(taken: dict[str, int], stem: str) -> str:
    """A function name like `stem` that is not taken, and taken from now on."""
    clean = "".join(c if c.isalnum() or c in "_." else "_" for c in stem).strip("_") or "f"
    serial = taken.get(clean, 0)
    name = f"{clean}.{serial}" if serial else clean
    while serial and name in taken:
        serial += 1
        name = f"{clean}.{serial}"
    taken[clean] = serial + 1
    taken.setdefault(name, 1)
    return name


class Trace:
    """A block of ops being written, inside a function of a module."""

    def __init__(
        self,
        module: ir.Module,
        block: ir.Block,
        parent: "Trace | None",
        *,
        function: ir.Operation | None = None,
        constants: "Constants | None" = None,
    ) -> None:
        """Write at the end of `block`; a trace without `function` is a region of its parent's.

        With `constants`, concrete outer tensors become constants instead of arguments.
        """
        self.module = module
        self.block = block
        self.parent = parent
        self.function = function
        self.point = ir.InsertionPoint(block)
        self.constants = constants
        self.closed = False
        self.location: ir.Location | None = None
        self.captures: dict[int, tuple[Tensor, ir.Value]] = {}
        shares_module = parent is not None and parent.module is module
        self.symbols: dict[str, int] = parent.symbols if parent and shares_module else {}

    def fresh_symbol(self, stem: str) -> str:
        """A function name that the module does not have yet."""
        return fresh_symbol(self.symbols, stem)

    def value_of(self, tensor: "Tensor") -> ir.Value:
        """The SSA value of `tensor` here, capturing it when it comes from outside."""
        if tensor._trace is self:
            value = tensor._value
            assert value is not None
            return value
        return self._import(tensor)

    def _import(self, tensor: "Tensor") -> ir.Value:
        if self.function is None and self.parent is not None:
            return self.parent.value_of(tensor)
        captured = self.captures.get(id(tensor))
        if captured is not None:
            return captured[1]
        self._check_reachable(tensor)
        if self.constants is not None and tensor._trace is None:
            start = ir.InsertionPoint.at_block_begin(self.block)
            value = self.constants.create(tensor.numpy(), start)
        else:
            type_ = ir.tensor_type(tensor.shape, tensor.dtype)
            value = self.block.add_argument(type_, ir.unknown())
        self.captures[id(tensor)] = (tensor, value)
        return value

    def _check_reachable(self, tensor: "Tensor") -> None:
        trace: Trace | None = self
        while trace is not None and tensor._trace is not None:
            if trace is tensor._trace:
                return
            trace = trace.parent
        if tensor._trace is not None:
            raise _escaped(tensor)

    def captured(self) -> list["Tensor"]:
        """The outer tensors that became arguments, in argument order."""
        return [tensor for tensor, _ in self.captures.values()]


def _escaped(tensor: "Tensor") -> TraceError:
    made = ir.location_span(tensor._value.location) if tensor._value is not None else None
    return TraceError(
        "S0103",
        f"a tensor of shape {tensor.shape} escaped the trace that made it",
        span=here(),
        labels=(Label(made, "made here"),) if made else (),
        hint="return the tensor from the traced function instead of storing it outside",
    )


def outside(tensor: "Tensor") -> "Value":
    """The value of a tensor that belongs to no trace; raises TraceError for one that does."""
    if tensor._trace is not None:
        raise _escaped(tensor)
    value: Value = tensor._value
    return value


_current: ContextVar[Trace | None] = ContextVar("slopec_trace", default=None)


def current() -> Trace:
    """The trace being written; what asks for it runs within one (see `slopec.lazy.record`)."""
    trace = _current.get()
    assert trace is not None, "outside every trace this has to be recorded as one op"
    return trace


def is_tracing() -> bool:
    """Whether a function is being traced, as opposed to values being computed."""
    return _current.get() is not None


@contextmanager
def writing(trace: Trace) -> Iterator[Trace]:
    """Make `trace` the current one for the length of a `with` block."""
    token = _current.set(trace)
    try:
        yield trace
    finally:
        _current.reset(token)


@contextmanager
def at(location: ir.Location) -> Iterator[None]:
    """Give the ops made in a `with` block this location instead of the user's line."""
    trace = current()
    before, trace.location = trace.location, location
    try:
        yield
    finally:
        trace.location = before


def location() -> ir.Location:
    """Where the next op comes from."""
    trace = _current.get()
    if trace is not None and trace.location is not None:
        return trace.location
    frame = _user_frame()
    return ir.unknown() if frame is None else _place(frame)[1]


TensorType = tuple[ir.Shape, DType]
MakeTensor = Callable[[ir.Value, Trace, ir.Shape, DType], "Tensor"]
Fill = Callable[[Any, ir.Location], None]
_make_tensor: MakeTensor
_record: Any = None


def set_tensor_class(make: MakeTensor) -> None:
    """Tell how a tensor is made of a value; `slopec.tensor` does this once."""
    global _make_tensor
    _make_tensor = make


def _recorder() -> Any:
    """What takes the ops that no trace takes."""
    global _record
    if _record is None:
        from slopec.lazy import record

        _record = record
    return _record


def emit_many(
    name: str,
    operands: Sequence["Tensor"],
    results: Sequence[TensorType],
    attributes: ir.Attributes | None = None,
    regions: int = 0,
) -> tuple[ir.Operation, tuple["Tensor", ...]]:
    """Append an op with the given result types to the current trace; return it and its results."""
    trace = current()
    op = ir.create(
        name,
        [ir.tensor_type(shape, dtype) for shape, dtype in results],
        [trace.value_of(operand) for operand in operands],
        attributes,
        location(),
        trace.point,
        regions,
    )
    tensors = tuple(
        _make_tensor(value, trace, shape, dtype)
        for value, (shape, dtype) in zip(op.results, results, strict=True)
    )
    return op, tensors


def emit_with(
    name: str,
    operands: Sequence["Tensor"],
    results: Sequence[TensorType],
    attributes: ir.Attributes | None = None,
    fills: Sequence[Fill] = (),
) -> tuple["Tensor", ...]:
    """The results of an op whose regions are filled by `fills`, appended or recorded.

    A fill that has an attribute `closed` uses nothing from outside its region, and equal ones fill
    alike; an op with others is recorded as a function.
    """
    if _current.get() is None:
        if all(hasattr(fill, "closed") for fill in fills):
            types = tuple(results)
            made: tuple[Tensor, ...] = _recorder().record(
                name, operands, types, attributes, tuple(fills)
            )
            return made
        outlined: Any = _recorder().outlined(emit_with)
        return tuple(outlined(name, operands, results, attributes, fills))
    op, tensors = emit_many(name, operands, results, attributes, len(fills))
    for region, fill in zip(op.regions, fills, strict=True):
        fill(region, op.location)
    return tensors


def emit(
    name: str,
    operands: Sequence["Tensor"],
    shape: ir.Shape,
    dtype: DType,
    attributes: ir.Attributes | None = None,
) -> "Tensor":
    """Append an op with one result to the current trace, or record it."""
    trace = _current.get()
    if trace is None:
        made: tuple[Tensor] = _recorder().record(name, operands, ((shape, dtype),), attributes)
        return made[0]
    op = ir.create(
        name,
        [ir.tensor_type(shape, dtype)],
        [trace.value_of(operand) for operand in operands],
        attributes,
        location(),
        trace.point,
    )
    return _make_tensor(op.results[0], trace, shape, dtype)
