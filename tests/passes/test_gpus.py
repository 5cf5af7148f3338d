"""What the compilers for GPUs fail on alone: compiled for both, many functions in one artifact."""

import re

import numpy as np
import pytest
from jax import lax
from jax import numpy as jnp

from slopec import ir
from slopec.build import DERIVE, build
from slopec.passes import parse_pipeline, run_pipeline
from slopec.reference import evaluate
from slopec.targets import parse_target
from tests.sweep.modules import sample
from tests.sweep.worker import Job, lowered
from tests.transforms.harness import close, lower

Z, H = sample((33, 33), "complex64"), sample((64, 64), "bfloat16")
E = sample((64, 64), "float8_e4m3fn")
X, ROW = sample((64, 64)), sample((64, 1))
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
    "sums of scaled numbers": (
        lambda x, r: ((x * 2).sum(1), (x * r).sum(1), (jnp.tanh(x) * 3).sum(), (x.astype("int32") * 2).sum(1, dtype="int32")), X, ROW
    ),
    "sums of numbers scaled by what IREE finds out": (lambda x: (x * lax.slice(jnp.zeros((65, 64), "float32"), (1, 0), (65, 64))).sum(1), X),
    "sums over a table": (lambda x: (x * jnp.cos(jnp.arange(64, dtype="float32").reshape(x.shape))).sum(), sample((2, 4, 2, 2, 2))),
    "sums of all but a row's": (lambda x, r: jnp.exp(x - r).sum(), sample((64, 100)), ROW),
    "the largest of bfloat16": (lambda x: (x.max(1), x.max(), jnp.where(x > 0, x, 0).min(1)), sample((4, 256), "bfloat16")),
    "the larger of two": (lambda x: lax.cummax(x, 1), sample((32, 64), "float16")),
    "a turned kernel": (lambda x: x[::-1], np.zeros((3, 3, 256, 256), "float32")),
    "sums of scaled numbers that were moved": (
        lambda x: ((x * 2).reshape(16, 256).sum(1), (x.astype("float16") * 2).astype("float32").sum(1)), X
    ),
    "64-bit sums of narrower numbers": (
        lambda x, i: ((x > 0).sum(1, dtype="int64"), i.sum((0, 2)), (i * 3).sum(1)),
        X, sample((64, 4, 64), "int32"),
    ),
    "quotients of 16-bit integers": (
        lambda i, j: (lax.div(i, np.int16(3)), lax.rem(j, np.uint16(3)), lax.div(j.astype("int32"), np.int32(3)) * 2),
        np.arange(4096, dtype="int16"), np.arange(4096, dtype="uint16"),
    ),
    "channels without their mean": (
        lambda x: (x - x.mean(2, keepdims=True)).swapaxes(1, 2).reshape(2, 8, 16, 16) * 2, sample((2, 256, 8))
    ),
    "leading zeros": (lambda i, j: (lax.clz(i), lax.clz(j)), sample((9,), "int8"), sample((9,), "int32").astype("int64")),
}  # fmt: skip
IN_FLOAT64 = {
    "sums of float32": (lambda x: (x.sum(1, dtype="float64"), jnp.exp(x).astype("float64").prod()), X),
    "sums in a loop": (lambda x: lax.fori_loop(0, 3, lambda _, y: y + (x * y.astype("float32")).sum(dtype="float64"), 1.0), X),
}  # fmt: skip
TARGETS = {"cuda": FUNCTIONS | IN_FLOAT64, "metal": FUNCTIONS}


@pytest.mark.parametrize("target", TARGETS)
def test_compile(target):
    cases = TARGETS[target].values()
    jobs = [Job(i, lower(f, *xs), xs) for i, (f, *xs) in enumerate(cases)]
    (artifact,) = build(lowered(jobs), [parse_target(target)], carry_stablehlo=False)
    assert len(artifact.manifest.entries) == len(cases)
    assert artifact.manifest.compilation.refused == ()


@pytest.mark.parametrize("target", TARGETS)
def test_values_stay(target):
    passes = parse_pipeline(",".join(parse_target(target).passes))
    for function, *arguments in TARGETS[target].values():
        module = ir.parse(lower(function, *arguments))
        run_pipeline(module, parse_pipeline(f"{DERIVE},expand-ops,native-types"))
        before = evaluate(module, "main", *arguments)
        run_pipeline(module, passes)
        narrow = any(x.dtype.itemsize < 4 for x in before)
        close(evaluate(module, "main", *arguments), before, 1e-2 if narrow else 1e-5)


def after(pipeline, function, *arguments):
    module = ir.parse(lower(function, *arguments))
    run_pipeline(module, parse_pipeline(pipeline))
    return str(module)


def test_bfloat16_keeps_its_digits():
    wide = after("widen-sums,widen-bfloat16", lax.dot, H, H)
    assert wide.count("optimization_barrier") == 1
    assert "(tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>" in wide


def test_folds_of_bfloat16_are_wide():
    wide = after("widen-bfloat16", lambda x: (x.max(1), x.sum(dtype="float32")), H)
    assert "(tensor<64x64xf32>, tensor<f32>) -> tensor<64xf32>" in wide
    assert "tensor<bf16>) -> tensor<64xbf16>" not in wide


def test_sums_of_products_are_no_contractions():
    def function(x, r, i):
        contraction = (x[:, None, :] * r[None]).sum(2)
        return (
            (x * 2).sum(1),
            (x * x).sum(1),
            (x * r).sum(0),
            (i * 3).sum(1, dtype="int32"),
            contraction,
        )

    text = after("separate-factors", function, X, ROW.T, np.int32([[1, 2]]))
    assert text.count("optimization_barrier") == 1
    assert text.count("stablehlo.add %") == 3


def test_folds_begin_with_the_last_dimension():
    x = sample((4, 3, 2))
    text = after("inner-first", lambda x: (x.sum(), x.max((0, 2)), x.sum((0, 1)), x.min(2)), x)
    found = re.findall(r"across dimensions = \[([\d, ]+)\]", text)
    assert found == ["2", "0, 1", "2", "0", "0, 1", "2"]


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
