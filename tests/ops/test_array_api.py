"""What the Array API asks for beside values: devices, copies, assignment, errors, special points."""

import copy

import numpy as np
import pytest

import slopec as sp
from slopec.diagnostics import UsageError
from tests.ops.harness import integers, normal, same

X = normal(3, 4)
INDICES = normal(3, seed=1) > 0

MAKERS = {
    "asarray": lambda **at: sp.asarray([1.0, 2.0], **at),
    "astype": lambda **at: sp.astype(sp.ones(2), "int32", **at),
    "arange": lambda **at: sp.arange(2, **at),
    "empty": lambda **at: sp.empty(2, **at),
    "empty_like": lambda **at: sp.empty_like(sp.ones(2), **at),
    "eye": lambda **at: sp.eye(2, **at),
    "fftfreq": lambda **at: sp.fft.fftfreq(2, **at),
    "from_dlpack": lambda **at: sp.from_dlpack(np.ones(2), **at),
    "full": lambda **at: sp.full(2, 3, **at),
    "full_like": lambda **at: sp.full_like(sp.ones(2), 3, **at),
    "linspace": lambda **at: sp.linspace(0, 1, 2, **at),
    "ones": lambda **at: sp.ones(2, **at),
    "ones_like": lambda **at: sp.ones_like(sp.ones(2), **at),
    "rfftfreq": lambda **at: sp.fft.rfftfreq(2, **at),
    "zeros": lambda **at: sp.zeros(2, **at),
    "zeros_like": lambda **at: sp.zeros_like(sp.ones(2), **at),
}


@pytest.mark.parametrize("name", MAKERS)
def test_tensors_are_made_where_it_is_said(name):
    make = MAKERS[name]

    assert make().device == make(device="cpu").device == "cpu"
    assert make(device="reference").device == "reference"
    same(make(device="reference"), make().numpy())
    assert sp.jit(lambda x: make(device=x.device))(1.0).device == "cpu"
    with pytest.raises(UsageError, match="no device 'gpuu'"):
        make(device="gpuu")


def test_every_device_of_the_namespace_is_one():
    info = sp.__array_namespace_info__()

    assert info.default_device() in info.devices()
    assert {"cpu", "reference"} <= set(info.devices())
    for device in info.devices():
        assert sp.ones(2).to_device(device).device.partition(":")[0] == device
    with sp.device("reference"):
        assert info.default_device() == "reference"


@pytest.mark.parametrize(
    "make",
    [
        lambda x: sp.asarray(x, copy=True),
        lambda x: sp.astype(x, x.dtype),
        lambda x: sp.from_dlpack(x, copy=True),
        lambda x: x.clone(),
        copy.copy,
        copy.deepcopy,
    ],
)
def test_a_copy_keeps_its_value(make):
    x = sp.tensor(X)
    y = make(x)
    x[0] = 7

    same(y, X)
    assert sp.asarray(x) is sp.asarray(x, copy=False) is x
    assert x.to("float32") is x.float() is sp.astype(x, "float32", copy=False) is x


@pytest.mark.parametrize("data", [X, [1.0], 1.0, sp.tensor([1])])
def test_what_has_to_be_copied_cannot_be_left(data):
    with pytest.raises(ValueError, match="copied"):
        sp.asarray(data, dtype="float32", copy=False)


ASSIGNMENTS = {
    "element": ((1, 2), 5),
    "row": (1, X[0]),
    "column": ((slice(None), -1), X[:, 0]),
    "steps": ((slice(None, None, -2), slice(1, None, 2)), 1.5),
    "ellipsis": ((..., 0), X[:, 1]),
    "everything": ((), 2),
    "new axis": ((None, 0), X[:1]),
    "places": ([2, 0], X[:2]),
    "pairs": (([2, 0], [1, 3]), X[0, :2]),
    "mask": (X > 0, 0),
    "mask of rows": (INDICES, X[0]),
    "nothing": (slice(2, 2), 3),
    "integers": (0, 3),
}


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_assignment_is_as_in_numpy(name):
    key, value = ASSIGNMENTS[name]
    x, y = sp.tensor(X), X.copy()
    held, row = x, x[0]

    x[key] = value
    y[key] = value

    same(x, y)
    assert held is x
    same(row, X[0])


def test_assignment_to_integers_and_by_operators():
    x = sp.arange(6).reshape(2, 3)
    x[0] += 10
    x[:, 1] *= sp.tensor([2, 3])
    x[1, 0] = True

    assert x.tolist() == [[10, 22, 12], [1, 12, 5]]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda x: x[3],
        lambda x: x[0, 0, 0],
        lambda x: x[sp.tensor([True, False])],
        lambda x: x.sum(axis=2),
        lambda x: sp.expand_dims(x, axis=4),
        lambda x: x.__setitem__(3, 1),
    ],
)
def test_what_is_outside_is_an_index_error(wrong):
    with pytest.raises(IndexError) as caught:
        wrong(sp.tensor(X))
    assert isinstance(caught.value, ValueError)


def test_special_points():
    zeros = np.float32([0.0, -0.0, 0.0, -0.0])
    ones = np.float32([1, 1, -1, -1])
    with np.errstate(all="ignore"):
        for ours, theirs in (
            (sp.floor_divide(sp.tensor(zeros), ones), np.floor_divide(zeros, ones)),
            (sp.sign(sp.tensor(zeros)), np.sign(zeros)),
            (sp.round(sp.tensor([1.5 - 2.5j])), np.round(np.complex64([1.5 - 2.5j]))),
            (sp.expm1(sp.tensor([-np.inf + 1j])), np.complex64([-1])),
            (sp.expm1(sp.tensor([1e-6 + 1e-6j])), np.complex64([1e-6 + 1.000001e-6j])),
            (sp.tanh(sp.tensor([complex(np.inf, 2.0)])), np.complex64([1])),
            (sp.eye(2, 3, k=2**40), np.zeros((2, 3), np.float32)),
            (sp.tril(sp.ones((2, 3)), k=-(2**40)), np.zeros((2, 3), np.float32)),
        ):
            same(ours, theirs)
            assert np.array_equal(np.signbit(ours.numpy().real), np.signbit(theirs.real))


def test_numbers_that_change_where_there_are_no_elements():
    assert [sp.full((0, 2), n).tolist() for n in (1, 2, 3)] == [[]] * 3
    assert [(sp.zeros(0) * n + 1.0).shape for n in (1.0, 2.0, 3.0)] == [(0,)] * 3


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "complex64"])
def test_limits_of_floats_are_numbers_of_python(dtype):
    limits = sp.finfo(dtype)

    assert all(
        type(x) is float for x in (limits.eps, limits.max, limits.min, limits.smallest_normal)
    )
    assert limits.dtype == sp.real(sp.zeros((), dtype)).dtype
    one, next_one = np.ones((), limits.dtype), np.asarray(1 + limits.eps, limits.dtype)
    assert next_one > one
    assert limits.min == -limits.max == -float(np.asarray(limits.max, limits.dtype))


REPEATED = integers(4, 5, low=-2, high=3)


@pytest.mark.parametrize("name", ["unique_all", "unique_counts", "unique_inverse", "unique_values"])
def test_sets_are_as_in_numpy(name):
    for x in (REPEATED, REPEATED[:0], normal(3, dtype="float64")):
        ours, theirs = getattr(sp, name)(sp.tensor(x)), getattr(np, name)(x)
        if name == "unique_values":
            ours, theirs = (ours,), (np.sort(theirs),)
        for mine, other in zip(ours, theirs, strict=True):
            assert mine.dtype in (np.int32, other.dtype)
            np.testing.assert_array_equal(mine.numpy(), other)


@pytest.mark.parametrize("invert", [False, True])
def test_membership_is_as_in_numpy(invert):
    for elements in (np.int32([1, -2]), np.int32([]), np.float32(0)):
        found = sp.isin(sp.tensor(REPEATED), elements, invert=invert)
        same(found, np.isin(REPEATED, elements, invert=invert))


def test_bits_turned_around():
    for dtype in ("bool", "int8", "uint16", "int64"):
        same(
            sp.bitwise_invert(sp.tensor(REPEATED.astype(dtype))), np.invert(REPEATED.astype(dtype))
        )


def test_shapes_that_broadcast():
    for shapes in (
        ((3, 1), (4,)),
        ((), (0, 2)),
        ((2, 1, 3), (4, 1), (1,)),
        ((5,),),
        ((3, 1), 4),
        (),
    ):
        assert sp.broadcast_shapes(*shapes) == np.broadcast_shapes(*shapes)
    with pytest.raises(ValueError, match="3 ≠ 2"):
        sp.broadcast_shapes((3,), (2,))


def test_functions_behind_brackets_and_methods():
    x, y = sp.tensor(X), sp.tensor(X)

    same(sp.getitem(x, (slice(1, None), [0, 2])), X[1:, [0, 2]])
    same(x.mm(x.T), X @ X.T)
    same(y.div_(2.0).sub_(x), X / 2 - X)
    same(x.pinverse(), np.linalg.pinv(X), 10)
    same(x[:, :3].matrix_exp(), sp.linalg.expm(X[:, :3]).numpy())
    same(sp.avg_pool1d(x[None], 2), X.reshape(1, 3, 2, 2).mean(-1))
    assert isinstance(sp.spec("float32", ("n", 2)), sp.Spec)
