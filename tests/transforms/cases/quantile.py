"""Random numbers and their distribution's parameters; no difference of values shows how they move."""

import jax
import numpy as np
from jax import lax

from tests.transforms.harness import Case, spread

X, A = spread(3, 2), spread(3, 2, seed=1)
TEXT = """
func.func public @main(%x: tensor<3x2xf64>, %a: tensor<3x2xf64>) -> tensor<3x2xf64> {
  %0 = stablehlo.custom_call @slopec.NAME(%x, %a)
    : (tensor<3x2xf64>, tensor<3x2xf64>) -> tensor<3x2xf64>
  return %0 : tensor<3x2xf64>
}"""


@jax.custom_jvp
def gamma_quantile(x, a):
    return x


@gamma_quantile.defjvp
def _(primals, tangents):
    x, a = primals
    return x, lax.random_gamma_grad(a, x) * tangents[1]


@jax.custom_jvp
def log_gamma_quantile(x, a):
    return x


@log_gamma_quantile.defjvp
def _(primals, tangents):
    x, a = primals
    return x, lax.random_gamma_grad(a, np.e**x) / np.e**x * tangents[1]


CASES = [
    Case(
        function.__name__,
        TEXT.replace("NAME", function.__name__),
        (X, A),
        order=1,
        numeric=False,
        jax=function,
    )
    for function in (gamma_quantile, log_gamma_quantile)
]
