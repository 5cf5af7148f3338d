"""Random bits are XLA's, bit for bit; `rng` has the law it is asked for."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from tests.reference.harness import Group, run

SHAPES = [(), (1,), (2,), (5,), (3, 4), (3, 5), (5, 7, 3), (0, 3), (4, 0)]
GENERATORS = {
    "THREE_FRY": lax.RandomAlgorithm.RNG_THREE_FRY,
    "PHILOX": lax.RandomAlgorithm.RNG_PHILOX,
}
STATES = {
    "counted": np.array([0x0123456789ABCDEF, 41], np.uint64),
    "about to carry": np.array([7, 2**64 - 3], np.uint64),
}

BITS = Group()
for _name, _algorithm in GENERATORS.items():
    for _state, _words in STATES.items():
        for _dtype in ("uint8", "uint16", "uint32", "uint64"):
            for _shape in SHAPES if _state == "counted" else [(9,)]:

                def _draw(words: Any, s: Any = _shape, d: str = _dtype, a: Any = _algorithm) -> Any:
                    return lax.rng_bit_generator(words, s, jnp.dtype(d), a)

                BITS.add(f"{_name} {_state} {_dtype} {_shape}", _draw, _words)


@pytest.mark.parametrize("name", list(BITS.cases))
def test_bits(name: str) -> None:
    BITS.check(name)


def test_a_philox_state_of_three_words_spells_out_the_upper_counter() -> None:
    """With two words the upper half of the counter is the key."""
    text = """func.func @main(%s: tensor<{n}xui64>) -> (tensor<{n}xui64>, tensor<9xui32>) {{
      %0, %1 = stablehlo.rng_bit_generator %s, algorithm = PHILOX
        : (tensor<{n}xui64>) -> (tensor<{n}xui64>, tensor<9xui32>)
      return %0, %1 : tensor<{n}xui64>, tensor<9xui32> }}"""
    two, bits = run(text.format(n=2), np.array([7, 2**64 - 2], np.uint64))
    three, same_bits = run(text.format(n=3), np.array([7, 2**64 - 2, 7], np.uint64))
    np.testing.assert_array_equal(bits, same_bits)
    np.testing.assert_array_equal(two, [7, 1])
    np.testing.assert_array_equal(three, [7, 1, 8])


DRAWS = Group()
KEY = np.array([17, 42], np.uint32)
for _name, _draw_ in {
    "bits": lambda k: jax.random.bits(k, (7,)),
    "uniform": lambda k: jax.random.uniform(k, (5,), jnp.float32),
    "normal": lambda k: jax.random.normal(k, (5, 3), jnp.float32),
    "normal in float64": lambda k: jax.random.normal(k, (5,), jnp.float64),
    "integers": lambda k: jax.random.randint(k, (9,), -3, 8),
    "permutation": lambda k: jax.random.permutation(k, 11),
    "categorical": lambda k: jax.random.categorical(k, jnp.arange(4.0), shape=(9,)),
    "split": lambda k: jax.random.split(k, 3),
    "gamma": lambda k: jax.random.gamma(k, 2.5, (4,)),
    "truncated": lambda k: jax.random.truncated_normal(k, -1.0, 2.0, (5,)),
}.items():
    DRAWS.add(_name, _draw_, KEY)


@pytest.mark.parametrize("name", list(DRAWS.cases))
def test_draws(name: str) -> None:
    DRAWS.check(name, 1e-6)


def rng_text(law: str, kind: str) -> str:
    return f"""func.func @main(%a: tensor<{kind}>, %b: tensor<{kind}>) -> tensor<100x200x{kind}> {{
      %s = stablehlo.constant dense<[100, 200]> : tensor<2xi64>
      %0 = stablehlo.rng %a, %b, %s, distribution = {law}
        : (tensor<{kind}>, tensor<{kind}>, tensor<2xi64>) -> tensor<100x200x{kind}>
      return %0 : tensor<100x200x{kind}> }}"""


def test_rng_draws_uniform_numbers() -> None:
    (drawn,) = run(rng_text("UNIFORM", "f32"), np.float32(-1), np.float32(3))
    assert drawn.min() >= -1 > drawn.min() - 0.01
    assert drawn.max() < 3 < drawn.max() + 0.01
    assert abs(drawn.mean() - 1) < 0.05


def test_rng_draws_integers_below_the_bound() -> None:
    (drawn,) = run(rng_text("UNIFORM", "i32"), np.int32(-2), np.int32(3))
    assert set(np.unique(drawn)) == {-2, -1, 0, 1, 2}


def test_rng_draws_normal_numbers() -> None:
    (drawn,) = run(rng_text("NORMAL", "f64"), np.float64(2), np.float64(3))
    assert abs(drawn.mean() - 2) < 0.1
    assert abs(drawn.std() - 3) < 0.1
