"""Functions on functions: `grad`, `value_and_grad`, `vjp`, `jvp`, `linearize`."""

from slopec.transforms.api import grad, jvp, linearize, value_and_grad, vjp

__all__ = ["grad", "jvp", "linearize", "value_and_grad", "vjp"]
