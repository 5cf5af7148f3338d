"""Symbolic dimensions: sizes of results are formulas of them, and arguments are held to theirs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import slopec as sp
from slopec import tree
from slopec.build import build
from slopec.diagnostics import UsageError
from slopec.formulas import formula
from slopec.lower import lower
from slopec.targets import parse_target
from slopec_runtime import Program
from slopec_runtime.entry import signature
from slopec_runtime.errors import Error
from slopec_runtime.sizes import evaluate


@sp.program(x=sp.spec("float32", ("batch", "heads", 4)))
def merge(x):
    batch, heads, width = x.shape
    return x.reshape(batch * heads, width) * 2.0, sp.concat([x, x[1:]], axis=0)


@sp.program(q=sp.spec("float32", ("batch * heads", 4)), mask=sp.spec("float32", ("batch", "heads")))
def split(q, mask):
    return q.reshape(*mask.shape, 4) * mask[..., None], q[::3]


@sp.program(x=sp.spec("float32", ("batch", 8)))
def windows(x):
    return sp.nn.functional.max_pool1d(x.T[None], 2, stride=2)[0].T


SIGNATURES = {
    "merge": "merge(x: float32[batch, heads, 4]) -> "
    "(float32[batch * heads, 4], float32[2 * batch - 1, heads, 4])",
    "split": "split(q: float32[batch * heads, 4], mask: float32[batch, heads]) -> "
    "(float32[batch, heads, 4], float32[(batch * heads + 2) // 3, 4])",
    "windows": "windows(x: float32[batch, 8]) -> float32[batch // 2, 8]",
}
PROGRAMS = {"merge": merge, "split": split, "windows": windows}


@pytest.fixture(scope="module")
def program() -> Program:
    lowered = lower(list(PROGRAMS.values()), name="sizes", dims={"batch": [2, 5], "heads": [2, 3]})
    (artifact,) = build(lowered, [parse_target("llvm-cpu")])
    return artifact.load()


def test_signatures_hold_formulas(program):
    entries = program.manifest.entries
    assert {name: signature(name, entry) for name, entry in entries.items()} == SIGNATURES


@pytest.mark.parametrize(("batch", "heads"), [(2, 2), (2, 3), (5, 2), (5, 3)])
def test_every_size_computes(program, batch, heads):
    x = np.random.default_rng(0).normal(size=(batch, heads, 4)).astype("float32")
    flat, mask = x.reshape(-1, 4), x[..., 0].copy()
    given = {"merge": (x,), "split": (flat, mask), "windows": (np.tile(x[:, 0], 2),)}
    for name, arrays in given.items():
        results = program[name](*arrays)
        expected = PROGRAMS[name](*map(sp.tensor, arrays))
        for a, b in zip(tree.leaves(results), tree.leaves(expected), strict=True):
            np.testing.assert_allclose(a, b.numpy(), rtol=1e-6)


def test_arguments_are_held_to_their_formulas(program):
    with pytest.raises(Error, match=r"needs size batch \* heads = 6 on axis 0, got 5") as caught:
        program.split(np.ones((5, 4), "float32"), np.ones((2, 3), "float32"))
    assert "batch = 2, heads = 3" in str(caught.value)


def test_rows_counted_by_a_formula_are_not_independent():
    @sp.program(x=sp.spec("float32", ("n", 2)))
    def twice(x):
        return sp.repeat(x, 2, axis=0)

    with pytest.raises(UsageError, match="S0114"):
        build(lower([twice], name="twice"), [parse_target("llvm-cpu")])


def test_sizes_without_a_formula_are_refused():
    @sp.program(x=sp.spec("float32", ("n",)))
    def padded(x):
        return sp.pad(x, (0, 2 ** (x.shape[0] - 1).bit_length() - x.shape[0]))

    with pytest.raises(UsageError, match="S0116") as caught:
        lower([padded], name="padded", dims={"n": [3, 9, 40]})
    assert "64 for n = 40" in str(caught.value)


@pytest.mark.parametrize("size", ["2 ** n", "", "n.real", "class", True, -1, 1.5, None])
def test_what_is_no_size(size):
    with pytest.raises(UsageError, match="S0110"):
        sp.spec("float32", (size,))


def test_a_dimension_must_stand_alone_somewhere():
    with pytest.raises(UsageError, match="has `heads` as a size of its own"):
        sp.program(x=sp.spec("float32", ("batch * heads", "batch")))(lambda x: x)


FORMULAS = st.one_of(
    st.sampled_from(["n", "heads", "heads * n", "7"]),
    st.builds("{} * n + {}".format, st.integers(1, 9), st.integers(0, 9)),
    st.builds("(n + {}) // {}".format, st.integers(0, 5), st.integers(2, 9)),
)


@given(FORMULAS, st.lists(st.integers(1, 64), min_size=2, max_size=4, unique=True))
def test_formulas_are_found(text, sizes):
    choices = [{"n": n, "heads": heads} for n in sizes for heads in (2, 3)]
    values = [evaluate(text, choice) for choice in choices]
    found = formula(values, choices)
    assert found is not None
    assert [evaluate(found, choice) for choice in choices] == values
