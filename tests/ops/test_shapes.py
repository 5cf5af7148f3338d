"""Functions that make, move, join and cut: against JAX, and against NumPy where JAX has none."""

import jax
import numpy as np
import pytest

import slopec as sp
from tests.ops.harness import Case, check, integers, normal, same

X = normal(2, 3, 4)
V = normal(5)
CASES = (
    Case("reshape", lambda np, x: (np.reshape(x, (6, 4)), np.reshape(x, -1), np.reshape(x, (2, -1))), (X,)),
    Case("reshape of nothing", lambda np, x: np.reshape(x, (0, 5)), (normal(0, 3),)),
    Case("ravel", lambda np, x: np.ravel(x), (X,)),
    Case("permute", lambda np, x: np.permute_dims(x, (2, 0, 1)), (X,)),
    Case("permute negative", lambda np, x: np.permute_dims(x, (-1, 0, 1)), (X,), reference=lambda np, x: np.permute_dims(x, (2, 0, 1))),
    Case("matrix_transpose", lambda np, x: np.matrix_transpose(x), (X,)),
    Case("swapaxes", lambda np, x: np.swapaxes(x, 0, -1), (X,)),
    Case("moveaxis", lambda np, x: (np.moveaxis(x, 0, -1), np.moveaxis(x, (0, 1), (-1, 0))), (X,)),
    Case("squeeze", lambda np, x: (np.squeeze(x), np.squeeze(x, 0), np.squeeze(x, (0, -1))), (normal(1, 3, 1),)),
    Case("expand_dims", lambda np, x: (np.expand_dims(x, 0), np.expand_dims(x, -1), np.expand_dims(x, (0, 2))), (X,)),
    Case("broadcast_to", lambda np, x: np.broadcast_to(x, (2, 3, 5)), (normal(3, 1),)),
    Case("broadcast scalar", lambda np, x: np.broadcast_to(x, (2, 3)), (np.float32(2),)),
    Case("broadcast_arrays", lambda np, x, y: np.broadcast_arrays(x, y), (normal(3, 1), normal(4))),
    Case("atleast", lambda np, x: (np.atleast_1d(x), np.atleast_2d(x)), (np.float32(2),)),
    Case("flip", lambda np, x: (np.flip(x), np.flip(x, 0), np.flip(x, (0, -1))), (X,)),
    Case("roll", lambda np, x: (np.roll(x, 2), np.roll(x, -1, 0), np.roll(x, (1, 5), (0, 2)), np.roll(x, 7, 1)), (X,)),
    Case("rot90", lambda np, x: tuple(np.rot90(x, k, (0, 2)) for k in range(-1, 5)), (X,)),
    Case("tile", lambda np, x: (np.tile(x, 2), np.tile(x, (2, 1, 3)), np.tile(x, (2, 1, 1, 1)), np.tile(x, (0,))), (X,)),
    Case("repeat", lambda np, x: (np.repeat(x, 2), np.repeat(x, 3, axis=1)), (X,)),
    Case("repeat counts", lambda np, x: np.repeat(x, COUNTS, axis=0), (V,)),
    Case("concat", lambda np, x, y: (np.concat([x, y]), np.concat([x, y, x], axis=-1), np.concat([x, y], axis=None)), (X, normal(2, 3, 4, seed=1))),
    Case("concat types", lambda np, x, y: np.concat([x, y]), (integers(3), V)),
    Case("stack", lambda np, x, y: (np.stack([x, y]), np.stack([x, y], axis=-1), np.stack([x, y], axis=1)), (X, normal(2, 3, 4, seed=1))),
    Case("vstack", lambda np, x, y: (np.vstack([x, y]), np.hstack([x, y]), np.column_stack([x, y])), (V, V + 1)),
    Case("append", lambda np, x, y: (np.append(x, y), np.append(x, y, axis=0)), (V, V + 1)),
    Case("unstack", lambda np, x: (np.unstack(x), np.unstack(x, axis=-1)), (X,)),
    Case("split", lambda np, x: (np.split(x, 2, axis=2), np.split(x, [1], axis=1)), (X,)),
    Case("split places", lambda np, x: np.split(x, [1, 3, 3]), (V,)),
    Case("array_split", lambda np, x: (np.array_split(x, 3), np.array_split(x, 7)), (V,)),
    Case("tril", lambda np, x: (np.tril(x), np.tril(x, k=1), np.tril(x, k=-2)), (X,)),
    Case("triu", lambda np, x: (np.triu(x), np.triu(x, k=1), np.triu(x, k=-2)), (X,)),
    Case("diag", lambda np, x: (np.diag(x), np.diag(x, 2), np.diag(x, -1)), (V,)),
    Case("diag of matrix", lambda np, x: (np.diag(x), np.diag(x, 2), np.diag(x, -1), np.diag(x, 9)), (normal(3, 5),)),
    Case("meshgrid", lambda np, x, y: (np.meshgrid(x, y), np.meshgrid(x, y, indexing="ij")), (V, normal(3))),
    Case("meshgrid 3", lambda np, x, y: np.meshgrid(x, y, x), (V, normal(3))),
    Case("one_hot", lambda np, i: (np.one_hot(i, 4), np.one_hot(i, 4, axis=0)), (integers(2, 3),), reference=lambda np, i: (jax.nn.one_hot(i, 4), jax.nn.one_hot(i, 4, axis=0))),
    *(Case(f"pad {mode} {width}", lambda np, x, mode=mode, width=width: np.pad(x, width, mode=mode), (normal(3, 4),))
      for mode in ("constant", "edge", "reflect", "symmetric", "wrap")
      for width in (2, (1, 0), ((0, 3), (1, 2)), ((5, 7), (0, 9)))),
    Case("pad value", lambda np, x: np.pad(x, 1, constant_values=7), (integers(3),)),
    Case("flatten", lambda np, x: (np.flatten(x), np.flatten(x, 1), np.flatten(x, 0, 1)), (X,), reference=lambda np, x: (x.ravel(), x.reshape(2, 12), x.reshape(6, 4))),
    Case("unflatten", lambda np, x: np.unflatten(x, -1, (2, -1)), (X,), reference=lambda np, x: x.reshape(2, 3, 2, 2)),
    Case("astype", lambda np, x: (np.astype(x, "float16"), np.astype(x, "int8"), np.astype(x, "bool")), (X,)),
    Case("arange", lambda np, x: (np.arange(5), np.arange(2, 9, 3), np.arange(9, 2, -2), np.arange(1.0, 2.0, 0.3), np.arange(3, dtype="int8"), np.arange(5, 2), np.arange(3.0)), (V,)),
    Case("linspace", lambda np, x: (np.linspace(0, 1, 7), np.linspace(2, -3, 4, endpoint=False), np.linspace(0, 9, 1), np.linspace(0, 9, 0), np.linspace(x[0], x[1], 3), np.linspace(x, 1, 3)), (V,)),
    Case("logspace", lambda np, x: (np.logspace(-1, 2, 4), np.geomspace(1.0, 256.0, 5)), (V,), looser=5),
    Case("filled", lambda np, x: (np.zeros((2, 3)), np.ones(3, dtype="int8"), np.full((2,), 7), np.full((2,), 1.5), np.full((), True), np.zeros_like(x), np.ones_like(x), np.full_like(x, 2), np.full((2, 5), x)), (V,)),
    Case("eye", lambda np, x: (np.eye(3), np.eye(2, 4, k=1), np.eye(3, k=-1, dtype="int32"), np.identity(2), np.tri(3, 4, k=1)), (V,)),
    Case("indices", lambda np, x: np.indices((2, 3)), (V,)),
)  # fmt: skip
COUNTS = np.array([2, 0, 1, 3, 1])


@pytest.mark.parametrize("case", CASES, ids=str)
def test_shapes(case):
    check(case, CASES)


def test_chunk_is_as_in_pytorch():
    assert [t.shape[0] for t in sp.chunk(sp.arange(10), 4)] == [3, 3, 3, 1]
    assert [t.shape[0] for t in sp.chunk(sp.arange(3), 5)] == [1, 1, 1]


@pytest.mark.parametrize("mode", ["reflect", "symmetric", "wrap", "edge"])
def test_wide_margins_are_as_in_numpy(mode):
    x = np.arange(3, dtype=np.int32)

    for width in ((11, 4), (0, 8), (5, 13)):
        same(sp.pad(x, width, mode=mode), np.pad(x, width, mode=mode))


def test_asarray_takes_lists_of_traced_tensors():
    def diagonal(x):
        return sp.asarray([[x, 0.0], [0.0, 2 * x]])

    assert sp.jvp(diagonal, (3.0,), (1.0,))[1].tolist() == [[1, 0], [0, 2]]


def test_types_of_python_data():
    assert sp.asarray([1, 2]).dtype == sp.int32
    assert sp.asarray([1.5]).dtype == sp.float32
    assert sp.asarray([True]).dtype == sp.bool_
    assert sp.asarray(2j).dtype == sp.complex64
    assert sp.asarray(np.arange(3.0)).dtype == sp.float64
    assert sp.asarray([2**40]).dtype == sp.int64


def test_bitcast_changes_the_last_dimension():
    x = sp.tensor([1.0, -2.0])

    assert sp.bitcast(x, "uint8").shape == (2, 4)
    assert sp.bitcast(sp.bitcast(x, "uint8"), "float32").tolist() == [1, -2]
