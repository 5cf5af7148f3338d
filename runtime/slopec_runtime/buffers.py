"""Moving bytes: NumPy to device, device to NumPy, device to device, and where a buffer lies.

An array on the device is held as IREE's reference to it, which is all that a call takes and gives;
whoever looks inside makes the view of it, which takes longer.
"""

from __future__ import annotations

import ctypes
import math
from typing import TYPE_CHECKING, Any

from iree.runtime import BufferUsage, DeviceArray, HalBufferView, HalFence, MemoryType

from .dtypes import element_type

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from iree.runtime import HalBuffer, VmRef
    from numpy.typing import NDArray

    from .devices import Device

_DEVICE_LOCAL = MemoryType.DEVICE_LOCAL
_DEFAULT_USAGE = BufferUsage.DEFAULT

_capsule_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_capsule_pointer.restype = ctypes.c_void_p
_capsule_pointer.argtypes = (ctypes.py_object, ctypes.c_char_p)


def upload(device: Device, array: NDArray[Any]) -> VmRef:
    """Copy a C-contiguous array to the device."""
    view = device.handle.allocator.allocate_buffer_copy(
        _DEVICE_LOCAL, _DEFAULT_USAGE, device.handle, array, element_type(array.dtype)
    )
    return view.__iree_vm_ref__


def upload_bytes(
    device: Device, content: memoryview, shape: Sequence[int], dtype: np.dtype[Any]
) -> VmRef:
    """Copy raw little-endian bytes to the device and view them as an array."""
    buffer = device.handle.allocator.allocate_buffer_copy(
        _DEVICE_LOCAL, _DEFAULT_USAGE, device.handle, content
    )
    return HalBufferView(buffer, list(shape), element_type(dtype)).__iree_vm_ref__


def download(
    device: Device, array: VmRef, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> NDArray[Any]:
    """The content of a buffer as a read-only array: mapped on the host, copied from elsewhere."""
    found: NDArray[Any]
    view = array.deref(HalBufferView)
    if device.is_host:
        found = view.map().asarray(shape, dtype)
    else:
        found = DeviceArray(device.handle, view, override_dtype=dtype).to_host()
    found.setflags(write=False)
    return found


def allocate(device: Device, size: int) -> HalBuffer:
    """`size` bytes of device memory with whatever they contain."""
    return device.handle.allocator.allocate_buffer(_DEVICE_LOCAL, _DEFAULT_USAGE, size)


def empty(device: Device, shape: Sequence[int], dtype: np.dtype[Any]) -> VmRef:
    """An array on the device with whatever its memory contains."""
    buffer = allocate(device, math.prod(shape) * dtype.itemsize)
    return HalBufferView(buffer, list(shape), element_type(dtype)).__iree_vm_ref__


def duplicate(device: Device, array: VmRef) -> VmRef:
    """A copy of a buffer, made on the device."""
    device.check()
    view = array.deref(HalBufferView)
    source = view.get_buffer()
    target = allocate(device, source.byte_length())
    semaphore = device.handle.create_semaphore(0)
    done = HalFence.create_at(semaphore, 1)
    device.handle.queue_copy(source, target, HalFence.create_at(semaphore, 0), done)
    done.wait()
    return HalBufferView(target, view.shape, view.element_type).__iree_vm_ref__


def capsule(device: Device, array: VmRef) -> Any:
    """A DLPack capsule that shares the buffer."""
    return device.handle.create_dlpack_capsule(array.deref(HalBufferView), *device.dlpack)


def address(device: Device, array: VmRef) -> int | None:
    """Where the buffer's first byte lies, or None if it is empty or the device will not say.

    IREE's Python API tells no addresses, but the DLPack capsule of a buffer begins with one.
    """
    if 0 in array.deref(HalBufferView).shape:
        return None
    try:
        found = capsule(device, array)
    except (RuntimeError, ValueError):
        return None
    tensor = _capsule_pointer(found, b"dltensor")
    data = ctypes.cast(tensor, ctypes.POINTER(ctypes.c_void_p))[0]
    # DLTensor: data, device (2×4 bytes), ndim and dtype (8), shape, strides, byte_offset.
    offset = ctypes.cast(tensor, ctypes.POINTER(ctypes.c_uint64))[5]
    return None if data is None else int(data) + int(offset)
