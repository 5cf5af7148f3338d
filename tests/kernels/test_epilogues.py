"""What follows a convolution or a product on each result is computed by its kernel, or stays."""

import numpy as np
import pytest

from slopec import ir, kernels
from slopec.emit import emit, resolve
from tests.kernels.run import ON_X86, TARGETS, run

IMAGE, FLAGS = "tensor<2x5x6x21xf32>", "tensor<2x5x6x21xi1>"
CONVOLVED = f"""
  %c = stablehlo.convolution(%x, %k) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f],
    window = {{pad = [[1, 1], [1, 1]]}} {{batch_group_count = 1 : i64, feature_group_count = 1 : i64}}
    : (tensor<2x5x6x3xf32>, tensor<3x3x3x21xf32>) -> {IMAGE}
  %scale = stablehlo.broadcast_in_dim %s, dims = [3] : (tensor<21xf32>) -> {IMAGE}
  %shift = stablehlo.broadcast_in_dim %t, dims = [1, 2, 3] : (tensor<1x1x21xf32>) -> {IMAGE}
  %low = stablehlo.constant dense<0.0> : {IMAGE}
  %one = stablehlo.constant dense<1.0> : tensor<f32>
  %high = stablehlo.broadcast_in_dim %one, dims = [] : (tensor<f32>) -> {IMAGE}
  %m = stablehlo.multiply %c, %scale : {IMAGE}
  %a = stablehlo.add %m, %shift : {IMAGE}
"""
CLAMPED = f"""
  %ge = stablehlo.compare GE, %a, %low, FLOAT : ({IMAGE}, {IMAGE}) -> {FLAGS}
  %le = stablehlo.compare LE, %a, %high, FLOAT : ({IMAGE}, {IMAGE}) -> {FLAGS}
  %p = stablehlo.select %le, %a, %high : {FLAGS}, {IMAGE}
  %q = stablehlo.select %ge, %p, %low : {FLAGS}, {IMAGE}
"""
SHUFFLED = f"""
  %n = stablehlo.transpose %q, dims = [0, 3, 1, 2] : ({IMAGE}) -> tensor<2x21x5x6xf32>
"""
ADDED = f"""
  %r = stablehlo.subtract %y, %q : {IMAGE}
  %e = stablehlo.exponential %r : {IMAGE}
"""
OWN = f"""
  %i = stablehlo.sine %c : {IMAGE}
  %r = stablehlo.add %a, %i : {IMAGE}
"""
COMPARED = f"""
  %g = stablehlo.compare GT, %a, %low, FLOAT : ({IMAGE}, {IMAGE}) -> {FLAGS}
"""
# The ops after the convolution, its result, the type of that, and the ops that stay.
CASES = {
    "clamped": (CLAMPED, "%q", IMAGE, 0),
    "planes": (CLAMPED + SHUFFLED, "%n", "tensor<2x21x5x6xf32>", 0),
    "residual": (CLAMPED + ADDED, "%e", IMAGE, 0),
    "used twice": (CLAMPED + f"%u = stablehlo.add %a, %q : {IMAGE}", "%u", IMAGE, 0),
    "used elsewhere": (OWN, "%r", IMAGE, 4),
    "compared": (COMPARED, "%g", FLAGS, 1),
}


def expected(name, x, k, s, t, y):
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0))).astype(np.float64)
    taps = [(r, c) for r in range(3) for c in range(3)]
    convolved = sum(padded[:, r : r + 5, c : c + 6] @ k[r, c].astype(np.float64) for r, c in taps)
    a = convolved * s + t
    clamped = np.clip(a, 0, 1)
    return {
        "clamped": clamped,
        "planes": clamped.transpose(0, 3, 1, 2),
        "residual": np.exp(y - clamped),
        "used twice": a + clamped,
        "used elsewhere": a + np.sin(convolved),
        "compared": a > 0,
    }[name]


@ON_X86
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.cpu)
def test_what_follows_is_done_by_the_kernel(target):
    rng = np.random.default_rng(0)
    shapes = (2, 5, 6, 3), (3, 3, 3, 21), (21,), (1, 1, 21), (2, 5, 6, 21)
    arrays = [rng.standard_normal(shape, np.float32) for shape in shapes]
    given = ", ".join(
        f"%{name}: tensor<{'x'.join(map(str, shape))}xf32>"
        for name, shape in zip("xksty", shapes, strict=True)
    )
    for name, (body, result, type_, stay) in CASES.items():
        text = f"func.func @main({given}) -> {type_} {{ {CONVOLVED} {body} return {result} : {type_} }}"
        module = ir.parse(text)
        assert kernels.place_kernels(module, resolve(target))
        kinds = (
            "multiply",
            "add",
            "subtract",
            "compare",
            "select",
            "exponential",
            "sine",
            "transpose",
        )
        assert sum(str(module).count(f"stablehlo.{kind} ") for kind in kinds) == stay, name
        (got,) = run(emit(ir.bytecode(module), target), *arrays)
        np.testing.assert_allclose(got, expected(name, *arrays), rtol=1e-5, atol=1e-5, err_msg=name)


# Sizes of batch, rows, columns and depth; deep ones are summed in blocks, of which the last finishes.
PRODUCTS = ((1, 64, 96, 65), (1, 50, 133, 700), (3, 37, 48, 520))


def perceptron(i, batch, m, n, k):
    """The line of a layer with a residual, and of its product."""
    y = f"tensor<{batch}x{m}x{n}xf32>"
    return f"""
    %c{i} = stablehlo.dot_general %a{i}, %b{i}, batching_dims = [0] x [0], contracting_dims = [2] x [1]
      : (tensor<{batch}x{m}x{k}xf32>, tensor<{batch}x{k}x{n}xf32>) -> {y}
    %v{i} = stablehlo.broadcast_in_dim %s{i}, dims = [2] : (tensor<{n}xf32>) -> {y}
    %d{i} = stablehlo.add %c{i}, %v{i} : {y}
    %e{i} = stablehlo.tanh %d{i} : {y}
    %f{i} = stablehlo.add %e{i}, %r{i} : {y}
    """


@ON_X86
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.cpu)
def test_what_follows_a_product_is_done_by_the_kernel(target):
    rng = np.random.default_rng(0)
    shapes = {}
    for i, (batch, m, n, k) in enumerate(PRODUCTS):
        shapes |= {f"a{i}": (batch, m, k), f"b{i}": (batch, k, n)}
        shapes |= {f"s{i}": (n,), f"r{i}": (batch, m, n)}
    arrays = {name: rng.uniform(-0.2, 0.2, shape).astype("f") for name, shape in shapes.items()}
    given = ", ".join(
        f"%{name}: tensor<{'x'.join(map(str, shape))}xf32>" for name, shape in shapes.items()
    )
    body = "".join(perceptron(i, *sizes) for i, sizes in enumerate(PRODUCTS))
    types = ", ".join(f"tensor<{b}x{m}x{n}xf32>" for b, m, n, _ in PRODUCTS)
    results = ", ".join(f"%f{i}" for i in range(len(PRODUCTS)))
    text = f"func.func @main({given}) -> ({types}) {{ {body} return {results} : {types} }}"
    module = ir.parse(text)
    assert kernels.place_kernels(module, resolve(target))
    assert not any(f"stablehlo.{kind} " in str(module) for kind in ("add", "tanh", "dot_general"))
    for i, got in enumerate(run(emit(text.encode(), target), *arrays.values())):
        a, b, s, r = (arrays[f"{name}{i}"].astype(np.float64) for name in "absr")
        np.testing.assert_allclose(got, np.tanh(a @ b + s) + r, rtol=1e-5, atol=1e-5)
