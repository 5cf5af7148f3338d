"""What a checkpointed function saves for its reverse derivative: policies, under JAX's names.

A policy travels in the module as the attribute `slope.policy`, a list of rules, each a list of
words. What several rules allow is what any of them allows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from slopec import ir, tracing
from slopec.diagnostics import TransformError, did_you_mean
from slopec.dialects.attributes import DotDimensionNumbers

Rule = Callable[[ir.Operation, str | None, list[str]], bool]
"""Whether the result of an op, the name given to it, may be saved by a rule about names."""


@dataclass(frozen=True)
class Policy:
    """Rules for what may be saved; a rule is a kind and the names it is about.

    >>> save_only_these_names("scores", "context")
    save_only_these_names('scores', 'context')
    """

    rules: tuple[tuple[str, ...], ...]

    def __repr__(self) -> str:
        """The policy as it is written in Python."""
        spelled = [_spell(kind, names) for kind, *names in self.rules]
        return spelled[0] if len(spelled) == 1 else f"save_from_both_policies({', '.join(spelled)})"

    @property
    def automatic(self) -> bool:
        """Whether the cheapest values are to be found (`auto`)."""
        return any(kind == "auto" for kind, *_ in self.rules)

    def allows(self, op: ir.Operation, name: str | None) -> bool:
        """Whether a result of an op, which `checkpoint_name` gave a name or not, may be saved."""
        return any(_KINDS[kind](op, name, names) for kind, *names in self.rules)


def _spell(kind: str, names: list[str]) -> str:
    return f"{kind}({', '.join(map(repr, names))})" if kind in _OF_NAMES else kind


def _contracts(op: ir.Operation) -> bool:
    return op.name in ("stablehlo.dot_general", "stablehlo.dot", "stablehlo.convolution")


def _multiplies_matrices(op: ir.Operation) -> bool:
    if op.name != "stablehlo.dot_general":
        return False
    numbers = DotDimensionNumbers.parse(op.attributes["dot_dimension_numbers"])
    return not numbers.lhs_batching


_KINDS: dict[str, Rule] = {
    "nothing_saveable": lambda op, name, names: False,
    "everything_saveable": lambda op, name, names: True,
    "dots_saveable": lambda op, name, names: _contracts(op),
    "dots_with_no_batch_dims_saveable": lambda op, name, names: _multiplies_matrices(op),
    "save_only_these_names": lambda op, name, names: name in names,
    "save_anything_except_these_names": lambda op, name, names: name not in names,
    "save_any_names_but_these": lambda op, name, names: name is not None and name not in names,
    "auto": lambda op, name, names: True,
}
_OF_NAMES = tuple(kind for kind in _KINDS if "names" in kind)

nothing_saveable = Policy((("nothing_saveable",),))
"""Save nothing: all is computed again from the arguments. The default."""
everything_saveable = Policy((("everything_saveable",),))
"""Save what the derivative needs, but for what moves and arithmetic make of the rest of it."""
dots_saveable = Policy((("dots_saveable",),))
"""Save the results of contractions and convolutions."""
dots_with_no_batch_dims_saveable = Policy((("dots_with_no_batch_dims_saveable",),))
"""Save the results of contractions without batch dimensions: a transformer's layers, but not its
attention scores."""
auto = Policy((("auto",),))
"""Save the fewest bytes from which the rest is recomputed by elementwise ops; contractions,
reductions and other dear ops never run again."""


def save_only_these_names(*names: str) -> Policy:
    """Save the values to which `checkpoint_name` gave one of these names."""
    return _of_names("save_only_these_names", names)


def save_anything_except_these_names(*names: str) -> Policy:
    """Save what `everything_saveable` does, but for the values with one of these names."""
    return _of_names("save_anything_except_these_names", names)


def save_any_names_but_these(*names: str) -> Policy:
    """Save the values that have a name, but for these."""
    return _of_names("save_any_names_but_these", names)


def save_from_both_policies(first: Policy | str, second: Policy | str) -> Policy:
    """Save what either policy saves."""
    return Policy((*policy_of(first).rules, *policy_of(second).rules))


def _of_names(kind: str, names: tuple[Any, ...]) -> Policy:
    wrong = next((name for name in names if not isinstance(name, str)), None)
    if wrong is not None:
        raise TransformError(
            "S0215",
            f"{kind} takes names, got {type(wrong).__name__} {wrong!r}",
            span=tracing.here(),
            hint=f'write `{kind}("scores", "context")`',
        )
    return Policy(((kind, *names),))


def policy_of(given: Any) -> Policy:
    """The policy meant by a policy, by the name of one, or by None, the default.

    Raises TransformError (S0215) for anything else.
    """
    if given is None:
        return nothing_saveable
    if isinstance(given, Policy):
        return given
    plain = [kind for kind in _KINDS if kind not in _OF_NAMES]
    if isinstance(given, str) and given in plain:
        return Policy(((given,),))
    wanted = f"{given!r} is no checkpoint policy"
    hint = f"use one of {', '.join(plain)}, or `sp.checkpoint_policies.save_only_these_names(…)`"
    if given in _OF_NAMES or getattr(given, "__name__", None) in _OF_NAMES:
        kind = given if isinstance(given, str) else given.__name__
        wanted = f"the policy {kind} has no names"
        hint = f'write `sp.checkpoint_policies.{kind}("scores", "context")`'
    elif isinstance(given, str):
        hint = did_you_mean(given, plain) or hint
    elif callable(given):
        name = getattr(given, "__name__", type(given).__name__)
        wanted = f"a checkpoint policy cannot be a function, such as {name}"
        hint = f'write `policy="{name}"`' if name in plain else hint
    raise TransformError("S0215", wanted, span=tracing.here(), hint=hint)


def write_policy(policy: Policy) -> ir.Attribute:
    """A policy as the value of `slope.policy`."""
    return ir.string_rows(policy.rules)


def read_policy(function: ir.Operation) -> Policy:
    """The policy of a checkpointed function; nothing is saved where none is said.

    Raises TransformError (S0215) for a rule that is not known.
    """
    if "slope.policy" not in function.attributes:
        return nothing_saveable
    rules = ir.rows_of_strings(function.attributes["slope.policy"])
    unknown = [" ".join(rule) for rule in rules if not rule or rule[0] not in _KINDS]
    if unknown:
        raise TransformError(
            "S0215",
            f"{unknown[0]!r} is no checkpoint policy",
            span=ir.span_of(function),
            hint=f"a rule begins with one of {', '.join(_KINDS)}",
        )
    return Policy(rules)
