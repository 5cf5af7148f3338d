"""What a caller passes for an input, turned into an array of exactly the compiled dtype and rank.

Arrays are cast only where every value stays exact; Python numbers and lists, which have no dtype
of their own, where they fit. Everything else is an error that names the input.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from .arrays import Array
from .dtypes import cast_is_exact, numpy_dtype
from .errors import Error
from .sizes import evaluate, is_name, names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from .manifest import Shape

Operand: TypeAlias = "Array | NDArray[Any]"


@dataclass(frozen=True)
class Expected:
    """What one input or state slot must be; `label` is how messages call it.

    >>> Expected("input 'image' of predict()", "image", ("batch", 784), "float32")
    input 'image' of predict(): float32[batch, 784]
    """

    label: str
    name: str
    shape: Shape
    dtype: str

    @cached_property
    def wanted(self) -> np.dtype[Any]:
        """The dtype as NumPy's."""
        return numpy_dtype(self.dtype)

    def __repr__(self) -> str:
        return f"{self.label}: {describe(self.dtype, self.shape)}"


def describe(dtype: object, shape: Shape) -> str:
    """A type as messages write it.

    >>> describe("float32", ("batch", 784))
    'float32[batch, 784]'
    """
    return f"{dtype}[{', '.join(map(str, shape))}]"


def operand(value: Any, expected: Expected) -> Operand:
    """`value` as a device array, or a C-contiguous NumPy array, of the expected dtype and rank.

    Raises Error S0511 (rank or a fixed dimension differs) or S0512 (dtype).
    """
    if isinstance(value, Array):
        if value.dtype != expected.wanted:
            value = _cast(value.numpy(), expected)
    elif type(value) is not np.ndarray or value.dtype != expected.wanted:
        value = _convert(value, expected)
    if value.shape != expected.shape:
        _check_shape(value.shape, expected)
    return value if isinstance(value, Array) else np.asarray(value, order="C")


def measure(sizes: dict[str, int], shape: tuple[int, ...], expected: Expected) -> None:
    """Enter the sizes that `shape` gives to symbolic dimensions into `sizes`.

    Raises Error S0511 if a dimension already has another size.
    """
    for size, name in zip(shape, expected.shape, strict=True):
        if isinstance(name, str) and is_name(name) and sizes.setdefault(name, size) != size:
            raise Error(
                "S0511",
                f"the dimension '{name}' is {size} in {expected.label}, "
                f"but {sizes[name]} in an earlier one",
                notes=[f"expected {describe(expected.dtype, expected.shape)}"],
            )


def check_formulas(sizes: Mapping[str, int], shape: tuple[int, ...], expected: Expected) -> None:
    """Raise Error S0511 if a size is not what the formula of symbolic dimensions there gives."""
    for axis, (size, formula) in enumerate(zip(shape, expected.shape, strict=True)):
        wanted = evaluate(formula, sizes)
        if size != wanted:
            given = ", ".join(f"{name} = {sizes[name]}" for name in names(formula))
            raise Error(
                "S0511",
                f"{expected.label} needs size {formula} = {wanted} on axis {axis}, got {size}",
                notes=[f"expected {describe(expected.dtype, expected.shape)} with {given}"],
            )


def _check_shape(shape: tuple[int, ...], expected: Expected) -> None:
    wanted = expected.shape
    if len(shape) != len(wanted):
        raise Error(
            "S0511",
            f"{expected.label} needs {len(wanted)} dimensions, got {len(shape)}",
            notes=_types(expected, expected.dtype, shape),
            hint=_rank_hint(shape, expected),
        )
    for axis, (size, fixed) in enumerate(zip(shape, wanted, strict=True)):
        if isinstance(fixed, int) and size != fixed:
            raise Error(
                "S0511",
                f"{expected.label} needs size {fixed} on axis {axis}, got {size}",
                notes=_types(expected, expected.dtype, shape),
            )


def _rank_hint(shape: tuple[int, ...], expected: Expected) -> str | None:
    wanted = expected.shape
    if len(wanted) == len(shape) + 1 and is_name(wanted[0]):
        return f"one row still needs its '{wanted[0]}' axis: {expected.name}[None]"
    return None


def _types(expected: Expected, dtype: object, shape: tuple[int, ...]) -> list[str]:
    return [
        f"expected {describe(expected.dtype, expected.shape)}",
        f"     got {describe(dtype, shape)}",
    ]


def _as_array(value: Any, expected: Expected) -> NDArray[Any]:
    """Arrays of NumPy and of other libraries; anything else is refused."""
    if isinstance(value, np.ndarray):
        return value
    try:
        if hasattr(value, "__array__") or hasattr(value, "__array_interface__"):
            return np.asarray(value)
        if hasattr(value, "__dlpack__"):
            return np.from_dlpack(value)
    except Exception as problem:
        # Code of another library ran; whatever it raised is about this value.
        raise Error(
            "S0512", f"{expected.label} cannot be read as an array", notes=[str(problem)]
        ) from problem
    raise Error(
        "S0512",
        f"{expected.label} must be an array, a number or a list, got {type(value).__name__}",
        notes=[f"expected {describe(expected.dtype, expected.shape)}"],
    )


def _convert(value: Any, expected: Expected) -> NDArray[Any]:
    if isinstance(value, bool | int | float | complex | np.generic | list | tuple):
        return _from_python(value, expected)
    return _cast(_as_array(value, expected), expected)


def _cast(array: NDArray[Any], expected: Expected) -> NDArray[Any]:
    wanted = expected.wanted
    if array.dtype == wanted:
        return array
    if not cast_is_exact(array.dtype, wanted):
        raise Error(
            "S0512",
            f"{expected.label} must be {expected.dtype}, got {array.dtype}",
            notes=_types(expected, array.dtype, array.shape),
            hint=_cast_hint(array.dtype, expected),
        )
    return array.astype(wanted)


def _cast_hint(found: np.dtype[Any], expected: Expected) -> str | None:
    if found.kind not in "biufcV" or found.names:
        return None
    return f'if losing precision is fine, pass {expected.name}.astype("{expected.dtype}")'


def _from_python(value: Any, expected: Expected) -> NDArray[Any]:
    wanted = expected.wanted
    try:
        array = np.asarray(value)
    except (ValueError, OverflowError) as problem:
        raise Error(
            "S0511",
            f"{expected.label} got a {type(value).__name__} that is not a regular array",
            notes=[str(problem)],
        ) from None
    if array.dtype == wanted:
        return array
    if array.size == 0 or cast_is_exact(array.dtype, wanted):
        return array.astype(wanted)
    if array.dtype.kind in "iu" and wanted.kind in "iu":
        _check_range(array, wanted, expected)
    elif _rank_of(array.dtype) > _rank_of(wanted):
        raise Error(
            "S0512",
            f"{expected.label} must be {expected.dtype}, got {_python_kind(array.dtype)}",
            notes=_types(expected, array.dtype, array.shape),
        )
    with np.errstate(over="ignore"):
        cast = array.astype(wanted)
    if np.isfinite(array).all() and not np.isfinite(cast).all():
        raise Error("S0512", f"{expected.label} must be {expected.dtype}, a number is too large")
    return cast


_KINDS: Mapping[str, int] = {"b": 0, "u": 1, "i": 1, "f": 2, "V": 2, "c": 3}


def _rank_of(dtype: np.dtype[Any]) -> int:
    """bool < integer < float < complex < what is no number; ml_dtypes' floats have the kind V."""
    return 4 if dtype.names else _KINDS.get(dtype.kind, 4)


def _python_kind(dtype: np.dtype[Any]) -> str:
    return {"b": "bool", "i": "int", "u": "int", "f": "float", "c": "complex"}.get(
        dtype.kind, str(dtype)
    )


def _check_range(array: NDArray[Any], wanted: np.dtype[Any], expected: Expected) -> None:
    limits = np.iinfo(wanted)
    for extreme in (int(array.min()), int(array.max())):
        if not limits.min <= extreme <= limits.max:
            raise Error(
                "S0512",
                f"{expected.label} must be {expected.dtype}, which cannot hold {extreme}",
                notes=[f"{expected.dtype} holds {limits.min} to {limits.max}"],
            )
