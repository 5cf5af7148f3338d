"""Named axes: a mapped function speaks to the other members of its batch over the name of the axis.

While a function is traced, the names around it and their sizes are known here. In the module an op
over a named axis is a StableHLO collective whose processes are the members, with the name in its
attribute `slope.axis`; batching over that axis writes it with ordinary ops.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from slopec import ir, tracing
from slopec.diagnostics import TransformError
from slopec.transforms.inline import callees

NAME = "slope.axis"
"""The attribute that names the axis of a collective, and of a declared `vmap`."""

Lookup = Callable[[str], ir.Operation]

_bound: ContextVar[Mapping[str, int]] = ContextVar("slopec_axes", default={})  # noqa: B039


@contextmanager
def binding(name: str | None, size: int) -> Iterator[None]:
    """Let what is traced meanwhile use the axis `name`; without a name nothing changes."""
    token = _bound.set(_bound.get() if name is None else {**_bound.get(), name: size})
    try:
        yield
    finally:
        _bound.reset(token)


def size_of(verb: str, name: object) -> int:
    """The size of the axis `name`, which `verb` is over; raises TransformError (S0217)."""
    known = _bound.get()
    if isinstance(name, str) and name in known:
        return known[name]
    names = ", ".join(map(repr, known)) or "none"
    raise TransformError(
        "S0217",
        f"{verb}: no axis around this call has the name {name!r}",
        span=tracing.here(),
        notes=(f"the names around it: {names}",),
        hint=f"map the function with `sp.vmap(f, axis_name={name!r})` or `sp.pmap`",
    )


def axis_of(op: ir.Operation) -> str | None:
    """The name of the axis that an op is over, if it is over one."""
    return ir.string_in(op, NAME) if NAME in op.attributes else None


def uses(lookup: Lookup, op: ir.Operation, axis: str | None) -> bool:
    """Whether an op, one in its regions, or one in a function that it calls is over `axis`."""
    return axis is not None and _uses(lookup, op, axis, set())


def _uses(lookup: Lookup, op: ir.Operation, axis: str, seen: set[str]) -> bool:
    if any(inner.name != "func.func" and axis_of(inner) == axis for inner in ir.ops_in(op)):
        return True
    symbols = callees(op)
    if op.name == "func.func":
        symbols += ir.symbols_in(op)  # what it is derived from, and its rule
    new = [symbol for symbol in symbols if symbol not in seen]
    seen.update(new)
    return any(_uses(lookup, lookup(symbol), axis, seen) for symbol in new)
