"""Conversions between all pairs of types, bit casts and reduced precision, against XLA."""

import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
from jax import lax

from slopec import dtypes
from tests.reference.harness import (
    COMPLEX,
    FLOATS,
    SIGNED,
    UNSIGNED,
    Group,
    dtype,
    run,
    same,
    sample,
)

FLOAT8 = ("float8_e4m3fn", "float8_e5m2")
TYPES = ("bool", *SIGNED, *UNSIGNED, *FLOATS, *FLOAT8, *COMPLEX)


@np.errstate(all="ignore")
def values(name: str) -> np.ndarray:
    kind = dtype(name)
    if name == "bool":
        return np.array([True, False])
    if kind.kind in "iu":
        info = np.iinfo(kind)
        return np.concatenate([np.array([info.min, info.max, 0, 1], kind), sample((9,), name)])
    edges = [0.0, -0.0, 0.9, -0.9, 1.5, -1.5, 127.9, 128.0, -128.5, 255.7, 256.0, -1e4, 7e4]
    wild = [3e9, -3e9, 1e10, -1e10, 2e19, -2e19, np.inf, -np.inf, np.nan]
    return np.array(edges + wild).astype(kind)


CONVERSIONS = {name: Group() for name in TYPES}
for _name, _group in CONVERSIONS.items():
    for _target in TYPES:
        _group.add(
            _target, lambda x, t=_target: lax.convert_element_type(x, dtype(t)), values(_name)
        )

BITCASTS = Group()
for _name, _target in [
    ("float32", "int32"),
    ("float32", "uint8"),
    ("uint8", "uint8"),
    ("float64", "uint32"),
    ("bfloat16", "uint16"),
    ("int16", "float16"),
    ("int64", "bfloat16"),
]:
    BITCASTS.add(
        f"{_name}-{_target}",
        lambda x, t=_target: lax.bitcast_convert_type(x, dtype(t)),
        sample((3, 4), _name),
    )
BITCASTS.add(
    "uint8-float32", lambda x: lax.bitcast_convert_type(x, jnp.float32), sample((3, 4), "uint8")
)
BITCASTS.add("scalar", lambda x: lax.bitcast_convert_type(x, jnp.uint8), np.float64(1.5))

PRECISIONS = Group()
for _name in FLOATS:
    for _bits in [(5, 10), (8, 7), (4, 3), (5, 2), (2, 1), (8, 23), (11, 52), (3, 0)]:
        with np.errstate(all="ignore"):
            _edges = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 65519.0, 65520.0, 1e-7, -1e-5])
            _values = np.concatenate([_edges.astype(dtype(_name)), sample((50,), _name)])
        if not _bits[1]:  # XLA makes infinities of NaN then
            _values = _values[~np.isnan(_values.astype("float64"))]
        PRECISIONS.add(
            f"{_name}-{_bits}", lambda x, bits=_bits: lax.reduce_precision(x, *bits), _values
        )


@pytest.mark.filterwarnings("ignore:Casting complex values")
@pytest.mark.parametrize("source", TYPES)
@pytest.mark.parametrize("target", TYPES)
def test_convert(source: str, target: str) -> None:
    CONVERSIONS[source].check(target, 0.0)


@pytest.mark.parametrize("name", list(BITCASTS.cases))
def test_bitcast(name: str) -> None:
    BITCASTS.check(name, 0.0)


@pytest.mark.parametrize("name", list(PRECISIONS.cases))
def test_reduce_precision(name: str) -> None:
    PRECISIONS.check(name, 0.0)


def test_without_digits_nan_stays_nan() -> None:
    text = """func.func @main(%x: tensor<f32>) -> tensor<f32> {
      %0 = stablehlo.reduce_precision %x, format = e3m0 : tensor<f32>
      return %0 : tensor<f32> }"""
    (found,) = run(text, np.float32(np.nan))
    assert np.isnan(found)


@pytest.mark.parametrize("kind", ["ui8", "i64", "f32"])
def test_bits_become_booleans_and_back(kind: str) -> None:
    of = dtypes.FROM_MLIR[kind]
    width = 8 * of.itemsize
    text = f"""func.func @main(%x: tensor<3x{kind}>) -> (tensor<3x{width}xi1>, tensor<3x{kind}>) {{
      %0 = stablehlo.bitcast_convert %x : (tensor<3x{kind}>) -> tensor<3x{width}xi1>
      %1 = stablehlo.bitcast_convert %0 : (tensor<3x{width}xi1>) -> tensor<3x{kind}>
      return %0, %1 : tensor<3x{width}xi1>, tensor<3x{kind}> }}"""
    x = np.array([1, 6, 100]).astype(of)
    bits, back = run(text, x)
    words = x.view(f"u{of.itemsize}")[:, None]
    np.testing.assert_array_equal(bits, words >> np.arange(width).astype(words.dtype) & 1)
    same(back, x)


def test_next_after_walks_through_every_bfloat16() -> None:
    bits = np.arange(0x7F80, dtype=np.uint16)
    values_ = bits.view(ml_dtypes.bfloat16)
    text = """func.func @main(%x: tensor<32640xbf16>, %y: tensor<32640xbf16>) -> tensor<32640xbf16> {
      %0 = chlo.next_after %x, %y : tensor<32640xbf16>, tensor<32640xbf16> -> tensor<32640xbf16>
      return %0 : tensor<32640xbf16> }"""
    up = np.full(values_.shape, np.inf).astype(values_.dtype)
    (after,) = run(text, values_, up)
    np.testing.assert_array_equal(after.view(np.uint16), bits + 1)
    (before,) = run(text, after, -up)
    np.testing.assert_array_equal(before.view(np.uint16), bits)
