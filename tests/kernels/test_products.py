"""Products by kernels equal NumPy's, whatever their sizes, orders and the width of the vectors."""

import itertools

import numpy as np
import pytest

import slopec as sp
from slopec import dtypes, ir, kernels
from slopec.emit import emit, resolve
from slopec.kernels.hardware import Vectors
from slopec.kernels.kernel import EIGHTS
from slopec.kernels.matmul import Product, schedule
from tests.kernels.run import ON_X86, TARGETS, legal, placed, run

SIZES = (
    (128, 128, 128),
    (131, 163, 257),
    (40, 160, 513),
    (16, 700, 133),
    (300, 34, 999),
    (33, 1030, 70),
    (24, 1100, 40),
)
GROUPS = range(400)
LHS, RHS = ("rows", "columns"), ("rows", "columns", "constant rows", "constant columns")


def matrix(order, array):
    return np.ascontiguousarray(array.T) if order.endswith("columns") else array


def spelled(array):
    return f"tensor<{array.shape[0]}x{array.shape[1]}xf32>"


def product(i, lhs, rhs, orders):
    """The line of a product, and of its right matrix where that is a constant."""
    left, right = (int(order.endswith("columns")) for order in orders)
    (m, n) = lhs.shape[left], rhs.shape[1 - right]
    line = (
        f"%c{i} = stablehlo.dot_general %a{i}, %b{i}, contracting_dims = [{1 - left}] x [{right}]"
        f" : ({spelled(lhs)}, {spelled(rhs)}) -> tensor<{m}x{n}xf32>"
    )
    if not orders[1].startswith("constant"):
        return line
    value = f'dense<"0x{rhs.tobytes().hex()}"> : {spelled(rhs)}'
    return f"%b{i} = stablehlo.constant {value}\n{line}"


def module_of(cases):
    """One function of all matrices that are not constant, and what it is called with."""
    given = {}
    for i, (lhs, rhs, orders) in enumerate(cases):
        given[f"%a{i}"] = lhs
        if not orders[1].startswith("constant"):
            given[f"%b{i}"] = rhs
    body = "\n".join(product(i, *case) for i, case in enumerate(cases))
    parameters = ", ".join(f"{name}: {spelled(x)}" for name, x in given.items())
    names = ", ".join(f"%c{i}" for i in range(len(cases)))
    types = ", ".join(line.rpartition("-> ")[2] for line in body.splitlines() if "-> " in line)
    text = f"func.func @main({parameters}) -> ({types}) {{\n{body}\nreturn {names} : {types}\n}}"
    return text.encode(), list(given.values())


@ON_X86
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.cpu)
def test_products_of_any_size_and_order(target):
    rng = np.random.default_rng(0)
    orders = list(itertools.product(LHS, RHS))
    pairs, cases = [], []
    for i, order in enumerate(orders):
        m, n, k = SIZES[i % len(SIZES)]
        a, b = rng.standard_normal((m, k), np.float32), rng.standard_normal((k, n), np.float32)
        a[3, 5], b[7, -1], b[0, 2] = np.nan, np.inf, -np.inf  # stay in their row and column
        pairs.append((a, b))
        cases.append((matrix(order[0], a), matrix(order[1], b), order))
    text, given = module_of(cases)
    module = ir.parse(text)
    assert kernels.place_kernels(module, resolve(target))
    assert "dot_general" not in str(module)
    for (a, b), c in zip(pairs, run(emit(text, target), *given), strict=True):
        with np.errstate(invalid="ignore"):
            exact = a.astype(np.float64) @ b
        np.testing.assert_allclose(c, exact, rtol=1e-5, atol=1e-5 * np.sqrt(a.shape[1]))


BATCHED = b"""
func.func @main(%a: tensor<3x4x24x65xf32>, %b: tensor<3x4x40x65xf32>, %c: tensor<8x16x64xf32>,
    %d: tensor<64x2x40xf32>)
    -> (tensor<3x4x24x40xf32>, tensor<64x64xf32>, tensor<8x16x2x40xf32>) {
  %0 = stablehlo.dot_general %a, %b, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [3]
    : (tensor<3x4x24x65xf32>, tensor<3x4x40x65xf32>) -> tensor<3x4x24x40xf32>
  %1 = stablehlo.dot_general %c, %c, contracting_dims = [0, 1] x [0, 1]
    : (tensor<8x16x64xf32>, tensor<8x16x64xf32>) -> tensor<64x64xf32>
  %2 = stablehlo.dot_general %c, %d, contracting_dims = [2] x [0]
    : (tensor<8x16x64xf32>, tensor<64x2x40xf32>) -> tensor<8x16x2x40xf32>
  return %0, %1, %2 : tensor<3x4x24x40xf32>, tensor<64x64xf32>, tensor<8x16x2x40xf32>
}
"""


@ON_X86
def test_products_of_more_dimensions():
    module = ir.parse(BATCHED)
    assert kernels.place_kernels(module, resolve(TARGETS[0]))
    assert "dot_general" not in str(module)
    rng = np.random.default_rng(0)
    shapes = ((3, 4, 24, 65), (3, 4, 40, 65), (8, 16, 64), (64, 2, 40))
    a, b, c, d = (rng.standard_normal(shape, np.float32) for shape in shapes)
    expected = (a @ b.swapaxes(2, 3), np.tensordot(c, c, ([0, 1], [0, 1])), np.tensordot(c, d, 1))
    for got, exact in zip(run(emit(BATCHED, TARGETS[0]), a, b, c, d), expected, strict=True):
        np.testing.assert_allclose(got, exact, rtol=1e-5, atol=1e-4)


MIXED = {
    "bihk, bhjk -> bhij": ((3, 24, 4, 65), (3, 4, 40, 65)),
    "bhki, bkhj -> bhij": ((3, 4, 65, 24), (3, 65, 4, 40)),
    "bkhi, bhkj -> bhij": ((3, 65, 4, 24), (3, 4, 65, 40)),
    "bihk, bjhk -> bhij": ((3, 24, 4, 65), (3, 40, 4, 65)),
    "bhkg, ik -> bghi": ((3, 4, 65, 24), (40, 65)),
    "bti, bjt -> ij": ((3, 50, 24), (3, 40, 50)),
    "bhik, hbkj -> bhij": ((3, 4, 24, 65), (4, 3, 65, 40)),
}
"""Heads beside each other, sums over dimensions amid others, and batches in different orders."""


@ON_X86
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.cpu)
def test_products_of_matrices_that_lie_mixed(target):
    rng = np.random.default_rng(0)
    pairs = [[rng.standard_normal(s, np.float32) for s in shapes] for shapes in MIXED.values()]

    def main(pairs):
        named = zip(MIXED, pairs, strict=True)
        return [sp.einsum(formula, *pair) for formula, pair in named]

    module = legal(main, [pairs])
    assert placed(module).count("dot_general") == 0
    given = [x for pair in pairs for x in pair]
    got = run(emit(ir.bytecode(module), target), *given)
    for formula, pair, value in zip(MIXED, pairs, got, strict=True):
        np.testing.assert_allclose(value, np.einsum(formula, *pair), rtol=1e-5, atol=1e-4)


@ON_X86
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.cpu)
def test_products_in_double_precision(target):
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((150, 300)), rng.standard_normal((300, 77))
    text, _ = module_of([(a, b, ("rows", "rows"))])
    text = text.replace(b"f32", b"f64")
    assert kernels.place_kernels(ir.parse(text), resolve(target))
    (got,) = run(emit(text, target), a, b)
    np.testing.assert_allclose(got, a @ b, rtol=1e-13, atol=1e-12)


LOOP = b"""
func.func @main(%x: tensor<32x96xf32>, %w: tensor<96x96xf32>) -> tensor<32x96xf32> {
  %n = stablehlo.constant dense<3> : tensor<i32>
  %0 = stablehlo.constant dense<0> : tensor<i32>
  %1 = stablehlo.constant dense<1> : tensor<i32>
  %r:2 = stablehlo.while(%i = %0, %s = %x) : tensor<i32>, tensor<32x96xf32>
    cond {
      %c = stablehlo.compare LT, %i, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %c : tensor<i1>
    } do {
      %p = stablehlo.dot_general %s, %w, contracting_dims = [1] x [1]
        : (tensor<32x96xf32>, tensor<96x96xf32>) -> tensor<32x96xf32>
      %t = stablehlo.tanh %p : tensor<32x96xf32>
      %m = stablehlo.reverse %t, dims = [0] : tensor<32x96xf32>
      %j = stablehlo.add %i, %1 : tensor<i32>
      stablehlo.return %j, %m : tensor<i32>, tensor<32x96xf32>
    }
  return %r#1 : tensor<32x96xf32>
}
"""


@ON_X86
def test_what_a_loop_leaves_alone_is_packed_before_it():
    module = ir.parse(LOOP)
    assert kernels.place_kernels(module, resolve(TARGETS[0]))
    text = str(module)
    assert text.index("linalg.pack") < text.index("stablehlo.while") < text.index("flow.dispatch")
    x, w = np.random.default_rng(0).standard_normal((2, 96, 96)).astype(np.float32)
    x, w = x[:32], w / 10
    (got,) = run(emit(LOOP, TARGETS[0]), x, w)
    for _ in range(3):
        x = np.tanh(x @ w.T)[::-1]
    np.testing.assert_allclose(got, x, rtol=1e-4, atol=1e-5)


POINTWISE = """
func.func @main(%x: tensor<2x9x7x40xf32>, %y: tensor<2x9x7x40xf32>)
    -> (tensor<2x9x7x96xf32>, tensor<2x5x4x96xf32>) {
  %k = stablehlo.constant dense<"0xKERNEL"> : tensor<96x40x1x1xf32>
  %t = stablehlo.transpose %k, dims = [2, 3, 1, 0]
    : (tensor<96x40x1x1xf32>) -> tensor<1x1x40x96xf32>
  %b = stablehlo.optimization_barrier %t : tensor<1x1x40x96xf32>
  %0 = stablehlo.convolution(%x, %b) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f],
    window = {} {batch_group_count = 1 : i64, feature_group_count = 1 : i64}
    : (tensor<2x9x7x40xf32>, tensor<1x1x40x96xf32>) -> tensor<2x9x7x96xf32>
  %1 = stablehlo.convolution(%y, %b) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f],
    window = {stride = [2, 2]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64}
    : (tensor<2x9x7x40xf32>, tensor<1x1x40x96xf32>) -> tensor<2x5x4x96xf32>
  return %0, %1 : tensor<2x9x7x96xf32>, tensor<2x5x4x96xf32>
}
"""


@ON_X86
def test_convolutions_of_one_place_are_products():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 2, 9, 7, 40), np.float32)
    w = rng.standard_normal((96, 40), np.float32)
    text = POINTWISE.replace("KERNEL", w.tobytes().hex()).encode()
    module = ir.parse(text)
    assert kernels.place_kernels(module, resolve(TARGETS[0]))
    assert str(module).count("::@slopec_matmul") == 1  # one in steps of two is no product
    first, second = run(emit(text, TARGETS[0]), x, y)
    np.testing.assert_allclose(first, x @ w.T, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(second, y[:, ::2, ::2] @ w.T, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("vectors", [Vectors(64, 32), Vectors(32, 16), Vectors(16, 32)], ids=str)
def test_schedules_fit_registers_and_cover_the_result(vectors):
    sizes = [*SIZES, (1, 1, 1), (4096, 17, 3), (5, 5000, 9), (256,) * 3, (2048,) * 3]
    for batch, (m, n, k) in itertools.product([1, 5, 40], sizes):
        cut = schedule(Product(batch, m, n, k, dtypes.float32), vectors)
        assert cut.columns % cut.width == 0
        assert cut.depth % cut.lanes == 0
        assert cut.height * cut.vectors + cut.vectors < vectors.registers
        tiles, pieces = cut.tiles(m) * -(-n // cut.columns), cut.pieces(m, n)
        ends = [min(i, cut.full) * cut.large + max(0, i - cut.full) * cut.small for i in GROUPS]
        assert ends[pieces] >= tiles > ends[pieces - 1]
        assert batch >= EIGHTS or batch * pieces < EIGHTS


def test_the_last_quarter_is_handed_out_in_small_pieces_of_wide_strips():
    cut = schedule(Product(1, 2048, 2048, 2048, dtypes.float32), Vectors(64, 32))
    assert (cut.columns, cut.full, cut.large, cut.small) == (256, 12, 128, 27)


def test_strips_are_packed_once_where_rows_are_few():
    cut = schedule(Product(1, 16, 8192, 512, dtypes.float32), Vectors(64, 32))
    assert (cut.columns, cut.large, cut.small) == (128, 4 * cut.tiles(16), cut.tiles(16))


@pytest.mark.parametrize(
    ("sizes", "dtype"),
    [((8, 8, 8), "f32"), ((128, 128, 0), "f32"), ((0, 128, 128), "f32"), ((128,) * 3, "f16")],
)
def test_small_empty_and_other_products_stay(sizes, dtype):
    m, n, k = sizes
    arrays = np.zeros((m, k), np.float32), np.zeros((k, n), np.float32)
    text, _ = module_of([(*arrays, ("rows", "rows"))])
    module = ir.parse(text.replace(b"f32", dtype.encode()))
    assert not kernels.place_kernels(module, resolve(TARGETS[1]))


@pytest.mark.parametrize(("n", "by_kernel"), [(64, True), (4096, False)])
def test_few_rows_by_a_matrix_that_is_computed(n, by_kernel):
    """A large one is computed where it is read; of a small one IREE makes four dispatches."""
    module = ir.parse(f"""func.func @main(%a: tensor<10x32xf32>, %b: tensor<32x{n}xf32>) -> tensor<10x{n}xf32> {{
      %s = stablehlo.add %b, %b : tensor<32x{n}xf32>
      %c = stablehlo.dot_general %a, %s, contracting_dims = [1] x [0]
        : (tensor<10x32xf32>, tensor<32x{n}xf32>) -> tensor<10x{n}xf32>
      return %c : tensor<10x{n}xf32>
    }}""")
    assert kernels.place_kernels(module, resolve(TARGETS[0])) == by_kernel
