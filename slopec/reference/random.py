"""Random bits from counters, bit for bit as XLA makes them, and `rng`, which owes only a law.

Threefry-2x32 with 20 rounds and Philox-4x32 with 10 (Salmon, Moraes, Dror and Shaw, *Parallel
random numbers: as easy as 1, 2, 3*, SC 2011). A state holds a key and a counter of 64-bit words.
"""

from collections.abc import Sequence
from functools import cache
from math import prod

import numpy as np

from slopec import dtypes, ir
from slopec.dtypes import DType
from slopec.reference.dynamic import ints
from slopec.reference.table import Array, Kernel, attribute, result_dtype, result_shape, rule

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA
_WEYL = (0x9E3779B9, 0xBB67AE85)
_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)


@rule("stablehlo.rng_bit_generator")
def rng_bit_generator(op: ir.Operation) -> Kernel:
    """The state after, and uniform bits; the algorithm DEFAULT is Philox."""
    generate = _three_fry if attribute(op, "rng_algorithm") == "THREE_FRY" else _philox
    shape, dtype = result_shape(op, 1), result_dtype(op, 1)
    return lambda state: generate(state.view(np.uint64), shape, dtype, state.dtype)


def _words(x: Array) -> tuple[Array, Array]:
    """The low and the high half of 64-bit words."""
    return (x & _LOW).astype(np.uint32), (x >> _32).astype(np.uint32)


def _joined(low: Array, high: Array) -> Array:
    return low.astype(np.uint64) | high.astype(np.uint64) << _32


def _as(bits: Array, dtype: DType) -> Array:
    """The low bits of each word, read as `dtype`."""
    return bits.astype(f"u{dtype.itemsize}").view(dtype)


# --- Threefry --------------------------------------------------------------------------------


def threefry_2x32(key: tuple[Array, Array], x0: Array, x1: Array) -> tuple[Array, Array]:
    """Encrypt pairs of 32-bit words."""
    keys = (*key, key[0] ^ key[1] ^ np.uint32(_PARITY))
    x0, x1 = x0 + keys[0], x1 + keys[1]
    for group in range(5):
        for distance in _ROTATIONS[group % 2]:
            x0 = x0 + x1
            rotated = x1 << np.uint32(distance) | x1 >> np.uint32(32 - distance)
            x1 = rotated ^ x0
        x0 = x0 + keys[(group + 1) % 3]
        x1 = x1 + keys[(group + 2) % 3] + np.uint32(group + 1)
    return x0, x1


def _three_fry(state: Array, shape: ir.Shape, dtype: DType, kind: DType) -> list[Array]:
    key, start = state[0:1], state[1]
    if dtype.itemsize == 8:
        counters = start + np.arange(prod(shape), dtype=np.uint64)
        bits = _joined(*threefry_2x32(_words(key), *_words(counters))).reshape(shape)
    else:
        halves = _split(shape)
        counters = (start + np.arange(prod(halves), dtype=np.uint64)).reshape(halves)
        bits = _woven(threefry_2x32(_words(key), *_words(counters)), shape)
    after = np.array([state[0], start + np.uint64(counters.size)], np.uint64)
    return [after.view(kind), _as(bits, dtype)]


def _split_axis(shape: Sequence[int]) -> int:
    """The first even dimension, or else the first of the largest."""
    even = [d for d, size in enumerate(shape) if size % 2 == 0]
    return even[0] if even else list(shape).index(max(shape))


def _split(shape: ir.Shape) -> ir.Shape:
    """The shape of half the elements, rounded up: a pair of words serves two of them."""
    if not shape:
        return (1,)
    axis = _split_axis(shape)
    return tuple((n + 1) // 2 if d == axis else n for d, n in enumerate(shape))


def _woven(pair: tuple[Array, Array], shape: ir.Shape) -> Array:
    """Alternate two arrays along the dimension that was split."""
    if not shape:
        return pair[0].reshape(())
    axis = _split_axis(shape)
    both = np.stack(pair, axis + 1)
    rounded = [2 * n if d == axis else n for d, n in enumerate(pair[0].shape)]
    return both.reshape(rounded)[(slice(None),) * axis + (slice(shape[axis]),)]


# --- Philox ----------------------------------------------------------------------------------


def philox_4x32(key: tuple[Array, Array], x: Sequence[Array]) -> Sequence[Array]:
    """Encrypt quadruples of 32-bit words."""
    k0, k1 = key
    for _ in range(10):
        low0, high0 = _words(x[0].astype(np.uint64) * np.uint64(_MULTIPLIERS[0]))
        low1, high1 = _words(x[2].astype(np.uint64) * np.uint64(_MULTIPLIERS[1]))
        x = (high1 ^ x[1] ^ k0, low1, high0 ^ x[3] ^ k1, low0)
        k0, k1 = k0 + np.uint32(_WEYL[0]), k1 + np.uint32(_WEYL[1])
    return x


def _philox(state: Array, shape: ir.Shape, dtype: DType, kind: DType) -> list[Array]:
    low, high = (state[1], state[2]) if state.size > 2 else (state[1], state[0])
    count = prod(shape)
    vectors = -(-count // (2 if dtype.itemsize == 8 else 4))

    def advanced(by: Array) -> tuple[Array, Array]:
        ahead = low + by
        return ahead, high + (ahead < low).astype(np.uint64)

    lows, highs = advanced(np.arange(vectors, dtype=np.uint64))
    words = philox_4x32(_words(state[0:1]), (*_words(lows), *_words(highs)))
    if dtype.itemsize == 8:
        columns = [_joined(words[0], words[1]), _joined(words[2], words[3])]
    else:
        columns = list(words)
    bits = np.stack(columns, -1).reshape(-1)[:count].reshape(shape)
    after = np.array([state[0], *advanced(np.asarray(np.uint64(vectors)))], np.uint64)[: state.size]
    return [after.view(kind), _as(bits, dtype)]


# --- rng -------------------------------------------------------------------------------------


@cache
def _generator() -> "np.random.Generator":
    # NumPy loads its random module when it is first asked for.
    return np.random.default_rng(0)


@rule("stablehlo.rng")
def rng(op: ir.Operation) -> Kernel:
    """Numbers of the given law: uniform in [a, b), or normal of mean a and deviation b.

    The specification leaves the numbers themselves open. These come from one generator per process
    that starts with a fixed seed.
    """
    normal, dtype = attribute(op, "rng_distribution") == "NORMAL", result_dtype(op)

    def kernel(a: Array, b: Array, shape: Array) -> Array:
        size = ints(shape)
        if normal:
            return _generator().normal(float(a), float(b), size).astype(dtype)
        if dtypes.is_floating(dtype):
            low, high = float(a), float(b)
            drawn = _generator().uniform(low, high, size).astype(dtype)
            return np.where(drawn < b, drawn, a)
        return _generator().integers(int(a), int(b), size, np.int64).astype(dtype)

    return kernel
