"""Linear algebra as methods of tensors, where PyTorch has them."""

from slopec.linalg import powers, spectra, systems
from slopec.tensor import Tensor

METHODS = {
    "cholesky": systems.cholesky,
    "det": systems.det,
    "inverse": systems.inv,
    "matrix_exp": powers.expm,
    "matrix_power": powers.matrix_power,
    "pinverse": spectra.pinv,
    "slogdet": systems.slogdet,
}


def install() -> None:
    """Give `Tensor` its methods."""
    for name, function in METHODS.items():
        setattr(Tensor, name, function)


install()
