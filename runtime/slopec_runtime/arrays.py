"""`Array`: a value that lives on the device and turns into NumPy when somebody looks at it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from . import buffers
from .dtypes import NAMES
from .errors import Error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from iree.runtime import VmRef
    from numpy.typing import NDArray

    from .devices import Device
    from .traffic import Meter


class Array(NDArrayOperatorsMixin):
    """An immutable array on a device, as programs return it.

    `shape` is a tuple, `dtype` a NumPy dtype. Pass it to another call and no data moves. NumPy
    functions and operators accept it and give NumPy arrays; `numpy()` gives its content, read-only
    and without a copy where the device shares the host's memory. `np.array(x)` gives a copy to
    write to.

    Raises Error S0515 when used after it was given to a donated input.

    >>> from slopec_runtime.devices import open_device
    >>> x = Array.of(open_device("local-sync"), np.float32([1, 2, 4]))
    >>> x
    Array([1., 2., 4.], dtype=float32, device='local-sync')
    >>> x.shape, float(x[2]), (x + 1).tolist()
    ((3,), 4.0, [2.0, 3.0, 5.0])
    """

    __slots__ = (
        "_consumer",
        "_exposed",
        "_handle",
        "_host",
        "_meter",
        "device",
        "dtype",
        "shape",
    )

    def __init__(
        self,
        device: Device,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        handle: VmRef | None = None,
        host: NDArray[Any] | None = None,
        meter: Meter | None = None,
        shared: bool = False,
    ) -> None:
        self.device = device
        self.shape = shape
        self.dtype = dtype
        self._handle = handle
        self._host = host
        self._meter = meter
        # Whether others may look at the same memory: NumPy, DLPack or a state slot.
        self._exposed = shared

    @classmethod
    def of(cls, device: Device, value: NDArray[Any], meter: Meter | None = None) -> Array:
        """An array with the content of a NumPy array; it goes to the device when needed there."""
        host = np.array(value, order="C")
        if host.dtype.name not in NAMES:
            raise Error("S0512", f"arrays cannot have the dtype {host.dtype}")
        host.flags.writeable = False
        return cls(device, host.shape, host.dtype, host=host, meter=meter)

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of its elements."""
        return self.size * self.dtype.itemsize

    def numpy(self) -> NDArray[Any]:
        """The content as a read-only NumPy array; later calls give the same one."""
        if self._host is None:
            self._host = buffers.download(self.device, self.handle(), self.shape, self.dtype)
            self._exposed |= self.device.is_host
            if self._meter is not None:
                self._meter.add(downloaded=self._host.nbytes)
        return self._host

    def handle(self) -> VmRef:
        """IREE's handle of the content on the device; it must not be written to."""
        if self._handle is not None:
            return self._handle
        if self._host is None:
            raise Error(
                "S0515",
                f"this array was donated to {self._consumer} and holds nothing any more",
                hint="use the result of that call, or keep x.numpy() before it",
            )
        self._handle = buffers.upload(self.device, self._host)
        if self._meter is not None:
            self._meter.add(uploaded=self._host.nbytes)
        return self._handle

    def share(self) -> VmRef:
        """The handle, for a holder that keeps it: the memory will never be donated after that."""
        self._exposed = True
        return self.handle()

    def consume(self, consumer: str) -> VmRef:
        """Give up the memory to `consumer`; what was handed out before keeps its content."""
        handle = self.handle()
        if self._exposed:
            handle = buffers.duplicate(self.device, handle)
        self._handle = self._host = None
        self._consumer = consumer
        return handle

    def item(self) -> Any:
        """The only element as a Python number."""
        return self.numpy().item()

    def tolist(self) -> Any:
        """The elements as nested Python lists."""
        return self.numpy().tolist()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        plain = [value.numpy() if isinstance(value, Array) else value for value in inputs]
        return getattr(ufunc, method)(*plain, **kwargs)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.device.dlpack

    def __dlpack__(
        self,
        *,
        stream: Any = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> Any:
        """A DLPack capsule of the content, shared unless `copy`; do not write to a shared one."""
        if dl_device is not None and dl_device != self.device.dlpack:
            return np.array(self.numpy()).__dlpack__(dl_device=dl_device)
        shared = buffers.duplicate(self.device, self.handle()) if copy else self.share()
        return buffers.capsule(self.device, shared)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("an array without dimensions has no length")
        return self.shape[0]

    def __getitem__(self, index: Any) -> Any:
        return self.numpy()[index]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.numpy())

    def __bool__(self) -> bool:
        return bool(self.numpy())

    def __int__(self) -> int:
        return int(self.numpy())

    def __index__(self) -> int:
        return self.numpy().__index__()

    def __float__(self) -> float:
        return float(self.numpy())

    def __complex__(self) -> complex:
        return complex(self.numpy())

    def __reduce__(self) -> tuple[Any, ...]:
        # Device memory cannot travel to another process; its content can.
        return np.array, (self.numpy(),)

    def __repr__(self) -> str:
        if self._handle is None and self._host is None:
            return f"Array(donated to {self._consumer}, shape={self.shape}, dtype={self.dtype})"
        numbers = np.array2string(
            self.numpy(), separator=", ", prefix="Array(", threshold=200, edgeitems=3
        )
        # Elided or empty content does not show the shape.
        shape = f"shape={self.shape}, " if self.size > 200 or 0 in self.shape else ""
        return f"Array({numbers}, {shape}dtype={self.dtype}, device='{self.device.name}')"
