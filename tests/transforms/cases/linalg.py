"""Factorizations, triangular systems, Fourier transforms."""

import itertools

import jax.numpy as jnp
import numpy as np
from jax import lax

from tests.transforms.harness import Case, normal


def definite(*shape, kind="f"):
    x = normal(*shape, kind=kind)
    return x @ np.conj(np.swapaxes(x, -1, -2)) + shape[-1] * np.eye(shape[-1])


CHOLESKY = """
func.func public @main(%a: tensor<SHAPE>) -> tensor<SHAPE> {
  %0 = "stablehlo.cholesky"(%a) <{lower = LOWER}> : (tensor<SHAPE>) -> tensor<SHAPE>
  return %0 : tensor<SHAPE>
}
"""
SOLVE = """
func.func public @main(%a: tensor<2x3x3xTYPE>, %b: tensor<SHAPE>) -> tensor<SHAPE> {
  %0 = "stablehlo.triangular_solve"(%a, %b) <{
      left_side = LEFT, lower = LOWER, unit_diagonal = UNIT,
      transpose_a = #stablehlo<transpose KIND>
  }> : (tensor<2x3x3xTYPE>, tensor<SHAPE>) -> tensor<SHAPE>
  return %0 : tensor<SHAPE>
}
"""
KINDS = ("NO_TRANSPOSE", "TRANSPOSE", "ADJOINT")


def cholesky(shape, lower, kind):
    element = "complex<f64>" if kind == "c" else "f64"
    text = CHOLESKY.replace("SHAPE", "x".join(map(str, shape)) + f"x{element}")
    name = f"cholesky {'lower' if lower else 'upper'} {kind}"
    inputs = (definite(*shape, kind=kind),)
    return Case(name, text.replace("LOWER", str(lower).lower()), inputs)


def solve(left, lower, unit, kind, element):
    shape = (2, 3, 4) if left else (2, 4, 3)
    spelled = "complex<f64>" if element == "c" else "f64"
    replaced = {
        "SHAPE": "x".join(map(str, shape)) + f"x{spelled}",
        "TYPE": spelled,
        "LEFT": str(left).lower(),
        "LOWER": str(lower).lower(),
        "UNIT": str(unit).lower(),
        "KIND": kind,
    }
    text = SOLVE
    for key, value in replaced.items():
        text = text.replace(key, value)
    matrix = normal(2, 3, 3, kind=element) + 3 * np.eye(3)
    name = " ".join(["triangular_solve", *(f"{v}" for v in (left, lower, unit, kind, element))])
    return Case(name, text, (matrix, normal(*shape, kind=element)), tolerance=1e-5)


Z = normal(3, 4, kind="c")

CASES = [
    *itertools.starmap(cholesky, itertools.product([(2, 4, 4)], [True, False], "fc")),
    *itertools.starmap(solve, itertools.product(*[[True, False]] * 3, KINDS, "fc")),
    Case("cholesky by JAX", lax.linalg.cholesky, (definite(3, 3),)),
    Case("cholesky by JAX, complex", lax.linalg.cholesky, (definite(3, 3, kind="c"),)),
    Case(
        "triangular_solve by JAX",
        lambda a, b: lax.linalg.triangular_solve(a, b, left_side=True, lower=True),
        (normal(3, 3) + 3 * np.eye(3), normal(3, 2)),
    ),
    Case("cholesky of nothing", lax.linalg.cholesky, (normal(2, 0, 0),)),
    Case("fft", jnp.fft.fft, (Z,)),
    Case("ifft of two", jnp.fft.ifft2, (Z,)),
    Case("rfft odd", jnp.fft.rfft, (normal(3, 5),)),
    Case("rfft of two", jnp.fft.rfft2, (normal(2, 3, 4),)),
    Case("irfft even", lambda z: jnp.fft.irfft(z, 6), (Z,)),
    Case("irfft odd", lambda z: jnp.fft.irfft(z, 7), (Z,)),
    Case("irfft of two", lambda z: jnp.fft.irfft2(z, (3, 6)), (Z,)),
]
