"""Arrays go in and come out by the field's protocols, without a copy where nobody could tell."""

import jax.numpy as jnp
import numpy as np
import pytest

import slopec as sp

DTYPES = "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64"
VALUES = {name: np.array([[0, 1, 2], [3, 4, 5]]).astype(name) for name in DTYPES.split()}


class Old:
    """A producer or consumer from before DLPack 1.0, which knows no read-only arrays."""

    def __init__(self, held):
        self.held = held

    def __dlpack__(self, stream=None):
        return self.held.__dlpack__()

    def __dlpack_device__(self):
        return self.held.__dlpack_device__()


def address(array):
    return array.__array_interface__["data"][0]


@pytest.mark.parametrize("name", VALUES)
def test_every_dtype_goes_both_ways(name):
    x = sp.from_dlpack(VALUES[name])

    assert x.dtype == name
    for seen in (np.from_dlpack(x), np.asarray(x), np.from_dlpack(Old(x))):
        assert seen.dtype == name
        np.testing.assert_array_equal(seen, VALUES[name])


def test_what_comes_out_is_shared():
    x = sp.tensor(np.arange(6.0))

    assert address(np.from_dlpack(x)) == address(np.asarray(x)) == address(x.numpy())
    assert not np.from_dlpack(x).flags.writeable
    # Such a consumer may write, as nothing tells it not to.
    assert address(np.from_dlpack(Old(x))) != address(x.numpy())


def test_what_goes_in_is_copied_unless_one_promises():
    source = np.arange(4.0)
    copied, shared = sp.from_dlpack(source), sp.from_dlpack(source, copy=False)
    source[0] = 5.0

    assert copied[0].item() == 0.0
    assert address(shared.numpy()) == address(source)
    assert source.flags.writeable


def test_jax_and_slopec_exchange_arrays():
    x = jnp.arange(6.0).reshape(2, 3)

    np.testing.assert_array_equal(sp.from_dlpack(x).numpy(), np.asarray(x))
    np.testing.assert_array_equal(sp.asarray(x).numpy(), np.asarray(x))
    np.testing.assert_array_equal(np.asarray(jnp.from_dlpack(sp.asarray(x) + 1)), np.asarray(x) + 1)


@pytest.mark.parametrize("name", VALUES)
def test_pytorch_and_slopec_exchange_tensors(name):
    torch = pytest.importorskip("torch")
    theirs = torch.from_numpy(VALUES[name])

    ours = sp.from_dlpack(theirs)
    np.testing.assert_array_equal(ours.numpy(), VALUES[name])
    back = torch.from_dlpack(ours)
    assert back.dtype == theirs.dtype
    assert back.data_ptr() == address(ours.numpy())
    np.testing.assert_array_equal(sp.asarray(theirs).numpy(), VALUES[name])


def test_the_array_protocol_converts_and_copies_on_demand():
    x = sp.tensor([1.0, 2.0])

    assert np.asarray(x, dtype="float64").dtype == "float64"
    copied = np.array(x)
    copied[0] = 9.0
    assert x.tolist() == [1.0, 2.0]
    assert np.concatenate([x, x]).tolist() == [1.0, 2.0, 1.0, 2.0]
    assert isinstance(np.ones(2) * x, sp.Tensor)


def test_programs_against_the_array_api_take_tensors():
    def standardised(x):
        xp = x.__array_namespace__()
        return (x - xp.mean(x, axis=0)) / xp.std(x, axis=0)

    x = np.random.default_rng(0).normal(size=(5, 2))
    expected = (x - x.mean(0)) / x.std(0)

    np.testing.assert_allclose(standardised(sp.asarray(x)).numpy(), expected)
    slope = sp.grad(lambda x: (standardised(x) ** 3).sum())(sp.asarray(x))
    np.testing.assert_allclose(slope.numpy().sum(0), 0, atol=1e-12)


def test_traced_tensors_have_nothing_to_hand_out():
    with pytest.raises(sp.diagnostics.TraceError):
        sp.jit(lambda x: np.from_dlpack(x))(sp.ones(2))
