"""Tensors outside a trace: known at once by shape and dtype, computed when they are looked at."""

import copy
import gc
import operator
import pickle
import threading
import weakref

import jax.numpy as jnp
import numpy as np
import pytest

import slopec as sp
from slopec.diagnostics import DTypeError, ShapeError, TraceError
from slopec.lazy import evaluate as evaluation
from slopec.lazy import plan
from slopec_runtime.arrays import Array

LOOKS = {
    "numpy": (lambda x: x.numpy().tolist(), 7.0),
    "item": (lambda x: x.item(), 7.0),
    "bool": (bool, True),
    "float": (float, 7.0),
    "int": (int, 7),
    "complex": (complex, 7.0 + 0.0j),
    "array": (lambda x: np.asarray(x).tolist(), 7.0),
    "array of a dtype": (lambda x: np.array(x, dtype="float64").tolist(), 7.0),
    "tolist": (lambda x: x.tolist(), 7.0),
    "format": (lambda x: f"{x:.3f}", "7.000"),
    "dlpack": (lambda x: np.from_dlpack(x).tolist(), 7.0),
}


@pytest.mark.parametrize("name", LOOKS)
def test_every_look_evaluates(name):
    total = (sp.tensor([1.5, 2.0]) * 2.0).sum()
    look, expected = LOOKS[name]

    assert (total.shape, total.dtype.name) == ((), "float32")
    assert total._value.data is None
    assert look(total) == expected
    assert total._value.data is not None
    assert total._value.node is None


def test_printing_iterating_and_eval_evaluate():
    x = sp.tensor([[1.0, 2.0], [3.0, 4.0]])

    assert str(x + 1.0) == "tensor([[2. 3.]\n        [4. 5.]], float32[2, 2], cpu)"
    assert [row.tolist() for row in x * 2.0] == [[2.0, 4.0], [6.0, 8.0]]
    assert (x + x).eval()._value.data is not None
    total, parts = sp.eval(x.sum(), {"twice": x * 2.0})
    assert total._value.data is not None
    assert parts["twice"]._value.data is not None
    assert str(sp.tensor([float("nan"), float("inf")])) == "tensor([nan inf], float32[2], cpu)"


@pytest.mark.parametrize("look", [iter, len, operator.index], ids=["iter", "len", "index"])
def test_what_a_scalar_float_is_not(look):
    with pytest.raises(DTypeError):
        look(sp.tensor(1.0) + 1.0)


def test_truth_of_several_elements_is_refused_as_in_numpy():
    with pytest.raises(ValueError, match="ambiguous"):
        bool(sp.tensor([1.0, 2.0]) > 1.0)


def test_errors_are_raised_where_the_mistake_is():
    x = sp.ones((2, 3))
    with pytest.raises(ShapeError) as caught:
        x @ x
    assert caught.value.span.file == __file__
    assert caught.value.span.line == caught.tb.tb_lineno


def test_data_are_copied():
    array = np.float32([1.0, 2.0])
    x = sp.tensor(array)
    doubled = x * 2.0
    array[0] = 100.0

    assert doubled.tolist() == [2.0, 4.0]
    assert x.tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match="read-only"):
        x.numpy()[0] = 3.0
    np.from_dlpack(x)


def test_tensors_are_hashed_by_identity_and_compared_by_element():
    x, y = sp.tensor([1.0, 2.0]), sp.tensor([1.0, 3.0])

    assert (x == y).tolist() == [True, False]
    assert len({x, y, x}) == 2
    assert {x: 1}[x] == 1


@pytest.mark.parametrize(
    "make", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_copies(make):
    known = sp.tensor([1.0, 2.0], requires_grad=True)
    for x in (known, sp.tensor([1, 2]) + 1, sp.tensor([1.0]).astype("bfloat16")):
        other = make(x)
        assert other is not x
        assert other.dtype == x.dtype
        assert other.requires_grad == x.requires_grad
        np.testing.assert_array_equal(other.numpy(), x.numpy())
    with sp.no_grad():
        make(known).add_(1.0)
    assert known.tolist() == [1.0, 2.0]


# --- how much is computed --------------------------------------------------------------------


@pytest.fixture
def executed(monkeypatch):
    """The names of the nodes that were run, in order."""
    seen = []

    def run(graph, device):
        seen.extend(node.name for node in graph.nodes)
        return plan.run(graph, device)

    monkeypatch.setattr(evaluation, "run", run)
    return seen


def test_each_op_runs_once(executed):
    x = sp.tensor([1.0, 2.0])
    y = sp.exp(x)
    z, w = sp.sin(y), sp.cos(y)
    del y
    z.numpy()
    w.numpy()
    z.numpy()

    assert sorted(executed) == ["stablehlo.cosine", "stablehlo.exponential", "stablehlo.sine"]


def test_what_nobody_refers_to_is_not_computed(executed):
    x = sp.tensor([1.0, 2.0])
    sp.sin(x)
    y = sp.cos(x)
    y.numpy()

    assert executed == ["stablehlo.cosine"]


def test_values_wanted_together_share_a_program(executed):
    x = sp.exp(sp.tensor([1.0, 2.0]))
    sp.eval(sp.sin(x), sp.cos(x))

    assert executed.count("stablehlo.exponential") == 1


def test_intermediate_values_are_freed():
    x = sp.tensor(np.ones(1000, "float32"))
    inner = x * 2.0
    seen = weakref.ref(inner._value)
    y = inner + 1.0
    del inner
    assert seen() is not None
    y.numpy()
    assert seen() is None


def test_a_long_chain_that_nobody_looks_at():
    x = sp.tensor(1.0)
    for _ in range(5000):
        x = x * 0.9 + 1.0

    assert abs(x.item() - 10.0) < 1e-4


def test_a_long_history_is_let_go_without_recursion():
    x = w = sp.tensor(1.0, requires_grad=True)
    for _ in range(50_000):
        x = x + w
    del x
    gc.collect()


def test_a_loop_leaves_nothing_behind():
    x = sp.tensor([1.0, 2.0])

    def loop(count):
        y = x
        for i in range(count):
            y = sp.sin(y) + 1.0
            if i % 5 == 0:
                y.numpy()
        return y.eval()

    loop(10_000)  # after which all is compiled that pays
    gc.collect()
    before = len(gc.get_objects())
    loop(10_000)
    gc.collect()

    assert len(gc.get_objects()) - before < 200


def test_threads_record_and_evaluate_at_once():
    shared = sp.exp(sp.tensor([1.0, 2.0]))
    results = {}

    def work(number):
        y = shared * float(number)
        for _ in range(20):
            y = y + 1.0
        results[number] = y.numpy()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, result in results.items():
        np.testing.assert_allclose(result, np.exp([1.0, 2.0]) * number + 20.0, rtol=1e-6)


def test_recorded_and_traced_tensors_meet():
    x = sp.exp(sp.tensor([1.0, 2.0]))  # recorded, unknown yet

    assert sp.jit(lambda y: x * y)(sp.tensor(2.0)).shape == (2,)
    np.testing.assert_allclose(sp.grad(lambda y: (x * y).sum())(2.0).item(), x.numpy().sum())
    kept = []
    sp.jit(lambda y: kept.append(y * 2.0) or y)(x)
    with pytest.raises(TraceError) as caught:
        kept[0] + x
    assert caught.value.code == "S0103"
    with pytest.raises(TraceError):
        sp.eval(kept[0])


def test_huge_tensors_that_nobody_looks_at_cost_nothing():
    x = sp.ones((1 << 20, 1 << 20)) * 2.0

    assert x.nbytes == 1 << 42
    assert x[0, 0].shape == ()


def test_values_follow_the_reference():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(4, 5)).astype("float32"), rng.normal(size=(5, 3)).astype("float32")
    ours = sp.nn.functional.softmax(sp.tensor(a) @ sp.tensor(b), 1).max(axis=0)
    logits = jnp.asarray(a) @ jnp.asarray(b)
    shifted = jnp.exp(logits - logits.max(1, keepdims=True))
    theirs = (shifted / shifted.sum(1, keepdims=True)).max(0)

    np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-5)


def test_what_a_compiled_function_takes_goes_to_the_device_once():
    x, weight = sp.tensor(np.ones((2, 3), "float32")), sp.tensor(np.ones((3, 2), "float32"))
    product = sp.jit(lambda x: x @ weight)

    product(x)
    held = x._value.data, weight._value.data
    assert product(x).tolist() == [[3.0, 3.0], [3.0, 3.0]]

    assert all(isinstance(data, Array) for data in held)
    assert x._value.data is held[0]
    assert weight._value.data is held[1]
    assert (x + 1).tolist() == [[2.0] * 3] * 2
