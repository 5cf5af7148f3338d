"""Kernels compiled by a process of their own: the same results, and failures that are told."""

import os
import signal
import threading
from pathlib import Path

import numpy as np
import pytest

from slopec import dtypes, ir
from slopec.emit_linking import LEAST, PARTS
from slopec.emit_process import Compiler, Request
from slopec.kernels import parts
from slopec.kernels.kernel import Kernel, call
from tests.emit.processes import descendants, eventually
from tests.kernels.run import HOST, run

ROW = ((1, 16), dtypes.float32)
UNUSED = 3


@pytest.fixture
def compiler():
    """A compiler of the test's own, whose processes it may kill."""
    own = Compiler()
    yield own
    own.close()


def request(kernels):
    """A module in which kernels follow each other; one of them gives what nobody wants."""
    module = ir.parse("""func.func @main(%x: tensor<1x16xf32>) -> tensor<1x16xf32> {
      %y = stablehlo.add %x, %x : tensor<1x16xf32>
      return %y : tensor<1x16xf32>
    }""")
    add, end = [op.operation for op in ir.body_of(ir.function(module, "main")).operations]
    value = add.results[0]
    for i, kernel in enumerate(kernels):
        (result,) = call(kernel, [value], module, end)
        value = value if i == UNUSED else result
    end.operands[0] = value
    return asked(module)


def asked(module):
    parts.gather(module, PARTS)
    kernels = [ir.bytecode(code) for code in parts.apart(module)]

    def write(send):
        for number, code in enumerate(kernels, 1):
            send(number, code)
        send(0, ir.bytecode(module))

    return Request(write, HOST.flags, HOST.process_flags, link=True, beside=PARTS)


def scaling(i):
    """x · (1 + i / 64) + i, which does not commute with the others."""

    def write(k, x, out):
        out.store(x.load(0, 0, lanes=16) * (1 + i / 64) + i, 0, 0)

    return Kernel(f"scaling_{i}", (ROW,), (ROW,), (1, 1, 1), write)


@pytest.mark.parametrize("count", [1, UNUSED + 1, LEAST * PARTS + 1])
def test_a_program_with_its_kernels_compiled_beside_it(compiler, count):
    kernels = [scaling(i) for i in range(count)]
    beside = compiler.compile(request(kernels))
    assert beside.ending == "done", beside
    assert bytes(beside.output).count(b"\x7fELF") == 1 + max(1, min(PARTS, count // LEAST))
    x = np.arange(16, dtype=np.float32).reshape(1, 16)
    expected = x + x
    for i in range(count):
        expected = expected if i == UNUSED else expected * np.float32(1 + i / 64) + i
    (got,) = run(beside.output, x)
    np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_a_kernel_of_constants_runs_while_iree_compiles(compiler):
    module = ir.parse("""func.func @main(%x: tensor<1x16xf32>) -> tensor<1x16xf32> {
      %c = stablehlo.constant dense<3.0> : tensor<1x16xf32>
      %y = stablehlo.add %x, %c : tensor<1x16xf32>
      return %y : tensor<1x16xf32>
    }""")
    constant, add, _ = [op.operation for op in ir.body_of(ir.function(module, "main")).operations]
    add.operands[1] = call(scaling(2), constant.results, module, add)[0]
    answer = compiler.compile(asked(module))
    x = np.arange(16, dtype=np.float32).reshape(1, 16)
    (got,) = run(answer.output, x)
    np.testing.assert_allclose(got, x + 3 * (1 + 2 / 64) + 2, rtol=1e-6)


def test_a_kernel_that_does_not_compile(compiler):
    def write(k, x, out):
        room = k.stack((1 << 20,), dtypes.float32)
        with k.loop(0, 16) as trip:
            room.store(x.load(0, trip.index), trip.index * 1000)
        out.store(room.load(k.workgroup()), 0, 0)

    wasteful = Kernel("wasteful", (ROW,), (ROW,), (1, 1, 1), write)
    answer = compiler.compile(request([wasteful]))
    assert (answer.ending, answer.stage) == ("failed", "kernels")
    assert any("stack" in diagnostic["text"] for diagnostic in answer.diagnostics)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_the_process_of_the_kernels_dies(compiler):
    answers = []
    slow = request([scaling(i) for i in range(LEAST * PARTS)])
    thread = threading.Thread(target=lambda: answers.append(compiler.compile(slow)))
    thread.start()
    # The nursery's guard, the compiler, and those who compile the kernels.
    assert eventually(lambda: compiler.pid and len(descendants(compiler.pid)) == 2 + PARTS)
    os.kill(descendants(compiler.pid)[-1], signal.SIGKILL)
    thread.join(60)
    assert (answers[0].ending, answers[0].status) == ("crashed", -signal.SIGKILL)
    assert (answers[0].stage, answers[0].part) == ("kernels", PARTS)
    assert b"scaling" in answers[0].sent[PARTS]
    assert eventually(lambda: not descendants(compiler.pid))
