"""Random numbers as functions of their distribution's parameters, which a sampler does not show."""

from slopec import ir, tracing
from slopec.tensor import Tensor


def gamma_quantile(x: Tensor, a: Tensor) -> Tensor:
    """`x`, drawn from the gamma distribution of shape `a`: it moves with `a`, not with `x`.

    That is, it stays where the distribution function has the value it has at x.
    """
    return _quantile("gamma", x, a)


def log_gamma_quantile(x: Tensor, a: Tensor) -> Tensor:
    """`x`, the logarithm of a number drawn from the gamma distribution of shape `a`, likewise."""
    return _quantile("log_gamma", x, a)


def _quantile(name: str, x: Tensor, parameter: Tensor) -> Tensor:
    target = {"call_target_name": ir.string(f"slopec.{name}_quantile")}
    types = [(x.shape, x.dtype)]
    return tracing.emit_with("stablehlo.custom_call", [x, parameter], types, target)[0]
