"""Derivatives where an op's attributes make the difference: shapes and attributes are drawn."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax

from tests.transforms.harness import Case, check, normal

draws = settings(max_examples=30)
small = st.integers(1, 3)


@st.composite
def dots(draw):
    """Two shapes with batching, contracted and free dimensions in any order."""
    batch, summed = (
        [draw(st.integers(0, 3)) for _ in range(draw(st.integers(0, 2)))] for _ in "bc"
    )
    lefts, rights = ([draw(small) for _ in range(draw(st.integers(0, 2)))] for _ in "lr")

    def side(free):
        sizes = [*batch, *summed, *free]
        order = draw(st.permutations(range(len(sizes))))
        places = [order.index(i) for i in range(len(sizes))]
        shape = [sizes[i] for i in order]
        return shape, places[: len(batch)], places[len(batch) : len(batch) + len(summed)]

    left, right = side(lefts), side(rights)
    order = draw(st.permutations(range(len(summed))))
    contracting = [left[2][i] for i in order], [right[2][i] for i in order]
    return left[0], right[0], (contracting, (left[1], right[1]))


@draws
@given(dots())
def test_dot_general(drawn):
    left, right, numbers = drawn
    arrays = normal(*left), normal(*right, seed=1)
    check(Case("dot", lambda a, b: lax.dot_general(a, b, numbers), arrays))


@st.composite
def convolutions(draw):
    """Layouts, groups, strides, dilations and paddings, negative ones too."""
    rank = draw(st.integers(0, 2))
    kind = draw(st.sampled_from(["plain", "features", "batches"]))
    groups = 1 if kind == "plain" else draw(st.integers(2, 3))
    features, batches = ((groups, 1), (1, groups))[kind == "batches"]
    kernel = [draw(st.integers(1, 3)) for _ in range(rank)]
    options = {
        "window_strides": [draw(small) for _ in range(rank)],
        "lhs_dilation": [draw(small) for _ in range(rank)],
        "rhs_dilation": [draw(small) for _ in range(rank)],
        "feature_group_count": features,
        "batch_group_count": batches,
    }
    sizes = [draw(st.integers(1, 5)) for _ in range(rank)]
    options["padding"] = [(draw(st.integers(-1, 3)), draw(st.integers(0, 3))) for _ in range(rank)]
    inner = draw(small)
    left = [draw(small) * batches, inner * features, *sizes]
    right = [draw(small) * features * batches, inner, *kernel]
    letters = [draw(st.permutations(s + "01"[:rank])) for s in ("NC", "OI", "NC")]
    options["dimension_numbers"] = lax.ConvDimensionNumbers(
        *(
            tuple(place.index(c) for c in names + "01"[:rank])
            for place, names in zip(letters, ("NC", "OI", "NC"), strict=True)
        )
    )
    placed = [
        [size[(names + "01"[:rank]).index(c)] for c in place]
        for size, place, names in zip((left, right), letters, ("NC", "OI"), strict=False)
    ]
    return *placed, options


@draws
@given(convolutions())
def test_convolution(drawn):
    left, right, options = drawn
    arrays = normal(*left), normal(*right, seed=1)
    check(Case("conv", lambda x, k: lax.conv_general_dilated(x, k, **options), arrays))


REVERSED = """
func.func public @main(%x: tensor<2x5x6x2xf64>, %k: tensor<3x2x2x4xf64>) -> tensor<2xHxWx4xf64> {
  %0 = stablehlo.convolution(%x, %k)
    dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f],
    window = {stride = [STRIDE, 1], pad = [[1, 0], [0, 2]], lhs_dilate = [1, 2],
              rhs_dilate = [1, 2], reverse = [FIRST, SECOND]}
    {batch_group_count = 1 : i64, feature_group_count = 1 : i64}
    : (tensor<2x5x6x2xf64>, tensor<3x2x2x4xf64>) -> tensor<2xHxWx4xf64>
  return %0 : tensor<2xHxWx4xf64>
}"""


@draws
@given(st.booleans(), st.booleans(), small)
def test_convolution_with_a_kernel_turned_around(first, second, stride):
    words = {"FIRST": first, "SECOND": second, "STRIDE": stride}
    text = REVERSED.replace("H", str((6 - 3) // stride + 1)).replace("W", str(13 - 3 + 1))
    for word, value in words.items():
        text = text.replace(word, str(value).lower())
    check(Case("reversed", text, (normal(2, 5, 6, 2), normal(3, 2, 2, 4))))


@st.composite
def windows(draw, dilations):
    """A shape and windows over it that may overlap, stick out or leave gaps."""
    rank = draw(st.integers(1, 3))
    shape = [draw(st.integers(1, 5)) for _ in range(rank)]
    padding = [(draw(st.integers(0, 2)), draw(st.integers(0, 2))) for _ in range(rank)]
    ones = [1] * rank
    base, dilation = ([draw(small) for _ in range(rank)] if dilations else ones for _ in "bd")
    most = [
        ((n - 1) * b + low + high) // d + 1
        for n, b, d, (low, high) in zip(shape, base, dilation, padding, strict=True)
    ]
    window = [draw(st.integers(1, min(m, 4))) for m in most]
    strides = [draw(small) for _ in range(rank)]
    return shape, window, strides, padding, base, dilation


FOLDS = {"add": (lax.add, 0.0), "max": (lax.max, -np.inf), "min": (lax.min, np.inf)}


def pool(drawn, fold, start):
    shape, window, strides, padding, base, dilation = drawn

    def function(x):
        return lax.reduce_window(x, start, fold, window, strides, padding, base, dilation)

    values = np.random.default_rng(0).permutation(math.prod(shape)).reshape(shape) / 7.0
    return Case("window", function, (values,))


@draws
@given(windows(dilations=False), st.sampled_from(list(FOLDS)))
def test_reduce_window(drawn, kind):
    check(pool(drawn, *FOLDS[kind]))


@draws
@given(windows(dilations=True), st.sampled_from([*FOLDS, "mul"]))
def test_reduce_window_dilated(drawn, kind):
    case = pool(drawn, *({**FOLDS, "mul": (lax.mul, 1.0)}[kind]))
    # JAX refuses to pool dilated windows in reverse.
    check(Case(case.name, case.function, case.inputs, jax=kind == "add"))


@st.composite
def pads(draw):
    rank = draw(st.integers(1, 3))
    shape, config = [], []
    for _ in range(rank):
        n, between = draw(st.integers(0, 4)), draw(st.integers(0, 2))
        wide = n + max(n - 1, 0) * between
        low = draw(st.integers(-min(wide, 2), 3))
        high = draw(st.integers(max(-2, -(wide + low)), 3))
        shape.append(n)
        config.append((low, high, between))
    return shape, config


@draws
@given(pads())
def test_pad(drawn):
    shape, config = drawn
    check(Case("pad", lambda x, v: lax.pad(x, v, config), (normal(*shape), np.float64(0.5))))


@st.composite
def slices(draw):
    shape = [draw(st.integers(0, 6)) for _ in range(draw(st.integers(1, 3)))]
    start = [draw(st.integers(0, n)) for n in shape]
    limit = [draw(st.integers(s, n)) for s, n in zip(start, shape, strict=True)]
    return shape, start, limit, [draw(small) for _ in shape]


@draws
@given(slices())
def test_slice(drawn):
    shape, *bounds = drawn
    check(Case("slice", lambda x: lax.slice(x, *bounds), (normal(*shape),)))


@st.composite
def places(draw):
    """Windows at indices, some outside: dimension numbers in the most general form."""
    rank = draw(st.integers(1, 3))
    shape = [draw(st.integers(1, 4)) for _ in range(rank)]
    batching = draw(st.integers(0, rank - 1))
    indexed = draw(st.permutations(range(batching, rank)))
    indexed = indexed[: draw(st.integers(1, rank - batching))]
    collapsed = [d for d in indexed if draw(st.booleans())]
    sizes = [
        1 if d < batching or d in collapsed else draw(st.integers(1, n))
        for d, n in enumerate(shape)
    ]
    batch = [*shape[:batching], *[draw(st.integers(0, 3)) for _ in range(draw(st.integers(0, 2)))]]
    kept = [n for d, n in enumerate(sizes) if d >= batching and d not in collapsed]
    result = len(batch) + len(kept)
    offsets = sorted(draw(st.permutations(range(result)))[: len(kept)])
    random = np.random.default_rng(draw(st.integers(0, 99)))
    indices = random.integers(-1, 5, (*batch, len(indexed)))
    whole, rest = iter(kept), iter(batch)
    updates = [next(whole) if d in offsets else next(rest) for d in range(result)]
    common = tuple(offsets), tuple(sorted(collapsed)), tuple(indexed)
    lead = tuple(range(batching))
    return shape, indices, sizes, updates, (*common, lead, lead)


@draws
@given(places())
def test_gather(drawn):
    shape, indices, sizes, _, numbers = drawn
    numbers = lax.GatherDimensionNumbers(*numbers)

    def function(x, i):
        return lax.gather(x, i, numbers, sizes, mode="clip")

    check(Case("gather", function, (normal(*shape), indices)))


@draws
@given(places(), st.sampled_from(["scatter_add", "scatter", "scatter_max", "scatter_min"]))
def test_scatter(drawn, kind):
    shape, indices, sizes, updates, numbers = drawn
    wide = any(sizes[d] > 1 for d in numbers[2])
    numbers = lax.ScatterDimensionNumbers(*numbers)

    def function(x, u, i):
        return getattr(lax, kind)(x, i, u, numbers, mode="drop")

    arrays = normal(*shape), normal(*updates, seed=1), indices
    # JAX drops whole windows that stick out, the specification only what does.
    check(Case(kind, function, arrays, jax=not wide))


@draws
@given(places())
def test_scatter_of_products(drawn):
    shape, indices, _, updates, numbers = drawn
    numbers = lax.ScatterDimensionNumbers(*numbers)

    def function(x, u, i):
        return lax.scatter_mul(x, i, u, numbers, mode="drop")

    factors = normal(*updates, seed=1)
    factors[factors > 1] = 0
    # JAX needs distinct indices here.
    check(Case("products", function, (normal(*shape), factors, indices), jax=False))
