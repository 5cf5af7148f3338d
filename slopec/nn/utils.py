"""What training loops in the imperative style do to gradients between `backward()` and `step()`."""

from collections.abc import Iterable
from typing import Any

from slopec import dtypes, ops
from slopec.lazy.mode import no_grad
from slopec.ops.common import bad_argument
from slopec.tensor import Tensor


def _with_gradients(parameters: Any) -> list[Tensor]:
    given: Iterable[Tensor] = [parameters] if isinstance(parameters, Tensor) else parameters
    return [p for p in given if p.grad is not None]


def _norm(x: Tensor, kind: float) -> Tensor:
    size = ops.abs(ops.astype(x, ops.result_type(x, dtypes.float32)))
    if kind == float("inf"):
        return ops.max(size)
    return ops.sum(ops.square(size) if kind == 2.0 else ops.pow(size, kind))


def get_total_norm(tensors: Iterable[Tensor], norm_type: float = 2.0) -> Tensor:
    """(Σ|x|^norm_type)^(1 / norm_type) over all elements of all tensors; their maximum for inf.

    >>> import slopec as sp
    >>> print(get_total_norm([sp.tensor([3.0]), sp.tensor([4.0])]))
    tensor(5., float32[], cpu)
    """
    kind = float(norm_type)
    parts = [_norm(x, kind) for x in tensors]
    if not parts:
        return ops.zeros(())
    if kind == float("inf"):
        return ops.max(ops.stack(parts))
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return ops.sqrt(total) if kind == 2.0 else ops.pow(total, 1.0 / kind)


def clip_grad_norm_(
    parameters: Any,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
) -> Tensor:
    """Scale the gradients by min(1, max_norm / (total norm + 1e-6)); return the norm before.

    The norm is a recorded value: nothing waits for it, unless `error_if_nonfinite` has to look.
    (Pascanu et al., *On the difficulty of training recurrent neural networks*, 2013.)

    Raises UsageError (S0106) for a norm that is not finite, if asked to.

    >>> import slopec as sp
    >>> p = sp.tensor([3.0, 4.0], requires_grad=True)
    >>> (p * p).sum().backward()
    >>> print(clip_grad_norm_([p], 1.0), p.grad.round(decimals=3))
    tensor(10., float32[], cpu) tensor([0.6 0.8], float32[2], cpu)
    """
    chosen = _with_gradients(parameters)
    with no_grad():
        total = get_total_norm([p.grad for p in chosen if p.grad is not None], norm_type)
        if error_if_nonfinite and not bool(ops.isfinite(total)):
            raise bad_argument(f"clip_grad_norm_: the norm of the gradients is {float(total)}")
        factor = ops.minimum(max_norm / (total + 1e-6), 1.0)
        for p in chosen:
            assert p.grad is not None
            p.grad = p.grad * ops.astype(factor, p.grad.dtype)
    return total


def clip_grad_value_(parameters: Any, clip_value: float) -> None:
    """Move every element of the gradients into [−clip_value, clip_value].

    >>> import slopec as sp
    >>> p = sp.tensor([3.0, -0.1], requires_grad=True)
    >>> (p * p).sum().backward()
    >>> clip_grad_value_([p], 1.0)
    >>> print(p.grad)
    tensor([ 1.  -0.2], float32[2], cpu)
    """
    with no_grad():
        for p in _with_gradients(parameters):
            assert p.grad is not None
            p.grad = ops.clip(p.grad, -clip_value, clip_value)


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All elements of all parameters as one vector.

    >>> import slopec as sp
    >>> parameters_to_vector(sp.nn.Linear(2, 3).parameters()).shape
    (9,)
    """
    return ops.concat([ops.reshape(p, (-1,)) for p in parameters])


def vector_to_parameters(vector: Tensor, parameters: Iterable[Tensor]) -> None:
    """Give parameters the elements of a vector, in order.

    >>> import slopec as sp
    >>> model = sp.nn.Linear(2, 1)
    >>> vector_to_parameters(sp.tensor([1.0, 2.0, 3.0]), model.parameters())
    >>> print(model.weight.data, model.bias.data)
    tensor([[1. 2.]], float32[1, 2], cpu) tensor([3.], float32[1], cpu)
    """
    start = 0
    for p in parameters:
        p.data = ops.reshape(vector[start : start + p.size], p.shape)
        start += p.size
