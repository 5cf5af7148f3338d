"""What becomes of each result before a kernel stores it: the ops on elements that follow.

They are read off the module as steps, which a kernel replays on vectors of results.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from slopec import ir
from slopec.kernels.body import Body, Memory, Term
from slopec.kernels.elementwise import computed, kind_of, number_of
from slopec.kernels.kernel import Kernel, Type, call, reshaped
from slopec.transforms.body import defining

_MOST = 24  # steps, each of which keeps a register busy
_NEVER_STORED = ("stablehlo.broadcast_in_dim", "stablehlo.iota")


@dataclass(frozen=True)
class Step:
    """A value: an input ("feature" or "image"), a "number", or an op on values before it."""

    kind: str
    of: tuple[int, ...] = ()
    number: float = 0.0


@dataclass(frozen=True)
class Epilogue:
    """Steps on a result, which is value 0; the last one is what is stored.

    A "feature" is an input with a number per feature, an "image" one with a number per result.
    """

    steps: tuple[Step, ...] = ()

    @property
    def inputs(self) -> tuple[str, ...]:
        """The kinds of the inputs in order."""
        return tuple(step.kind for step in self.steps if step.kind in ("feature", "image"))

    def types(self, features: int, result: Type) -> tuple[Type, ...]:
        """How the inputs lie in memory."""
        shape, dtype = result
        shapes = {"feature": (features,), "image": shape}
        return tuple((shapes[kind], dtype) for kind in self.inputs)

    @property
    def label(self) -> str:
        """A name that differs from those of others; empty when there is nothing to do."""
        digest = hashlib.sha256(repr(self.steps).encode()).hexdigest()
        return f"_then_{digest[:12]}" if self.steps else ""

    def applied_in_a_row(
        self,
        k: Body,
        results: Sequence[Term],
        inputs: Sequence[Memory],
        place: tuple[Term, Term, Term, Term],
        count: int,
    ) -> list[Term]:
        """The steps on vectors of results in a row, features last, of which `count` are some.

        `place` is the first one's image, row, column and feature.
        """
        image, row, column, feature = place
        lanes = k.lanes(results[0])
        shared = {
            i: inputs[i].load(feature, lanes=lanes, first=count)
            for i, kind in enumerate(self.inputs)
            if kind == "feature"
        }

        def load(pixel: int, i: int) -> Term:
            at = (image, row, column + pixel, feature)
            return shared.get(i) or inputs[i].load(*at, lanes=lanes, first=count)

        return [self.applied(k, total, partial(load, i)) for i, total in enumerate(results)]

    def applied(self, k: Body, result: Term, load: Callable[[int], Term]) -> Term:
        """The steps on a vector of results, of which `load` gives the inputs by their numbers."""
        values, inputs = [result], 0
        for step in self.steps:
            if step.kind in ("feature", "image"):
                values.append(load(inputs))
                inputs += 1
            elif step.kind == "number":
                values.append(k.like(step.number, result))
            else:
                values.append(computed(k, step.kind, [values[i] for i in step.of]))
        return values[-1]


def following(op: ir.Operation) -> tuple[Epilogue, list[ir.Value], list[ir.Operation]]:
    """The epilogue of an op's result, its inputs, and the ops in it, the op itself before them.

    Features are the last dimension.
    """
    reader = _Reader(op)
    reader.read()
    members = reader.members[: reader.whole + 1]
    steps: list[Step] = []
    inputs: list[ir.Value] = []
    places = {op.results[0]: 0}
    for member in members[1:]:
        for operand in member.operands:
            if operand not in places:
                step, value = reader.given[operand]
                steps.append(step)
                inputs.extend([] if value is None else [value])
                places[operand] = len(steps)
        steps.append(Step(kind_of(member) or "", tuple(places[v] for v in member.operands)))
        places[member.results[0]] = len(steps)
    return Epilogue(tuple(steps)), inputs, members


def put(
    kernel: Kernel, operands: Sequence[ir.Value], ops: Sequence[ir.Operation], module: ir.Module
) -> None:
    """Put a dispatch in place of an op and what follows it; the first is left, without uses."""
    last = ops[-1]
    given = [
        reshaped(value, shape, last)
        for value, (shape, _) in zip(operands, kernel.operands, strict=True)
    ]
    (y,) = call(kernel, given, module, last)
    result = last.results[0]
    result.replace_all_uses_with(reshaped(y, ir.type_of(result)[0], last))
    for made in reversed(ops[1:]):
        made.erase()


@dataclass
class _Reader:
    """The ops that follow another's result, in an order in which they can be computed."""

    op: ir.Operation
    members: list[ir.Operation] = field(default_factory=list)
    given: dict[ir.Value, tuple[Step, ir.Value | None]] = field(default_factory=dict)

    def read(self) -> None:
        """Find what follows, in the order of the block, as far as there are steps for it."""
        self.members = [self.op]
        made = {self.op.results[0]}

        def take(op: ir.Operation) -> bool:
            if len(self.members) > _MOST or not self._fits(op, made):
                return False
            self.members.append(op)
            made.add(op.results[0])
            return True

        offer_users(self.op, take)

    @property
    def whole(self) -> int:
        """How many of the ops can be done so that nothing but the last result is used elsewhere.

        It has the type of the first, for which the kernel has room: no comparison comes last.
        What they take must be in memory anyway: storing what IREE computes where it is used costs
        more than it saves.
        """
        for last in range(len(self.members) - 1, 0, -1):
            inside = self.members[: last + 1]
            taken = {v for op in inside[1:] for v in op.operands if v in self.given}
            if inside[-1].results[0].type != self.op.results[0].type:
                continue
            within = all(user in inside for op in inside[:-1] for user in users(op))
            if within and all(self._is_stored(v, inside) for v in taken):
                return last
        return 0

    def _is_stored(self, value: ir.Value, inside: list[ir.Operation]) -> bool:
        """Whether an input is a number, or in memory even if these ops are done by a kernel."""
        _, image = self.given[value]
        made = None if image is None else defining(image)
        if made is None or image != value:
            return True
        if made.name in _NEVER_STORED:
            return False
        computed = kind_of(made) is not None or made.name == "stablehlo.convert"
        return not computed or any(user not in inside for user in users(made))

    def _fits(self, op: ir.Operation, made: set[ir.Value]) -> bool:
        """Whether an op is a step, all of whose operands are made before or inputs."""
        if kind_of(op) is None:
            return False
        if ir.type_of(op.results[0])[0] != ir.type_of(self.op.results[0])[0]:
            return False
        return all(v in made or self._is_given(v) for v in op.operands)

    def _is_given(self, value: ir.Value) -> bool:
        """Whether a value is a number or an input, which is then noted."""
        result = self.op.results[0]
        if value in self.given:
            return True
        if value.type != result.type:
            return False
        source, features = defining(value), ir.type_of(result)[0][-1]
        if source is not None and source.name == "stablehlo.broadcast_in_dim":
            of, (sizes, _) = source.operands[0], ir.type_of(source.operands[0])
            dims = tuple(source.attributes["broadcast_dimensions"])
            along = [d for d, n in zip(dims, sizes, strict=True) if n != 1]
            if along == [len(ir.type_of(result)[0]) - 1] and sizes[-1] == features:
                self.given[value] = Step("feature"), of
                return True
            source = defining(of)
        number = number_of(source)
        if number is not None:
            self.given[value] = Step("number", number=number), None
            return True
        self.given[value] = Step("image"), value
        return True


def offer_users(op: ir.Operation, take: Callable[[ir.Operation], bool]) -> None:
    """Let `take` look at what uses an op's result, and that of each op it takes, in order.

    These are ops of the same block, none in a loop or branch; it returns whether it took one.
    """
    waiting = _beside(op)
    while waiting:
        first = waiting.pop(0)
        for i, user in enumerate(waiting):
            if user.is_before_in_block(first):
                waiting[i], first = first, user
        if take(first):
            waiting += [user for user in _beside(first) if user not in waiting]


def _beside(op: ir.Operation) -> list[ir.Operation]:
    return [user for user in users(op) if user.block == op.block]


def users(op: ir.Operation) -> list[ir.Operation]:
    """The ops that use an op's result, each once."""
    found: list[ir.Operation] = []
    for use in op.results[0].uses:
        user = use.owner.operation
        if user not in found:
            found.append(user)
    return found


NOTHING = Epilogue()
"""Nothing is done with the results."""
