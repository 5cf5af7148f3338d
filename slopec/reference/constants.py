"""Constants: attributes read into arrays once, resources included."""

import re
from typing import Any

import numpy as np

from slopec import dtypes, ir
from slopec.reference.table import (
    Array,
    Kernel,
    cannot,
    result_dtype,
    result_shape,
    rule,
)


@rule("stablehlo.constant", "chlo.constant", lanewise=True)
def constant(op: ir.Operation) -> Kernel:
    """The array of the attribute `value`."""
    ir.type_of(op.results[0])  # raises for an element type that NumPy lacks
    try:
        array = ir.constant_array(op)
    except TypeError:
        array = _resource(op)
    return lambda: array


def _resource(op: ir.Operation) -> Array:
    """A constant whose bytes lie in the resource section of its module.

    The bindings do not show that section, but printing an op at the top of a module prints the
    resources it uses: alignment (4 bytes), then the elements, in hexadecimal.
    """
    holder: Any = ir.new_module()
    op.clone(ip=ir.InsertionPoint(holder.body))
    blob = re.search(r':\s*"0x([0-9A-Fa-f]+)"', str(holder))
    if blob is None:
        raise cannot(op, "its resource holds no data")
    shape, dtype = ir.type_of(op.results[0])
    raw = bytes.fromhex(blob[1])[4:]
    if dtype == dtypes.bool_:
        return np.frombuffer(raw, np.uint8).astype(np.bool_).reshape(shape)
    return np.frombuffer(raw, dtype).reshape(shape)


@rule("chlo.constant_like", lanewise=True)
def constant_like(op: ir.Operation) -> Kernel:
    """An array of the operand's shape, every element the attribute `value`."""
    value, dtype = op.attributes["value"], result_dtype(op)
    if dtypes.is_complex(dtype):  # `#complex.number<:f32 1.0, 2.0>`, which the bindings only print
        _, parts = re.split(r"<:\w+ ", str(value))
        number = complex(*(float(part) for part in parts.split(">")[0].split(",")))
    else:
        number = value.value
    fill = np.asarray(number).astype(dtype)
    return lambda x: np.broadcast_to(fill, np.shape(x))


@rule("stablehlo.iota")
def iota(op: ir.Operation) -> Kernel:
    """Positions along one dimension."""
    array = counting(result_shape(op), op.attributes["iota_dimension"].value, result_dtype(op))
    return lambda: array


@rule("stablehlo.dynamic_iota")
def dynamic_iota(op: ir.Operation) -> Kernel:
    """Positions along one dimension, in a shape known only at run time."""
    axis, dtype = op.attributes["iota_dimension"].value, result_dtype(op)
    return lambda shape: counting(tuple(int(n) for n in shape), axis, dtype)


def counting(shape: ir.Shape, axis: int, dtype: dtypes.DType) -> Array:
    """0, 1, 2, … along `axis`, the same everywhere else."""
    column = (1,) * axis + (shape[axis],) + (1,) * (len(shape) - axis - 1)
    return np.broadcast_to(np.arange(shape[axis]).astype(dtype).reshape(column), shape)
