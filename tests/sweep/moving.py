"""Ops that move elements: slice, pad, concatenate, reverse, transpose, reshape, broadcast, iota …"""

from collections.abc import Iterator, Sequence

import numpy as np
from jax import lax

from tests.sweep.case import Case
from tests.sweep.modules import EVERY, case, numbers, one_op, sample, traced, type_of
from tests.sweep.programs import tensor
from tests.sweep.values import SMALL_FLOATS

TYPES = (*EVERY, *SMALL_FLOATS)
Dims = Sequence[int]


def cases() -> Iterator[Case]:
    for family in (slices, pads, joins, turns, shapes, broadcasts, iotas, selects, dynamic):
        yield from family()


def slice_(what: str, x: np.ndarray, low: Dims, high: Dims, strides: Dims) -> Case:
    places = tuple(slice(a, b, s) for a, b, s in zip(low, high, strides, strict=True))
    attributes = f"start_indices = {numbers(low)}, limit_indices = {numbers(high)}, strides = {numbers(strides)}"
    return one_op(f"slice/{what}", [x], [x[places]], attributes)


def slices() -> Iterator[Case]:
    x = sample((5, 6))
    yield slice_("inner", x, (1, 2), (4, 5), (1, 1))
    yield slice_("strided", x, (0, 1), (5, 6), (2, 3))
    yield slice_("strides that do not divide", x, (1, 0), (5, 5), (3, 2))
    yield slice_("strides beyond the end", x, (0, 0), (5, 6), (9, 7))
    yield slice_("nothing", x, (2, 3), (2, 6), (1, 1))
    yield slice_("everything", x, (0, 0), (5, 6), (1, 1))
    yield slice_("one column", x, (0, 5), (5, 6), (1, 1))
    yield slice_("rank 0", sample(()), (), (), ())
    yield slice_("of nothing", sample((0, 3)), (0, 1), (0, 3), (1, 2))
    for kind in TYPES:
        yield slice_(f"of {kind}", sample((5, 6), kind), (1, 0), (5, 6), (2, 1))


def pad(what: str, x: np.ndarray, rows: Sequence[tuple[int, int, int]]) -> Case:
    value = sample((), x.dtype.name, 9)
    return traced(f"pad/{what}", lambda x, v: lax.pad(x, v, rows), x, value)


def pads() -> Iterator[Case]:
    x = sample((3, 4))
    yield pad("around", x, [(1, 2, 0), (0, 3, 0)])
    yield pad("between", x, [(0, 0, 1), (0, 0, 2)])
    yield pad("everywhere", x, [(2, 1, 1), (1, 2, 3)])
    yield pad("negative", x, [(-1, 0, 0), (0, -2, 0)])
    yield pad("negative on one side", x, [(-1, 2, 0), (3, -2, 0)])
    yield pad("negative into the gaps", x, [(-2, -1, 2), (-1, -3, 3)])
    yield pad("all is cut off", x, [(-1, -2, 0), (0, 0, 0)])
    yield pad("nothing", x, [(0, 0, 0), (0, 0, 0)])
    yield pad("empty", sample((0, 4)), [(1, 2, 0), (0, 0, 1)])
    yield pad("empty with gaps", sample((0, 4)), [(2, 2, 3), (1, 0, 1)])
    yield pad("rank 0", sample(()), [])
    yield pad("rank 4", sample((2, 1, 3, 2)), [(1, 0, 0), (0, 2, 4), (0, -1, 1), (-1, 1, 0)])
    for kind in TYPES:
        yield pad(f"of {kind}", sample((3, 4), kind), [(1, -1, 1), (-1, 2, 0)])


def joined(what: str, xs: Sequence[np.ndarray], dim: int) -> Case:
    return one_op(f"concatenate/{what}", xs, [np.concatenate(xs, dim)], f"dimension = {dim} : i64")


def joins() -> Iterator[Case]:
    x, y, z = sample((2, 3)), sample((4, 3), seed=1), sample((2, 1), seed=2)
    yield joined("rows", [x, y], 0)
    yield joined("columns", [x, z, x], 1)
    yield joined("with nothing", [x, sample((0, 3)), y], 0)
    yield joined("nothing", [sample((0, 3)), sample((0, 3))], 0)
    yield joined("one", [x], 0)
    yield joined("vectors", [sample((1,)), sample((5,)), sample((2,))], 0)
    yield joined("middle of three", [sample((2, 3, 4)), sample((2, 5, 4))], 1)
    yield joined("40 operands", [sample((2, 2), seed=i) for i in range(40)], 0)
    for kind in TYPES:
        yield joined(f"of {kind}", [sample((2, 3), kind), sample((2, 2), kind)], 1)


def turns() -> Iterator[Case]:
    x = sample((2, 3, 4))
    for dims in ((0,), (2,), (0, 2), (0, 1, 2), ()):
        yield one_op(f"reverse/{dims}", [x], [np.flip(x, dims)], f"dimensions = {numbers(dims)}")
    for order in ((0, 1, 2), (2, 1, 0), (1, 2, 0), (0, 2, 1)):
        yield one_op(f"transpose/{order}", [x], [x.transpose(order)], f"permutation = {numbers(order)}")  # fmt: skip
    yield one_op("transpose/nothing", [sample((0, 3))], [sample((3, 0))], "permutation = array<i64: 1, 0>")  # fmt: skip
    yield one_op("transpose/rank 0", [sample(())], [sample(())], "permutation = array<i64>")
    yield one_op("reverse/nothing", [sample((0, 3))], [sample((0, 3))], "dimensions = array<i64: 0>")  # fmt: skip
    for kind in TYPES:
        y = sample((3, 5), kind)
        yield one_op(f"reverse/of {kind}", [y], [np.flip(y, 1)], "dimensions = array<i64: 1>")
        yield one_op(f"transpose/of {kind}", [y], [y.T], "permutation = array<i64: 1, 0>")


def shapes() -> Iterator[Case]:
    pairs = [((2, 6), (3, 4)), ((12,), (2, 3, 2)), ((1, 1), ()), ((), (1, 1, 1)), ((0, 3), (5, 0)),
             ((2, 3), (2, 1, 3, 1)), ((7,), (7,))]  # fmt: skip
    for old, new in pairs:
        x = sample(old)
        yield one_op(f"reshape/{old} to {new}", [x], [x.reshape(new)])
    for kind in TYPES:
        x = sample((2, 6), kind)
        yield one_op(f"reshape/of {kind}", [x], [x.reshape(4, 3)])


def broadcast_in_dim(what: str, x: np.ndarray, shape: Dims, dims: Dims) -> Case:
    sizes, order = [1] * len(shape), np.argsort(dims)
    for place in order:
        sizes[dims[place]] = x.shape[place]
    y = np.array(np.broadcast_to(x.transpose(order).reshape(sizes), shape))
    return one_op(f"broadcast_in_dim/{what}", [x], [y], f"broadcast_dimensions = {numbers(dims)}")


def broadcasts() -> Iterator[Case]:
    yield broadcast_in_dim("scalar", sample(()), (2, 3), ())
    yield broadcast_in_dim("scalar to scalar", sample(()), (), ())
    yield broadcast_in_dim("rows", sample((3,)), (2, 3), (1,))
    yield broadcast_in_dim("columns", sample((2,)), (2, 3), (0,))
    yield broadcast_in_dim("stretched", sample((1, 3)), (2, 3), (0, 1))
    yield broadcast_in_dim("transposed", sample((3, 2)), (2, 4, 3), (2, 0))
    yield broadcast_in_dim("transposed and stretched", sample((3, 1)), (2, 4, 3), (2, 0))
    yield broadcast_in_dim("to nothing", sample((3,)), (0, 3), (1,))
    yield broadcast_in_dim("of nothing", sample((0,)), (2, 0), (1,))
    x = sample((3,))
    yield one_op("broadcast/in front", [x], [np.array(np.broadcast_to(x, (2, 4, 3)))], "broadcast_sizes = array<i64: 2, 4>")  # fmt: skip
    for kind in TYPES:
        yield broadcast_in_dim(f"of {kind}", sample((3,), kind), (3, 2), (0,))


def iotas() -> Iterator[Case]:
    for shape, dim in [((5,), 0), ((2, 3), 0), ((2, 3), 1), ((0, 3), 1), ((2, 3, 4), 1)]:
        y = np.array(np.broadcast_to(np.arange(shape[dim]).reshape([-1 if d == dim else 1 for d in range(len(shape))]), shape))  # fmt: skip
        yield one_op(f"iota/{shape} along {dim}", [], [y.astype("int32")], f"iota_dimension = {dim} : i64")  # fmt: skip
    for kind in EVERY:
        if kind != "bool":
            yield one_op(f"iota/of {kind}", [], [np.arange(9).astype(kind)], "iota_dimension = 0 : i64")  # fmt: skip


def selects() -> Iterator[Case]:
    mask = sample((3, 4), "bool")
    for kind in TYPES:
        x, y = sample((3, 4), kind), sample((3, 4), kind, 1)
        yield one_op(f"select/of {kind}", [mask, x, y], [np.where(mask, x, y)])
    x, y = sample((3, 4)), sample((3, 4), seed=1)
    for value in (False, True):
        yield one_op(f"select/scalar {value}", [np.array(value), x, y], [x if value else y])
    yield one_op("select/nothing", [np.zeros((0,), bool), sample((0,)), sample((0,))], [sample((0,))])  # fmt: skip
    yield one_op("optimization_barrier/two", [x, mask], [x, mask])
    yield case("tuple/there and back", [x, mask], [mask, x], _tuples(x, mask))


def _tuples(x: np.ndarray, mask: np.ndarray) -> str:
    a, b = type_of(x), type_of(mask)
    inner, outer = f"tuple<{a}, {b}>", f"tuple<tuple<{a}, {b}>, {a}>"
    return f"""%t = stablehlo.tuple %0, %1 : {inner}
      %u = "stablehlo.tuple"(%t, %0) : ({inner}, {a}) -> {outer}
      %v = stablehlo.get_tuple_element %u[0] : ({outer}) -> {inner}
      %m = stablehlo.get_tuple_element %v[1] : ({inner}) -> {b}
      %n = stablehlo.get_tuple_element %u[1] : ({outer}) -> {a}
      %r:2 = stablehlo.optimization_barrier %m, %n : {b}, {a}"""


STARTS = {
    "inside": (1, 2), "at the end": (3, 3), "beyond": (4, 9), "before": (-1, -7), "one each": (-3, 99),
    "farthest": (2**31 - 1, -(2**31)),
}  # fmt: skip


def dynamic() -> Iterator[Case]:
    for word, starts in STARTS.items():
        yield from _dynamic(word, sample((5, 6)), np.array(starts, "int32"))
    for kind in ("int8", "int16", "int64", "uint8", "uint16", "uint32", "uint64"):
        ends = np.iinfo(kind)
        yield from _dynamic(f"at the ends of {kind}", sample((5, 6)), np.array([ends.max, ends.min], kind))  # fmt: skip
        yield from _dynamic(f"at {kind}", sample((5, 6)), np.array([2, 1], kind))
    for kind in TYPES:
        yield from _dynamic(f"of {kind}", sample((5, 6), kind), np.int32([7, 1]))
    yield from _dynamic("nothing", sample((5, 6)), np.int32([9, 1]), (0, 3))
    yield from _dynamic("everything", sample((5, 6)), np.int32([2, -2]), (5, 6))


def _dynamic(word: str, x: np.ndarray, starts: np.ndarray, sizes: Dims = (2, 3)) -> Iterator[Case]:
    places = [min(max(int(i), 0), n - m) for i, n, m in zip(starts, x.shape, sizes, strict=True)]
    window = tuple(slice(p, p + m) for p, m in zip(places, sizes, strict=True))
    given = [np.array(i) for i in starts]
    yield one_op(f"dynamic_slice/{word}", [x, *given], [np.array(x[window])], f"slice_sizes = {numbers(sizes)}")  # fmt: skip
    update, changed = sample(sizes, x.dtype.name, 5), np.array(x)
    changed[window] = update
    yield one_op(f"dynamic_update_slice/{word}", [x, update, *given], [changed])
    if x.ndim == 2 and sizes == (2, 3) and word in STARTS:
        yield case(f"dynamic_slice/in a loop, {word}", [x, *given], [np.array(x[window]) * 3], _loop(x, given))  # fmt: skip


def _loop(x: np.ndarray, starts: Sequence[np.ndarray]) -> str:
    """The sum of three slices, taken in a loop."""
    part, index = tensor((2, 3), x.dtype.name), type_of(starts[0])
    return f"""%z = stablehlo.constant dense<0.0> : {part}
      %i = stablehlo.constant dense<0> : tensor<i32>
      %one = stablehlo.constant dense<1> : tensor<i32>
      %end = stablehlo.constant dense<3> : tensor<i32>
      %w:2 = stablehlo.while(%k = %i, %s = %z) : tensor<i32>, {part}
       cond {{ %c = stablehlo.compare LT, %k, %end : (tensor<i32>, tensor<i32>) -> tensor<i1>
        stablehlo.return %c : tensor<i1> }}
       do {{ %d = stablehlo.dynamic_slice %0, %1, %2, sizes = [2, 3] : ({type_of(x)}, {index}, {index}) -> {part}
        %t = stablehlo.add %s, %d : {part}
        %n = stablehlo.add %k, %one : tensor<i32>
        stablehlo.return %n, %t : tensor<i32>, {part} }}
      %r = stablehlo.reshape %w#1 : ({part}) -> {part}"""
