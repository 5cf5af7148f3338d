"""Ops that move elements: linear, so a tangent moves the same way and the transpose moves back."""

from slopec import hlo
from slopec.tensor import Tensor
from slopec.transforms import linear as maps
from slopec.transforms.linear import LinearMap
from slopec.transforms.rule import Maps, Point, linear, not_differentiable

not_differentiable("stablehlo.constant", "stablehlo.iota", "stablehlo.get_dimension_size")


def sum_over(x: Tensor, dimensions: tuple[int, ...]) -> Tensor:
    """The sum over `dimensions`, which disappear."""
    if not dimensions:
        return x
    total = hlo.reduce(x, hlo.full((), 0, x.dtype), "add", dimensions)
    assert isinstance(total, Tensor)
    return total


@linear("stablehlo.broadcast_in_dim")
def _broadcast_in_dim(point: Point) -> Maps:
    """Copies along new or stretched dimensions; back, the sum over them."""
    x = point.operands[0]
    shape, dims = point.result.shape, point.ints("broadcast_dimensions")
    kept = [d for i, d in enumerate(dims) if x.shape[i] == shape[d]]
    summed = tuple(d for d in range(len(shape)) if d not in kept)

    def back(ct: Tensor) -> Tensor:
        total = sum_over(ct, summed)
        places = sorted(kept)
        order = tuple(places.index(d) for d in kept)
        return hlo.reshape(hlo.transpose(total, order), x.shape)

    return [LinearMap(lambda t: hlo.broadcast_in_dim(t, shape, dims), back)]


@linear("stablehlo.reshape")
def _reshape(point: Point) -> Maps:
    before, after = point.operands[0].shape, point.result.shape
    return [LinearMap(lambda t: hlo.reshape(t, after), lambda ct: hlo.reshape(ct, before))]


@linear("stablehlo.transpose")
def _transpose(point: Point) -> Maps:
    order = point.ints("permutation")
    back = tuple(sorted(range(len(order)), key=order.__getitem__))
    return [LinearMap(lambda t: hlo.transpose(t, order), lambda ct: hlo.transpose(ct, back))]


@linear("stablehlo.reverse")
def _reverse(point: Point) -> Maps:
    dims = point.ints("dimensions")
    return [maps.same(lambda t: hlo.reverse(t, dims))]


@linear("stablehlo.slice")
def _slice(point: Point) -> Maps:
    """Back: pad with zeros, the strides becoming interior padding."""
    x = point.operands[0]
    start, limit = point.ints("start_indices"), point.ints("limit_indices")
    strides = point.ints("strides")

    def back(ct: Tensor) -> Tensor:
        covered = [
            low + (size - 1) * step + 1 if size else low
            for low, size, step in zip(start, ct.shape, strides, strict=True)
        ]
        high = [size - end for size, end in zip(x.shape, covered, strict=True)]
        return hlo.pad(ct, hlo.full((), 0, ct.dtype), start, high, [s - 1 for s in strides])

    return [LinearMap(lambda t: hlo.slice_(t, start, limit, strides), back)]


@linear("stablehlo.pad")
def _pad(point: Point) -> Maps:
    """Back: the operand's places are cut out; the padding value gets the sum of the rest."""
    x = point.operands[0]
    low, high = point.ints("edge_padding_low"), point.ints("edge_padding_high")
    interior = point.ints("interior_padding")

    def widen(t: Tensor) -> Tensor:
        return hlo.pad(t, hlo.full((), 0, t.dtype), low, high, interior)

    def cut(ct: Tensor) -> Tensor:
        zero = hlo.full((), 0, ct.dtype)
        whole = hlo.pad(ct, zero, [-n for n in low], [-n for n in high])
        return hlo.slice_(whole, [0] * x.ndim, whole.shape, [n + 1 for n in interior])

    def fill(t: Tensor) -> Tensor:
        return hlo.pad(hlo.zeros_like(x), t, low, high, interior)

    def rest(ct: Tensor) -> Tensor:
        every = tuple(range(ct.ndim))
        return sum_over(ct, every) - sum_over(cut(ct), every)

    return [LinearMap(widen, cut), LinearMap(fill, rest)]


@linear("stablehlo.concatenate")
def _concatenate(point: Point) -> Maps:
    dim = int(point.attribute("dimension"))
    result: list[LinearMap] = []
    start = 0
    for operand in point.operands:
        result.append(_part(point, dim, start, operand))
        start += operand.shape[dim]
    return result


def _part(point: Point, dim: int, start: int, operand: Tensor) -> LinearMap:
    """Placing one operand of a concatenation among zeros, and cutting it out again."""
    shape = point.result.shape
    low = [start if d == dim else 0 for d in range(len(shape))]
    limit = [b + n for b, n in zip(low, operand.shape, strict=True)]
    high = [n - b for n, b in zip(shape, limit, strict=True)]

    def place(t: Tensor) -> Tensor:
        return hlo.pad(t, hlo.full((), 0, t.dtype), low, high)

    return LinearMap(place, lambda ct: hlo.slice_(ct, low, limit))
