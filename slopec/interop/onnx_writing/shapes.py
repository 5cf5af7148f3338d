"""StableHLO's rearrangements and lookups, as operators of ONNX."""

import numpy as np

from slopec import ir
from slopec.dialects.attributes import GatherDimensionNumbers
from slopec.interop.onnx_writing.writer import Rule, Writer, refused
from slopec.reference.table import attribute


def constant(w: Writer, op: ir.Operation) -> str:
    """An array that the program holds."""
    return w.constant(ir.constant_array(op))


def iota(w: Writer, op: ir.Operation) -> str:
    """Numbers along a dimension, written out and broadcast."""
    shape, dtype = ir.type_of(op.results[0])
    along = attribute(op, "iota_dimension")
    ruler = np.arange(shape[along]).astype(dtype)
    line = ruler.reshape([-1 if d == along else 1 for d in range(len(shape))])
    return w.add("Expand", [w.constant(line), w.ints(shape)])


def reshape(w: Writer, op: ir.Operation) -> str:
    """Another shape."""
    return w.reshaped(w.name(op.operands[0]), ir.type_of(op.results[0])[0])


def transpose(w: Writer, op: ir.Operation) -> str:
    """Another order of dimensions."""
    return w.transposed(w.name(op.operands[0]), attribute(op, "permutation"))


def broadcast_in_dim(w: Writer, op: ir.Operation) -> str:
    """Dimensions put at their places, then spread."""
    (name,) = w.operands(op)
    places = list(attribute(op, "broadcast_dimensions"))
    given, _ = ir.type_of(op.operands[0])
    shape, _ = ir.type_of(op.results[0])
    order = sorted(range(len(places)), key=places.__getitem__)
    name = w.transposed(name, order)
    sizes = {places[d]: given[d] for d in range(len(places))}
    aligned = [sizes.get(d, 1) for d in range(len(shape))]
    if tuple(aligned) != tuple(given[d] for d in order):
        name = w.reshaped(name, aligned)
    return name if tuple(aligned) == tuple(shape) else w.add("Expand", [name, w.ints(shape)])


def slice_(w: Writer, op: ir.Operation) -> str:
    """The elements from a start to before a limit, in steps."""
    starts, limits, strides = (
        list(attribute(op, name)) for name in ("start_indices", "limit_indices", "strides")
    )
    given, _ = ir.type_of(op.operands[0])
    cut = [d for d, n in enumerate(given) if (starts[d], limits[d], strides[d]) != (0, n, 1)]
    parts = ([v[d] for d in cut] for v in (starts, limits, range(len(given)), strides))
    return w.add("Slice", [*w.operands(op), *(w.ints(part) for part in parts)])


def reverse(w: Writer, op: ir.Operation) -> str:
    """The elements along dimensions from the last to the first."""
    dims = list(attribute(op, "dimensions"))
    backwards = ([-1] * len(dims), [np.iinfo(np.int64).min] * len(dims), dims, [-1] * len(dims))
    return w.add("Slice", [*w.operands(op), *(w.ints(part) for part in backwards)])


def concatenate(w: Writer, op: ir.Operation) -> str:
    """Tensors one behind the other."""
    return w.add("Concat", w.operands(op), axis=int(attribute(op, "dimension")))


def pad(w: Writer, op: ir.Operation) -> str:
    """Margins of a value; negative ones are cut first."""
    low, high, between = (
        list(attribute(op, name))
        for name in ("edge_padding_low", "edge_padding_high", "interior_padding")
    )
    if any(between):
        raise refused(op, "between elements")
    x, value = w.operands(op)
    shape, _ = ir.type_of(op.operands[0])
    if any(n < 0 for n in (*low, *high)):
        # Not every evaluator of ONNX knows negative margins.
        starts = [max(-n, 0) for n in low]
        ends = [size - max(-n, 0) for n, size in zip(high, shape, strict=True)]
        x = w.add("Slice", [x, *(w.ints(v) for v in (starts, ends, range(len(shape))))])
    return w.add("Pad", [x, w.ints([max(n, 0) for n in (*low, *high)]), value])


def gather(w: Writer, op: ir.Operation) -> str:
    """Slices along one dimension, whose starts StableHLO moves inside."""
    numbers = GatherDimensionNumbers.parse(op.attributes["dimension_numbers"])
    sizes = tuple(attribute(op, "slice_sizes"))
    shape, _ = ir.type_of(op.operands[0])
    along = numbers.start_index_map[0] if len(numbers.start_index_map) == 1 else -1
    whole = tuple(1 if d == along else n for d, n in enumerate(shape))
    if along < 0 or sizes != whole or numbers.operand_batching_dims:
        raise refused(op, "of other than whole slices along one dimension")
    if numbers.collapsed_slice_dims != (along,):
        raise refused(op, "that keeps the dimension it looks up")
    x, places = w.operands(op)
    held, _ = ir.type_of(op.operands[1])
    if numbers.index_vector_dim < len(held):
        rest = [n for d, n in enumerate(held) if d != numbers.index_vector_dim]
        places = w.reshaped(places, rest)
    low, high = w.number(0, op.operands[1]), w.number(shape[along] - 1, op.operands[1])
    found = w.add("Gather", [x, w.add("Min", [w.add("Max", [places, low]), high])], axis=along)
    rank = len(ir.type_of(op.results[0])[0])
    offsets = list(numbers.offset_dims)
    batch = [d for d in range(rank) if d not in offsets]
    made = [*offsets[:along], *batch, *offsets[along:]]
    return w.transposed(found, [made.index(d) for d in range(rank)])


TABLE: dict[str, Rule] = {
    "stablehlo.constant": constant,
    "stablehlo.iota": iota,
    "stablehlo.reshape": reshape,
    "stablehlo.transpose": transpose,
    "stablehlo.broadcast_in_dim": broadcast_in_dim,
    "stablehlo.slice": slice_,
    "stablehlo.reverse": reverse,
    "stablehlo.concatenate": concatenate,
    "stablehlo.pad": pad,
    "stablehlo.gather": gather,
    "stablehlo.optimization_barrier": lambda w, op: w.name(op.operands[0]),
}
