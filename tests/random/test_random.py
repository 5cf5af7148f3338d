"""Keys in traces, streams, gradients through samples, and what is refused."""

import numpy as np
import pytest

import slopec as sp
from slopec import random
from slopec.diagnostics import DTypeError, TraceError, UsageError
from slopec.random import unkeyed


def traced(function, *arguments):
    """What `function` computes as a traced function, seen through `vjp`, which traces it."""
    return sp.vjp(lambda _: function(*arguments), sp.tensor(0.0))[0]


def test_a_trace_draws_what_numpy_draws():
    key = random.key(8)

    def draw(key):
        first, second = random.split(key)
        folded = random.fold_in(second, sp.tensor(3))
        return random.bits(first, (3, 5)), random.bits(folded, (4,), "uint64"), random.key(9)

    for inside, outside in zip(traced(draw, key), draw(key), strict=True):
        np.testing.assert_array_equal(inside.numpy(), outside.numpy())


def test_a_traced_seed():
    for seed in (5, 2**40 + 1):
        dtype = "int32" if seed < 2**31 else "int64"
        drawn = random.key(sp.tensor(seed, dtype=dtype))
        np.testing.assert_array_equal(drawn.numpy(), random.key(seed).numpy())


def test_samples_differentiate_in_their_parameters():
    key = random.key(0)

    def scaled(scale, shift):
        return (random.uniform(key, (5,), "float32", shift, shift + scale)).sum()

    by_scale, by_shift = sp.grad(scaled, (0, 1))(2.0, -1.0)
    np.testing.assert_allclose(by_scale.numpy(), random.uniform(key, (5,)).numpy().sum(), 1e-6)
    assert by_shift.item() == pytest.approx(5)


def test_the_default_stream_repeats_after_its_seed():
    sp.manual_seed(3)
    first = [random.next_key().tolist() for _ in range(3)]
    sp.manual_seed(3)
    again = [random.next_key().tolist() for _ in range(3)]

    assert first == again
    assert len({tuple(key) for key in first}) == 3


def test_streams_nest_and_end():
    sp.manual_seed(0)
    with random.stream(5):
        outer = random.next_key().tolist()
        with random.stream(random.key(6)):
            inner = random.next_key().tolist()
        after = random.next_key().tolist()

    assert outer == random.fold_in(random.key(5), 0).tolist()
    assert inner == random.fold_in(random.key(6), 0).tolist()
    assert after == random.fold_in(random.key(5), 1).tolist()
    assert random.next_key().tolist() == random.fold_in(random.key(0), 0).tolist()


def test_no_stream_changes_nothing():
    with random.stream(5), random.stream(None):
        assert random.next_key().tolist() == random.fold_in(random.key(5), 0).tolist()


def test_a_trace_needs_a_stream_of_its_own():
    def noisy(x):
        return (x * unkeyed.rand(3)).sum()

    with pytest.raises(TraceError, match="S0120"):
        sp.grad(noisy)(sp.ones(3))

    def seeded(x, key):
        with random.stream(key):
            return noisy(x)

    drawn = sp.grad(seeded)(sp.ones(3), random.key(1))
    expected = random.uniform(random.fold_in(random.key(1), 0), (3,))
    np.testing.assert_array_equal(drawn.numpy(), expected.numpy())


def test_names_without_keys():
    with random.stream(0):
        assert unkeyed.rand(2, 3).shape == unkeyed.randn((2, 3)).shape == (2, 3)
        assert unkeyed.rand().shape == ()
        like = sp.zeros((4,), dtype="float16")
        assert unkeyed.rand_like(like).dtype == unkeyed.randn_like(like).dtype == like.dtype
        assert sorted(unkeyed.randperm(6).tolist()) == list(range(6))
        drawn = unkeyed.randint(2, 5, (100,)).numpy()
    assert drawn.min() == 2
    assert drawn.max() == 4


REFUSED = [
    (lambda: random.normal(3, (2,)), DTypeError, "expected a key"),
    (lambda: random.normal(sp.zeros(2), (2,)), DTypeError, "float32"),
    (lambda: random.key(1.5), DTypeError, "integer"),
    (lambda: random.uniform(random.key(0), (2,), "int32"), DTypeError, "floating"),
    (lambda: random.bits(random.key(0), (2,), "int32"), DTypeError, "unsigned"),
    (lambda: random.randint(random.key(0), (2,), 0, 2, "float32"), DTypeError, "integer"),
    (lambda: random.choice(random.key(0), 3, (5,), replace=False), UsageError, "5 draws"),
    (lambda: random.choice(random.key(0), 3, (5,), p=sp.ones(2)), UsageError, "p has shape"),
    (lambda: random.categorical(random.key(0), sp.zeros((4, 3)), shape=(5,)), Exception, "(5,)"),
]


@pytest.mark.parametrize(("call", "error", "text"), REFUSED)
def test_refusals(call, error, text):
    with pytest.raises(error) as raised:
        call()
    assert text in str(raised.value)
