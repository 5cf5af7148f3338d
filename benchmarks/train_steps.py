"""Training steps of the recipes beside the same steps in JAX: medians of interleaved runs.

Both run the same model, loss and AdamW update in float32 on the same batch; JAX's state is donated,
as slopec's is. The spread is the interquartile range over the median.
"""

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from slopec.train import recipe as recipes
from slopec.train.loop import Training
from tests.models.test_gradients import jax_convnet, jax_gpt, jax_loss, jax_mlp

MODELS = {
    "digits-mlp": jax_mlp,
    "digits-convnet": jax_convnet,
    "text-gpt": lambda p, x: jax_gpt(p, x, heads=4),
}
ROUNDS = 15


def jax_step(forward: Callable[..., Any], params: Any) -> Callable[[Any, Any], Any]:
    """One AdamW step, jitted, its state kept by the closure."""

    @jax.jit
    def step(params: Any, m: Any, v: Any, count: Any, x: Any, y: Any) -> Any:
        value, slope = jax.value_and_grad(lambda p: jax_loss(forward(p, x), y))(params)
        count = count + 1
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, slope)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, slope)
        first, second = 1 - 0.9**count, 1 - 0.999**count

        def moved(p: Any, m: Any, v: Any) -> Any:
            return p - 1e-3 * ((m / first) / (jnp.sqrt(v / second) + 1e-8) + 0.01 * p)

        return jax.tree.map(moved, params, m, v), m, v, count, value

    zeros = jax.tree.map(jnp.zeros_like, params)
    state = [params, zeros, jax.tree.map(jnp.zeros_like, params), jnp.zeros((), jnp.float32)]

    def run(x: Any, y: Any) -> None:
        *state[:], value = step(*state, x, y)
        value.block_until_ready()

    return run


def timed(run: Callable[[], None], repeat: int) -> float:
    """Seconds per call."""
    started = time.perf_counter()
    for _ in range(repeat):
        run()
    return (time.perf_counter() - started) / repeat


def main() -> None:
    """Print a Markdown table."""
    print("| training step | slopec | spread | JAX (XLA) | spread | JAX / slopec |")
    print("|---|--:|--:|--:|--:|--:|")
    for name, forward in MODELS.items():
        training = Training(recipes.read(recipes.find(name), {"data.augment": "false"}))
        batch = training.batches.batch(0)
        x, y = batch[training.task.inputs], batch[training.task.targets]
        params = {n: jnp.asarray(np.asarray(t)) for n, t in training.model.state_dict().items()}
        theirs = jax_step(forward, params)

        def ours(x: Any = x, y: Any = y, training: Training = training) -> None:
            np.asarray(training.program["step"](inputs=x, targets=y)["loss"])

        def jaxs(x: Any = x, y: Any = y, theirs: Any = theirs) -> None:
            theirs(x, y)

        for run in (ours, jaxs):
            timed(run, 2)
        repeat = max(1, int(0.1 / timed(ours, 1)))
        rows = [(timed(ours, repeat), timed(jaxs, repeat)) for _ in range(ROUNDS)]
        cells = []
        for column in zip(*rows, strict=True):
            low, middle, high = statistics.quantiles(column, n=4)
            cells += [f"{middle * 1e3:.2f} ms", f"{(high - low) / middle:.0%}"]
        ratio = statistics.median(b / a for a, b in rows)
        print(f"| {name} | " + " | ".join(cells) + f" | {ratio:.2f} |", flush=True)


if __name__ == "__main__":
    main()
