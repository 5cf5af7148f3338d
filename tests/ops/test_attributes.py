"""What a tensor is and says, and small uses that several functions serve together."""

import numpy as np
import pytest

import slopec as sp
from slopec.diagnostics import DTypeError
from slopec.nn import functional
from tests.ops.harness import normal, same

X = normal(2, 3, 4)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint64", "bfloat16", "float64", "complex64"])
def test_what_a_tensor_is(dtype):
    for x in (sp.tensor(X).astype(dtype), sp.zeros((2, 3, 4), dtype=dtype) + sp.ones(4, dtype)):
        assert (x.shape, x.ndim, x.size, x.numel(), len(x)) == ((2, 3, 4), 3, 24, 24, 2)
        assert x.dtype == np.dtype(dtype)
        assert x.dtype.itemsize * 24 == x.nbytes == x.numpy().nbytes


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (sp.tensor([[1, 2], [3, 4]]), "tensor([[1 2]\n        [3 4]], int32[2, 2], cpu)"),
        (sp.tensor([1.5, 2.0]) * 2.0, "tensor([3. 4.], float32[2], cpu)"),
        (sp.tensor(True), "tensor(True, bool[], cpu)"),
        (sp.zeros((0, 2)), "tensor([], float32[0, 2], cpu)"),
    ],
)
def test_text(x, text):
    assert repr(x) == str(x) == text


def test_mapped_files_are_not_copied(tmp_path):
    np.save(tmp_path / "x.npy", X)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")

    x = sp.tensor(mapped)

    assert np.shares_memory(x.numpy(), mapped)
    same(x.sum(axis=0), X.sum(0))


def test_negative_margins_cut():
    same(
        functional.pad(sp.tensor(X), (-1, 2, 1, -2)),
        np.pad(X, ((0, 0), (1, 0), (0, 2)))[:, :-2, 1:],
    )


@pytest.mark.parametrize("x", [sp.tensor(X).T, sp.tensor(X)[::-1, :, ::2], sp.ones(3)[None]])
def test_every_tensor_is_contiguous(x):
    assert x.contiguous() is x
    assert x.numpy().reshape(-1).tolist() == x.flatten().tolist()


def test_integrals_by_random_points():
    points = sp.random.uniform(sp.random.key(0), (200_000, 2))

    inside = (points**2).sum(axis=1) < 1
    area = 4 * inside.float().mean()

    assert abs(float(area) - np.pi) < 0.02


LAYOUTS = {
    "transposed": X.T,
    "every other": X[:, ::2],
    "backwards": X[::-1, :, ::-2],
    "broadcast": np.broadcast_to(X[0], (5, 3, 4)),
    "columns first": np.asfortranarray(X),
    "axes moved": np.moveaxis(X, 0, 2)[:2],
    "read-only": np.frombuffer(X.tobytes(), np.float32).reshape(X.shape),
    "no elements": X[:, 1:1],
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_layout_of_arrays_does_not_matter(name):
    array = LAYOUTS[name]
    kept = array.copy()
    x = sp.tensor(array)

    same(x, kept)
    same(sp.sum(array, axis=-1), kept.sum(-1), 2)
    same(x * array, kept * kept)
    same(sp.jit(lambda y: y + array)(array), kept + kept)
    same(sp.at(array)[..., :1].set(2.0), np.concatenate([kept[..., :1] * 0 + 2, kept[..., 1:]], -1))
    assert x.dtype == array.dtype


@pytest.mark.parametrize("dtype", [">f4", ">i2", "<u4", ">c8"])
def test_the_order_of_bytes_does_not_matter(dtype):
    x = sp.tensor(X.astype(dtype))

    assert x.dtype.isnative
    np.testing.assert_array_equal(x.numpy(), X.astype(dtype))
    np.testing.assert_array_equal((x + x).numpy(), 2 * X.astype(dtype))


@pytest.mark.parametrize(
    "make",
    [
        lambda: sp.tensor([1.0], dtype="floaty"),
        lambda: sp.tensor(np.ones(2, np.longdouble)),
        lambda: sp.asarray(X, dtype=">f4"),
        lambda: sp.zeros(2, dtype="M8[s]"),
    ],
)
def test_types_that_are_none_are_told(make):
    with pytest.raises(DTypeError, match="S0102") as caught:
        make()
    assert caught.value.span.file == __file__
