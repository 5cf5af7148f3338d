"""The imperative training step beside the same step as a jitted function: medians, interleaved.

    python benchmarks/imperative.py            # a table; --steps 100 by default
    python benchmarks/imperative.py --profile  # where the imperative step spends Python's time
    python benchmarks/imperative.py --costs    # what is estimated before compiling, and what it is

Both train the same model with AdamW on the same batch and wait for the parameters. The imperative
step is `zero_grad`, forward, `backward`, `step`, as PyTorch's users write it; the functional one is
`sp.jit` of `value_and_grad` and `update`. The spread is the interquartile range over the median.
"""

import argparse
import copy
import cProfile
import os
import pstats
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

import slopec as sp
from models.convnet import ConvNet
from models.gpt import GPT
from models.mlp import MLP
from slopec import nn
from slopec.lazy import plan as plans
from slopec.lazy.compiled import compile_module

OPTIONS = {"lr": 1e-3, "weight_decay": 1e-2}


def images(classes: int = 10, batch: int = 64, flat: bool = False) -> tuple[Any, Any]:
    """A batch of random pictures and labels."""
    rng = np.random.default_rng(0)
    shape = (batch, 64) if flat else (batch, 1, 8, 8)
    return rng.normal(size=shape).astype("float32"), rng.integers(0, classes, batch, "int32")


def text(vocabulary: int = 128, batch: int = 16, length: int = 64) -> tuple[Any, Any]:
    """A batch of random tokens and those that follow."""
    tokens = np.random.default_rng(0).integers(0, vocabulary, (batch, length + 1), "int32")
    return tokens[:, :-1], tokens[:, 1:]


class Wide(nn.Module):
    """A perceptron whose products take longer than Python does."""

    def __init__(self) -> None:
        self.layers = nn.Sequential(
            nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)
        )

    def forward(self, x: Any) -> Any:
        """(N, 784) to (N, 10)."""
        return self.layers(x)


def wide() -> tuple[Any, Any]:
    """A batch of 128 rows."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(128, 784)).astype("float32"), rng.integers(0, 10, 128, "int32")


CASES: dict[str, tuple[Callable[[], Any], Callable[[], tuple[Any, Any]]]] = {
    "MLP 64-256-256-10, batch 64": (lambda: MLP(dropout=0.0), lambda: images(flat=True)),
    "MLP 784-512-512-10, batch 128": (Wide, wide),
    "convnet, batch 64": (lambda: ConvNet(dropout=0.0), images),
    "GPT 4 layers, 16 x 64 tokens": (GPT, text),
}


def loss_of(model: Any, x: Any, y: Any) -> Any:
    """The mean cross entropy of the predictions."""
    logits = model(x)
    return nn.functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), y.reshape(-1))


def imperative(model: Any) -> Callable[[Any, Any], Any]:
    """A step as PyTorch's users write it."""
    optimizer = sp.optim.AdamW(model.parameters(), **OPTIONS)

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = loss_of(model, sp.tensor(x), sp.tensor(y))
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def functional(model: Any) -> Callable[[Any, Any], Any]:
    """The same step as one jitted function."""
    optimizer = sp.optim.adamw(**OPTIONS)
    held = [model, optimizer.init(model)]

    @sp.jit
    def update(model: Any, state: Any, x: Any, y: Any) -> Any:
        loss, slope = sp.value_and_grad(loss_of)(model, x, y)
        return *optimizer.update(slope, state, model), loss

    def step(x: Any, y: Any) -> Any:
        *held[:], loss = update(*held, sp.tensor(x), sp.tensor(y))
        return loss.item()

    return step


def median(times: list[float]) -> tuple[float, float]:
    """The median in milliseconds, and the interquartile range over it."""
    low, middle, high = statistics.quantiles(times, n=4)
    return 1e3 * middle, (high - low) / middle


def compare(name: str, steps: int) -> str:
    """A row of the table: the last third of the steps counts."""
    make, data = CASES[name]
    model, (x, y) = make(), data()
    runs = [imperative(copy.deepcopy(model)), functional(model)]
    times: list[list[float]] = [[], []]
    losses: list[list[float]] = [[], []]
    for _ in range(steps):
        for place, run in enumerate(runs):
            started = time.perf_counter()
            losses[place].append(run(x, y))
            times[place].append(time.perf_counter() - started)
    assert np.allclose(*losses, rtol=1e-2, atol=1e-3), "the two trainings went apart"
    late = [column[-steps // 3 :] for column in times]
    (ours, wide_a), (theirs, wide_b) = map(median, late)
    ratio = statistics.median(a / b for a, b in zip(*late, strict=True))
    return (
        f"| {name} | {ours:.2f} ms | {wide_a:.0%} | {theirs:.2f} ms | {wide_b:.0%} "
        f"| {ratio:.2f} | {sum(times[0][:10]):.1f} s | {sum(times[1][:10]):.1f} s |"
    )


def profile(name: str) -> None:
    """Print which functions of Python the imperative step of a case spends its time in."""
    make, data = CASES[name]
    step, (x, y) = imperative(make()), data()
    for _ in range(100):
        step(x, y)
    with cProfile.Profile() as profiler:
        for _ in range(30):
            step(x, y)
    pstats.Stats(profiler).sort_stats("tottime").print_stats(30)


def costs(name: str) -> str:
    """A row about the step's program: seconds by the evaluator and to compile, guessed and true."""
    make, data = CASES[name]
    step, (x, y) = imperative(make()), data()
    for _ in range(3):
        step(x, y)
    plan = max(
        (p for family in plans.known() for p in family.plans.values()), key=lambda p: p.price
    )
    ran = plan.spent / 3
    started = time.perf_counter()
    compile_module(plan.module, "main")
    took = time.perf_counter() - started
    return f"| {name} | {plan.estimate:.4f} | {ran:.4f} | {plan.price:.1f} | {took:.1f} |"


def main() -> None:
    """Print the table, profiles, or costs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--case", choices=list(CASES))
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--costs", action="store_true")
    options = parser.parse_args()
    names = [options.case] if options.case else list(CASES)
    if options.profile:
        for name in names:
            profile(name)
        return
    if options.costs:
        os.environ["SLOPEC_CACHE_LIMIT"] = "0"
        print("| training step | run, guessed s | run | compile, guessed s | compile |")
        print("|---|--:|--:|--:|--:|")
        for name in names:
            print(costs(name), flush=True)
        return
    print("| training step | imperative | spread | jitted | spread | ratio | first 10 | first 10 |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    for name in names:
        print(compare(name, options.steps), flush=True)


if __name__ == "__main__":
    main()
