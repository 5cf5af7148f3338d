"""What is computed of complex numbers, each by itself, by vectors of their parts.

IREE computes with one complex number after the other, and so with all that is fused with them. Here
the parts, which alternate in memory, are taken apart and put together in registers.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

from slopec import dtypes, ir
from slopec.dtypes import DType
from slopec.kernels import scalar_ops
from slopec.kernels.body import Body, Memory, Term
from slopec.kernels.hardware import Vectors
from slopec.kernels.kernel import Kernel, Type, call, split
from slopec.passes.small_loops import ELEMENTWISE, TYPES
from slopec.transforms.body import defining, facts_of

Number = tuple[Term, ...]
"""A number, or a vector of numbers; or the two parts of complex ones."""

_LEAST = 1 << 12  # numbers, which are worth a kernel
_SHARE = 1 << 11  # of them, which are worth a workgroup
_MOST = 24  # inputs, of the 32 buffers that IREE binds
_PARTS = frozenset(f"stablehlo.{name}" for name in ("real", "imag", "complex"))
_COMPLEX = frozenset(f"stablehlo.{name}" for name in "add subtract multiply negate select".split())


def place(module: ir.Module, vectors: Vectors) -> bool:
    """Put kernels where complex numbers are computed with; whether there are any."""
    blocks: dict[ir.Block, list[ir.Operation]] = {}
    for op in ir.ops_in(module, *ELEMENTWISE, *_PARTS):
        if op.parent.name in ("func.func", "stablehlo.while"):
            blocks.setdefault(op.block, []).append(op)
    placed = False
    for ops in blocks.values():
        if not any(map(_is_of_complex, ops)):
            continue
        taken: set[ir.Operation] = set()
        order = {op: number for number, op in enumerate(ops)}
        for op in reversed(ops):
            if op in taken or not _is_known(op):
                continue
            graph = _Graph(op, order)
            if graph.pays:
                _put(module, graph, vectors)
                taken.update(graph.members)
                placed = True
    return placed


def _is_of_complex(op: ir.Operation) -> bool:
    """Whether an op takes or makes complex numbers, as few programs' ops do."""
    return any(dtypes.is_complex(ir.type_of(value)[1]) for value in (*op.operands, *op.results))


def _put(module: ir.Module, graph: "_Graph", vectors: Vectors) -> None:
    kernel = _kernel(graph, vectors)
    shape = ir.type_of(graph.root.results[0])[0]
    (made,) = call(kernel, graph.inputs, module, graph.root, [shape])
    graph.root.results[0].replace_all_uses_with(made)


def _is_known(op: ir.Operation) -> bool:
    """Whether an op computes numbers of numbers, or parts, that kernels know."""
    if not all(map(ir.is_static, (*op.operands, *op.results))):
        return False
    kinds = {dtypes.is_complex(ir.type_of(value)[1]) for value in (*op.operands, *op.results)}
    if op.name in _PARTS:
        return {ir.type_of(v)[1] for v in (*op.operands, *op.results)} <= _COMPUTED
    if kinds == {False}:
        return op.name in ELEMENTWISE and scalar_ops.is_known(op)
    return op.name in _COMPLEX and ir.type_of(op.results[0])[1] in _COMPUTED


_COMPUTED = TYPES | {dtypes.complex64, dtypes.complex128}


@dataclass
class _Graph:
    """A root and all that is computed for it alone, of values of its shape and single numbers.

    `order` has the ops of the block that may be members.
    """

    root: ir.Operation
    order: Mapping[ir.Operation, int]
    members: list[ir.Operation] = field(default_factory=list)
    inputs: list[ir.Value] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Follow operands backwards; a member has no users but members."""
        waiting, inside = [self.root], {self.root}
        while waiting:
            op = waiting.pop()
            for value in op.operands:
                made = defining(value)
                if made is not None and made not in inside and self._is_for(made, inside):
                    inside.add(made)
                    waiting.append(made)
        self.members += sorted(inside, key=self.order.__getitem__)
        for op in self.members:
            for value in op.operands:
                made = defining(value)
                constant = made is not None and made.name == "stablehlo.constant"
                if made not in inside and not (constant and ir.is_uniform(made)):
                    self.inputs += [value] * (value not in self.inputs)

    def _is_for(self, op: ir.Operation, inside: set[ir.Operation]) -> bool:
        """Whether an op is computed for members alone, at each of their places."""
        shape = ir.type_of(self.root.results[0])[0]
        if op not in self.order or op.block != self.root.block or not _is_known(op):
            return False
        users = [use.owner.operation for use in op.results[0].uses]
        return ir.type_of(op.results[0])[0] == shape and all(user in inside for user in users)

    @property
    def pays(self) -> bool:
        """Whether it computes with many complex numbers that lie in memory."""
        result = self.root.results[0]
        shape, _ = ir.type_of(result)
        types = [ir.type_of(value) for value in (*self.inputs, result)]
        fits = all(dtype in _COMPUTED and sizes in (shape, ()) for sizes, dtype in types)
        used = next(iter(result.uses), None) is not None
        many = prod(shape) >= _LEAST and 0 < len(self.inputs) <= _MOST
        return used and fits and many and any(dtypes.is_complex(dtype) for _, dtype in types)


def _kernel(graph: _Graph, vectors: Vectors) -> Kernel:
    """The kernel of a graph: each workgroup computes some of the numbers."""
    shape, dtype = ir.type_of(graph.root.results[0])
    count, lanes = prod(shape), vectors.lanes(dtypes.float32)
    share = -(-count // split(1, -(-count // _SHARE)))
    share = -(-share // lanes) * lanes
    types: list[Type] = [((prod(s),), d) for s, d in map(ir.type_of, graph.inputs)]
    names = {value: f"%{i}" for i, value in enumerate(graph.inputs)}
    digest = hashlib.sha256("\n".join(_spelled(graph, names)).encode()).hexdigest()[:12]

    def write(body: Body, *memories: Memory) -> None:
        inputs = dict(zip(graph.inputs, memories, strict=False))
        start = body.workgroup() * share
        stop = body.minimum(start + share, count)
        whole = stop - (stop - start) % lanes
        for first, last, width in ((start, whole, lanes), (whole, stop, 0)):
            with body.loop(first, last, width or 1) as trip:
                place = _AtPlace(body, graph, inputs, trip.index, width)
                _store(body, memories[-1], trip.index, place.of(graph.root.results[0]))

    name = f"slopec_complex_{count}_{digest}"
    return Kernel(name, tuple(types), (((count,), dtype),), (-(-count // share), 1, 1), write)


def _spelled(graph: _Graph, names: dict[ir.Value, str]) -> Iterator[str]:
    """What a graph computes, in words that are the same for the same."""
    for op in graph.members:
        names[op.results[0]] = f"%{len(names)}"
        of = [names.get(v) or str(defining(v)) for v in op.operands]
        types = [str(value.type) for value in (*op.operands, *op.results)]
        yield repr((names[op.results[0]], op.name, of, facts_of(op), types))


def _store(k: Body, memory: Memory, place: Term, number: Number) -> None:
    if len(number) == 1:
        (value,) = number
        if k.dtype(value) == dtypes.bool_:
            type_ = scalar_ops.typed(dtypes.int8, k.lanes(value))
            value = k.op("arith.extui", value, type=type_)
        memory.store(value, place)
        return
    lanes = k.lanes(number[0])
    if not lanes:
        for part, value in enumerate(number):
            memory.store(value, place * 2 + part)
        return
    for half in range(2):
        pairs = [lane + half * lanes // 2 for lane in range(lanes // 2)]
        real, imag = number
        mixed = k.shuffle(real, imag, [i for lane in pairs for i in (lane, lane + lanes)])
        memory.store(mixed, place * 2 + half * lanes)


@dataclass
class _AtPlace:
    """The values of a graph at a place, each computed when it is first wanted."""

    body: Body
    graph: _Graph
    inputs: dict[ir.Value, Memory]
    place: Term
    lanes: int
    known: dict[ir.Value, Number] = field(default_factory=dict)

    def of(self, value: ir.Value) -> Number:
        """A value's numbers, all members being computed in turn."""
        for op in self.graph.members:
            self.known[op.results[0]] = self._made(op, [self._number(v) for v in op.operands])
        return self.known[value]

    def _number(self, value: ir.Value) -> Number:
        if value not in self.known:
            self.known[value] = self._read(value)
        return self.known[value]

    def _read(self, value: ir.Value) -> Number:
        """An input, or a constant."""
        k, (shape, dtype) = self.body, ir.type_of(value)
        memory = self.inputs.get(value)
        if memory is None:
            constant = defining(value)
            assert constant is not None
            number = ir.constant_array(constant).flat[0]
            parts = (number.real, number.imag) if dtypes.is_complex(dtype) else (number,)
            real = dtypes.real_of(dtype)
            return tuple(scalar_ops.number(k, part, real, self.lanes) for part in parts)
        if not shape:
            return tuple(self._spread(x) for x in self._loaded(memory, k.index(0), dtype, 0))
        return self._loaded(memory, self.place, dtype, self.lanes)

    def _spread(self, number: Term) -> Term:
        return self.body.splat(number, self.lanes) if self.lanes else number

    def _loaded(self, memory: Memory, place: Term, dtype: DType, lanes: int) -> Number:
        k = self.body
        if not dtypes.is_complex(dtype):
            found = memory.load(place, lanes=lanes)
            if dtype == dtypes.bool_:
                found = k.op("arith.trunci", found, type=scalar_ops.typed(dtype, lanes))
            return (found,)
        if not lanes:
            return memory.load(place * 2), memory.load(place * 2 + 1)
        first, second = (memory.load(place * 2 + lanes * i, lanes=lanes) for i in range(2))
        real, imag = (k.shuffle(first, second, range(part, 2 * lanes, 2)) for part in range(2))
        return real, imag

    def _made(self, op: ir.Operation, of: Sequence[Number]) -> Number:
        k = self.body
        if op.name == "stablehlo.complex":
            return of[0][0], of[1][0]
        if op.name in ("stablehlo.real", "stablehlo.imag"):
            return (of[0][op.name == "stablehlo.imag"],)
        if not dtypes.is_complex(ir.type_of(op.results[0])[1]):
            return (scalar_ops.each(k, op, [number[0] for number in of]),)
        if op.name == "stablehlo.multiply":
            (a, b), (c, d) = of
            return a * c - b * d, a * d + b * c
        if op.name == "stablehlo.select":
            (p,), x, y = of
            pairs = zip(x, y, strict=True)
            return tuple(k.select(p, a, b) for a, b in pairs)
        if op.name == "stablehlo.negate":
            return tuple(k.op("arith.negf", part) for part in of[0])
        sign = "arith.addf" if op.name == "stablehlo.add" else "arith.subf"
        return tuple(k.op(sign, a, b) for a, b in zip(*of, strict=True))
