"""JAX: the program and, for a step, its gradient and Adam as one jitted function."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.contenders import Ready
from benchmarks.ops import ops_of
from benchmarks.programs import LEARNING_RATE, Program


def prepare(program: Program, device: str, artifact: Path | None) -> Ready:
    """Compile at the first call; what is kept between calls is donated."""
    place = jax.devices("gpu" if device == "cuda" else device)[0]
    weights, kept, inputs = program.arrays()
    weights, kept = jax.device_put((weights, kept), place)
    given = [jax.device_put(value, place) for value in inputs.values()]
    if program.kind == "call":
        function = jax.jit(lambda weights, *given: program.apply(ops_of("jax"), weights, *given))
        return Ready(lambda: function(weights, *given).block_until_ready(), np.asarray)
    if program.kind == "decode":
        step, state = _decoding(program), [weights, kept]
    else:
        zeros = jax.tree.map(jnp.zeros_like, weights)
        count = jax.device_put(np.float32(0), place)
        step, state = _training(program), [(weights, zeros, jax.tree.map(jnp.copy, zeros), count)]

    def run() -> Any:
        state[-1], result = step(*state, *given)
        return result.block_until_ready()

    return Ready(run, np.asarray)


def _decoding(program: Program) -> Any:
    def step(weights: Any, kept: Any, *given: Any) -> Any:
        return program.apply(ops_of("jax"), weights, kept, *given)

    return jax.jit(step, donate_argnums=1)


def _training(program: Program) -> Any:
    def step(state: Any, *given: Any) -> Any:
        weights, m, v, count = state

        def loss(weights: Any) -> Any:
            return program.apply(ops_of("jax"), weights, *given)

        value, slope = jax.value_and_grad(loss)(weights)
        count = count + 1
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, slope)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, slope)
        first, second = 1 - 0.9**count, 1 - 0.999**count

        def moved(w: Any, m: Any, v: Any) -> Any:
            return w - LEARNING_RATE * (m / first) / (jnp.sqrt(v / second) + 1e-8)

        return (jax.tree.map(moved, weights, m, v), m, v, count), value

    return jax.jit(step, donate_argnums=0)
