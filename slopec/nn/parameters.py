"""Parameters are leaves: what a module holds collects gradients, but buffers and frozen ones.

A tensor becomes a parameter when it is first assigned to an attribute. A module that a transform or
`tree.map` put together becomes one of leaves when it is first used as a module, so that states and
gradients of a model's structure stay what they are.
"""

from collections.abc import Iterable
from typing import Any

from slopec import dtypes, ops, tree
from slopec.lazy.evaluate import keep_state
from slopec.tensor import Tensor

ABSENT = object()
"""Stands for an attribute that there is not yet."""


def entrust(old: Any, new: Any, *, buffer: bool) -> None:
    """Note that `new` takes the place of an attribute `old` of a module, outside every trace."""
    for tensor in tree.leaves(new) if isinstance(new, list | tuple | dict) else (new,):
        if not isinstance(tensor, Tensor) or tensor._trace is not None:
            continue
        if buffer:
            if tensor._value.data is None:
                keep_state(getattr(old, "_value", None), tensor._value)
        elif old is ABSENT or old is None or (isinstance(old, Tensor) and old.requires_grad):
            require([tensor])


def require(tensors: Iterable[Tensor], flag: bool = True) -> None:
    """Let leaves collect gradients, or no longer; others, and integers, stay as they are."""
    for tensor in tensors:
        if tensor.is_leaf and dtypes.is_differentiable(tensor.dtype):
            tensor.requires_grad_(flag)


def adopted(tensor: Tensor) -> Tensor:
    """`tensor`, if it is a leaf that collects gradients or cannot be one, else a leaf like it."""
    if tensor._trace is not None or not dtypes.is_differentiable(tensor.dtype):
        return tensor
    if tensor.requires_grad and tensor.is_leaf:
        return tensor
    leaf: Tensor = tensor.detach().requires_grad_()
    return leaf


def forget(parameter: Tensor, set_to_none: bool) -> None:
    """Forget a gradient, or make it zeros."""
    if parameter.grad is not None:
        parameter.grad = None if set_to_none else ops.zeros(parameter.shape, dtype=parameter.dtype)
