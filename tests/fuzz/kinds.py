"""What is made of a drawn program before it is compiled, and what JAX computes for it.

A kind names what is derived of what: "tangent of gradient" is forward over reverse. JAX derives it,
which tests the passes and the back end, or slopec does, which tests the transforms too.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from slopec import ir
from slopec.passes import parse_pipeline, run_pipeline
from tests.fuzz.program import Drawn, as_kind, drawn_array
from tests.fuzz.program import kind as kind_of
from tests.transforms.harness import lower

Arrays = Sequence[np.ndarray]
Function = Callable[..., tuple[Any, ...]]

JAX = " of JAX"
"""How kinds end that JAX derives."""
KINDS = (
    "forward",
    f"gradient{JAX}",
    "gradient",
    "batch",
    "tangent",
    "batch of gradient",
    "tangent of gradient",
    "gradient of gradient",
    "gradient of batch",
    f"tangent of gradient{JAX}",
    "batch of tangent of gradient",
)
BATCH = 3
NESTED = 12
"""The most steps of a program that is derived more than once: each derivative makes it longer."""


def stages(kind: str) -> list[str]:
    """What is derived, the innermost first."""
    return [] if kind == "forward" else kind.removesuffix(JAX).split(" of ")[::-1]


def differentiable(array: Any) -> bool:
    return array.dtype.kind not in "biu"


def varied(program: Drawn) -> list[int]:
    """The arguments by which derivatives are taken: floats."""
    return [i for i, x in enumerate(program.inputs) if x.dtype.kind not in "biuc"]


def loss(program: Drawn) -> Function:
    """Results of floats, bounded and summed; what is complex by its parts."""

    def total(*arrays: Any) -> tuple[Any, ...]:
        parts = [
            x for y in program(*arrays) for x in ((y.real, y.imag) if y.dtype.kind == "c" else (y,))
        ]
        sums = [jnp.sum(jnp.tanh(x)) / max(x.size, 1) ** 0.5 for x in parts if differentiable(x)]
        wide = kind_of("float32")
        return (sum((x.astype(wide) for x in sums), jnp.zeros((), wide)),)

    return total


def base(program: Drawn, kind: str) -> Function:
    """What is derived: the program, or its loss where something is propagated back."""
    return loss(program) if "gradient" in stages(kind) else program


@dataclass(frozen=True)
class Layer:
    """A function, the types of its arguments, and the pass that declares it, of the one inside."""

    function: Function
    types: tuple[jax.ShapeDtypeStruct, ...]
    pass_: str = ""


def layers(program: Drawn, kind: str) -> list[Layer]:
    """What is derived, and each derivative of it."""
    wrt = varied(program)
    made = [Layer(base(program, kind), program.inputs)]
    for stage in stages(kind):
        made.append(batch(made[-1]) if stage == "batch" else derivative(made[-1], wrt, stage))
    return made


def batch(inside: Layer) -> Layer:
    """A function of some of all arguments."""
    types = tuple(jax.ShapeDtypeStruct((BATCH, *t.shape), t.dtype) for t in inside.types)
    return Layer(jax.vmap(inside.function), types, f"vmap{{size={BATCH}}}")


def derivative(inside: Layer, wrt: Sequence[int], stage: str) -> Layer:
    """A function that takes tangents or cotangents too, and returns the others."""
    count = len(inside.types)
    results = [y for y in jax.eval_shape(inside.function, *inside.types) if differentiable(y)]
    directions = [inside.types[i] for i in wrt] if stage == "tangent" else results

    def function(*arrays: Any) -> tuple[Any, ...]:
        given, along = arrays[:count], arrays[count:]

        def inner(*chosen: Any) -> tuple[Any, Any]:
            replaced = dict(zip(wrt, chosen, strict=True))
            made = inside.function(*(replaced.get(i, x) for i, x in enumerate(given)))
            return tuple(y for y in made if differentiable(y)), made

        chosen = [given[i] for i in wrt]
        if stage == "tangent":
            _, slopes, made = jax.jvp(inner, chosen, list(along), has_aux=True)
        else:
            _, back, made = jax.vjp(inner, *chosen, has_aux=True)
            slopes = back(along)
        return (*made, *slopes)

    named = "jvp" if stage == "tangent" else "vjp"
    spelled = f"{named}{{function=main wrt={','.join(map(str, wrt))}}}"
    return Layer(function, (*inside.types, *directions), spelled)


def reference(program: Drawn, kind: str) -> Function:
    """The function that JAX runs."""
    return layers(program, kind)[-1].function


def arguments(program: Drawn, kind: str, random: np.random.Generator) -> list[np.ndarray]:
    """What it takes, drawn: tangents and cotangents too."""
    return [drawn_array(t, random) for t in layers(program, kind)[-1].types]


def text(program: Drawn, kind: str) -> str:
    """The module to compile."""
    every = layers(program, kind)
    if kind.endswith(JAX):
        return lower(every[-1].function, *every[-1].types)
    made = lower(every[0].function, *every[0].types)
    for layer in every[1:]:
        made = derived(made, layer.pass_)
    return made


def definition(program: Drawn, kind: str) -> str:
    """The module that JAX makes: what slopec derives is measured by it."""
    last = layers(program, kind)[-1]
    return lower(last.function, *last.types)


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
    primal = f"primal{len(before)}"
    return (
        str(module)
        .replace("func.func public @main(", f"func.func private @{primal}(")
        .replace("@main(", f"@{primal}(")
        .replace(f"@{made}(", "@main(")
        .replace(f'@"{made}"(', "@main(")
    )


def compiled(program: Drawn, kind: str) -> Callable[[Arrays], list[np.ndarray]]:
    """What JAX computes; in a wider run, in double precision."""
    function = jax.jit(reference(program, kind))
    return lambda arrays: [np.asarray(y) for y in function(*map(as_kind, arrays))]
