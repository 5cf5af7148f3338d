"""Hooks on gradients: the same scripts in slopec and in PyTorch see and change the same numbers."""

import gc
import weakref

import numpy as np
import pytest

import slopec as sp
from slopec import nn
from slopec.diagnostics import SlopecError

A, B = [1.0, -2.0, 3.0], [0.5, 0.25, -1.0]


def tensors_on_the_way(lib, leaf, seen):
    x, w = leaf(A), leaf(B)
    a = x * w
    b = lib.sin(a)  # computed before the hook on `a` is registered
    a.register_hook(lambda g: seen.append(g * 1))
    b.register_hook(lambda g: g * 2)
    b.register_hook(lambda g: seen.append(g * 1))
    (a * b + a + w).sum().backward()
    return x, w


def leaves(lib, leaf, seen):
    x = leaf(A)
    handle = x.register_hook(lambda g: seen.append(g * 1))
    x.register_hook(lambda g: g.clip(-1.0, 1.0))
    x.register_post_accumulate_grad_hook(lambda t: seen.append(t.grad * 1))
    y = x * 1.5
    (y * y).sum().backward(retain_graph=True)
    handle.remove()
    handle.remove()
    (y + x).sum().backward()
    return (x,)


def the_same_hook_twice(lib, leaf, seen):
    x = leaf(A)
    y = x * x

    def double(g):
        return g * 2

    y.register_hook(double)
    y.register_hook(lambda g: g.clip(-1.0, 1.5))
    last = y.register_hook(double)
    last.remove()
    y.sum().backward()
    return (x,)


def what_nobody_refers_to(lib, leaf, seen):
    x = leaf(A)

    def hooked(t):
        t.register_hook(lambda g: g * 3)
        return t

    (hooked(x * 2) * hooked(x + 1)).sum().backward()
    return (x,)


def the_loss_itself(lib, leaf, seen):
    x = leaf(A)
    loss = (x * x).sum()
    loss.register_hook(lambda g: g * loss.detach())
    loss.backward()
    seen.append(loss)
    return (x,)


def hooks_that_look_at_what_was_computed(lib, leaf, seen):
    x = leaf(A)
    a = lib.exp(x)
    b = a * a
    a.register_hook(lambda g: g / b.detach())
    (b * a).sum().backward()
    seen += [a, b]
    return (x,)


def twice(lib, leaf, seen):
    x = leaf(A)
    y = lib.sin(x)
    y.register_hook(lambda g: g * x)
    (y * y).sum().backward(create_graph=True)
    slope = x.grad
    seen.append(slope * 1)
    (slope * slope).sum().backward()
    return (x,)


def branches(lib, leaf, seen):
    """Gradients meet at `b` and `a` from several sides, one after the other."""
    x = leaf(A)
    a = lib.tanh(x)
    a.register_hook(lambda g: seen.append(g * 1))
    b = a * x
    b.register_hook(lambda g: g + 1)
    c, d = lib.cos(b), b * a
    c.register_hook(lambda g: g * 0.5)
    ((c + d) * b + a).sum().backward()
    return (x,)


SCRIPTS = (
    tensors_on_the_way,
    leaves,
    the_same_hook_twice,
    what_nobody_refers_to,
    the_loss_itself,
    hooks_that_look_at_what_was_computed,
    twice,
    branches,
)


def numbers(tensors):
    return [np.asarray(t.detach().numpy(), np.float64) for t in tensors]


@pytest.mark.filterwarnings("ignore:Using backward")
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.__name__)
def test_the_same_script_in_torch(script):
    torch = pytest.importorskip("torch")
    results = []
    for lib in (sp, torch):
        seen = []
        made = script(lib, lambda v, lib=lib: lib.tensor(v, requires_grad=True), seen)
        results.append([*numbers(seen), *numbers(t.grad for t in made)])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


# --- modules ---------------------------------------------------------------------------------


def passing_through(lib, leaf, seen):
    class Both(lib.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = lib.nn.Tanh()

        def forward(self, x, scale, y):
            return self.inner(x) * scale, y * x

    model, x, y = Both(), leaf(A), leaf(B)
    note = seen.append
    model.register_full_backward_pre_hook(lambda m, out: (out[0] * 2, out[1]))
    model.register_full_backward_hook(lambda m, into, out: note([*into, *out]))
    model.register_full_backward_hook(lambda m, into, out: (into[0], None, into[2] * 3))
    handle = model.inner.register_full_backward_hook(lambda m, into, out: (into[0] * out[0],))
    first, second = model(x, 2.0, y * 1)
    (first * second).sum().backward()
    handle.remove()
    first, second = model(x, 2.0, y)
    (first + second).sum().backward()
    return x, y


def without_inputs(lib, leaf, seen):
    layer = lib.nn.ReLU()
    layer.register_full_backward_hook(lambda m, into, out: seen.append([*into, *out]))
    x = leaf(A)
    layer(x.detach())
    layer(x).sum().backward()
    return (x,)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("script", [passing_through, without_inputs], ids=lambda s: s.__name__)
def test_modules_like_torch(script):
    torch = pytest.importorskip("torch")
    results = []
    for lib in (sp, torch):
        seen = []
        made = script(lib, lambda v, lib=lib: lib.tensor(v, requires_grad=True), seen)
        told = [t for row in seen for t in row]
        results.append((told, numbers(t.grad for t in made)))
    (ours, grads), (theirs, others) = results
    assert [t is None for t in ours] == [t is None for t in theirs]
    pairs = [(a, b) for a, b in zip(ours, theirs, strict=True) if a is not None]
    for a, b in zip(numbers(a for a, _ in pairs), numbers(b for _, b in pairs), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)
    for a, b in zip(grads, others, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)


def test_a_layer_whose_input_needs_no_gradient():
    layer, seen = nn.Linear(3, 2), []
    layer.register_full_backward_hook(lambda m, into, out: seen.append((into, out)))
    layer(sp.ones((1, 3))).sum().backward()
    ((into, (out,)),) = seen
    assert into == (None,)
    assert out.tolist() == [[1.0, 1.0]]
    assert layer.weight.grad.tolist() == [[1.0] * 3] * 2


def test_histories_are_freed():
    x = sp.tensor(A, requires_grad=True)
    y = sp.sin(x)
    y.register_hook(lambda g: g * 2)
    gone = weakref.ref(y._value)
    loss = (y * y).sum()
    loss.backward()
    del y
    sp.eval(x.grad, loss)
    gc.collect()
    assert gone() is None
    assert x._value.node is None


MISTAKES = {
    "no gradient": (lambda: sp.ones(2).register_hook(print), "S0142", "does not require"),
    "not a leaf": (
        lambda: (sp.tensor(A, requires_grad=True) * 2).register_post_accumulate_grad_hook(print),
        "S0144",
        "register_hook",
    ),
    "traced": (lambda: sp.grad(lambda x: x.register_hook(print) or x)(1.0), "S0141", "custom_vjp"),
    "shape": (lambda: wrong(lambda x: x.register_hook(lambda g: g[0])), "S0143", "[]"),
    "type": (lambda: wrong(lambda x: x.register_hook(lambda g: g.half())), "S0143", "float16"),
    "traced module": (lambda: sp.jit(lambda m, x: m(x))(hooked_layer(), A), "S0141", "remove"),
    "count": (lambda: wrong_count(), "S0106", "2 gradients for 1"),
}


def wrong(register):
    x = sp.tensor(A, requires_grad=True)
    register(x)
    x.sum().backward()


def hooked_layer():
    layer = nn.Tanh()
    layer.register_full_backward_hook(lambda m, into, out: (into[0], into[0]))
    return layer


def wrong_count():
    hooked_layer()(sp.tensor(A, requires_grad=True)).sum().backward()


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes(name):
    make, code, said = MISTAKES[name]
    with pytest.raises(SlopecError) as caught:
        make()
    assert caught.value.code == code
    assert said in str(caught.value)
    assert caught.value.span.file == __file__
