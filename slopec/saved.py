"""What reverse mode keeps in memory between its two halves: a report, value by value.

The derivative is written and optimised as it would be to be compiled, with the cotangents as
arguments. What is computed without them and used with them has to be kept.
"""

import linecache
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from slopec import ir
from slopec.cost import cost_of, spell_bytes
from slopec.diagnostics import Span
from slopec.dtypes import DType
from slopec.transforms.body import defining
from slopec.transforms.flow import inputs_of
from slopec.transforms.function import (
    Arguments,
    Traced,
    check_callable,
    declare_vjp,
    differentiable,
    name_of,
    trace_function,
)
from slopec.transforms.inline import MARKS
from slopec.transforms.residuals import Forward
from slopec.transforms.split import dependent

_ALIASES = frozenset(
    f"stablehlo.{name}"
    for name in "broadcast_in_dim constant convert iota reshape reverse slice transpose".split()
)
"""Ops whose results are never kept where what they are made of is."""


@dataclass(frozen=True)
class Residual:
    """A value that is kept: its type, why it is there, and the line that made it."""

    shape: tuple[int, ...]
    dtype: DType
    bytes: int
    kind: str
    """argument, captured, constant, computed or stacked."""
    why: str
    span: Span | None = None

    @property
    def type(self) -> str:
        """The type in short: `float32[2, 3]`."""
        return f"{self.dtype}{list(self.shape)}"


@dataclass(frozen=True)
class SavedResiduals:
    """What the reverse derivative of a function keeps, largest first, and what that costs.

    `flops` are those of both halves. `plain` is the same report without any `checkpoint`, where the
    function has some.
    """

    name: str
    rows: tuple[Residual, ...]
    flops: float
    plain: "SavedResiduals | None" = None

    @property
    def bytes(self) -> int:
        """The bytes kept besides arguments, which their owner keeps anyway, and constants."""
        return sum(row.bytes for row in self.rows if row.kind in ("computed", "stacked"))

    @property
    def bytes_saved(self) -> int:
        """How many bytes less are kept than without `checkpoint`."""
        return 0 if self.plain is None else self.plain.bytes - self.bytes

    @property
    def extra_flops(self) -> float:
        """How many floating point operations more are done than without `checkpoint`."""
        return 0.0 if self.plain is None else self.flops - self.plain.flops

    def __str__(self) -> str:
        """A table, and the totals."""
        cells = [(row.type, spell_bytes(row.bytes), row.why, _place(row.span)) for row in self.rows]
        lines = _aligned([("value", "bytes", "why", "where"), *cells]) if cells else []
        given = sum(row.bytes for row in self.rows) - self.bytes
        lines.append(
            f"{self.name} keeps {spell_bytes(self.bytes)} for its reverse derivative"
            + (f", besides {spell_bytes(given)} of arguments and constants" if given else "")
        )
        if self.plain is not None:
            share = self.extra_flops / self.plain.flops if self.plain.flops else 0.0
            lines.append(
                f"without checkpointing {spell_bytes(self.plain.bytes)}; "
                f"it adds {self.extra_flops:.3g} flops ({share:+.1%})"
            )
        return "\n".join(lines)

    __repr__ = __str__


def saved_residuals(function: Callable[..., Any], *args: Any, **kwargs: Any) -> SavedResiduals:
    """What the derivative of `function` by all its arguments keeps from forward to backward.

    The arguments give shapes and dtypes; nothing is computed. The result prints as a table; its
    `rows` have each value's type, bytes, reason and line, and its totals the bytes kept and, for a
    function with `checkpoint` in it, the bytes that this saves and the flops that it costs.

    Raises TransformError S0207 for what is no function.

    >>> import slopec as sp
    >>> report = sp.saved_residuals(lambda x: sp.sin(sp.exp(x)), sp.ones((4,)))
    >>> print(report.bytes, *(f"{row.type}: {row.why}" for row in report.rows))
    16 float32[4]: result of exponential
    """
    check_callable("saved_residuals", function)
    arguments = Arguments.of(args, kwargs)
    module = ir.new_module()
    traced = trace_function(function, arguments, None, module)
    wrt = [i for i in differentiable(traced.inputs) if i < len(arguments.tensors)]
    symbol, _ = declare_vjp(module, traced, wrt, differentiable(traced.outputs))
    ir.function(module, symbol).attributes["slope.public"] = ir.unit()
    names = arguments.names(function)
    plain = _without_checkpoints(module)
    report = _report(module, traced, symbol, names, name_of(function))
    if plain is None:
        return report
    return replace(report, plain=_report(plain, traced, symbol, names, report.name))


def _without_checkpoints(module: ir.Module) -> ir.Module | None:
    """A copy in which functions are as if never checkpointed; None when none is."""
    copy = ir.clone_module(module)
    marked = [
        function
        for function in ir.functions(copy)
        if "slope.rule" in function.attributes
        and ir.string_in(function, "slope.rule") == "checkpoint"
    ]
    for function in marked:
        for name in MARKS:
            if name in function.attributes:
                del function.attributes[name]
    return copy if marked else None


def _report(
    module: ir.Module, traced: Traced, symbol: str, names: Sequence[str], name: str
) -> SavedResiduals:
    """Derive, optimise, and look at what crosses from one half to the other."""
    from slopec.build import transform  # which brings the back end along

    transform(module)
    function = ir.function(module, symbol)
    parameters = list(ir.body_of(function).arguments)[: len(traced.inputs)]
    used, saved = _crossing(module, function, parameters, len(traced.outputs))
    every = [*names, *[""] * (len(parameters) - len(names))]
    rows = [_argument(v, n) for v, n in zip(parameters, every, strict=True) if v in used]
    rows += [_constant(value) for value in used if _is_array(value)]
    rows += [_computed(value) for value in saved]
    rows.sort(key=lambda row: (-row.bytes, row.why))
    return SavedResiduals(name, tuple(rows), cost_of(function).flops)


def _crossing(
    module: ir.Module, function: ir.Operation, parameters: Sequence[ir.Value], outputs: int
) -> tuple[set[ir.Value], tuple[ir.Value, ...]]:
    """What the backward half of a derivative uses, and what of that the forward half computes."""
    block = ir.body_of(function)
    *ops, end = [view.operation for view in block.operations]
    late = dependent(ops, list(block.arguments)[len(parameters) :])
    afterwards = set(late)
    early = [op for op in ops if op not in afterwards]
    results = list(end.operands)
    needed = [*(value for op in late for value in inputs_of(op)), *results[outputs:]]

    def lookup(symbol: str) -> ir.Operation:
        return ir.function(module, symbol)

    forward = Forward(
        parameters,
        parameters,
        early,
        results[:outputs],
        lookup,
        cheap=_ALIASES,
        kept_cheap=_ALIASES,
    )
    choice = forward.choose(needed)
    return {*needed, *(v for op in choice.again for v in inputs_of(op))}, choice.saved


def _argument(value: ir.Value, name: str) -> Residual:
    kind, why = ("argument", f"argument {name}") if name else ("captured", "used from outside")
    return Residual(*ir.type_of(value), ir.size_in_bytes(value), kind, why)


def _is_array(value: ir.Value) -> bool:
    """Whether a value is a constant that takes memory."""
    op = defining(value)
    if op is None or op.name != "stablehlo.constant":
        return False
    return ir.size_in_bytes(value) > 0 and not ir.is_uniform(op)


def _constant(value: ir.Value) -> Residual:
    where = ir.location_span(value.location)
    return Residual(*ir.type_of(value), ir.size_in_bytes(value), "constant", "constant", where)


def _computed(value: ir.Value) -> Residual:
    op = defining(value)
    assert op is not None
    name = str(op.name).partition(".")[2]
    kind, why = "computed", f"result of {name}"
    if name == "while":
        kind, why = "stacked", "result of a loop, a row per iteration"
    return Residual(*ir.type_of(value), ir.size_in_bytes(value), kind, why, ir.span_of(op))


def _place(span: Span | None) -> str:
    """The user's line: where it is, and what it says."""
    if span is None:
        return ""
    source = linecache.getline(span.file, span.line).strip()
    return f"{Path(span.file).name}:{span.line}  {source}".rstrip()


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells as lines, the second column to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(
            cell.rjust(width) if i == 1 else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
