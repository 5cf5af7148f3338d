"""Weights that a program holds are brought ahead into the form that kernels take them in.

IREE does that too, by code that it compiles and runs for each form: of a model without state, that
was most of what compiling it took.
"""

from contextlib import suppress

import numpy as np

from slopec import dtypes, ir
from slopec.constants import put_constant
from slopec.kernels.epilogue import users
from slopec.kernels.kernel import DISPATCH
from slopec.kernels.matmul import Product
from slopec.transforms.body import defining

_CONSTANT, _TRANSPOSE, _RESHAPE = (f"stablehlo.{n}" for n in ("constant", "transpose", "reshape"))
_BARRIER = "stablehlo.optimization_barrier"


def constant_behind(value: ir.Value) -> ir.Value | None:
    """The constant that a value is, moved about perhaps, without the barriers around that."""
    op = defining(value)
    if op is None:
        return None
    if op.name == _BARRIER:
        return constant_behind(op.operands[ir.OpResult(value).result_number])
    if op.name in (_TRANSPOSE, _RESHAPE):
        return value if constant_behind(op.operands[0]) is not None else None
    return value if op.name == _CONSTANT else None


def turn_ahead(op: ir.Operation) -> bool:
    """Let a constant take the place of a `transpose` of one, if it is for kernels; whether so."""
    array = _array(op.results[0]) if all(map(_is_for_kernels, users(op))) else None
    if array is not None:
        put_constant(op.results[0], array)
    return array is not None


def packed(value: ir.Value, product: Product, width: int, before: ir.Operation) -> ir.Value:
    """The right matrix by panels."""
    array = _array(value)
    if array is None:
        return _packed_later(value, product, width, before)
    if product.rhs == "columns":
        array = array.swapaxes(-1, -2)
    return _constant(np.moveaxis(_panels(array, width), 0, -3), before)


def windows_packed(
    value: ir.Value, groups: int, width: int, before: ir.Operation
) -> ir.Value | None:
    """The weights of a convolution by panels of features made; None if they are not known."""
    array = _array(value)
    if array is None:
        return None
    parts = [_panels(part, width) for part in np.split(array, groups, axis=-1)]
    return _constant(np.concatenate(parts), before)


def _panels(array: np.ndarray, width: int) -> np.ndarray:
    """Panels of so many columns, counted first, the last filled up with zeros."""
    *outer, columns = array.shape
    made = np.zeros((-(-columns // width), *outer, width), array.dtype)
    for number, panel in enumerate(made):
        part = array[..., number * width : (number + 1) * width]
        panel[..., : part.shape[-1]] = part
    return made


def _constant(array: np.ndarray, before: ir.Operation) -> ir.Value:
    facts, point = {"value": ir.dense(array)}, ir.InsertionPoint(before)
    type_ = ir.tensor_type(array.shape, array.dtype)
    return ir.create(_CONSTANT, [type_], [], facts, before.location, point).results[0]


def drop_unused(module: ir.Module) -> None:
    """Remove the weights that only took the other form."""
    for op in reversed(list(ir.ops_in(module, _CONSTANT, _TRANSPOSE, _RESHAPE, _BARRIER))):
        used = any(list(result.uses) for result in op.results)
        if not used and all(constant_behind(result) is not None for result in op.results):
            op.erase()


def _array(value: ir.Value) -> np.ndarray | None:
    """The elements of a constant, moved about perhaps; None of other values."""
    op = defining(value)
    if op is None or constant_behind(value) is None:
        return None
    if op.name == _CONSTANT:
        with suppress(TypeError):  # one that is kept elsewhere cannot be read
            return ir.constant_array(op)
        return None
    source = _array(op.operands[ir.OpResult(value).result_number])
    if source is None or op.name == _BARRIER:
        return source
    if op.name == _TRANSPOSE:
        return source.transpose(tuple(op.attributes["permutation"]))
    return source.reshape(ir.type_of(value)[0])


def _is_for_kernels(user: ir.Operation) -> bool:
    """Whether a user is a kernel, or gives what it takes to kernels only."""
    if user.name in (_RESHAPE, _BARRIER) and len(user.results) == 1:
        return all(map(_is_for_kernels, users(user)))
    return bool(user.name == DISPATCH)


def _packed_later(value: ir.Value, product: Product, width: int, before: ir.Operation) -> ir.Value:
    """The right matrix by panels when the program runs."""
    point, where, dtype = ir.InsertionPoint(before), before.location, product.dtype
    shape, _ = ir.type_of(value)
    *batch, _, _ = range(len(shape))
    rows, columns = (len(batch), len(batch) + 1)[:: 1 if product.rhs == "rows" else -1]
    panels = (*shape[: len(batch)], -(-product.n // width), product.k, width)
    room = ir.create("tensor.empty", [ir.tensor_type(panels, dtype)], [], {}, where, point)
    operands = [value, room.results[0]]
    padded = product.n % width > 0
    if padded:
        zero = {"value": ir.attr(f"0.0 : {dtypes.MLIR_NAMES[dtype]}")}
        type_ = [ir.element_type(dtype)]
        operands += ir.create("arith.constant", type_, [], zero, where, point).results
    facts = {
        "outer_dims_perm": ir.i64s(*batch, columns, rows),
        "inner_dims_pos": ir.i64s(columns),
        "static_inner_tiles": ir.i64s(width),
        "operandSegmentSizes": ir.attr(f"array<i32: 1, 1, {int(padded)}, 0>"),
    }
    return ir.create("linalg.pack", [operands[1].type], operands, facts, where, point).results[0]
