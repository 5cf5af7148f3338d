"""Memory between pages that may not be touched: an access outside of it ends the process.

The child process of `test_foreign_memory.py`: it compiles programs that index, and runs them on
operands that end where such a page begins, or begin where one ends, with hostile indices.
"""

import ctypes
import mmap
import os
import pickle
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import iree.runtime as rt
import numpy as np

from slopec import ir
from slopec.build import DERIVE, LEGALIZE, OPTIMIZE
from slopec.dialects import arguments
from slopec.emit import emit
from slopec.passes import parse_pipeline, run_pipeline
from slopec.passes.separate_buffers import DONATED
from slopec.targets import parse_target
from slopec_runtime.constants import providing

_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.mmap.restype = ctypes.c_void_p
_LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
_LIBC.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
_NOTHING, _ALL = 0, mmap.PROT_READ | mmap.PROT_WRITE


class Guarded:
    """Pages with one before and one behind that may not be touched."""

    def __init__(self, size: int) -> None:
        page = mmap.PAGESIZE
        self.size = -(-size // page) * page
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        start = _LIBC.mmap(None, self.size + 2 * page, _NOTHING, flags, -1, 0)
        assert start not in (None, ctypes.c_void_p(-1).value), os.strerror(ctypes.get_errno())
        self.start = start + page
        assert _LIBC.mprotect(self.start, self.size, _ALL) == 0

    def array(self, like: np.ndarray, *, at_end: bool) -> np.ndarray:
        """A copy of `like` in the last bytes of the pages, or in the first."""
        assert like.nbytes <= self.size
        begin = self.start + (self.size - like.nbytes if at_end else 0)
        memory = (ctypes.c_char * like.nbytes).from_address(begin)
        array = np.frombuffer(memory, like.dtype).reshape(like.shape)
        array[...] = like
        return array


@dataclass(frozen=True)
class Program:
    """A module whose first argument is indexed; of each other argument what may be drawn for it.

    Where `donated`, the result is written to where the first argument is.
    """

    name: str
    text: str
    operand: np.ndarray
    others: tuple[np.ndarray, ...]
    indices: tuple[int, ...]
    donated: bool = False


def compiled(program: Program, passes: str) -> "rt.VmFunction":
    """The function of a program, after the given legalization passes."""
    module = ir.parse(program.text)
    for pipeline in (DERIVE, OPTIMIZE):
        run_pipeline(module, parse_pipeline(pipeline))
    function = ir.function(module, "main")
    if program.donated:
        arguments.set_attributes(function, DONATED, {0: ir.unit()})
    run_pipeline(module, parse_pipeline(passes))
    if program.donated:
        arguments.drop_attribute(function, DONATED)
        arguments.set_attributes(function, "tf.aliasing_output", {0: ir.i32(0)})
    emitted = emit(ir.bytecode(module), parse_target("llvm-cpu"))
    config = _config()
    module = rt.VmModule.copy_buffer(config.vm_instance, emitted.vmfb)
    *_, loaded = rt.load_vm_modules(*providing(emitted.constants), module, config=config)
    return loaded["main"]


_CONFIGS: list[rt.Config] = []


def _config() -> rt.Config:
    if not _CONFIGS:
        _CONFIGS.append(rt.Config("local-sync"))
    return _CONFIGS[0]


def imported(array: np.ndarray) -> "rt.DeviceArray":
    """An array as a device array that is the same memory."""
    device = _config().device
    buffer = device.allocator.import_host_allocation(
        array,
        memory_type=rt.MemoryType.HOST_LOCAL | rt.MemoryType.DEVICE_VISIBLE,
        allowed_usage=rt.BufferUsage.DEFAULT | rt.BufferUsage.MAPPING,
    )
    view = rt.HalBufferView(buffer, list(array.shape), _element_type(array.dtype))
    return rt.DeviceArray(device, view)


def _element_type(dtype: np.dtype) -> int:
    from iree.runtime.array_interop import map_dtype_to_element_type

    return map_dtype_to_element_type(dtype)


def hostile(dtype: np.dtype, shape: Sequence[int], random: np.random.Generator) -> np.ndarray:
    """Indices of which most are just outside, some far outside, and some inside."""
    ends = np.iinfo(dtype)
    near = random.integers(-3, 24, shape)
    far = random.choice([ends.min, ends.max, ends.min // 2, ends.max // 3, 2**16, -(2**12)], shape)
    drawn = np.where(random.random(shape) < 0.3, far.astype(object), near.astype(object))
    return np.asarray(np.clip(drawn, ends.min, ends.max)).astype(dtype)


def fuzz(program: Program, passes: str, rounds: int) -> Iterator[tuple[list, np.ndarray]]:
    """Arguments and results of a program, run on guarded memory."""
    run = compiled(program, passes)
    random = np.random.default_rng(len(program.name))
    memory = Guarded(program.operand.nbytes)
    for number in range(rounds):
        given = [
            hostile(x.dtype, x.shape, random) if i in program.indices else x
            for i, x in enumerate(program.others)
        ]
        operand = memory.array(program.operand, at_end=number % 2 == 0)
        result = run(imported(operand), *given)
        yield given, np.array(result.to_host())


def main() -> None:
    """Read programs from a file, fuzz each, and write what came out to standard output."""
    programs, rounds, without = pickle.loads(Path(sys.argv[1]).read_bytes())
    passes = ",".join(name for name in LEGALIZE.split(",") if name != without)
    for program in programs:
        for given, result in fuzz(program, passes, rounds):
            pickle.dump((program.name, given, result), sys.stdout.buffer)
            sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
