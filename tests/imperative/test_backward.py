"""`backward()`: gradients as JAX's and PyTorch's, and what it says when it cannot."""

import gc
import threading
import weakref

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import slopec as sp
from slopec import nn
from slopec.diagnostics import DTypeError, ShapeError, TraceError, UsageError
from slopec.lazy import plan

RNG = np.random.default_rng(0)
A = RNG.normal(size=(3, 4)).astype("float32")
B = RNG.normal(size=(4, 5)).astype("float32")
C = RNG.uniform(0.5, 1.5, size=(3, 4)).astype("float32")

# (name, function of an array namespace and its arguments, arguments); the result is weighted and
# summed, so that every element's gradient counts differently.
CASES = [
    ("product", lambda np, a, b: a @ b, (A, B)),
    ("chain", lambda np, a, b: np.tanh(np.tanh(a @ b) * 0.5), (A, B)),
    ("broadcast", lambda np, a, c: a * c[0] + c[:, :1], (A, C)),
    ("twice", lambda np, a: a * a + a, (A,)),
    ("reduction", lambda np, a: a.max(axis=1) - a.sum(axis=1), (A,)),
    ("indexing", lambda np, a: a[1:, ::2] * a[0, 1], (A,)),
    ("where", lambda np, a, c: np.where(a > 0, a * c, np.exp(a)), (A, C)),
    ("log of a quotient", lambda np, a, c: np.log(c / (1 + a * a)), (A, C)),
    ("sort", lambda np, a: np.sort(a, axis=1) ** 2, (A,)),
    ("einsum", lambda np, a, c: np.einsum("ij,kj->ik", a, c), (A, C)),
    ("concatenation", lambda np, a, c: np.concatenate([a, c], axis=0) ** 3, (A, C)),
]
NAMES = [name for name, _, _ in CASES]


class Numeric:
    """The functions that the cases use, by their names in JAX."""

    tanh, exp, log, where, sort, einsum = sp.tanh, sp.exp, sp.log, sp.where, sp.sort, sp.einsum

    @staticmethod
    def concatenate(parts, axis):
        return sp.concat(parts, axis=axis)


def weights(shape):
    return np.linspace(0.5, 1.5, int(np.prod(shape)), dtype="float32").reshape(shape)


@pytest.mark.parametrize(("name", "function", "arguments"), CASES, ids=NAMES)
def test_like_jax(name, function, arguments):
    def loss(*args):
        y = function(jnp, *args)
        return (y * weights(y.shape)).sum()

    expected = jax.grad(loss, argnums=tuple(range(len(arguments))))(*arguments)
    leaves = [sp.tensor(a, requires_grad=True) for a in arguments]
    y = function(Numeric, *leaves)
    (y * sp.tensor(weights(y.shape))).sum().backward()
    for leaf, slope in zip(leaves, expected, strict=True):
        np.testing.assert_allclose(leaf.grad.numpy(), slope, rtol=2e-4, atol=2e-5)
        assert leaf.grad.dtype == leaf.dtype
        assert not leaf.grad.requires_grad


def test_like_torch():
    torch = pytest.importorskip("torch")
    for name, function, arguments in CASES:
        if name in ("reduction", "indexing", "sort", "concatenation"):
            continue  # spelled differently there
        theirs = [torch.tensor(a, requires_grad=True) for a in arguments]
        y = function(torch, *theirs)
        y.backward(torch.tensor(weights(y.shape)))
        ours = [sp.tensor(a, requires_grad=True) for a in arguments]
        z = function(Numeric, *ours)
        z.backward(sp.tensor(weights(z.shape)))
        for a, b in zip(ours, theirs, strict=True):
            assert (a.grad is None) == (b.grad is None), name
            if b.grad is not None:
                np.testing.assert_allclose(a.grad.numpy(), b.grad, rtol=1e-4, atol=1e-5)


def script(lib, make, detach=lambda x: x.detach()):
    """Attributes and gradients along a script that means the same in PyTorch."""
    seen = []
    x, w = make([1.0, 2.0], True), make([3.0, -1.0], True)
    k = make([5.0, 6.0], False)
    y = x * w + k
    seen.append([t.requires_grad for t in (x, k, y, y.detach(), k + 1.0)])
    seen.append([t.is_leaf for t in (x, k, y, y.detach(), k + 1.0)])
    (y * y).sum().backward()
    seen += [x.grad.tolist(), w.grad.tolist(), k.grad]
    (x * 2.0).sum().backward()  # adds up
    seen.append(x.grad.tolist())
    with lib.no_grad():
        z = x * w
        with lib.enable_grad():
            u = x * w
        x -= 0.5 * x.grad
    seen.append([z.requires_grad, u.requires_grad, x.requires_grad, x.is_leaf, x.tolist()])
    x.grad = None
    h = x * w
    h.retain_grad()
    ((h * detach(h)).sum() + h[0]).backward(retain_graph=True)
    seen += [h.grad.tolist(), x.grad.tolist()]
    x.grad = None
    h.sum().backward(inputs=[x])
    seen += [x.grad.tolist(), w.grad.tolist()]
    x.data = make([7.0, 8.0], False)
    w.data *= 2.0
    seen += [x.tolist(), w.tolist(), x.requires_grad, w.is_leaf]
    with lib.no_grad():
        x.copy_(make([1.0, 1.0], False))
        x.add_(make([1.0, 2.0], False), alpha=2.0)
        w.mul_(0.5)
        w.zero_()
        k.fill_(3.0)
    seen += [x.tolist(), w.tolist(), k.tolist()]
    seen.append(x.requires_grad_(False).requires_grad)
    seen.append((x * w).requires_grad)
    return seen


def test_the_same_script_in_torch():
    torch = pytest.importorskip("torch")
    theirs = script(torch, lambda v, flag: torch.tensor(v, requires_grad=flag))
    ours = script(sp, lambda v, flag: sp.tensor(v, requires_grad=flag))

    assert ours == theirs


def test_second_derivatives():
    x = sp.tensor([1.0, 2.0, 3.0], requires_grad=True)
    (x**3).sum().backward(create_graph=True)
    slope, x.grad = x.grad, None
    assert slope.requires_grad
    assert slope.tolist() == [3.0, 12.0, 27.0]
    (slope * sp.tensor([1.0, 10.0, 100.0])).sum().backward()

    assert x.grad.tolist() == [6.0, 120.0, 1800.0]


def test_a_gradient_for_several_elements():
    x = sp.tensor([1.0, 2.0], requires_grad=True)
    (x * x).backward(sp.tensor([1.0, 10.0]))
    assert x.grad.tolist() == [2.0, 40.0]
    (x * x).backward([1.0, 0.0])
    assert x.grad.tolist() == [4.0, 40.0]
    x.backward(sp.ones(2))
    assert x.grad.tolist() == [5.0, 41.0]


def test_values_looked_at_before_and_after():
    x = sp.tensor([1.0, 2.0], requires_grad=True)
    h = sp.exp(x)
    loss = (h * h).sum()
    before = loss.item()
    loss.backward()
    other = (h.detach() * x).sum()
    other.backward()

    assert loss.item() == before
    np.testing.assert_allclose(h.numpy(), np.exp([1.0, 2.0]), rtol=1e-6)
    expected = 2 * np.exp([2.0, 4.0]) + np.exp([1.0, 2.0])
    np.testing.assert_allclose(x.grad.numpy(), expected, rtol=1e-5)


def test_transforms_have_histories_too():
    x = sp.tensor([1.0, 2.0], requires_grad=True)
    inner = sp.grad(lambda y: (y**3).sum())(x)
    last, _ = sp.scan(lambda c, v: (c * v, c), 1.0, x)
    mapped = sp.vmap(lambda v: v * v)(x)
    (inner.sum() + last + mapped.sum()).backward()

    np.testing.assert_allclose(x.grad.numpy(), [6 + 2 + 2, 12 + 1 + 4], rtol=1e-6)


def test_leaves_that_are_constants():
    x, w = sp.ones(3).requires_grad_(), sp.full((3,), 2.0).requires_grad_()
    ((x * 3.0) * (w * w)).sum().backward()

    assert x.grad.tolist() == [12.0, 12.0, 12.0]
    assert w.grad.tolist() == [12.0, 12.0, 12.0]


def test_what_is_cut_off_stays_so_within_the_derived_function():
    x = sp.tensor([1.0, 2.0], requires_grad=True)
    y = sp.exp(x)
    with sp.no_grad():
        scale = sp.sin(y) + 1.0
    mask = (y > 3.0).astype("float32")
    loss = (y * scale * mask + sp.stop_gradient(y) * x).sum()
    loss.backward()

    def like(x):
        y = jnp.exp(x)
        scale, still = jax.lax.stop_gradient((jnp.sin(y) + 1.0, y))
        return (y * scale * (y > 3.0) + still * x).sum()

    expected = jax.grad(like)(np.float32([1.0, 2.0]))
    np.testing.assert_allclose(x.grad.numpy(), expected, rtol=1e-5)


def test_weights_in_python_that_change_from_step_to_step(monkeypatch):
    monkeypatch.setattr(plan, "_families", type(plan._families)())
    x = sp.tensor([1.0, 2.0], requires_grad=True)
    for step in range(6):
        x.grad = None
        (sp.sin(x) * (0.1 * step) + x).sum().backward()
        expected = np.cos([1.0, 2.0]) * 0.1 * step + 1.0
        np.testing.assert_allclose(x.grad.numpy(), expected, rtol=1e-5)
    (family,) = plan._families.values()

    assert len(family.plans) == 1


def test_complex_leaves():
    z = sp.tensor([1.0 + 2.0j], requires_grad=True)
    (z * z).real.sum().backward()
    expected = jax.grad(lambda z: (z * z).real.sum())(jnp.array([1.0 + 2.0j], "complex64"))

    np.testing.assert_allclose(z.grad.numpy(), expected)


def test_integers_on_the_way_have_no_gradient():
    x = sp.tensor([0.3, 0.1, 0.2], requires_grad=True)
    order = sp.argsort(x)
    assert not order.requires_grad
    (x[order] * sp.tensor([1.0, 10.0, 100.0])).sum().backward()

    assert x.grad.tolist() == [100.0, 1.0, 10.0]


# --- mistakes --------------------------------------------------------------------------------


def leaf():
    return sp.tensor([1.0, 2.0], requires_grad=True)


def backward_twice():
    loss = leaf().sum()
    loss.backward()
    loss.backward()


def backward_through_a_freed_part():
    h = leaf() * 2.0
    (h * h).sum().backward()
    (h + 1.0).sum().backward()


def backward_in_jit():
    x = leaf()
    sp.jit(lambda y: (x * y).sum().backward() or y)(1.0)


def without(grad):
    x = leaf()
    with sp.no_grad():
        return (x * x).sum()


OUTSIDE = sp.zeros(2)
MISTAKES = {
    "twice": (backward_twice, UsageError, "S0142", "retain_graph"),
    "freed part": (backward_through_a_freed_part, UsageError, "S0142", "freed"),
    "no leaf": (lambda: sp.ones(()).backward(), UsageError, "S0142", "requires_grad"),
    "no_grad": (lambda: without(sp).backward(), UsageError, "S0142", "no_grad"),
    "jit": (lambda: sp.jit(lambda x: x.sum())(leaf()).backward(), UsageError, "S0142", "jit"),
    "in jit": (backward_in_jit, TraceError, "S0141", "sp.grad"),
    "leaf in jit": (
        lambda: sp.jit(lambda x: x.requires_grad_())(1.0),
        TraceError,
        "S0141",
        "sp.grad",
    ),
    "no scalar": (lambda: (leaf() * 2.0).backward(), ShapeError, "S0143", "gradient"),
    "shape": (lambda: leaf().backward(sp.ones(3)), ShapeError, "S0143", "float32[3]"),
    "dtype": (
        lambda: leaf().backward(sp.ones(2, dtype="int32")),
        ShapeError,
        "S0143",
        "int32[2]",
    ),
    "integers": (lambda: sp.tensor([1, 2]).requires_grad_(), DTypeError, "S0205", "float32"),
    "integers made": (lambda: sp.tensor(1, requires_grad=True), DTypeError, "S0205", "int32"),
    "not a leaf": (lambda: (leaf() + 1.0).requires_grad_(False), UsageError, "S0144", "detach"),
    "leaf changed": (lambda: leaf().add_(1.0), UsageError, "S0145", "no_grad"),
    "computed changed": (lambda: (leaf() + 1.0).add_(1.0), UsageError, "S0145", "detach"),
    "traced changed": (lambda: sp.jit(lambda x: x.zero_())(1.0), TraceError, "S0145", "x = x + y"),
    "item": (lambda: leaf().__setitem__(0, 1.0), UsageError, "S0145", "no_grad"),
    "item from outside": (
        lambda: sp.jit(lambda x: OUTSIDE.__setitem__(0, x))(1.0),
        TraceError,
        "S0145",
        "return the new value",
    ),
    "outside changed": (
        lambda: sp.jit(lambda x: OUTSIDE.add_(x))(1.0),
        TraceError,
        "S0145",
        "return the new value",
    ),
    "misshapen": (lambda: sp.ones(2).copy_(sp.ones(3)), ShapeError, "S0101", "3"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes(name):
    make, kind, code, said = MISTAKES[name]
    with pytest.raises(kind) as caught:
        make()
    assert caught.value.code == code
    assert said in str(caught.value)
    assert caught.value.span.file == __file__


def test_augmented_assignment_to_a_leaf_needs_no_grad():
    x = leaf()
    with pytest.raises(UsageError) as caught:
        x -= 1.0
    assert caught.value.code == "S0145"
    y = x + 1.0
    y -= 1.0  # a new tensor, with history
    y.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_assignment_to_a_part_has_a_history():
    w = leaf()
    kept = sp.zeros(4)
    x = kept + 0.0
    for i in range(2):
        x[2 * i] = w[i] ** 2
    before = x * 1.0
    x[0] = 7.0
    (x * before).sum().backward()  # 7 w₀² + (w₁²)²

    assert x.tolist() == [7.0, 0.0, 4.0, 0.0]
    assert w.grad.tolist() == [14.0, 32.0]
    assert kept.tolist() == [0.0] * 4
    with sp.no_grad():
        w[0] = 5.0
    assert w.is_leaf
    (w * w).sum().backward()
    assert w.grad.tolist() == [24.0, 36.0]


# --- what lives how long ---------------------------------------------------------------------


def test_leaves_may_be_deleted_and_changed_after_recording():
    x, w = leaf(), leaf()
    loss = (x * w).sum()
    with sp.no_grad():
        w *= 10.0
    del x
    loss.backward()

    assert w.grad.tolist() == [1.0, 2.0]  # of the values that were used
    assert w.tolist() == [10.0, 20.0]


def test_histories_are_freed():
    x = leaf()
    h = sp.exp(x)
    seen = weakref.ref(h._value)
    loss = (h * h).sum()
    del h
    assert seen() is not None
    loss.backward()
    x.grad.numpy()
    loss.numpy()
    gc.collect()

    assert seen() is None


def test_frozen_for_a_while():
    x = leaf()
    x.requires_grad_(False)
    first = x * 2.0
    x.requires_grad_(True)
    (first + x * 3.0).sum().backward()

    assert x.grad.tolist() == [3.0, 3.0]


def test_modes_belong_to_their_thread():
    seen = []
    with sp.no_grad():
        thread = threading.Thread(target=lambda: seen.append(sp.is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]


def test_no_grad_as_a_decorator():
    x = leaf()

    @sp.no_grad
    def plain():
        return x * 2.0

    @sp.no_grad()
    def called():
        with sp.enable_grad():
            return x * 2.0

    assert (plain().requires_grad, called().requires_grad) == (False, True)


def test_a_large_history(monkeypatch):
    """Deep, wide and shared: each node is derived once."""
    x = sp.tensor([0.5, 0.25], requires_grad=True)
    y = x
    for _ in range(300):
        y = sp.sin(y) + x * 0.01
    y.sum().backward()

    def loss(x):
        y = x
        for _ in range(300):
            y = jnp.sin(y) + x * 0.01
        return y.sum()

    np.testing.assert_allclose(x.grad.numpy(), jax.grad(loss)(np.float32([0.5, 0.25])), rtol=1e-4)


def test_a_model_against_jax():
    model = nn.Sequential(nn.Linear(4, 8), nn.LayerNorm(8), nn.GELU(), nn.Linear(8, 3))
    labels = np.int32([0, 2, 1])
    nn.functional.cross_entropy(model(sp.tensor(A)), sp.tensor(labels)).backward()
    slope = sp.grad(lambda m: nn.functional.cross_entropy(m(sp.tensor(A)), sp.tensor(labels)))(
        model
    )

    for (name, p), (_, g) in zip(model.named_parameters(), slope.named_parameters(), strict=True):
        np.testing.assert_allclose(p.grad.numpy(), g.numpy(), rtol=1e-5, atol=1e-7, err_msg=name)
