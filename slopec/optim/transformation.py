"""An optimiser is a chain of gradient transformations; each is a pair of pure functions.

A *transformation* turns updates (gradients, to begin with) into better updates, with a state that
it is given and returns. An *optimiser* runs a chain of them and adds the result to the parameters.
States are pytrees, so a whole step can be traced, compiled and kept on a device.

Within a chain, leaves that are not trained (buffers, frozen ones, integers) are None.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from slopec import dtypes, hlo, ops, tracing, tree
from slopec.diagnostics import UsageError
from slopec.dtypes import DType
from slopec.tensor import Tensor
from slopec.trainable import is_none, trained

Schedule = Callable[[Any], Any]
Number = float | Schedule
"""A hyper-parameter: a number, which the state holds, or a function of the number of past steps."""


@dataclass(frozen=True)
class Transformation:
    """`init(params)` gives the first state; `update(updates, state, params)` the next two."""

    init: Callable[[Any], Any]
    update: Callable[[Any, Any, Any], tuple[Any, Any]]


def chain(*transformations: Transformation) -> Transformation:
    """One transformation after the other; the state is the tuple of theirs.

    >>> import slopec as sp
    >>> from slopec import optim
    >>> rule = optim.chain(optim.clip_by_value(1.0), optim.scale_by_learning_rate(0.5))
    >>> p, optimizer = sp.tensor([0.0, 0.0]), optim.Optimizer(rule)
    >>> p, state = optimizer.update(sp.tensor([9.0, -0.5]), optimizer.init(p), p)
    >>> print(p)
    tensor([-0.5   0.25], float32[2], cpu)
    """

    def init(params: Any) -> Any:
        return tuple(part.init(params) for part in transformations)

    def update(updates: Any, state: Any, params: Any) -> tuple[Any, Any]:
        after = []
        for part, own in zip(transformations, state, strict=True):
            updates, new = part.update(updates, own, params)
            after.append(new)
        return updates, tuple(after)

    return Transformation(init, update)


def stateless(function: Callable[[Any, Any], Any]) -> Transformation:
    """The transformation `function(updates, params)`, which keeps no state."""
    return Transformation(lambda _: (), lambda updates, _, params: (function(updates, params), ()))


@dataclass(frozen=True)
class Optimizer:
    """Steps downhill: parameters and gradients to new parameters, along a chain's updates.

    Parameters are any pytree; of a module, buffers and frozen children stay as they are, and so do
    integers anywhere. Gradients and states of float16 and bfloat16 parameters are float32.

    >>> import slopec as sp
    >>> optimizer = sp.optim.sgd(0.1)
    >>> params = {"w": sp.tensor([1.0, 2.0])}
    >>> state = optimizer.init(params)
    >>> params, state = optimizer.update({"w": sp.tensor([1.0, 1.0])}, state, params)
    >>> print(params["w"])
    tensor([0.9 1.9], float32[2], cpu)
    """

    transformation: Transformation

    def init(self, params: Any) -> Any:
        """The state before the first step.

        Raises UsageError when one tensor stands in two places, which would train apart.
        """
        kept = trained(params)
        _refuse_twins(kept)
        return self.transformation.init(kept)

    def update(self, gradients: Any, state: Any, params: Any) -> tuple[Any, Any]:
        """(new parameters, new state) for gradients of the parameters' structure."""
        kept = trained(params)
        downhill = tmap(widened, trained(gradients))
        updates, state = self.transformation.update(downhill, state, kept)
        return apply_updates(params, updates), state


def _refuse_twins(params: Any) -> None:
    """Raise UsageError when a tensor is two leaves."""
    leaves, treedef = tree.flatten(params, is_leaf=is_none)
    seen: dict[int, str] = {}
    for path, leaf in zip(treedef.paths(), leaves, strict=True):
        if leaf is not None and id(leaf) in seen:
            raise UsageError(
                "S0123",
                f"the parameters `{seen[id(leaf)]}` and `{path}` are one tensor",
                span=tracing.here(),
                notes=("tensors are values: after a step the two would differ",),
                hint="keep one of them, and use it twice in `forward`",
            )
        seen[id(leaf)] = path


def widened(gradient: Tensor) -> Tensor:
    """A gradient in the type that updates are computed in; conjugated, for complex descent."""
    return ops.conj(ops.astype(gradient, wide(gradient.dtype)))


def wide(dtype: DType) -> DType:
    """The type that states and updates of `dtype` parameters have."""
    return dtypes.float32 if dtypes.is_floating(dtype) and dtype.itemsize < 4 else dtype


def apply_updates(params: Any, updates: Any) -> Any:
    """`params` with `updates` added, in the dtypes of `params`; None changes nothing."""

    def added(param: Any, update: Any) -> Any:
        return param if update is None else ops.astype(param + update, param.dtype)

    return tmap(added, params, updates)


# --- trees with missing leaves ---------------------------------------------------------------


def tmap(function: Callable[..., Any], first: Any, *rest: Any) -> Any:
    """Apply `function` leaf by leaf; where `first` has None, so has the result.

    Raises UsageError when the trees have different numbers of leaves.
    """
    leaves, treedef = tree.flatten(first, is_leaf=is_none)
    columns = [leaves, *(tree.flatten(other, is_leaf=is_none)[0] for other in rest)]
    if len({len(column) for column in columns}) > 1:
        raise UsageError(
            "S0123",
            f"gradients, state and parameters have {', '.join(str(len(c)) for c in columns)} "
            "leaves",
            span=tracing.here(),
            hint="take the gradient of the same pytree that the state was made for",
        )
    rows = zip(*columns, strict=True)
    return treedef.unflatten(None if row[0] is None else function(*row) for row in rows)


def tmap_many(function: Callable[..., Any], count: int, first: Any, *rest: Any) -> list[Any]:
    """Like `tmap` for a function with `count` results; gives a tree for each of them."""
    rows = tmap(lambda *row: _Several(function(*row)), first, *rest)
    return [tmap(lambda row, i=i: row.values[i], rows) for i in range(count)]


@dataclass(frozen=True)
class _Several:
    """Several results for one leaf; no pytree, so that it stays a leaf."""

    values: Sequence[Any]


def kept_leaves(of: Any) -> list[Tensor]:
    """The leaves that are not missing."""
    return [leaf for leaf in tree.flatten(of, is_leaf=is_none)[0] if leaf is not None]


def filled_like(params: Any, value: float = 0.0, real: bool = False) -> Any:
    """A tree of states, one per parameter, filled with `value`; `real` makes complex ones real."""

    def filled(param: Any) -> Tensor:
        dtype = wide(param.dtype)
        return filled_state(param.shape, value, dtypes.real_of(dtype) if real else dtype)

    return tmap(filled, params)


def filled_state(shape: Sequence[int], value: float, dtype: DType) -> Tensor:
    """A constant; outside a trace one whose value is known, so that states cost no evaluation."""
    if tracing.is_tracing():
        return hlo.full(shape, value, dtype)
    return Tensor(np.full(tuple(shape), value, dtype))


# --- hyper-parameters ------------------------------------------------------------------------


@dataclass(frozen=True)
class Hyper:
    """Hyper-parameters that live in the state: numbers as they are, schedules as a step count.

    Their values are data of a compiled step, so changing them compiles nothing.
    """

    values: Mapping[str, Number]

    def init(self) -> dict[str, Tensor]:
        """The numbers by name, and `step` = 0 if there is a schedule."""
        numbers = {
            name: Tensor(np.float32(value))
            for name, value in self.values.items()
            if not callable(value)
        }
        if len(numbers) < len(self.values):
            numbers["step"] = Tensor(np.int32(0))
        return numbers

    def now(self, state: Mapping[str, Tensor]) -> list[Any]:
        """The values of this step, in order."""
        return [
            value(state["step"]) if callable(value) else state[name]
            for name, value in self.values.items()
        ]

    def after(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The state of the next step."""
        new = dict(state)
        if "step" in new:
            new["step"] = state["step"] + 1
        return new


def hyperparameters(state: Any) -> dict[str, Tensor]:
    """The hyper-parameters that an optimiser's state holds, by name.

    >>> import slopec as sp
    >>> state = sp.optim.adamw(1e-3).init({"w": sp.ones(2)})
    >>> sorted(sp.optim.hyperparameters(state))
    ['lr', 'weight_decay']
    """
    found: dict[str, Tensor] = {}

    def visit(part: Any) -> None:
        if isinstance(part, dict):
            found.update(part.get("hyper", {}))
            for value in part.values():
                visit(value)
        if isinstance(part, tuple | list):
            for value in part:
                visit(value)

    visit(state)
    found.pop("step", None)
    return found


def with_hyperparameters(state: Any, **values: Any) -> Any:
    """`state` with other hyper-parameters: numbers or (traced) scalars.

    Raises UsageError for a name that the state does not hold, as one that follows a schedule.

    >>> import slopec as sp
    >>> state = sp.optim.sgd(0.1).init({"w": sp.ones(2)})
    >>> state = sp.optim.with_hyperparameters(state, lr=0.01)
    >>> print(sp.optim.hyperparameters(state)["lr"])
    tensor(0.01, float32[], cpu)
    """
    known = hyperparameters(state)
    unknown = [name for name in values if name not in known]
    if unknown:
        raise UsageError(
            "S0123",
            f"the optimiser's state holds no hyper-parameter `{unknown[0]}`",
            span=tracing.here(),
            notes=(f"it holds {', '.join(known) or 'none'}",),
        )
    new = {
        name: ops.astype(value, dtypes.float32, copy=False)
        if isinstance(value, Tensor)
        else Tensor(np.float32(value))
        for name, value in values.items()
    }

    def replaced(part: Any) -> Any:
        if isinstance(part, dict):
            return {
                key: {n: new.get(n, v) for n, v in value.items()}
                if key == "hyper"
                else replaced(value)
                for key, value in part.items()
            }
        if type(part) in (tuple, list):
            return type(part)(replaced(value) for value in part)
        return part

    return replaced(state)
