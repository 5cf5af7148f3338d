"""A module of PyTorch as one of ours: its parameters and buffers under their names, and a graph."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from slopec import dtypes, tracing, tree
from slopec.diagnostics import ShapeError, UsageError
from slopec.dtypes import DType
from slopec.interop.aten import TABLE
from slopec.interop.graph import Graph, run
from slopec.nn.module import Module
from slopec.ops import asarray, astype
from slopec.ops.common import check_dtype
from slopec.tensor import Tensor
from slopec.tree import TreeDef


@dataclass(frozen=True)
class Input:
    """What an argument has to be: a tensor of a type, None for sizes that may vary, or a value."""

    shape: tuple[int | None, ...] | None
    dtype: DType | None
    value: Any = None


@dataclass(frozen=True)
class Signature:
    """How the arguments and results of the module are those of its graph.

    The graph takes the tensors named by `state`, then `constants`, then the arguments; it returns
    the new values of the `changed` buffers, then the results, a tree around leaves.
    """

    graph: Graph
    state: tuple[str, ...]
    constants: tuple[np.ndarray, ...]
    arguments: TreeDef
    inputs: tuple[Input, ...]
    changed: tuple[str, ...]
    result: TreeDef
    order: tuple[int, ...]
    """For every leaf of the result, its place among the graph's."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Signature):
            return False
        mine, others = (replace(s, constants=()) for s in (self, other))
        return vars(mine) == vars(others) and [
            (c.dtype, c.shape, c.tobytes()) for c in self.constants
        ] == [(c.dtype, c.shape, c.tobytes()) for c in other.constants]

    def __hash__(self) -> int:
        return hash((self.graph, self.state))


class Part(Module):
    """A child of a module of PyTorch: parameters, buffers and children."""

    def __init__(self, kind: str) -> None:
        """A part without children yet, which PyTorch calls `kind`."""
        self.kind = kind

    def extra_repr(self) -> str:
        """The class that it is of."""
        return self.kind


class TorchModule(Part):
    """What `from_torch` returns: a module whose forward is what PyTorch's does with ATen ops.

    It stays in the mode, training or evaluation, that it was exported in: `train` and `eval` change
    what `training` says of other modules, not what this one computes.
    """

    def __init__(
        self, kind: str, signature: Signature, aliases: Mapping[str, str], training: bool
    ) -> None:
        """An empty module; `aliases` are further names of tied tensors."""
        super().__init__(kind)
        self.training = training
        self.signature, self.aliases = signature, dict(aliases)

    def train(self, mode: bool = True) -> Self:
        """Nothing: what the module computes was fixed when it was exported; return self."""
        return self

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module of PyTorch returns for these arguments.

        Raises UsageError (S0162) for arguments nested otherwise than the example's, ShapeError and
        DTypeError for tensors unlike it.
        """
        signature = self.signature
        given, arguments = tree.flatten((args, dict(sorted(kwargs.items()))))
        if arguments != signature.arguments:
            raise UsageError(
                "S0162",
                f"{self.kind} was exported for other arguments",
                span=tracing.here(),
                notes=(f"expected {signature.arguments}", f"got {arguments}"),
                hint="pass what the example passed, keywords by keyword",
            )
        names = list(arguments.paths())
        operands = [
            self._checked(name, leaf, wanted)
            for name, leaf, wanted in zip(names, given, signature.inputs, strict=True)
        ]
        state = [tensor_at(self, name) for name in signature.state]
        constants = [asarray(constant) for constant in signature.constants]
        results = run(signature.graph, TABLE, [*state, *constants, *operands])
        for name, new in zip(signature.changed, results, strict=False):
            self._keep(name, new)
        leaves = results[len(signature.changed) :]
        return signature.result.unflatten([leaves[place] for place in signature.order])

    def _checked(self, path: str, leaf: Any, wanted: Input) -> Any:
        _, place = path.split(".", 1)
        if wanted.shape is None:
            if leaf != wanted.value:
                raise UsageError(
                    "S0162",
                    f"{self.kind}: argument {place} is {leaf!r}; it was exported with "
                    f"{wanted.value!r}, which is part of the graph",
                    span=tracing.here(),
                    hint="call `from_torch` once for each value",
                )
            return leaf
        assert wanted.dtype is not None
        x = leaf if isinstance(leaf, Tensor) else Tensor(leaf)
        hint = "sizes are those of the example, but where `dynamic_shapes` names them"
        check_shape(f"{self.kind}: argument {place}", x, wanted.shape, hint)
        return self._of_dtype(place, x, wanted.dtype)

    def _of_dtype(self, place: str, x: Tensor, wanted: DType) -> Tensor:
        """The argument in the dtype of the example; integers may be of any width."""
        if not (dtypes.is_integer(x.dtype) and dtypes.is_integer(wanted)):
            check_dtype(f"{self.kind}: argument {place}", x, wanted)
        return astype(x, wanted)

    def _keep(self, name: str, new: Tensor) -> None:
        """Give a buffer its new value, as batch norm does while training."""
        *path, last = name.split(".")
        owner: Any = self
        for part in path:
            owner = getattr(owner, part)
        setattr(owner, last, new)

    def load_state_dict(self, state: Mapping[str, Any], *, strict: bool = True) -> Self:
        """As for every module; names of tied tensors may come twice, as in PyTorch's state."""
        known = {name: value for name, value in state.items() if name not in self.aliases}
        return super().load_state_dict(known, strict=strict)


def check_shape(
    what: str, x: Tensor, wanted: Sequence[int | None], hint: str | None = None
) -> None:
    """Raise ShapeError for another shape than `wanted`, in which None is any size."""
    if len(x.shape) == len(wanted) and all(
        size is None or size == own for size, own in zip(wanted, x.shape, strict=True)
    ):
        return
    shown = ", ".join("any" if size is None else str(size) for size in wanted)
    raise ShapeError(
        "S0101",
        f"{what} has shape {x.shape}, expected ({shown})",
        span=tracing.here(),
        hint=hint,
    )


def tensor_at(module: Module, name: str) -> Tensor:
    """The parameter or buffer of a dotted name."""
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part)
    tensor: Tensor = found
    return tensor


@dataclass(frozen=True)
class Leaf:
    """A parameter or buffer to put into a module, by its dotted name."""

    name: str
    array: np.ndarray
    is_buffer: bool
    is_frozen: bool


def furnish(module: Part, leaves: Iterable[Leaf], kind_of: Callable[[str], str]) -> None:
    """Give a module its parameters and buffers, in children by their names."""
    for leaf in leaves:
        *path, last = leaf.name.split(".")
        owner: Module = module
        for i, name in enumerate(path):
            if name not in vars(owner):
                setattr(owner, name, Part(kind_of(".".join(path[: i + 1]))))
            owner = getattr(owner, name)
        tensor = Tensor(leaf.array)
        if leaf.is_buffer:
            owner.register_buffer(last, tensor)
            continue
        setattr(owner, last, tensor)
        if leaf.is_frozen:
            owner.freeze(last)
