"""StableHLO's ops as functions on tensors, one to one: no promotion, no broadcasting.

This is the language that rules and higher operations are written in. Every function computes its
result type as the specification does and refuses operands that do not fit.
"""

from slopec.hlo.contract import cholesky, convolution, dot_general, fft, triangular_solve
from slopec.hlo.control import case, optimization_barrier, while_loop
from slopec.hlo.elementwise import *
from slopec.hlo.elementwise import __all__ as _elementwise
from slopec.hlo.factor import eig, eigh, householder, householder_product, lu, qr, svd
from slopec.hlo.index import (
    dynamic_slice,
    dynamic_update_slice,
    gather,
    rng_bit_generator,
    scatter,
    sort,
)
from slopec.hlo.quantile import gamma_quantile, log_gamma_quantile
from slopec.hlo.reduce import reduce, reduce_window, select_and_scatter
from slopec.hlo.shape import (
    broadcast_in_dim,
    concatenate,
    constant,
    full,
    full_like,
    iota,
    pad,
    reshape,
    reverse,
    slice_,
    transpose,
    zeros_like,
)

__all__ = [
    *_elementwise,
    "broadcast_in_dim",
    "case",
    "cholesky",
    "concatenate",
    "constant",
    "convolution",
    "dot_general",
    "dynamic_slice",
    "dynamic_update_slice",
    "eig",
    "eigh",
    "fft",
    "full",
    "full_like",
    "gamma_quantile",
    "gather",
    "householder",
    "householder_product",
    "iota",
    "log_gamma_quantile",
    "lu",
    "optimization_barrier",
    "pad",
    "qr",
    "reduce",
    "reduce_window",
    "reshape",
    "reverse",
    "rng_bit_generator",
    "scatter",
    "select_and_scatter",
    "slice_",
    "sort",
    "svd",
    "transpose",
    "triangular_solve",
    "while_loop",
    "zeros_like",
]
