"""What is measured: a table of programs, each written once in the words of `benchmarks.ops`.

A program is a function `(ops, weights, sizes, *inputs)`. Of a "call" the weights stay and the
result is wanted; of a "step" the result is a loss and the weights follow its gradient by Adam; of a
"decode" the function takes and returns what is kept, besides the weights, from one call to the
next: `(ops, weights, sizes, kept, *inputs)` to `(kept, result)`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np

Arrays = dict[str, np.ndarray]
Maker = Callable[["Draw", SimpleNamespace], Arrays]

LEARNING_RATE = 1e-3
"""Of Adam, its other parameters being 0.9, 0.999 and 1e-8."""


class Draw:
    """Weights and inputs by a seed, the same in every process."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)

    def normal(self, *shape: int, scale: float = 1.0) -> np.ndarray:
        """Normal values in float32."""
        return scale * self.random.standard_normal(shape, np.float32)

    def weight(self, out: int, *fan: int) -> np.ndarray:
        """Rows of as many inputs as the sizes in `fan` come to (He et al., 2015, without the 2)."""
        return self.normal(out, *fan, scale=float(np.prod(fan)) ** -0.5)

    def whole(self, below: int, *shape: int) -> np.ndarray:
        """Integers in int32."""
        return self.random.integers(0, below, shape, np.int32)


def nothing(draw: Draw, sizes: SimpleNamespace) -> Arrays:
    """No weights, or nothing kept."""
    return {}


@dataclass(frozen=True)
class Program:
    """One line of the tables; `tiny` are sizes for tests, `grows` values of sizes for plots."""

    name: str
    title: str
    function: Callable[..., Any]
    inputs: Maker
    weights: Maker = nothing
    kept: Maker = nothing
    kind: Literal["call", "step", "decode"] = "call"
    sizes: Mapping[str, int] = field(default_factory=dict)
    tiny: Mapping[str, int] = field(default_factory=dict)
    grows: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def sized(self, **sizes: int) -> "Program":
        """The program with other sizes."""
        return replace(self, sizes={**self.sizes, **sizes})

    @property
    def space(self) -> SimpleNamespace:
        """The sizes, as the functions take them."""
        return SimpleNamespace(**self.sizes)

    @property
    def given(self) -> Arrays:
        """The inputs."""
        return self.inputs(Draw(0), self.space)

    def arrays(self) -> tuple[Arrays, Arrays, Arrays]:
        """Weights, what is kept, and inputs."""
        return self.weights(Draw(1), self.space), self.kept(Draw(2), self.space), self.given

    def apply(self, ops: Any, weights: Any, *arguments: Any) -> Any:
        """The program's function in a framework's words."""
        return self.function(ops, weights, self.space, *arguments)


def programs() -> dict[str, Program]:
    """All programs by name, in the order of the tables."""
    from benchmarks.programs import images, kernels, networks, transformers

    return {
        row.name: row for room in (kernels, networks, images, transformers) for row in room.ROWS
    }


def find(name: str, sizes: Mapping[str, int] | None = None) -> Program:
    """A program by its name, at other sizes if some are given."""
    return programs()[name].sized(**(sizes or {}))


def within(weights: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """The weights whose names begin with the prefix and a dot, without it."""
    return {k[len(prefix) + 1 :]: v for k, v in weights.items() if k.startswith(f"{prefix}.")}


def named(prefix: str, weights: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The weights with the prefix and a dot before their names."""
    return ((f"{prefix}.{name}", weight) for name, weight in weights.items())
