"""What widens numbers is computed before the scatters and slices that would hold it on the stack."""

import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import slopec as sp
from slopec import ir
from slopec.passes.separate_widened import SeparateWidened
from tests.transforms.harness import lower

ROWS = np.arange(300 * 700, dtype=np.int8).reshape(300, 700)
PLACES = np.arange(300, dtype=np.int32) * 7 % 50


def wide(x, dtype="float32"):
    return (x * 2 + 1).astype(dtype)


def every_second(x, wide_enough):
    y = wide(x, "float64") if wide_enough else x * 2 + 1
    return jnp.maximum(y[::2], y[1::2]) + y.max()


def halves(x):
    y = wide(x)
    return y[:150] * y[150:]


def looked_up(x):
    y = wide(x)
    return jnp.searchsorted(jnp.sort(y[0]), y[:50].ravel())


def repeated(x):
    y = wide(x).reshape(-1)
    first = jnp.broadcast_to(y[:1], (3,))
    return jnp.concatenate([y[:1], first, jnp.pad(first * 2, 1), y[5:7]])


def scaled(place):
    return lambda x: wide(x).reshape(-1)[place(x)] * jnp.arange(3.0)


def scaled_in_a_loop(x):
    def body(i, y):
        return y * (wide(x + i.astype("int8"))[:2, :2].reshape(-1)[1] + 1) / 8

    return lax.fori_loop(0, x[0, 5].astype("int32"), body, jnp.arange(3.0))


PROGRAMS = {
    "rows that are added up": lambda x: jnp.zeros((50, 700)).at[PLACES].add(wide(x)),
    "every second row": lambda x: every_second(x, True),
    "a maximum of those before": lambda x: lax.cummax(wide(x)),
    "places that are counted": lambda x: (
        jnp.zeros(256, "int64").at[x.reshape(-1).astype("int32")].add(1)
    ),
    "numbers that are looked up": looked_up,
    "a repeated part, padded": repeated,
    "a number that scales": scaled(lambda x: 3),
    "a number that scales, somewhere": scaled(lambda x: x[0, 5].astype("int32")),
    "a number that scales in a loop": scaled_in_a_loop,
}
KEPT = {
    "of the same width": lambda x: every_second(x, False),
    "slices without strides": halves,
    "small": lambda x: every_second(x[:2], True),
}


def barriers(function, **options):
    module = ir.parse(lower(function, ROWS))
    SeparateWidened(**options).run(module)
    ir.verify(module)
    return len(ir.ops_in(module, "stablehlo.optimization_barrier"))


@pytest.mark.parametrize("name", [*list(PROGRAMS)[:2], "a repeated part, padded"])
def test_what_widens_is_kept_apart(name):
    assert barriers(PROGRAMS[name])


@pytest.mark.parametrize("name", KEPT)
def test_what_compiles_is_left_alone(name):
    assert not barriers(KEPT[name])


def test_as_a_last_resort_from_all_that_reads_it():
    assert barriers(KEPT["slices without strides"], everywhere=True)
    assert not barriers(KEPT["of the same width"], everywhere=True)


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_would_not_fit_the_stack_is_computed(name):
    program = sp.from_stablehlo(lower(PROGRAMS[name], ROWS))

    found = sp.jit(program)(sp.tensor(ROWS)).numpy()

    np.testing.assert_allclose(found, PROGRAMS[name](jnp.asarray(ROWS)), rtol=1e-6)
