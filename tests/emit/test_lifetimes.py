"""Arguments and values that loops and branches hand on stay as long as somebody needs them."""

import numpy as np
import pytest

import slopec as sp
from slopec.build import build
from slopec.lower import lower
from slopec.targets import parse_target

VECTOR = sp.spec("float32", (64,))


def folded(x):
    return (sp.tanh(x) * sp.tanh(x)).sum()


@sp.program(x=VECTOR)
def made(x):
    return sp.floor(x)


@sp.program(x=VECTOR)
def argument(x):
    return folded(sp.cond(x[0] > 0, lambda: x, lambda: sp.exp(x)))


@sp.program(x=VECTOR)
def looped(x):
    return folded(sp.while_loop(lambda y: y.sum() < 10.0, lambda y: y * 2 + 9, x))


@sp.program(x=VECTOR)
def returned(x):
    rounded = sp.floor(x)
    return folded(sp.cond(x[0] > 0, lambda: rounded, lambda: sp.exp(x))), rounded


@sp.program(x=VECTOR)
def chosen(x):
    rounded = sp.floor(x)
    places = (x[0] > 0).astype("int32")
    return folded(sp.switch(places, [lambda: sp.exp(x), lambda: rounded, lambda: x])), rounded


@sp.program(x=VECTOR)
def needed_later(x):
    rounded = sp.floor(x)
    c = folded(sp.cond(x[0] > 0, lambda: rounded, lambda: sp.exp(x)))
    d = sp.cond(c > 0, lambda: sp.exp(x * c / 64), lambda: x)
    e = sp.cond((d * d).sum() > 0, lambda: sp.sqrt(sp.abs(x * c / 64)), lambda: x)
    return c, rounded * 2 + e, d


PROGRAMS = (argument, looped, returned, chosen, needed_later)


@pytest.fixture(scope="module")
def artifact():
    (built,) = build(lower([made, *PROGRAMS], name="all"), [parse_target("llvm-cpu")])
    return built


@pytest.mark.parametrize("device", ["local-sync", "local-task"])
def test_nothing_is_freed_that_is_needed(artifact, device):
    """What a function made, and so may be freed by name, is the argument of the next."""
    program = artifact.load(device)
    for function in PROGRAMS:
        for start in (1.5, -1.5):
            vector = np.full(64, start, "float32")
            given, known = program.made(vector), np.floor(vector)
            expected = function(sp.tensor(known))
            results = [program[function.name](given) for _ in range(3)]
            np.testing.assert_array_equal(given, known)
            for found in results:
                for one, other in zip(sp.tree.leaves(found), sp.tree.leaves(expected), strict=True):
                    np.testing.assert_allclose(one, other.numpy(), 1e-5, 1e-5)
