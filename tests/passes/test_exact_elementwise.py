"""Elementwise ops compiled for the host at the points where IREE's own results are others."""

import numpy as np
import pytest
from jax import lax

import slopec as sp
from slopec import ir, reference
from slopec.build import LEGALIZE
from slopec.passes import parse_pipeline, run_pipeline
from tests.transforms.harness import lower

POINTS = np.array(
    [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, 3.0, -2.5, 1e-3, 1e3, -1e3, 1e4, 1e5, -1e5, 88.0, -88.0,
     127.0, 128.0, 255.0, 257.0, -128.0, -129.0, 32767.5, 65535.0, 2147483520.0, 2147483648.0,
     -2147483648.0, 1e10, 1e20, -1e20, 1e30, np.inf, -np.inf, np.nan, 0.1, 0.9, 7.5, 1e-20],
)  # fmt: skip
INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
UNARY = {
    **{f"to {name}": lambda x, name=name: lax.convert_element_type(x, name) for name in INTEGERS},
    "cbrt": lax.cbrt,
    "log1p": lax.log1p,
    "expm1": lax.expm1,
}
NUMPY = {"cbrt": np.cbrt}
"""References where XLA's own results are off by several units in the last place."""
ANGLES = {"sin": lax.sin, "cos": lax.cos, "tan": lax.tan}
BINARY = {"power": lax.pow, "atan2": lax.atan2}
TOLERANCE = {"float16": 1e-3, "float32": 5e-7, "float64": 1e-15}


def cases(dtype):
    """Functions with their arguments, from which one program is made."""
    with np.errstate(over="ignore"):
        x = POINTS.astype(dtype)
    first, second = (v.ravel() for v in np.meshgrid(x, x))
    return {
        **{name: (f, (x,)) for name, f in UNARY.items()},
        **{name: (f, (x,)) for name, f in ANGLES.items()},
        **{name: (f, (first, second)) for name, f in BINARY.items()},
    }


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_compiled(dtype):
    table = cases(dtype)
    functions = [sp.from_stablehlo(lower(f, *arrays)) for f, arrays in table.values()]
    arguments = [arrays for _, arrays in table.values()]

    @sp.jit
    def run(arguments):
        return [f(*arrays) for f, arrays in zip(functions, arguments, strict=True)]

    for (name, (function, arrays)), ours in zip(table.items(), run(arguments), strict=True):
        theirs, mine = np.asarray(NUMPY.get(name, function)(*arrays)), ours.numpy()
        assert (mine.dtype, mine.shape) == (theirs.dtype, theirs.shape)
        if theirs.dtype.kind in "iu":
            np.testing.assert_array_equal(mine, theirs, err_msg=name)
            continue
        allowed = TOLERANCE[dtype]
        np.testing.assert_allclose(
            mine.astype("float64"), theirs.astype("float64"), allowed, allowed / 10, err_msg=name
        )
        zeros = (theirs == 0) & (mine == 0)
        np.testing.assert_array_equal(np.signbit(mine)[zeros], np.signbit(theirs)[zeros], name)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", [*UNARY, *BINARY, *ANGLES])
def test_the_meaning_stays(dtype, name):
    function, arrays = cases(dtype)[name]
    module = ir.parse(lower(function, *arrays))
    before = reference.evaluate(module, "main", *arrays)
    run_pipeline(module, parse_pipeline("exact-elementwise"))
    once = str(module)
    after = reference.evaluate(module, "main", *arrays)
    for a, b in zip(before, after, strict=True):
        if a.dtype.kind in "iu":
            np.testing.assert_array_equal(a, b)
        else:
            np.testing.assert_allclose(a, b, TOLERANCE[dtype], TOLERANCE[dtype] / 10)
    run_pipeline(module, parse_pipeline("exact-elementwise"))
    assert str(module) == once


ENDS = np.array([-np.inf, -1.5, -0.0, 0.0, 1.5, np.inf])
INVERSES = {
    "stablehlo.sqrt": np.sqrt, "stablehlo.log": np.log,
    "chlo.asin": np.arcsin, "chlo.acos": np.arccos, "chlo.atan": np.arctan,
    "chlo.asinh": np.arcsinh, "chlo.acosh": np.arccosh, "chlo.atanh": np.arctanh,
}  # fmt: skip


@pytest.mark.parametrize("name", INVERSES)
@pytest.mark.parametrize("kind", ["complex64", "complex128"])
def test_inverse_functions_of_endless_complex_numbers(name, kind):
    x = np.empty((6, 6), kind)
    x.real, x.imag = ENDS, ENDS[:, None]
    x = np.append(x[np.isinf(x)], np.finfo(kind).max * np.array([1 + 1j, -1 + 1j, -1 - 1j], kind))
    t = str(ir.tensor_type(x.shape, x.dtype))
    module = ir.parse(f"""func.func @main(%z: {t}) -> {t} {{
        %0 = "{name}"(%z) : ({t}) -> {t}
        return %0 : {t} }}""")
    run_pipeline(module, parse_pipeline("exact-elementwise"))
    assert f"{name} %arg0" not in str(module)
    (made,) = reference.evaluate(module, "main", x)
    expected = INVERSES[name](x.astype("clongdouble")).astype(kind)
    for mine, theirs in ((made.real, expected.real), (made.imag, expected.imag)):
        np.testing.assert_allclose(mine, theirs, rtol=4e-7)
        np.testing.assert_array_equal(np.signbit(mine), np.signbit(theirs))


def test_complex_numbers_have_an_order():
    x = np.array([1 + 2j, -0.0 + 1j, 0.0 + 1j, 3 - 1j, np.nan + 0j, 1 + 0j], np.complex64)
    y = np.array([1 + 3j, 0.0 + 2j, -0.0 + 0j, 2 + 9j, 1 + 1j, complex(5, np.nan)], np.complex64)
    for name, expected in (("maximum", np.maximum(x, y)), ("minimum", np.minimum(x, y))):
        module = ir.parse(f"""func.func @main(%x: tensor<6xcomplex<f32>>, %y: tensor<6xcomplex<f32>>) -> tensor<6xcomplex<f32>> {{
            %0 = stablehlo.{name} %x, %y : tensor<6xcomplex<f32>>
            return %0 : tensor<6xcomplex<f32>> }}""")
        run_pipeline(module, parse_pipeline("exact-elementwise"))
        assert f"stablehlo.{name}" not in str(module)
        np.testing.assert_array_equal(reference.evaluate(module, "main", x, y)[0], expected)


def test_huge_angles_have_a_sine():
    x = np.float32([1e8, -1e12, 1e30, 3e38])
    for value in sp.jit(lambda x: (sp.sin(x), sp.cos(x)))(x):
        assert (np.abs(value.numpy()) <= 1).all()


def test_integers_and_constants_stay():
    module = ir.parse(
        lower(lambda i: (i * i, i.astype("int64"), i.astype("float32")), np.int32([1, 2]))
    )
    before = str(module)
    run_pipeline(module, parse_pipeline("exact-elementwise"))
    assert str(module) == before
    assert "exact-elementwise" in LEGALIZE
