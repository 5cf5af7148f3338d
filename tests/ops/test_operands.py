"""What operations do before they compute: promotion, scalars, arrays, axes, and their errors."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest

import slopec as sp
from slopec import dtypes, tracing
from slopec.diagnostics import DTypeError, ShapeError, SlopecError, UsageError
from tests.ops.harness import same

TYPES = [
    name
    for name in dtypes.BY_NAME
    if "64" not in name and "128" not in name and "float8" not in name
]


@pytest.mark.parametrize(("a", "b"), list(itertools.product(TYPES, TYPES)))
def test_types_promote_as_in_jax(a, b):
    expected = jnp.promote_types(a, b)

    assert sp.result_type(a, b) == expected
    assert (sp.zeros(2, dtype=a) * sp.zeros((3, 1), dtype=b)).dtype == expected


@pytest.mark.parametrize("dtype", [*TYPES, "float64", "int64", "complex64"])
def test_python_scalars_are_weak(dtype):
    x = sp.ones(2, dtype=dtype)

    assert (x * True).dtype == dtype
    assert (x * 2).dtype == ("int32" if dtype == "bool" else dtype)
    floating = sp.isdtype(dtype, ("real floating", "complex floating"))
    assert (2.5 * x).dtype == (dtype if floating else "float32")
    assert (x + 1j).dtype == ("complex128" if dtype == "float64" else "complex64")
    assert (x * np.float64(2)).dtype == (x * 2.0).dtype
    assert (x * np.array(2.0, "float32")).dtype == sp.result_type(dtype, "float32")


def test_a_scalar_is_a_constant_of_the_tensors_shape():
    x = sp.zeros((2, 3)) + sp.zeros((2, 3))
    written = str(sp.jit(lambda x: 3.0 * x).lower(x))

    assert "dense<3.000000e+00> : tensor<2x3xf32>" in written


def test_arrays_are_operands_on_both_sides():
    x, a = sp.tensor([1.0, 2.0]), np.float32([10, 20])

    same(x + a, np.float32([11, 22]))
    same(a - x, np.float32([9, 18]))
    same(a[:, None] @ x[None, :], np.float32([[10, 20], [20, 40]]))
    assert isinstance(np.float32(2) * x, sp.Tensor)


def test_arrays_become_constants_of_a_trace():
    module = sp.jit(lambda x: x + np.float32([10, 20])).lower(sp.zeros(2))

    assert "dense<[1.000000e+01, 2.000000e+01]>" in str(module)


@pytest.mark.parametrize("other", [None, "text", object(), [1, 2]])
def test_operators_leave_other_objects_to_python(other):
    x = sp.zeros(2)

    assert x.__add__(other) is NotImplemented
    with pytest.raises(TypeError):
        x + other
    assert (x == other) is False


X, M = sp.zeros((4, 8)), sp.zeros((9, 2))
MISTAKES = [
    ("S0101", ShapeError, "matmul: shapes (4, 8) and (9, 2) do not fit: 8 ≠ 9", lambda: X @ M),
    ("S0101", ShapeError, "add: shapes (4, 8) and (9, 2) do not fit: 8 ≠ 2", lambda: X + M),
    ("S0101", ShapeError, "operands need at least one dimension", lambda: sp.matmul(X, 1.0)),
    ("S0101", ShapeError, "has 32 elements, which do not fit (5, -1)", lambda: X.reshape(5, -1)),
    ("S0101", ShapeError, "do not fit (-1, -1)", lambda: X.reshape(-1, -1)),
    ("S0101", ShapeError, "broadcast_to: shape (4, 8)", lambda: sp.broadcast_to(X, (4, 9))),
    ("S0101", ShapeError, "differ outside axis 0", lambda: sp.concat([X, M])),
    ("S0101", ShapeError, "stack: shapes", lambda: sp.stack([X, M])),
    ("S0101", ShapeError, "has size 4, not 1", lambda: sp.squeeze(X, 0)),
    ("S0101", ShapeError, "max: shape (0, 3) has no elements", lambda: sp.max(sp.zeros((0, 3)))),
    ("S0101", ShapeError, "argmax: shape", lambda: sp.argmax(sp.zeros((0, 3)), axis=0)),
    ("S0101", ShapeError, "do not make 3 equal parts", lambda: sp.split(X, 3)),
    ("S0101", ShapeError, "negative size", lambda: sp.zeros((2, -1))),
    ("S0101", ShapeError, "label 'j'", lambda: sp.einsum("ij,jk->ik", X, M)),
    ("S0101", ShapeError, "3 ≠ 4 channels", lambda: sp.conv1d(sp.zeros((3, 5)), sp.zeros((2, 4, 3)))),
    ("S0101", ShapeError, "does not fit 2 elements", lambda: sp.max_pool1d(sp.zeros((1, 2)), 5)),
    ("S0101", ShapeError, "traced tensor", lambda: sp.jvp(sp.nonzero, (X,), (X,))),
    ("S0102", DTypeError, "sort: expected real elements", lambda: sp.sort(X.astype("complex64"))),
    ("S0102", DTypeError, "subtract: expected numbers, got bool", lambda: (X > 0) - (X > 0)),
    ("S0102", DTypeError, "bitwise_and: expected integers or booleans", lambda: X & X),
    ("S0102", DTypeError, "300 does not fit uint8", lambda: sp.zeros(2, dtype="uint8") + 300),
    ("S0102", DTypeError, "negative power -2", lambda: sp.arange(3) ** -2),
    ("S0102", DTypeError, "unknown dtype 'float33'", lambda: X.astype("float33")),
    ("S0106", DTypeError, "expected a tensor, got a list", lambda: sp.sum([1, 2])),
    ("S0106", DTypeError, "expected a tensor, got None", lambda: sp.exp(None)),
    ("S0106", UsageError, "unknown mode 'mirror'", lambda: sp.pad(X, 1, mode="mirror")),
    ("S0106", UsageError, "widths ((1, 2), (1, 2)) for 3 dimensions", lambda: sp.pad(sp.zeros((1, 1, 1)), ((1, 2), (1, 2)))),
    ("S0106", UsageError, "'same' needs stride 1", lambda: sp.conv1d(sp.zeros((3, 5)), sp.zeros((2, 3, 3)), stride=2, padding="same")),
    ("S0106", UsageError, "topk: k=9 of 8 elements", lambda: sp.topk(X, 9)),
    ("S0106", UsageError, "labels 3 dimensions", lambda: sp.einsum("ijk->i", X)),
    ("S0106", UsageError, "nothing to join", lambda: sp.concat([])),
    ("S0107", ShapeError, "axis 2 is outside a tensor of 2 dimensions", lambda: X.sum(axis=2)),
    ("S0107", ShapeError, "named twice", lambda: X.sum(axis=(0, -2))),
    ("S0107", DTypeError, "an axis is an int, got 1.5", lambda: X.sum(axis=1.5)),
    ("S0107", ShapeError, "orders 1 dimensions", lambda: sp.permute_dims(X, (0,))),
    ("S0108", ShapeError, "index 4 is outside dimension 0 of shape (4, 8)", lambda: X[4]),
    ("S0108", ShapeError, "index -9 is outside dimension 1", lambda: X[0, np.array([1, -9])]),
    ("S0108", ShapeError, "3 indices for a tensor of shape (4, 8)", lambda: X[0, 0, 0]),
    ("S0108", ShapeError, "`...` stands twice", lambda: X[..., ...]),
    ("S0108", ShapeError, "a mask of shape (3,)", lambda: X[np.array([True, False, True])]),
    ("S0108", DTypeError, "a float is no index", lambda: X[1.0]),
    ("S0108", DTypeError, "a float32 array is no index", lambda: X[sp.zeros(2)]),
    ("S0108", DTypeError, "a str is no index", lambda: X["rows"]),
    ("S0108", ShapeError, "traced mask", lambda: sp.jvp(lambda x: x[x > 0], (X,), (X,))),
    ("S0101", ShapeError, "does not broadcast to (8,)", lambda: X.at[0].set(np.zeros(3, "float32"))),
]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "kind", "says", "mistake"), MISTAKES, ids=[m[2] for m in MISTAKES]
)
def test_mistakes_are_explained_at_the_users_line(code, kind, says, mistake):
    with pytest.raises(SlopecError) as caught:
        mistake()

    assert isinstance(caught.value, kind)
    assert caught.value.code == code
    assert says in caught.value.message
    assert caught.value.span is not None
    assert caught.value.span.file == __file__


def test_carets_show_the_operation():
    with pytest.raises(ShapeError) as caught:
        X @ M
    shown = [line.split("| ")[-1] for line in str(caught.value).split("\n")]
    line = shown.index("        X @ M")

    assert shown[line + 1] == "        ^^^^^"


def test_a_transposed_operand_gets_a_hint():
    with pytest.raises(ShapeError, match=r"x1 @ x2\.mT"):
        sp.zeros((2, 3)) @ sp.zeros((4, 3))


def test_operations_record_the_users_line():
    x = sp.zeros(3) + 1
    where = tracing.here()
    line = x._value.node.location.start_line

    assert where is not None
    assert line == where.line - 1


def test_the_array_api_namespace():
    x = sp.zeros(2)

    assert x.__array_namespace__() is sp
    assert sp.__array_namespace_info__().dtypes(kind="bool") == {"bool": sp.bool_}
    assert sp.newaxis is None
    assert sp.finfo(sp.float16).bits == 16
    assert sp.iinfo("int8").max == 127
    assert sp.can_cast("int8", "float16")
    assert sp.isdtype(sp.float16, "real floating")


IMAGE = sp.ones((1, 2, 4, 4))
REFUSED = {
    "stride is at least 1": lambda: sp.max_pool2d(IMAGE, 1, stride=0),
    "dilation is at least 1": lambda: sp.conv2d(IMAGE, sp.ones((1, 2, 1, 1)), dilation=0),
    "padding is at least 0": lambda: sp.avg_pool2d(IMAGE, 2, padding=-1),
    "kernel_size is at least 1": lambda: sp.max_pool2d(IMAGE, 0),
    "output_size has 1 numbers": lambda: sp.nn.functional.adaptive_avg_pool2d(IMAGE, (1,)),
    "output_size \\(-1, 2\\)": lambda: sp.nn.functional.adaptive_max_pool2d(IMAGE, (-1, 2)),
    "n is at least 0": lambda: sp.diff(IMAGE, -1),
    "a mask of booleans": lambda: sp.masked_scatter(IMAGE, IMAGE, IMAGE),
    "approximate is": lambda: sp.nn.functional.gelu(IMAGE, "erf"),
    "is not one number": lambda: IMAGE.item(),
    "shape \\(1, 2, 4, 4\\) is not": lambda: bool(IMAGE),
    "has no indices": lambda: sp.nonzero(sp.ones(())),
    "'floor' or 'trunc'": lambda: IMAGE.div(2, rounding_mode="up"),
    "`correction` is a number, got None": lambda: sp.var_mean(IMAGE, correction=None),
    "expected \\(n, d\\)": lambda: sp.nn.functional.embedding(sp.tensor(1), sp.tensor(1.0)),
    "an axis is an int, got True": lambda: sp.sum(IMAGE, True),
    "an axis is an int, got 1.0": lambda: sp.max(IMAGE, 1.0),
    "mean: expected a floating dtype": lambda: sp.mean(IMAGE, dtype="int8"),
    "ptp: expected numbers": lambda: sp.ptp(IMAGE > 0),
    "sort: axis -1 is outside": lambda: sp.sort(sp.ones(())),
}


@pytest.mark.parametrize("says", REFUSED)
def test_arguments_without_a_meaning_are_refused(says):
    with pytest.raises(SlopecError, match=says):
        REFUSED[says]()
