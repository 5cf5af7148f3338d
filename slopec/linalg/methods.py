"""Linear algebra as methods of tensors, where PyTorch has them."""

from typing import Any

from slopec.linalg import norms, powers, spectra, systems
from slopec.ops import extremes
from slopec.tensor import Tensor


def norm(x: Tensor, p: Any = 2, dim: Any = None, keepdim: bool = False, **options: Any) -> Tensor:
    """The norm of vectors, by a number, or of matrices, by "fro" or "nuc"; see `slopec.norm`."""
    axis, keepdims = options.get("axis", dim), options.get("keepdims", keepdim)
    order: Any = 2 if p is None or (p == "fro" and axis is None) else options.get("ord", p)
    function: Any = norms.norm if isinstance(order, str) else extremes.norm
    result: Tensor = function(x, ord=order, axis=axis, keepdims=keepdims)
    return result


METHODS = {
    "cholesky": systems.cholesky,
    "det": systems.det,
    "inverse": systems.inv,
    "matrix_exp": powers.expm,
    "matrix_power": powers.matrix_power,
    "norm": norm,
    "pinverse": spectra.pinv,
    "slogdet": systems.slogdet,
}


def install() -> None:
    """Give `Tensor` its methods."""
    for name, function in METHODS.items():
        setattr(Tensor, name, function)


install()
