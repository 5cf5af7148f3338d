"""Ops that fold or order elements with a body on scalars, which stays as it is."""

from collections.abc import Sequence

from slopec import hlo, ir
from slopec.tensor import Tensor
from slopec.transforms.batch_rule import Site, batched
from slopec.transforms.batch_rules.elementwise import per_member
from slopec.transforms.batch_rules.shape import up
from slopec.transforms.body import block_of, is_lanewise, lanes
from slopec.transforms.rules.fold import whole


@batched("stablehlo.reduce")
def _reduce(site: Site) -> Sequence[Tensor]:
    """Fold the same dimensions, one higher."""
    count = len(site.given) // 2
    dims = up(site.ints("dimensions"))
    xs = [site.wide(i) for i in range(count)]
    if any(site.mapped[count:]):
        return _from_mapped(site, xs, dims)
    return site.emit([*xs, *site.given[count:]], dimensions=ir.i64s(*dims))


def _from_mapped(site: Site, xs: Sequence[Tensor], dims: Sequence[int]) -> Sequence[Tensor]:
    """A fold that begins differently for each member of the batch, as steps on whole arrays."""
    block = block_of(site.op)
    if site.captures or not is_lanewise(block):
        raise site.refuse(
            "begins with a value that differs along the batch",
            "begin with a constant, and combine the result with the value afterwards",
        )
    shape = (site.size, *site.result.shape)
    inits = [per_member(site.wide(len(xs) + i), shape) for i in range(len(xs))]
    if any(xs[0].shape[d] == 0 for d in dims):
        return inits
    for d in dims:
        xs = whole(block, xs, d)
    return lanes(block, [*inits, *(hlo.reshape(x, shape) for x in xs)])


def _windows(site: Site) -> dict[str, ir.Attribute]:
    """The attributes of windows, which stay within one member of the batch."""
    ones = ("window_dimensions", "window_strides", "base_dilations", "window_dilations")
    changed = {
        name: ir.i64s(1, *site.ints(name)) for name in ones if site.attribute(name) is not None
    }
    if site.attribute("padding") is not None:
        changed["padding"] = ir.matrix_i64([(0, 0), *site.pairs("padding")])
    return changed


@batched("stablehlo.reduce_window", "stablehlo.select_and_scatter")
def _over_windows(site: Site) -> Sequence[Tensor]:
    """Windows of size one along the batch."""
    count = 2 if site.name == "stablehlo.select_and_scatter" else len(site.given) // 2
    if any(site.mapped[count:]):
        raise site.refuse(
            "begins with a value that differs along the batch",
            "begin with a constant, and combine the result with the value afterwards",
        )
    xs = [site.wide(i) for i in range(count)]
    return site.emit([*xs, *site.given[count:]], **_windows(site))


@batched("stablehlo.sort")
def _sort(site: Site) -> Sequence[Tensor]:
    """Order each member of the batch by itself."""
    dim = int(site.attribute("dimension"))
    return site.emit(site.every_wide(), dimension=ir.i64(dim if dim < 0 else dim + 1))
