"""The `derive` pass: it writes the bodies of functions that are declared as derived from others.

A derivative begins as a copy of the function it is derived from. Reverse mode then walks the
copy backwards and appends, for every op that matters, the transposes of its linear maps; forward
mode walks it forwards and appends their applications. What the results do not need is removed
afterwards by `symbol-dce` and `cse`, as any other dead code. Batching writes a function anew.
"""

from dataclasses import dataclass

from slopec import ir, tracing
from slopec.diagnostics import TransformError
from slopec.tensor import Tensor
from slopec.tracing import Trace
from slopec.transforms.amp import write_amp
from slopec.transforms.batching import write_vmap
from slopec.transforms.expand import expand
from slopec.transforms.inline import callees, copy_as, inline_calls
from slopec.transforms.modes import write_jvp, write_vjp
from slopec.transforms.rule import rewrites
from slopec.transforms.slim import hoist


@dataclass(frozen=True)
class Derive:
    """Write the body of every function that is declared as derived from another."""

    name = "derive"

    def run(self, module: ir.Module) -> None:
        """Rewrite `module` in place; raises TransformError for what has no derivative."""
        derive(module)


def derive(module: ir.Module) -> None:
    """Write the body of every declared function of `module`, each after what it is made of."""
    deriver = Deriver(module)
    for symbol in list(deriver.table):
        deriver.ensure(symbol)


def pending(op: ir.Operation) -> bool:
    """Whether a function is declared as derived and has no body yet."""
    return "slope.derive" in op.attributes and not ir.has_body(op)


_WRITERS = {"vjp": write_vjp, "jvp": write_jvp}


class Deriver:
    """The module being derived, and its functions by name."""

    def __init__(self, module: ir.Module) -> None:
        """Take stock of the functions that are there."""
        self.module = module
        self.table = {ir.symbol_name(op): op for op in ir.functions(module)}

    def function(self, symbol: str) -> ir.Operation:
        """A function of the module, one that a rule has just added too."""
        if symbol not in self.table:
            self.table.update((ir.symbol_name(op), op) for op in ir.functions(self.module))
        if symbol not in self.table:
            raise TransformError("S0203", f"no function @{symbol} to call or derive from")
        return self.table[symbol]

    def fresh(self, stem: str) -> str:
        """A function name that the module does not have."""
        self.table.update((ir.symbol_name(op), op) for op in ir.functions(self.module))
        serial = 0
        while f"{stem}.{serial}" in self.table:
            serial += 1
        return f"{stem}.{serial}"

    def ensure(self, symbol: str, waiting: tuple[str, ...] = ()) -> ir.Operation:
        """Make the function `symbol`, and everything that it calls, have a body; return it."""
        op = self.function(symbol)
        if symbol in waiting:
            raise TransformError(
                "S0203",
                f"@{symbol} is made of itself",
                span=ir.span_of(op),
                notes=("a cycle: " + " → ".join(f"@{s}" for s in (*waiting, symbol)),),
            )
        if pending(op):
            of = ir.symbol_in(op, "slope.of")
            self.ensure(of, (*waiting, symbol))
            inline_calls(self.table, self.table[of])
            self.table[symbol] = self._fill(op, self.table[of])
        for callee in callees(self.table[symbol]):
            self.ensure(callee, (*waiting, symbol))
        return self.table[symbol]

    def _fill(self, declaration: ir.Operation, of: ir.Operation) -> ir.Operation:
        """Replace a declaration by the function that it declares."""
        kind = ir.string_in(declaration, "slope.derive")
        if kind == "vmap":
            return write_vmap(self, declaration, of)
        if kind.startswith("amp_"):
            return write_amp(self, declaration, of)
        writer = _WRITERS.get(kind)
        if writer is None:
            raise TransformError(
                "S0203",
                f"unknown transform {kind!r} in slope.derive",
                span=ir.span_of(declaration),
            )
        copy = copy_as(declaration, of)
        inputs, _ = ir.function_type(declaration)
        wrt = tuple(declaration.attributes["slope.wrt"])
        out = tuple(declaration.attributes["slope.out"])
        declaration.erase()
        block = ir.body_of(copy)
        end = list(block.operations)[-1].operation
        where = Trace(self.module, block, None, function=copy)
        given = len(block.arguments)
        seeds = [
            Tensor._of_value(
                block.add_argument(type_, ir.unknown()), where, *ir.shape_and_dtype(type_)
            )
            for type_ in inputs[given:]
        ]
        with tracing.writing(where):
            expand(copy, where, rewrites(), [block.arguments[i] for i in wrt])
            hoist(block)
            where.point = ir.InsertionPoint(end)
            extra = writer(self, where, block, end, wrt, out, seeds)
        values = [*end.operands, *(where.value_of(t) for t in extra)]
        ir.create("func.return", [], values, None, end.location, ir.InsertionPoint(end))
        end.erase()
        return copy
