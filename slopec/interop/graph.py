"""A graph is a function as data: steps that name an operation, its arguments and its result.

Arguments are constants, references to earlier results, nests of such, and graphs (bodies of loops
and branches). Running a graph calls one function per step, so under a transform it is traced.
"""

import hashlib
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

from slopec import ir, tracing
from slopec.diagnostics import Span
from slopec.dtypes import DType
from slopec.ops import astype
from slopec.tensor import Tensor

Handler = Callable[..., Any]


@dataclass(frozen=True)
class Ref:
    """The result of the step, or the input, of this number."""

    slot: int


@dataclass(frozen=True)
class Step:
    """One operation: `slot` receives its result, whose parts have these dtypes."""

    op: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    slot: int
    types: tuple[DType | None, ...]
    span: Span | None = field(default=None, compare=False)


class ByDigest:
    """What never changes, and is equal where its `digest` is."""

    @property
    @abstractmethod
    def digest(self) -> str:
        """What tells graphs apart: modules around equal graphs are of one structure."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self


@dataclass(frozen=True, eq=False)
class Graph(ByDigest):
    """Steps in order, the slots of the inputs, and what is returned."""

    inputs: tuple[int, ...]
    steps: tuple[Step, ...]
    result: Any

    @cached_property
    def digest(self) -> str:
        """What tells graphs apart: modules around equal graphs are of one structure."""
        text = repr((self.inputs, self.steps, self.result))
        return hashlib.sha256(text.encode()).hexdigest()


def run(graph: Graph, table: Mapping[str, Handler], arguments: Sequence[Any]) -> Any:
    """What the graph returns for these inputs, where `table` says what the operations are."""
    values: dict[int, Any] = dict(zip(graph.inputs, arguments, strict=True))
    for step in graph.steps:
        args, kwargs = filled(step.args, values), filled(step.kwargs, values)
        with _told_of(step):
            values[step.slot] = _typed(table[step.op](*args, **kwargs), step.types)
    return filled(graph.result, values)


def filled(part: Any, values: Mapping[int, Any]) -> Any:
    """An argument with values in place of references."""
    if isinstance(part, Ref):
        return values[part.slot]
    if isinstance(part, list | tuple):
        return type(part)(filled(inner, values) for inner in part)
    if isinstance(part, Mapping):
        return {key: filled(inner, values) for key, inner in part.items()}
    return part


def graphs_within(part: Any) -> Iterator[Graph]:
    """The graphs among the arguments of a step."""
    if isinstance(part, Graph):
        yield part
    elif isinstance(part, list | tuple):
        for inner in part:
            yield from graphs_within(inner)


@contextmanager
def _told_of(step: Step) -> Iterator[None]:
    """Give what is traced the line that the step comes from."""
    if step.span is None or not tracing.is_tracing():
        yield
        return
    with tracing.at(ir.location(step.span)):
        yield


def _typed(result: Any, types: Sequence[DType | None]) -> Any:
    """A result in the dtypes that the graph says, where the operation's own promotion differs."""
    if isinstance(result, Tensor):
        wanted = types[0] if types else None
        return result if wanted is None or result.dtype == wanted else astype(result, wanted)
    if isinstance(result, tuple | list) and len(types) == len(result) > 1:
        return tuple(_typed(part, (type_,)) for part, type_ in zip(result, types, strict=True))
    return result
