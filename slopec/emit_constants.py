"""Large constants go into the artifact beside IREE's module, which asks for them by name.

What a module holds, IREE reads, hashes, and writes again: of a model's weights, most of what
compiling it took. These are IREE's *parameters*, which the runtime maps from the file.

They are what kernels take, and tables in which something is looked up. With other constants IREE
computes ahead what it can, and it cannot with what it does not have.
"""

from contextlib import suppress

import numpy as np

from slopec import ir
from slopec.constants import LARGE
from slopec.kernels.kernel import DISPATCH
from slopec.kernels.parts import varying
from slopec_runtime.convention import CONSTANTS

_LOOKUPS = ("stablehlo.gather", "stablehlo.dynamic_slice")


def take_out(module: ir.Module) -> dict[str, np.ndarray]:
    """Have a module ask for its large constants by name; gives what they are."""
    found = [op for op in ir.ops_in(module, "stablehlo.constant") if _is_large(op)]
    inputs = varying(module) if found else set()
    names: dict[ir.Attribute, str] = {}
    arrays: dict[str, np.ndarray] = {}
    for op in found:
        uses = op.results[0].uses
        if not all(_may_ask(u.owner.operation, u.operand_number, inputs) for u in uses):
            continue
        with suppress(TypeError):  # of one that is kept elsewhere, which cannot be read
            array = ir.constant_array(op)
            name = names.setdefault(op.attributes["value"], str(len(names)))
            if name not in arrays:
                _declare(module, name, op.results[0].type)
            arrays[name] = array
            _ask(op, name)
    return arrays


def _is_large(op: ir.Operation) -> bool:
    (value,) = op.results
    is_plain = ir.type_of(value)[1].kind in "iuf" and not ir.is_uniform(op)
    return is_plain and ir.size_in_bytes(value) >= LARGE


def _may_ask(user: ir.Operation, place: int, inputs: set[ir.Value]) -> bool:
    """Whether an op uses an operand when the program runs, and in no other form."""
    taken = user.name == DISPATCH or (user.name in _LOOKUPS and place == 0)
    return taken and any(operand in inputs for operand in user.operands)


def _declare(module: ir.Module, name: str, type_: ir.Type) -> None:
    value = f'#flow.parameter.named<"{CONSTANTS}"::"{name}">'
    shell = ir.parse(f"util.global private @{_symbol(name)} = {value} : {type_}")
    (declared,) = shell.body.operations
    declared.operation.clone(ip=ir.InsertionPoint.at_block_begin(module.body))


def _ask(op: ir.Operation, name: str) -> None:
    """Have what is declared under a name take the place of a constant."""
    type_, facts = op.results[0].type, {"global": ir.symbol(_symbol(name))}
    point = ir.InsertionPoint(op)
    asked = ir.create("util.global.load", [type_], [], facts, op.location, point)
    op.results[0].replace_all_uses_with(asked.results[0])
    op.erase()


def _symbol(name: str) -> str:
    return f"slopec_constant_{name}"
