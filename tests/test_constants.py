"""Large constants are named by what they hold, and what was built with them is found again."""

from typing import Any

import numpy as np
import pytest

import slopec as sp
import slopec_runtime
from slopec import build as room
from slopec import ir, prepare
from slopec.build import build
from slopec.constants import digest
from slopec.emit import EmitOptions
from slopec.lower import Lowered, lower
from slopec.passes import Measure
from slopec.programs import Weights
from slopec.targets import parse_target
from slopec_runtime.artifact import read

TARGET = parse_target("llvm-cpu", cpu="host")
RAMP = np.arange(256 * 128, dtype=np.float32).reshape(256, 128)


@pytest.fixture(autouse=True)
def makes(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was really made; the cache is the test's own."""
    made: list[str] = []
    original = room._Order.make
    monkeypatch.setenv("SLOPEC_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(
        room._Order, "make", lambda order, *a: made.append(order.variant) or original(order, *a)
    )
    return made


def lowered(weight: np.ndarray, small: float = 2.0) -> Lowered:
    def main(weight: Any, x: Any) -> Any:
        return x @ weight * sp.tensor([small])

    marked = sp.program(name="main", x=sp.spec("float32", (2, 256)))(main)
    return lower([marked], name="main", weights=Weights({"weight": sp.tensor(weight)}))


def result(program: Lowered, **options: Any) -> np.ndarray:
    (artifact,) = build(program, [TARGET], **options)
    return artifact.load()["main"](np.ones((2, 256), np.float32)).numpy()


def test_the_outline_names_what_the_module_holds():
    program = lowered(RAMP)
    assert len(ir.bytecode(program.outline)) < 4096 < RAMP.nbytes < len(ir.bytecode(program.module))
    assert "custom_call" not in str(program.module)
    same, other = lowered(RAMP.copy()), lowered(RAMP + 1)
    assert str(same.outline) == str(program.outline) != str(other.outline)


def test_a_program_is_found_by_its_constants(makes: list[str]):
    expected = np.ones((2, 256), np.float32) @ RAMP * 2
    assert np.allclose(result(lowered(RAMP)), expected)
    assert np.allclose(result(lowered(RAMP.copy())), expected)
    assert len(makes) == 1
    assert np.allclose(result(lowered(RAMP + 1)), expected + 512)
    assert np.allclose(result(lowered(RAMP, 3.0)), expected * 1.5)
    assert len(makes) == 3
    result(lowered(RAMP), options=EmitOptions(cache=False))
    result(lowered(RAMP), carry_stablehlo=False)
    assert len(makes) == 5


def test_the_artifact_carries_weights_beside_the_module(tmp_path: Any):
    table = RAMP.reshape(512, 64)  # the same bytes, of another type
    x, at = np.ones((64, 256), np.float32), np.array([5, 0, 511], np.int32)

    def main(weight: Any, table: Any, x: Any, at: Any) -> Any:
        return x @ weight, table[at]

    specs: Any = {"x": sp.spec("float32", x.shape), "at": sp.spec("int32", at.shape)}
    held = Weights({"weight": sp.tensor(RAMP), "table": sp.tensor(table)})
    program = lower([sp.program(name="main", **specs)(main)], name="main", weights=held)
    for options in (EmitOptions(), EmitOptions(kernels=False)):
        for observer in (None, Measure()):  # the second time, what IREE made is in the cache
            (artifact,) = build(program, [TARGET], options=options, observer=observer)
            path = artifact.save(tmp_path / "main.vmfb")
            assert len(read(path).constants) == 2 * options.kernels
            for loaded in (slopec_runtime.load(path), artifact.load()):
                product, rows = loaded["main"](x, at)
                assert np.allclose(product.numpy(), x @ RAMP)
                assert np.array_equal(rows.numpy(), table[at])


@pytest.mark.parametrize("kernels", [True, False])
def test_a_module_of_many_weights_is_handed_on_as_it_is(monkeypatch: Any, kernels: bool):
    monkeypatch.setattr(prepare, "KEPT", RAMP.nbytes // 2)
    targets = [TARGET, parse_target("llvm-cpu")]  # of one module
    made = build(lowered(RAMP), targets, options=EmitOptions(kernels=kernels, cache=False))
    for artifact in made:
        found = artifact.load()["main"](np.ones((2, 256), np.float32)).numpy()
        assert np.allclose(found, np.ones((2, 256), np.float32) @ RAMP * 2)


def test_state_that_starts_otherwise_is_another_program(makes: list[str]):
    def counts(start: float) -> list[float]:
        def main(count: Any, x: Any) -> Any:
            return count + x, count + x

        marked = sp.program(name="main", state=("count",), x=sp.spec("float32", (1,)))(main)
        held = Weights({"count": sp.tensor([start])})
        (artifact,) = build(lower([marked], name="main", weights=held), [TARGET])
        program = artifact.load()
        return [float(program["main"](np.ones(1, np.float32)).numpy()[0]) for _ in range(2)]

    assert [counts(0.0), counts(5.0), counts(0.0)] == [[1.0, 2.0], [6.0, 7.0], [1.0, 2.0]]
    assert len(makes) == 2


def test_an_array_that_changes_is_digested_again():
    array = np.zeros((256, 128), np.float32)
    before = digest(array)
    array[0, 0] = 1
    assert digest(array) != before
    view = array.view()
    view.flags.writeable = False
    seen = digest(view)
    array[0, 0] = 2
    assert digest(view) != seen
