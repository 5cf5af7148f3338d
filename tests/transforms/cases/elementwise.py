"""Elementwise ops, away from the points where they have no derivative."""

import jax.numpy as jnp
import numpy as np
from jax import lax

from tests.transforms.harness import Case, normal, spread, uniform

X, Y = normal(3, 2), normal(3, 2, seed=1)
Z, W = normal(3, 2, kind="c"), normal(3, 2, seed=1, kind="c")
POSITIVE, INSIDE = spread(3, 2), uniform(3, 2)

ANYWHERE = "abs conj cos cosh exp expm1 erf erfc logistic neg sin sinh square tan tanh".split()
ANYWHERE += ["asinh", "atan", "bessel_i1e"]
INSIDE_ONE = "acos asin atanh erf_inv".split()
ABOVE_ZERO = "cbrt digamma lgamma log log1p rsqrt sqrt".split()
COMPLEX = "abs acos acosh asin asinh atan atanh conj cos cosh exp expm1 imag log log1p logistic"
COMPLEX += " neg real rsqrt sin sinh sqrt square tan tanh"

TEXT = """
func.func public @main(%x: tensor<3x2xf64>) -> tensor<3x2xf64> {
  %0 = "OP"(%x) : (tensor<3x2xf64>) -> tensor<3x2xf64>
  return %0 : tensor<3x2xf64>
}"""

CASES = [
    *(Case(name, getattr(lax, name), (X,)) for name in ANYWHERE),
    *(Case(name, getattr(lax, name), (INSIDE,)) for name in INSIDE_ONE),
    *(Case(name, getattr(lax, name), (POSITIVE,)) for name in ABOVE_ZERO),
    *(Case(f"{name} complex", getattr(lax, name), (Z + 1.5,)) for name in COMPLEX.split()),
    # JAX takes the other branch of the root left of the imaginary axis.
    Case("acosh complex, left", lax.acosh, (-np.abs(Z.real) + 1j * Z.imag,), jax=False),
    # JAX lowers these to other ops.
    *(
        Case(f"{op} itself", TEXT.replace("OP", op), (X,))
        for op in ("chlo.tan", "stablehlo.logistic")
    ),
    Case("sign complex", lax.sign, (Z + 1.5,), jax=lambda z: z / abs(z)),  # JAX's own is 0
    Case("chlo.conj itself", TEXT.replace("OP", "chlo.conj").replace("f64", "complex<f64>"), (Z,)),
    Case("acosh", lax.acosh, (POSITIVE + 1,)),
    Case("bessel_i1e far", lax.bessel_i1e, (np.array([-30.0, -8.01, -7.9, 1e-3, 9.0, 100.0]),)),
    Case("polygamma", lambda x: lax.polygamma(2.0 * jnp.ones_like(x), x), (POSITIVE,)),
    Case("zeta", lambda x: lax.zeta(2.5 * jnp.ones_like(x), x), (POSITIVE,), jax=False),
    *(Case(name, getattr(lax, name), (X, Y)) for name in ("add", "atan2", "max", "min", "mul")),
    *(Case(f"{name} complex", getattr(lax, name), (Z, W)) for name in ("add", "mul", "sub")),
    Case("sub", lax.sub, (X, Y)),
    Case("div", lax.div, (X, POSITIVE)),
    Case("div complex", lax.div, (Z, W + 2)),
    Case("pow", lax.pow, (POSITIVE, Y)),
    Case("pow complex", lax.pow, (Z + 2, W)),
    Case("rem", lax.rem, (5 * X, POSITIVE)),
    Case("square by product", lambda x: x * x, (X,)),
    Case("clamp", lax.clamp, (X - 1, Y, X + 1)),
    # JAX cannot differentiate by scalar bounds.
    Case("clamp by scalars", lax.clamp, (np.float64(-0.3), normal(9), np.float64(0.4)), jax=False),
    Case("select", lax.select, (Y > 0, X, Y)),
    Case("complex", lax.complex, (X, Y)),
    Case("convert to complex", lambda x: x.astype(jnp.complex128), (X,)),
    Case("convert to real", lambda z: lax.real(z).astype(jnp.float64), (Z,)),
    Case(
        "convert and back",
        lambda x: (x.astype(jnp.float32) * 3).astype(jnp.float64),
        (X,),
        tolerance=1e-5,
        numeric=False,
    ),
    Case(
        "reduce_precision",
        lambda x: lax.reduce_precision(x, 8, 7),
        (X,),
        tolerance=2e-2,
        numeric=False,
    ),
    Case("optimization_barrier", lambda x, y: lax.optimization_barrier((x, y, 3)), (X, Y)),
    Case("identity", lambda x: x, (X,)),
    Case("constant", lambda x: jnp.ones((2,)), (X,), jax=False),
]
