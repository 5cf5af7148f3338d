"""What IREE needs: indices that stay inside, ties in order, copies where values change places."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import slopec as sp
from slopec import ir, reference
from slopec.build import LEGALIZE, build
from slopec.lower import lower as lower_programs
from slopec.passes import parse_pipeline, run_pipeline
from slopec.targets import parse_target
from tests.transforms.harness import lower

X = np.arange(12.0).reshape(3, 4)
OUTSIDE = np.array([0, 7, -9, 2, 3], np.int32)
ROWS = np.arange(20.0).reshape(5, 4) + 1
GATHER = lax.GatherDimensionNumbers((1,), (0,), (0,))
SCATTER = lax.ScatterDimensionNumbers((1,), (0,), (0,))
WINDOWS = lax.ScatterDimensionNumbers((1, 2), (), (0, 1))


def scatter(kind, numbers=SCATTER, rows=ROWS):
    function = getattr(lax, f"scatter_{kind}" if kind else "scatter")
    return lambda x, i: function(x, i, jnp.asarray(rows, x.dtype), numbers)


def sub(old, new):
    return old - new


CASES = {
    "gather": (lambda x, i: lax.gather(x, i[:, None], GATHER, (1, 4)), X, OUTSIDE),
    "gather of unsigned": (lambda x, i: lax.gather(x, i[:, None], GATHER, (1, 4)), X, OUTSIDE.astype("uint8")),
    "gather of windows": (lambda x, i: lax.gather(x, i[:, None], lax.GatherDimensionNumbers((1, 2), (), (0,)), (2, 4)), X, OUTSIDE),
    **{f"scatter {kind or 'set'}": (lambda x, i, kind=kind: scatter(kind)(x, i[:, None]), X, OUTSIDE) for kind in ("", "add", "mul", "min", "max")},
    "scatter of int8": (lambda x, i: scatter("max")(x, i[:, None]), X.astype("int8") - 5, OUTSIDE),
    "scatter of windows": (lambda x, i: scatter("", WINDOWS, np.ones((2, 2, 2)))(x, i.reshape(2, 2)), X, np.array([0, 3, 2, 1], np.int32)),
    "scatter points": (lambda x, i: x.at[i, i].set(-1.0), X, OUTSIDE),
    "scatter -0": (lambda x, i: scatter("add", rows=ROWS * 0 - 0.0)(x * -0.0, i[:, None]), X, OUTSIDE),
    "in a loop": (lambda x, i: lax.fori_loop(0, 5, lambda k, y: y + scatter("add")(y, i[:, None])[k % 3], x), X, OUTSIDE),
    "argsort": (lambda x, i: (jnp.argsort(x % 3, axis=1), jnp.argsort(-(x % 2), axis=1)), X, OUTSIDE),
    "sort of three": (lambda x, i: lax.sort((x % 3, x % 2, x), num_keys=2), X, OUTSIDE),
    "one hot": (lambda x, i: (x * (np.arange(4) == i[:3, None])).sum(1), X, OUTSIDE),
    "one hot in unsigned": (lambda x, i: lax.broadcasted_iota("uint8", (5, 4), 1) >= i.astype("uint8")[:, None], X, OUTSIDE),
    "triangle": (lambda x, i: jnp.tril(x), X, OUTSIDE),
    "column": (lambda x, i: x[:, 1][jnp.clip(i, 0, 2)], X, OUTSIDE),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_meaning_stays(name):
    function, *arrays = CASES[name]
    module = ir.parse(lower(function, *arrays))
    before = reference.evaluate(module, "main", *arrays)
    run_pipeline(module, parse_pipeline(LEGALIZE))
    ir.verify(module)
    after = reference.evaluate(module, "main", *arrays)

    for a, b in zip(before, after, strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(np.signbit(a), np.signbit(b))


@pytest.mark.parametrize("name", CASES)
def test_a_second_time_changes_nothing(name):
    function, *arrays = CASES[name]
    module = ir.parse(lower(function, *arrays))
    run_pipeline(module, parse_pipeline("expand-sorts,guard-indices,canonicalize"))
    once = str(module)
    run_pipeline(module, parse_pipeline("expand-sorts,guard-indices,canonicalize"))

    assert str(module) == once


def test_indices_known_to_lie_inside_stay():
    module = ir.parse(lower(lambda x: x[np.array([0, 2])].sum(), X))
    before = str(module)
    run_pipeline(module, parse_pipeline("guard-indices"))

    assert str(module) == before


def test_numbers_are_computed_in_groups_that_a_dispatch_can_return():
    def numbers(x, count=60):
        found = [x]
        for _ in range(count):
            found.append(jnp.sin(found[-1]) + found[len(found) // 2])
        return found

    few = ir.parse(lower(lambda x: numbers(x, 18), X[0, 0]))
    many = ir.parse(lower(numbers, X[0, 0]))
    before = reference.evaluate(many, "main", X[0, 1])
    for module in (few, many):
        run_pipeline(module, parse_pipeline("symbol-dce,cse,separate-scalars"))
        ir.verify(module)

    assert "optimization_barrier" not in str(few)
    assert str(many).count("optimization_barrier") == 3
    np.testing.assert_array_equal(before, reference.evaluate(many, "main", X[0, 1]))


def test_compiled_programs_read_and_write_inside():
    x, i = jnp.asarray(X, "float32"), OUTSIDE

    @sp.jit
    def run(x, i):
        return x[i], x.at[i].add(1.0), x.at[i].set(7.0), x.at[i, i].max(30.0), x[i, ..., 1]

    wrapped = np.where(i < 0, i + 3, i)
    inside = np.clip(wrapped, 0, 2)
    read, added, written, points, column = (t.numpy() for t in run(np.asarray(x), i))

    np.testing.assert_array_equal(read, X[inside])
    np.testing.assert_array_equal(column, X[inside, 1])
    np.testing.assert_array_equal(added, x.at[i].add(1.0))
    np.testing.assert_array_equal(written, x.at[i].set(7.0))
    np.testing.assert_array_equal(points, x.at[i, i].max(30.0))


def test_compiled_sorts_are_stable_and_apart():
    x = np.random.default_rng(0).integers(0, 3, (2, 9)).astype("float32")

    @sp.jit
    def run(x):
        return sp.argsort(x), sp.argsort(-x), sp.topk(x, 9)[1]

    up, down, top = (t.numpy() for t in run(x))

    np.testing.assert_array_equal(up, np.argsort(x, kind="stable"))
    np.testing.assert_array_equal(down, np.argsort(-x, kind="stable"))
    np.testing.assert_array_equal(top, jax.lax.top_k(x, 9)[1])


def test_a_loss_of_labels_compiles_for_metal():
    shape = (8, 16, 256)

    @sp.program(x=sp.spec("float32", shape), y=sp.spec("int32", shape[:2]))
    def slope(x, y):
        return sp.grad(lambda x: sp.nn.functional.cross_entropy(x, y, dim=-1))(x)

    (artifact,) = build(lower_programs([slope], name="slope"), [parse_target("metal")])
    assert artifact.manifest.target.name == "metal"
