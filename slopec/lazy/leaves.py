"""Leaves and other handles: which tensors collect gradients, and how handles get new values.

Values never change, so what PyTorch does in place is done here by giving a handle another value:
everybody who holds the tensor sees it, everything computed before keeps what it was computed from.
"""

import weakref
from typing import TYPE_CHECKING, Any

from slopec import dtypes, tracing
from slopec.diagnostics import DTypeError, ShapeError, TraceError, UsageError
from slopec.lazy.device import checked, device, place
from slopec.lazy.errors import traced
from slopec.lazy.graph import Value, alias
from slopec.lazy.mode import records_gradients
from slopec.lazy.record import record
from slopec.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable


def owned(value: Value, tensor: Tensor) -> Value:
    """`value`, whose gradients go to `tensor`."""
    value.owner = weakref.ref(tensor)
    return value


def own(tensor: Tensor, requires_grad: bool) -> None:
    """Make a tensor a leaf that collects gradients, or that does not."""
    if tensor._trace is not None:
        hint = "use `sp.grad` or `sp.value_and_grad` of a function there"
        raise traced("a traced tensor cannot collect gradients", hint)
    value = tracing.outside(tensor)
    if requires_grad and not dtypes.is_differentiable(tensor.dtype):
        raise DTypeError(
            "S0205",
            f"{tensor.dtype} tensors have no gradient",
            span=tracing.here(),
            hint="make it float32: `x.astype('float32')`",
        )
    if tensor.requires_grad == requires_grad:
        return
    if tensor.requires_grad and value.owner is None:
        raise UsageError(
            "S0144",
            "only leaves can stop requiring gradients; this tensor was computed from some that do",
            span=tracing.here(),
            hint="use `x.detach()`",
        )
    # A value of its own: what was recorded before keeps to what was true then.
    fresh = alias(value)
    tensor._value = owned(fresh, tensor) if requires_grad else fresh
    tensor._requires_grad = requires_grad


def detach(self: Tensor) -> Tensor:
    """The same elements as a tensor without history; a traced one is a `stop_gradient`.

    >>> import slopec as sp
    >>> x = sp.tensor([1.0], requires_grad=True)
    >>> (x * 2.0).detach().requires_grad
    False
    """
    if self._trace is not None:
        from slopec.transforms import stop_gradient

        stopped: Tensor = stop_gradient(self)
        return stopped
    return Tensor._of_recorded(alias(self._value))


def is_leaf(self: Tensor) -> bool:
    """Whether the tensor was not computed from tensors that require gradients."""
    return not self.requires_grad or self._trace is not None or self._value.owner is not None


def to(
    self: Tensor, *targets: Any, device: str | None = None, dtype: Any = None, **options: Any
) -> Tensor:
    """The tensor on another device ("cpu", "cuda", "reference" …), in another dtype, or both.

    On "cpu" the elements are in the host's memory, and ops on them run by whichever means is
    quicker. A target may also be a tensor, whose dtype is taken. PyTorch's `non_blocking` and
    `copy` are understood, and change nothing: values are never written to. Raises UsageError
    (S0140) for an unknown device and one that cannot be used here.

    >>> import slopec as sp
    >>> x = sp.ones(2)
    >>> x.to("reference").device, x.to("float16").dtype.name
    ('reference', 'float16')
    """
    unknown = options.keys() - {"non_blocking", "copy"}
    if unknown:
        raise UsageError("S0106", f"to: unknown argument {min(unknown)!r}", span=tracing.here())
    moved = self
    for target in (*targets, device, dtype):
        moved = moved if target is None or isinstance(target, bool) else _to(moved, target)
    return moved


def _to(self: Tensor, target: Any) -> Tensor:
    from slopec.ops.data_types import astype

    if isinstance(target, Tensor):
        return astype(self, target.dtype, copy=False)
    if not isinstance(target, str) or _is_dtype(target):
        return astype(self, target, copy=False)
    if target == self.device:
        return self
    name = checked(target)
    if self._trace is not None:
        return self
    if self.requires_grad:
        with device(name):
            return record("stablehlo.optimization_barrier", [self], ((self.shape, self.dtype),))[0]
    moved = Value(self._value.type, place(self.eval()._value.data, name))
    moved.device = None if name == "cpu" else name
    return Tensor._of_recorded(moved)


def to_device(self: Tensor, device: str, /, *, stream: None = None) -> Tensor:
    """The tensor on another device, the Array API's name for `x.to(device)`; there are no streams.

    >>> import slopec as sp
    >>> sp.ones(2).to_device("reference").device
    'reference'
    """
    if stream is not None:
        raise UsageError(
            "S0106", f"to_device: there are no streams, got {stream!r}", span=tracing.here()
        )
    return to(self, checked(device) if self._trace is None else device)


def cpu(self: Tensor) -> Tensor:
    """The tensor in the host's memory, as `x.to("cpu")`."""
    return to(self, "cpu")


def cuda(self: Tensor) -> Tensor:
    """The tensor on the first NVIDIA GPU, as `x.to("cuda")`."""
    return to(self, "cuda")


def _is_dtype(name: str) -> bool:
    try:
        dtypes.as_dtype(name)
    except TypeError:
        return False
    return True


# --- new values for old handles --------------------------------------------------------------


def assign(tensor: Tensor, new: Any, what: str) -> Tensor:
    """Give a handle the value of `new`, which must have its shape; its dtype stays.

    Raises TraceError (S0145) in a traced function, UsageError (S0145) for a leaf outside `no_grad`
    and for a computed tensor, ShapeError for another shape.
    """
    from slopec.ops.common import expand
    from slopec.ops.creation import asarray
    from slopec.ops.data_types import astype

    if tensor._trace is not None:
        raise TraceError(
            "S0145",
            f"{what} on a traced tensor",
            span=tracing.here(),
            notes=("inside jit, grad, vmap and program, tensors are values of later calls",),
            hint="give the new value a name: `x = x + y`",
        )
    if tensor.requires_grad and tensor._value.owner is None:
        raise UsageError(
            "S0145",
            f"{what} on a tensor that was computed from others and requires a gradient",
            span=tracing.here(),
            hint="give the new value a name: `x = x + y`, or use `x.detach()`",
        )
    if tensor.requires_grad and records_gradients():
        raise UsageError(
            "S0145",
            f"{what} on a leaf that requires a gradient",
            span=tracing.here(),
            notes=("`backward` could not tell its old value from the new one",),
            hint="update parameters in `with sp.no_grad():`",
        )
    given: Tensor = astype(asarray(new), tensor.dtype).detach()
    if given._trace is not None:
        raise _from_outside(what)
    if given.shape != tensor.shape:
        if given.ndim > tensor.ndim:
            raise ShapeError(
                "S0101", f"{what}: shape {given.shape} for {tensor.shape}", span=tracing.here()
            )
        given = expand(given, tensor.shape)
    tensor._value = given._value
    if tensor.requires_grad:
        owned(tensor._value, tensor)
    return tensor


def _from_outside(what: str) -> TraceError:
    return TraceError(
        "S0145",
        f"{what} within a traced function, on a tensor from outside of it",
        span=tracing.here(),
        notes=("the value is not known before the function is called",),
        hint="return the new value from the function",
    )


def _get_data(self: Tensor) -> Tensor:
    """The elements without history; assigning gives the tensor new ones, `no_grad` or not."""
    return detach(self)


def _set_data(self: Tensor, new: Any) -> None:
    from slopec.lazy.mode import no_grad

    with no_grad():
        assign(self, new, "`x.data = …`")


data = property(_get_data, _set_data)


def _in_place(name: str, operator: str) -> Any:
    def method(self: Tensor, other: Any, *, alpha: Any = None) -> Tensor:
        other = other if alpha is None else other * alpha
        return assign(self, getattr(self.detach(), operator)(other), f"`{name}`")

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"""Give the tensor the value of `x.{operator}(other)`, under `no_grad`.

    >>> import slopec as sp
    >>> x = sp.tensor([4.0])
    >>> _ = x.{name}(2.0)
    """
    return method


def set_item(self: Tensor, key: Any, value: Any) -> None:
    """`x[key] = value` gives the tensor the value `x.at[key].set(value)`, and its history.

    Everybody who holds the tensor sees it; what was computed from it before keeps its value, and so
    do parts that were taken: `x[0]` is a value, not a view. A leaf that requires a gradient changes
    under `no_grad` only. Raises TraceError (S0104) for a traced tensor.

    >>> import slopec as sp
    >>> x = sp.zeros(4)
    >>> x[1::2] = 5
    >>> print(x)
    tensor([0. 5. 0. 5.], float32[4], cpu)
    """
    if self._trace is not None:
        raise TraceError(
            "S0104",
            "traced tensors are values and cannot be changed in place",
            span=tracing.here(),
            hint="use the functional update `x = x.at[index].set(value)`",
        )
    if self.requires_grad and (is_leaf(self) or not records_gradients()):
        assign(self, self.detach().at[key].set(value), "`x[…] = …`")
        return
    made: Tensor = self.at[key].set(value)
    if made._trace is not None:
        raise _from_outside("`x[…] = …`")
    self._value, self._requires_grad = made._value, made._requires_grad


def copy_(self: Tensor, other: Any) -> Tensor:
    """Give the tensor the value of `other`, broadcast and converted; return it.

    >>> import slopec as sp
    >>> x = sp.zeros(2)
    >>> print(x.copy_([1, 2]))
    tensor([1. 2.], float32[2], cpu)
    """
    return assign(self, other, "`copy_`")


def fill_(self: Tensor, value: Any) -> Tensor:
    """Give every element the value `value`; return the tensor."""
    return assign(self, value, "`fill_`")


def zero_(self: Tensor) -> Tensor:
    """Give every element the value zero; return the tensor."""
    return assign(self, 0, "`zero_`")


def _augmented(operator: str) -> Any:
    """`p -= …` under `no_grad` gives the leaf a new value; on other tensors it makes a new one."""

    def method(self: Tensor, other: Any) -> Any:
        result = getattr(self, operator)(other)
        if result is NotImplemented or self._trace is not None or not self.requires_grad:
            return result
        if self._value.owner is None:
            return result
        return assign(self, result, f"`{_SIGNS[operator]}=`")

    return method


_SIGNS = {"__add__": "+", "__sub__": "-", "__mul__": "*", "__truediv__": "/"}


def install() -> None:
    """Give tensors these methods, and those of `autograd`."""
    from slopec.lazy import autograd, junctions

    own: tuple[Callable[..., Any], ...] = (detach, to, to_device, cpu, cuda, copy_, fill_, zero_)
    following = (autograd.backward, autograd.requires_grad_, autograd.retain_grad)
    hooks = (junctions.register_hook, junctions.register_post_accumulate_grad_hook)
    for function in (*own, *following, *hooks):
        setattr(Tensor, function.__name__, function)
    Tensor.__setitem__ = set_item  # type: ignore[method-assign]
    for operator in _SIGNS:
        stem = {"__truediv__": "div"}.get(operator, operator.strip("_"))
        setattr(Tensor, f"{stem}_", _in_place(f"{stem}_", operator))
        setattr(Tensor, f"__i{operator[2:]}", _augmented(operator))
    for name, getter in (("is_leaf", property(is_leaf)), ("data", data)):
        setattr(Tensor, name, getter)


install()
