"""The kernels' exp: less than one unit from the exact value, at both ends and at what is no number."""

import numpy as np
import pytest

from slopec import dtypes, ir
from slopec.emit import emit
from slopec.kernels.elementwise import computed
from slopec.kernels.kernel import Kernel, call
from tests.kernels.run import TARGETS, run

COUNT = 1 << 17
ENDS = np.array(
    [
        0,
        -0.0,
        88.72283,
        88.72284,
        89,
        1e30,
        np.inf,
        -87.336,
        -87.34,
        -88.03,
        -1e30,
        -np.inf,
        np.nan,
    ],
    np.float32,
)
SMALLEST = float(np.finfo(np.float32).tiny)


def exponentials(k, x, y):
    """y = exp(x), of vectors and, at the end, of single numbers."""
    with k.loop(0, COUNT - 16, 8) as trip:
        vector = x.load(trip.index, lanes=8)
        y.store(computed(k, "math.exp", [vector]), trip.index)
    with k.loop(COUNT - 16, COUNT) as trip:
        y.store(computed(k, "math.exp", [x.load(trip.index)]), trip.index)


def given():
    """Small and large numbers, those around every power of two, and the ends, twice."""
    random = np.random.default_rng(0)
    halves = np.arange(-126, 128) * np.log(2)
    near = (halves[:, None] + np.linspace(-1e-5, 1e-5, 64)).ravel()
    even = np.linspace(-90, 90, COUNT - near.size - 2 * ENDS.size - (1 << 14))
    tiny = random.standard_normal(1 << 14) * 10.0 ** random.integers(-30, 1, 1 << 14)
    return np.concatenate([ENDS, near, even, tiny, ENDS]).astype(np.float32)


@pytest.mark.parametrize("target", TARGETS, ids=["host", "x86_64"])
def test_exp_is_right_to_less_than_a_unit(target):
    memory = ((COUNT,), dtypes.float32)
    module = ir.parse(f"""func.func @main(%x: tensor<{COUNT}xf32>) -> tensor<{COUNT}xf32> {{
      %y = stablehlo.exponential %x : tensor<{COUNT}xf32>
      return %y : tensor<{COUNT}xf32>
    }}""")
    op = next(iter(ir.body_of(ir.function(module, "main")).operations)).operation
    kernel = Kernel("exponentials", (memory,), (memory,), (1, 1, 1), exponentials)
    (result,) = call(kernel, op.operands, module, op)
    op.results[0].replace_all_uses_with(result)
    op.erase()

    x = given()
    (got,) = run(emit(ir.bytecode(module), target), x)
    with np.errstate(over="ignore"):
        exact = np.exp(x.astype(np.float64))
        nearest = exact.astype(np.float32)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(x))
    np.testing.assert_array_equal(np.isinf(got), np.isinf(nearest))
    assert not got[exact < SMALLEST].any()
    plain = np.isfinite(nearest) & (exact >= SMALLEST)
    apart = np.abs(got[plain] - exact[plain]) / np.spacing(nearest[plain]).astype(np.float64)
    assert apart.max() < 1
    np.testing.assert_array_equal(got[x == 0], 1)
