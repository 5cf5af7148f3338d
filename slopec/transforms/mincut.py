"""The cheapest way to cut a network in two: by the maximum flow through it, found as Dinic does.

What flows from the source to the sink must pass the cut, so no cut is cheaper than the flow is
strong; when the flow can grow no more, the edges that it fills hold a cut that is as cheap.
Y. Dinitz, "Algorithm for solution of a problem of maximum flow in a network with power estimation",
1970.
"""

from collections import deque

UNLIMITED = 1 << 60
"""The capacity of an edge that no cut may go through."""


class Network:
    """Nodes, numbered from 0, and edges with integer capacities.

    Edge e and its reverse e ^ 1 share what flows: `room` is how much more either can carry.

    >>> network = Network()
    >>> source, middle, sink = network.node(), network.node(), network.node()
    >>> network.edge(source, middle, 5)
    >>> network.edge(middle, sink, 3)
    >>> network.sink_side(source, sink)
    {2}
    """

    def __init__(self) -> None:
        """Begin without nodes."""
        self._edges: list[list[int]] = []
        self._head: list[int] = []
        self._room: list[int] = []

    def node(self) -> int:
        """A new node."""
        self._edges.append([])
        return len(self._edges) - 1

    def edge(self, tail: int, head: int, capacity: int) -> None:
        """A new edge from `tail` to `head`."""
        self._edges[tail].append(len(self._head))
        self._edges[head].append(len(self._head) + 1)
        self._head += [head, tail]
        self._room += [capacity, 0]

    def sink_side(self, source: int, sink: int) -> set[int]:
        """The nodes behind the cheapest cut; of equally cheap cuts the one nearest to the sink."""
        while (levels := self._levels(source, sink)) is not None:
            self._fill(source, sink, levels)
        found, waiting = {sink}, [sink]
        while waiting:
            for edge in self._edges[waiting.pop()]:
                before = self._head[edge]
                if self._room[edge ^ 1] and before not in found:
                    found.add(before)
                    waiting.append(before)
        return found

    def _levels(self, source: int, sink: int) -> list[int] | None:
        """How many edges with room each node is from the source; None when the sink is cut off."""
        levels = [-1] * len(self._edges)
        levels[source] = 0
        waiting = deque([source])
        while waiting:
            node = waiting.popleft()
            for edge in self._edges[node]:
                if self._room[edge] and levels[self._head[edge]] < 0:
                    levels[self._head[edge]] = levels[node] + 1
                    waiting.append(self._head[edge])
        return None if levels[sink] < 0 else levels

    def _fill(self, source: int, sink: int, levels: list[int]) -> None:
        """Send flow along shortest paths until every one of them is full somewhere."""
        tried = [0] * len(self._edges)
        path: list[int] = []
        node = source
        while True:
            step = self._step(node, tried, levels)
            if step is not None:
                path.append(step)
                node = self._head[step]
            elif path:
                node = self._head[path.pop() ^ 1]
                tried[node] += 1
            else:
                return
            if node == sink:
                node = self._send(path, source)

    def _step(self, node: int, tried: list[int], levels: list[int]) -> int | None:
        """The next edge with room that leads from `node` nearer to the sink."""
        edges = self._edges[node]
        while tried[node] < len(edges):
            edge = edges[tried[node]]
            if self._room[edge] and levels[self._head[edge]] == levels[node] + 1:
                return edge
            tried[node] += 1
        return None

    def _send(self, path: list[int], source: int) -> int:
        """Fill a path from source to sink, and start again from the source."""
        amount = min(self._room[edge] for edge in path)
        for edge in path:
            self._room[edge] -= amount
            self._room[edge ^ 1] += amount
        path.clear()
        return source
