"""Random bits that IREE does not make as XLA does.

A generator of floats gives the bits of integers of their width. Philox-4x32 with 10 rounds (Salmon,
Moraes, Dror and Shaw, *Parallel random numbers: as easy as 1, 2, 3*, SC 2011) is written out where
its state has three words: the key, and the lower and the upper half of the counter.
"""

from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from slopec import dtypes, hlo, ir, tracing
from slopec.passes.each import each
from slopec.passes.op import Op
from slopec.tensor import Tensor

_WEYL = (0x9E3779B9, 0xBB67AE85)
_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_LOW = 0xFFFFFFFF


@dataclass(frozen=True)
class ExpandRandom:
    """rng_bit_generator(s), float → bitcast(rng_bit_generator(s), integer); Philox in full."""

    name: ClassVar[str] = "expand-random"

    def run(self, module: ir.Module) -> None:
        """Rewrite every generator of `module` that needs it."""
        for op in each(module, "stablehlo.rng_bit_generator"):
            made = _expanded(op)
            if made is not None:
                for result, tensor in zip(op.operation.results, made, strict=True):
                    result.replace_all_uses_with(op.trace.value_of(tensor))
                op.operation.erase()


def _expanded(op: Op) -> tuple[Tensor, Tensor] | None:
    (state,) = op.operands
    shape, dtype = ir.type_of(op.operation.results[1])
    raw = dtype if dtypes.is_integer(dtype) else np.dtype(f"uint{8 * dtype.itemsize}")
    if state.shape == (3,) and "THREE_FRY" not in str(op.attribute("rng_algorithm")):
        after, bits = _philox(state, shape, raw)
    elif raw != dtype:
        facts = {"rng_algorithm": op.attribute("rng_algorithm")}
        results = [(state.shape, state.dtype), (shape, raw)]
        name = str(op.operation.name)
        _, (after, bits) = tracing.emit_many(name, [state], results, facts)
    else:
        return None
    return after, bits if raw == dtype else hlo.bitcast_convert(bits, dtype)


def _philox(state: Tensor, shape: ir.Shape, dtype: dtypes.DType) -> tuple[Tensor, Tensor]:
    """The state after, and integers."""
    key, low, high = (hlo.reshape(hlo.slice_(state, [i], [i + 1]), ()) for i in range(3))
    count = prod(shape)
    vectors = -(-count // (2 if dtype.itemsize == 8 else 4))
    lows, highs = _advanced(low, high, hlo.iota((vectors,), 0, dtypes.uint64))
    words = _rounds(_halves(_spread(key, vectors)), [*_halves(lows), *_halves(highs)])
    if dtype.itemsize == 8:
        words = [_joined(*words[:2]), _joined(*words[2:])]
    columns = [hlo.reshape(hlo.convert(w, dtype), (vectors, 1)) for w in words]
    flat = hlo.reshape(hlo.concatenate(columns, 1), (vectors * len(words),))
    bits = hlo.reshape(hlo.slice_(flat, [0], [count]), shape)
    ends = _advanced(low, high, hlo.full((), vectors, dtypes.uint64))
    after = hlo.concatenate([hlo.reshape(w, (1,)) for w in (key, *ends)], 0)
    return after, bits


def _spread(x: Tensor, size: int) -> Tensor:
    return hlo.broadcast_in_dim(x, (size,), ())


def _advanced(low: Tensor, high: Tensor, by: Tensor) -> tuple[Tensor, Tensor]:
    """A counter of two words moved on."""
    starts = [hlo.broadcast_in_dim(w, by.shape, ()) for w in (low, high)]
    ahead = starts[0] + by
    carry = hlo.convert(hlo.compare(ahead, starts[0], "LT"), dtypes.uint64)
    return ahead, starts[1] + carry


def _halves(x: Tensor) -> tuple[Tensor, Tensor]:
    """The lower and the upper 32 bits of words of 64, in words of 64."""
    return hlo.and_(x, hlo.full_like(x, _LOW)), hlo.shift_right_logical(x, hlo.full_like(x, 32))


def _joined(low: Tensor, high: Tensor) -> Tensor:
    return hlo.or_(low, hlo.shift_left(high, hlo.full_like(high, 32)))


def _rounds(key: tuple[Tensor, Tensor], x: list[Tensor]) -> list[Tensor]:
    """Encrypt quadruples of 32-bit words, each in a word of 64."""
    k0, k1 = key
    for _ in range(10):
        low0, high0 = _halves(x[0] * _MULTIPLIERS[0])
        low1, high1 = _halves(x[2] * _MULTIPLIERS[1])
        x = [
            hlo.xor(hlo.xor(high1, x[1]), k0),
            low1,
            hlo.xor(hlo.xor(high0, x[3]), k1),
            low0,
        ]
        k0, k1 = (_halves(k + weyl)[0] for k, weyl in zip((k0, k1), _WEYL, strict=True))
    return x
