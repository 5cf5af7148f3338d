"""The public names, in pipeline order; `slopec` hands them out when they are first wanted."""

from typing import TYPE_CHECKING, Any

from slopec.dtypes import (
    bfloat16,
    bool_,
    complex64,
    complex128,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    uint8,
    uint16,
    uint32,
    uint64,
)
from slopec.imported import from_stablehlo, load_function
from slopec.jit import jit
from slopec.lazy.device import device, set_default_device
from slopec.lazy.evaluate import eval
from slopec.lazy.mode import enable_grad, is_grad_enabled, no_grad
from slopec.linalg import methods as _methods
from slopec.ops import *
from slopec.ops import __all__ as _operations
from slopec.parallel import pmap
from slopec.programs import Program, Spec, program, spec
from slopec.saved import saved_residuals
from slopec.special import *
from slopec.special import __all__ as _special_functions
from slopec.tensor import Tensor, tensor
from slopec.transforms import (
    all_gather,
    all_to_all,
    amp,
    associative_scan,
    axis_index,
    axis_size,
    checkpoint,
    checkpoint_name,
    checkpoint_policies,
    cond,
    custom_jvp,
    custom_vjp,
    fori_loop,
    grad,
    hessian,
    hvp,
    jacfwd,
    jacrev,
    jvp,
    linearize,
    map,
    pmax,
    pmean,
    pmin,
    ppermute,
    psum,
    psum_scatter,
    scan,
    stop_gradient,
    switch,
    value_and_grad,
    vjp,
    vmap,
    while_loop,
)
from slopec.tree import register_node
from slopec.version import VERSION as __version__

__array_api_version__ = "2025.12"
"""The version of the Array API that the functions here follow."""

if TYPE_CHECKING:
    from slopec import hlo, nn, optim, random
    from slopec.interop.from_onnx import from_onnx
    from slopec.interop.from_torch import from_torch
    from slopec.interop.to_onnx import to_onnx
    from slopec.random import manual_seed
    from slopec.random.unkeyed import rand, rand_like, randint, randn, randn_like, randperm

__all__ = [
    *_operations,
    *_special_functions,
    "Program",
    "Spec",
    "Tensor",
    "all_gather",
    "all_to_all",
    "amp",
    "associative_scan",
    "axis_index",
    "axis_size",
    "bfloat16",
    "bool_",
    "complex64",
    "complex128",
    "checkpoint",
    "checkpoint_name",
    "checkpoint_policies",
    "cond",
    "custom_jvp",
    "custom_vjp",
    "device",
    "enable_grad",
    "eval",
    "float16",
    "float32",
    "float64",
    "fori_loop",
    "from_onnx",
    "from_stablehlo",
    "from_torch",
    "grad",
    "hessian",
    "hlo",
    "hvp",
    "int8",
    "is_grad_enabled",
    "int16",
    "int32",
    "int64",
    "jacfwd",
    "jacrev",
    "jit",
    "jvp",
    "linearize",
    "load_function",
    "manual_seed",
    "map",
    "nn",
    "no_grad",
    "optim",
    "pmap",
    "pmax",
    "pmean",
    "pmin",
    "ppermute",
    "program",
    "psum",
    "psum_scatter",
    "rand",
    "rand_like",
    "randint",
    "randn",
    "randn_like",
    "random",
    "randperm",
    "register_node",
    "saved_residuals",
    "scan",
    "set_default_device",
    "spec",
    "stop_gradient",
    "switch",
    "tensor",
    "to_onnx",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "value_and_grad",
    "vjp",
    "vmap",
    "while_loop",
]

_LATER = ("hlo", "nn", "optim", "random")
_FROM_OTHERS = ("from_onnx", "from_torch", "to_onnx")
_FROM_RANDOM = ("rand", "rand_like", "randint", "randn", "randn_like", "randperm")


def __getattr__(name: str) -> Any:
    """The submodules that are imported when they are first used."""
    from importlib import import_module

    if name in _LATER:
        return import_module(f"slopec.{name}")
    if name in _FROM_OTHERS:
        return getattr(import_module(f"slopec.interop.{name}"), name)
    if name == "manual_seed":
        return import_module("slopec.random").manual_seed
    if name in _FROM_RANDOM:
        return getattr(import_module("slopec.random.unkeyed"), name)
    raise AttributeError(f"module 'slopec' has no attribute {name!r}")
