"""StableHLO evaluated with NumPy: instant results, an oracle for tests, the constant folder.

The results follow the StableHLO specification; where it leaves a choice (overflowing conversions,
division of integers by zero, the rounding of low precision), they follow XLA. Values are immutable:
a result may share memory with an argument or be a read-only view.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from slopec import ir
from slopec.diagnostics import DTypeError, ShapeError
from slopec.reference import (  # noqa: F401, imported for what they enter in the table
    batch_norm,
    bits,
    broadcasting,
    collectives,
    complexes,
    constants,
    control,
    convolution,
    custom,
    dot,
    dynamic,
    elementwise,
    factor,
    fft,
    gamma,
    gather,
    integers,
    linalg,
    quantize,
    random,
    reduce,
    scatter,
    select_scatter,
    shape,
    sort,
    special,
    window,
)
from slopec.reference.machine import Frame, Machine, OpScope, kernel_of
from slopec.reference.table import SUPPORTED, UNSUPPORTED, Array, EvaluationError, Value

__all__ = [
    "SUPPORTED",
    "UNSUPPORTED",
    "EvaluationError",
    "evaluate",
    "evaluate_op",
    "prepare",
]


def evaluate(module: ir.Module, entry: str = "main", *arrays: Any) -> list[Array]:
    """What the function `entry` of a module returns for `arrays`.

    Raises UsageError for a function that is not there, ShapeError and DTypeError for arguments that
    do not fit it, EvaluationError for an op that cannot be evaluated.

    >>> from slopec import ir
    >>> module = ir.parse('''
    ... func.func @main(%x: tensor<3xf32>) -> tensor<3xf32> {
    ...   %0 = stablehlo.add %x, %x : tensor<3xf32>
    ...   return %0 : tensor<3xf32>
    ... }''')
    >>> evaluate(module, "main", [1.0, 2.0, 3.0])
    [array([2., 4., 6.], dtype=float32)]
    """
    machine = Machine(module)
    values = _checked(machine.definition(entry), arrays)
    with np.errstate(all="ignore"):
        return machine.function(entry)(*values)


def prepare(module: ir.Module, entry: str = "main") -> Callable[..., list[Array]]:
    """The function `entry` of a module, made ready once and called often, with fitting arrays.

    It keeps none of its results. Raises as `evaluate` does, except for arguments that do not fit.
    """
    program = Machine(module).function(entry)
    computed = {slot for _, _, results, _ in program.steps for slot in results}

    def call(*arrays: Any) -> list[Array]:
        with np.errstate(all="ignore"):
            results = program(*arrays)
        for slot in computed.union(program.inputs):
            program.frame[slot] = None
        return results

    return call


def evaluate_op(
    op: ir.Operation, operands: Sequence[Value], captures: Mapping[ir.Value, Value] | None = None
) -> list[Array]:
    """The results of one op for the values of its operands.

    `captures` holds what the op's regions use from outside. An op that calls functions cannot be
    evaluated without its module. Raises EvaluationError as `evaluate` does.

    >>> from slopec import ir
    >>> text = "func.func @f(%x: tensor<i32>) { %0 = stablehlo.abs %x : tensor<i32> return }"
    >>> module = ir.parse(text)
    >>> op = ir.body_of(ir.function(module, "f")).operations[0].operation
    >>> evaluate_op(op, [np.int32(-3)])
    [array(3, dtype=int32)]
    """
    with np.errstate(all="ignore"):
        result = kernel_of(op, OpScope(Frame(Machine(None), captures or {})))(*operands)
    values = result if type(result) is list else [result]
    return [np.asarray(v) if isinstance(v, np.generic) else v for v in values]


def _checked(function: ir.Operation, arrays: Sequence[Any]) -> list[Value]:
    """The arguments of a function as arrays; raises when they do not fit its parameters."""
    name, (parameters, _) = ir.symbol_name(function), ir.function_type(function)
    if len(arrays) != len(parameters):
        raise ShapeError("S0382", f"@{name} takes {len(parameters)} arguments, got {len(arrays)}")
    return [
        _checked_one(f"argument {index} of @{name}", array, type_)
        for index, (array, type_) in enumerate(zip(arrays, parameters, strict=True))
    ]


def _checked_one(where: str, array: Any, type_: ir.Type) -> Value:
    if str(type_).startswith(("tuple", "!")):
        return array
    sizes, dtype = ir.shape_and_dtype(type_)
    value = np.asarray(array) if hasattr(array, "dtype") else np.asarray(array, dtype)
    if value.dtype != dtype:
        raise DTypeError("S0382", f"{where} has element type {dtype.name}, got {value.dtype.name}")
    fits = len(sizes) == value.ndim and all(
        size in (ir.DYNAMIC, given) for size, given in zip(sizes, value.shape, strict=True)
    )
    if not fits:
        raise ShapeError("S0382", f"{where} has shape {sizes}, got {value.shape}")
    return value
