"""What every operation does first: take what users pass, agree on one type and one shape.

Python and NumPy scalars are weak: they adopt the type of the tensors beside them and become splat
constants of the result's shape. NumPy arrays keep their dtype; inside a trace they are constants.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeGuard

import numpy as np

from slopec import dtypes, hlo, ir, tracing
from slopec.diagnostics import DTypeError, RangeError, ShapeError, UsageError
from slopec.dtypes import DType
from slopec.tensor import Axis, Scalar, Tensor


class SupportsArray(Protocol):
    """Anything that NumPy can make an array of."""

    def __array__(self) -> np.ndarray:
        """The elements."""
        ...


ArrayLike = Tensor | np.ndarray | np.generic | Scalar | SupportsArray
Shape = ir.Shape


def is_scalar(value: Any) -> TypeGuard[Scalar | np.generic]:
    """Whether `value` is a Python or NumPy scalar, which is weakly typed."""
    return isinstance(value, bool | int | float | complex | np.generic)


def is_arraylike(value: Any) -> bool:
    """Whether `value` can be an operand: a tensor, a scalar or an array."""
    return isinstance(value, Tensor) or is_scalar(value) or hasattr(value, "__array__")


def as_tensor(name: str, value: ArrayLike) -> Tensor:
    """The tensor that `value` is or stands for; `name` is the function that asks.

    Raises DTypeError for what is neither tensor, array nor scalar.
    """
    if isinstance(value, Tensor):
        return value
    if not is_arraylike(value):
        raise DTypeError(
            "S0106",
            f"{name}: expected a tensor, got {_kind(value)}",
            span=tracing.here(),
            hint="make a tensor of it with `sp.asarray`",
        )
    held = Tensor(_python_scalar(value) if is_scalar(value) else value)
    return hlo.constant(held.numpy()) if tracing.is_tracing() else held


def _python_scalar(value: Scalar | np.generic) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _kind(value: Any) -> str:
    return "None" if value is None else f"a {type(value).__name__}"


def splat(name: str, value: Scalar | np.generic, shape: Shape, dtype: DType) -> Tensor:
    """A constant of `shape` and `dtype` that holds the scalar `value` everywhere.

    Raises DTypeError when an integer does not fit `dtype`.
    """
    number = _python_scalar(value)
    if dtypes.is_integer(dtype):
        limits = np.iinfo(dtype)
        if not limits.min <= number <= limits.max:
            raise DTypeError(
                "S0102",
                f"{name}: {number} does not fit {dtype} ({limits.min} … {limits.max})",
                span=tracing.here(),
                hint="cast the tensor to a wider type with `x.astype(...)`",
            )
    return hlo.full(shape, number, dtype)


def common_dtype(values: Sequence[Any]) -> DType:
    """The promoted type of tensors, dtypes and scalars, scalars being weak."""
    known = [getattr(v, "dtype", v) for v in values if not is_scalar(v)]
    weak = [_python_scalar(v) for v in values if is_scalar(v)]
    if not known:
        return dtypes.promote(Tensor(v).dtype for v in weak)
    dtype = dtypes.promote(known)
    for value in weak:
        dtype = dtypes.promote_two(dtype, dtypes.scalar_dtype(value, dtype))
    return dtype


def broadcast_shapes(name: str, shapes: Sequence[Shape]) -> Shape:
    """The shape that `shapes` broadcast to by NumPy's rule; `name` is the function that asks.

    Raises ShapeError naming the sizes that differ.
    """
    first = shapes[0]
    if all(shape == first for shape in shapes):
        return first
    rank = max(len(shape) for shape in shapes)
    result = [1] * rank
    for shape in shapes:
        for d, size in enumerate(reversed(shape), 1):
            if size == 1 or result[-d] == size:
                continue
            if result[-d] != 1:
                raise _shapes_do_not_fit(name, shapes, result[-d], size)
            result[-d] = size
    return tuple(result)


def _shapes_do_not_fit(name: str, shapes: Sequence[Shape], a: int, b: int) -> ShapeError:
    return ShapeError(
        "S0101",
        f"{name}: shapes {' and '.join(map(str, shapes))} do not fit: {a} ≠ {b}",
        span=tracing.here(),
        hint="sizes are compared from the last dimension and must be equal or 1",
    )


def expand(x: Tensor, shape: Shape) -> Tensor:
    """`x` broadcast to `shape`, which must fit."""
    if x.shape == shape:
        return x
    return hlo.broadcast_in_dim(x, shape, range(len(shape) - x.ndim, len(shape)))


def aligned(
    name: str,
    values: Sequence[ArrayLike],
    dtype: DType | None = None,
    beside: Sequence[Shape] = (),
) -> list[Tensor]:
    """The operands as tensors of one dtype and one shape; scalars become splats directly.

    The shapes `beside` take part in the broadcasting.
    """
    operands = [v if is_scalar(v) else as_tensor(name, v) for v in values]
    wanted = common_dtype(operands) if dtype is None else dtype
    shapes = [*beside, *(v.shape for v in operands if isinstance(v, Tensor))]
    shape = broadcast_shapes(name, shapes or [()])
    return [
        expand(hlo.convert(v, wanted), shape)
        if isinstance(v, Tensor)
        else splat(name, v, shape, wanted)
        for v in operands
    ]


def aligned_floating(name: str, values: Sequence[ArrayLike]) -> list[Tensor]:
    """Like `aligned`, with integers and booleans made float32."""
    operands = [v if is_scalar(v) else as_tensor(name, v) for v in values]
    dtype = common_dtype(operands)
    return aligned(name, operands, dtype if dtypes.is_differentiable(dtype) else dtypes.float32)


def floating(name: str, value: ArrayLike) -> Tensor:
    """`value` as a tensor of a floating or complex type: integers and booleans become float32."""
    x = as_tensor(name, value)
    return x if dtypes.is_differentiable(x.dtype) else hlo.convert(x, dtypes.float32)


def refuse(
    name: str, x: Tensor, refused: Callable[[DType], bool], expected: str, hint: str | None = None
) -> None:
    """Raise DTypeError when the dtype of `x` is one that `name` does not take."""
    if refused(x.dtype):
        raise DTypeError(
            "S0102", f"{name}: expected {expected}, got {x.dtype}", span=tracing.here(), hint=hint
        )


def refuse_complex(name: str, x: Tensor) -> None:
    """Raise DTypeError when `x` is complex."""
    refuse(name, x, dtypes.is_complex, "real elements")


def bad_argument(message: str, hint: str | None = None) -> UsageError:
    """The error for an argument whose value has no meaning."""
    return UsageError("S0106", message, span=tracing.here(), hint=hint)


def axis_of(name: str, axis: int, ndim: int) -> int:
    """`axis` counted from the front; raises RangeError when there is no such axis."""
    if isinstance(axis, bool | np.bool_) or not hasattr(axis, "__index__"):
        hint = "it may be meant for `keepdims`" if isinstance(axis, bool) else None
        raise DTypeError(
            "S0107", f"{name}: an axis is an int, got {axis!r}", span=tracing.here(), hint=hint
        )
    index = axis.__index__()
    if not -ndim <= index < ndim:
        known = f"{-ndim} … {ndim - 1}" if ndim else "none: the tensor has no dimensions"
        raise RangeError(
            "S0107",
            f"{name}: axis {index} is outside a tensor of {ndim} dimensions",
            span=tracing.here(),
            notes=(f"valid axes are {known}",),
        )
    return index % ndim


def axes_of(name: str, axis: Axis, ndim: int) -> tuple[int, ...]:
    """The axes that `axis` (an int, a sequence or None for all) names, counted from the front.

    Raises ShapeError for an axis that does not exist or is named twice.
    """
    if axis is None:
        return tuple(range(ndim))
    given = (axis,) if not isinstance(axis, Sequence) else tuple(axis)
    axes = tuple(axis_of(name, a, ndim) for a in given)
    if len(set(axes)) < len(axes):
        raise ShapeError("S0107", f"{name}: an axis is named twice in {axis}", span=tracing.here())
    return axes


def at_least(name: str, what: str, values: Sequence[int], least: int) -> None:
    """Raise UsageError for a value below `least`."""
    if any(value < least for value in values):
        raise bad_argument(f"{name}: {what} is at least {least}, got {tuple(values)}")


def per_dimension(name: str, what: str, value: int | Sequence[int], rank: int) -> tuple[int, ...]:
    """`value` for each of `rank` dimensions: an int stands for all of them."""
    if isinstance(value, int | np.integer):
        return (int(value),) * rank
    values = tuple(int(v) for v in value)
    if len(values) == 1:
        return values * rank
    if len(values) != rank:
        raise bad_argument(f"{name}: {what} {values} for {rank} dimensions; give 1 or {rank}")
    return values


def check_dtype(what: str, x: Tensor, wanted: DType) -> None:
    """Raise DTypeError for another dtype."""
    if x.dtype != wanted:
        raise DTypeError(
            "S0102",
            f"{what} is {x.dtype}, expected {wanted}",
            span=tracing.here(),
            hint=f'convert it: `x.astype("{wanted}")`',
        )
