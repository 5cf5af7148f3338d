"""The nodes between known values and wanted ones, as a function of a module.

Its key spells the structure: what each node does and whose results it takes. Two runs of the same
code have equal keys, made without looking at MLIR; the values of constants are kept beside it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from slopec import dtypes, ir
from slopec.lazy.graph import (
    ALIAS,
    CONSTANT,
    Body,
    Known,
    Node,
    Value,
    constant_of,
    kind_of,
    number_of,
)

Fresh = Callable[[str], str]
"""Gives a function name like the one asked for, which the module does not have."""

Links = Callable[[Node], list[bool]]
"""Which operands of a node are looked behind."""


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes in an order they can run in, what they take from outside, and what is wanted.

    `places` says for each operand where it comes from: n ≥ 0 is the n-th result of all nodes,
    n < 0 the input −n − 1; so does `wanted` for the outputs. `stops` are the operands, by node and
    place, that are constants for derivatives. Values may since have become known, or results of
    other nodes; the graph stays what it was.
    """

    nodes: tuple[Node, ...]
    places: tuple[tuple[int, ...], ...]
    stops: frozenset[tuple[int, int]]
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    wanted: tuple[int, ...]
    key: tuple[int, ...]
    constants: tuple[ir.Attribute, ...]

    @staticmethod
    def of(outputs: Sequence[Value], nodes: Sequence[Node], links: Links | None = None) -> "Graph":
        """The graph of `nodes`, which `outputs` are made of (see `nodes_behind` and `history`)."""
        differentiated = links is not None
        links = links or _unknown
        base: dict[int, int] = {}
        count = 0
        inputs: dict[int, int] = {}
        taken: list[Value] = []
        key: list[int] = []
        places: list[tuple[int, ...]] = []
        stops: set[tuple[int, int]] = set()
        constants = []
        for node in nodes:
            base[node.serial] = count
            count += len(node.types)
            if node.name == CONSTANT:
                constants.append(constant_of(node))
            row = []
            within = links(node)
            if differentiated and not (node.active and all(node.active)):
                found = _stopped(node, within)
                stops.update((len(places), i) for i, stopped in enumerate(found) if stopped)
            for inside, value in zip(within, node.operands, strict=True):
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
        if stops:
            key += (number for stop in sorted(stops) for number in stop)
        return Graph(
            tuple(nodes),
            tuple(places),
            frozenset(stops),
            tuple(taken),
            tuple(outputs),
            tuple(wanted),
            tuple(key),
            tuple(constants),
        )

    def write(
        self,
        module: ir.Module,
        name: str,
        fresh: Fresh,
        *,
        varying: Iterable[int] = (),
        known: Known = (),
    ) -> ir.Operation:
        """Write the graph into `module` as the function `name`; `fresh` names what it calls.

        The constants at the places `varying` become further arguments; the arguments that are
        `known` are there, and not used.
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
        for place, attribute in known:
            if place < count:
                given[place] = writer.constant(given[place].type, attribute)
        made: list[ir.Value] = []
        for number, (node, row) in enumerate(zip(self.nodes, self.places, strict=True)):
            operands = [made[place] if place >= 0 else given[-1 - place] for place in row]
            for place, value in enumerate(operands if self.stops else ()):
                if (number, place) in self.stops:
                    operands[place] = writer.stop(value, node.location)
            made += writer.write(node, operands)
        values = [made[place] for place in self.wanted]
        ir.create("func.return", [], values, None, ir.unknown(), writer.point)
        return op


def _unknown(node: Node) -> list[bool]:
    return [value.data is None for value in node.operands]


def history(value: Value) -> tuple[list[Node], Links]:
    """The nodes of the function to be derived for the gradient of a value, and how they hang on.

    Derivatives flow to leaves and junctions. What only tells of leaves, such as a mask, belongs to
    the function too, as it would be computed twice otherwise. Raises HistoryFreedError.
    """
    flowing = {node.serial for node in nodes_behind([value], _flows)}

    def links(node: Node) -> list[bool]:
        if node.serial not in flowing:
            return [_tells(operand) for operand in node.operands]
        active = node.active or (False,) * len(node.operands)
        return [
            operand.owner is None and operand.junction is None and (flag or _tells(operand))
            for flag, operand in zip(active, node.operands, strict=True)
        ]

    return nodes_behind([value], links), links


def _flows(node: Node) -> list[bool]:
    """Whether derivatives flow on through each operand."""
    if node.freed:
        raise HistoryFreedError
    active = node.active or (False,) * len(node.operands)
    return [
        flag and operand.owner is None and operand.junction is None
        for flag, operand in zip(active, node.operands, strict=True)
    ]


def _tells(value: Value) -> bool:
    node = value.node
    if value.data is not None or value.owner is not None or node is None:
        return False
    return value.junction is None and node.tells and not node.freed


def _stopped(node: Node, links: Sequence[bool]) -> list[bool]:
    """Which operands derivatives would flow through in the derived function, but must not."""
    active = node.active or (False,) * len(node.operands)
    return [
        inside and not flag and dtypes.is_differentiable(value.type[1])
        for flag, inside, value in zip(active, links, node.operands, strict=True)
    ]


def nodes_behind(outputs: Sequence[Value], links: Links = _unknown) -> list[Node]:
    """The nodes that `outputs` are made of, each after those that it takes results of."""
    order: list[Node] = []
    seen: set[int] = set()
    waiting: list[tuple[Node | None, bool]] = [(value.node, False) for value in outputs]
    while waiting:
        node, ready = waiting.pop()
        if node is None:
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
        self.constants: dict[ir.Value, ir.Attribute] = {}

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
            facts = {"callee": ir.symbol(self._symbol(node.body, operands))}
        op = ir.create(name, types, operands, facts, node.location, self.point, len(fills))
        if name == CONSTANT:
            self.constants[op.results[0]] = constant_of(node)
        for region, fill in zip(op.regions, fills, strict=True):
            fill(region, node.location)
        return list(op.results)

    def stop(self, value: ir.Value, location: ir.Location) -> ir.Value:
        """A value as a constant for derivatives, as `stop_gradient` makes it."""
        symbol = self.declared.get(value.type)
        if symbol is None:
            symbol = self.declared[value.type] = self.fresh("stop_gradient")
            facts = {"slope.keep": ir.unit(), "slope.rule": ir.string("zero")}
            types = [value.type]
            op = ir.create_function(self.module, symbol, types, types, facts, location, body=True)
            block = ir.body_of(op)
            point = ir.InsertionPoint(block)
            ir.create("func.return", [], list(block.arguments), None, location, point)
        callee = {"callee": ir.symbol(symbol)}
        op = ir.create("func.call", [value.type], [value], callee, location, self.point)
        return op.results[0]

    def constant(self, type_: ir.Type, value: ir.Attribute) -> ir.Value:
        """A constant."""
        op = ir.create(CONSTANT, [type_], [], {"value": value}, ir.unknown(), self.point)
        self.constants[op.results[0]] = value
        return op.results[0]

    def _symbol(self, body: Body, operands: Sequence[ir.Value]) -> str:
        """The function that a node calls, put into the module when it is first called."""
        known = tuple(
            (i, self.constants[value])
            for i, value in enumerate(operands)
            if value in self.constants
        )
        key = (body.signature, known)
        symbol = self.declared.get(key)
        if symbol is None:
            symbol = self.declared[key] = body.declare(self.module, self.fresh, known)
        return symbol
