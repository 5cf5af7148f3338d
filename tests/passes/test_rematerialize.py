"""What is cheap to make again is not kept across products; what is dear or there anyway is."""

from collections import Counter
from typing import Any

import numpy as np
import pytest

import slopec as sp
from slopec import ir, nn, reference
from slopec.build import OPTIMIZE, transform
from slopec.passes import parse_pipeline, run_pipeline
from tests.passes.test_programs import PROGRAMS

EARLIER = OPTIMIZE.removesuffix(",rematerialize")
EVERYTHING = parse_pipeline("rematerialize{least=0},canonicalize,cse")

draw = np.random.default_rng(0)
X, W, V = (draw.standard_normal(s).astype("float32") for s in ((16, 8), (8, 32), (32, 4)))


def lowered(function: Any, *arguments: Any) -> ir.Module:
    """The module of a function after every pass before this one."""
    module = sp.jit(function).lower(*map(sp.tensor, arguments))
    transform(module, pipeline=EARLIER)
    return module


def entry(module: ir.Module) -> ir.Operation:
    (function,) = (op for op in ir.functions(module) if ir.is_public(op))
    return function


def count(module: ir.Module) -> Counter[str]:
    ops = [op.operation.name for op in ir.body_of(entry(module)).operations]
    return Counter(name.removeprefix("stablehlo.") for name in ops)


def through(activation: Any) -> Any:
    """The gradients of a perceptron: its hidden values are used on both sides of a product."""
    return sp.grad(lambda w, v: ((activation(sp.tensor(X) @ w) @ v) ** 2).sum(), argnums=(0, 1))


def test_an_activation_is_computed_again() -> None:
    module = lowered(through(lambda x: nn.functional.gelu(x, approximate="tanh")), W, V)
    assert count(module)["tanh"] == 1
    run_pipeline(module, EVERYTHING)
    assert count(module)["tanh"] == 2
    assert count(module)["optimization_barrier"] == 1  # what enters the activation


def test_a_mask_is_kept() -> None:
    """A relu needs a bit of each value, which is less than the value."""
    module = lowered(through(nn.functional.relu), W, V)
    before = count(module)
    run_pipeline(module, EVERYTHING)
    assert count(module)["compare"] == before["compare"]


def test_what_a_product_reads_is_not_made_again() -> None:
    """The gradient of tanh needs its value, which lies in memory for the product."""
    module = lowered(through(sp.tanh), W, V)
    run_pipeline(module, EVERYTHING)
    assert count(module)["tanh"] == 1


def test_random_numbers_are_kept() -> None:
    """A hundred cheap ops are no longer cheap."""

    def dropped(x: Any) -> Any:
        return sp.where(sp.random.bernoulli(sp.random.key(0), 0.5, x.shape), sp.sin(x), 0.0)

    module = lowered(through(dropped), W, V)
    before = count(module)["xor"]
    assert before > 20
    run_pipeline(module, EVERYTHING)
    assert count(module)["xor"] == before


def test_small_values_are_left_alone() -> None:
    module = lowered(through(lambda x: nn.functional.gelu(x, approximate="tanh")), W, V)
    before = str(module)
    run_pipeline(module, parse_pipeline("rematerialize"))
    assert str(module) == before


def two_layers(x: Any, w: Any, v: Any, b: Any) -> Any:
    """Values of the first layer are wanted again in two later stages."""
    h = nn.functional.silu(x @ w + b)
    y = nn.functional.gelu(h * h + b) @ v
    return (nn.functional.softmax(y) * sp.exp(-y) + (h @ v) ** 2).sum()


@pytest.mark.parametrize("name", [*PROGRAMS, "two layers"])
def test_values_stay(name: str) -> None:
    function, arguments = {**PROGRAMS, "two layers": (two_layers, (X, W, V, W[0]))}[name]
    module = lowered(sp.jacfwd(sp.grad(function)), *arguments)
    symbol = ir.symbol_name(entry(module))
    before = reference.evaluate(module, symbol, *arguments)
    run_pipeline(module, EVERYTHING)
    for x, y in zip(before, reference.evaluate(module, symbol, *arguments), strict=True):
        np.testing.assert_allclose(y, x, rtol=1e-6, atol=1e-6)
