"""Functions on functions, and control flow: what users import as `sp.grad`, `sp.scan` …"""

from slopec.transforms import checkpoint_policies
from slopec.transforms.amp import amp
from slopec.transforms.api import grad, jvp, linearize, value_and_grad, vjp
from slopec.transforms.associative import associative_scan
from slopec.transforms.checkpoint import checkpoint, checkpoint_name
from slopec.transforms.collectives import (
    all_gather,
    all_to_all,
    axis_index,
    axis_size,
    pmax,
    pmean,
    pmin,
    ppermute,
    psum,
    psum_scatter,
)
from slopec.transforms.control import cond, fori_loop, map, scan, switch, while_loop
from slopec.transforms.custom import custom_jvp, custom_vjp, stop_gradient
from slopec.transforms.jacobian import hessian, hvp, jacfwd, jacrev
from slopec.transforms.vmap import vmap

__all__ = [
    "all_gather",
    "all_to_all",
    "amp",
    "associative_scan",
    "axis_index",
    "axis_size",
    "checkpoint",
    "checkpoint_name",
    "checkpoint_policies",
    "cond",
    "custom_jvp",
    "custom_vjp",
    "fori_loop",
    "grad",
    "hessian",
    "hvp",
    "jacfwd",
    "jacrev",
    "jvp",
    "linearize",
    "map",
    "pmax",
    "pmean",
    "pmin",
    "ppermute",
    "psum",
    "psum_scatter",
    "scan",
    "stop_gradient",
    "switch",
    "value_and_grad",
    "vjp",
    "vmap",
    "while_loop",
]
