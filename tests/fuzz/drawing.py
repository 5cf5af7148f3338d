"""Drawing programs: sizes come from a few for each program, so that values meet and fuse."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import numpy as np

from tests.fuzz.program import Drawn, Step

ARGUMENT = "argument"
"""The label of steps that stand for arguments until the program is complete."""
MOST = 6000
"""Elements of a value."""
ROOM = 1 << 16
"""Elements of a value where there is room, as kernels want them."""
SIZES = (1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 17, 31, 32, 33, 64, 65, 100, 128)
ROOMY = (2, 3, 4, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 40, 48, 63, 64, 65, 72, 95, 96, 97, 127, 128, 129, 160, 192, 255, 256, 257, 300, 384, 513, 1000, 1025)  # fmt: skip
"""Sizes of kernels' tiles, of several, and next to them."""
FLOATS = ("float32",) * 8 + ("float16", "bfloat16", "float64", "complex64")
WHOLE = ("int32", "int32", "int8", "uint8", "int64", "uint32", "bool")


class Draw:
    """A program being drawn; `types` are of the values there are, of `most` elements each.

    An `empty` one has sizes of 0, a `roomy` one those that kernels are written for.
    """

    def __init__(self, random: np.random.Generator, inputs: Sequence[jax.ShapeDtypeStruct]) -> None:
        self.random = random
        self.inputs = tuple(inputs)
        self.types: list[Any] = list(inputs)
        self.steps: list[Step] = []
        self.sizes = [int(n) for n in random.choice(SIZES, 4)]
        self.most = MOST
        self.empty = False
        self.used: set[int] = set()
        self.depth = 0

    @property
    def roomy(self) -> bool:
        """Whether values may be large."""
        return self.most > MOST

    def widen(self) -> None:
        """Make it a roomy one."""
        self.most = ROOM
        self.sizes = [int(n) for n in self.random.choice(ROOMY, 4)]

    # --- choices -----------------------------------------------------------------------------

    def chance(self, share: float) -> bool:
        """True in that share of cases."""
        return bool(self.random.random() < share)

    def pick(self, values: Sequence[Any]) -> Any:
        """One of some values."""
        return values[int(self.random.integers(len(values)))]

    def upto(self, least: int, most: int) -> int:
        """An integer, ends included."""
        return int(self.random.integers(least, max(most, least) + 1))

    def dims(self, rank: int, least: int = 1) -> tuple[int, ...]:
        """Some dimensions, ascending."""
        count = self.upto(min(least, rank), rank)
        return tuple(sorted(int(d) for d in self.random.choice(rank, count, replace=False)))

    def order(self, rank: int) -> tuple[int, ...]:
        """Dimensions in any order."""
        return tuple(int(d) for d in self.random.permutation(rank))

    def shape(self, most: int = 3) -> tuple[int, ...]:
        """A shape of the program's sizes."""
        while True:
            shape = tuple(self.pick(self.sizes) for _ in range(self.upto(0, most)))
            if np.prod(shape) <= self.most:
                return shape

    def value(self, accepted: Callable[[jax.ShapeDtypeStruct], bool]) -> int | None:
        """A value whose type is accepted, likely a late one; None if there is none."""
        places = [i for i, type_ in enumerate(self.types) if is_one(type_) and accepted(type_)]
        if not places:
            return None
        unused = [i for i in places if i not in self.used]
        if unused and self.chance(0.5):
            return self.pick(unused)
        back = min(int(self.random.geometric(0.25)) - 1, len(places) - 1)
        return self.pick(places) if self.chance(0.3) else places[-1 - back]

    # --- steps -------------------------------------------------------------------------------

    def add(self, label: str, function: Callable[..., Any], *args: int) -> int | None:
        """The place of a new value, None if JAX refuses the step or the value is too large."""
        try:
            made = jax.eval_shape(function, *(self.types[i] for i in args))
        except (TypeError, ValueError, NotImplementedError, ZeroDivisionError, IndexError):
            return None
        if not hasattr(made, "shape") or made.size > self.most or made.ndim > 5:
            return None
        if made.size == 0 and not self.empty:
            return None
        self.types.append(jax.ShapeDtypeStruct(made.shape, made.dtype))
        self.steps.append(Step(label, args, function))
        self.used.update(args)
        return len(self.types) - 1

    def several(self, label: str, function: Callable[..., Any], *args: int) -> list[int]:
        """The places of the new values that a step makes of as many others, of the same types."""
        types = [self.types[i] for i in args]
        self.types.append(tuple(types))
        self.steps.append(Step(label, args, function))
        whole = len(self.types) - 1
        return [self._part(whole, i, type_) for i, type_ in enumerate(types)]

    def _part(self, whole: int, i: int, type_: jax.ShapeDtypeStruct) -> int:
        self.types.append(type_)
        self.steps.append(Step(f"number {i}", (whole,), lambda made: made[i]))
        return len(self.types) - 1

    def fitting(self, shape: tuple[int, ...], name: str) -> int | None:
        """A value of that shape and type: one there is, or one reshaped or broadcast."""
        from tests.fuzz.steps import cast, fit

        same = self.value(lambda t: t.shape == shape and t.dtype.name == name)
        if same is not None and self.chance(0.8):
            return same
        if self.depth == 0 and self.chance(0.5) and int(np.prod(shape)) <= self.most:
            return self.argument(jax.ShapeDtypeStruct(shape, name))
        source = self.value(
            lambda t: t.dtype.name != "bool" and (t.dtype.kind != "c" or name[0] == "c")
        )
        if source is None:
            return None
        if self.types[source].dtype.name != name:
            moved = self.add(f"cast {name}", lambda x: cast(x, name), source)
            if moved is None:
                return None
            source = moved
        if self.types[source].shape == shape:
            return source
        return self.add(f"fit {shape}", lambda x: fit(x, shape), source)

    def argument(self, like: jax.ShapeDtypeStruct) -> int:
        """A new argument of the program."""
        self.types.append(like)
        self.steps.append(Step(ARGUMENT, (), lambda: None))
        return len(self.types) - 1

    def loose(self, share: float) -> list[int]:
        """Values that no step uses, and that share of the others; no arguments."""
        used = {i for step in self.steps for i in step.args}
        first = len(self.inputs)
        places = range(first, len(self.types))
        made = [
            i for i in places if self.steps[i - first].label != ARGUMENT and is_one(self.types[i])
        ]
        rest = [i for i in made if i in used and self.chance(share)]
        return [*(i for i in made if i not in used), *rest]

    def program(self, results: Sequence[int]) -> Drawn:
        """What was drawn so far, as far as these results need it."""
        made = Drawn(self.inputs, tuple(self.steps), tuple(results))
        for place, type_ in enumerate(self.types[len(self.inputs) :], len(self.inputs)):
            # What has become an argument was before this place, and is before it still.
            if self.steps[place - len(self.inputs)].label == ARGUMENT:
                made = made.given(place, type_)
        return made.only(made.results)


def is_one(type_: object) -> bool:
    """Whether the type is of one value, not of the several that one step makes."""
    return not isinstance(type_, tuple)


def draw(seed: int, length: int | None = None, floats: Sequence[str] = FLOATS) -> Drawn:
    """A program of 10 to 60 steps whose results are what no other step uses, and some more.

    One in eight has dimensions without elements. One in three is roomy, of fewer steps.
    """
    random = np.random.default_rng(seed)
    made = Draw(random, ())
    if seed % 3 == 0:
        made.widen()
    if seed // 4 % 8 == 0:
        made.empty = True
        made.sizes.append(0)
    base = made.pick(floats)
    for _ in range(made.upto(2, 5)):
        name = made.pick(WHOLE) if made.chance(0.2) else base if made.chance(0.85) else "float32"
        made.types.append(jax.ShapeDtypeStruct(made.shape(4), name))
    made.inputs = tuple(made.types)
    length = length or made.upto(10, made.pick((15,) if made.roomy else (15, 30, 60)))
    taking = steps_of(made)
    attempts = 0
    drawn = 0
    while drawn < length and attempts < 20 * length:
        attempts += 1
        drawn += next(taking)(made) is not None
    return made.program(made.loose(0.07)[-12:])


def steps_of(made: Draw) -> Iterator[Callable[[Draw], object]]:
    """Steps to draw, without end; each program prefers some, so that their combinations come up."""
    from tests.fuzz.steps import STEPS, WEIGHTS

    names = list(STEPS)
    shares = np.array([WEIGHTS[name] for name in names], float)
    shares *= made.random.choice([0.0, 0.3, 1.0, 1.0, 4.0], len(names))
    shares /= shares.sum()
    while True:
        yield STEPS[str(made.random.choice(names, p=shares))]
