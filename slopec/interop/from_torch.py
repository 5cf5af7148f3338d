"""From a module of PyTorch to one of ours: `torch.export` writes ATen ops, a table reads them."""

import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from importlib.util import find_spec
from io import StringIO
from typing import Any

import numpy as np

from slopec import tracing
from slopec.diagnostics import Span, UsageError
from slopec.interop import exported
from slopec.interop.aten import TABLE
from slopec.interop.module import TorchModule, furnish
from slopec.tensor import Tensor


def from_torch(
    module: Any,
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    dynamic_shapes: Any = None,
) -> TorchModule:
    """A PyTorch module as a module of slopec, with its parameters and buffers under their names.

    `module` is a `torch.nn.Module`, a function of tensors, or what `torch.export.export` returned;
    `args` and `kwargs` are an example of what it is called with (PyTorch tensors or arrays; one
    alone need not be in a tuple). The result computes what PyTorch would in the mode, training or
    evaluation, that the module is in, and composes with `grad`, `jit`, `vmap`, `amp` and programs.
    Weights are copied. Random numbers come from the stream of keys, so they are not PyTorch's.

    Sizes are the example's unless `dynamic_shapes` names dimensions that may vary:
    `({0: "batch"},)`, or in any form that `torch.export` takes.

    PyTorch must be installed; slopec does not depend on it. Raises UsageError: S0160 without
    PyTorch, S0161 for a program that has no counterpart here, naming the operation and the line
    that it comes from, S0162 when `torch.export` refuses the module.

    >>> import slopec as sp
    >>> try:
    ...     import torch
    ... except ImportError:
    ...     torch = None
    >>> if torch is not None:
    ...     layer = sp.from_torch(torch.nn.Linear(3, 2), torch.zeros(4, 3))
    ...     slope = sp.grad(lambda layer, x: layer(x).sum())(layer, sp.ones((4, 3)))
    ...     assert slope.weight.shape == (2, 3)
    """
    if find_spec("torch") is None:
        raise UsageError(
            "S0160",
            "from_torch needs PyTorch, which is not installed",
            span=tracing.here(),
            hint="install it where you convert models: `pip install torch`",
        )
    if kwargs is not None and not isinstance(kwargs, Mapping):
        raise UsageError(
            "S0106",
            f"from_torch: `kwargs` is a mapping from names, got {type(kwargs).__name__}",
            span=tracing.here(),
            hint="several arguments are a tuple: `from_torch(module, (x, y))`",
        )
    program = _exported(module, args, dict(kwargs or {}), dynamic_shapes)
    kinds = {name: type(part).__name__ for name, part in _children(module)}
    leaves, aliases = exported.leaves_of(program)
    signature = exported.signature_of(program, aliases, _checker(module))
    kind = getattr(module, "__name__", None) or type(module).__name__
    made = TorchModule(kind, signature, aliases, getattr(module, "training", False))
    furnish(made, leaves, lambda name: kinds.get(name, "Module"))
    return made


def _children(module: Any) -> Iterator[tuple[str, Any]]:
    named = getattr(module, "named_modules", None)
    return iter(()) if named is None else named()


def _exported(module: Any, args: Sequence[Any], kwargs: dict[str, Any], dynamic_shapes: Any) -> Any:
    """The program of the module in those ATen ops that the table knows, as far as it can be."""
    import torch

    if isinstance(module, torch.export.ExportedProgram):
        program = module
    else:
        given = (args,) if hasattr(args, "shape") else tuple(args)
        program = _export(module, _tensors(given), _tensors(kwargs), _named(dynamic_shapes))
    exported.detach_without_grad(program.graph_module, torch.ops.aten.detach.default)
    decompositions = torch.export.default_decompositions()
    for operation in list(decompositions):
        if TABLE.find(exported.name_of(operation)) is not None:
            del decompositions[operation]
    with _quiet():
        return program.run_decompositions(decompositions)


def _export(module: Any, args: Any, kwargs: Any, dynamic_shapes: Any) -> Any:
    import torch

    if not isinstance(module, torch.nn.Module):
        function = module

        class Function(torch.nn.Module):
            def forward(self, *args: Any, **kwargs: Any) -> Any:
                return function(*args, **kwargs)

        module = Function()
        if dynamic_shapes is not None and not isinstance(dynamic_shapes, Mapping):
            dynamic_shapes = (tuple(dynamic_shapes),)
    try:
        with _quiet():
            return torch.export.export(
                module, args, kwargs, dynamic_shapes=dynamic_shapes, strict=False
            )
    except Exception as error:
        text = str(error).strip() or type(error).__name__
        hint = (
            "PyTorch itself must be able to export the module with this example: "
            "`torch.export.export(module, args)`"
        )
        if "is not a known type" in text:
            hint = "let it return tensors, tuples or dicts; Transformers' take `use_cache=False`"
        raise UsageError(
            "S0162",
            f"torch.export refuses {type(module).__name__}: {text.splitlines()[0]}",
            span=exported.span_of_error(error) or tracing.here(),
            notes=tuple(line for line in text.splitlines()[1:3] if line.strip()),
            hint=hint,
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep PyTorch from logging and printing what is raised anyway."""
    logger = logging.getLogger("torch")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), redirect_stderr(StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)


def _tensors(nest: Any) -> Any:
    """An example with PyTorch's tensors in place of arrays and ours."""
    import torch

    if isinstance(nest, Mapping):
        return {key: _tensors(part) for key, part in nest.items()}
    if isinstance(nest, tuple | list):
        return type(nest)(_tensors(part) for part in nest)
    if isinstance(nest, Tensor | np.ndarray):
        return torch.from_numpy(np.array(nest))
    return nest


def _named(shapes: Any) -> Any:
    """Dynamic shapes with PyTorch's dimensions in place of names, one for each name."""
    import torch

    dims: dict[str, Any] = {}

    def named(part: Any) -> Any:
        if isinstance(part, str):
            return dims.setdefault(part, torch.export.Dim(part))
        if isinstance(part, Mapping):
            return {key: named(inner) for key, inner in part.items()}
        if isinstance(part, tuple | list):
            return type(part)(named(inner) for inner in part)
        return part

    return named(shapes)


def _checker(module: Any) -> Callable[[str, Any], None]:
    """What refuses operations that are not in the table, at the line that they come from."""
    code = getattr(module, "__code__", None)
    whole = None if code is None else Span(code.co_filename, code.co_firstlineno)

    def check(name: str, node: Any) -> None:
        span = exported.span_of(node.stack_trace) or whole
        if TABLE.find(name) is None:
            raise UsageError(
                "S0161",
                f"PyTorch's operation `{name}` has no counterpart here",
                span=span,
                notes=(f"it is `{node.name}` in the graph that torch.export made",),
                hint="write this line with other operations",
            )
        if name.startswith("as_strided") and not node.args[0].meta["val"].is_contiguous():
            raise UsageError(
                "S0161",
                "as_strided of a tensor that is not contiguous has no counterpart here",
                span=span,
                hint="call `.contiguous()` first",
            )

    return check
