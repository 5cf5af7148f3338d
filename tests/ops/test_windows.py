"""Convolutions and pools with PyTorch's arguments, against JAX's general ops and plain loops."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import slopec as sp
from tests.ops.harness import BFLOAT16, Case, check, normal, same


def times(value, rank):
    return (value,) * rank if isinstance(value, int) else tuple(value)


def conv_in_jax(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    """PyTorch's convolution in the words of XLA."""
    rank = w.ndim - 2
    single = x.ndim == rank + 1
    x = x[None] if single else x
    dilations = times(dilation, rank)
    if padding == "same":
        spans = [d * (k - 1) for d, k in zip(dilations, w.shape[2:], strict=True)]
        pads = [(s // 2, s - s // 2) for s in spans]
    elif padding == "valid":
        pads = [(0, 0)] * rank
    else:
        pads = [(p, p) if isinstance(p, int) else p for p in times(padding, rank)]
    out = jax.lax.conv_general_dilated(
        x, w, times(stride, rank), pads, rhs_dilation=dilations, feature_group_count=groups
    )
    out = out if b is None else out + b.reshape(-1, *(1,) * rank)
    return out[0] if single else out


def conv_transpose_in_jax(
    x, w, b=None, *, stride=1, padding=0, output_padding=0, dilation=1, groups=1
):
    """The transpose, as a linear map, of the convolution with the same arguments."""
    rank = w.ndim - 2
    stride, padding, extra, dilation = (
        times(v, rank) for v in (stride, padding, output_padding, dilation)
    )
    sizes = [
        (n - 1) * s - 2 * p + d * (k - 1) + e + 1
        for n, s, p, d, k, e in zip(
            x.shape[2:], stride, padding, dilation, w.shape[2:], extra, strict=True
        )
    ]
    image = jax.ShapeDtypeStruct((x.shape[0], w.shape[1] * groups, *sizes), x.dtype)
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    out = jax.linear_transpose(lambda y: conv_in_jax(y, w, **options), image)(x)[0]
    return out if b is None else out + b.reshape(-1, *(1,) * rank)


def conv_case(rank, x, w, bias=False, **options):
    name = f"conv{rank}d"
    arrays = (normal(*x), normal(*w, seed=1), *([normal(w[0], seed=2)] if bias else []))
    return Case(
        f"{name} {x} {w} {options}",
        lambda np, *xs: getattr(np, name)(*xs, **options),
        arrays,
        looser=5,
        reference=lambda np, *xs: conv_in_jax(*xs, **options),
    )


def transpose_case(rank, x, w, bias=False, **options):
    name = f"conv_transpose{rank}d"
    channels = w[1] * options.get("groups", 1)
    arrays = (normal(*x), normal(*w, seed=1), *([normal(channels, seed=2)] if bias else []))
    return Case(
        f"{name} {x} {w} {options}",
        lambda np, *xs: getattr(np, name)(*xs, **options),
        arrays,
        looser=5,
        reference=lambda np, *xs: conv_transpose_in_jax(*xs, **options),
    )


CONVOLUTIONS = (
    conv_case(1, (2, 3, 9), (4, 3, 3), bias=True),
    conv_case(1, (3, 9), (4, 3, 3), stride=2, padding=1),
    conv_case(2, (2, 3, 7, 8), (4, 3, 3, 3), bias=True, padding=1),
    conv_case(2, (2, 3, 7, 8), (4, 3, 3, 2), stride=(2, 1), padding=(0, 1)),
    conv_case(2, (1, 3, 9, 9), (4, 3, 3, 3), dilation=2, padding=2),
    conv_case(2, (1, 4, 5, 5), (6, 2, 3, 3), groups=2, bias=True),
    conv_case(2, (1, 4, 5, 5), (8, 1, 3, 3), groups=4, padding="same"),
    conv_case(2, (1, 2, 5, 6), (3, 2, 2, 3), padding="same", dilation=(1, 2)),
    conv_case(2, (1, 2, 5, 6), (3, 2, 2, 3), padding="valid"),
    conv_case(2, (1, 2, 5, 6), (3, 2, 2, 3), padding=[(1, 0), (0, 2)]),
    conv_case(2, (3, 5, 5), (2, 3, 1, 1)),
    conv_case(3, (1, 2, 4, 5, 4), (3, 2, 2, 3, 2), stride=2, padding=1, bias=True),
    transpose_case(1, (2, 4, 5), (4, 3, 3), bias=True, stride=2),
    transpose_case(2, (1, 4, 5, 4), (4, 3, 3, 2), stride=(2, 3), padding=1, output_padding=(1, 0)),
    transpose_case(2, (1, 4, 5, 5), (4, 2, 3, 3), groups=2, bias=True),
    transpose_case(2, (1, 4, 4, 4), (4, 2, 3, 3), dilation=2, stride=2, padding=2, output_padding=1),
    transpose_case(2, (1, 3, 4, 4), (3, 2, 2, 2), padding=1),
    transpose_case(3, (1, 2, 3, 2, 3), (2, 3, 2, 2, 2), stride=2),
)  # fmt: skip


@pytest.mark.parametrize("case", CONVOLUTIONS, ids=str)
def test_convolution(case):
    check(case, CONVOLUTIONS)


def pool_by_loops(x, kernel, *, stride=None, padding=0, dilation=1, ceil_mode=False, reduce):
    """Every window cut out by itself; `reduce` gets its elements inside and with the margins."""
    rank = len(kernel)
    stride = kernel if stride is None else times(stride, rank)
    padding, dilation = times(padding, rank), times(dilation, rank)
    sizes = x.shape[-rank:]
    counts = []
    for n, k, s, p, d in zip(sizes, kernel, stride, padding, dilation, strict=True):
        exact = (n + 2 * p - d * (k - 1) - 1) / s
        count = (math.ceil(exact) if ceil_mode else math.floor(exact)) + 1
        counts.append(count - ((count - 1) * s >= n + p))
    out = np.zeros((*x.shape[:-rank], *counts), np.float64)
    for place in itertools.product(*map(range, counts)):
        starts = [i * s - p for i, s, p in zip(place, stride, padding, strict=True)]
        spots = [
            [a + d * j for j in range(k)] for a, d, k in zip(starts, dilation, kernel, strict=True)
        ]
        inside = [[i for i in axis if 0 <= i < n] for axis, n in zip(spots, sizes, strict=True)]
        padded = math.prod(
            sum(-p <= i < n + p for i in axis)
            for axis, n, p in zip(spots, sizes, padding, strict=True)
        )
        values = x[np.ix_(*map(range, x.shape[:-rank]), *inside)]
        values = values.reshape(*x.shape[:-rank], -1)
        out[(..., *place)] = reduce(values.astype(np.float64), padded)
    return out.astype(x.dtype)


POOLS = [
    ((2, 3, 8), (2,), {}),
    ((3, 9), (3,), {"stride": 2, "padding": 1}),
    ((2, 3, 7, 8), (2, 3), {}),
    ((2, 3, 7, 8), (3, 3), {"stride": 2, "padding": 1}),
    ((1, 2, 7, 8), (2, 2), {"ceil_mode": True}),
    ((1, 2, 6, 7), (3, 2), {"stride": (2, 3), "padding": (1, 1), "ceil_mode": True}),
    ((2, 5, 5), (2, 2), {"stride": 3, "padding": 1, "ceil_mode": True}),
    ((1, 2, 4, 5, 4), (2, 2, 2), {}),
    ((1, 2, 5, 5, 5), (2, 3, 2), {"stride": 2, "padding": 1, "ceil_mode": True}),
]


@pytest.mark.parametrize(("shape", "kernel", "options"), POOLS)
def test_max_pool(shape, kernel, options):
    x = normal(*shape)
    expected = pool_by_loops(x, kernel, **options, reduce=lambda v, _: v.max(-1))

    same(getattr(sp, f"max_pool{len(kernel)}d")(sp.tensor(x), kernel, **options), expected)


@pytest.mark.parametrize(
    "options", [{"dilation": 2}, {"dilation": (1, 3), "stride": 1, "padding": 1}]
)
def test_max_pool_with_dilation(options):
    x = normal(1, 2, 9, 9)
    expected = pool_by_loops(x, (2, 3), **options, reduce=lambda v, _: v.max(-1))

    same(sp.max_pool2d(sp.tensor(x), (2, 3), **options), expected)


@pytest.mark.parametrize("include", [True, False])
@pytest.mark.parametrize(("shape", "kernel", "options"), POOLS)
def test_avg_pool(shape, kernel, options, include):
    x = normal(*shape)

    def mean(values, padded):
        return values.sum(-1) / (padded if include else values.shape[-1])

    expected = pool_by_loops(x, kernel, **options, reduce=mean)
    pool = getattr(sp, f"avg_pool{len(kernel)}d")
    same(pool(sp.tensor(x), kernel, **options, count_include_pad=include), expected)


def test_avg_pool_of_halves_and_with_a_divisor():
    x = sp.full((1, 1, 64, 64), 60.0, dtype="float16")

    assert sp.avg_pool2d(x, 64).item() == 60
    assert sp.avg_pool2d(x.float(), 2, divisor_override=3)[0, 0, 0, 0].item() == 80
    assert sp.avg_pool2d(x.bfloat16(), 2).dtype == BFLOAT16


def pool_in_jax(x, size, reduce):
    """Adaptive pooling, window by window."""
    for axis, count in enumerate(size, x.ndim - len(size)):
        n = x.shape[axis]
        pieces = [
            reduce(
                jax.lax.slice_in_dim(x, i * n // count, -(-(i + 1) * n // count), axis=axis),
                axis=axis,
            )
            for i in range(count)
        ]
        x = jnp.stack(pieces, axis)
    return x


X = normal(2, 3, 7, 8)
CASES = (
    Case("max_pool2d gradient", lambda np, x: np.max_pool2d(x, 3, stride=2, padding=1), (X,), reference=lambda np, x: jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 1, 3, 3), (1, 1, 2, 2), ((0, 0), (0, 0), (1, 1), (1, 1)))),
    Case("avg_pool2d gradient", lambda np, x: np.avg_pool2d(x, 3, stride=2, padding=1), (X,), reference=lambda np, x: jax.lax.reduce_window(x, 0.0, jax.lax.add, (1, 1, 3, 3), (1, 1, 2, 2), ((0, 0), (0, 0), (1, 1), (1, 1))) / 9),
    *(Case(f"adaptive avg {size}", lambda np, x, size=size: np.adaptive_avg_pool(x, size), (X,), reference=lambda np, x, size=size: pool_in_jax(x, size, jnp.mean)) for size in ((1, 1), (3, 4), (7, 5), (2, 3))),
    Case("adaptive max", lambda np, x: np.adaptive_max_pool(x, (3, 4)), (X,), reference=lambda np, x: pool_in_jax(x, (3, 4), jnp.max)),
    Case("global", lambda np, x: (np.global_avg_pool(x), np.global_max_pool(x, keepdims=True)), (X,), reference=lambda np, x: (x.mean((2, 3)), x.max((2, 3), keepdims=True))),
    *(Case(f"unfold {options}", lambda np, x, options=options: np.unfold(x, (2, 3), **options), (X,), reference=lambda np, x, options=options: patches(x, (2, 3), **options)) for options in ({}, {"stride": 2, "padding": 1}, {"dilation": (2, 1), "stride": (1, 3)})),
    *(Case(f"fold {options}", lambda np, x, options=options: np.fold(x, (7, 8), (2, 3), **options), (normal(2, 18, n),), reference=lambda np, x, options=options: jax.linear_transpose(lambda y: patches(y, (2, 3), **options), jax.ShapeDtypeStruct((2, 3, 7, 8), x.dtype))(x)[0]) for n, options in ((36, {}), (16, {"stride": 2, "padding": 1}))),
)  # fmt: skip


def patches(x, window, *, stride=1, padding=0, dilation=1):
    """im2col in the words of XLA."""
    pads = [(p, p) for p in times(padding, 2)]
    out = jax.lax.conv_general_dilated_patches(
        x, window, times(stride, 2), pads, rhs_dilation=times(dilation, 2)
    )
    return out.reshape(*out.shape[:2], -1)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_windows(case):
    check(case, CASES)


def test_sliding_windows_are_as_in_numpy():
    view = np.lib.stride_tricks.sliding_window_view
    x = normal(4, 5)

    same(sp.sliding_window_view(x, (2, 3)), view(x, (2, 3)))
    same(sp.sliding_window_view(x, 2, 0), view(x, 2, 0))
    same(sp.sliding_window_view(x, (2, 2), (1, 1)), view(x, (2, 2), (1, 1)))
