"""A tensor is a typed handle on a value: an SSA value of a trace, or a recorded or known one.

Outside every trace, operations are recorded (`slopec.lazy`) and run when a value is looked at
(`numpy()`, `print`, `item`, `bool`, iteration). Shape and dtype are known at once.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from slopec import dtypes, ir, tracing
from slopec.diagnostics import DTypeError, ShapeError, TraceError
from slopec.dtypes import DType
from slopec.lazy import device
from slopec.lazy.graph import Value
from slopec.tracing import Trace

Scalar = bool | int | float | complex
Axis = int | Sequence[int] | None


class _Operations:
    """The module of operations, which is written in tensors and so comes after this one."""

    module: Any = None

    def __getattr__(self, name: str) -> Any:
        if _Operations.module is None:
            from slopec import ops

            _Operations.module = ops
        return getattr(_Operations.module, name)


_ops: Any = _Operations()


def _apply(name: str, *operands: Any) -> "Tensor":
    """Call an operation by name."""
    result: Tensor = getattr(_ops, name)(*operands)
    return result


class Tensor:
    """An n-dimensional array of one element type; make one with `tensor` or `asarray`.

    >>> import slopec as sp
    >>> x = sp.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> x.shape, x.dtype.name
    ((2, 2), 'float32')
    >>> print((x @ x).sum())
    tensor(54., float32[], cpu)
    """

    __slots__ = (
        "__weakref__", "_hooks", "_requires_grad", "_trace", "_value", "dtype", "grad", "shape"
    )  # fmt: skip
    __array_priority__ = 1000

    _value: Any
    """An `ir.Value` in a trace (None for one that only has a type), a `Value` outside."""
    _trace: Trace | None
    shape: ir.Shape
    dtype: DType
    _requires_grad: bool
    grad: "Tensor | None"
    _hooks: Any

    def __init__(self, data: Any, dtype: Any = None) -> None:
        """Hold `data` (nested lists, a scalar, an array); see `slopec.tensor`."""
        array = _to_numpy(data, dtype)
        if array.flags.writeable and (array is data or array.base is not None):
            array = array.copy()  # what is recorded must not change with the user's array
        array.flags.writeable = False
        self.shape, self.dtype = array.shape, array.dtype
        self._trace, self._requires_grad, self.grad = None, False, None
        self._value = Value((self.shape, self.dtype), array)
        here = device.chosen()
        if here is not None:
            device.put(self._value, here)

    @classmethod
    def _of_value(
        cls, value: ir.Value | None, where: Trace, shape: ir.Shape, dtype: DType
    ) -> "Tensor":
        made = cls.__new__(cls)
        made._value, made._trace, made.shape, made.dtype = value, where, shape, dtype
        made._requires_grad, made.grad = False, None
        return made

    @classmethod
    def _of_recorded(cls, value: Value, *, requires_grad: bool = False) -> "Tensor":
        """A handle on a value from outside every trace."""
        made = cls.__new__(cls)
        made._value, made._trace = value, None
        made.shape, made.dtype = value.type
        made._requires_grad, made.grad = requires_grad, None
        return made

    @classmethod
    def _of_array(cls, array: Any) -> "Tensor":
        """Hold an array without copying it: a NumPy array, or a device array of the runtime."""
        return cls._of_recorded(Value((tuple(array.shape), array.dtype), array))

    # --- what it is ---

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def nbytes(self) -> int:
        """The number of bytes that the elements take."""
        return self.size * self.dtype.itemsize

    @property
    def device(self) -> str:
        """Where the elements are, or will be; a traced tensor is nowhere and says "traced"."""
        if self._trace is not None:
            return "traced"
        return self._value.device or device.of_data(self._value.data)

    @property
    def requires_grad(self) -> bool:
        """Whether `backward()` follows the tensor: a leaf that asks for it, or computed of one."""
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, flag: bool) -> None:
        self.requires_grad_(flag)

    def __len__(self) -> int:
        """The size of the first dimension."""
        if not self.shape:
            raise DTypeError("S0106", "a tensor without dimensions has no length")
        return self.shape[0]

    # --- its value ---

    def numpy(self) -> np.ndarray:
        """The elements as a NumPy array; evaluates what was recorded.

        Raises TraceError inside a traced function, where no value is known.
        """
        return np.asarray(self.eval()._value.data)

    def eval(self) -> "Tensor":
        """Evaluate what was recorded for this tensor, where it is; return the tensor."""
        if self._trace is not None:
            raise _unknown_value(self)
        if self._value.data is None:
            from slopec.lazy.evaluate import evaluate

            evaluate([self._value])
        return self

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """NumPy's protocol: the elements as an array."""
        array = self.numpy()
        return np.array(array, dtype=dtype, copy=True if copy else None)

    def __dlpack__(
        self,
        *,
        stream: Any = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> Any:
        """DLPack's protocol: the elements where they are; do not write to what is shared.

        A consumer that cannot be told that they are read-only, before DLPack 1.0, gets a copy.
        """
        options = {"stream": stream, "max_version": max_version}
        options |= {"dl_device": dl_device, "copy": copy}
        given = {name: value for name, value in options.items() if value is not None}
        data = self.eval()._value.data
        told = max_version is not None and max_version >= (1, 0)
        return (data if told else _writable(data)).__dlpack__(**given)

    def __dlpack_device__(self) -> tuple[int, int]:
        """DLPack's device: its type and number."""
        found: tuple[int, int] = self.eval()._value.data.__dlpack_device__()
        return found

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        """The Array API namespace that understands tensors: slopec itself."""
        import slopec

        return slopec

    def item(self) -> Any:
        """The only element, as a Python scalar; raises ShapeError when there are others."""
        if self.size != 1:
            raise ShapeError(
                "S0106",
                f"a tensor of shape {self.shape} is not one number; its truth is ambiguous",
                span=tracing.here(),
                hint="`any()`, `all()`, `sum()` make one of many; `where`, `maximum` take them all",
            )
        return self.numpy().item()

    def tolist(self) -> Any:
        """The elements as nested lists of Python scalars."""
        return self.numpy().tolist()

    def __bool__(self) -> bool:
        """The truth of the only element."""
        return bool(self.item())

    def __int__(self) -> int:
        """The only element as an int."""
        return int(self.item())

    def __float__(self) -> float:
        """The only element as a float."""
        return float(self.item())

    def __complex__(self) -> complex:
        """The only element as a complex."""
        return complex(self.item())

    def __index__(self) -> int:
        """The only element of an integer tensor, for use as a Python index."""
        if not dtypes.is_integer(self.dtype):
            raise DTypeError("S0106", f"a {self.dtype} tensor cannot be used as an index")
        return int(self.item())

    def __iter__(self) -> Iterator["Tensor"]:
        """The slices along the first dimension."""
        if not self.shape:
            raise DTypeError("S0106", "a tensor without dimensions cannot be iterated")
        if self._trace is not None or self.requires_grad:
            return (self[i] for i in range(self.shape[0]))
        return (Tensor._of_array(np.asarray(row)) for row in self.numpy())

    def __repr__(self) -> str:
        """The values, the type and the device: `tensor([1. 2.], float32[2], cpu)`."""
        type_ = f"{self.dtype}[{', '.join(map(str, self.shape))}]"
        if self.device == "traced":
            return f"tensor(traced, {type_})"
        values = np.array2string(self.numpy(), prefix="tensor(")
        return f"tensor({values}, {type_}, {self.device})"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        """The only element in the given format; without a format, as `str`, or a lone number."""
        return format(self.item(), spec) if spec or not self.shape else str(self)

    __hash__ = object.__hash__

    def __reduce__(self) -> Any:
        """Pickle the elements and whether gradients are collected; history stays behind."""
        return _restored, (self.numpy(), self.requires_grad)

    def __copy__(self) -> "Tensor":
        """Another handle on the same value."""
        return self.__deepcopy__({})

    def __deepcopy__(self, memo: dict[int, Any]) -> "Tensor":
        """A tensor of its own with the same value, which nobody can change, and its gradient."""
        if self._trace is not None:
            return self
        made: Tensor = self.detach().requires_grad_(self.requires_grad)
        memo[id(self)] = made
        made.grad = None if self.grad is None else self.grad.detach()
        return made

    # --- operators ---

    def __add__(self, other: Any) -> "Tensor":
        return _apply("operator", "add", self, other)

    def __radd__(self, other: Any) -> "Tensor":
        return _apply("operator", "add", other, self)

    def __sub__(self, other: Any) -> "Tensor":
        return _apply("operator", "subtract", self, other)

    def __rsub__(self, other: Any) -> "Tensor":
        return _apply("operator", "subtract", other, self)

    def __mul__(self, other: Any) -> "Tensor":
        return _apply("operator", "multiply", self, other)

    def __rmul__(self, other: Any) -> "Tensor":
        return _apply("operator", "multiply", other, self)

    def __truediv__(self, other: Any) -> "Tensor":
        return _apply("operator", "divide", self, other)

    def __rtruediv__(self, other: Any) -> "Tensor":
        return _apply("operator", "divide", other, self)

    def __floordiv__(self, other: Any) -> "Tensor":
        return _apply("operator", "floor_divide", self, other)

    def __rfloordiv__(self, other: Any) -> "Tensor":
        return _apply("operator", "floor_divide", other, self)

    def __mod__(self, other: Any) -> "Tensor":
        return _apply("operator", "remainder", self, other)

    def __rmod__(self, other: Any) -> "Tensor":
        return _apply("operator", "remainder", other, self)

    def __pow__(self, other: Any) -> "Tensor":
        return _apply("operator", "pow", self, other)

    def __rpow__(self, other: Any) -> "Tensor":
        return _apply("operator", "pow", other, self)

    def __matmul__(self, other: Any) -> "Tensor":
        return _apply("operator", "matmul", self, other)

    def __rmatmul__(self, other: Any) -> "Tensor":
        return _apply("operator", "matmul", other, self)

    def __and__(self, other: Any) -> "Tensor":
        return _apply("operator", "bitwise_and", self, other)

    def __rand__(self, other: Any) -> "Tensor":
        return _apply("operator", "bitwise_and", other, self)

    def __or__(self, other: Any) -> "Tensor":
        return _apply("operator", "bitwise_or", self, other)

    def __ror__(self, other: Any) -> "Tensor":
        return _apply("operator", "bitwise_or", other, self)

    def __xor__(self, other: Any) -> "Tensor":
        return _apply("operator", "bitwise_xor", self, other)

    def __rxor__(self, other: Any) -> "Tensor":
        return _apply("operator", "bitwise_xor", other, self)

    def __lshift__(self, other: Any) -> "Tensor":
        return _apply("operator", "bitwise_left_shift", self, other)

    def __rlshift__(self, other: Any) -> "Tensor":
        return _apply("operator", "bitwise_left_shift", other, self)

    def __rshift__(self, other: Any) -> "Tensor":
        return _apply("operator", "bitwise_right_shift", self, other)

    def __rrshift__(self, other: Any) -> "Tensor":
        return _apply("operator", "bitwise_right_shift", other, self)

    def __eq__(self, other: Any) -> "Tensor":  # type: ignore[override]
        return _apply("operator", "equal", self, other)

    def __ne__(self, other: Any) -> "Tensor":  # type: ignore[override]
        return _apply("operator", "not_equal", self, other)

    def __lt__(self, other: Any) -> "Tensor":
        return _apply("operator", "less", self, other)

    def __le__(self, other: Any) -> "Tensor":
        return _apply("operator", "less_equal", self, other)

    def __gt__(self, other: Any) -> "Tensor":
        return _apply("operator", "greater", self, other)

    def __ge__(self, other: Any) -> "Tensor":
        return _apply("operator", "greater_equal", self, other)

    def __neg__(self) -> "Tensor":
        return _apply("negative", self)

    def __pos__(self) -> "Tensor":
        return self

    def __abs__(self) -> "Tensor":
        return _apply("abs", self)

    def __invert__(self) -> "Tensor":
        return _apply("bitwise_invert", self)

    def __getitem__(self, key: Any) -> "Tensor":
        """NumPy's indexing; see `slopec.ops.getitem`."""
        return _apply("getitem", self, key)

    if TYPE_CHECKING:
        # `slopec.ops` installs its functions as methods: `x.sum(axis=0)`, `x.T`, `x.at[i]`, and
        # `slopec.lazy.leaves` what belongs to gradients and devices: `x.backward()`, `x.detach()`.
        data: Any
        is_leaf: bool

        def __setitem__(self, key: Any, value: Any) -> None: ...

        def __getattr__(self, name: str) -> Any: ...


tracing.set_tensor_class(Tensor._of_value)


def _unknown_value(tensor: Tensor) -> TraceError:
    return TraceError(
        "S0105",
        f"the value of a traced tensor (shape {tensor.shape}, {tensor.dtype}) is not known yet",
        span=tracing.here(),
        notes=("inside jit, grad, vmap and program, tensors stand for values of later calls",),
        hint="use `sp.where` or `sp.cond` for a choice, or make the argument static",
    )


def _to_numpy(data: Any, dtype: Any = None) -> np.ndarray:
    """The elements of `data` as an array of a known dtype; Python floats become float32."""
    wanted = None if dtype is None else _known(dtype)
    if isinstance(data, Tensor):
        array = data.numpy()
    elif isinstance(data, np.ndarray | np.generic) or hasattr(data, "__array__"):
        array = np.asarray(data)
    else:
        array = _from_python(data)
        if wanted is None:
            defaults = {"float64": dtypes.float32, "int64": dtypes.int32}
            defaults["complex128"] = dtypes.complex64
            wanted = defaults.get(array.dtype.name)
            if wanted == dtypes.int32 and array.size and not _fits_int32(array):
                wanted = dtypes.int64
    if array.dtype.kind in "OUSMm":
        raise DTypeError(
            "S0102",
            f"cannot make a tensor of {type(data).__name__} data",
            span=tracing.here(),
            hint="tensors hold numbers and booleans",
        )
    if wanted is None and not array.dtype.isnative:
        wanted = array.dtype.newbyteorder("=")
    result = array if wanted is None else array.astype(wanted, copy=False)
    _known(result.dtype)
    return result


def _known(dtype: Any) -> DType:
    """The element type that a user names, or that data have."""
    try:
        return dtypes.as_dtype(dtype)
    except TypeError as error:
        raise DTypeError("S0102", str(error), span=tracing.here()) from None


def _fits_int32(array: np.ndarray) -> bool:
    return bool(array.min() >= -(2**31) and array.max() < 2**31)


def _from_python(data: Any) -> np.ndarray:
    if isinstance(data, list | tuple) and any(isinstance(item, Tensor) for item in data):
        data = [item.numpy() if isinstance(item, Tensor) else item for item in data]
    try:
        return np.asarray(data)
    except ValueError as error:
        raise ShapeError(
            "S0101", "the nested lists have rows of different lengths", span=tracing.here()
        ) from error


def _writable(data: Any) -> Any:
    """`data`, as an array that NumPy exports: it refuses to for those that are read-only."""
    return data.copy() if isinstance(data, np.ndarray) and not data.flags.writeable else data


def _restored(array: np.ndarray, requires_grad: bool) -> Tensor:
    made: Tensor = Tensor._of_array(array).requires_grad_(requires_grad)
    return made


def tensor(
    data: Any, dtype: Any = None, *, device: str | None = None, requires_grad: bool = False
) -> Tensor:
    """A tensor of `data`: nested lists, a scalar, a NumPy array, or anything with `__array__`.

    Python floats become float32 and ints int32; arrays keep their dtype. `dtype` overrides. The
    data are copied, to `device` if one is given. With `requires_grad`, `backward()` of what is
    computed from the tensor leaves its gradient in `grad`.

    Raises ShapeError for ragged lists, DTypeError for data that is not numeric or has no gradient.

    >>> import slopec as sp
    >>> sp.tensor([1.0, 2.0]).dtype.name
    'float32'
    """
    made = Tensor(data, dtype)
    if device is not None:
        made = made.to(device)
    return made.requires_grad_() if requires_grad else made


from slopec.lazy import leaves as _leaves  # noqa: E402, F401, for the methods it gives to tensors
