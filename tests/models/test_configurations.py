"""Every configuration, level and set of kernels computes what the evaluator does, or is refused."""

from functools import cache

import numpy as np
import pytest

from slopec import reference
from slopec.build import DERIVE, build
from slopec.configurations import CONFIGURATIONS
from slopec.diagnostics import CompileError
from slopec.lower import Lowered
from slopec.passes import parse_pipeline, run_pipeline
from slopec.targets import parse_target
from slopec.variants import KERNELS, Variant
from slopec_runtime.tree import flatten, unflatten
from tests.nn import steps

LEVELS = tuple(f"--iree-opt-level=O{level}" for level in range(4))
WAYS = [
    *(Variant(configuration=name) for name in CONFIGURATIONS),
    *(Variant((KERNELS,), name) for name in CONFIGURATIONS),
    *(Variant(flags=(level,)) for level in LEVELS),
    *(Variant((KERNELS,), flags=(level,)) for level in LEVELS),
    Variant(),
    Variant((KERNELS,)),
]
MODELS = steps.of_models()
TURNED = 2.1e-3
"""Adam's first step is its rate, 1e-3, with the sign of a gradient, which may be rounding alone."""
SURE = ("as usual", f"-{KERNELS}", "default")
"""Ways in which everything compiles; the others may be refused."""


@cache
def lowered(name: str) -> Lowered:
    return steps.lowered({name: MODELS[name]})


@cache
def expected(name: str) -> dict[str, tuple[list[np.ndarray], list[np.ndarray]]]:
    """Arguments of each program of a model, and what the evaluator makes of them."""
    random = np.random.default_rng(0)
    module = lowered(name).copy()
    run_pipeline(module, parse_pipeline(DERIVE))
    found = {}
    for entry, facts in lowered(name).entries.items():
        given = [drawn(random, x.shape, x.dtype) for x in facts.inputs]
        (variant,) = facts.variants
        found[entry] = given, reference.evaluate(module, variant.symbol, *given)
    return found


def drawn(random, shape, dtype):
    if np.dtype(dtype).kind in "iu":
        return random.integers(0, 9, shape).astype(dtype)
    # Variances, too, are among what modules keep.
    return np.abs(random.normal(size=shape) * 0.3 + 0.1).astype(dtype)


def check(name, way):
    try:
        (artifact,) = build(
            lowered(name), [parse_target("llvm-cpu")], carry_stablehlo=False, variant=way
        )
    except CompileError:
        assert way.name not in SURE, f"{name} is refused {way.name}"
        return
    compilation = artifact.manifest.compilation
    assert compilation.variant == way.name
    assert compilation.configuration.split("+")[0] in (way.configuration or CONFIGURATIONS)
    assert KERNELS not in way.without or "+kernels" not in compilation.configuration
    program = artifact.load("local-sync")
    for entry, (given, wanted) in expected(name).items():
        facts = artifact.manifest.entries[entry]
        found = program[entry](*(unflatten(tree, given) for _, tree in facts.arguments))
        made: dict[int, np.ndarray] = {}
        flatten(
            facts.result, found, "result", lambda i, x, made=made: made.update({i: np.asarray(x)})
        )
        for i, like in enumerate(wanted):
            np.testing.assert_allclose(made[i], like, rtol=2e-3, atol=TURNED, err_msg=way.name)


@pytest.mark.parametrize("way", [Variant((KERNELS,)), Variant(configuration="scalar")], ids=str)
def test_a_perceptron(way):
    check("mlp", way)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in MODELS if "float16" not in name])
def test_models(name):
    for way in WAYS:
        check(name, way)
