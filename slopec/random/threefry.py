"""Random bits as a function: a hash of a key and a counter, the same on every target.

The hash is Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror and Shaw, *Parallel random numbers:
as easy as 1, 2, 3*, SC 2011). How keys are made, split and counted through follows JAX, so equal
seeds give equal bits. Known keys are hashed at once by NumPy; keys of a trace become ops.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from slopec import dtypes, hlo, tracing
from slopec.diagnostics import DTypeError, ShapeError
from slopec.dtypes import DType
from slopec.ops.common import as_tensor, bad_argument
from slopec.ops.creation import shape_of
from slopec.ops.data_types import wanted_dtype
from slopec.tensor import Tensor

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA
_CHUNK = 1 << 14
"""How many counters NumPy hashes at a time: few enough to stay in a cache."""


def _hash(k0: Any, k1: Any, x0: Any, x1: Any) -> tuple[Any, Any]:
    """Threefry-2x32 of a key and counters, uint32 vectors that broadcast (NumPy's or tensors)."""
    keys = (k0, k1, k0 ^ k1 ^ _PARITY)
    x0, x1 = x0 + keys[0], x1 + keys[1]
    for group in range(5):
        for rotation in _ROTATIONS[group % 2]:
            x0 = x0 + x1
            x1 = x0 ^ ((x1 << rotation) | (x1 >> (32 - rotation)))
        x0 = x0 + keys[(group + 1) % 3]
        x1 = x1 + (keys[(group + 2) % 3] + (group + 1))
    return x0, x1


def _hash_known(key: np.ndarray, low: np.ndarray) -> np.ndarray:
    """The hashes of the counters (0, low), shape (2, n)."""
    out = np.empty((2, low.size), np.uint32)
    zero = np.zeros(1, np.uint32)
    for start in range(0, low.size, _CHUNK):
        part = slice(start, start + _CHUNK)
        out[0, part], out[1, part] = _hash(key[:1], key[1:], zero, low[part])
    return out


def words(key: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The two words that a key hashes each of the counters 0 … count - 1 to, uint32 vectors."""
    if not tracing.is_tracing():
        first, second = _hash_known(key.numpy(), np.arange(count, dtype=np.uint32))
        return Tensor(first), Tensor(second)
    return _words_of(key, hlo.iota((count,), 0, dtypes.uint32))


def _words_of(key: Tensor, low: Tensor) -> tuple[Tensor, Tensor]:
    k0, k1 = hlo.slice_(key, [0], [1]), hlo.slice_(key, [1], [2])
    zero = hlo.full((1,), 0, dtypes.uint32)
    first, second = _hash(k0, k1, zero, low)
    return first, second


def checked(name: str, key: Any) -> Tensor:
    """`key` as a tensor; raises DTypeError unless it is two uint32 words."""
    if isinstance(key, Tensor | np.ndarray) and (key.shape, key.dtype) == ((2,), dtypes.uint32):
        return as_tensor(name, key)
    found = f"{key.dtype}{list(key.shape)}" if hasattr(key, "dtype") else type(key).__name__
    raise DTypeError(
        "S0106",
        f"random.{name}: expected a key, uint32[2], got {found}",
        span=tracing.here(),
        hint="make one with `sp.random.key(seed)`, or several with `sp.random.split(key, n)`",
    )


def key(seed: Any) -> Tensor:
    """The key of an integer `seed`: uint32 of shape (2,), the seed's high and low 32 bits.

    A Python int counts as 64 bits wide; `seed` may be a traced integer without dimensions.

    Raises DTypeError for a seed that is no integer.

    >>> import slopec as sp
    >>> print(sp.random.key(42))
    tensor([ 0 42], uint32[2], cpu)
    """
    if isinstance(seed, int | np.integer) and not isinstance(seed, bool):
        number = int(seed) % 2**64
        return Tensor(np.array([number >> 32, number & 0xFFFFFFFF], np.uint32))
    x = as_tensor("random.key", seed)
    if not dtypes.is_integer(x.dtype) or x.shape:
        raise DTypeError(
            "S0106",
            f"random.key: a seed is an integer, got {x.dtype}{list(x.shape)}",
            span=tracing.here(),
        )
    x = hlo.reshape(x, (1,))
    low = hlo.convert(x, dtypes.uint32)
    high = hlo.zeros_like(low)
    if x.dtype.itemsize == 8:
        shifted = hlo.shift_right_logical(x, hlo.full_like(x, 32))
        high = hlo.convert(shifted, dtypes.uint32)
    return hlo.concatenate([high, low], 0)


def split(key: Any, num: int | Sequence[int] = 2) -> Tensor:
    """New keys, independent of one another: shape (num, 2), or (*num, 2).

    Use a key once: for a number, or for `split` or `fold_in`, whose results replace it.

    >>> import slopec as sp
    >>> first, second = sp.random.split(sp.random.key(0))
    >>> first.shape
    (2,)
    """
    known = checked("split", key)
    shape = shape_of("random.split", num)
    pair = [hlo.reshape(w, (*shape, 1)) for w in words(known, math.prod(shape))]
    return hlo.concatenate(pair, len(shape))


def fold_in(key: Any, data: Any) -> Tensor:
    """The key that belongs to `key` and an integer, such as a step or the number of a layer.

    >>> import slopec as sp
    >>> sp.random.fold_in(sp.random.key(0), 7).shape
    (2,)
    """
    known = checked("fold_in", key)
    if isinstance(data, int | np.integer):
        low = np.array([int(data) % 2**32], np.uint32)
        if not tracing.is_tracing():
            return Tensor(_hash_known(known.numpy(), low)[:, 0])
        counter = hlo.constant(low)
    else:
        x = as_tensor("random.fold_in", data)
        if not dtypes.is_integer(x.dtype) or x.shape:
            raise bad_argument(f"random.fold_in: expected an integer, got {x.dtype}{list(x.shape)}")
        counter = hlo.reshape(hlo.convert(x, dtypes.uint32), (1,))
    return hlo.concatenate(_words_of(known, counter), 0)


def bits(key: Any, shape: int | Sequence[int] = (), dtype: Any = dtypes.uint32) -> Tensor:
    """Random bits as unsigned integers of `dtype`, each value equally likely.

    Raises DTypeError for a dtype that is no unsigned integer.

    >>> import slopec as sp
    >>> print(sp.random.bits(sp.random.key(0), (2,)))
    tensor([4070199207 4202968722], uint32[2], cpu)
    """
    known, wanted = checked("bits", key), wanted_dtype(dtype)
    sizes = shape_of("random.bits", shape)
    if not dtypes.is_unsigned(wanted):
        raise DTypeError(
            "S0102", f"random.bits: {wanted} is no unsigned integer", span=tracing.here()
        )
    count = math.prod(sizes)
    if count >= 2**32:
        raise ShapeError(
            "S0101", f"random.bits: {count} elements; a key has 2³² of them", span=tracing.here()
        )
    return hlo.reshape(_mixed(*words(known, count), wanted), sizes)


def _mixed(first: Tensor, second: Tensor, wanted: DType) -> Tensor:
    """Bits of an unsigned type from the two words of each hash."""
    if wanted != dtypes.uint64:
        return hlo.convert(hlo.xor(first, second), wanted)
    high, low = hlo.convert(first, wanted), hlo.convert(second, wanted)
    return hlo.or_(hlo.shift_left(high, hlo.full_like(high, 32)), low)


@dataclass(frozen=True)
class Keys:
    """Many keys, their first and second words in two uint32 vectors: one for each sample."""

    first: Tensor
    second: Tensor

    def split(self, num: int) -> list["Keys"]:
        """`split` of each key."""
        return [Keys(*self._hashed(counter)) for counter in range(num)]

    def bits(self, wanted: DType) -> Tensor:
        """`bits` of shape () from each key."""
        return _mixed(*self._hashed(0), wanted)

    def _hashed(self, counter: int) -> tuple[Tensor, Tensor]:
        low = hlo.full_like(self.first, counter)
        first, second = _hash(self.first, self.second, hlo.zeros_like(low), low)
        return first, second
