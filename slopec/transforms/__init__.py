"""Functions on functions, and control flow: what users import as `sp.grad`, `sp.scan` …"""

from slopec.transforms.api import grad, jvp, linearize, value_and_grad, vjp
from slopec.transforms.control import cond, fori_loop, map, scan, switch, while_loop

__all__ = [
    "cond",
    "fori_loop",
    "grad",
    "jvp",
    "linearize",
    "map",
    "scan",
    "switch",
    "value_and_grad",
    "vjp",
    "while_loop",
]
