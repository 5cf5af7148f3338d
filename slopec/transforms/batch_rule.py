"""What is known about an op for `vmap`: one rule, which writes the op for a whole batch at once.

A rule sees a `Site`: the op as it stands in the function being batched, and its operands in the
batched function, each of which is *mapped* (it has a leading batch dimension) or the same for the
whole batch. Rules are asked only for ops with a mapped input, or over the axis that
is batched; all others are copied.
"""

import pkgutil
from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from slopec import hlo, ir, tracing
from slopec.diagnostics import TransformError
from slopec.tensor import Tensor
from slopec.transforms.flow import captured, inputs_of
from slopec.transforms.inline import copy_op
from slopec.transforms.rule import Point

if TYPE_CHECKING:
    from slopec.tracing import TensorType
    from slopec.transforms.batching import Batcher

Lane = tuple[Tensor, bool]
"""A tensor of the batched function, and whether it is mapped."""


def stretch(x: Tensor, size: int) -> Tensor:
    """The same tensor for every member of the batch."""
    return hlo.broadcast_in_dim(x, (size, *x.shape), range(1, x.ndim + 1))


class Site(Point):
    """An op of the function being batched. `operands` and `results` tell the types it has there."""

    def __init__(self, op: ir.Operation, batcher: "Batcher") -> None:
        """Look the op's operands up in the batched function."""
        flags = [value in batcher.mapped for value in inputs_of(op)]
        super().__init__(op, tracing.current(), flags, batcher.deriver)
        self.batcher = batcher
        self.size = batcher.size
        self.given = [batcher.tensor(value) for value in op.operands]
        self.mapped = flags[: len(self.given)]

    def wide(self, index: int) -> Tensor:
        """Operand `index` with a batch dimension."""
        x = self.given[index]
        return x if self.mapped[index] else stretch(x, self.size)

    def every_wide(self) -> list[Tensor]:
        """All operands with a batch dimension."""
        return [self.wide(i) for i in range(len(self.given))]

    def emit(
        self,
        operands: Sequence[Tensor],
        shapes: Sequence[ir.Shape] | None = None,
        **attributes: ir.Attribute,
    ) -> list[Tensor]:
        """The op itself, regions included, on other operands and with some attributes changed.

        `shapes` are the results', by default those of the op after the batch dimension.
        """
        self.check_captures()
        shapes = shapes or [(self.size, *r.shape) for r in self.results]
        kinds = [r.dtype for r in self.results]
        facts = {name: self.op.attributes[name] for name in self.op.attributes} | attributes
        count = len(self.op.regions)
        types: list[TensorType] = list(zip(shapes, kinds, strict=True))
        op, results = tracing.emit_many(self.op.name, operands, types, facts, regions=count)
        if count:
            renamed = {value: self.batcher.known[value] for value in inputs_of(self.op)}
            copy = copy_op(self.op, renamed, tracing.current().point)
            for source, target in zip(copy.regions, op.regions, strict=True):
                source.blocks[0].append_to(target)
            copy.erase()
        return list(results)

    def check_captures(self) -> None:
        """Refuse an op whose region uses a mapped value from outside."""
        if any(self.active[len(self.given) :]):
            raise self.refuse(
                "uses a value from outside its body that differs along the batch",
                "pass the value in as an operand, or apply it before or after the op",
            )

    @property
    def captures(self) -> list[ir.Value]:
        """The outer values that the op's regions use."""
        return captured(self.op)

    def refuse(self, why: str, hint: str) -> TransformError:
        """An error at the user's line that made this op."""
        return TransformError(
            "S0213", f"vmap: {self.name} {why}", span=ir.span_of(self.op), hint=hint
        )


BatchRule = Callable[[Site], Sequence[Lane]]
Batched = Callable[[Site], Tensor | Sequence[Tensor]]

_rules: dict[str, BatchRule] = {}


def batch_rules() -> dict[str, BatchRule]:
    """The rule of every op that has one."""
    _load_batch_rules()
    return _rules


@cache
def _load_batch_rules() -> None:
    """Import every family of rules, whichever of them are imported already."""
    from slopec.transforms import batch_rules as families

    for family in pkgutil.iter_modules(families.__path__):
        import_module(f"{families.__name__}.{family.name}")


def mixed(*names: str) -> Callable[[BatchRule], BatchRule]:
    """Register a rule that says for each result whether it is mapped."""

    def register(rule: BatchRule) -> BatchRule:
        for name in names:
            assert name not in _rules, f"{name} has two batch rules"
            _rules[name] = rule
        return rule

    return register


def batched(*names: str) -> Callable[[Batched], Batched]:
    """Register a rule whose results are all mapped."""

    def register(rule: Batched) -> Batched:
        def lanes(site: Site) -> list[Lane]:
            found = rule(site)
            return [(x, True) for x in ([found] if isinstance(found, Tensor) else found)]

        mixed(*names)(lanes)
        return rule

    return register
