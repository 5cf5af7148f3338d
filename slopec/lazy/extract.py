"""The nodes between known values and wanted ones, as a function of a module.

Its key spells the structure: what each node does and whose results it takes. Two runs of the same
code have equal keys, made without looking at MLIR; the values of constants are kept beside it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from slopec import ir
from slopec.lazy.graph import ALIAS, CONSTANT, Body, Node, Value, constant_of, kind_of, number_of

Fresh = Callable[[str], str]
"""Gives a function name like the one asked for, which the module does not have."""


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes in an order they can run in, what they take from outside, and what is wanted.

    `places` says for each operand where it comes from: n ≥ 0 is the n-th result of all nodes,
    n < 0 the input −n − 1; so does `wanted` for the outputs. Values may since have become known,
    or results of other nodes; the graph stays what it was.
    """

    nodes: tuple[Node, ...]
    places: tuple[tuple[int, ...], ...]
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    wanted: tuple[int, ...]
    key: tuple[int, ...]
    constants: tuple[ir.Attribute, ...]

    @staticmethod
    def of(
        outputs: Sequence[Value], nodes: Sequence[Node], *, differentiated: bool = False
    ) -> "Graph":
        """The graph of what `outputs` are made of, which is `nodes` (see `nodes_behind`)."""
        links = flows if differentiated else _unknown
        base: dict[int, int] = {}
        count = 0
        inputs: dict[int, int] = {}
        taken: list[Value] = []
        key: list[int] = []
        places = []
        constants = []
        for node in nodes:
            base[node.serial] = count
            count += len(node.types)
            if node.name == CONSTANT:
                constants.append(constant_of(node))
            row = []
            for inside, value in zip(links(node), node.operands, strict=True):
                if inside:
                    assert value.node is not None
                    row.append(base[value.node.serial] + value.index)
                    continue
                place = inputs.get(id(value))
                if place is None:
                    taken.append(value)
                    place = inputs[id(value)] = -len(taken)
                    key.append(number_of(value.type))
                row.append(place)
            key.append(kind_of(node))
            key += row
            places.append(tuple(row))
        wanted = [base[v.node.serial] + v.index for v in outputs if v.node is not None]
        key += (-1 - len(taken), *wanted)
        return Graph(
            tuple(nodes),
            tuple(places),
            tuple(taken),
            tuple(outputs),
            tuple(wanted),
            tuple(key),
            tuple(constants),
        )

    def write(
        self, module: ir.Module, name: str, fresh: Fresh, varying: Iterable[int] = ()
    ) -> ir.Operation:
        """Write the graph into `module` as the function `name`; `fresh` names what it calls.

        The constants at the places `varying` become further arguments.
        """
        loose = sorted(varying)
        numbers = [node for node in self.nodes if node.name == CONSTANT]
        types = [ir.tensor_type(*value.type) for value in self.inputs]
        types += [ir.tensor_type((), numbers[place].types[0][1]) for place in loose]
        results = [ir.tensor_type(*value.type) for value in self.outputs]
        op = ir.create_function(module, name, types, results, {}, ir.unknown(), body=True)
        block = ir.body_of(op)
        given = list(block.arguments)
        count = len(self.inputs)
        writer = _Writer(module, ir.InsertionPoint(block), fresh)
        writer.loose = {
            numbers[place].serial: value for place, value in zip(loose, given[count:], strict=True)
        }
        made: list[ir.Value] = []
        for node, row in zip(self.nodes, self.places, strict=True):
            operands = [made[place] if place >= 0 else given[-1 - place] for place in row]
            made += writer.write(node, operands)
        values = [made[place] for place in self.wanted]
        ir.create("func.return", [], values, None, ir.unknown(), writer.point)
        return op


Links = Callable[[Node], list[bool]]


def _unknown(node: Node) -> list[bool]:
    return [value.data is None for value in node.operands]


def flows(node: Node) -> list[bool]:
    """Whether a derivative flows on through each operand; at a leaf it ends."""
    return [
        flag and value.owner is None
        for flag, value in zip(node.active or (), node.operands, strict=True)
    ]


def nodes_behind(outputs: Sequence[Value], links: Links = _unknown) -> list[Node]:
    """The nodes that `outputs` are made of, each after those that it takes results of."""
    order: list[Node] = []
    seen: set[int] = set()
    waiting: list[tuple[Node | None, bool]] = [(value.node, False) for value in outputs]
    while waiting:
        node, ready = waiting.pop()
        if node is None or (links is flows and node.freed):
            raise HistoryFreedError
        if ready:
            order.append(node)
        elif node.serial not in seen:
            seen.add(node.serial)
            waiting.append((node, True))
            for inside, value in zip(links(node), node.operands, strict=True):
                if inside:
                    waiting.append((value.node, False))
    return order


class HistoryFreedError(Exception):
    """A derivative was asked for behind what `backward` has already gone through."""


class _Writer:
    """A function being written, node by node."""

    def __init__(self, module: ir.Module, point: ir.InsertionPoint, fresh: Fresh) -> None:
        """Write at `point`."""
        self.module = module
        self.point = point
        self.fresh = fresh
        self.loose: dict[int, ir.Value] = {}
        self.declared: dict[Any, str] = {}

    def write(self, node: Node, operands: list[ir.Value]) -> Sequence[ir.Value]:
        """Append one node; return its results."""
        if node.name == ALIAS:
            return operands
        types = [ir.tensor_type(*type_) for type_ in node.types]
        name, facts = node.name, node.attributes
        fills = node.body if isinstance(node.body, tuple) else ()
        if node.serial in self.loose:
            name, facts = "stablehlo.broadcast_in_dim", {"broadcast_dimensions": ir.i64s()}
            operands = [self.loose[node.serial]]
        elif node.body is not None and not isinstance(node.body, tuple):
            facts = {"callee": ir.symbol(self._symbol(node.body))}
        op = ir.create(name, types, operands, facts, node.location, self.point, len(fills))
        for region, fill in zip(op.regions, fills, strict=True):
            fill(region, node.location)
        return list(op.results)

    def _symbol(self, body: Body) -> str:
        """The function that a node calls, put into the module when it is first called."""
        known = self.declared.get(body.signature)
        if known is None:
            known = body.declare(self.module, self.fresh)
            self.declared[body.signature] = known
        return known
