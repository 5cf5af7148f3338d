"""Kernels as such: written, dispatched among StableHLO ops, left out where they do not compile."""

import numpy as np
import pytest

from slopec import dtypes, ir, kernels
from slopec.emit import EmitOptions, emit, resolve
from slopec.kernels.hardware import Vectors, vectors_of
from slopec.kernels.kernel import Kernel, call
from slopec.targets import Target, parse_target
from tests.kernels.run import HOST, run

MATRIX = ((6, 40), dtypes.float32)
PRODUCT = b"""func.func @main(%a: tensor<128x160xf32>, %b: tensor<160x144xf32>) -> tensor<128x144xf32> {
  %c = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0]
    : (tensor<128x160xf32>, tensor<160x144xf32>) -> tensor<128x144xf32>
  return %c : tensor<128x144xf32>
}"""


def sums(k, x, y, out):
    """Row i of `out` is x[i] · 2 + y[i], except that its last element is the sum of x[i]."""
    row = k.workgroup()
    with k.loop(0, 40, 16) as trip:
        values = [m.load(row, trip.index, lanes=8) for m in (x, y)]
        out.store(values[0] * 2 + values[1], row, trip.index)
    room = k.stack((8,), dtypes.float32)
    for start in (8, 24):
        room.store(x.load(row, start, lanes=8, first=5), 0)
        out.store(room.load(0, lanes=8) / 4, row, start, first=7)
        out.store(room.load(7), row, start + 7)
    with k.loop(0, 40, carried=[k.number(0, dtypes.float32)]) as trip:
        trip.carry([trip.values[0] + x.load(row, trip.index)])
    with k.when(k.compare(row % 2, "==", 0)):
        out.store(trip.results[0], row, 39)


def expected(x, y):
    out = np.zeros_like(x)
    for start in (0, 16, 32):
        out[:, start : start + 8] = x[:, start : start + 8] * 2 + y[:, start : start + 8]
    for start in (8, 24):
        out[:, start : start + 8] = x[:, start : start + 8] / 4
        out[:, start + 5 : start + 8] = 0
    out[::2, 39] = x[::2].sum(axis=1)
    return out


def test_a_kernel_is_called_among_other_ops():
    module = ir.parse("""func.func @main(%x: tensor<6x40xf32>, %y: tensor<6x40xf32>)
        -> (tensor<6x40xf32>, tensor<6x40xf32>) {
      %s = stablehlo.add %x, %y : tensor<6x40xf32>
      %t = stablehlo.subtract %s, %y : tensor<6x40xf32>
      return %s, %t : tensor<6x40xf32>, tensor<6x40xf32>
    }""")
    kernel = Kernel("sums", (MATRIX, MATRIX), (MATRIX,), (6, 1, 1), sums)
    first, second, _ = [op.operation for op in ir.body_of(ir.function(module, "main")).operations]
    for op in (first, second):
        (result,) = call(kernel, op.operands, module, op)
        op.results[0].replace_all_uses_with(result)
        op.erase()
    ir.verify(module)
    assert str(module).count("hal.executable.source private") == 1

    x, y = np.random.default_rng(0).standard_normal((2, 6, 40)).astype(np.float32)
    once = expected(x, y)
    got = run(emit(ir.bytecode(module), HOST), x, y)
    np.testing.assert_allclose(got[0], once, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(got[1], expected(once, y), rtol=1e-5, atol=1e-6)


def test_only_processors_with_fused_multiplication_have_kernels():
    assert vectors_of(resolve(parse_target("llvm-cpu:x86_64"))) == Vectors(32, 16)
    assert vectors_of(Target("llvm-cpu", "x86_64", features=("avx512f", "fma"))) == Vectors(64, 32)
    assert vectors_of(Target("llvm-cpu", "aarch64")) == Vectors(16, 32)
    for none in ("cuda", "metal", "vmvx", "llvm-cpu:riscv64"):
        target = resolve(parse_target(none))
        assert vectors_of(target) is None
        assert not kernels.place_kernels(ir.parse(PRODUCT), target)


def test_attempts_say_whether_there_were_kernels():
    portable = parse_target("llvm-cpu:x86_64")
    attempts = emit(PRODUCT, portable).attempts
    assert [a.configuration for a in attempts] == ["tiled+kernels"]
    without = emit(PRODUCT, portable, options=EmitOptions(kernels=False)).attempts
    assert [a.configuration for a in without] == ["tiled"]
    chosen = emit(PRODUCT, portable, options=EmitOptions(configuration="default")).attempts
    assert [a.configuration for a in chosen] == ["default+kernels"]


def too_much_stack(k, a, b, c):
    room = k.stack((1 << 20,), dtypes.float32)
    with k.loop(0, 128) as trip:
        room.store(a.load(trip.index, 0), trip.index * 1000)
    c.store(room.load(k.workgroup()), 0, 0)


def nothing(k, a, b, c):
    pass


@pytest.mark.refused
@pytest.mark.parametrize(("write", "behind"), [(too_much_stack, False), (nothing, True)])
def test_a_module_that_fails_with_kernels_is_compiled_without(monkeypatch, write, behind):
    """A kernel that does not compile, and one that stands behind the op that wants its result."""

    def place(module, op, vectors):
        types = [ir.type_of(value) for value in (*op.operands, *op.results)]
        bad = Kernel("bad", tuple(types[:2]), tuple(types[2:]), (1, 1, 1), write)
        (result,) = call(bad, op.operands, module, op)
        if behind:
            (use,) = op.results[0].uses
            result.owner.move_after(use.owner)
        op.results[0].replace_all_uses_with(result)
        return True

    monkeypatch.setattr(kernels, "PLACES", ({"stablehlo.dot_general": place},))
    emitted = emit(PRODUCT, HOST, options=EmitOptions(cache=False))
    refused, *others = emitted.attempts
    assert refused.failure is not None
    assert refused.configuration.endswith("+kernels")
    assert others[0].failure is None
    assert not others[0].configuration.endswith("+kernels")
