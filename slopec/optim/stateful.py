"""Optimisers for the imperative style, under PyTorch's names: `opt.step()` after `loss.backward()`.

Each is the pure optimiser of the same algorithm with its state kept beside the parameters. A step
is recorded as one call of the pure update, which is traced once, and evaluated together with the
gradients and the loss behind it: forward, backward and update are one program.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from typing import Any

import numpy as np

from slopec import dtypes, ops, tracing, tree
from slopec.diagnostics import UsageError, did_you_mean
from slopec.lazy.evaluate import evaluate
from slopec.lazy.leaves import owned
from slopec.lazy.mode import enable_grad, no_grad
from slopec.lazy.record import Written, write
from slopec.optim import basic, optimizers
from slopec.optim.transformation import Optimizer, chain, hyperparameters, with_hyperparameters
from slopec.tensor import Tensor


class Cohort:
    """Parameters that have been updated together ever since, their common state, and the update.

    The state is kept as a flat list, in which the hyper-parameters are put at every step.
    """

    def __init__(self, places: Sequence[int], state: Any) -> None:
        """The parameters at `places` of a group."""
        self.places = list(places)
        self.leaves, self.treedef = tree.flatten(state)
        self._hyper: list[tuple[int, str]] | None = None
        self._written: dict[Any, Written] = {}

    @property
    def state(self) -> Any:
        """The state as the pure optimiser has it."""
        return self.treedef.unflatten(self.leaves)

    def split(self, chosen: set[int]) -> "list[Cohort]":
        """This cohort, or two: the parameters at `chosen` and the others."""
        taken = [place in chosen for place in self.places]
        if len(set(taken)) == 1:
            return [self]
        parts = []
        for wanted in (True, False):
            rows = [i for i, flag in enumerate(taken) if flag == wanted]
            parts.append(Cohort([self.places[i] for i in rows], _rows(self.state, rows)))
        return parts

    def step(
        self, optimizer: Optimizer, params: list[Tensor], slopes: list[Tensor], hyper: Any
    ) -> list[Tensor]:
        """Record the update of the state; return the new parameters."""
        if self._hyper is None:
            marked, _ = tree.flatten(with_hyperparameters(self.state, **hyper))
            names = {id(value): name for name, value in hyper.items()}
            self._hyper = [(i, names[id(x)]) for i, x in enumerate(marked) if id(x) in names]
        for place, name in self._hyper:
            self.leaves[place] = hyper[name]
        given = [*params, *slopes, *self.leaves]
        count, treedef = len(params), self.treedef
        types = tuple([slope.dtype for slope in slopes])
        written = self._written.get(types)
        if written is None:

            def update(*flat: Tensor) -> list[Any]:
                state = treedef.unflatten(flat[2 * count :])
                new, state = optimizer.update(
                    list(flat[count : 2 * count]), state, list(flat[:count])
                )
                return [*new, *tree.leaves(state)]

            written = self._written[types] = write(update, "update", given)
        results: list[Tensor] = written.results(given)
        self.leaves = results[count:]
        return results[:count]


def _rows(state: Any, rows: Sequence[int]) -> Any:
    """A state for some of the parameters: its lists have an entry for each of them."""
    if isinstance(state, list):
        return [state[i] for i in rows]
    if isinstance(state, dict):
        return {key: _rows(value, rows) for key, value in state.items()}
    if isinstance(state, tuple):
        return tuple(_rows(value, rows) for value in state)
    return state


_UNNEEDED = ("foreach", "fused", "capturable", "differentiable")


class Group(MutableMapping[str, Any]):
    """Parameters with hyper-parameters of their own, as a dict: `group["lr"] = 0.1`.

    Numbers that the pure optimiser keeps in its state can be set, and a scalar tensor as well;
    `params` and the others can be read.
    """

    def __init__(
        self, make: Callable[..., Optimizer], params: Sequence[Tensor], options: Mapping[str, Any]
    ) -> None:
        """Make the pure optimiser; it has no state until the first step."""
        self.params = list(params)
        signature = inspect.signature(make).parameters
        given = {name: value for name, value in options.items() if name not in _UNNEEDED}
        self.maximize = bool(given.pop("maximize", False))
        self.options = {name: p.default for name, p in signature.items()} | given
        self.optimizer = make(**self.options)
        if self.maximize:
            uphill = chain(basic.scale(-1.0), self.optimizer.transformation)
            self.optimizer = Optimizer(uphill)
        self.initial_lr: float | None = None
        """The rate before any scheduler set it."""
        self.cohorts: list[Cohort] = []
        self.hyper = hyperparameters(self.optimizer.init([]))

    def __getitem__(self, key: str) -> Any:
        """A hyper-parameter as a number, or the list of parameters."""
        if key == "params":
            return self.params
        value = self.options[key]
        return float(value) if isinstance(value, Tensor) else value

    def __setitem__(self, key: str, value: Any) -> None:
        """Set a hyper-parameter; nothing is compiled anew."""
        if key not in self.hyper:
            raise UsageError(
                "S0123",
                f"`{key}` cannot be set: the optimiser's state does not hold it",
                span=tracing.here(),
                notes=(f"it holds {', '.join(self.hyper) or 'none'}",),
                hint=did_you_mean(key, list(self.hyper)),
            )
        if isinstance(value, Tensor):
            held = ops.astype(value.detach(), dtypes.float32)
        else:
            held = Tensor(np.float32(value))
        self.hyper[key] = held
        self.options[key] = held if isinstance(value, Tensor) else float(value)

    def __delitem__(self, key: str) -> None:
        raise UsageError("S0123", f"`{key}` cannot be removed", span=tracing.here())

    def __iter__(self) -> Iterator[str]:
        """`params` and the names of the options."""
        return iter(["params", *self.options])

    def __len__(self) -> int:
        """How many names there are."""
        return 1 + len(self.options)

    def __repr__(self) -> str:
        """The options as they are now."""
        shown = [f"{name}: {self[name]!r}" for name in self if name != "params"]
        return f"Group({len(self.params)} parameters, {', '.join(shown)})"

    def step(self) -> list[Tensor]:
        """Record an update of every parameter that has a gradient; return what to evaluate."""
        ready = {i for i, p in enumerate(self.params) if p.grad is not None}
        known = {place for cohort in self.cohorts for place in cohort.places}
        self.cohorts = [part for cohort in self.cohorts for part in cohort.split(ready)]
        new = sorted(ready - known)
        if new:
            first = self.optimizer.init([self.params[i].detach() for i in new])
            self.cohorts.append(Cohort(new, first))
        changed = []
        for cohort in self.cohorts:
            if cohort.places[0] in ready:
                changed += self._step(cohort)
        return changed

    def _step(self, cohort: Cohort) -> list[Tensor]:
        params = [self.params[i] for i in cohort.places]
        slopes = [gradient_of(p) for p in params]
        updated = cohort.step(self.optimizer, params, slopes, self.hyper)
        for param, new in zip(params, updated, strict=True):
            param._value = owned(new._value, param)
        return [*params, *cohort.leaves]


def gradient_of(param: Tensor) -> Tensor:
    """The gradient of a parameter, which somebody may have assigned."""
    given = param.grad
    slope = given if isinstance(given, Tensor) else Tensor(given, param.dtype)
    if slope.shape != param.shape:
        raise UsageError(
            "S0146",
            f"step: the gradient of a parameter of shape {param.shape} has shape {slope.shape}",
            span=tracing.here(),
            hint="a gradient that is assigned has the parameter's shape",
        )
    return slope


def refuse_trace() -> None:
    """Raise UsageError (S0146) inside a traced function, where nothing can be stepped."""
    if tracing.is_tracing():
        raise UsageError(
            "S0146",
            "step() inside a traced function",
            span=tracing.here(),
            hint="use the pure optimiser there: `params, state = sp.optim.adam().update(…)`",
        )


class StatefulOptimizer:
    """Parameters, their state and `step()`; subclasses are the algorithms.

    `params` is an iterable of tensors (`model.parameters()`) or of dicts with `params` and options
    of their own. Parameters without a gradient stay as they are, and so does their state.

    >>> import slopec as sp
    >>> model = sp.nn.Linear(2, 1)
    >>> opt = sp.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    >>> for _ in range(3):
    ...     opt.zero_grad()
    ...     loss = (model(sp.ones((4, 2))) ** 2).mean()
    ...     loss.backward()
    ...     opt.step()
    >>> opt.lr = 0.01
    """

    make: Callable[..., Optimizer]

    def __init__(self, params: Iterable[Any], *args: Any, **options: Any) -> None:
        """See the pure optimiser for the options; with `maximize` steps go uphill.

        What PyTorch has to choose between its implementations (`foreach`, `fused`, `capturable`,
        `differentiable`) is understood and chooses nothing. Raises UsageError (S0146) without
        parameters or with what is no leaf, S0123 for options that there are not.
        """
        names = inspect.signature(type(self).make).parameters
        self.defaults = {**dict(zip(names, args, strict=False)), **options}
        self.param_groups: list[Group] = []
        if hasattr(params, "parameters"):
            raise UsageError(
                "S0146",
                f"{type(self).__name__} takes parameters, not a module",
                span=tracing.here(),
                hint="pass `model.parameters()`",
            )
        given = [params] if isinstance(params, Tensor) else list(params)
        groups: list[Any] = [{"params": given}]
        if given and isinstance(given[0], Mapping):
            groups = given
        for group in groups:
            self.add_param_group(group)

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """Add parameters with options of their own: `{"params": […], "lr": 0.1}`."""
        own = group["params"]
        params = [own] if isinstance(own, Tensor) else [_bare(p) for p in own]
        options = {**self.defaults, **{k: v for k, v in group.items() if k != "params"}}
        self._check(params, options)
        self.param_groups.append(Group(type(self).make, params, options))

    def _check(self, params: Sequence[Any], options: Mapping[str, Any]) -> None:
        name = type(self).__name__
        known = list(inspect.signature(type(self).make).parameters)
        for option in options:
            if option not in (*known, *_UNNEEDED, "maximize"):
                raise UsageError(
                    "S0123",
                    f"{name} has no option `{option}`",
                    span=tracing.here(),
                    hint=did_you_mean(option, known) or f"it has {', '.join(known)}",
                )
        _check_numbers(name, options)
        if not params:
            raise UsageError(
                "S0146",
                f"{name} got no parameters",
                span=tracing.here(),
                hint="pass `model.parameters()`; an iterator can be used once",
            )
        taken = {id(p) for group in self.param_groups for p in group.params}
        for place, param in enumerate(params):
            problem = _problem(param, taken)
            if problem is not None:
                raise UsageError(
                    "S0146", f"{name}: parameter {place} {problem}", span=tracing.here()
                )
            taken.add(id(param))

    # --- steps ---

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters from their gradients; returns the loss of `closure`, if given.

        `closure` computes the loss again and calls `backward`. Parameters and state are evaluated;
        gradients are not kept, so look at them before the step, or they are computed again.
        """
        refuse_trace()
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        slopes = [p.grad for group in self.param_groups for p in group.params]
        with no_grad():
            changed = [t for group in self.param_groups for t in group.step()]
        kept = [g._value for g in slopes if isinstance(g, Tensor)]
        evaluate([t._value for t in changed], without=kept, alongside=True)
        return loss

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients, or make them zeros."""
        for group in self.param_groups:
            for param in group.params:
                if param.grad is not None:
                    zeros = ops.zeros(param.shape, dtype=param.dtype)
                    param.grad = None if set_to_none else zeros

    @property
    def lr(self) -> Any:
        """The learning rate of the first group; assigning sets it for all, and compiles nothing."""
        return self.param_groups[0]["lr"]

    @lr.setter
    def lr(self, value: Any) -> None:
        for group in self.param_groups:
            group["lr"] = value

    # --- state ---

    def state_dict(self) -> dict[str, Any]:
        """The state and hyper-parameters, as tensors and numbers that do not change any more."""
        return {
            "groups": [
                {
                    "hyper": {name: group[name] for name in group.hyper},
                    "cohorts": [
                        {"places": list(c.places), "state": _frozen(c.state)} for c in group.cohorts
                    ],
                }
                for group in self.param_groups
            ]
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a state that `state_dict` gave, of an optimiser with as many parameters.

        Raises UsageError (S0146) for a state that does not fit.
        """
        saved = state.get("groups", ())
        if len(saved) != len(self.param_groups):
            raise _does_not_fit(f"{len(saved)} groups, expected {len(self.param_groups)}")
        for group, kept in zip(self.param_groups, saved, strict=True):
            _check_fits(group, kept)
        for group, kept in zip(self.param_groups, saved, strict=True):
            for name, value in kept["hyper"].items():
                group[name] = value
            group.cohorts = [Cohort(c["places"], _frozen(c["state"])) for c in kept["cohorts"]]

    def __repr__(self) -> str:
        """The groups."""
        return f"{type(self).__name__}({', '.join(map(repr, self.param_groups))})"


_NOT_NEGATIVE = ("lr", "momentum", "eps", "weight_decay", "lr_decay", "initial_accumulator_value")


def _check_numbers(name: str, options: Mapping[str, Any]) -> None:
    """Raise UsageError (S0123) for hyper-parameters with which nothing converges."""
    problem = None
    for key in _NOT_NEGATIVE:
        number = options.get(key)
        if isinstance(number, float | int) and not number >= 0:
            problem = f"{key} is at least 0, got {number}"
    betas = options.get("betas", (0, 0))
    two = isinstance(betas, Sequence) and len(betas) == 2
    if not two:
        problem = f"betas are two numbers, got {betas!r}"
    elif any(isinstance(beta, float | int) and not 0 <= beta < 1 for beta in betas):
        problem = f"betas are at least 0 and below 1, got {betas}"
    moving = options.get("momentum") and not options.get("dampening")
    if name == "SGD" and options.get("nesterov") and not moving:
        problem = "nesterov needs a momentum, and no dampening"
    if problem is not None:
        raise UsageError("S0123", f"{name}: {problem}", span=tracing.here())


def _bare(param: Any) -> Any:
    """A parameter that may come with its name."""
    return param[1] if isinstance(param, tuple) and len(param) == 2 else param


def _problem(param: Any, taken: set[int]) -> str | None:
    """Why something cannot be updated."""
    if not isinstance(param, Tensor):
        return f"is no tensor but {type(param).__name__} data"
    if param.device == "traced":
        return "belongs to a traced function"
    if not dtypes.is_differentiable(param.dtype):
        return f"is {param.dtype}, which has no gradient"
    if not param.is_leaf:
        return "was computed from others: optimise these, or its `detach()`"
    return "is there already" if id(param) in taken else None


def _frozen(state: Any) -> Any:
    return tree.map(lambda x: x.detach() if isinstance(x, Tensor) else Tensor(x), state)


def _check_fits(group: Group, kept: Mapping[str, Any]) -> None:
    for cohort in kept["cohorts"]:
        places = cohort["places"]
        if any(place >= len(group.params) for place in places):
            raise _does_not_fit(f"{max(places) + 1} parameters, expected {len(group.params)}")
        expected = group.optimizer.init([group.params[i].detach() for i in places])
        for path, a, b in zip(
            tree.paths(expected), tree.leaves(expected), tree.leaves(cohort["state"]), strict=True
        ):
            if tuple(np.shape(b)) != a.shape:
                raise _does_not_fit(f"`{path}` of shape {tuple(np.shape(b))}, expected {a.shape}")


def _does_not_fit(what: str) -> UsageError:
    return UsageError(
        "S0146", f"the state does not fit the optimiser: it has {what}", span=tracing.here()
    )


# --- the algorithms --------------------------------------------------------------------------


def _face(name: str, make: Callable[..., Optimizer]) -> type[StatefulOptimizer]:
    """The stateful face of a pure optimiser."""
    doc = f"""`slopec.optim.{make.__name__}` for the imperative style; takes its options by name.

    >>> import slopec as sp
    >>> p = sp.tensor([1.0, 2.0], requires_grad=True)
    >>> opt = sp.optim.{name}([p], lr=0.1)
    >>> (p * p).sum().backward()
    >>> opt.step()
    """
    body = {"make": staticmethod(make), "__doc__": doc, "__module__": __name__}
    return type(name, (StatefulOptimizer,), body)


SGD = _face("SGD", optimizers.sgd)
Adam = _face("Adam", optimizers.adam)
AdamW = _face("AdamW", optimizers.adamw)
NAdam = _face("NAdam", optimizers.nadam)
RAdam = _face("RAdam", optimizers.radam)
Adamax = _face("Adamax", optimizers.adamax)
Adagrad = _face("Adagrad", optimizers.adagrad)
RMSprop = _face("RMSprop", optimizers.rmsprop)
Adadelta = _face("Adadelta", optimizers.adadelta)
Rprop = _face("Rprop", optimizers.rprop)
ASGD = _face("ASGD", optimizers.asgd)
Lion = _face("Lion", optimizers.lion)
LAMB = _face("LAMB", optimizers.lamb)
LARS = _face("LARS", optimizers.lars)
Adafactor = _face("Adafactor", optimizers.adafactor)
Muon = _face("Muon", optimizers.muon)
AdaBelief = _face("AdaBelief", optimizers.adabelief)
Yogi = _face("Yogi", optimizers.yogi)
Adan = _face("Adan", optimizers.adan)
NovoGrad = _face("NovoGrad", optimizers.novograd)

STATEFUL = (
    SGD,
    Adam,
    AdamW,
    NAdam,
    RAdam,
    Adamax,
    Adagrad,
    RMSprop,
    Adadelta,
    Rprop,
    ASGD,
    Lion,
    LAMB,
    LARS,
    Adafactor,
    Muon,
    AdaBelief,
    Yogi,
    Adan,
    NovoGrad,
)
