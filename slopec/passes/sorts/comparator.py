"""A sort's comparator, split into what concerns one element and what compares two.

What concerns one element, such as giving all NaNs one place, is computed once for each: its results
are the keys. What is left for every pair is often a single comparison of integers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from slopec import dtypes, hlo, ir, tracing
from slopec.tensor import Tensor
from slopec.transforms.body import facts_of, returned

Fetch = Callable[[int, Tensor], Tensor]
"""Gives, of a key of all elements, those on side 0 or 1 of the pairs to be compared."""


_LEAST_FIRST = {"LT": True, "LE": True, "GT": False, "GE": False}


@dataclass
class Comparator:
    """Whether one element goes before another, for all pairs of two sides."""

    block: ir.Block
    xs: Sequence[Tensor]
    _side: dict[ir.Value, int] = field(default_factory=dict)
    _early: dict[ir.Value, Tensor] = field(default_factory=dict)
    _numbers: dict[ir.Value, np.ndarray] = field(default_factory=dict)
    _made: dict[tuple[object, ...], Tensor] = field(default_factory=dict)
    _late: list[ir.Operation] = field(default_factory=list)
    _paired: set[ir.Value] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Compute the keys, where the trace is."""
        for place, argument in enumerate(self.block.arguments):
            self._side[argument] = place % 2
            self._early[argument] = self.xs[place // 2]
        for view in list(self.block.operations)[:-1]:
            self._read(view.operation)

    @property
    def keys(self) -> list[Tensor]:
        """The keys that pairs are compared by, each once."""
        used = [self._key(op, v) for op in self._late for v in op.operands if v in self._side]
        used += [self._early[v] for v in returned(self.block) if v in self._side]
        found: list[Tensor] = []
        for key in used:
            if not any(key is other for other in found):
                found.append(key)
        return found

    @property
    def only_key(self) -> Tensor | None:
        """Signed integers in whose order elements are sorted, the least first, if there are such:
        where one comparison of them is all.
        """
        keys = self.keys
        if len(self._late) != 1 or len(keys) != 1 or dtypes.is_floating(keys[0].dtype):
            return None
        (compare,), (result,) = self._late, returned(self.block)
        sides = [self._side.get(v) for v in compare.operands]
        if compare.name != "stablehlo.compare" or result not in list(compare.results):
            return None
        direction = direction_of(compare)
        if direction not in _LEAST_FIRST or set(sides) != {0, 1}:
            return None
        key = _signed(keys[0])
        return key if _LEAST_FIRST[direction] == (sides == [0, 1]) else hlo.not_(key)

    def __call__(self, fetch: Fetch, shape: ir.Shape, *, turned: bool = False) -> Tensor:
        """Whether side 0 goes before side 1, or, `turned`, the reverse."""
        known: dict[ir.Value, Tensor] = {}

        def value(op: ir.Operation | None, v: ir.Value) -> Tensor:
            if v in known:
                return known[v]
            if v in self._side:
                key = self._early[v] if op is None else self._key(op, v)
                return fetch(self._side[v] ^ turned, key)
            return self._spread(v, shape)

        for op in self._late:
            operands = [value(op, v) for v in op.operands]
            known[op.results[0]] = _emitted(op, operands, shape, self._by_bits(op))
        (result,) = returned(self.block)
        return value(None, result)

    def _read(self, op: ir.Operation) -> None:
        sides = {self._side[v] for v in op.operands if v in self._side}
        result = op.results[0]
        if op.name == "stablehlo.constant":
            self._numbers[result] = ir.constant_array(op)
        elif len(sides) != 1 or any(v in self._paired for v in op.operands):
            self._late.append(op)
            self._paired.add(result)
        else:
            self._early[result] = self._of_each(op)
            (self._side[result],) = sides

    def _of_each(self, op: ir.Operation) -> Tensor:
        """What an op on one element makes of every one."""
        like = next(self._early[v] for v in op.operands if v in self._side)
        operands = [
            self._early[v] if v in self._side else self._spread(v, like.shape) for v in op.operands
        ]
        attributes = {name: op.attributes[name] for name in op.attributes}
        same = tuple(id(self._early[v]) if v in self._side else self._name(v) for v in op.operands)
        what = (op.name, facts_of(op), same)
        found = self._made.get(what)
        if found is None:
            dtype = ir.type_of(op.results[0])[1]
            found = tracing.emit(op.name, operands, like.shape, dtype, attributes)
            self._made[what] = found
        return found

    def _spread(self, v: ir.Value, shape: ir.Shape) -> Tensor:
        """A number, or a scalar from outside, for every element."""
        number = self._numbers.get(v)
        if number is not None:
            return hlo.full(shape, number.item(), number.dtype)
        outer = Tensor._of_value(v, tracing.current(), *ir.type_of(v))
        return hlo.broadcast_in_dim(outer, shape, ())

    def _name(self, v: ir.Value) -> object:
        """The same for equal numbers."""
        number = self._numbers.get(v)
        return v if number is None else number.tobytes()

    def _key(self, op: ir.Operation, v: ir.Value) -> Tensor:
        """What `op` compares of an element: floats that it orders totally, by their bits."""
        key = self._early[v]
        if not self._by_bits(op):
            return key
        only = len(self._late) == 1 and "TOTALORDER" not in str(op.attributes.get("compare_type"))
        name = ("bits", id(key), only)
        if name not in self._made:
            first = only and direction_of(op) in ("GT", "GE")
            self._made[name] = _numbered(key, least=first) if only else ordered_bits(key)
        return self._made[name]

    def _by_bits(self, op: ir.Operation) -> bool:
        """Whether floats are to be compared as integers.

        So are those of a comparator that is a single comparison: it says nothing of NaN, which must
        be somewhere, and goes last.
        """
        if op.name != "stablehlo.compare" or not all(v in self._side for v in op.operands):
            return False
        floating = dtypes.is_floating(ir.type_of(op.operands[0])[1])
        total = "TOTALORDER" in str(op.attributes.get("compare_type"))
        return floating and (total or len(self._late) == 1)


def _emitted(
    op: ir.Operation, operands: Sequence[Tensor], shape: ir.Shape, by_bits: bool
) -> Tensor:
    if by_bits:
        return hlo.compare(operands[0], operands[1], direction_of(op))
    attributes = {name: op.attributes[name] for name in op.attributes}
    dtype = ir.type_of(op.results[0])[1]
    return tracing.emit(op.name, list(operands), shape, dtype, attributes)


def direction_of(compare: ir.Operation) -> str:
    """The word for how a comparison compares, such as "LT"."""
    return str(compare.attributes["comparison_direction"]).rstrip(">").split()[-1]


def _signed(key: Tensor) -> Tensor:
    """Integers with a sign, of 32 bits or 64, in the same order."""
    wide = np.dtype("int64" if key.dtype.itemsize == 8 else "int32")
    if key.dtype.itemsize < 4:
        return hlo.convert(key, wide)
    if not dtypes.is_unsigned(key.dtype):
        return key
    raw = hlo.bitcast_convert(key, wide)
    return hlo.xor(raw, hlo.full_like(raw, int(np.iinfo(wide).min)))


def ordered_bits(x: Tensor) -> Tensor:
    """Integers in the total order of floats: −NaN, −∞ … −0, 0 … ∞, NaN (IEEE 754, 5.10)."""
    signed = np.dtype(f"int{8 * x.dtype.itemsize}")
    raw = hlo.bitcast_convert(x, signed)
    mask = hlo.full_like(raw, int(np.iinfo(signed).max))
    negative = hlo.compare(raw, hlo.zeros_like(raw), "LT")
    return hlo.select(negative, hlo.xor(raw, mask), raw)


def _numbered(x: Tensor, *, least: bool) -> Tensor:
    """Integers in the order of floats, one for both zeros, and the least or greatest for NaN."""
    bits = ordered_bits(hlo.select(hlo.compare(x, hlo.zeros_like(x), "EQ"), hlo.zeros_like(x), x))
    ends = np.iinfo(bits.dtype)
    end = hlo.full_like(bits, int(ends.min if least else ends.max))
    return hlo.select(hlo.compare(x, x, "NE"), end, bits)
