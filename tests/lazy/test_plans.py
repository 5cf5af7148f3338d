"""How recorded work is run: remembered by structure, evaluated while that is cheap, then compiled."""

import numpy as np
import pytest

import slopec as sp
from slopec.diagnostics import CompileError
from slopec.lazy import plan


@pytest.fixture(autouse=True)
def families(monkeypatch):
    """The structures that a test runs, none of which any process has compiled."""
    monkeypatch.setattr(plan.Plan, "_was_compiled", lambda self: False)
    known = type(plan._families)()
    monkeypatch.setattr(plan, "_families", known)
    return known


@pytest.fixture
def eager(monkeypatch):
    """Compilation that costs nothing, so that everything is compiled at once."""
    monkeypatch.setattr(plan, "_PER_PROGRAM", 0.0)
    monkeypatch.setattr(plan, "_PER_COMPILED_OP", 0.0)


def plans(families):
    return [p for family in families.values() for p in family.plans.values()]


def test_the_same_code_is_one_structure(families):
    for i in range(10):
        x = sp.tensor(np.float32([i, 1.0]))
        assert (x * 2.0 + 1.0).tolist() == [2.0 * i + 1.0, 3.0]

    assert len(families) == 1
    assert len(plans(families)) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (lambda x, y: x + y, lambda x, y: x + x),
        (lambda x, y: x - y, lambda x, y: x + y),
        (lambda x, y: x.sum(axis=0), lambda x, y: x.max(axis=0)),
        (lambda x, y: x.sum(axis=0), lambda x, y: x.sum(axis=1)),
        (lambda x, y: sp.sort(x), lambda x, y: sp.sort(x, descending=True)),
        (lambda x, y: sp.cond(x.sum() > 0, sp.sin, sp.cos, x), lambda x, y: sp.sin(x)),
        (lambda x, y: sp.exp(x) * sp.exp(y), lambda x, y: sp.exp(x) * sp.exp(x)),
    ],
)
def test_different_code_is_not(one, other, families):
    a = np.float32([[1.0, 2.0], [3.0, -4.0]])
    b = np.float32([[5.0, 6.0], [7.0, 8.0]])
    for _ in range(2):
        first, second = one(sp.tensor(a), sp.tensor(b)), other(sp.tensor(a), sp.tensor(b))
        np.testing.assert_allclose(first.numpy(), sp.jit(one)(a, b).numpy(), rtol=1e-6)
        np.testing.assert_allclose(second.numpy(), sp.jit(other)(a, b).numpy(), rtol=1e-6)

    assert len(families) == 2


def test_a_number_that_changes_becomes_an_argument(families):
    x = sp.tensor([1.0, 2.0])
    for i in range(10):
        scaled = x * (0.1 * i) + 3.0
        np.testing.assert_allclose(scaled.numpy(), np.float32([1, 2]) * 0.1 * i + 3, rtol=1e-6)

    (family,) = families.values()
    assert len(family.varying) == 1
    assert len(family.plans) == 1
    shifted = x * 0.5 + 4.0
    assert shifted.tolist() == [4.5, 5.0]
    assert len(family.varying) == 2


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16", "int32", "bool", "complex64"])
def test_numbers_of_every_dtype_may_change(dtype, families):
    x = sp.ones(3).astype(dtype)
    for i in (1, 0, 2):
        result = sp.where(sp.tensor([True, False, True]), sp.full_like(x, i), x)
        expected = np.where([True, False, True], np.asarray(i, x.dtype), np.ones((), x.dtype))
        assert result.dtype == x.dtype
        np.testing.assert_array_equal(result.numpy(), expected)


def test_small_work_is_not_compiled(families):
    (sp.ones((4, 4)) @ sp.ones((4, 4))).numpy()

    assert all(p.compiled is None for p in plans(families))


def test_large_work_is_compiled_and_stays_on_the_device(families, eager):
    rng = np.random.default_rng(0)
    a = rng.normal(size=(64, 32)).astype("float32")
    b = rng.normal(size=(32, 16)).astype("float32")
    x, w = sp.tensor(a), sp.tensor(b)
    y = sp.nn.functional.softmax(x @ w)
    np.testing.assert_allclose(y.numpy(), softmax(a @ b), rtol=1e-4, atol=1e-6)

    assert all(p.compiled is not None for p in plans(families))
    assert not isinstance(y._value.data, np.ndarray)
    assert not isinstance(x._value.data, np.ndarray)  # it will not travel twice
    assert y.device == "cpu"
    assert x.tolist() == a.tolist()
    np.testing.assert_allclose((y * 2.0).numpy(), 2.0 * softmax(a @ b), rtol=1e-4, atol=1e-6)


def softmax(x):
    grown = np.exp(x - x.max(-1, keepdims=True))
    return grown / grown.sum(-1, keepdims=True)


def test_work_that_adds_up_is_compiled(families):
    x = sp.tensor(np.ones((8, 8), "float32"))
    (x @ x).numpy()
    (only,) = plans(families)
    assert only.compiled is None
    only.spent = only.price
    (x @ x).numpy()
    assert only.compiled is not None
    assert (x @ x).tolist() == np.full((8, 8), 8.0).tolist()


def test_what_was_compiled_before_is_compiled_at_once(monkeypatch, tmp_path):
    monkeypatch.undo()
    monkeypatch.setenv("SLOPEC_CACHE_DIR", str(tmp_path))
    x = sp.tensor(np.ones((8, 8), "float32"))
    monkeypatch.setattr(plan, "_LOADING", 0.0)
    for price in (0.0, 1e9):  # a process that compiles, and one that would not by itself
        monkeypatch.setattr(plan, "_families", type(plan._families)())
        monkeypatch.setattr(plan, "_PER_PROGRAM", price)
        monkeypatch.setattr(plan, "_PER_COMPILED_OP", price)
        (x @ x).numpy()
        (only,) = plans(plan._families)
        assert only.compiled is not None
    monkeypatch.setattr(plan, "_families", type(plan._families)())
    (x @ x @ x).numpy()
    (other,) = plans(plan._families)
    assert other.compiled is None


def test_what_cannot_be_compiled_is_evaluated(families, eager, monkeypatch):
    def refuse(*args):
        raise CompileError("S0302", "no")

    monkeypatch.setattr(plan, "compile_module", refuse)
    assert (sp.ones(2) + 1.0).tolist() == [2.0, 2.0]
    with sp.device("cpu"), pytest.raises(CompileError):
        (sp.ones(2) + 2.0).numpy()


def test_few_structures_are_remembered(families, monkeypatch):
    monkeypatch.setattr(plan, "LIMIT", 3)
    for n in range(1, 8):
        (sp.ones(n) + 1.0).numpy()

    assert len(families) == 3


def test_functions_and_loops_are_recorded_as_one_op(families):
    x = sp.tensor([3.0, 1.0, 2.0])
    for _ in range(3):
        value, pullback = sp.vjp(lambda x: x * x, x)
        assert pullback(sp.ones(3))[0].tolist() == [6.0, 2.0, 4.0]
        assert value.tolist() == [9.0, 1.0, 4.0]
        assert sp.sort(x).tolist() == [1.0, 2.0, 3.0]
        assert sp.hessian(lambda x: (x * x * x).sum())(x).numpy().diagonal().tolist() == [18, 6, 12]
        total, sums = sp.scan(lambda c, x: (c + x, c), 0.0, x)
        assert (total.item(), sums.tolist()) == (6.0, [0.0, 3.0, 4.0])
        assert sp.while_loop(lambda v: v.sum() < 50.0, lambda v: v * 2.0, x).sum().item() == 96.0
        assert sp.vmap(lambda v: v * x)(sp.eye(3)).numpy().diagonal().tolist() == [3.0, 1.0, 2.0]
    first = len(families)
    sp.sort(x).numpy()

    assert len(families) == first + 1  # a line of its own
    assert first <= 9


def test_a_pullback_may_be_used_in_a_trace():
    x = sp.tensor([1.0, 2.0])
    _, pullback = sp.vjp(lambda x: x * x * x, x)

    assert sp.jit(lambda ct: pullback(ct)[0])(sp.ones(2)).tolist() == [3.0, 12.0]
    assert sp.jacrev(lambda x: x * x)(x).numpy().diagonal().tolist() == [2.0, 4.0]
