"""The words programs are written in: one module per framework, each with its own native functions.

A program is written once, as a function of such a module, so the mathematics and the weights of all
contenders are the same, and each runs what its users would call: `slopec_ops` has the functions of
`sp.nn.functional`, `torch_ops` those of `torch.nn.functional`, `jax_ops` those of `jax.nn`.

Images are (N, C, H, W), kernels (O, I / groups, H, W), linear weights (out, in), attention's heads
(N, heads, T, D). Beside these functions programs use what arrays of all three have in common:
operators, indexing, `reshape`, `mean`.
"""

from importlib import import_module
from types import ModuleType


def ops_of(framework: str) -> ModuleType:
    """The words of "slopec", "jax" or "torch"; imports the framework."""
    return import_module(f"benchmarks.ops.{framework}_ops")
