"""`slopec profile` names the dispatches of a program and what each takes."""

from pathlib import Path

import numpy as np
import pytest

import slopec as sp
from slopec import cli
from slopec.build import build
from slopec.diagnostics import UsageError
from slopec.lower import lower
from slopec.profile import flops_of, profile
from slopec.programs import Weights
from slopec.targets import parse_target


@sp.program(x=sp.spec("bfloat16", ("rows", 64)), chosen=sp.spec("bool", (64,)))
def product(w, x, chosen):
    """A product, of bfloat16 and booleans as well as of float32."""
    return sp.where(chosen, sp.astype(x, "float32") @ w, 0.0)


@sp.program(state=("total",), x=sp.spec("int32", (8,)))
def count(total, x):
    """A sum kept between calls."""
    return total + x, x


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    held = {"w": sp.tensor(np.eye(64, dtype="float32")), "total": sp.zeros((8,), dtype="int32")}
    made = lower([product, count], name="two", dims={"rows": [32, 128]}, weights=Weights(held))
    (artifact,) = build(made, [parse_target("llvm-cpu")])
    return artifact.save(tmp_path_factory.mktemp("profile") / "two.vmfb")


def test_a_product_is_found_with_its_rate(path: Path) -> None:
    found = profile(path, "product", sizes={"rows": 32}, calls=3)
    assert found.entry == "product"
    work = sum(d.runs * d.flops for d in found.dispatches)
    assert work == 2 * 32 * 64 * 64
    assert all(0 < d.seconds <= found.seconds for d in found.dispatches)
    assert max(d.rate for d in found.dispatches) > 0


def test_state_is_what_the_artifact_brings(path: Path) -> None:
    found = profile(path, "count", calls=3)
    assert [d.runs for d in found.dispatches] == [1]


def test_a_function_that_works_in_given_memory_gets_some(tmp_path: Path) -> None:
    @sp.program(x=sp.spec("float32", (1200, 1200)))
    def products(x):  # type: ignore[no-untyped-def]
        return x @ (x @ (x @ (x @ x)))

    (artifact,) = build(lower([products], name="large"), [parse_target("llvm-cpu")])
    found = profile(artifact.save(tmp_path / "large.vmfb"), "products", calls=1)
    assert sum(d.runs * d.flops for d in found.dispatches) == 4 * 2 * 1200**3


def test_complex_numbers_are_given(tmp_path: Path) -> None:
    @sp.program(x=sp.spec("complex64", (4, 128)))
    def spectrum(x):  # type: ignore[no-untyped-def]
        return sp.fft.fft(x)

    (artifact,) = build(lower([spectrum], name="fft"), [parse_target("llvm-cpu")])
    found = profile(artifact.save(tmp_path / "fft.vmfb"), "spectrum", calls=2)
    assert [d.runs for d in found.dispatches] == [1]


def test_the_command_prints_a_table(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        cli.main(["profile", str(path), "-e", "product", "--calls", "2", "--dim", "rows=128"]) == 0
    )
    out, err = capsys.readouterr()
    assert out.startswith("runs")
    assert "FLOP/s" in out
    assert "ms per call" in err


def test_sizes_must_have_been_compiled(path: Path) -> None:
    with pytest.raises(UsageError) as raised:
        profile(path, "product", sizes={"rows": 7})
    assert raised.value.code == "S0412"
    assert "rows=32" in raised.value.notes[0]


@pytest.mark.parametrize(
    ("name", "flops"),
    [
        ("main_dispatch_41_mmt4d_2x16x1024x16x16x1_f32", 2 * 2 * 16 * 1024 * 256),
        ("main_dispatch_22_matmul_1024x768x192_f32", 2 * 1024 * 768 * 192),
        ("main_dispatch_3_conv_8x32x32x16x3x3x3_f32", 2 * 8 * 32 * 32 * 16 * 27),
        ("main_dispatch_10_batch_matmul_48x64x64x64_f32", 2 * 48 * 64**3),
        ("main_dispatch_46_unpack_elementwise_1024x256_f32", 0),
        ("main_dispatch_48_reduction_1024x2048_f32", 0),
    ],
)
def test_work_is_read_from_names(name: str, flops: int) -> None:
    assert flops_of(name) == flops
