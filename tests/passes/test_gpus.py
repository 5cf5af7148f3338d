"""What the compilers for GPUs fail on alone: compiled for both, many functions in one artifact."""

import numpy as np
import pytest
from jax import lax
from jax import numpy as jnp

from slopec import ir
from slopec.build import build
from slopec.passes import parse_pipeline, run_pipeline
from slopec.targets import parse_target
from tests.sweep.modules import sample
from tests.sweep.worker import Job, lowered
from tests.transforms.harness import lower

Z, H = sample((33, 33), "complex64"), sample((64, 64), "bfloat16")
E = sample((64, 64), "float8_e4m3fn")
FUNCTIONS = {
    "a product of bfloat16": (lax.dot, H, H),
    "a product of what was bfloat16": (lambda x: lax.dot(x.astype("float32"), x.astype("float32")), H),
    "a product of 8-bit floats": (lambda x: lax.dot(x, x, preferred_element_type=np.float32), E),
    "a product of complex numbers": (lax.dot, Z, Z),
    "a transpose of complex numbers": (lambda z: lax.real(z[:32, :32].T * 2), Z),
    "sums of parts": (lambda z: (jnp.tanh(z.real).sum(1), abs(z).max(), (z.imag * 2).T.sum(0)), Z),
    "sums of parts in a loop": (
        lambda z: lax.fori_loop(0, 3, lambda _, y: y + (z * y).real.sum(1), jnp.ones(33, "float32")), Z
    ),
    "prefix sums of complex numbers": (lax.cumsum, Z),
    "a transform": (jnp.fft.fft, Z),
    "a transform of real numbers": (jnp.fft.rfft, sample((2, 64))),
    "counts of each": (lambda i: jnp.bincount(i, length=5).astype("int32"), np.int32([0, 2, 2, 9])),
    "leading zeros": (lambda i, j: (lax.clz(i), lax.clz(j)), sample((9,), "int8"), sample((9,), "int32").astype("int64")),
}  # fmt: skip


@pytest.mark.parametrize("target", ["cuda", "metal"])
def test_compile(target):
    jobs = [Job(i, lower(f, *xs), xs) for i, (f, *xs) in enumerate(FUNCTIONS.values())]
    (artifact,) = build(lowered(jobs), [parse_target(target)], carry_stablehlo=False)
    assert len(artifact.manifest.entries) == len(FUNCTIONS)


def after(pipeline, function, *arguments):
    module = ir.parse(lower(function, *arguments))
    run_pipeline(module, parse_pipeline(pipeline))
    return str(module)


def test_bfloat16_keeps_its_digits():
    wide = after("widen-sums,widen-bfloat16", lax.dot, H, H)
    assert wide.count("optimization_barrier") == 1
    assert "(tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>" in wide


def test_other_products_stay():
    x = sample((4, 4))
    assert "optimization_barrier" not in after("widen-bfloat16,separate-complex", lax.dot, x, x)


def test_complex_numbers_stand_behind_products():
    text = after("native-types,separate-complex", lax.dot, Z, Z)
    assert text.count("dot_general") == 4
    assert text.index("optimization_barrier") < text.index("stablehlo.complex")


def test_updates_of_elements_are_computed_before():
    x, i = sample((5,)), np.int32([0, 2])
    text = after("separate-updates", lambda x, i: x.at[i].add(x[:2] * 2), x, i)
    assert text.index("optimization_barrier") < text.index("stablehlo.scatter")
