"""Indexing as NumPy has it: random keys for reading and updating, known and traced indices."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import slopec as sp
from slopec.ops.key import read_key
from tests.ops.harness import Case, check, normal, same


def numbered(shape):
    return np.arange(np.prod(shape, dtype=int), dtype=np.float32).reshape(shape)


@st.composite
def slices(draw, size):
    bound = st.none() | st.integers(-size - 2, size + 2)
    step = draw(st.none() | st.integers(-3, 3).filter(bool))
    return slice(draw(bound), draw(bound), step)


@st.composite
def keys(draw, shape):
    """A key with ints, slices, arrays, masks, None and an ellipsis, that fits `shape`."""
    batch = draw(hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=3))
    items, dim = [], 0
    while dim < len(shape):
        size = shape[dim]
        kinds = ["slice", "none", "stop"] + (["int", "array", "array"] if size else [])
        kind = draw(st.sampled_from([*kinds, "mask"]))
        if kind == "stop":
            break
        if kind == "none":
            items.append(None)
            if sum(item is None for item in items) > 2:
                break
            continue
        if kind == "slice":
            items.append(draw(slices(size)))
        elif kind == "int":
            items.append(draw(st.integers(-size, size - 1)))
        elif kind == "array":
            dims = draw(st.sampled_from([batch, batch[1:], ()]))
            items.append(draw(hnp.arrays(np.int32, dims, elements=st.integers(-size, size - 1))))
        else:
            mask = draw(hnp.arrays(bool, (size,)))
            if any(isinstance(i, np.ndarray) for i in items) or batch:
                mask = slice(None)
            items.append(mask)
        dim += 1
    if draw(st.booleans()):
        # Further in front it would move the items behind it to other dimensions.
        first = 0 if dim == len(shape) else len(items)
        items.insert(draw(st.integers(first, len(items))), Ellipsis)
    return tuple(items)


@st.composite
def shapes_and_keys(draw):
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=4))
    return shape, draw(keys(shape))


def traced(key):
    """The key with its integer arrays as arguments of a function, and those arrays."""
    arrays = [k for k in key if isinstance(k, np.ndarray) and k.dtype != bool]

    def rebuild(tensors):
        waiting = iter(tensors)
        return tuple(
            next(waiting) if isinstance(k, np.ndarray) and k.dtype != bool else k for k in key
        )

    return arrays, rebuild


@settings(max_examples=300)
@given(shapes_and_keys())
def test_reading_is_as_in_numpy(case):
    shape, key = case
    x = numbered(shape)
    expected = x[key]
    arrays, rebuild = traced(key)

    same(sp.tensor(x)[key], expected)
    assert read_key("index", key, shape).result_shape == expected.shape
    if not any(isinstance(k, np.ndarray) and k.dtype == bool for k in key):
        same(sp.tensor(x)[rebuild([sp.tensor(a) for a in arrays])], expected)


def updated(x, key, value, kind):
    """NumPy's unbuffered update in place."""
    result = x.copy()
    ufunc = {"add": np.add, "multiply": np.multiply, "min": np.minimum, "max": np.maximum}
    if kind == "set":
        result[key] = value
    else:
        ufunc[kind].at(result, key, value)
    return result


@settings(max_examples=300)
@given(shapes_and_keys(), st.sampled_from(["set", "add", "multiply", "min", "max"]))
def test_updating_is_as_in_numpy(case, kind):
    shape, key = case
    x = numbered(shape)
    # With one value everywhere, it is no matter which of several writes to a place comes last.
    value = np.float32(2.5) if kind == "set" else normal(*x[key].shape)
    expected = updated(x, key, value, kind)

    same(getattr(sp.tensor(x).at[key], kind)(value), expected, 10)


X = normal(3, 4, 5)
ROWS, COLUMNS = np.int32([0, 2, -1, 0]), np.int32([[1], [-2]])
CASES = (
    Case("slices", lambda np, x: (x[1:, ::2, ::-1], x[-1], x[..., 0], x[:, None, 1]), (X,)),
    Case("array", lambda np, x, i: (x[i], x[:, i], x[..., i]), (X, ROWS)),
    Case("arrays", lambda np, x, i, j: (x[i, j], x[i, :, j], x[0, :, j], x[:, i, j], x[i, ..., 1]), (X, ROWS, COLUMNS)),
    Case("scalars", lambda np, x, i: (x[i[0]], x[:, i[1]], x[i[2], :, i[0]], x[i[1], ::2]), (X, ROWS)),
    Case("take", lambda np, x, i: (np.take(x, i), np.take(x, i, axis=1), np.take(x, i[0], axis=-1)), (X, ROWS)),
    Case("embedding", lambda np, x, i: np.take(x, i, axis=0), (normal(7, 3), np.int32([[1, 1], [6, 0]]))),
    Case("take_along_axis", lambda np, x: np.take_along_axis(x, np.argsort(x, axis=1), axis=1), (X,)),
    Case("take_along_axis broadcast", lambda np, x, i: np.take_along_axis(x, i, axis=2), (X, np.int32([[[0, -1]]]))),
    Case("at set", lambda np, x, i, v: (x.at[i].set(v), x.at[:, i].set(2.0), x.at[1:, 0].set(3)), (X, np.int32([0, 2]), normal(2, 4, 5)), reference=lambda np, x, i, v: (x.at[i].set(v), x.at[:, i].set(2.0), x.at[1:, 0].set(3))),
    Case("at add", lambda np, x, i, v: (x.at[i].add(v), x.at[i, 1:3].add(1.0), x.at[::2, ..., ::-2].add(1.0)), (X, ROWS, normal(4, 4, 5))),
    Case("at slice set", lambda np, x, v: (x.at[1:3].set(v), x.at[::2].set(v), x.at[::-2].set(v)), (X, normal(2, 4, 5))),
    Case("at multiply", lambda np, x, i, v: x.at[i].multiply(v), (X, np.int32([0, 2]), normal(2, 4, 5)), reference=lambda np, x, i, v: x.at[i].multiply(v, unique_indices=True)),
    Case("at slice multiply", lambda np, x, v: (x.at[1:3].multiply(v), x.at[:, 0].divide(2.0)), (X, normal(2, 4, 5)), reference=lambda np, x, v: (np.concat([x[:1], x[1:3] * v]), np.concat([x[:, :1] / 2, x[:, 1:]], axis=1))),
    Case("at min and max", lambda np, x, i: (x.at[i].min(0.1), x.at[i].max(0.1), x.at[1:].max(0.2)), (X, np.int32([0, 2]))),
    Case("at scalar", lambda np, x, i: (x.at[i[0]].set(1.0), x.at[:, i[1]].add(2.0), x.at[i[2], :, 0].add(2.0)), (X, ROWS)),
    Case("at bool", lambda np, x, i: (x.at[i].set(True), x.at[0].set(False)), (normal(4, dtype="bool"), ROWS)),
    Case("at subtract", lambda np, x, i: x.at[i].subtract(1.5), (X, ROWS)),
    Case("at outside is dropped", lambda np, x, i: x.at[i].add(1.0), (X, np.int32([0, 7, -9]))),
    Case("reading outside is clamped", lambda np, x, i: x[i], (X, np.int32([0, 7])), reference=lambda np, x, i: x[np.clip(i, 0, 2)]),
    Case("put_along_axis", lambda np, x, i: np.put_along_axis(x, i, 2.0, axis=1), (X, np.int32(normal(3, 1, 5) > 0)), reference=lambda np, x, i: np.put_along_axis(x, i, 2.0, axis=1, inplace=False)),
    Case("gather_nd", lambda np, x, i: (np.gather_nd(x, i), np.gather_nd(x, i[:3], batch_dims=1)), (X, np.int32([[0, 1], [2, -1], [1, 0], [0, 0]])), reference=lambda np, x, i: (x[i[:, 0], i[:, 1]], x[np.arange(3), i[:3, 0], i[:3, 1]])),
    Case("scatter_nd", lambda np, x, i: np.scatter_nd(x, i, 1.0), (X, np.int32([[0, 1], [0, 1]])), reference=lambda np, x, i: x.at[i[:, 0], i[:, 1]].add(1.0)),
    Case("dynamic_slice", lambda np, x, i: np.dynamic_slice(x, [i[0], 1, i[1]], (2, 2, 3)), (X, np.int32([1, 9])), reference=lambda np, x, i: x[1:3, 1:3, 2:5]),
    Case("index types", lambda np, x, i: (x[i], x[i.astype("uint8")], x[i.astype("int8")]), (normal(3, 2), np.int32([0, 2]))),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_against_jax(case):
    check(case, CASES)


def test_masks():
    x = numbered((3, 4))
    t = sp.tensor(x)
    mask = x % 3 == 0

    same(t[mask], x[mask])
    same(t[t > 4], x[x > 4])
    same(t[mask[:, 0]], x[mask[:, 0]])
    same(t[:, [True, False, True, False]], x[:, [True, False, True, False]])
    same(t[mask[:, 0], 1], x[mask[:, 0], 1])
    same(t[True], x[True])
    same(t[False], x[False])
    same(t[1, True], x[1, True])
    same(t[[0, 2], True], x[[0, 2], True])


def test_a_traced_mask_can_choose_what_to_update():
    def halved(x):
        return x.at[x > 1].multiply(0.5)

    x = normal(5)
    value, pull = sp.vjp(halved, sp.tensor(x))

    same(value, np.where(x > 1, x / 2, x))
    same(pull(sp.ones(5))[0], np.where(x > 1, 0.5, 1).astype("float32"))


def test_lists_and_numpy_scalars_are_indices():
    x = numbered((3, 4))
    t = sp.tensor(x)

    same(t[[0, -1]], x[[0, -1]])
    same(t[np.int64(1)], x[1])
    same(t[np.array(1)], x[1])
    same(t[[]], x[np.zeros(0, int)])
    same(t[[sp.tensor(0), sp.tensor(2)]], x[[0, 2]])


def test_updates_cast_to_the_type_of_the_tensor():
    x = sp.tensor([1, 2, 3])

    assert x.at[0].set(7.9).tolist() == [7, 2, 3]
    assert x.at[sp.tensor([0])].add(True).tolist() == [2, 2, 3]
    assert x.at[1].apply(lambda v: v * 10).tolist() == [1, 20, 3]
    assert x.at[1].get().item() == 2


def test_updates_of_slices_need_no_scatter():
    module = sp.jit(lambda x: x.at[1:3, ::2].add(1.0)).lower(sp.zeros((4, 4)))

    assert "scatter" not in str(module)


def test_a_key_that_selects_everything_is_free():
    x = sp.tensor(numbered((2, 3)))

    assert x[...] is x
    assert x[:, :] is x


@pytest.mark.parametrize("index", [jnp.array([0, 1]), np.array([0, 1], np.uint64)])
def test_arrays_of_others_are_indices(index):
    same(sp.tensor(numbered((3,)))[index], np.float32([0, 1]))
