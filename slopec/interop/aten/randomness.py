"""ATen's random numbers, drawn from the current stream of keys: other numbers than PyTorch's."""

from collections.abc import Callable, Sequence
from typing import Any

from slopec import dtypes, ops, random
from slopec.tensor import Tensor


def dropout(x: Tensor, p: float, train: bool | None) -> tuple[Tensor, Tensor]:
    """`x` with elements dropped and the rest scaled up, and which were kept."""
    if not train or p == 0:
        return x, ops.ones(x.shape, dtype=dtypes.bool_)
    kept = random.bernoulli(random.next_key(), 1 - p, x.shape)
    return ops.where(kept, x / (1 - p) if p < 1 else 0, 0), kept


def rand(size: Sequence[int], *, dtype: Any = dtypes.float32) -> Tensor:
    """Uniform numbers in [0, 1)."""
    return random.uniform(random.next_key(), size, dtype)


def randn(size: Sequence[int], *, dtype: Any = dtypes.float32) -> Tensor:
    """Normal numbers."""
    return random.normal(random.next_key(), size, dtype)


def randint(low: int, high: int, size: Sequence[int], *, dtype: Any = dtypes.int64) -> Tensor:
    """Integers from `low` to before `high`."""
    return ops.astype(random.randint(random.next_key(), size, low, high), dtype)


def bernoulli(x: Tensor, p: float | None = None) -> Tensor:
    """1 with a probability, `p` or each element of `x`, else 0."""
    drawn = random.bernoulli(random.next_key(), x if p is None else p, x.shape)
    return ops.astype(drawn, x.dtype)


def uniform(x: Tensor, low: float = 0.0, high: float = 1.0) -> Tensor:
    """Uniform numbers in the shape of a tensor."""
    return rand(x.shape, dtype=x.dtype) * (high - low) + low


def normal(x: Tensor, mean: float = 0.0, std: float = 1.0) -> Tensor:
    """Normal numbers in the shape of a tensor."""
    return randn(x.shape, dtype=x.dtype) * std + mean


def randperm(n: int, *, dtype: Any = dtypes.int64) -> Tensor:
    """The numbers below `n` in random order."""
    return ops.astype(random.permutation(random.next_key(), n), dtype)


TABLE: dict[str, Callable[..., Any]] = {
    "native_dropout": dropout,
    "dropout": lambda x, p, train: dropout(x, p, train)[0],
    "rand": rand,
    "rand_like": lambda x, *, dtype=None: rand(x.shape, dtype=dtype or x.dtype),
    "randn": randn,
    "randn_like": lambda x, *, dtype=None: randn(x.shape, dtype=dtype or x.dtype),
    "randint.default": lambda high, size, *, dtype: randint(0, high, size, dtype=dtype),
    "randint.low": randint,
    "bernoulli": bernoulli,
    "uniform": uniform,
    "normal_functional": normal,
    "randperm": randperm,
}
