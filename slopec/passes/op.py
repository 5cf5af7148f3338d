"""An op as patterns read it: operands as tensors, attributes as Python values, facts about both."""

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np

from slopec import dtypes, hlo, ir, tracing
from slopec.dtypes import DType
from slopec.tensor import Tensor
from slopec.tracing import Trace
from slopec.transforms.body import COMMUTATIVE

Reading = TypeVar("Reading")


class Op:
    """An op of the function being rewritten."""

    __slots__ = ("_operands", "_readings", "operation", "trace")

    def __init__(self, operation: ir.Operation, where: Trace) -> None:
        """View `operation`, whose function is written through `where`."""
        self.operation = operation
        self.trace = where
        self._operands: list[Tensor] | None = None
        self._readings: dict[Any, Any] = {}

    @property
    def name(self) -> str:
        """The op's name without StableHLO's prefix."""
        return str(self.operation.name).removeprefix("stablehlo.")

    @property
    def operands(self) -> list[Tensor]:
        """The operands."""
        if self._operands is None:
            self._operands = [tensor_of(value, self.trace) for value in self.operation.operands]
        return self._operands

    @property
    def result(self) -> Tensor:
        """The first result."""
        return tensor_of(self.operation.results[0], self.trace)

    @property
    def shape(self) -> ir.Shape:
        """The shape of the first result."""
        return ir.type_of(self.operation.results[0])[0]

    @property
    def dtype(self) -> DType:
        """The element type of the first result."""
        return ir.type_of(self.operation.results[0])[1]

    def source(self, index: int = 0) -> "Op":
        """The op that operand `index` comes from; there is one where the pattern's `of` says so."""
        return Op(self.operation.operands[index].owner.operation, self.trace)

    @property
    def used_once(self) -> bool:
        """Whether the first result has exactly one use, so that the op goes when that use goes."""
        uses = iter(self.operation.results[0].uses)
        return next(uses, None) is not None and next(uses, None) is None

    def attribute(self, name: str) -> Any:
        """An attribute, or None."""
        return self.operation.attributes.get(name)

    def integer(self, name: str) -> int:
        """The value of an integer attribute."""
        return int(self.operation.attributes[name].value)

    def ints(self, name: str) -> tuple[int, ...]:
        """The elements of an integer array attribute."""
        return tuple(self.operation.attributes[name])

    def again(
        self,
        *operands: Tensor,
        shape: ir.Shape | None = None,
        dtype: DType | None = None,
        attributes: ir.Attributes | None = None,
    ) -> Tensor:
        """The same op, with its attributes but for the given ones, on other operands.

        `shape` and `dtype` are the result's where they differ from this op's result. The op has no
        region.
        """
        kept = {name: self.operation.attributes[name] for name in self.operation.attributes}
        shape = self.shape if shape is None else shape
        dtype = self.dtype if dtype is None else dtype
        every = {**kept, **(attributes or {})}
        return tracing.emit(str(self.operation.name), operands, shape, dtype, every)


def read_once(reading: Callable[[Op], Reading]) -> Callable[[Op], Reading]:
    """Make a function of an op one that reads it once, however many patterns ask."""

    def read(op: Op) -> Reading:
        readings = op._readings
        if reading not in readings:
            readings[reading] = reading(op)
        found: Reading = readings[reading]
        return found

    return read


def tensor_of(value: ir.Value, where: Trace) -> Tensor:
    """A value of the function being rewritten as a tensor."""
    return Tensor._of_value(value, where, *ir.type_of(value))


def full_name(name: str) -> str:
    """The name of an op with its dialect, which is StableHLO unless it says another."""
    return name if "." in name else f"stablehlo.{name}"


def producer(tensor: Tensor, *names: str) -> Op | None:
    """The StableHLO op that `tensor` is the result of, if it has one of these names."""
    where = tensor._trace
    assert where is not None
    owner = where.value_of(tensor).owner
    if isinstance(owner, ir.Block) or owner.name.removeprefix("stablehlo.") not in names:
        return None
    return Op(owner.operation, where)


def any_producer(tensor: Tensor) -> Op | None:
    """The op that `tensor` is a result of; None for the argument of a block."""
    where = tensor._trace
    assert where is not None
    owner = where.value_of(tensor).owner
    return None if isinstance(owner, ir.Block) else Op(owner.operation, where)


def binary_body(op: Op) -> str | None:
    """What the first region of an op does with its two arguments.

    The name of a StableHLO op, `second` where it returns the second argument, None where it is
    anything else.
    """
    block = op.operation.regions[0].blocks[0]
    views = list(block.operations)
    arguments = list(block.arguments)
    if len(arguments) != 2 or len(views) > 2:
        return None
    returned = list(views[-1].operation.operands)
    if len(views) == 1:
        return "second" if returned == arguments[1:] else None
    body = views[0].operation
    operands = list(body.operands)
    if returned != list(body.results) or operands not in (arguments, arguments[::-1]):
        return None
    name = str(body.name)
    commutes = operands == arguments or name.removeprefix("stablehlo.") in COMMUTATIVE
    return name.removeprefix("stablehlo.") if commutes else None


def binary(kind: str, x: Tensor, y: Tensor) -> Tensor:
    """The StableHLO op `kind` on two tensors of one type."""
    return tracing.emit(f"stablehlo.{kind}", [x, y], x.shape, x.dtype)


# --- constants -------------------------------------------------------------------------------


def splat(tensor: Tensor) -> np.ndarray | None:
    """The one value of all elements, without dimensions, if `tensor` is such a constant."""
    constant = producer(tensor, "constant")
    # The bindings cannot hand out the elements of a complex constant.
    if constant is None or dtypes.is_complex(tensor.dtype):
        return None
    return _splat_of(constant.operation.attributes["value"])


def numbers(tensor: Tensor) -> np.ndarray | None:
    """The elements of a constant, without dimensions where all are equal; None for other values.

    None as well for constants kept in a resource section, which cannot be read.
    """
    constant = producer(tensor, "constant")
    if constant is None:
        return None
    one = splat(tensor)
    if one is not None:
        return one
    try:
        return ir.constant_array(constant.operation)
    except TypeError:
        return None


def constant(elements: np.ndarray, like: Tensor) -> Tensor:
    """A constant of the type of `like`, from its elements as `numbers` gives them."""
    array = np.asarray(elements).astype(like.dtype)
    return hlo.full(like.shape, array.item(), like.dtype) if not array.ndim else hlo.constant(array)


def holds(tensor: Tensor, number: complex) -> bool:
    """Whether `tensor` is a constant whose elements all are `number`, with the same sign of 0."""
    value = splat(tensor)
    if value is None or value != number:
        return False
    if number != 0 or not dtypes.is_floating(value.dtype):
        return True
    return bool(np.signbit(value.astype(np.float64))) == (math.copysign(1.0, number.real) < 0)


def is_zero(tensor: Tensor) -> bool:
    """Whether `tensor` is a constant whose elements all are zero, of either sign."""
    value = splat(tensor)
    return value is not None and bool(value == 0)


def is_same(x: Tensor, y: Tensor) -> bool:
    """Whether two tensors are one value."""
    return bool(x._value == y._value)


def is_same_number(x: Tensor, y: Tensor) -> bool:
    """Whether two tensors are one value, or splats of one number with one sign."""
    a, b = splat(x), splat(y)
    return is_same(x, y) or (a is not None and b is not None and a.tobytes() == b.tobytes())


@lru_cache(maxsize=4096)
def _splat_of(attribute: Any) -> np.ndarray | None:
    if not getattr(attribute, "is_splat", False):
        return None
    elements = ir.elements(attribute)
    return elements.reshape(-1)[0:1].reshape(()) if elements.size else None
