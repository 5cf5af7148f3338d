"""A trace is a function being written: every operation on tensors becomes an op at its end.

One global says which trace is being written. A tensor from an enclosing trace, or a concrete one,
may be used inside: it is *captured*, which makes it a further argument of the function, and the
call passes it. This file alone looks at Python frames, to give each op the user's line.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import TYPE_CHECKING

from slopec import ir
from slopec.diagnostics import Label, Span, TraceError
from slopec.dtypes import DType

if TYPE_CHECKING:
    from slopec.tensor import Tensor

_PACKAGE = str(Path(__file__).parent) + "/"
_ours: dict[CodeType, bool] = {}
_locations: dict[tuple[CodeType, int], tuple[Span, ir.Location]] = {}


def _is_ours(code: CodeType) -> bool:
    known = _ours.get(code)
    if known is None:
        known = _ours[code] = code.co_filename.startswith((_PACKAGE, "<frozen", "<string>"))
    return known


def _user_frame() -> FrameType | None:
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and _is_ours(frame.f_code):
        frame = frame.f_back
    return frame


def _place(frame: FrameType) -> tuple[Span, ir.Location]:
    code, instruction = frame.f_code, frame.f_lasti
    known = _locations.get((code, instruction))
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
        known = _locations[code, instruction] = (span, ir.location(span))
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
        bakes: bool = False,
    ) -> None:
        """Write at the end of `block`; a trace without `function` is a region of its parent's.

        A trace that `bakes` makes concrete outer tensors constants instead of arguments.
        """
        self.module = module
        self.block = block
        self.parent = parent
        self.function = function
        self.point = ir.InsertionPoint(block)
        self.bakes = bakes
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
        type_ = ir.tensor_type(tensor.shape, tensor.dtype)
        if self.bakes and (tensor._trace is None or isinstance(tensor._trace, Ambient)):
            start = ir.InsertionPoint.at_block_begin(self.block)
            facts = {"value": ir.dense(tensor.numpy())}
            op = ir.create("stablehlo.constant", [type_], [], facts, ir.unknown(), start)
            value = op.results[0]
        else:
            value = self.block.add_argument(type_, ir.unknown())
        self.captures[id(tensor)] = (tensor, value)
        return value

    def _check_reachable(self, tensor: "Tensor") -> None:
        if tensor._trace is None:
            return
        trace: Trace | None = self
        while trace is not None:
            if trace is tensor._trace:
                return
            trace = trace.parent
        if isinstance(tensor._trace, Ambient):
            return
        assert tensor._value is not None
        made = ir.location_span(tensor._value.location)
        raise TraceError(
            "S0103",
            f"a tensor of shape {tensor.shape} escaped the trace that made it",
            span=here(),
            labels=(Label(made, "made here"),) if made else (),
            hint="return the tensor from the traced function instead of storing it outside",
        )

    def captured(self) -> list["Tensor"]:
        """The outer tensors that became arguments, in argument order."""
        return [tensor for tensor, _ in self.captures.values()]


class Ambient(Trace):
    """The trace outside every traced function: what it records is evaluated when looked at."""

    def _check_reachable(self, tensor: "Tensor") -> None:
        if tensor._trace is not None and not isinstance(tensor._trace, Ambient):
            super()._check_reachable(tensor)


_current: ContextVar[Trace | None] = ContextVar("slopec_trace", default=None)
_ambient: ContextVar[Ambient | None] = ContextVar("slopec_ambient", default=None)


def new_ambient() -> Ambient:
    """Start recording afresh; what was recorded lives on with the tensors that need it."""
    module = ir.new_module()
    function = ir.create_function(module, "recorded", [], [], {}, ir.unknown(), body=True)
    trace = Ambient(module, ir.body_of(function), None, function=function)
    trace.symbols = {"main": 1, "recorded": 1}
    _ambient.set(trace)
    return trace


def ambient() -> Ambient:
    """The trace that records what is done outside every traced function."""
    return _ambient.get() or new_ambient()


def current() -> Trace:
    """The trace being written."""
    return _current.get() or ambient()


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


def location(trace: Trace) -> ir.Location:
    """Where the next op comes from."""
    if trace.location is not None:
        return trace.location
    frame = _user_frame()
    return ir.unknown() if frame is None else _place(frame)[1]


TensorType = tuple[ir.Shape, DType]
MakeTensor = Callable[[ir.Value, Trace, ir.Shape, DType], "Tensor"]
_make_tensor: MakeTensor


def set_tensor_class(make: MakeTensor) -> None:
    """Tell how a tensor is made of a value; `slopec.tensor` does this once."""
    global _make_tensor
    _make_tensor = make


def emit_many(
    name: str,
    operands: Sequence["Tensor"],
    results: Sequence[TensorType],
    attributes: ir.Attributes | None = None,
    regions: int = 0,
) -> tuple[ir.Operation, tuple["Tensor", ...]]:
    """Append an op with the given result types; return it and its results."""
    trace = current()
    op = ir.create(
        name,
        [ir.tensor_type(shape, dtype) for shape, dtype in results],
        [trace.value_of(operand) for operand in operands],
        attributes,
        location(trace),
        trace.point,
        regions,
    )
    tensors = tuple(
        _make_tensor(value, trace, shape, dtype)
        for value, (shape, dtype) in zip(op.results, results, strict=True)
    )
    return op, tensors


def emit(
    name: str,
    operands: Sequence["Tensor"],
    shape: ir.Shape,
    dtype: DType,
    attributes: ir.Attributes | None = None,
) -> "Tensor":
    """Append an op with one result."""
    trace = current()
    op = ir.create(
        name,
        [ir.tensor_type(shape, dtype)],
        [trace.value_of(operand) for operand in operands],
        attributes,
        location(trace),
        trace.point,
    )
    return _make_tensor(op.results[0], trace, shape, dtype)
