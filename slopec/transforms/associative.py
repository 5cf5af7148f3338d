"""Scans that need no order: what an associative function makes of every beginning of a sequence."""

from collections.abc import Callable, Sequence
from typing import Any

from slopec import hlo, tracing, tree
from slopec.diagnostics import ShapeError, TraceError
from slopec.ops.common import axis_of
from slopec.tensor import Tensor
from slopec.transforms.function import as_tensor, check_callable

Combine = Callable[[list[Tensor], list[Tensor]], list[Tensor]]


def associative_scan(
    function: Callable[[Any, Any], Any], xs: Any, reverse: bool = False, axis: int = 0
) -> Any:
    """What `function(function(x₀, x₁), x₂) …` has come to at each x along `axis`, in log₂ n steps.

    `xs` is a pytree of tensors with one size along `axis`. `function` takes two such pytrees, whose
    sizes along `axis` are smaller, and combines them element by element; it is to be associative.
    Neighbours are combined, the half as long sequence of results scanned, and the places between
    filled in: the parallel prefix sums of G. E. Blelloch, *Prefix sums and their applications*
    (1990). `reverse` goes from the last x, which is then the function's first argument, to the
    first. Returns a pytree like `xs`.

    Raises ShapeError for sequences of different lengths, TraceError for a function whose result is
    not like its arguments.

    >>> import slopec as sp
    >>> print(sp.associative_scan(sp.maximum, sp.tensor([1.0, 3.0, 2.0, 5.0])))
    tensor([1. 3. 3. 5.], float32[4], cpu)
    """
    check_callable("associative_scan", function, runs=True)
    leaves, treedef = tree.flatten(xs)
    tensors = [as_tensor(leaf) for leaf in leaves]
    axes = [axis_of("associative_scan", axis, x.ndim) for x in tensors]
    sizes = {x.shape[a] for x, a in zip(tensors, axes, strict=True)}
    if len(sizes) != 1:
        raise ShapeError(
            "S0134",
            f"associative_scan: sequences of different lengths: {sorted(sizes)}"
            if sizes
            else "associative_scan: no sequence",
            span=tracing.here(),
        )

    def combine(first: list[Tensor], second: list[Tensor]) -> list[Tensor]:
        found, results = tree.flatten(function(*map(treedef.unflatten, (first, second))))
        made = [as_tensor(leaf) for leaf in found]
        like = [(x.shape, x.dtype) for x in made] == [(x.shape, x.dtype) for x in first]
        if results != treedef or not like:
            raise TraceError(
                "S0133",
                "associative_scan: the function's result is not like its arguments",
                span=tracing.here(),
                notes=(f"of {_spelled(first)} it made {_spelled(made)}",),
            )
        return made

    def flipped(parts: Sequence[Tensor]) -> list[Tensor]:
        if not reverse:
            return list(parts)
        return [hlo.reverse(x, [a]) for x, a in zip(parts, axes, strict=True)]

    return treedef.unflatten(flipped(_scanned(combine, flipped(tensors), axes)))


def _scanned(combine: Combine, xs: list[Tensor], axes: Sequence[int]) -> list[Tensor]:
    count = xs[0].shape[axes[0]]
    if count < 2:
        return xs

    def take(tensors: Sequence[Tensor], start: int, stop: int, step: int = 1) -> list[Tensor]:
        return [_slice(x, a, start, stop, step) for x, a in zip(tensors, axes, strict=True)]

    even, odd = take(xs, 0, count, 2), take(xs, 1, count, 2)
    half = count // 2
    at_odd = _scanned(combine, combine(take(even, 0, half), odd), axes)
    rest = (count - 1) // 2  # even places behind the first
    at_even = take(xs, 0, 1)
    if rest:
        behind = combine(take(at_odd, 0, rest), take(even, 1, rest + 1))
        at_even = [
            hlo.concatenate([first, x], a)
            for first, x, a in zip(at_even, behind, axes, strict=True)
        ]
    return [_interleaved(*parts) for parts in zip(at_even, at_odd, axes, strict=True)]


def _slice(x: Tensor, axis: int, start: int, stop: int, step: int) -> Tensor:
    starts, stops, strides = [0] * x.ndim, list(x.shape), [1] * x.ndim
    starts[axis], stops[axis], strides[axis] = start, stop, step
    return hlo.slice_(x, starts, stops, strides)


def _interleaved(even: Tensor, odd: Tensor, axis: int) -> Tensor:
    """even₀, odd₀, even₁, odd₁ … along `axis`; there is an even place more, or as many."""
    count = even.shape[axis] + odd.shape[axis]
    shape = (*even.shape[: axis + 1], 1, *even.shape[axis + 1 :])
    if odd.shape[axis] < even.shape[axis]:
        odd = hlo.concatenate([odd, _slice(even, axis, 0, 1, 1)], axis)
    pairs = hlo.concatenate([hlo.reshape(even, shape), hlo.reshape(odd, shape)], axis + 1)
    joined = list(even.shape)
    joined[axis] = 2 * even.shape[axis]
    return _slice(hlo.reshape(pairs, joined), axis, 0, count, 1)


def _spelled(tensors: Sequence[Tensor]) -> str:
    return ", ".join(f"{x.dtype}{list(x.shape)}" for x in tensors) or "nothing"
