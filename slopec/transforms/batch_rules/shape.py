"""Ops that move elements: their dimensions are numbered one higher."""

from slopec import dtypes, hlo
from slopec.tensor import Tensor
from slopec.transforms.batch_rule import Site, batched
from slopec.transforms.batch_rules.elementwise import per_member


def up(dims: tuple[int, ...]) -> tuple[int, ...]:
    """Dimensions as they are numbered after the batch dimension."""
    return tuple(d + 1 for d in dims)


@batched("stablehlo.broadcast_in_dim")
def _broadcast_in_dim(site: Site) -> Tensor:
    dims = (0, *up(site.ints("broadcast_dimensions")))
    return hlo.broadcast_in_dim(site.given[0], (site.size, *site.result.shape), dims)


@batched("stablehlo.reshape")
def _reshape(site: Site) -> Tensor:
    return hlo.reshape(site.given[0], (site.size, *site.result.shape))


@batched("stablehlo.transpose")
def _transpose(site: Site) -> Tensor:
    return hlo.transpose(site.given[0], (0, *up(site.ints("permutation"))))


@batched("stablehlo.slice")
def _slice(site: Site) -> Tensor:
    start, limit = site.ints("start_indices"), site.ints("limit_indices")
    strides = site.ints("strides")
    return hlo.slice_(site.given[0], (0, *start), (site.size, *limit), (1, *strides))


@batched("stablehlo.pad")
def _pad(site: Site) -> Tensor:
    """A value that differs along the batch is put where padding of a mask shows a gap."""
    low, high, interior = (
        (0, *site.ints(name))
        for name in ("edge_padding_low", "edge_padding_high", "interior_padding")
    )
    x, value = site.wide(0), site.given[1]
    if not site.mapped[1]:
        return hlo.pad(x, value, low, high, interior)
    gaps = hlo.full((), True, dtypes.bool_)
    mask = hlo.pad(hlo.full(x.shape, False, dtypes.bool_), gaps, low, high, interior)
    padded = hlo.pad(x, hlo.full((), 0, x.dtype), low, high, interior)
    return hlo.select(mask, per_member(value, padded.shape), padded)


@batched("stablehlo.concatenate")
def _concatenate(site: Site) -> Tensor:
    return hlo.concatenate(site.every_wide(), int(site.attribute("dimension")) + 1)


@batched("stablehlo.reverse")
def _reverse(site: Site) -> Tensor:
    return hlo.reverse(site.given[0], up(site.ints("dimensions")))
