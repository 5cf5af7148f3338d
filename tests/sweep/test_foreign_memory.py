"""Hostile indices read and write nothing but their tensors, and where they cannot, it costs nothing."""

import io
import pickle
import signal
import subprocess
import sys
from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import slopec as sp
from slopec import ir, reference
from slopec.build import DERIVE, LEGALIZE, OPTIMIZE
from slopec.passes import parse_pipeline, run_pipeline
from tests.sweep.gathering import FORMS
from tests.sweep.gathering import of as gather_case
from tests.sweep.guarded import Program
from tests.sweep.harness import ROOT
from tests.sweep.modules import sample
from tests.sweep.scattering import of as scatter_case
from tests.sweep.scattering import updates
from tests.transforms.harness import lower

ROUNDS = 40
GATHERS = ("rows", "elements", "points", "windows", "partial windows", "batched rows", "columns")
SCATTERS = ("rows", "elements", "points", "windows", "partial windows", "batched elements")
KINDS = ("int32", "int64", "int8", "uint8", "uint32")


def wide(shape):
    """A shape whose rows are 64 bytes, as the device wants memory to begin."""
    return (*shape[:-1], 16)


def programs():
    x = sample((5, 16))
    for place, name in enumerate(GATHERS):
        form = FORMS[name]
        sizes = tuple(
            16 if n == old else n for n, old in zip(form[2][-1:], form[0][-1:], strict=True)
        )
        form = (wide(form[0]), form[1], (*form[2][:-1], *sizes), form[3])
        kind = KINDS[place % len(KINDS)]
        indices = np.zeros(form[3], kind)
        case = gather_case(name, form, sample(form[0]), indices)
        yield Program(f"gather {name}", case.text, case.arguments[0], (indices,), (0,))
    for place, name in enumerate(SCATTERS):
        form = FORMS[name]
        full = form[2][-1] == form[0][-1]
        form = (wide(form[0]), form[1], (*form[2][:-1], 16 if full else form[2][-1]), form[3])
        for fold in ("add", "second"):
            kind = KINDS[(place + (fold == "add")) % len(KINDS)]
            indices = np.zeros(form[3], kind)
            case = scatter_case(name, form, sample(form[0]), indices, updates(form), fold)
            others = case.arguments[1:]
            yield Program(
                f"scatter {fold} {name}", case.text, case.arguments[0], others, (0,), True
            )
    start = np.int32(0)
    cut = lower(lambda x, i, j: lax.dynamic_slice(x, (i, j), (2, 3)), x, start, start)
    yield Program("dynamic_slice", cut, x, (start, start), (0, 1))
    put = lower(
        lambda x, y, i, j: lax.dynamic_update_slice(x, y, (i, j)), x, x[:2, :3], start, start
    )
    yield Program("dynamic_update_slice", put, x, (x[:2, :3], start, start), (1, 2), True)
    rows = np.zeros(6, np.int32)
    loop = lower(
        lambda x, i: lax.fori_loop(0, 6, lambda k, y: y.at[i].add(x.at[i[k]].get(mode="promise_in_bounds"), mode="promise_in_bounds"), x), x, rows,
    )  # fmt: skip
    yield Program("in a loop", loop, x, (rows,), (0,))


def text(function, *arrays):
    """The module of a function with derivatives and batches, written out."""

    def main(*given):
        return function(*given)

    module = sp.jit(main).lower(*arrays)
    run_pipeline(module, parse_pipeline(DERIVE))
    return str(module)


def batched(program):
    """Three at once, each at places of its own; gathers also from one operand."""
    f = sp.from_stablehlo(program.text)
    rows, *others = (np.stack([x] * 3) for x in (program.operand, *program.others))
    every = text(sp.vmap(f), rows, *others)
    yield replace(
        program, name=f"batch of {program.name}", text=every, operand=rows, others=tuple(others)
    )
    if not program.donated:
        shared = sp.vmap(f, in_axes=(None, *(0 for _ in others)))
        known = text(shared, program.operand, *others)
        yield replace(program, name=f"batch in {program.name}", text=known, others=tuple(others))


def gradients(program):
    """What is read or written at the places of a program's own reads and writes.

    The gradient of reading is written to where the operand is; that of writing reads cotangents.
    """
    f = sp.from_stablehlo(program.text)
    x, others = program.operand, program.others
    if not program.donated:
        made = sample(np.asarray(f(x, *others)).shape, seed=2)
        read = text(
            lambda x, *rest: sp.grad(lambda x: (rest[-1] * f(x, *rest[:-1])).sum())(x),
            x,
            *others,
            made,
        )
        yield Program(
            f"gradient of {program.name}", read, x, (*others, made), program.indices, True
        )
        return
    (place,) = (i for i, y in enumerate(others) if y.dtype == x.dtype)

    def written(ct, x, *rest):
        def total(y):
            return (ct * f(x, *rest[:place], y, *rest[place + 1 :])).sum()

        return sp.grad(total)(rest[place])

    yield Program(
        f"gradient of {program.name}",
        text(written, x, x, *others),
        x,
        (x, *others),
        tuple(i + 1 for i in program.indices),
    )


PROGRAMS = {program.name: program for program in programs()}
DERIVED = ("gather rows", "scatter add rows", "dynamic_slice")
"""Those whose batches and gradients are tried as a rule."""


def child(chosen, tmp_path, without=None, rounds=ROUNDS):
    given = tmp_path / "programs"
    given.write_bytes(pickle.dumps((chosen, rounds, without)))
    command = [sys.executable, "-m", "tests.sweep.guarded", str(given)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    stream, found = io.BytesIO(done.stdout), []
    while stream.tell() < len(done.stdout):
        found.append(pickle.load(stream))
    return done, found


def test_nothing_foreign_is_touched(tmp_path):
    check(PROGRAMS, tmp_path)


def test_nothing_foreign_is_touched_by_batches_and_gradients(tmp_path):
    check(derived(DERIVED), tmp_path)


@pytest.mark.slow
def test_nothing_foreign_is_touched_by_any_batch_or_gradient(tmp_path):
    check(derived([name for name in PROGRAMS if name != "in a loop"]), tmp_path)


def derived(names):
    made = (p for name in names for way in (batched, gradients) for p in way(PROGRAMS[name]))
    return {program.name: program for program in made}


def check(programs, tmp_path):
    done, found = child(list(programs.values()), tmp_path)
    last = found[-1][0] if found else "the first"
    assert done.returncode == 0, f"after {last}: {done.stderr.decode()[-500:]}"
    assert len(found) == ROUNDS * len(programs)
    for name, program in programs.items():
        module = ir.parse(program.text)
        for _, given, result in [row for row in found if row[0] == name][:8]:
            (expected,) = reference.evaluate(module, "main", program.operand, *given)
            np.testing.assert_allclose(result, expected, rtol=1e-6, err_msg=name)


@pytest.mark.parametrize("name", ["gather rows", "scatter add points"])
def test_without_the_guard_the_process_ends(name, tmp_path):
    """Where no kernel of slopec's looks at each index."""
    done, _ = child([PROGRAMS[name]], tmp_path, without="guard-indices", rounds=ROUNDS)
    assert done.returncode in (-signal.SIGSEGV, -signal.SIGBUS)


INSIDE = {
    "a constant": lambda x: x[np.array([0, 2, 4])],
    "a range": lambda x: x.at[jnp.arange(5)].get(mode="promise_in_bounds"),
    "a range reversed": lambda x: x.at[4 - jnp.arange(5)].get(mode="promise_in_bounds"),
    "clamped": lambda x, i: x.at[jnp.clip(i, 0, 4)].get(mode="promise_in_bounds"),
    "clamped closer": lambda x, i: x.at[jnp.clip(i, 1, 3)].get(mode="promise_in_bounds"),
    "written at a constant": lambda x: x.at[np.array([1, 3])].add(1.0, mode="promise_in_bounds"),
    "written where clamped": lambda x, i: x.at[jnp.clip(i, 0, 4)].add(1.0, mode="promise_in_bounds"),
    "of maxima": lambda x, i: x.at[jnp.minimum(jnp.maximum(i, 2), 4)].get(mode="promise_in_bounds"),
    "remainders": lambda x, i: x.at[lax.rem(i, jnp.int32(3)) + 2].get(mode="promise_in_bounds"),
    "points": lambda x, i: x.at[jnp.clip(i, 0, 4), jnp.clip(i, 0, 15)].get(mode="promise_in_bounds"),
    "sliced": lambda x, i: lax.dynamic_slice(x, (i[0], i[1]), (2, 3)),
}  # fmt: skip


@pytest.mark.parametrize("name", INSIDE)
def test_indices_known_to_lie_inside_cost_nothing(name):
    function = INSIDE[name]
    arrays = (sample((5, 16)), np.zeros(4, np.int32))[: function.__code__.co_argcount]
    module = ir.parse(lower(function, *arrays))
    for pipeline in (DERIVE, OPTIMIZE):
        run_pipeline(module, parse_pipeline(pipeline))
    before = str(module)
    run_pipeline(module, parse_pipeline("guard-indices"))

    assert str(module) == before
    assert "guard-indices" in LEGALIZE
