"""A kernel: what a grid of workgroups does to buffers, written by hand, called like an op.

IREE compiles it as it compiles the kernels that it makes itself: it becomes an executable of the
module, and `call` puts a dispatch of it among the StableHLO ops of a function.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from slopec import dtypes, ir
from slopec.dtypes import DType
from slopec.kernels.body import Body, Memory, Term

Type = tuple[ir.Shape, DType]
"""The shape and element type of a buffer, which is dense and in row-major order."""

FEW = 16
"""Times that something is handed out keep a handful of workers equally busy."""
EIGHTS = 32
"""Of so many workgroups, eight for each worker, and more, IREE hands out eight at once."""
BUFFERS = 32
"""What IREE binds to a dispatch, at most."""
_MOST = 256  # workgroups, of what can be cut anywhere


def split(count: int, most: int) -> int:
    """Into how many parts, `most` at most, each of `count` is cut to be shared among workers.

    They wake up one after the other, and those that begin late should end with the others: of 32
    workgroups they would have the same share.

    >>> split(32, 8), split(5, 14)
    (8, 6)
    """

    def shares(parts: int) -> int:
        groups = count * parts
        return groups if groups < EIGHTS else -(-groups // 8)

    most = max(1, min(most, _MOST // count))
    return most if shares(most) >= FEW else max(range(1, most + 1), key=shares)


@dataclass(frozen=True)
class Kernel:
    """A grid of workgroups, and what each of them does.

    `write` is called with the body to write and with its buffers, the `tables` of constants, the
    operands and then the results; every workgroup runs that body, in any order and at the same time
    as others.
    Kernels of the same name must be the same. A result may be scratch memory that nobody reads. A
    kernel that works `in_place` changes its last operand, which is its only result then.
    """

    name: str
    operands: tuple[Type, ...]
    results: tuple[Type, ...]
    workgroups: tuple[int, int, int]
    write: Callable[..., None] = field(repr=False, compare=False)
    in_place: bool = False
    tables: tuple[np.ndarray, ...] = field(default=(), repr=False, compare=False)

    @property
    def buffers(self) -> tuple[Type, ...]:
        """All that the body is called with."""
        tables = [(table.shape, table.dtype) for table in self.tables]
        return (*tables, *self.operands, *(() if self.in_place else self.results))


def call(
    kernel: Kernel,
    operands: Sequence[ir.Value],
    module: ir.Module,
    before: ir.Operation,
    shapes: Sequence[ir.Shape] | None = None,
) -> list[ir.Value]:
    """Dispatch a kernel before an op of a module, which gets its code if it has none of it yet.

    Operands, and results by `shapes`, may have other shapes than the kernel's, of as many elements:
    buffers are dense.
    """
    if not ir.has_symbol(module, kernel.name):
        shell = _executable(kernel)
        (executable,) = shell.body.operations
        executable.operation.clone(ip=ir.InsertionPoint.at_block_begin(module.body))
    point = ir.InsertionPoint(before)
    tables = [_constant(table, before, point) for table in kernel.tables]
    operands = [*tables, *(_as(_signless(ir.type_of(x)), x, before, point) for x in operands)]
    facts = {
        "entry_points": entry_points(kernel.name),
        "operandSegmentSizes": ir.attr(f"array<i32: 0, {len(operands)}, 0, 0>"),
    }
    if kernel.in_place:
        facts["tied_operands"] = ir.attr(f"[{len(operands) - 1} : index]")
    made = [shape for shape, _ in kernel.results] if shapes is None else shapes
    pairs = zip(made, kernel.results, strict=True)
    wanted = [(shape, dtype) for shape, (_, dtype) in pairs]
    types = [ir.tensor_type(*_signless(type_)) for type_ in wanted]
    results = ir.create(DISPATCH, types, operands, facts, before.location, point).results
    return [_as(type_, x, before, point) for type_, x in zip(wanted, results, strict=True)]


def _signless(type_: Type) -> Type:
    """A type as dispatches take it: IREE leaves those of unsigned integers behind barriers."""
    shape, dtype = type_
    return shape, stored(dtype) if dtypes.is_unsigned(dtype) else dtype


def _as(type_: Type, value: ir.Value, before: ir.Operation, point: ir.InsertionPoint) -> ir.Value:
    """The same bits as integers with, or without, a sign."""
    if ir.type_of(value) == type_:
        return value
    to = ir.tensor_type(*type_)
    return ir.create(
        "stablehlo.bitcast_convert", [to], [value], {}, before.location, point
    ).results[0]


def _constant(table: np.ndarray, before: ir.Operation, point: ir.InsertionPoint) -> ir.Value:
    type_, value = ir.tensor_type(table.shape, table.dtype), {"value": ir.dense(table)}
    return ir.create("stablehlo.constant", [type_], [], value, before.location, point).results[0]


def entry_points(name: str, executable: str | None = None) -> ir.Attribute:
    """What a dispatch calls that runs the kernel of a name, by itself or in an executable."""
    return ir.attr(f"[@{executable or name}::@{name}]")


def is_wanted(op: ir.Operation) -> bool:
    """Whether anything is made of an op: what kernels have taken the place of is still there."""
    seen, waiting = {op}, [op]
    while waiting:
        users = {u.owner.operation for value in waiting.pop().results for u in value.uses} - seen
        if not all(len(user.results) for user in users):
            return True
        seen |= users
        waiting += users
    return False


def reshaped(value: ir.Value, shape: ir.Shape, before: ir.Operation) -> ir.Value:
    """The same elements in another shape."""
    if ir.type_of(value)[0] == shape:
        return value
    type_ = ir.tensor_type(shape, ir.type_of(value)[1])
    point = ir.InsertionPoint(before)
    return ir.create("stablehlo.reshape", [type_], [value], {}, before.location, point).results[0]


DISPATCH = "flow.dispatch"
SOURCE = "hal.executable.source"
"""The op of an executable whose code is written, not made by the back end."""

_SHELL = """
hal.executable.source private @{name} {{
  hal.executable.export public @{name} ordinal(0) layout({layout})
      count(%device: !hal.device) -> (index, index, index) {{
    %x = arith.constant {x} : index
    %y = arith.constant {y} : index
    %z = arith.constant {z} : index
    hal.return %x, %y, %z : index, index, index
  }}
  builtin.module {{
    func.func @{name}() attributes {{translation_info = {complete}}} {{ return }}
  }}
}}
"""

# What tiles, vectorises and bufferises has nothing to do: a tenth of what kernels take to compile.
_COMPLETE = "#iree_codegen.translation_info<pipeline = #iree_codegen.no_pipeline>"


def _executable(kernel: Kernel) -> ir.Module:
    """A module of an executable with the kernel as its one entry point."""
    layout = _layout(kernel)
    x, y, z = kernel.workgroups
    facts = {"name": kernel.name, "layout": layout, "complete": _COMPLETE}
    shell = ir.parse(_SHELL.format(**facts, x=x, y=y, z=z))
    (executable,) = shell.body.operations
    inner = ir.body_of(executable.operation).operations[1]
    (function,) = ir.body_of(inner.operation).operations
    (end,) = ir.body_of(function.operation).operations
    body = Body(ir.InsertionPoint(end))
    kernel.write(body, *(_bound(body, layout, i, type_) for i, type_ in enumerate(kernel.buffers)))
    return shell


def stored(dtype: DType) -> DType:
    """What memory has of a type: Booleans are bytes, whether there is a sign is not told, and
    complex numbers are pairs.
    """
    if dtypes.is_complex(dtype):
        return dtypes.real_of(dtype)
    return dtypes.as_dtype(f"int{8 * dtype.itemsize}") if dtype.kind in "bu" else dtype


def _layout(kernel: Kernel) -> str:
    binding = "#hal.pipeline.binding<storage_buffer{}>"
    changed = len(kernel.results)
    given = [binding.format(", ReadOnly")] * (len(kernel.buffers) - changed)
    made = [binding.format("")] * changed
    return f"#hal.pipeline.layout<bindings=[{', '.join([*given, *made])}]>"


def _bound(body: Body, layout: str, place: int, type_: Type) -> Memory:
    """The buffer bound at a place."""
    shape, dtype = type_[0], stored(type_[1])
    if dtypes.is_complex(type_[1]):
        shape = (*shape[:-1], 2 * shape[-1])
    sizes = "".join(f"{size}x" for size in shape)
    made = body.op(
        "hal.interface.binding.subspan",
        body.index(0),
        type=f"memref<{sizes}{dtypes.MLIR_NAMES[dtype]}>",
        layout=ir.attr(layout),
        binding=ir.attr(f"{place} : index"),
        alignment=ir.attr("64 : index"),
        operandSegmentSizes=ir.attr("array<i32: 1, 0>"),
    )
    return Memory(body, made.value, shape, dtype)


__all__ = [
    "DISPATCH",
    "EIGHTS",
    "FEW",
    "Body",
    "Kernel",
    "Memory",
    "Term",
    "Type",
    "call",
    "entry_points",
    "is_wanted",
    "reshaped",
    "split",
]
