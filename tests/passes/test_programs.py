"""Whole programs keep their meaning: derivatives of many kinds, before and after the passes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import slopec as sp
from slopec import hlo, ir, nn, reference
from slopec.build import DERIVE, OPTIMIZE
from slopec.passes import parse_pipeline, run_pipeline

draw = np.random.default_rng(0)


def f(*shape: int) -> np.ndarray:
    return draw.standard_normal(shape).astype(np.float32)


def rnn(w: Any, xs: Any) -> Any:
    def step(h: Any, x: Any) -> Any:
        h = sp.tanh(w @ h + x)
        return h, h * h

    return sp.scan(step, sp.zeros((3,)), xs)[1].sum()


def attention(x: Any, w: Any) -> Any:
    q, k, v = sp.split(x @ w, 3, axis=-1)
    y = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    return (y * y).mean()


def norm(x: Any, scale: Any) -> Any:
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred * centred).mean(axis=-1, keepdims=True)
    return ((centred * sp.rsqrt(variance + 1e-5) * scale) ** 3).sum()


def convolved(x: Any, k: Any) -> Any:
    y = nn.functional.relu(sp.conv2d(x, k, padding=1, stride=2))
    return (sp.max_pool2d(y, 3, stride=1, padding=1) ** 2).sum()


def power(x: Any) -> Any:
    return sp.scan(lambda c, _: (c * x, c), 1.0, length=3)[0]


def branches(x: Any) -> Any:
    return sp.cond(x.sum() > 0, lambda x: (x**3).sum(), lambda x: sp.sin(x).sum(), x)


def moved(x: Any) -> Any:
    y = sp.flip(x.T.reshape(2, 6), axis=1)[:, ::2]
    z = sp.concat([y, -y, sp.pad(y, ((0, 0), (0, 0)))], axis=1)
    return (z.cumsum(axis=1) * z).sum()


def picked(x: Any) -> Any:
    rows = x[np.array([1, 1, 0])]
    return (sp.sort(rows, axis=1) * rows).sum() + x.max() + x.prod(axis=0).sum()


def entropy(x: Any) -> Any:
    return nn.functional.cross_entropy(x, sp.arange(4) % 3)


PROGRAMS: dict[str, tuple[Callable[..., Any], tuple[np.ndarray, ...]]] = {
    "rnn": (rnn, (f(3, 3), f(4, 3))),
    "attention": (attention, (f(5, 4), f(4, 12))),
    "layer norm": (norm, (f(4, 6), f(6))),
    "convolution and pooling": (convolved, (f(1, 2, 7, 7), f(3, 2, 3, 3))),
    "scalar loop": (power, (np.float32(1.5),)),
    "branches": (branches, (f(3),)),
    "moves": (moved, (f(4, 3),)),
    "indices, sort and extremes": (picked, (f(3, 4),)),
    "cross entropy": (entropy, (f(4, 3),)),
}


def hessian_vector(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *xs: sp.jvp(sp.grad(function), xs, xs)[1]


KINDS: dict[str, Callable[[Callable[..., Any]], Callable[..., Any]]] = {
    "value": lambda function: function,
    "grad": lambda function: sp.value_and_grad(function),
    "jvp": lambda function: lambda *xs: sp.jvp(function, xs, xs),
    "hessian-vector": hessian_vector,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_passes_keep_the_meaning(name: str, kind: str) -> None:
    function, arguments = PROGRAMS[name]
    module = sp.jit(KINDS[kind](function)).lower(*map(sp.tensor, arguments))
    (entry,) = (ir.symbol_name(op) for op in ir.functions(module) if ir.is_public(op))
    run_pipeline(module, parse_pipeline(DERIVE))
    before = reference.evaluate(module, entry, *arguments)
    run_pipeline(module, parse_pipeline(OPTIMIZE))
    after = reference.evaluate(module, entry, *arguments)
    for x, y in zip(before, after, strict=True):
        scale = max(1.0, float(np.abs(x).max(initial=0)))
        np.testing.assert_allclose(y, x, rtol=1e-5, atol=1e-5 * scale)


def test_no_negation_is_summed() -> None:
    """GPU back ends refuse sums of negated values; the pipeline leaves none."""

    def total(x: Any) -> Any:
        return hlo.reduce(hlo.reshape(-x, (64,)), hlo.full((), 0, x.dtype), "add", [0])

    module = sp.jit(total).lower(sp.tensor(f(8, 8)))
    run_pipeline(module, parse_pipeline("simplify,canonicalize"))
    names = [op.operation.name for op in ir.body_of(next(ir.functions(module))).operations]
    assert names.index("stablehlo.reduce") < names.index("stablehlo.negate")
