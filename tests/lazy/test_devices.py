"""Where recorded work runs, and what is said when it cannot."""

import numpy as np
import pytest

import slopec as sp
from slopec.diagnostics import UsageError


@pytest.mark.parametrize("name", ["cpu", "reference"])
def test_a_block_computes_on_its_device(name):
    x = sp.tensor([1.0, 2.0])
    with sp.device(name):
        y = sp.exp(x) + 1.0
        made = sp.ones(3)
        assert sp.tensor([1.0]).device == name
    outside = y * 2.0

    assert (y.device, made.device, outside.device, x.device) == (name, name, name, "cpu")
    assert isinstance(y.eval()._value.data, np.ndarray) == (name == "reference")
    np.testing.assert_allclose(outside.numpy(), 2.0 * (np.exp([1.0, 2.0]) + 1.0), rtol=1e-6)
    assert str(made) == f"tensor([1. 1. 1.], float32[3], {name})"


def test_blocks_nest_and_decorate():
    @sp.device("reference")
    def f(x):
        return x + 1.0

    with sp.device("cpu"):
        assert f(sp.ones(2)).device == "reference"
        assert sp.ones(2).device == "cpu"
    assert sp.ones(2).device == "cpu"


def test_the_default_device():
    sp.set_default_device("reference")
    try:
        assert sp.ones(2).device == "reference"
        assert (sp.tensor([1.0]) + 1.0).device == "reference"
        with sp.device("cpu"):
            assert sp.ones(2).device == "cpu"
    finally:
        sp.set_default_device(None)
    assert sp.ones(2).device == "cpu"


def test_moving():
    x = sp.tensor([1.0, 2.0])
    moved = x.to("reference")

    assert (x.device, moved.device, (moved + x).device) == ("cpu", "reference", "reference")
    assert moved.cpu().device == "cpu"
    assert sp.tensor([1.0], device="reference").device == "reference"
    assert x.to("float16").dtype == "float16"
    assert x.to(sp.ones(1, dtype="int32")).dtype == "int32"
    model = sp.nn.Linear(2, 1).to("reference")
    assert {p.device for p in model.parameters()} == {"reference"}
    assert all(p.requires_grad and p.is_leaf for p in model.parameters())


def test_gradients_cross_devices():
    x = sp.tensor([1.0, 2.0], requires_grad=True)
    (x.to("reference") ** 2).sum().backward()

    assert x.grad.tolist() == [2.0, 4.0]


def test_two_devices_do_not_mix_unless_told():
    with sp.device("cpu"):
        x = sp.ones(2) + 1.0
    y = sp.ones(2).to("reference")
    with pytest.raises(UsageError) as caught:
        x + y
    assert caught.value.code == "S0140"
    assert "cpu and reference" in str(caught.value)
    with sp.device("reference"):
        assert (x + y).tolist() == [3.0, 3.0]


@pytest.mark.parametrize("use", [sp.device, sp.set_default_device, sp.ones(1).to])
def test_unknown_devices_get_a_suggestion(use):
    with pytest.raises(UsageError) as caught:
        use("cudda")
    assert caught.value.code == "S0140"
    assert caught.value.hint == "did you mean `cuda`?"
    assert caught.value.span.file == __file__


def test_absent_drivers_are_named():
    for name in ("metal", "cuda:77"):
        with pytest.raises(UsageError) as caught:
            sp.device(name)
        assert caught.value.code == "S0140"
        assert caught.value.span.file == __file__


def test_a_traced_tensor_is_nowhere():
    seen = []
    sp.jit(lambda x: seen.append(x.device) or x.to("reference") + 1.0)(sp.ones(2))

    assert seen == ["traced"]
