"""What the members of a mapped function tell one another, over the name of the axis.

Each is a StableHLO collective among as many processes as the axis has members (see `axes.py`), and
so is what becomes of it in a derivative: as in JAX, a cotangent inside the mapped function is the
derivative of the sum of all members' losses.
"""

import math
from collections.abc import Callable, Sequence
from operator import index
from typing import Any

import numpy as np

from slopec import dtypes, hlo, ir, tracing, tree
from slopec.diagnostics import TransformError
from slopec.hlo.region import binary_region
from slopec.tensor import Tensor
from slopec.transforms.axes import NAME, size_of
from slopec.transforms.function import as_tensor

AxisName = str | list[str] | tuple[str, ...]


def psum(x: Any, axis_name: AxisName) -> Any:
    """The sum of `x`, a pytree, over the members of the axis; over several if given several names.

    Booleans are summed as int32. Raises TransformError (S0217) for a name that no `vmap` or `pmap`
    around the call has, as all functions here do.

    >>> import slopec as sp
    >>> share = sp.vmap(lambda x: x / sp.psum(x, "i"), axis_name="i")
    >>> print(share(sp.tensor([1.0, 3.0])))
    tensor([0.25 0.75], float32[2], cpu)
    """

    def countable(x: Tensor) -> Tensor:
        return hlo.convert(x, dtypes.int32) if x.dtype == dtypes.bool_ else x

    return _reduced("psum", "add", _on_leaves(countable, x), axis_name)


def pmean(x: Any, axis_name: AxisName) -> Any:
    """The mean of `x`, a pytree, over the members of the axis.

    >>> import slopec as sp
    >>> centred = sp.vmap(lambda x: x - sp.pmean(x, "i"), axis_name="i")
    >>> print(centred(sp.tensor([1.0, 3.0])))
    tensor([-1.  1.], float32[2], cpu)
    """
    size = _whole_size("pmean", axis_name)
    return tree.map(lambda leaf: leaf / size, psum(x, axis_name))


def pmax(x: Any, axis_name: AxisName) -> Any:
    """The largest `x`, a pytree of real numbers, of the members of the axis, element by element.

    >>> import slopec as sp
    >>> print(sp.vmap(lambda x: sp.pmax(x, "i"), axis_name="i")(sp.tensor([1.0, 3.0])))
    tensor([3. 3.], float32[2], cpu)
    """
    return _reduced("pmax", "maximum", x, axis_name)


def pmin(x: Any, axis_name: AxisName) -> Any:
    """The smallest `x`, a pytree of real numbers, of the members of the axis, element by element.

    >>> import slopec as sp
    >>> print(sp.vmap(lambda x: sp.pmin(x, "i"), axis_name="i")(sp.tensor([1.0, 3.0])))
    tensor([1. 1.], float32[2], cpu)
    """
    return _reduced("pmin", "minimum", x, axis_name)


def axis_size(axis_name: AxisName) -> int:
    """How many members the axis has; of several axes the product.

    >>> import slopec as sp
    >>> print(sp.vmap(lambda x: x * sp.axis_size("i"), axis_name="i")(sp.tensor([1.0, 3.0])))
    tensor([2. 6.], float32[2], cpu)
    """
    return _whole_size("axis_size", axis_name)


def axis_index(axis_name: AxisName) -> Tensor:
    """The member's own place along the axis, int32; of several axes, the first varies slowest.

    >>> import slopec as sp
    >>> print(sp.vmap(lambda x: x + sp.axis_index("i"), axis_name="i")(sp.tensor([5, 5])))
    tensor([5 6], int32[2], cpu)
    """
    place = hlo.full((), 0, dtypes.int32)
    for name in _names("axis_index", axis_name):
        size = size_of("axis_index", name)
        own = tracing.emit("stablehlo.replica_id", [], (), dtypes.uint32, {NAME: ir.string(name)})
        step = hlo.full((), size, dtypes.int32)
        place = hlo.add(hlo.multiply(place, step), hlo.convert(own, dtypes.int32))
    return place


def all_gather(x: Any, axis_name: AxisName, *, axis: int = 0, tiled: bool = False) -> Any:
    """`x`, a pytree, of all members: stacked along a new `axis`, or joined along it if `tiled`.

    >>> import slopec as sp
    >>> print(sp.vmap(lambda x: sp.all_gather(x, "i"), axis_name="i")(sp.tensor([1.0, 3.0])))
    tensor([[1. 3.]
            [1. 3.]], float32[2, 2], cpu)
    """

    def gathered(x: Tensor) -> Tensor:
        dim = _dimension("all_gather", axis, x.ndim + (not tiled))
        if not tiled:
            x = hlo.reshape(x, (*x.shape[:dim], 1, *x.shape[dim:]))
        for name in reversed(_names("all_gather", axis_name)):
            size = size_of("all_gather", name)
            shape = (*x.shape[:dim], x.shape[dim] * size, *x.shape[dim + 1 :])
            facts = {"all_gather_dim": ir.i64(dim), **_over("all_gather", name)}
            x = tracing.emit("stablehlo.all_gather", [x], shape, x.dtype, facts)
        return x

    return _on_leaves(gathered, x)


def psum_scatter(x: Any, axis_name: str, *, scatter_dimension: int = 0, tiled: bool = False) -> Any:
    """The member's own part of the sum of `x`, a pytree, over the axis.

    The parts lie along `scatter_dimension`, whose size is that of the axis, and which is gone
    unless `tiled`; then it may be a multiple. Raises TransformError (S0218) for another size.

    >>> import slopec as sp
    >>> parts = sp.vmap(lambda x: sp.psum_scatter(x, "i"), axis_name="i")
    >>> print(parts(sp.tensor([[1.0, 2.0], [10.0, 20.0]])))
    tensor([11. 22.], float32[2], cpu)
    """
    size = size_of("psum_scatter", axis_name)

    def scattered(x: Tensor) -> Tensor:
        dim = _dimension("psum_scatter", scatter_dimension, x.ndim)
        _check_parts("psum_scatter", x, dim, size, tiled)
        shape = (*x.shape[:dim], x.shape[dim] // size, *x.shape[dim + 1 :])
        facts = {"scatter_dimension": ir.i64(dim), **_over("psum_scatter", axis_name)}
        name = "stablehlo.reduce_scatter"
        op, (part,) = tracing.emit_many(name, [x], [(shape, x.dtype)], facts, regions=1)
        binary_region(op.regions[0], "add", x.dtype)
        return part if tiled else hlo.reshape(part, (*shape[:dim], *shape[dim + 1 :]))

    return _on_leaves(scattered, x)


def all_to_all(
    x: Any, axis_name: str, split_axis: int, concat_axis: int, *, tiled: bool = False
) -> Any:
    """Each member's parts of `x`, a pytree, along `split_axis`, one sent to every member.

    What a member gets is stacked along a new `concat_axis` of the result, and `split_axis`, of the
    size of the axis, is gone; if `tiled`, it is joined along `concat_axis`, and `split_axis` may
    be a multiple. Raises TransformError (S0218) for another size.

    >>> import slopec as sp
    >>> turned = sp.vmap(lambda x: sp.all_to_all(x, "i", 0, 0), axis_name="i")
    >>> print(turned(sp.tensor([[1, 2], [3, 4]])))
    tensor([[1 3]
            [2 4]], int32[2, 2], cpu)
    """
    size = size_of("all_to_all", axis_name)

    def exchanged(x: Tensor) -> Tensor:
        split = _dimension("all_to_all", split_axis, x.ndim)
        joined = _dimension("all_to_all", concat_axis, x.ndim)
        _check_parts("all_to_all", x, split, size, tiled)
        if tiled:
            return _exchange(x, axis_name, split, joined)
        rest = [d for d in range(x.ndim) if d != split]
        x = hlo.transpose(x, [split, *rest])
        apart = hlo.reshape(x, (*x.shape[: joined + 1], 1, *x.shape[joined + 1 :]))
        found = _exchange(apart, axis_name, 0, joined + 1)
        return hlo.reshape(found, found.shape[1:])

    return _on_leaves(exchanged, x)


def ppermute(x: Any, axis_name: str, perm: Sequence[tuple[int, int]]) -> Any:
    """What another member has as `x`, a pytree: `perm` holds pairs (source, target).

    A member that is no target gets zeros. Raises TransformError (S0218) for a pair outside the
    axis, and for a source or target that is in two pairs.

    >>> import slopec as sp
    >>> shifted = sp.vmap(lambda x: sp.ppermute(x, "i", [(0, 1), (1, 2)]), axis_name="i")
    >>> print(shifted(sp.tensor([1.0, 2.0, 3.0])))
    tensor([0. 1. 2.], float32[3], cpu)
    """
    size = size_of("ppermute", axis_name)
    pairs = _pairs(perm, size)
    if pairs is None:
        raise TransformError(
            "S0218",
            f"ppermute: {perm} is no exchange among the {size} members of {axis_name!r}",
            span=tracing.here(),
            hint="each pair is (source, target); no source and no target comes twice",
        )
    facts = {"source_target_pairs": ir.matrix_i64(pairs), NAME: ir.string(axis_name)}

    def sent(x: Tensor) -> Tensor:
        return tracing.emit("stablehlo.collective_permute", [x], x.shape, x.dtype, facts)

    return _on_leaves(sent, x)


def _pairs(perm: Any, size: int) -> list[tuple[int, int]] | None:
    """The pairs of an exchange, None unless it is one."""
    try:
        pairs = [(index(source), index(target)) for source, target in perm]
    except (TypeError, ValueError):
        return None
    fits = all(0 <= place < size for pair in pairs for place in pair)
    once = all(len(set(column)) == len(pairs) for column in zip(*pairs, strict=True))
    return pairs if fits and once else None


def _names(verb: str, axis_name: AxisName) -> tuple[str, ...]:
    names = tuple(axis_name) if isinstance(axis_name, list | tuple) else (axis_name,)
    if any(names.count(name) > 1 for name in names):
        raise TransformError("S0218", f"{verb}: {names} names an axis twice", span=tracing.here())
    return names


def _whole_size(verb: str, axis_name: AxisName) -> int:
    return math.prod(size_of(verb, name) for name in _names(verb, axis_name))


def _over(verb: str, name: str) -> ir.Attributes:
    """The attributes of a collective among all members of an axis."""
    everyone = np.arange(size_of(verb, name), dtype=np.int64)[None]
    return {"replica_groups": ir.dense(everyone), NAME: ir.string(name)}


def _on_leaves(function: Callable[[Tensor], Tensor], x: Any) -> Any:
    return tree.map(lambda leaf: function(as_tensor(leaf)), x)


def _reduced(verb: str, kind: str, x: Any, axis_name: AxisName) -> Any:
    def reduced(x: Tensor) -> Tensor:
        for name in _names(verb, axis_name):
            types = [(x.shape, x.dtype)]
            facts = _over(verb, name)
            op, (x,) = tracing.emit_many("stablehlo.all_reduce", [x], types, facts, regions=1)
            binary_region(op.regions[0], kind, x.dtype)
        return x

    return _on_leaves(reduced, x)


def _exchange(x: Tensor, axis_name: str, split: int, joined: int) -> Tensor:
    size = size_of("all_to_all", axis_name)
    shape = list(x.shape)
    shape[split] //= size
    shape[joined] *= size
    facts = {
        "split_dimension": ir.i64(split),
        "concat_dimension": ir.i64(joined),
        "split_count": ir.i64(size),
        **_over("all_to_all", axis_name),
    }
    return tracing.emit("stablehlo.all_to_all", [x], tuple(shape), x.dtype, facts)


def _dimension(verb: str, axis: int, ndim: int) -> int:
    if not -ndim <= axis < ndim:
        raise TransformError(
            "S0218", f"{verb}: axis {axis} of {ndim} dimensions", span=tracing.here()
        )
    return axis % ndim


def _check_parts(verb: str, x: Tensor, dim: int, size: int, tiled: bool) -> None:
    """Refuse a dimension that does not make a part for every member."""
    if x.shape[dim] % size if tiled else x.shape[dim] != size:
        raise TransformError(
            "S0218",
            f"{verb}: dimension {dim} of shape {x.shape} makes no parts for {size} members",
            span=tracing.here(),
            hint="with `tiled=True` a multiple of the axis is allowed" if not tiled else None,
        )
