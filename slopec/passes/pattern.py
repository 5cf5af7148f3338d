"""A pattern is a function from an op to what takes its place, written in StableHLO on tensors.

Its docstring begins with one line `lhs → rhs`, from which the documentation is made. The driver
finds the op, sets where new ops go and which source line they come from, and replaces the uses.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import ModuleType
from typing import Any, Literal

from slopec import ir, tracing
from slopec.passes.op import Op, full_name
from slopec.rewrite import rewrite_greedily
from slopec.tensor import Tensor
from slopec.tracing import Trace

Replacement = Tensor | ir.Value | Sequence[Tensor | ir.Value] | None
Rewrite = Callable[[Op], Replacement]

Changes = Literal["nothing", "rounding", "zero sign", "special values"]
"""What a pattern may change in a result.

`rounding` uses what StableHLO leaves open: the order in which reductions and contractions combine
elements, and how exactly `power` and `rsqrt` round. `zero sign` gives -0 where there was +0, or the
reverse. `special values` may change what comes of NaN, infinities and overflow, and any rounding.
"""


@dataclass(frozen=True)
class Pattern:
    """One rewrite: the ops it starts from, what it may change, and the function that does it."""

    rewrite: Rewrite
    roots: tuple[str, ...]
    of: tuple[frozenset[str], ...]
    among: frozenset[str]
    every: frozenset[str]
    changes: Changes
    without_elements: bool

    @property
    def name(self) -> str:
        """The function's name."""
        return self.rewrite.__name__

    @property
    def header(self) -> str:
        """The line `lhs → rhs`."""
        return (self.rewrite.__doc__ or "").partition("\n")[0]

    @property
    def family(self) -> str:
        """The file the pattern is in."""
        return self.rewrite.__module__.rpartition(".")[2]

    def may_match(self, producers: Sequence[str]) -> bool:
        """Whether operands that come from these ops are such as the pattern looks for."""
        if len(producers) < len(self.of) or (self.among and self.among.isdisjoint(producers)):
            return False
        if self.every and not self.every.issuperset(producers):
            return False
        return all(
            not names or name in names for names, name in zip(self.of, producers, strict=False)
        )


def pattern(
    *roots: str,
    of: str = "",
    among: str = "",
    every: str = "",
    changes: Changes = "nothing",
    without_elements: bool = False,
) -> Callable[[Rewrite], Pattern]:
    """Make a function a pattern for the ops `roots`.

    Where the pattern is tried depends on the ops that the operands come from: `of` lists them by
    operand (`"add|multiply, constant"`; `_` is any), `among` those of which some operand must come,
    `every` those of which all must. Those for tensors `without_elements` are tried in functions
    that have such tensors to begin with.
    Ops are StableHLO's unless they name their dialect.
    """

    def make(rewrite: Rewrite) -> Pattern:
        return Pattern(
            rewrite,
            tuple(map(full_name, roots)),
            tuple(_names(part) for part in of.split(",")) if of else (),
            _names(among),
            _names(every),
            changes,
            without_elements,
        )

    return make


def patterns_of(module: ModuleType) -> list[Pattern]:
    """The patterns that a file defines, in order."""
    return [value for value in vars(module).values() if isinstance(value, Pattern)]


def apply(
    module: ir.Module,
    patterns: Iterable[Pattern],
    *,
    max_iterations: int = 10,
    only: ir.Operation | None = None,
) -> Counter[str]:
    """Rewrite every function of `module` until nothing matches; how often each pattern matched.

    Functions in which some shape is not known are left alone: patterns compute with sizes. With
    `only`, just that function is rewritten.
    """
    matches: Counter[str] = Counter()
    patterns = list(patterns)
    every, most = _by_root(patterns), _by_root(p for p in patterns if not p.without_elements)
    for function in ir.functions(module) if only is None else [only]:
        if not ir.has_body(function) or not ir.ops_in(function, *every):
            continue
        size, fewest = _sizes(function)
        if fewest < 0:
            continue
        table = most if fewest else every
        where = Trace(module, ir.body_of(function), None, function=function)
        attempts = {
            root: _attempt(where, candidates, matches) for root, candidates in table.items()
        }
        with tracing.writing(where):
            rewrite_greedily(
                function, attempts, max_iterations=max_iterations, max_rewrites=1000 + 4 * size
            )
    return matches


def _names(text: str) -> frozenset[str]:
    """The names in `a|b`, none for `_`."""
    words = (word.strip() for word in text.split("|"))
    return frozenset(full_name(word) for word in words if word not in ("", "_"))


def _by_root(patterns: Iterable[Pattern]) -> dict[str, list[Pattern]]:
    table: dict[str, list[Pattern]] = defaultdict(list)
    for candidate in patterns:
        for root in candidate.roots:
            table[root].append(candidate)
    return table


def _attempt(
    where: Trace, patterns: Sequence[Pattern], matches: Counter[str]
) -> Callable[[Any], list[ir.Value] | None]:
    """Try the patterns of one root in turn on an op."""
    candidates_of: dict[tuple[str, ...], list[Pattern]] = {}

    def attempt(view: Any) -> list[ir.Value] | None:
        operation = view.operation
        producers = tuple(_producer_name(operand) for operand in operation.operands)
        candidates = candidates_of.get(producers)
        if candidates is None:
            candidates = [p for p in patterns if p.may_match(producers)]
            candidates_of[producers] = candidates
        if not candidates:
            return None
        op = Op(operation, where)
        where.location, where.point = operation.location, ir.InsertionPoint(operation)
        for candidate in candidates:
            replacement = candidate.rewrite(op)
            if replacement is not None:
                matches[candidate.name] += 1
                return _values(replacement, where)
        return None

    return attempt


def _producer_name(value: ir.Value) -> str:
    """The name of the op that made a value, empty for the argument of a block."""
    owner = value.owner
    return "" if isinstance(owner, ir.Block) else str(owner.name)


def _values(replacement: Replacement, where: Trace) -> list[ir.Value]:
    if isinstance(replacement, Tensor):
        return [where.value_of(replacement)]
    if not isinstance(replacement, Sequence):
        return [replacement]
    return [where.value_of(v) if isinstance(v, Tensor) else v for v in replacement]


def _sizes(function: ir.Operation) -> tuple[int, int]:
    """The number of ops of a function, and the fewest elements of its tensors as `_fewest` says."""
    ops = ir.ops_in(function)
    values = [*ir.body_of(function).arguments, *(value for op in ops for value in op.results)]
    return len(ops), min((_fewest(value.type) for value in values), default=1)


@lru_cache(maxsize=65536)
def _fewest(type_: ir.Type) -> int:
    """0 for a tensor without elements, -1 for one of which something is not known, 1 for others."""
    if not str(type_).startswith("tensor"):
        return 1
    try:
        shape, _ = ir.shape_and_dtype(type_)
    except TypeError:
        return -1
    return min((-1 if size < 0 else min(size, 1) for size in shape), default=1)
