"""Weights from PyTorch: modules of the same names take its state dicts as they are."""

from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from slopec import tracing
from slopec.diagnostics import UsageError
from slopec.nn.module import Module

M = TypeVar("M", bound=Module)
Rename = Callable[[str], str | None]


def load_torch_state_dict(
    model: M,
    source: Mapping[str, Any] | str | PathLike[str],
    *,
    strict: bool = True,
    rename: Rename | None = None,
) -> M:
    """Replace a model's parameters and buffers by those of a PyTorch state dict; return the model.

    `source` maps names to arrays or PyTorch tensors, or is the path of a safetensors file. `rename`
    turns a PyTorch name into the model's, or into None for one to leave out.

    Raises UsageError for names or shapes that do not fit, and for a file that cannot be read.

    >>> import numpy as np
    >>> from slopec import nn
    >>> state = {"module.weight": np.ones((1, 2)), "module.bias": np.zeros(1)}
    >>> model = nn.Linear(2, 1)
    >>> model = load_torch_state_dict(
    ...     model, state, rename=lambda name: name.removeprefix("module.")
    ... )
    >>> print(model.weight)
    tensor([[1. 1.]], float32[1, 2], cpu)
    """
    if not isinstance(source, Mapping | str | PathLike):
        raise UsageError(
            "S0122",
            f"a state dict is a mapping from names, or the path of a file, got "
            f"{type(source).__name__}",
            span=tracing.here(),
            hint="of a module it is `module.state_dict()`",
        )
    state = source if isinstance(source, Mapping) else _read(Path(source))
    named = {(rename(name) if rename else name): value for name, value in state.items()}
    named.pop(None, None)
    arrays = {str(name): array_of(value) for name, value in named.items()}
    return model.load_state_dict(arrays, strict=strict)


def _read(path: Path) -> Mapping[str, Any]:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        found: Mapping[str, Any] = load_file(path)
    except (SafetensorError, OSError) as error:
        raise UsageError(
            "S0122",
            f"cannot read {path} as safetensors: {error}",
            span=tracing.here(),
            hint="of a file of PyTorch's own, pass what `torch.load` gives",
        ) from None
    return found


def array_of(value: Any) -> Any:
    """A PyTorch tensor, of any type and device, as an array; anything else as it is.

    Raises UsageError (S0122) for tensors without values in a row: sparse ones, or "meta".
    """
    if not hasattr(value, "detach"):
        return value
    try:
        host = value.detach().cpu()
        # NumPy has no bfloat16 of its own, so PyTorch does not hand it out.
        return host.float().numpy() if "bfloat16" in str(host.dtype) else np.asarray(host)
    except (TypeError, RuntimeError) as error:
        raise UsageError(
            "S0122", f"a tensor of PyTorch has no array: {error}", span=tracing.here()
        ) from None
