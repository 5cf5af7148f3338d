"""The kernels of a module are put together in a few executables, which are compiled at once.

Those placed first are ready to be compiled while others are still sought.

Those that are given nothing but constants stay by themselves: the back end may run them while it
compiles, as it computes ahead what depends on no argument, such as weights in a product's panels.
"""

from collections.abc import Iterator, Sequence

from slopec import ir
from slopec.emit_linking import parts_of
from slopec.kernels.kernel import DISPATCH, SOURCE, entry_points
from slopec.transforms.body import origin

BESIDE = "slope.beside"
"""The attribute of executables that may be compiled apart from the module.

It is their name, which keeps IREE from taking one without code for another.
"""

_SHELL = """
hal.executable.source private @{name} attributes {{{beside} = "{name}"}} {{
  builtin.module {{}}
}}
"""


def gather(module: ir.Module, most: int) -> None:
    """Put together the kernels that run on what the module's functions are called with.

    They become `most` executables at most, beside those that others were put together in before.
    """
    dispatches, evaluated = _dispatches(module)
    sources = [op.operation for op in module.body.operations if op.operation.name == SOURCE]
    before = [s for s in sources if BESIDE in s.attributes]
    alone = [s for s in sources if BESIDE not in s.attributes]
    together = [s for s in alone if entry_points(ir.symbol_name(s)) not in evaluated]
    moved: dict[ir.Attribute, ir.Attribute] = {}
    for number, part in enumerate(parts_of(together, most) if together else ()):
        name = f"slopec_kernels_{len(before) + number}"
        _put_together(module, name, part)
        names = map(ir.symbol_name, part)
        moved |= {entry_points(kernel): entry_points(kernel, name) for kernel in names}
    for op in dispatches:
        called = op.attributes["entry_points"]
        op.attributes["entry_points"] = moved.get(called, called)
    for source in together:
        source.erase()


def apart(module: ir.Module) -> Iterator[ir.Module]:
    """Move the code of each executable put together to a module of its own; entry points stay."""
    for op in module.body.operations:
        source = op.operation
        functions = _inner(_code(source)) if BESIDE in source.attributes else []
        if not functions:
            continue
        alone = ir.new_module()
        moved = source.clone(ip=ir.InsertionPoint(alone.body))
        moved.attributes["sym_visibility"] = ir.string("public")  # or IREE drops what none calls
        for function in functions:
            function.erase()
        yield alone


def spare_reshapes(module: ir.Module) -> None:
    """Give kernels, which do not look at shapes, what was reshaped for them.

    IREE's passes are spared half of a training step's ops.
    """
    for op in (op for function in ir.functions(module) for op in ir.ops_in(function, DISPATCH)):
        for place, value in enumerate(op.operands):
            op.operands[place] = origin(value, ("reshape",))


def varying(module: ir.Module) -> set[ir.Value]:
    """The values of a module that depend on what its functions are called with."""
    found: set[ir.Value] = set()
    for op in (op for function in ir.functions(module) for op in ir.owners_first(function)):
        varies = any(operand in found for operand in op.operands)
        if varies:
            found.update(op.results)
        if varies or (op.name == "func.func" and ir.is_public(op)):
            found.update(a for region in op.regions for block in region for a in block.arguments)
    return found


def _dispatches(module: ir.Module) -> tuple[list[ir.Operation], set[ir.Attribute]]:
    """The dispatches of a module, and what those call that may depend on constants alone."""
    inputs = varying(module)
    dispatches = ir.ops_in(module, DISPATCH)
    alone = [op for op in dispatches if not any(operand in inputs for operand in op.operands)]
    return dispatches, {op.attributes["entry_points"] for op in alone}


def _put_together(module: ir.Module, name: str, sources: Sequence[ir.Operation]) -> None:
    """Move the entry points of executables, and their code, to a new one."""
    shell = ir.parse(_SHELL.format(name=name, beside=BESIDE))
    (executable,) = shell.body.operations
    made = executable.operation.clone(ip=ir.InsertionPoint.at_block_begin(module.body))
    code = _code(made)
    for ordinal, source in enumerate(sources):
        export, body, *_ = _inner(source)
        export.attributes["ordinal"] = ir.attr(f"{ordinal} : index")
        export.move_before(code)
        ir.body_of(code).append(_inner(body)[0])


def _code(executable: ir.Operation) -> ir.Operation:
    """The module of an executable's functions."""
    (code,) = [op for op in _inner(executable) if op.name == "builtin.module"]
    return code


def _inner(op: ir.Operation) -> list[ir.Operation]:
    """The ops that an op consists of."""
    return [inner.operation for inner in ir.body_of(op).operations]
