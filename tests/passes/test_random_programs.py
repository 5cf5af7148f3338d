"""Random programs compute after `simplify` what they computed before."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slopec import dtypes, hlo, ir, reference, tracing
from slopec.dialects.attributes import DotDimensionNumbers
from slopec.passes.pattern import apply
from slopec.passes.simplify import Simplify
from slopec.tensor import Tensor
from slopec.tracing import Trace

Draw = st.DataObject
SIZES = st.sampled_from([1, 1, 2, 3, 4])
SHAPES = st.lists(SIZES, max_size=3).map(tuple)
FLAVOURS = {
    "exact": Simplify(),
    "loose": Simplify(signed_zeros=False, fast_math=True),
}


def leaf(draw: Draw, shape: ir.Shape, dtype: dtypes.DType) -> Tensor:
    """A constant, uniform or not, or an iota."""
    kind = draw.draw(st.sampled_from(["splat", "array", "iota"]), "leaf")
    if kind == "iota" and shape:
        return hlo.iota(shape, draw.draw(st.integers(0, len(shape) - 1)), dtype)
    if kind == "array":
        seed = draw.draw(st.integers(0, 9))
        return hlo.constant(np.random.default_rng(seed).integers(-2, 3, shape).astype(dtype))
    return hlo.full(shape, draw.draw(st.sampled_from([0, 1, -1, 2, 3])), dtype)


def unary(draw: Draw, x: Tensor) -> Tensor:
    return draw.draw(st.sampled_from([hlo.negate, hlo.negate, hlo.abs_]))(x)


def binary(draw: Draw, x: Tensor) -> Tensor:
    name = draw.draw(st.sampled_from("add subtract multiply maximum minimum".split()), "binary")
    other = draw.draw(st.sampled_from([x, None]))
    y = leaf(draw, x.shape, x.dtype) if other is None else again(draw, other)
    x, y = (x, y) if draw.draw(st.booleans()) else (y, x)
    return getattr(hlo, name)(x, y)


def again(draw: Draw, x: Tensor) -> Tensor:
    """Another tensor of the type of `x`, made from it."""
    way = draw.draw(st.sampled_from(["itself", "negated", "reversed", "reduced"]), "again")
    if way == "negated":
        return hlo.negate(x)
    if way == "reversed":
        return hlo.reverse(x, range(x.ndim))
    if way == "reduced" and x.ndim:
        return hlo.broadcast_in_dim(summed(x, (0,)), x.shape, range(1, x.ndim))
    return x


def summed(x: Tensor, dims: tuple[int, ...], kind: str = "add") -> Tensor:
    start = {"add": 0, "maximum": -1000, "minimum": 1000, "multiply": 1}[kind]
    folded = hlo.reduce(x, hlo.full((), start, x.dtype), kind, dims)
    assert isinstance(folded, Tensor)
    return folded


def choose(draw: Draw, x: Tensor) -> Tensor:
    p = hlo.compare(x, leaf(draw, x.shape, x.dtype), draw.draw(st.sampled_from(["LT", "EQ", "GE"])))
    if draw.draw(st.booleans()):
        p = hlo.not_(p)
    zero = hlo.zeros_like(x)
    first, second = hlo.select(p, x, zero), hlo.select(p, zero, again(draw, x))
    return draw.draw(st.sampled_from([hlo.add, hlo.subtract]))(first, second)


def reshape(draw: Draw, x: Tensor) -> Tensor:
    ways = [(x.size,), (1, *x.shape), (*x.shape, 1), tuple(n for n in x.shape if n != 1)]
    if x.size % 2 == 0:
        ways.append((2, x.size // 2))
    return hlo.reshape(x, draw.draw(st.sampled_from(ways), "reshape"))


def transpose(draw: Draw, x: Tensor) -> Tensor:
    return hlo.transpose(x, draw.draw(st.permutations(range(x.ndim)), "transpose"))


def broadcast(draw: Draw, x: Tensor) -> Tensor:
    place = draw.draw(st.integers(0, x.ndim), "broadcast")
    shape = [*x.shape[:place], draw.draw(SIZES), *x.shape[place:]]
    stretched = [d if d < place else d + 1 for d in range(x.ndim)]
    return hlo.broadcast_in_dim(x, shape, stretched)


def cut(draw: Draw, x: Tensor) -> Tensor:
    starts = [draw.draw(st.integers(0, n - 1), "start") for n in x.shape]
    limits = [
        draw.draw(st.integers(a + 1, n), "limit") for a, n in zip(starts, x.shape, strict=True)
    ]
    return hlo.slice_(x, starts, limits, [draw.draw(st.integers(1, 2)) for _ in x.shape])


def pad(draw: Draw, x: Tensor) -> Tensor:
    low, high, gaps = ([draw.draw(st.integers(0, 2)) for _ in x.shape] for _ in range(3))
    value = hlo.full((), draw.draw(st.sampled_from([0, 0, 1])), x.dtype)
    return hlo.pad(x, value, low, high, [gap // 2 for gap in gaps])


def concatenate(draw: Draw, x: Tensor) -> Tensor:
    if not x.ndim:
        return x
    dim = draw.draw(st.integers(0, x.ndim - 1), "concatenate")
    return hlo.concatenate([again(draw, x) for _ in range(draw.draw(st.integers(1, 3)))], dim)


def split_and_join(draw: Draw, x: Tensor) -> Tensor:
    """The halves of `x`, padded with 0 and added: as gradients put pieces together."""
    if not x.ndim or x.shape[0] < 2:
        return x
    size, rest = x.shape[0], x.ndim - 1
    at = draw.draw(st.integers(1, size - 1), "at")
    zero = hlo.full((), 0, x.dtype)
    first = hlo.slice_(x, [0] * x.ndim, [at, *x.shape[1:]])
    second = hlo.slice_(x, [at, *[0] * rest], x.shape)
    low = hlo.pad(first, zero, [0] * x.ndim, [size - at, *[0] * rest])
    return hlo.add(low, hlo.pad(second, zero, [at, *[0] * rest], [0] * x.ndim))


def reverse(draw: Draw, x: Tensor) -> Tensor:
    return hlo.reverse(x, [d for d in range(x.ndim) if draw.draw(st.booleans())])


def reduce(draw: Draw, x: Tensor) -> Tensor:
    dims = tuple(d for d in range(x.ndim) if draw.draw(st.booleans()))
    return summed(x, dims, draw.draw(st.sampled_from(["add", "add", "maximum", "minimum"])))


def dot(draw: Draw, x: Tensor) -> Tensor:
    """A product of `x` with something of its shape, batched and contracted anywhere."""
    y = draw.draw(st.sampled_from([x, None]))
    y = leaf(draw, x.shape, x.dtype) if y is None else again(draw, y)
    order = draw.draw(st.permutations(range(x.ndim)), "order")
    use = [draw.draw(st.sampled_from(["batch", "sum", "free"])) for _ in order]
    batch = tuple(d for d, kind in zip(order, use, strict=True) if kind == "batch")
    contracted = tuple(d for d, kind in zip(order, use, strict=True) if kind == "sum")
    return hlo.dot_general(x, y, DotDimensionNumbers(batch, batch, contracted, contracted))


def window(draw: Draw, x: Tensor) -> Tensor:
    """A slice at constant places, some outside, or an update there."""
    sizes = [draw.draw(st.integers(1, n), "size") for n in x.shape]
    starts = [hlo.full((), draw.draw(st.integers(-1, 4)), dtypes.int32) for _ in sizes]
    piece = hlo.dynamic_slice(x, starts, sizes)
    if draw.draw(st.booleans()):
        return piece
    return hlo.dynamic_update_slice(again(draw, x), hlo.negate(piece), starts)


STEPS: list[Callable[[Draw, Tensor], Tensor]] = [
    unary,
    binary,
    choose,
    reshape,
    transpose,
    broadcast,
    cut,
    pad,
    concatenate,
    split_and_join,
    reverse,
    reduce,
    dot,
    window,
]


def program(draw: Draw, dtype: dtypes.DType) -> tuple[ir.Module, np.ndarray]:
    """A function of one argument whose results are the last values of a random chain of steps."""
    shape = draw.draw(SHAPES, "shape")
    module = ir.new_module()
    function = ir.create_function(
        module, "f", [ir.tensor_type(shape, dtype)], [], {}, ir.unknown(), body=True
    )
    block = ir.body_of(function)
    where = Trace(module, block, None, function=function)
    where.location = ir.unknown()
    with tracing.writing(where):
        x = Tensor._of_value(block.arguments[0], where, shape, dtype)
        values = [x]
        for _ in range(draw.draw(st.integers(1, 10), "length")):
            step = draw.draw(st.sampled_from(STEPS), "step")
            following = step(draw, x)
            if following.size <= 500:
                x = following
                values.append(x)
        results = [where.value_of(v) for v in values[-2:]]
        ir.create("func.return", [], results, None, ir.unknown(), where.point)
    ir.set_function_type(function, [block.arguments[0].type], [v.type for v in results])
    ir.verify(module)
    seed = draw.draw(st.integers(0, 9), "seed")
    if dtypes.is_integer(dtype):
        return module, np.random.default_rng(seed).integers(-9, 9, shape).astype(dtype)
    return module, np.random.default_rng(seed).standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("dtype", [dtypes.int32, dtypes.float64], ids=str)
@pytest.mark.parametrize("flavour", FLAVOURS)
@settings(max_examples=120)
@given(draw=st.data())
def test_simplified_programs_compute_the_same(
    flavour: str, dtype: dtypes.DType, draw: Draw
) -> None:
    module, argument = program(draw, dtype)
    before = reference.evaluate(module, "f", argument)
    text = str(module)
    FLAVOURS[flavour].run(module)

    ir.verify(module)
    assert not apply(module, FLAVOURS[flavour].patterns())
    after = reference.evaluate(module, "f", argument)
    for x, y in zip(before, after, strict=True):
        scale = float(np.abs(x).max(initial=1.0))
        np.testing.assert_allclose(y, x, rtol=1e-9, atol=1e-9 * scale, err_msg=f"{text}\n{module}")
