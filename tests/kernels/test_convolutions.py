"""Convolutions and their gradients by kernels equal JAX's, whatever the window and the features."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from slopec import dtypes, ir, kernels
from slopec.emit import emit, resolve
from slopec.kernels.convolution import Convolved, schedule
from slopec.kernels.hardware import Vectors
from slopec.kernels.windows import Axis
from slopec.rewrite import run_passes
from tests.kernels.run import ON_X86, TARGETS, convolutions, run

# Images, rows, columns, features given and made, window, strides, dilation, and padding.
CASES = (
    (2, 9, 8, 5, 16, (3, 3), (1, 1), (1, 1), ((1, 1), (1, 1))),
    (3, 7, 13, 16, 20, (3, 3), (2, 2), (1, 1), ((1, 1), (1, 1))),
    (1, 11, 40, 3, 50, (3, 3), (1, 1), (1, 1), ((0, 0), (0, 0))),
    (2, 12, 9, 4, 8, (5, 7), (1, 2), (1, 1), ((2, 2), (3, 3))),
    (2, 10, 12, 18, 17, (3, 2), (1, 1), (2, 3), ((2, 1), (0, 3))),
    (5, 6, 6, 1, 33, (1, 3), (3, 1), (1, 1), ((0, 0), (2, 2))),
    (1, 4, 3, 2, 7, (3, 3), (1, 1), (1, 1), ((3, 4), (3, 5))),
    (1, 8, 9, 2, 7, (3, 3), (2, 1), (1, 1), ((-1, 2), (2, -1))),
    (40, 4, 4, 32, 64, (3, 3), (1, 1), (1, 1), ((1, 1), (1, 1))),
    (2, 8, 7, 6, 20, (1, 1), (2, 2), (1, 1), ((0, 0), (0, 0))),
    (1, 5, 9, 3, 4, (1, 1), (1, 3), (1, 1), ((0, 1), (1, 0))),
)
IN_GROUPS = (  # how many, of how many features each
    (3, (2, 6, 7, 5, 4, (3, 3), (1, 1), (1, 1), ((1, 1), (1, 1)))),
    (2, (1, 9, 8, 16, 24, (3, 3), (2, 2), (1, 1), ((1, 1), (1, 1)))),
    (70, (1, 4, 5, 2, 3, (1, 3), (1, 1), (1, 2), ((0, 0), (2, 1)))),
    (4, (20, 5, 5, 8, 1, (2, 2), (1, 1), (1, 1), ((0, 1), (1, 0)))),
    (5, (2, 4, 4, 3, 6, (1, 1), (1, 1), (1, 1), ((0, 0), (0, 0)))),
)
# Images, rows, columns, features given and made, window, strides, gaps in x, and padding.
WITH_GAPS = (
    (2, 4, 5, 6, 20, (3, 3), (1, 1), (2, 2), ((1, 2), (1, 2))),
    (1, 5, 4, 3, 17, (4, 5), (1, 1), (3, 2), ((2, -1), (-1, 4))),
    (2, 4, 7, 16, 8, (1, 1), (1, 1), (2, 2), ((0, 1), (0, 1))),
    (1, 6, 3, 2, 33, (2, 3), (3, 1), (2, 7), ((0, 0), (2, 1))),
    (3, 3, 9, 5, 16, (3, 2), (1, 2), (1, 3), ((1, 1), (0, 2))),
)


def result_of(case):
    _, *sizes, _, _, window, strides, dilation, padding = case
    axes = zip(sizes, window, strides, dilation, padding, strict=True)
    return [(n + sum(p) - (w - 1) * d - 1) // s + 1 for n, w, s, d, p in axes]


def spelled(case, groups=1):
    """The convolution of a case and its gradient: shapes of the operands and result, and text."""
    n, h, w, i, o, window, strides, dilation, padding = case
    made = groups * o
    x, k, y = (n, h, w, groups * i), (*window, i, made), (n, *result_of(case), made)
    # Rows that no place of the window meets are cut off by less padding behind.
    axes = zip((h, w), window, strides, dilation, y[1:3], padding, strict=True)
    back = [
        [low, (t - 1) * d + (r - 1) * s + 1 - size - low] for size, t, s, d, r, (low, _) in axes
    ]
    rows = [list(row) for row in padding]
    window_of = "window = {{stride = {}, pad = {}, rhs_dilate = {}}}"
    counts = "{{batch_group_count = {} : i64, feature_group_count = {} : i64}}"
    forward = window_of.format(list(strides), rows, list(dilation))
    gradient = window_of.format(list(dilation), back, list(strides))
    yield (
        (x, k, y),
        f"dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], {forward} {counts.format(1, groups)}",
    )
    yield (
        (x, y, k),
        f"dim_numbers = [f, 0, 1, b]x[i, 0, 1, o]->[0, 1, b, f], {gradient} {counts.format(groups, 1)}",
    )


def exact(case, x, k, slope, groups=1):
    """The convolution, and the gradient of its kernel, in double precision."""
    *_, strides, dilation, padding = case

    def convolve(k):
        return jax.lax.conv_general_dilated(
            x.astype(np.float64),
            k,
            strides,
            padding,
            rhs_dilation=dilation,
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
            feature_group_count=groups,
        )

    with jax.enable_x64(True):
        y, pull = jax.vjp(convolve, k.astype(np.float64))
        return np.asarray(y), np.asarray(pull(slope.astype(np.float64))[0])


@ON_X86
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.cpu)
def test_convolutions_and_gradients(target):
    cases = [*((1, case) for case in CASES), *IN_GROUPS]
    calls = [call for groups, case in cases for call in spelled(case, groups)]
    module = ir.parse(convolutions(calls))
    assert kernels.place_kernels(module, resolve(target))
    assert "stablehlo.convolution" not in str(module)
    rng = np.random.default_rng(0)
    drawn = [[rng.standard_normal(s, np.float32) for s in shapes] for shapes, _ in calls[::2]]
    operands = [pair for x, k, slope in drawn for pair in ((x, k), (x, slope))]
    got = run(emit(ir.bytecode(module), target), *(part for pair in operands for part in pair))
    pairs = zip(cases, drawn, strict=True)
    wanted = [y for (groups, case), three in pairs for y in exact(case, *three, groups)]
    for a, b in zip(got, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5 * np.abs(b).max())


@ON_X86
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.cpu)
def test_planes_are_read_and_written_as_they_are(target):
    text = """func.func @main(%x: tensor<2x3x6x19xf32>, %k: tensor<3x3x3x21xf32>)
        -> (tensor<2x21x6x19xf32>, tensor<2x6x19x21xf32>) {
      %t = stablehlo.transpose %x, dims = [0, 2, 3, 1] : (tensor<2x3x6x19xf32>) -> tensor<2x6x19x3xf32>
      %c = CONVOLVE
      %y = stablehlo.transpose %c, dims = [0, 3, 1, 2] : (tensor<2x6x19x21xf32>) -> tensor<2x21x6x19xf32>
      %u = stablehlo.transpose %x, dims = [0, 2, 3, 1] : (tensor<2x3x6x19xf32>) -> tensor<2x6x19x3xf32>
      %t2 = stablehlo.add %u, %u : tensor<2x6x19x3xf32>
      %d = CONVOLVE2
      return %y, %d : tensor<2x21x6x19xf32>, tensor<2x6x19x21xf32>
    }"""
    spelled_out = (
        "dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {pad = [[1, 1], [1, 1]]}"
        " {batch_group_count = 1 : i64, feature_group_count = 1 : i64}"
        " : (tensor<2x6x19x3xf32>, tensor<3x3x3x21xf32>) -> tensor<2x6x19x21xf32>"
    )
    for place, x in (("CONVOLVE2", "%t2"), ("CONVOLVE", "%t")):
        text = text.replace(place, f"stablehlo.convolution({x}, %k) {spelled_out}")
    module = ir.parse(text)
    assert kernels.place_kernels(module, resolve(target))
    assert str(module).count("stablehlo.transpose") == 2  # one without users, and the second
    rng = np.random.default_rng(0)
    x, k = (rng.standard_normal(s, np.float32) for s in ((2, 3, 6, 19), (3, 3, 3, 21)))
    first, second = run(emit(ir.bytecode(module), target), x, k)
    wanted = np.asarray(
        jax.lax.conv_general_dilated(
            x, k, (1, 1), "SAME", dimension_numbers=("NCHW", "HWIO", "NCHW"), precision="highest"
        )
    )
    np.testing.assert_allclose(first, wanted, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(second, 2 * wanted.transpose(0, 2, 3, 1), rtol=1e-5, atol=1e-4)


@ON_X86
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.cpu)
def test_gaps_and_windows_that_are_turned(target):
    numbers = jax.lax.ConvDimensionNumbers((0, 3, 1, 2), (3, 2, 0, 1), (0, 3, 1, 2))

    def convolve(x, k, case):
        *_, strides, gaps, padding = case
        turned = jnp.transpose(jnp.flip(k, (2, 3)), (2, 3, 0, 1))
        return jax.lax.conv_general_dilated(x, turned, strides, padding, gaps, None, numbers)

    def every(*drawn):
        pairs = zip(drawn[::2], drawn[1::2], strict=True)
        return [convolve(*pair, case) for pair, case in zip(pairs, WITH_GAPS, strict=True)]

    rng = np.random.default_rng(0)
    shapes = [s for n, h, w, i, o, window, *_ in WITH_GAPS for s in ((n, h, w, i), (i, o, *window))]
    drawn = [rng.standard_normal(shape, np.float32) for shape in shapes]
    module = ir.parse(str(jax.jit(every).lower(*drawn).compiler_ir()))
    run_passes(module, "inline,symbol-dce")
    assert kernels.place_kernels(module, resolve(target))
    run_passes(module, "canonicalize,cse")
    assert "stablehlo.convolution" not in str(module)
    assert "stablehlo.reverse" not in str(module)
    got = run(emit(ir.bytecode(module), target), *drawn)
    with jax.enable_x64(True):
        wanted = jax.jit(every)(*(part.astype(np.float64) for part in drawn))
    for case, a, b in zip(WITH_GAPS, got, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-4, err_msg=str(case))


def test_schedules_keep_enough_sums_in_registers():
    for size, made, cut in ((56, 64, (14, 1)), (32, 16, (16, 1)), (8, 64, (8, 2))):
        axis = Axis(size, size, 3, 1, 1, 1)
        work = Convolved(8, axis, axis, 64, made, dtypes.float32)
        chosen = schedule(work, Vectors(64, 32))
        assert (chosen.width, chosen.vectors) == cut
