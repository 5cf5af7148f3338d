"""What is made of a drawn program before it is compiled, and what JAX computes for it.

Its gradient is taken by JAX or by slopec, so are batches of it: what JAX derives tests the passes
and the back end, what slopec derives tests the transforms too.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from slopec import ir
from slopec.passes import parse_pipeline, run_pipeline
from tests.fuzz.program import Drawn, as_kind
from tests.fuzz.program import kind as kind_of
from tests.transforms.harness import lower

Arrays = Sequence[np.ndarray]
KINDS = ("forward", "gradient of JAX", "gradient", "batch")
BATCH = 3


def differentiable(array: Any) -> bool:
    return array.dtype.kind not in "biu"


def loss(program: Drawn) -> Callable[..., Any]:
    """Results of floats, bounded and summed; what is complex by its parts."""

    def total(*arrays: Any) -> Any:
        parts = [
            x for y in program(*arrays) for x in ((y.real, y.imag) if y.dtype.kind == "c" else (y,))
        ]
        sums = [jnp.sum(jnp.tanh(x)) / max(x.size, 1) ** 0.5 for x in parts if differentiable(x)]
        return sum((x.astype(kind_of("float32")) for x in sums), jnp.zeros((), kind_of("float32")))

    return total


def reference(program: Drawn, kind: str) -> Callable[..., tuple[Any, ...]]:
    """The function that JAX runs."""
    if kind == "forward":
        return program
    if kind == "batch":
        return jax.vmap(program)

    def gradient(*arrays: Any) -> tuple[Any, ...]:
        wrt = tuple(i for i, x in enumerate(arrays) if x.dtype.kind not in "biuc")
        value, slopes = jax.value_and_grad(loss(program), wrt)(*arrays)
        return (value, *slopes)

    return gradient


def text(program: Drawn, kind: str, arrays: Arrays) -> str:
    """The module to compile."""
    if kind in ("forward", "gradient of JAX"):
        return lower(reference(program, kind), *arrays)
    if kind == "batch":
        return derived(lower(program, *(x[0] for x in arrays)), f"vmap{{size={BATCH}}}")
    wrt = ",".join(str(i) for i, x in enumerate(arrays) if x.dtype.kind not in "biuc")
    return derived(lower(loss(program), *arrays), f"vjp{{function=main wrt={wrt}}}")


def derived(source: str, pass_: str) -> str:
    """The module in which what a pass declares of `main` is `main`."""
    module = ir.parse(source)
    before = {ir.symbol_name(op) for op in ir.functions(module)}
    run_pipeline(module, parse_pipeline(f"raise-logistic,{pass_},derive"))
    (made,) = (
        ir.symbol_name(op)
        for op in ir.functions(module)
        if ir.is_public(op) and ir.symbol_name(op) not in before
    )
    return (
        str(module)
        .replace("func.func public @main(", "func.func private @primal(")
        .replace("@main(", "@primal(")
        .replace(f"@{made}(", "@main(")
        .replace(f'@"{made}"(', "@main(")
    )


def arguments(arrays: Arrays, kind: str) -> list[np.ndarray]:
    """What the compiled function takes: a derived gradient the cotangent of the loss too."""
    return [*arrays, np.float32(1)] if kind == "gradient" else list(arrays)


def compiled(program: Drawn, kind: str) -> Callable[[Arrays], list[np.ndarray]]:
    """What JAX computes; in a wider run, in double precision."""
    function = jax.jit(reference(program, kind))
    return lambda arrays: [np.asarray(y) for y in function(*map(as_kind, arrays))]
