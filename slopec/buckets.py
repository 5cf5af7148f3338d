"""Which symbolic dimensions a batch may be split along, so that any size can be computed."""

from collections.abc import Mapping

from slopec import ir
from slopec.diagnostics import UsageError
from slopec.independence import MixedError, prove, same_but_for_size
from slopec.lower import PROBE, Lowered
from slopec_runtime.manifest import Dim, EntryPoint
from slopec_runtime.sizes import is_name, names


def independent_dims(lowered: Lowered, module: ir.Module) -> dict[str, Dim]:
    """The symbolic dimensions of a derived module, with a proof or not of independent rows.

    Functions that were traced for the proof alone are removed.

    Raises UsageError when there is no proof and the user chose no sizes.
    """
    result = {}
    for dim, sizes in lowered.sizes.items():
        try:
            for name, entry in lowered.entries.items():
                if any(dim in variant.dims for variant in entry.variants):
                    _prove(module, name, entry, dim)
            result[dim] = Dim(sizes, independent=True)
        except MixedError as mixed:
            if not lowered.chosen_sizes:
                raise UsageError(
                    "S0114",
                    f"the rows along `{dim}` are not independent: {mixed.why}",
                    span=mixed.span,
                    notes=("so a batch cannot be computed in pieces of other sizes",),
                    hint=f"name the sizes to compile for: --dim {dim}=1,32",
                ) from None
            result[dim] = Dim(sizes, independent=False)
    for op in list(ir.functions(module)):
        if PROBE in op.attributes:
            op.erase()
    return result


def _prove(module: ir.Module, name: str, entry: EntryPoint, dim: str) -> None:
    """Prove that the rows along `dim` are independent in one entry, or raise MixedError."""
    choices = _choices(module, name, entry)
    largest = {d: max(choice[d] for choice in choices) for d in choices[0]}
    sizes = {choice[dim] for choice in choices}
    function = ir.function(module, symbol_for(name, largest))
    _refuse_formulas(entry, dim, function)
    batch = {
        i: given.shape.index(dim) for i, given in enumerate(entry.inputs) if dim in given.shape
    }
    found = prove(function, batch, largest[dim])
    same_but_for_size(function, ir.function(module, symbol_for(name, {**largest, dim: min(sizes)})))
    for place, output in zip(found, entry.outputs, strict=True):
        named = output.shape.index(dim) if dim in output.shape else None
        if place != named:
            why = f"the result `{output.name}` does not follow the rows"
            raise MixedError(why, ir.span_of(function))


def _refuse_formulas(entry: EntryPoint, dim: str, function: ir.Operation) -> None:
    shapes = {array.name: array.shape for array in entry.inputs}
    shapes.update((array.name, array.shape) for array in entry.outputs)
    for name, shape in shapes.items():
        for size in shape:
            if dim in names(size) and not is_name(size):
                raise MixedError(f"`{name}` has {size} of them", ir.span_of(function))


def symbol_for(name: str, dims: Mapping[str, int]) -> str:
    """The exported function of an entry for a choice of sizes."""
    return name + "".join(f"_{d}{n}" for d, n in dims.items())


def _choices(module: ir.Module, name: str, entry: EntryPoint) -> list[dict[str, int]]:
    """Every choice of sizes that was traced, probes included."""
    symbols = {ir.symbol_name(op) for op in ir.functions(module)}
    names = list(entry.variants[0].dims)
    exported = [dict(variant.dims) for variant in entry.variants]
    columns = {d: sorted({choice[d] for choice in exported}) for d in names}
    widened = {d: [*sizes, *range(sizes[-1] + 1, sizes[-1] + 2)] for d, sizes in columns.items()}
    choices: list[dict[str, int]] = [{}]
    for d in names:
        choices = [{**choice, d: size} for choice in choices for size in widened[d]]
    return [choice for choice in choices if symbol_for(name, choice) in symbols]
