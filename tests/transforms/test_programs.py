"""Programs exported by JAX: what slopec derives from them equals what JAX derives itself."""

import numpy as np
import pytest

import slopec as sp
from slopec.diagnostics import TransformError
from tests.transforms.programs import (
    FORWARD_ONLY,
    PROGRAMS,
    TOLERANCE,
    exported,
    f,
    largest_errors,
)


@pytest.mark.parametrize("name", PROGRAMS)
def test_like_jax(name):
    ours = sp.from_stablehlo(exported(name).mlir_module_serialized)
    errors = largest_errors(name, ours)

    assert {"value", "jvp", "vmap"} <= errors.keys()
    assert max(errors.values()) <= TOLERANCE.get(name, 1e-11), errors


@pytest.mark.parametrize("name", FORWARD_ONLY)
def test_loops_without_a_count_have_no_reverse_mode(name):
    ours = sp.from_stablehlo(exported(name).mlir_module())
    arguments = PROGRAMS[name][1]
    with pytest.raises(TransformError, match="S0210") as caught:
        sp.grad(lambda *args: ours(*args).sum())(*arguments).numpy()
    assert "max_steps" in str(caught.value)


SEVERAL = (
    "perceptron",
    "LSTM by scan",
    "Gaussian process",
    "spectral filter",
    "convolutional network",
    "branches",
)


@pytest.mark.parametrize("name", SEVERAL)
def test_text_and_artifact_are_one_function(name):
    module, arguments = exported(name), PROGRAMS[name][1]
    ways = (module.mlir_module(), module.mlir_module().encode(), module.mlir_module_serialized)
    results = [np.asarray(sp.from_stablehlo(way)(*arguments)) for way in ways]
    for other in results[1:]:
        np.testing.assert_array_equal(results[0], other)


def test_compiled_for_the_host():
    """Value and gradients of several programs in one compilation, in single precision."""
    modules = [exported(name) for name in SEVERAL]
    functions = [sp.from_stablehlo(module.mlir_module_serialized) for module in modules]
    arguments = [PROGRAMS[name][1] for name in SEVERAL]
    seeds = [f(*module.out_avals[0].shape, seed=8) for module in modules]

    def run(arguments):
        found = []
        for function, args, seed in zip(functions, arguments, seeds, strict=True):
            y, pull = sp.vjp(function, *args)
            found.append((y, pull(sp.tensor(seed))))
        return found

    for ours, theirs in zip(
        sp.tree.leaves(sp.jit(run)(arguments)), sp.tree.leaves(run(arguments)), strict=True
    ):
        # IREE computes transcendental functions of double precision in single.
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=2e-4, atol=2e-4)
