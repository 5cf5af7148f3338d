"""Every sampler draws the numbers of `jax.random`, from the same keys."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import slopec as sp
from slopec import random

SEEDS = [0, 1, 123, 2**32 - 1, 2**63 + 7]
REAL = ["float16", "bfloat16", "float32", "float64"]
# log and erf_inv differ in the last bits between implementations; bits and uniforms do not.
CLOSE = {"float16": 2e-2, "bfloat16": 2e-2, "float32": 2e-4, "float64": 1e-12}


def keys(seed):
    return random.key(seed), jax.random.key(seed)


def assert_equal(ours, theirs):
    theirs = np.asarray(theirs)
    assert ours.dtype == theirs.dtype
    np.testing.assert_array_equal(ours.numpy(), theirs)


@pytest.mark.parametrize("seed", SEEDS)
def test_keys(seed):
    ours, theirs = random.key(seed), jax.random.key(np.uint64(seed))

    assert_equal(ours, jax.random.key_data(theirs))
    assert_equal(random.split(ours), jax.random.key_data(jax.random.split(theirs)))
    assert_equal(random.split(ours, (3, 5)), jax.random.key_data(jax.random.split(theirs, (3, 5))))
    for data in (0, 7, 2**32 - 1):
        folded = jax.random.fold_in(theirs, data)
        assert_equal(random.fold_in(ours, data), jax.random.key_data(folded))


@pytest.mark.parametrize("shape", [(), (1,), (0, 3), (5, 7), (40_000,)])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "uint64"])
def test_bits(shape, dtype):
    ours, theirs = keys(5)

    assert_equal(random.bits(ours, shape, dtype), jax.random.bits(theirs, shape, dtype))


@pytest.mark.parametrize("dtype", REAL)
@pytest.mark.parametrize("bounds", [(0, 1), (-3.0, 5.0)])
def test_uniform(dtype, bounds):
    ours, theirs = keys(17)

    expected = jax.random.uniform(theirs, (50, 7), jnp.dtype(dtype), *bounds)
    assert_equal(random.uniform(ours, (50, 7), dtype, *bounds), expected)


CONTINUOUS = {
    "normal": (),
    "exponential": (),
    "gumbel": (),
    "laplace": (),
    "truncated_normal": (-2.0, 1.5),
}


@pytest.mark.parametrize("dtype", REAL)
@pytest.mark.parametrize("name", CONTINUOUS)
def test_continuous(name, dtype):
    ours, theirs = keys(3)
    bounds = CONTINUOUS[name]

    drawn = getattr(random, name)(ours, *bounds, shape=(200, 3), dtype=dtype)
    expected = getattr(jax.random, name)(theirs, *bounds, shape=(200, 3), dtype=jnp.dtype(dtype))
    assert drawn.dtype == expected.dtype
    drawn, expected = (np.asarray(x, np.float64) for x in (drawn, expected))
    np.testing.assert_allclose(drawn, expected, rtol=CLOSE[dtype], atol=CLOSE[dtype])


def test_complex_normal():
    ours, theirs = keys(3)

    expected = jax.random.normal(theirs, (20,), "complex64")
    np.testing.assert_allclose(random.normal(ours, (20,), "complex64"), expected, rtol=1e-5)


INTEGERS = [
    ("int32", -5, 17),
    ("int32", 3, 3),
    ("int32", -(2**31), 2**31 - 1),
    ("uint8", 0, 256),
    ("int8", -128, 128),
    ("uint16", 5, 900),
    ("int64", -(10**12), 10**15),
    ("uint32", 0, 2**31 + 5),
]


@pytest.mark.parametrize(("dtype", "low", "high"), INTEGERS)
def test_randint(dtype, low, high):
    ours, theirs = keys(11)

    expected = jax.random.randint(theirs, (300,), low, high, dtype)
    assert_equal(random.randint(ours, (300,), low, high, dtype), expected)


def test_randint_with_bounds_per_element():
    ours, theirs = keys(11)
    low, high = np.arange(4, dtype=np.int32), np.array([[5], [1], [9]], np.int32)

    expected = jax.random.randint(theirs, (3, 4), low, high, "int32")
    assert_equal(random.randint(ours, (3, 4), sp.tensor(low), sp.tensor(high)), expected)


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 1.0])
def test_bernoulli(p):
    ours, theirs = keys(2)

    expected = jax.random.bernoulli(theirs, np.float32(p), (100,))
    assert_equal(random.bernoulli(ours, p, (100,)), expected)


def test_choices():
    ours, theirs = keys(9)
    x = np.arange(24, dtype=np.float32).reshape(4, 6)
    logits = np.sin(np.arange(24, dtype=np.float32)).reshape(4, 6)
    p = np.array([0.1, 0.2, 0.3, 0.4], np.float32)
    four = np.arange(4, dtype=np.int32)
    with jax.enable_x64(False):
        cases = [
            (random.rademacher(ours, (40,)), jax.random.rademacher(theirs, (40,), "int32")),
            (random.categorical(ours, logits), jax.random.categorical(theirs, logits)),
            (random.categorical(ours, logits, 0), jax.random.categorical(theirs, logits, 0)),
            (
                random.categorical(ours, logits, 0, (9, 6)),
                jax.random.categorical(theirs, logits, 0, (9, 6)),
            ),
            (
                random.choice(ours, x, (3, 5), axis=1),
                jax.random.choice(theirs, x, (3, 5), axis=1),
            ),
            (
                random.choice(ours, 4, (3,), replace=False),
                jax.random.choice(theirs, four, (3,), replace=False),
            ),
            (random.choice(ours, 4, (200,), p=p), jax.random.choice(theirs, four, (200,), p=p)),
            (
                random.choice(ours, 4, (3,), False, p),
                jax.random.choice(theirs, four, (3,), False, p),
            ),
        ]
        for drawn, expected in cases:
            assert_equal(drawn, expected)


@pytest.mark.parametrize("count", [0, 1, 5, 1000, 3000])
def test_permutation_of_a_range(count):
    ours, theirs = keys(4)

    expected = jax.random.permutation(theirs, np.arange(count, dtype=np.int32))
    assert_equal(random.permutation(ours, count), expected)


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("independent", [False, True])
def test_permutation_of_an_array(axis, independent):
    ours, theirs = keys(4)
    x = np.arange(24, dtype=np.float32).reshape(4, 6)

    expected = jax.random.permutation(theirs, x, axis, independent=independent)
    assert_equal(random.permutation(ours, x, axis, independent=independent), expected)
