"""Arguments for the sweep: ordinary numbers of every type and those at which functions are special."""

import ml_dtypes
import numpy as np

from slopec import dtypes

FLOATS = ("bfloat16", "float16", "float32", "float64")
SMALL_FLOATS = ("float8_e4m3fn", "float8_e5m2")
SIGNED = ("int8", "int16", "int32", "int64")
UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
INTEGERS = (*SIGNED, *UNSIGNED)
COMPLEX = ("complex64", "complex128")
ALL = ("bool", *INTEGERS, *SMALL_FLOATS, *FLOATS, *COMPLEX)


def dtype(name: str) -> np.dtype:
    """The NumPy type of a name."""
    return dtypes.as_dtype(name)


def spelled(name: str) -> str:
    """The MLIR type of a name."""
    return dtypes.MLIR_NAMES[dtype(name)]


def is_float(kind: np.dtype) -> bool:
    """Whether a type is a real floating one."""
    return dtypes.is_floating(kind)


def wide(x: np.ndarray) -> np.ndarray:
    """Floats in the type that references are computed in; integers as they are."""
    if x.dtype.kind == "c":
        return x.astype(np.clongdouble if x.dtype == np.complex128 else np.complex128)
    if not is_float(x.dtype):
        return x
    return x.astype(np.longdouble if x.dtype == np.float64 else np.float64)


def flush_subnormals(x: np.ndarray, kind: np.dtype | None = None) -> np.ndarray:
    """Zeros, of the same sign, in place of what is subnormal in `kind`, by default their type."""
    kind = kind or x.dtype
    if kind.kind == "c":
        made = np.array(x)
        part = dtypes.real_of(kind)
        made.real, made.imag = flush_subnormals(x.real, part), flush_subnormals(x.imag, part)
        return made
    if not is_float(kind) or kind.name not in ("bfloat16", "float32", "float64"):
        return x  # float16 and narrower are computed in float32, which holds their subnormals
    least = x.dtype.type(float(ml_dtypes.finfo(kind).smallest_normal))
    return np.where(np.abs(x) < least, np.copysign(x.dtype.type(0), x), x)


def edges(name: str) -> np.ndarray:
    """The numbers of a type at which something may happen: zeros, ends, powers of two, NaN."""
    kind = dtype(name)
    if name == "bool":
        return np.array([False, True])
    if kind.kind in "iu":
        ends = np.iinfo(kind)
        powers = [2**k + d for k in range(0, 8 * kind.itemsize, 3) for d in (-1, 0, 1)]
        found = {ends.min, ends.max, ends.min + 1, ends.max - 1, *powers, *(-n for n in powers)}
        return np.array(sorted(n for n in found if ends.min <= n <= ends.max), kind)
    if kind.kind == "c":
        part = np.array([0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 1e-3, 30.0, np.inf, -np.inf, np.nan])
        real, imag = (v.ravel() for v in np.meshgrid(part, part))
        made = np.empty(real.size, kind)
        made.real, made.imag = real, imag
        return made
    facts = ml_dtypes.finfo(kind)
    tiny, huge, eps = float(facts.smallest_normal), float(facts.max), float(facts.eps)
    sizes = [
        0.0,
        tiny,
        1.5 * tiny,
        eps,
        eps / 2,
        0.25,
        0.5,
        1 - eps / 2,
        1.0,
        1 + eps,
        1.5,
        2.0,
        2.5,
        3.0,
    ]
    sizes += [
        7.5,
        10.0,
        16.0,
        88.0,
        100.0,
        huge / 2,
        huge,
        np.pi,
        np.pi / 2,
        np.e,
        0.1,
        1e-3,
        np.inf,
    ]
    with np.errstate(all="ignore"):
        return np.array([*sizes, *(-v for v in sizes), np.nan]).astype(kind)


def spread(name: str, low: float, high: float, count: int = 64, seed: int = 0) -> np.ndarray:
    """Numbers from `low` to `high`, evenly spread, none of them special."""
    steps = np.random.default_rng(seed).uniform(0, 1, count)
    points = low + (np.arange(count) + steps) / count * (high - low)
    return points.astype(dtype(name))


def magnitudes(name: str, count: int = 64, seed: int = 0, largest: float = np.inf) -> np.ndarray:
    """Positive numbers of every normal size of a type, up to `largest`."""
    facts = ml_dtypes.finfo(dtype(name))
    low = np.log2(np.longdouble(float(facts.smallest_normal)))
    high = np.log2(np.minimum(np.longdouble(float(facts.max)), largest)) - 1e-3
    steps = np.random.default_rng(seed).uniform(0, 1, count)
    return np.exp2(low + (np.arange(count) + steps) / count * (high - low)).astype(dtype(name))


def subnormals(name: str) -> np.ndarray:
    """Numbers below the normal range, of both signs."""
    least = float(ml_dtypes.finfo(dtype(name)).smallest_normal)
    parts = np.array([0.5, 0.25, 0.75, 2.0**-6])
    return np.concatenate([least * parts, -least * parts]).astype(dtype(name))


def every(name: str) -> np.ndarray:
    """All numbers of a type of one byte."""
    return np.arange(256, dtype=np.uint8).view(dtype(name))
