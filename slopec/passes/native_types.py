"""Ops that IREE lacks for some types, written with those that it has.

Padding complex numbers crashes its compiler where anything follows; it cannot fill memory with
values of 128 bits, nor twice with one of 64 bits that is known only at run time; GPUs do not select
complex numbers, nor count leading zeros but in 32 bits; integers are reversed, and prefixes folded,
only with a sign; counting in bfloat16 takes a function that no processor's code has; products give
unsigned integers and bools that they widen a sign, and complex ones crash the compiler for CUDA;
and depthwise convolutions do not widen what they multiply.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from slopec import dtypes, hlo, ir, tracing
from slopec.dialects.attributes import ConvDimensionNumbers
from slopec.dtypes import DType
from slopec.hlo.region import Written
from slopec.passes.each import each, put_results
from slopec.passes.op import Op, binary, binary_body, producer
from slopec.tensor import Tensor

_MARGINS = ("edge_padding_low", "edge_padding_high", "interior_padding")
_BLOCKS = ("func.func", "stablehlo.while", "stablehlo.if", "stablehlo.case")
"""Where a constant is memory; in the bodies of other ops it is a number."""


@dataclass(frozen=True)
class NativeTypes:
    """pad(z, v) → complex(pad(real(z), real(v)), pad(imag(z), imag(v))), and the like."""

    name: ClassVar[str] = "native-types"

    def run(self, module: ir.Module) -> None:
        """Rewrite every such op of `module`."""
        for name, rewrite in _REWRITES.items():
            for op in each(module, f"stablehlo.{name}"):
                made = rewrite(op)
                if made is not None:
                    put_results(op, [made])


def _convolution(op: Op) -> Tensor | None:
    """Widen depthwise convolutions and pad complex ones before: IREE's way of it fails."""
    numbers = ConvDimensionNumbers.parse(op.attribute("dimension_numbers"))
    lhs, rhs = op.operands
    depthwise = rhs.shape[numbers.kernel_input_feature] == 1 != op.integer("feature_group_count")
    if depthwise and lhs.dtype != op.dtype:
        # Behind a barrier: IREE takes back conversions of what it convolves.
        return op.again(*hlo.optimization_barrier([hlo.convert(x, op.dtype) for x in (lhs, rhs)]))
    count = len(numbers.input_spatial)
    given = op.attribute("padding")
    padding = [(0, 0)] * count if given is None else np.array(given).tolist()
    dilation = op.ints("lhs_dilation") if op.attribute("lhs_dilation") else (1,) * count
    if not dtypes.is_complex(op.dtype) or not (np.any(padding) or set(dilation) - {1}):
        return None
    margins = [(0, 0, 0)] * lhs.ndim
    for d, (low, high), step in zip(numbers.input_spatial, padding, dilation, strict=True):
        margins[d] = (low, high, step - 1)
    wide = hlo.pad(lhs, hlo.full((), 0, lhs.dtype), *zip(*margins, strict=True))
    without = {"padding": ir.matrix_i64([(0, 0)] * count), "lhs_dilation": ir.i64s(*[1] * count)}
    return op.again(wide, rhs, attributes=without)


def _dot_general(op: Op) -> Tensor | None:
    """Widen what has no sign out of IREE's sight, which would give it one; sum up as is asked."""
    if op.attribute("algorithm") is not None:
        return _by_algorithm(op)
    if dtypes.is_complex(op.dtype):
        return _complex_product(op)
    given = [_widened(x, op.dtype) for x in op.operands]
    same = all(wide is x for wide, x in zip(given, op.operands, strict=True))
    return None if same else op.again(*given)


def _by_algorithm(op: Op) -> Tensor:
    """The product summed up in its algorithm's type; IREE knows no algorithms."""
    attributes = {name: op.operation.attributes[name] for name in op.operation.attributes}
    found = re.search(r"accumulation_type = (\w+)", str(attributes.pop("algorithm")))
    total = dtypes.FROM_MLIR.get(found[1], op.dtype) if found else op.dtype
    wide = total if total.itemsize > op.dtype.itemsize else op.dtype
    name = str(op.operation.name)
    return hlo.convert(tracing.emit(name, op.operands, op.shape, wide, attributes), op.dtype)


def _complex_product(op: Op) -> Tensor:
    """Four products of the parts; of a complex one the compiler for CUDA crashes."""
    kind = dtypes.real_of(op.dtype)
    (a, b), (c, d) = (
        [hlo.convert(part(x), kind) for part in (hlo.real, hlo.imag)] for x in op.operands
    )

    def product(x: Tensor, y: Tensor) -> Tensor:
        return op.again(x, y, dtype=kind)

    return hlo.complex_(product(a, c) - product(b, d), product(a, d) + product(b, c))


def _widened(x: Tensor, dtype: DType) -> Tensor:
    """What has no sign and is converted, before or by a product to `dtype`, in several steps."""
    convert = producer(x, "convert")
    narrow = x if convert is None else convert.operands[0]
    wide = dtype if convert is None else x.dtype
    if dtypes.is_complex(wide) or narrow.dtype.itemsize > wide.itemsize or narrow.dtype == wide:
        return x
    if narrow.dtype == dtypes.bool_:
        return hlo.select(narrow, *(hlo.full(x.shape, value, wide) for value in (1, 0)))
    if not dtypes.is_unsigned(narrow.dtype) or narrow.dtype.itemsize == wide.itemsize:
        return x
    if dtypes.is_integer(wide):
        kept = hlo.full(x.shape, np.iinfo(narrow.dtype).max, wide)
        return hlo.and_(hlo.convert(narrow, wide), kept)
    return hlo.convert(hlo.convert(narrow, np.dtype(f"int{8 * wide.itemsize}")), wide)


def _pad(op: Op) -> Tensor | None:
    x, value = op.operands
    margins = [op.ints(name) for name in _MARGINS]
    if not dtypes.is_complex(x.dtype):
        return _padded(x, value, margins) if _is_wide(value) else None
    parts = zip((hlo.real(x), hlo.imag(x)), _parts(value), strict=True)
    return hlo.complex_(*(_padded(part, around, margins) for part, around in parts))


def _parts(value: Tensor) -> list[Tensor]:
    """The real and imaginary part of a scalar."""
    constant = producer(value, "constant")
    if constant is None:
        return [hlo.real(value), hlo.imag(value)]
    number = ir.constant_array(constant.operation)
    return [hlo.constant(part) for part in (number.real, number.imag)]


def _is_wide(value: Tensor) -> bool:
    """Whether a value has 64 bits and is known only at run time."""
    return value.dtype.itemsize == 8 and producer(value, "constant") is None


def _padded(x: Tensor, value: Tensor, margins: Sequence[Sequence[int]]) -> Tensor:
    """Pad with a value; where that is a wide one, with zeros whose place it takes."""
    if not _is_wide(value):
        return hlo.pad(x, value, *margins)
    false = hlo.full((), False, dtypes.bool_)
    inside = hlo.pad(hlo.full(x.shape, True, dtypes.bool_), false, *margins)
    wide = hlo.pad(x, hlo.full((), 0, x.dtype), *margins)
    return hlo.select(inside, wide, hlo.broadcast_in_dim(value, wide.shape, ()))


def _select(op: Op) -> Tensor | None:
    """Complex numbers are selected by their parts, as GPUs do."""
    pred, x, y = op.operands
    if not dtypes.is_complex(x.dtype):
        return None
    parts = [hlo.select(pred, part(x), part(y)) for part in (hlo.real, hlo.imag)]
    return hlo.complex_(*parts)


def _reverse(op: Op) -> Tensor | None:
    (x,) = op.operands
    if not dtypes.is_unsigned(x.dtype):
        return None
    signed = np.dtype(f"int{8 * x.dtype.itemsize}")
    return hlo.convert(hlo.reverse(hlo.convert(x, signed), op.ints("dimensions")), x.dtype)


def _reduce_window(op: Op) -> Tensor | None:
    """Fold bools and unsigned integers as signed ones, which each step reads as what they are.

    Complex numbers are summed by their parts: the compiler for Metal crashes over prefixes of them.
    """
    if dtypes.is_complex(op.dtype) and binary_body(op) == "add":
        kind = dtypes.real_of(op.dtype)
        sums = [
            _folded(op, [part(x) for x in op.operands], kind, hlo.add)
            for part in (hlo.real, hlo.imag)
        ]
        return hlo.complex_(*sums)
    signless = dtypes.is_unsigned(op.dtype) or op.dtype == dtypes.bool_
    return _with_sign(op, op.operands, (0, 1)) if signless and len(op.operands) == 2 else None


def _scatter(op: Op) -> Tensor | None:
    """Put unsigned integers as signed ones."""
    if not dtypes.is_unsigned(op.dtype) or len(op.operands) != 3:
        return None
    return _with_sign(op, op.operands, (0, 2))


def _with_sign(op: Op, operands: Sequence[Tensor], numbers: Sequence[int]) -> Tensor | None:
    """The op on other operands, those of `numbers` with a sign; its body reads what they are."""
    body, dtype = binary_body(op), op.dtype
    if body is None:
        return None
    signless = dtypes.is_unsigned(dtype) or dtype == dtypes.bool_
    kept = np.dtype(f"int{8 * dtype.itemsize}") if signless else dtype

    def step(old: Tensor, new: Tensor) -> Tensor:
        if body == "second":
            return new
        return hlo.convert(binary(body, *(hlo.convert(part, dtype) for part in (old, new))), kept)

    given = [hlo.convert(x, kept) if i in numbers else x for i, x in enumerate(operands)]
    return hlo.convert(_folded(op, given, kept, step), dtype)


def _folded(
    op: Op, operands: Sequence[Tensor], dtype: DType, step: Callable[[Tensor, Tensor], Tensor]
) -> Tensor:
    """The op on other operands, with a body that is `step` in another type."""
    (made,) = tracing.emit_with(
        str(op.operation.name),
        list(operands),
        [(op.shape, dtype)],
        {name: op.operation.attributes[name] for name in op.operation.attributes},
        [Written(step, [((), dtype)] * 2)],
    )
    return made


def _convert(op: Op) -> Tensor | None:
    """A lone integer becomes an unsigned one by way of a signed one's bits."""
    (x,) = op.operands
    if math.prod(op.shape) != 1 or not dtypes.is_unsigned(op.dtype) or x.dtype == op.dtype:
        return None
    if not dtypes.is_integer(x.dtype):
        return None
    signed = np.dtype(f"int{8 * op.dtype.itemsize}")
    bits = x if x.dtype == signed else hlo.convert(x, signed)
    return hlo.bitcast_convert(bits, op.dtype)


def _bitcast(op: Op) -> Tensor | None:
    """Complex numbers of another width, by way of their parts in a last dimension."""
    (x,) = op.operands
    if not dtypes.is_complex(x.dtype) or x.dtype == op.dtype:
        return None
    pairs = hlo.bitcast_convert(_apart(x), dtypes.real_of(op.dtype))
    return hlo.complex_(*(_part(pairs, i) for i in range(2)))


def _apart(z: Tensor) -> Tensor:
    """The parts of complex numbers along a last dimension."""
    parts = [hlo.reshape(part(z), (*z.shape, 1)) for part in (hlo.real, hlo.imag)]
    return hlo.concatenate(parts, z.ndim)


def _part(pairs: Tensor, index: int) -> Tensor:
    """Of pairs along the last dimension, the first or second numbers."""
    rest = pairs.shape[:-1]
    starts, ends = (*[0] * len(rest), index), (*rest, index + 1)
    return hlo.reshape(hlo.slice_(pairs, starts, ends, [1] * pairs.ndim), rest)


def _constant(op: Op) -> Tensor | None:
    """Two constants of 64 bits for one of 128."""
    if op.dtype != dtypes.complex128 or op.operation.parent.name not in _BLOCKS:
        return None
    values = ir.constant_array(op.operation)
    return hlo.complex_(*(hlo.constant(np.array(part)) for part in (values.real, values.imag)))


def _count_leading_zeros(op: Op) -> Tensor | None:
    """Count in 32 bits, as every GPU does."""
    (x,) = op.operands
    width = 8 * x.dtype.itemsize
    if width == 32:
        return None
    raw = hlo.bitcast_convert(x, np.dtype(f"uint{width}"))
    if width < 32:
        count = hlo.count_leading_zeros(hlo.convert(raw, dtypes.uint32))
        return hlo.convert(count - (32 - width), op.dtype)
    words = [hlo.shift_right_logical(raw, hlo.full_like(raw, n)) for n in (32, 0)]
    upper, lower = (hlo.count_leading_zeros(hlo.convert(n, dtypes.uint32)) for n in words)
    none = hlo.compare(upper, hlo.full_like(upper, 32), "EQ")
    return hlo.convert(hlo.select(none, lower + 32, upper), op.dtype)


def _iota(op: Op) -> Tensor | None:
    """The numbers themselves; made from integers, they would be rounded by a missing function."""
    if op.dtype != dtypes.bfloat16:
        return None
    along = op.integer("iota_dimension")
    counted = hlo.constant(np.arange(op.shape[along]).astype(op.dtype))
    return hlo.broadcast_in_dim(counted, op.shape, (along,))


_REWRITES: dict[str, Callable[[Op], Tensor | None]] = {
    "convolution": _convolution,
    "dot_general": _dot_general,
    "pad": _pad,
    "reverse": _reverse,
    "reduce_window": _reduce_window,
    "scatter": _scatter,
    "convert": _convert,
    "bitcast_convert": _bitcast,
    "select": _select,
    "constant": _constant,
    "count_leading_zeros": _count_leading_zeros,
    "iota": _iota,
}
