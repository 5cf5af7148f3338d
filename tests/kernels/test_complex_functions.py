"""What kernels compute of complex numbers, each by itself, equals JAX's, at places of every kind."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import export, lax

import slopec as sp
from slopec import ir
from slopec.emit import emit
from tests.kernels.run import ON_X86, TARGETS, legal, placed, run

RNG = np.random.default_rng(0)
SHAPE = (67, 71)  # no vectors divide it


def numbers(dtype="f4"):
    return RNG.standard_normal(SHAPE).astype(dtype)


def pairs(dtype="c8"):
    return (numbers() + 1j * numbers()).astype(dtype)


def special():
    z = pairs()
    ends = np.array([0, -0.0, np.inf, -np.inf, np.nan, 1e-40, 3e38])
    z.real.flat[:49], z.imag.flat[:49] = np.repeat(ends, 7), np.tile(ends, 7)
    return z


CASES = (
    (lambda x, y: x * y - x, (pairs(), pairs())),
    (lambda z: (abs(z), jnp.exp(z)), (pairs(),)),
    (abs, (special(),)),
    (lambda z: abs(z) < 1, (pairs(),)),
    (lambda z, s: jnp.where(z.real > 0, z * s, -z + 2j), (pairs(), np.complex64(1 - 3j))),
    (lax.complex, (numbers(), numbers())),
    (lambda x, y: jnp.conj(x) * y, (pairs("c16"), pairs("c16"))),
    (lambda z: lax.fori_loop(0, 5, lambda _, w: w * w * 0.5 + z, z), (pairs(),)),
)


@ON_X86
def test_complex_functions():
    given = [x for _, inputs in CASES for x in inputs]

    def main(*given):
        rest = iter(given)
        return [f(*(next(rest) for _ in inputs)) for f, inputs in CASES]

    with jax.enable_x64(True):
        expected = jax.tree.leaves(jax.jit(main)(*given))
        ours = sp.from_stablehlo(export.export(jax.jit(main))(*given).mlir_module())
    with np.errstate(all="ignore"):  # XLA's of an infinity and NaN is NaN
        expected[3] = np.hypot(given[3].real, given[3].imag)
    module = legal(ours, given)
    assert placed(module).count("::@slopec_complex") == len(expected)
    for target in TARGETS:
        results = run(emit(ir.bytecode(module), target), *given)
        for got, wanted in zip(results, expected, strict=True):
            tolerance = 1e-12 if wanted.dtype.itemsize == 16 else 1e-5
            np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance)
