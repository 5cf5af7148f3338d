"""Automatic mixed precision: contractions of narrow operands, everything else as it was.

Every `dot_general` and `convolution` of float32 has its operands converted and still gives float32,
in which products are summed. What processors have fast units for becomes fast and half as large;
sums, softmax, normalisation, losses and the parameters keep their precision.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

from slopec import dtypes, hlo, ir, tracing
from slopec.diagnostics import Span, UsageError, did_you_mean
from slopec.dtypes import DType
from slopec.lazy.record import outlined
from slopec.tensor import Tensor
from slopec.tracing import Trace
from slopec.transforms.function import (
    Arguments,
    Traced,
    call,
    check_callable,
    declare_amp,
    trace_function,
)
from slopec.transforms.inline import MARKS, called, copy_as

if TYPE_CHECKING:
    from slopec.transforms.derive import Deriver

Narrow = Literal["bfloat16", "float16"]

_OWN = (*MARKS, "slope.derivative")
"""What marks a function that says itself what its derivative is (see `transforms/custom.py`)."""

_CONTRACTIONS = ("stablehlo.dot_general", "stablehlo.convolution")


def amp(function: Callable[..., Any], dtype: Any = "bfloat16") -> Callable[..., Any]:
    """`function` with the operands of its float32 contractions in `dtype`, bfloat16 or float16.

    Arguments and results keep their types, so parameters stay float32. Of a whole training step
    (`amp(step)`) the contractions of the gradient are converted too, and are summed in float32;
    `grad(amp(loss))` also rounds each operand's cotangent, as PyTorch's autocast does. float16
    needs its loss scaled: see `sp.optim.loss_scaled`.

    Raises UsageError (S0128) for another dtype.

    >>> import slopec as sp
    >>> product = sp.amp(lambda x, y: x @ y)
    >>> print(product(sp.tensor([[1.001]]), sp.tensor([[2.0]])))
    tensor([[2.]], float32[1, 1], cpu)
    """
    check_callable("amp", function)
    narrow = narrow_type(dtype, tracing.here())

    @outlined
    @functools.wraps(function)
    def lowered(*args: Any, **kwargs: Any) -> Any:
        arguments = Arguments.of(args, kwargs)
        here = tracing.current()
        traced = trace_function(function, arguments, here, here.module)
        symbol = declare_amp(here.module, traced, narrow)
        flat = call(symbol, [*arguments.tensors, *traced.captures], traced.outputs)
        return traced.result.unflatten(flat)

    return lowered


def narrow_type(dtype: Any, span: Span | None = None) -> DType:
    """The type that operands are converted to; raises UsageError (S0128) for any other type."""
    names = get_args(Narrow)
    name = dtype if isinstance(dtype, str) else getattr(dtype, "name", str(dtype))
    if name not in names:
        raise UsageError(
            "S0128",
            f"amp converts to {' or '.join(names)}, not to {name}",
            span=span,
            hint=did_you_mean(name, list(names)),
        )
    return dtypes.as_dtype(name)


@dataclass(frozen=True)
class Amp:
    """dot_general(x, y) → dot_general(convert(x), convert(y)), summed in float32."""

    dtype: str = "bfloat16"
    name: ClassVar[str] = "amp"

    def run(self, module: ir.Module) -> None:
        """Convert the operands of the contractions of every function of `module`."""
        narrow = narrow_type(self.dtype)
        for function in ir.functions(module):
            if ir.has_body(function):
                convert_contractions(module, function, narrow)


def convert_contractions(module: ir.Module, function: ir.Operation, narrow: DType) -> None:
    """Convert the float32 operands of contractions in a function, in its regions too."""
    where = Trace(module, ir.body_of(function), None, function=function)
    with tracing.writing(where):
        for op in _found(function, _is_wide_contraction):
            where.location, where.point = op.location, ir.InsertionPoint(op)
            for place, value in enumerate(op.operands):
                x = Tensor._of_value(value, where, *ir.type_of(value))
                op.operands[place] = where.value_of(hlo.convert(x, narrow))


def write_amp(deriver: "Deriver", declaration: ir.Operation, of: ir.Operation) -> ir.Operation:
    """Replace the declaration of `of` with narrow contractions by that function.

    Calls of functions that keep a derivative of their own become calls of such functions.
    """
    narrow = dtypes.as_dtype(ir.string_in(declaration, "slope.derive").removeprefix("amp_"))
    own = {n: declaration.attributes[n] for n in _OWN if n in declaration.attributes}
    copy = copy_as(declaration, of)
    declaration.erase()
    for name, attribute in own.items():
        copy.attributes[name] = attribute
    convert_contractions(deriver.module, copy, narrow)
    for op in _found(copy, lambda inner: inner.name == "func.call"):
        callee = deriver.function(called(op) or "")
        if "slope.keep" in callee.attributes:
            op.attributes["callee"] = ir.symbol(_kept(deriver, callee, narrow))
    return copy


def _kept(deriver: "Deriver", callee: ir.Operation, narrow: DType) -> str:
    """The declaration for a function with a derivative of its own, which becomes narrow too."""
    symbol = declare_amp(deriver.module, Traced.of(callee), narrow)
    declared = deriver.function(symbol)
    if "slope.keep" in declared.attributes:
        return symbol
    for name in _OWN:
        if name in callee.attributes:
            declared.attributes[name] = callee.attributes[name]
    if "slope.derivative" in callee.attributes:
        derivative = deriver.function(ir.symbol_in(callee, "slope.derivative"))
        other = declare_amp(deriver.module, Traced.of(derivative), narrow)
        declared.attributes["slope.derivative"] = ir.symbol(other)
        deriver.ensure(other)
    return symbol


def _found(function: ir.Operation, wanted: Callable[[ir.Operation], bool]) -> list[ir.Operation]:
    return [op for op in ir.ops_in(function) if wanted(op)]


def _is_wide_contraction(op: ir.Operation) -> bool:
    if op.name not in _CONTRACTIONS:
        return False
    return all(ir.type_of(value)[1] == dtypes.float32 for value in (*op.operands, *op.results))
