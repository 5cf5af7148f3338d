"""Rows of ops that move, fold, slide and contract, as JAX spells them."""

from collections.abc import Iterator, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from tests.sweep.case import Case
from tests.sweep.surveyed.rows import array, numbers, of_jax

SOME = ("f32", "i1", "bf16", "c64", "i8", "f64", "i64")
ONE, TWO = np.int32(1), np.int32(2)


def cases() -> Iterator[Case]:
    yield from shapes()
    yield from slices()
    yield from reductions()
    yield from windows()
    yield from contractions()
    yield from convolutions()
    yield from sorts()


def zero(x):
    """The number that padding and sums begin with."""
    return jnp.zeros((), x.dtype)


def shapes() -> Iterator[Case]:
    for kind in SOME:
        x, y, s = array((3, 4), kind), array((3, 2), kind, 1), array((), kind)
        yield of_jax(f"broadcast_in_dim.scalar.{kind}", lambda s: lax.broadcast(s, (3, 4)), s)
        yield of_jax(f"transpose.{kind}", lambda x: lax.transpose(x, (1, 0)), x)
        yield of_jax(f"concatenate.{kind}", lambda x, y: lax.concatenate([x, y], 1), x, y)
        yield of_jax(f"pad.{kind}", lambda x: lax.pad(x, zero(x), ((1, 2, 0), (0, 1, 0))), x)
        yield of_jax(f"slice.{kind}", lambda x: lax.slice(x, (1, 0), (3, 4), (1, 2)), x)
        yield of_jax(f"reverse.{kind}", lambda x: lax.rev(x, (1,)), x)
        yield of_jax(f"reshape.{kind}", lambda x: lax.reshape(x, (2, 6)), x)
    x = array((3, 4), "f32")
    yield of_jax("broadcast_in_dim.expand1", lambda x: lax.broadcast_in_dim(x, (3, 5), (0, 1)), x[:, :1])  # fmt: skip
    yield of_jax("broadcast_in_dim.permuted", lambda x: lax.transpose(lax.broadcast_in_dim(x, (3, 2, 4), (0, 2)), (2, 1, 0)), x)  # fmt: skip
    for name, margins in (("interior", ((1, 1, 2), (0, 0, 1))), ("negative", ((-1, 0, 0), (1, -2, 0))), ("negative_interior", ((-1, 1, 1), (-1, -1, 2)))):  # fmt: skip
        yield of_jax(f"pad.{name}", lambda x, m=margins: lax.pad(x, zero(x), m), x)
    yield of_jax("reshape.scalar", lambda x: lax.reshape(x, ()), x[:1, :1])
    for kind in ("i32", "f32", "i64", "bf16", "f16", "f64", "ui8", "c64"):
        yield of_jax(f"iota.{kind}", lambda x: lax.broadcasted_iota(x.dtype, (3, 5), 1) + x, array((), kind))  # fmt: skip


def slices() -> Iterator[Case]:
    for kind in SOME:
        x, y = array((4, 5), kind), array((2, 3), kind, 1)
        yield of_jax(f"dynamic_slice.{kind}", lambda x, i, j: lax.dynamic_slice(x, (i, j), (2, 3)), x, ONE, TWO)  # fmt: skip
        yield of_jax(f"dynamic_update_slice.{kind}", lambda x, y, i, j: lax.dynamic_update_slice(x, y, (i, j)), x, y, ONE, TWO)  # fmt: skip
    x, y, far = array((4, 5), "f32"), array((2, 3), "f32", 1), np.int32(99)
    yield of_jax("dynamic_slice.oob_clamp", lambda x, i, j: lax.dynamic_slice_p.bind(x, i, j, slice_sizes=(2, 3)), x, far, -far)  # fmt: skip
    yield of_jax("dynamic_update_slice.oob_clamp", lambda x, y, i, j: lax.dynamic_update_slice_p.bind(x, y, i, j), x, y, far, -far)  # fmt: skip
    yield of_jax("dynamic_slice.ui32_idx", lambda x, i: lax.dynamic_slice(x, (i, i), (2, 3)), x, np.uint32(1))  # fmt: skip


def reductions() -> Iterator[Case]:
    def reduce(name, kind, init, fold, dims=(1,), shape=(4, 6), tail="", **how):
        x = array(shape, kind)
        return of_jax(f"reduce.{name}{tail}", lambda x: lax.reduce(x, np.array(init, x.dtype), fold, dims), x, **how)  # fmt: skip

    for kind in ("f16", "bf16", "f32", "f64", "i8", "i32", "i64", "c64"):
        yield reduce("add", kind, 0, lax.add, tail=f".{kind}")
    yield reduce("multiply", "f32", 1, lax.mul, tail=".f32")
    for kind in ("f32", "bf16"):
        yield reduce("maximum", kind, -np.inf, lax.max, tail=f".{kind}")
    yield reduce("maximum", "i32", -(2**31), lax.max, tail=".i32")
    yield reduce("minimum", "f32", np.inf, lax.min, tail=".f32")
    yield reduce("minimum", "ui8", 255, lax.min, tail=".ui8")
    yield reduce("and", "i1", True, lax.bitwise_and, tail=".i1")
    yield reduce("or", "i1", False, lax.bitwise_or, tail=".i1")
    yield reduce("xor", "i32", 0, lax.bitwise_xor, tail=".i32")
    yield reduce("all_dims", "f32", 0, lax.add, (0, 1))
    yield reduce("mid_dim_big", "f32", 0, lax.add, (1,), (3, 1000, 5))
    yield reduce("init_nonidentity", "f32", 5, lax.add)
    yield reduce("custom_body", "f32", 0, lambda a, b: a + b * 1.0 + 0.0)
    yield reduce("empty", "f32", 3, lax.add, (1,), (4, 0))
    yield reduce("i1_and_all", "i1", True, lax.bitwise_and, (0, 1))
    yield reduce("bf16_sum_4096", "bf16", 0, lax.add, (0,), (4096,), times=4096)
    nan = numbers([[1, np.nan, 3], [2, 1, 0]])
    yield of_jax("reduce.nan_max", lambda x: lax.reduce(x, np.array(-np.inf, x.dtype), lax.max, (1,)), nan)  # fmt: skip
    x = array((4, 6), "f32")
    yield of_jax("reduce.variadic_argmax", lambda x: lax.argmax(x, 1, np.int32), x)
    yield of_jax("reduce.variadic_sum2", lambda x: lax.reduce((x, x * 2), (zero(x), zero(x)), lambda a, b: (a[0] + b[0], a[1] + b[1]), (1,)), x)  # fmt: skip
    none = array((0, 3), "f32")
    yield of_jax("zerosize.add", lambda x: x + x, none)
    yield of_jax("zerosize.dot", lambda x: lax.dot_general(x, x, (((0,), (0,)), ((), ()))), none)
    yield of_jax("zerosize.concat", lambda x, y: lax.concatenate([x, y], 0), none, x[:, :3])
    yield of_jax("zerosize.reduce_to_scalar", lambda x: jnp.sum(x), none)
    yield of_jax("zerosize.batch_dot_b0", lambda x: lax.batch_matmul(x, x), array((0, 2, 2), "f32"))
    yield of_jax("zerosize.gather", lambda x, i: x[i], x, np.zeros(0, np.int32))
    yield of_jax("zerosize.scatter", lambda x, i: x.at[i].add(x[i]), x, np.zeros(0, np.int32))


def windows() -> Iterator[Case]:
    def pool(name, shape, init, fold, window, steps=None, kind="f32", padding="VALID", **how):
        def run(x):
            strides = steps or (1,) * x.ndim
            first = np.array(init).astype(x.dtype)
            return lax.reduce_window(x, first, fold, window, strides, padding, **how)

        return of_jax(f"reduce_window.{name}", run, array(shape, kind))

    low, image, chw = -np.inf, (1, 6, 6, 2), (1, 2, 6, 6)
    edge = ((0, 0), (1, 1), (1, 1), (0, 0))
    yield pool("maxpool2d_nhwc", image, low, lax.max, (1, 2, 2, 1), (1, 2, 2, 1))
    yield pool("maxpool2d_pad", image, low, lax.max, (1, 3, 3, 1), (1, 2, 2, 1), padding=edge)
    yield pool("maxpool2d_nchw", chw, low, lax.max, (1, 1, 2, 2), (1, 1, 2, 2))
    yield pool("sumpool2d_nhwc", image, 0, lax.add, (1, 2, 2, 1), (1, 2, 2, 1))
    yield pool("sumpool2d_pad", image, 0, lax.add, (1, 3, 3, 1), (1, 2, 2, 1), padding=edge)
    yield pool("minpool1d", (1, 8, 2), np.inf, lax.min, (1, 3, 1), (1, 2, 1))
    yield pool("maxpool3d", (1, 4, 4, 4, 2), low, lax.max, (1, 2, 2, 2, 1), (1, 2, 2, 2, 1))
    yield pool("dilated_window", image, low, lax.max, (1, 2, 2, 1), window_dilation=(1, 2, 2, 1))
    yield pool("base_dilation", image, low, lax.max, (1, 2, 2, 1), base_dilation=(1, 2, 2, 1))
    before = {"padding": ((7, 0),)}
    yield pool("cumsum", (8,), 0, lax.add, (8,), **before)
    yield pool("cumsum2d", (3, 8), 0, lax.add, (1, 8), padding=((0, 0), (7, 0)))
    yield pool("cumsum_rev", (8,), 0, lax.add, (8,), padding=((0, 7),))
    yield pool("cumsum_i32", (8,), 0, lax.add, (8,), kind="i32", **before)
    yield pool("cumprod", (8,), 1, lax.mul, (8,), **before)
    yield pool("cummax", (8,), low, lax.max, (8,), **before)
    yield pool("maxpool_bf16", image, low, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "bf16")
    yield pool("maxpool_i32", image, -(2**31), lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "i32")

    def both(x):
        one = (zero(x), np.array(low, x.dtype))
        fold = lambda a, b: (a[0] + b[0], lax.max(a[1], b[1]))  # noqa: E731
        return lax.reduce_window((x, x), one, fold, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")

    yield of_jax("reduce_window.variadic", both, array(image, "f32"))
    for name, size, step, padding in (("nonoverlap", 2, 2, "VALID"), ("overlap_pad", 3, 2, edge), ("overlap", 3, 2, "VALID")):  # fmt: skip
        x = np.random.default_rng(0).permutation(98).reshape(1, 7, 7, 2).astype("float32")

        def pooled(x, y, size=size, step=step, padding=padding):
            window, steps = (1, size, size, 1), (1, step, step, 1)
            first = np.array(low, x.dtype)
            made, back = jax.vjp(lambda x: lax.reduce_window(x, first, lax.max, window, steps, padding), x)  # fmt: skip
            return back(lax.slice(y, (0,) * 4, made.shape))[0]

        yield of_jax(f"select_and_scatter.{name}", pooled, x, array((1, 7, 7, 2), "f32"))


Dims = tuple[Sequence[int], Sequence[int]]


def contractions() -> Iterator[Case]:
    def dot(name, x, y, contracted: Dims = ((1,), (0,)), batch: Dims = ((), ()), **how):
        kind = how.pop("preferred", None)

        def run(x, y):
            out = None if kind is None else x.dtype if x.dtype == np.float64 else array((), kind).dtype  # fmt: skip
            return lax.dot_general(x, y, (contracted, batch), preferred_element_type=out, **how)

        return of_jax(f"dot_general.{name}", run, x, y)

    a, b = (5, 6), (6, 7)
    for kind in ("f16", "bf16", "f32", "f64", "i8", "i32", "i64", "c64"):
        yield dot(f"mm.{kind}", array(a, kind), array(b, kind, 1))
    pairs = {"i8_i32": ("i8", "i8", "i32"), "bf16_f32": ("bf16", "bf16", "f32"), "f16_f32": ("f16", "f16", "f32"), "ui8_i32": ("ui8", "ui8", "i32"), "f32_f64": ("f32", "f32", "f64"), "i8_ui8_i32": ("i8", "ui8", "i32"), "bf16_f32_f32": ("bf16", "f32", "f32")}  # fmt: skip
    for name, (left, right, out) in pairs.items():
        yield dot(f"mm.{name}", array(a, left), array(b, right, 1), preferred=out)
    eight = array(a, "f8E4M3FN") / np.float32(4), array(b, "f8E4M3FN", 1) / np.float32(4)
    yield dot("mm.f8", *(x.astype(array((), "f8E4M3FN").dtype) for x in eight), preferred="f32")

    def plain(name, left, right, contracted, batch=((), ()), **how):
        return dot(name, array(left, "f32"), array(right, "f32", 1), contracted, batch, **how)

    yield plain("mm_ta", (6, 5), b, ((0,), (0,)))
    yield plain("mm_tb", a, (7, 6), ((1,), (1,)))
    yield plain("mm_tatb", (6, 5), (7, 6), ((0,), (1,)))
    yield plain("mv", a, (6,), ((1,), (0,)))
    yield plain("vm", (6,), b, ((0,), (0,)))
    yield plain("vv", (6,), (6,), ((0,), (0,)))
    yield plain("outer", (5,), (7,), ((), ()))
    one, rows = ((0,), (0,)), ((2,), (1,))
    yield plain("batch", (2, 3, 5), (2, 5, 4), rows, one)
    yield plain("batch_tb", (2, 3, 5), (2, 4, 5), ((2,), (2,)), one)
    yield plain("batch2", (2, 3, 4, 5), (2, 3, 5, 6), ((3,), (2,)), ((0, 1), (0, 1)))
    yield plain("batch_bshd", (2, 6, 3, 4), (2, 5, 3, 4), ((3,), (3,)), ((0, 2), (0, 2)))
    yield plain("multi_contract", (3, 4, 5), (4, 5, 2), ((1, 2), (0, 1)))
    yield plain("multi_contract_perm", (3, 4, 5), (5, 4, 2), ((1, 2), (1, 0)))
    yield plain("multi_free", (2, 3, 5), (5, 4, 3), ((2,), (0,)))
    yield plain("batch_only", (4, 5), (4, 5), ((), ()), ((0, 1), (0, 1)))
    half = array((2, 3, 5), "bf16"), array((2, 5, 4), "bf16", 1)
    yield dot("batch_bf16_f32", *half, rows, one, preferred="f32")
    yield plain("precision_highest", a, b, ((1,), (0,)), precision=lax.Precision.HIGHEST)
    yield plain("mm_large_odd", (67, 131), (131, 59), ((1,), (0,)))
    yield dot("mm_large_bf16", array((128, 128), "bf16"), array((128, 128), "bf16", 1))
    half = array((64, 64), "bf16"), array((64, 64), "bf16", 1)
    yield of_jax("dot.bf16_64", lambda x, y: lax.dot(x, y), *half)
    yield of_jax("dot.bf16_in_f32cvt", lambda x, y: lax.dot(x.astype(zero(x + np.float32(0)).dtype), y.astype(zero(y + np.float32(0)).dtype)), *half)  # fmt: skip


def convolutions() -> Iterator[Case]:
    def conv(name, shape, kernel, dims=("NHWC", "HWIO", "NHWC"), kinds=("f32", "f32"), out=None, steps=None, padding="VALID", **how):  # fmt: skip
        def run(x, k):
            wide = None if out is None or x.dtype == np.float64 else array((), out).dtype
            strides = steps or (1,) * (x.ndim - 2)
            return lax.conv_general_dilated(x, k, strides, padding, dimension_numbers=dims, preferred_element_type=wide, **how)  # fmt: skip

        x, k = array(shape, kinds[0]), array(kernel, kinds[1], 1)
        return of_jax(f"{name}", run, x, k)

    image, kernel = (2, 6, 6, 3), (3, 3, 3, 4)
    for kind in ("f16", "bf16", "f32", "f64", "i32", "i8"):
        yield conv(f"conv2d.nhwc_hwcf.{kind}", image, kernel, kinds=(kind, kind))
    yield conv("conv2d.i8_i32", image, kernel, kinds=("i8", "i8"), out="i32")
    yield conv("conv2d.bf16_f32", image, kernel, kinds=("bf16", "bf16"), out="f32")
    yield conv("conv2d.c64", image, kernel, kinds=("c64", "c64"))
    chw, oihw, nchw = (2, 3, 6, 6), (4, 3, 3, 3), ("NCHW", "OIHW", "NCHW")
    yield conv("conv2d.nchw_oihw", chw, oihw, nchw)
    yield conv("conv2d.nchw_pad_stride", chw, oihw, nchw, steps=(2, 2), padding=((1, 1), (1, 1)))
    yield conv("conv2d.same_pad", image, kernel, padding="SAME")
    yield conv("conv2d.stride2", image, kernel, steps=(2, 2))
    yield conv("conv2d.rhs_dilate", image, kernel, rhs_dilation=(2, 2))
    yield conv("conv2d.lhs_dilate(transposed)", image, kernel, padding=((2, 2), (2, 2)), lhs_dilation=(2, 2))  # fmt: skip
    yield conv("conv2d.lhs_dilate_nchw", chw, oihw, nchw, padding=((2, 2), (2, 2)), lhs_dilation=(2, 2))  # fmt: skip
    yield conv("conv2d.neg_pad", image, kernel, padding=((-1, 0), (1, -1)))
    yield conv("conv2d.grouped", (2, 6, 6, 4), (3, 3, 2, 6), feature_group_count=2)
    yield conv("conv2d.grouped_nchw", (2, 4, 6, 6), (6, 2, 3, 3), nchw, feature_group_count=2)
    yield conv("conv2d.depthwise", image, (3, 3, 1, 3), feature_group_count=3)
    yield conv("conv2d.depthwise_mult2", image, (3, 3, 1, 6), feature_group_count=3)
    yield conv("conv2d.depthwise_nchw", chw, (3, 1, 3, 3), nchw, feature_group_count=3)
    yield conv("conv2d.depthwise_stride_pad", image, (3, 3, 1, 3), steps=(2, 2), padding=((1, 1), (1, 1)), feature_group_count=3)  # fmt: skip
    yield conv("conv2d.depthwise_lhsdilate", image, (3, 3, 1, 3), padding=((2, 2), (2, 2)), lhs_dilation=(2, 2), feature_group_count=3)  # fmt: skip
    yield conv("conv2d.batch_group", (4, 6, 6, 3), kernel, batch_group_count=2)
    yield conv("conv2d.weight_grad_layout", image, (2, 4, 4, 5), ("CHWN", "IHWO", "HWNC"))
    yield conv("conv2d.fhw_wgrad", chw, (2, 4, 4, 4), ("CNHW", "IOHW", "CNHW"))
    yield conv("conv2d.1x1", image, (1, 1, 3, 4))
    yield conv("conv1d.nwc", (2, 8, 3), (3, 3, 4), ("NWC", "WIO", "NWC"))
    yield conv("conv1d.ncw", (2, 3, 8), (4, 3, 3), ("NCW", "OIW", "NCW"))
    yield conv("conv1d.causal_dw", (2, 8, 3), (3, 1, 3), ("NWC", "WIO", "NWC"), padding=((2, 0),), feature_group_count=3)  # fmt: skip
    yield conv("conv1d.lhs_dilate", (2, 8, 3), (3, 3, 4), ("NWC", "WIO", "NWC"), padding=((2, 2),), lhs_dilation=(2,))  # fmt: skip
    yield conv("conv3d.ndhwc", (1, 4, 5, 5, 2), (2, 3, 3, 2, 3), ("NDHWC", "DHWIO", "NDHWC"))
    yield conv("conv3d.ncdhw", (1, 2, 4, 5, 5), (3, 2, 2, 3, 3), ("NCDHW", "OIDHW", "NCDHW"))
    yield conv("conv3d.depthwise", (1, 4, 5, 5, 2), (2, 3, 3, 1, 2), ("NDHWC", "DHWIO", "NDHWC"), feature_group_count=2)  # fmt: skip
    yield conv("conv0d", (2, 3), (3, 4), ("NC", "IO", "NC"))


def sorts() -> Iterator[Case]:
    def sort(name, x, **how):
        return of_jax(f"sort.{name}", lambda x: lax.sort(x, **how), x)

    for kind in ("f32", "i32", "i64", "bf16", "f16", "f64", "i8", "ui8"):
        yield sort(kind, array((37,), kind))
    x = array((5, 7), "f32")
    yield of_jax("sort.desc", lambda x: -lax.sort(-x), x)
    yield sort("unstable", x, is_stable=False)
    yield sort("dim0_2d", x, dimension=0)
    yield sort("dim1_2d", x, dimension=1)
    keys = np.round(x[0])
    place = np.arange(7, dtype=np.int32)
    for name, key in (("kv", np.argsort(x[0]).astype("float32")), ("kv_stable_dups", np.abs(keys) % 2), ("kv_tiebreak", np.abs(keys) % 3)):  # fmt: skip
        yield of_jax(f"sort.{name}", lambda k, v: lax.sort((k, v), num_keys=1), key, place)
    yield of_jax("sort.3ops", lambda k, v: lax.sort((k, v, k * 2), num_keys=2), np.abs(keys) % 2, x[1])  # fmt: skip
    yield sort("nan_totalorder", numbers([3, np.nan, -1, np.inf, -np.inf, 0, 2]))
    yield sort("large1d", np.random.default_rng(0).normal(size=1024).astype("float32"))
