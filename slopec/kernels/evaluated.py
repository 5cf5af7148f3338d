"""Which kernels the back end may run while it compiles: those that are given constants alone.

It computes ahead what depends on nothing but constants, such as weights in the panels of a product.
"""

from slopec import ir
from slopec.kernels.kernel import entry_points

SOURCE = "hal.executable.source"
EVALUATED = "slope.evaluated"
"""The attribute of a kernel that may run while the module is compiled."""


def mark(module: ir.Module) -> None:
    """Mark the kernels of which a dispatch may depend on constants alone."""
    varying: set[ir.Value] = set()
    evaluated: set[ir.Attribute] = set()

    def visit(op: ir.Operation) -> ir.WalkResult:
        varies = any(operand in varying for operand in op.operands)
        if varies:
            varying.update(op.results)
        elif op.name == "flow.dispatch":
            evaluated.add(op.attributes["entry_points"])
        if varies or (op.name == "func.func" and ir.is_public(op)):
            varying.update(a for region in op.regions for block in region for a in block.arguments)
        return ir.WalkResult.ADVANCE

    for function in ir.functions(module):
        function.walk(visit, ir.WalkOrder.PRE_ORDER)
    sources = (o.operation for o in module.body.operations if o.operation.name == SOURCE)
    for source in sources:
        if entry_points(ir.symbol_name(source)) in evaluated:
            source.attributes[EVALUATED] = ir.unit()
