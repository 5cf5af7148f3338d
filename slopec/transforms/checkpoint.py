"""Trading time for memory: functions that are computed again where their derivative needs them.

A checkpointed function stays a call until it is derived; the rule of calls (`rules/calls.py`) then
splits its reverse derivative, saves what its policy says, and runs the rest again behind a barrier.
"""

import functools
from collections.abc import Callable
from typing import Any

from slopec import ir, tracing, tree
from slopec.diagnostics import TransformError
from slopec.lazy.record import outlined
from slopec.tensor import Tensor
from slopec.transforms.checkpoint_policies import Policy, policy_of, write_policy
from slopec.transforms.custom import kept
from slopec.transforms.function import Arguments, as_tensor, call, check_callable, is_array

Function = Callable[..., Any]


def checkpoint(function: Function | None = None, *, policy: Policy | str | None = None) -> Function:
    """`function`, for whose reverse derivative only what `policy` allows is saved.

    The rest is computed again from the arguments when the derivative needs it, which trades time
    for memory. `policy` is one of `sp.checkpoint_policies` or the name of one: `nothing_saveable`
    (the default), `everything_saveable`, `dots_saveable`, `dots_with_no_batch_dims_saveable`,
    `auto`, or `save_only_these_names(…)` and its kin, for values named by `checkpoint_name`. A loop
    within the function is saved or computed again as a whole. Values, derivatives of any order and
    forward mode stay the same. Usable as a decorator, and on modules.

    Raises TransformError S0207 for what is no function and S0215 for what is no policy.

    >>> import slopec as sp
    >>> @sp.checkpoint(policy="dots_saveable")
    ... def layer(w, x):
    ...     return sp.tanh(x @ w)
    >>> print(sp.grad(lambda w, x: layer(w, x).sum())(sp.ones((2, 1)), sp.zeros((1, 2))))
    tensor([[0.]
            [0.]], float32[2, 1], cpu)
    """
    chosen = policy_of(policy)
    if function is None:
        return lambda f: checkpoint(f, policy=chosen)
    check_callable("checkpoint", function)

    @outlined
    @functools.wraps(function)
    def recomputed(*args: Any, **kwargs: Any) -> Any:
        arguments = Arguments.of(args, kwargs)
        facts = {"slope.policy": write_policy(chosen)}
        traced = kept(function, arguments, "checkpoint", facts)
        flat = call(traced.symbol, [*arguments.tensors, *traced.captures], traced.outputs)
        return traced.result.unflatten(flat)

    return recomputed


@outlined
def checkpoint_name(x: Any, name: str) -> Any:
    """`x`, a pytree, under a name by which the policies of `checkpoint` can tell it.

    Raises TransformError S0215 when the name is no string.

    >>> import slopec as sp
    >>> def f(x):
    ...     return sp.sin(sp.checkpoint_name(sp.exp(x), "grown"))
    >>> policy = sp.checkpoint_policies.save_only_these_names("grown")
    >>> print(sp.grad(sp.checkpoint(f, policy=policy))(0.0))
    tensor(0.5403023, float32[], cpu)
    """
    if not isinstance(name, str):
        raise TransformError(
            "S0215",
            f"checkpoint_name takes a name, got {type(name).__name__} {name!r}",
            span=tracing.here(),
            hint='write `checkpoint_name(x, "scores")`',
        )
    leaves, treedef = tree.flatten(x)
    named = [_named(as_tensor(leaf), name) if is_array(leaf) else leaf for leaf in leaves]
    return treedef.unflatten(named)


def _named(x: Tensor, name: str) -> Tensor:
    def checkpoint_name(x: Tensor) -> Tensor:
        return x

    traced = kept(checkpoint_name, Arguments.of((x,), {}), "name", {"slope.name": ir.string(name)})
    return call(traced.symbol, [x], traced.outputs)[0]
