"""Convolutions by their definition: layouts, strides, paddings, dilations, groups, reversal."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from tests.sweep.case import Case
from tests.sweep.modules import EVERY, numbers, one_op, pairs, sample, wide
from tests.sweep.values import dtype

Dims = tuple[int, ...]


@dataclass(frozen=True)
class Window:
    """How a window moves; spatial ranks of the fields agree, empty ones have their defaults."""

    strides: Dims = ()
    padding: tuple[tuple[int, int], ...] = ()
    lhs_dilation: Dims = ()
    rhs_dilation: Dims = ()
    reversal: tuple[bool, ...] = ()
    groups: int = 1
    batch_groups: int = 1

    def filled(self, rank: int) -> "Window":
        """With all fields given."""
        ones = (1,) * rank
        return replace(
            self,
            strides=self.strides or ones,
            padding=self.padding or ((0, 0),) * rank,
            lhs_dilation=self.lhs_dilation or ones,
            rhs_dilation=self.rhs_dilation or ones,
            reversal=self.reversal or (False,) * rank,
        )

    @property
    def attributes(self) -> str:
        """As the op's attributes."""
        turned = ", ".join(str(r).lower() for r in self.reversal)
        return (
            f"window_strides = {numbers(self.strides)}, padding = {pairs(self.padding)}, "
            f"lhs_dilation = {numbers(self.lhs_dilation)}, rhs_dilation = {numbers(self.rhs_dilation)}, "
            f"window_reversal = array<i1{': ' if turned else ''}{turned}>, "
            f"feature_group_count = {self.groups} : i64, batch_group_count = {self.batch_groups} : i64"
        )


def dilated(x: np.ndarray, steps: Dims) -> np.ndarray:
    """x with zeros between its elements along the dimensions from 2 on."""
    sizes = [(n - 1) * s + 1 if n else 0 for n, s in zip(x.shape[2:], steps, strict=True)]
    out = np.zeros((*x.shape[:2], *sizes), x.dtype)
    out[(..., *(slice(None, None, s) for s in steps))] = x
    return out


def padded(x: np.ndarray, rows: Sequence[tuple[int, int]]) -> np.ndarray:
    """x with zeros around it, or less of it where the numbers are negative."""
    grown = np.pad(x, [(0, 0), (0, 0), *((max(a, 0), max(b, 0)) for a, b in rows)])
    cut = (
        slice(max(-a, 0), n - max(-b, 0)) for (a, b), n in zip(rows, grown.shape[2:], strict=True)
    )
    return grown[(..., *cut)]


def convolve(x: np.ndarray, w: np.ndarray, how: Window) -> np.ndarray:
    """The convolution of N×C×spatial with O×C/groups×spatial, as N×O×spatial."""
    how = how.filled(x.ndim - 2)
    if how.batch_groups > 1:
        parts = zip(np.split(x, how.batch_groups), np.split(w, how.batch_groups), strict=True)
        return np.concatenate([convolve(a, b, replace(how, batch_groups=1)) for a, b in parts], 1)
    if how.groups > 1:
        parts = zip(np.split(x, how.groups, 1), np.split(w, how.groups), strict=True)
        return np.concatenate([convolve(a, b, replace(how, groups=1)) for a, b in parts], 1)
    x = padded(dilated(x, how.lhs_dilation), how.padding)
    turned = [d + 2 for d, r in enumerate(how.reversal) if r]
    w = dilated(np.flip(w, turned) if turned else w, how.rhs_dilation)
    free = [n - k for n, k in zip(x.shape[2:], w.shape[2:], strict=True)]
    sizes = [0 if f < 0 else f // s + 1 for f, s in zip(free, how.strides, strict=True)]
    out = np.zeros((x.shape[0], w.shape[0], *sizes), x.dtype)
    axes = list(range(1, x.ndim))
    for place in product(*map(range, sizes)):
        begin = [i * s for i, s in zip(place, how.strides, strict=True)]
        part = x[(..., *(slice(b, b + k) for b, k in zip(begin, w.shape[2:], strict=True)))]
        out[(..., *place)] = np.tensordot(part, w, (axes, axes))
    return out


def of(
    what: str,
    x: np.ndarray,
    w: np.ndarray,
    how: Window,
    *,
    layout: tuple[Dims, Dims, Dims] | None = None,
    result: str = "",
) -> Case:
    """A case; `layout` says where the dimensions of N C spatial, O C spatial, N O spatial go."""
    rank, result = x.ndim - 2, result or x.dtype.name
    how = how.filled(rank)
    widest = {"b": "bool", "i": "int64", "u": "uint64", "c": "complex128"}.get(dtype(result).kind, "float64")  # fmt: skip
    y = convolve(wide(x).astype(widest), wide(w).astype(widest), how)
    orders = layout or (tuple(range(rank + 2)),) * 3
    x, w, y = (np.ascontiguousarray(a.transpose(np.argsort(o))) for a, o in zip((x, w, y), orders, strict=True))  # fmt: skip
    spelled = [_spelled(o, names) for o, names in zip(orders, ("bf", "oi", "bf"), strict=True)]
    numbers_ = f"dimension_numbers = #stablehlo.conv<{spelled[0]}x{spelled[1]}->{spelled[2]}>"
    made = np.empty(y.shape, dtype(result))
    case = one_op(f"convolution/{what}", [x, w], [made], f"{numbers_}, {how.attributes}")
    floor = 0.0 if made.dtype.kind in "biu" else 2.0**-20
    y = y.astype(made.dtype) if made.dtype.kind in "biu" else y
    signed = (np.where(y == 0, -y, y),) if made.dtype.kind not in "biu" else ()
    return replace(case, expected=(y,), ulps=4 if made.dtype.itemsize > 2 else 1, floor=floor * float(np.abs(y).max(initial=0)), flushed=signed)  # fmt: skip


def _spelled(order: Dims, names: str) -> str:
    words = [*names, *(str(d) for d in range(len(order) - 2))]
    return f"[{', '.join(words[order.index(place)] for place in range(len(order)))}]"


NHWC = ((0, 3, 1, 2), (3, 2, 0, 1), (0, 3, 1, 2))
"""Batch, features and spatial dimensions of operand, kernel and result, where they stand."""
LAYOUTS = {
    "NCHW": None,
    "NHWC": NHWC,
    "NHWC with OHWI": ((0, 3, 1, 2), (0, 3, 1, 2), (0, 3, 1, 2)),
    "HWNC": ((2, 3, 0, 1), (3, 2, 0, 1), (2, 3, 0, 1)),
    "CHWN": ((3, 0, 1, 2), (3, 0, 1, 2), (3, 0, 1, 2)),
    "NCHW to NHWC": ((0, 1, 2, 3), (0, 1, 2, 3), (0, 3, 1, 2)),
    "NWCH": ((0, 2, 3, 1), (1, 0, 3, 2), (0, 1, 3, 2)),
}
WINDOWS = {
    "plain": Window(),
    "strides": Window(strides=(2, 3)),
    "padding": Window(padding=((1, 2), (0, 3))),
    "negative padding": Window(padding=((-1, 2), (0, -2))),
    "lhs dilation": Window(lhs_dilation=(2, 3), padding=((1, 1), (2, 1))),
    "rhs dilation": Window(rhs_dilation=(2, 1)),
    "both dilations": Window(lhs_dilation=(2, 1), rhs_dilation=(1, 2), padding=((0, 1), (1, 1))),
    "reversal": Window(reversal=(True, False)),
    "both reversed": Window(reversal=(True, True), strides=(2, 1), padding=((1, 1), (1, 1))),
    "all at once": Window((2, 1), ((2, -1), (-1, 3)), (1, 2), (2, 1), (False, True)),
    "padding between": Window(lhs_dilation=(3, 3), padding=((-2, 1), (3, -4))),
    "one place between": Window((9, 1), ((-1, 1), (0, 0)), lhs_dilation=(2, 1)),
    "one place after padding": Window((9, 9), ((0, 1), (12, -6))),
    "window too large": Window(rhs_dilation=(4, 4)),
}


def cases() -> Iterator[Case]:
    x, w = sample((2, 3, 6, 7)), sample((4, 3, 3, 2), seed=1)
    for word, layout in LAYOUTS.items():
        for how in ("plain", "strides", "all at once"):
            yield of(f"{word}, {how}", x, w, WINDOWS[how], layout=layout)
    for word, how in WINDOWS.items():
        for layout in ("NCHW", "NHWC"):
            if word not in ("plain", "strides", "all at once"):
                yield of(f"{layout}, {word}", x, w, how, layout=LAYOUTS[layout])
    yield from grouped()
    yield from ranks()
    for kind in EVERY:
        yield of(f"of {kind}", sample((2, 3, 5, 5), kind), sample((4, 3, 3, 3), kind, 1), Window(padding=((1, 1), (1, 1))), layout=NHWC)  # fmt: skip
    for kind, result in [("bfloat16", "float32"), ("float16", "float32"), ("int8", "int32"), ("uint8", "int32"), ("float32", "float64")]:  # fmt: skip
        a, b = sample((2, 4, 5, 5), kind), sample((4, 4, 3, 3), kind, 1)
        yield of(f"{kind} to {result}", a, b, Window(), layout=NHWC, result=result)
        depthwise = sample((4, 1, 3, 3), kind, 1)
        yield of(f"depthwise, {kind} to {result}", a, depthwise, Window(groups=4), layout=NHWC, result=result)  # fmt: skip
    yield from empty()


def grouped() -> Iterator[Case]:
    for layout in ("NCHW", "NHWC", "CHWN"):
        order = LAYOUTS[layout]
        x = sample((4, 6, 5, 5))
        yield of(f"{layout}, two groups", x, sample((4, 3, 3, 3)), Window(groups=2), layout=order)
        yield of(f"{layout}, depthwise", x, sample((6, 1, 3, 3)), Window(groups=6), layout=order)
        yield of(f"{layout}, depthwise, twice as many", x, sample((12, 1, 2, 2)), Window((2, 2), ((1, 0), (1, 0)), groups=6), layout=order)  # fmt: skip
        yield of(f"{layout}, depthwise, dilated", x, sample((6, 1, 2, 2)), Window(rhs_dilation=(2, 2), groups=6), layout=order)  # fmt: skip
        yield of(f"{layout}, two batch groups", x, sample((4, 6, 3, 3)), Window(batch_groups=2), layout=order)  # fmt: skip
        yield of(f"{layout}, four batch groups", x, sample((4, 6, 2, 3)), Window((1, 2), ((1, 1), (0, 0)), batch_groups=4), layout=order)  # fmt: skip
        yield of(f"{layout}, groups, all at once", x, sample((6, 2, 2, 3)), Window((2, 1), ((1, 1), (2, 0)), (1, 2), (1, 1), (True, False), 3), layout=order)  # fmt: skip
    for kind in ("float16", "bfloat16", "int8", "int32", "float64", "complex64"):
        yield of(f"wide, of {kind}", np.abs(sample((1, 96, 5, 5), kind)), np.abs(sample((4, 96, 3, 3), kind, 1)), Window(), layout=NHWC)  # fmt: skip
        yield of(f"depthwise of {kind}", sample((2, 4, 5, 5), kind), sample((4, 1, 3, 3), kind, 1), Window(groups=4), layout=NHWC)  # fmt: skip


def ranks() -> Iterator[Case]:
    yield of("0-D", sample((3, 5)), sample((4, 5)), Window())
    yield of("0-D, of one number", sample((1, 1)), sample((1, 1)), Window(), layout=((1, 0),) * 3)
    yield of("0-D, batch groups", sample((6, 4)), sample((6, 4)), Window(batch_groups=3))
    yield of("0-D, groups", sample((3, 6)), sample((4, 3)), Window(groups=2))
    for kind in ("float32", "int32", "float64"):
        yield of(f"1-D of {kind}", sample((2, 3, 9), kind), sample((4, 3, 3), kind, 1), Window((2,), ((1, 1),)))  # fmt: skip
        yield of(f"3-D of {kind}", sample((2, 2, 4, 5, 4), kind), sample((3, 2, 2, 3, 2), kind, 1), Window((1, 2, 1), ((0, 1), (1, 1), (0, 0))))  # fmt: skip
    yield of("1-D, NWC", sample((2, 3, 9)), sample((4, 3, 3)), Window(lhs_dilation=(2,), reversal=(True,)), layout=((0, 2, 1), (2, 1, 0), (0, 2, 1)))  # fmt: skip
    yield of("1-D, depthwise, causal", sample((2, 4, 9)), sample((4, 1, 3)), Window(padding=((2, 0),), groups=4), layout=((0, 2, 1), (2, 1, 0), (0, 2, 1)))  # fmt: skip
    yield of("3-D, groups", sample((1, 4, 4, 4, 4)), sample((4, 2, 2, 2, 2)), Window(groups=2))
    yield of("4-D", sample((1, 2, 3, 3, 3, 3)), sample((2, 2, 2, 2, 2, 2)), Window())


def empty() -> Iterator[Case]:
    yield of("no images", sample((0, 3, 5, 5)), sample((4, 3, 3, 3)), Window(), layout=NHWC)
    yield of("no kernels", sample((2, 3, 5, 5)), sample((0, 3, 3, 3)), Window(), layout=NHWC)
    yield of("no features", sample((2, 0, 5, 5)), sample((4, 0, 3, 3)), Window())
    yield of(
        "no pixels", sample((2, 3, 0, 5)), sample((4, 3, 3, 3)), Window(padding=((2, 2), (0, 0)))
    )
