"""What only constants lead to is folded where it is small, and hidden from IREE where it is not."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from slopec import ir, reference
from slopec.build import LEGALIZE
from slopec.passes import op_counts, parse_pipeline, run_pipeline
from slopec.passes.fold_constants import FoldConstants
from tests.transforms.harness import lower

KEY = np.array([3, 5], np.uint32)
STATE = np.array([3, 5], np.uint64)


def dropout(x):
    return jnp.where(jax.random.bernoulli(KEY, 0.9, x.shape), x / 0.9, 0)


X = np.linspace(-1, 1, 40_000, dtype=np.float32).reshape(200, 200)
FOLDED = {
    "a mask": dropout,
    "uniform numbers": lambda x: x + jax.random.uniform(KEY, x.shape, "float32"),
    "normal numbers": lambda x: x * jax.random.normal(KEY, x.shape, "float32"),
    "of a generator": lambda x: (
        x + (lax.rng_bit_generator(STATE, x.shape)[1] >> 20).astype(x.dtype)
    ),
    "returned": lambda x: (x, jax.random.bits(KEY, x.shape)),
}
FUNCTIONS = {
    "waves": lambda x: x + jnp.sin(jnp.arange(200.0, dtype="float32") * 0.5),
    "angles of positions": lambda x: (
        x * jnp.cos(lax.iota("float32", 200)[:, None] * 1e4 ** -lax.iota("float32", 200))
    ),
    "the bell": lambda x: x * lax.erf(lax.iota("float32", 200) / 100),
}
KEPT = {
    "of arguments": lambda x: jnp.sin(x),
    "little work": lambda x: x + jnp.arange(200.0, dtype="float32") * 0.5,
    "positions alone": lambda x: jnp.where(jnp.tri(200, dtype=bool), x, 0),
}


def legalised(function, *passes):
    module = ir.parse(lower(function, X))
    run_pipeline(module, parse_pipeline("inline,simplify{fold-bytes=1024},canonicalize,cse"))
    expected = reference.evaluate(module, "main", X)
    before = str(module)
    for pass_ in passes:
        pass_.run(module)
    run_pipeline(module, parse_pipeline("canonicalize,cse"))
    ir.verify(module)
    for got, wanted in zip(reference.evaluate(module, "main", X), expected, strict=True):
        np.testing.assert_array_equal(got, wanted)
    return before, module


def hashes(module):
    counts = op_counts(module)
    return counts["stablehlo.shift_left"] + counts["stablehlo.rng_bit_generator"]


@pytest.mark.parametrize("name", FOLDED)
def test_random_numbers_of_a_known_key_become_a_constant(name):
    _, module = legalised(FOLDED[name], FoldConstants())

    assert hashes(module) == 0
    assert "fold-constants" in LEGALIZE


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_positions_become_constants(name):
    _, module = legalised(FUNCTIONS[name], FoldConstants())

    names = {op.name.split(".")[1] for op in ir.ops_in(module)}
    assert names <= {"add", "broadcast_in_dim", "constant", "func", "module", "multiply", "return"}


@pytest.mark.parametrize("name", KEPT)
def test_what_is_no_work_stays(name):
    before, module = legalised(KEPT[name], FoldConstants())

    assert str(module) == before


@pytest.mark.parametrize("bounds", [{"most": 10_000}, {"work": 100_000}], ids=str)
def test_what_is_too_much_is_hidden_and_stays_the_same(bounds):
    _, module = legalised(dropout, FoldConstants(**bounds))

    barriers = ir.ops_in(module, "stablehlo.optimization_barrier")
    assert hashes(module)
    assert barriers
    assert all(ir.type_of(op.results[0])[0] in ((), (1,)) for op in barriers)
