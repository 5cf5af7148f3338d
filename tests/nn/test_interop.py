"""State dicts of PyTorch's names: arrays, files, tensors, renamed ones."""

import numpy as np
import pytest
from safetensors.numpy import save_file

import slopec as sp
from slopec import nn
from slopec.diagnostics import UsageError


def made():
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(32, 3))


def test_a_file(tmp_path):
    other = made()
    state = {name: x.numpy() for name, x in other.state_dict().items()}
    state["1.num_batches_tracked"] = np.int64(7)
    # safetensors writes the memory of an array, whatever its strides.
    arrays = {k: np.asarray(v, order="C") for k, v in state.items()}
    save_file(arrays, tmp_path / "model.safetensors")

    model = nn.load_torch_state_dict(made(), tmp_path / "model.safetensors")

    assert model[1].num_batches_tracked.item() == 7.0
    x = sp.ones((2, 1, 6, 6))
    np.testing.assert_array_equal(model.eval()(x).numpy(), other.eval()(x).numpy())


def test_a_file_that_is_none(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"no")
    for name in ("model.safetensors", "missing.safetensors"):
        with pytest.raises(UsageError, match="cannot read"):
            nn.load_torch_state_dict(made(), tmp_path / name)


def test_names_may_change_and_drop_out():
    state = {f"net.{k}": v for k, v in made().state_dict().items()}
    state["extra"] = np.zeros(3)
    model = nn.load_torch_state_dict(
        made(), state, rename=lambda n: n[4:] if n.startswith("net.") else None
    )
    np.testing.assert_array_equal(model[3].weight.numpy(), state["net.3.weight"].numpy())


def test_tensors_of_torch():
    torch = pytest.importorskip("torch")
    layer = (torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2), torch.nn.Flatten())
    theirs = torch.nn.Sequential(*layer, torch.nn.Linear(32, 3))
    model = nn.load_torch_state_dict(made(), theirs.state_dict())
    x = np.random.default_rng(0).normal(size=(2, 1, 6, 6)).astype(np.float32)
    expected = theirs.eval()(torch.tensor(x)).detach().numpy()
    np.testing.assert_allclose(model.eval()(sp.tensor(x)).numpy(), expected, rtol=1e-4, atol=1e-6)
    narrow = nn.load_torch_state_dict(made(), theirs.bfloat16().state_dict())
    assert narrow[3].weight.dtype == np.float32


STATES = {
    "names begin with `module.` there": lambda s: {f"module.{k}": v for k, v in s.items()},
    "`weights` holds names itself": lambda s: {"weights": s, "epoch": 3},
    "`0.weight` is complex in the state": lambda s: {**s, "0.weight": s["0.weight"].numpy() * 1j},
    "a state dict is a mapping from names": lambda s: list(s),
}


@pytest.mark.parametrize("says", STATES)
def test_states_that_do_not_fit_are_told_with_a_way_out(says):
    with pytest.raises(UsageError, match="S0122") as caught:
        nn.load_torch_state_dict(made(), STATES[says](made().state_dict()))

    assert says in str(caught.value)


def test_tensors_of_torch_without_values():
    torch = pytest.importorskip("torch")
    for weight in (torch.eye(3).to_sparse(), torch.ones(3, 3, device="meta")):
        with pytest.raises(UsageError, match="a tensor of PyTorch has no array"):
            nn.load_torch_state_dict(nn.Linear(3, 3, bias=False), {"weight": weight})
