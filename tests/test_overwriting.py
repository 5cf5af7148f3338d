"""State is replaced in its own memory where nothing reads it too late, and only there."""

from typing import Any

import numpy as np
import pytest

import slopec as sp
from slopec import hlo, ir
from slopec.build import DERIVE, LEGALIZE, OPTIMIZE, build, transform
from slopec.lower import lower
from slopec.passes.separate_buffers import DONATED
from slopec.prepare import prepare
from slopec.programs import Weights
from slopec.targets import parse_target

ROOT = np.random.default_rng(0)
MATRIX = (ROOT.normal(size=(48, 48)) / 7).astype("float32")


def softer(x: Any) -> Any:
    """Along columns, folds of folds: IREE makes all of it in one dispatch."""
    weights = sp.exp(x - sp.max(x, axis=0))
    return (weights / weights.sum(0) ** 2) * sp.max(weights, axis=0)


def looped(x: Any) -> Any:
    return sp.while_loop(lambda y: y.sum() < 1e3, lambda y: y * y + 1, x)


# name: the next state, the result, and whether the state may be replaced in its own memory.
CASES: dict[str, tuple[Any, Any, bool]] = {
    "elementwise": (lambda s, x: s * 0.5 + x, lambda s, x: x, True),
    "a part": (lambda s, x: s.at[2].set(x[0]), lambda s, x: x, True),
    "its own part": (lambda s, x: s.at[2].set(s[0]), lambda s, x: x, False),
    "needed before": (lambda s, x: s + (s @ x) @ x, lambda s, x: x, True),
    "returned as it was": (lambda s, x: s + x, lambda s, x: s, False),
    "read beside": (lambda s, x: s + x, lambda s, x: sp.flip(s, 0), False),
    "read beside, in place": (lambda s, x: s + x, lambda s, x: s * 2, False),
    "read in a sum beside": (lambda s, x: s + x, lambda s, x: x + (s * s).sum(), False),
    "read in products beside": (lambda s, x: s + x, lambda s, x: ((s @ x) @ x) @ x, False),
    "a product": (lambda s, x: s @ x, lambda s, x: x, False),
    "a product of itself": (lambda s, x: s @ s, lambda s, x: x, False),
    "turned": (lambda s, x: s.T + x, lambda s, x: x, False),
    "moved along": (lambda s, x: sp.concat([s[1:], x[:1]]), lambda s, x: x, False),
    "needed for products only": (lambda s, x: x - x.T @ (s @ x), lambda s, x: x, True),
    "needed, with a product beside": (
        lambda s, x: s - x.T @ sp.tanh(s @ x),
        lambda s, x: sp.tanh(s @ x) @ s.T,
        False,
    ),
    "a part, read afterwards": (
        lambda s, x: s.at[2].set(x[0]),
        lambda s, x: s.at[2].set(x[0]) @ x,
        True,
    ),
    "used once more": (
        lambda s, x: s * 0.5 + x,
        lambda s, x: x / sp.sqrt((s * 0.5 + x) ** 2 + 1),
        True,
    ),
    "folded afterwards": (lambda s, x: s + x, lambda s, x: (s + x).sum(), False),
    "folds afterwards": (
        lambda s, x: sp.tanh(s / 3 + x),
        lambda s, x: softer(sp.tanh(s / 3 + x)),
        False,
    ),
    "a part, in another order": (
        lambda s, x: sp.take(s.at[1:3].set(x[:2]), sp.argsort(x[0]), axis=0),
        lambda s, x: x,
        False,
    ),
    "read beside a loop": (
        lambda s, x: sp.flip(x, 0),
        lambda s, x: s.at[1].add(x[0]).sum() + looped(x),
        False,
    ),
    "itself, behind a barrier": (
        lambda s, x: hlo.optimization_barrier([s])[0],
        lambda s, x: x * 2,
        True,
    ),
    "a part, behind a barrier": (
        lambda s, x: hlo.optimization_barrier([s.at[1].set(x[0])])[0],
        lambda s, x: x * 2,
        False,
    ),
    "a part, read behind a barrier": (
        lambda s, x: s.at[1].set(x[0]),
        lambda s, x: hlo.optimization_barrier([s.at[1].set(x[0])])[0] + x,
        False,
    ),
    "a part, read behind a barrier in a branch": (
        lambda s, x: s.at[1].set(x[0]),
        lambda s, x: sp.cond(
            x[0, 0] > 9, lambda: x, lambda: hlo.optimization_barrier([s.at[1].set(x[0])])[0] * x
        ),
        False,
    ),
    "a sum of itself": (lambda s, x: s + s.sum(0) + x, lambda s, x: x, False),
}


@pytest.fixture(scope="module")
def programs() -> Any:
    def marked(place: int, new: Any, old: Any) -> Any:
        source = f"lambda s{place}, x: (new(s{place}, x), old(s{place}, x))"
        function = eval(source, {"new": new, "old": old})
        spec = sp.spec("float32", MATRIX.shape)
        return sp.program(name=f"main{place}", state=(f"s{place}",), x=spec)(function)

    rows = [marked(i, new, old) for i, (new, old, _) in enumerate(CASES.values())]
    state = Weights({f"s{i}": sp.tensor(MATRIX) for i in range(len(rows))})
    lowered = lower(rows, name="all", weights=state)
    (artifact,) = build(lowered, [parse_target("llvm-cpu", cpu="host")])
    return artifact


@pytest.mark.parametrize("device", ["local-sync", "local-task"])
def test_state_and_results_of_some_calls(programs: Any, device: str):
    program = programs.load(device)
    for place, (name, (new, old, _)) in enumerate(CASES.items()):
        state = MATRIX
        for _ in range(3):
            found = program[f"main{place}"](MATRIX).numpy()
            given = sp.tensor(state), sp.tensor(MATRIX)
            expected, state = old(*given).numpy(), new(*given).numpy()
            assert np.allclose(found, expected, 1e-4, 1e-4), name
            assert np.allclose(program.state[f"s{place}"].numpy(), state, 1e-4, 1e-4), name


def test_what_is_replaced_in_its_own_memory():
    from slopec.overwriting import Overwriting

    for name, (new, old, expected) in CASES.items():
        lowered_ = lower(
            [
                sp.program(name="main", state=("s",), x=sp.spec("float32", MATRIX.shape))(
                    eval("lambda s, x: (new(s, x), old(s, x))", {"new": new, "old": old})
                )
            ],
            name="one",
            weights=Weights({"s": sp.tensor(MATRIX)}),
        )
        transform(lowered_.module)
        function = ir.function(lowered_.module, "main")
        assert Overwriting.of(function).allowed(0, 0) == expected, name


@pytest.mark.parametrize("kept", [True, False])
def test_an_argument_is_copied_before_it_is_written_into_unless_it_is_given_up(kept: bool):
    slot = {} if kept else {"s": sp.tensor(MATRIX)}
    given = {"s" if kept else "x": sp.spec("float32", MATRIX.shape)}

    def rows(s: Any, x: Any = None) -> Any:
        made = s.at[1:3].set(2.0)
        return made if kept else (made, x)

    function = (lambda s: rows(s)) if kept else (lambda s, x: rows(s, x))
    marked = sp.program(name="main", state=tuple(slot), **given)(function)
    lowered = lower([marked], name="one", weights=Weights(slot))
    made = prepare(lowered, (DERIVE, OPTIMIZE, LEGALIZE), keeps_scratch=False, kept=False)
    text = str(ir.parse(made.code))
    assert ("optimization_barrier" in text) == kept
    assert DONATED not in text
