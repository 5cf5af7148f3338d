"""dot and dot_general: element types, mixed precision, batches, nothing to sum over."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product as product_of

import ml_dtypes
import numpy as np

from tests.sweep.case import Case
from tests.sweep.modules import EVERY, one_op, sample, wide
from tests.sweep.programs import tensor
from tests.sweep.values import dtype

Dims = Sequence[int]
FORMS: dict[str, tuple[Dims, Dims, tuple[Dims, Dims, Dims, Dims]]] = {
    # shapes of lhs and rhs; batching of both, contracting of both
    "matrices": ((3, 5), (5, 4), ((), (), (1,), (0,))),
    "matrix times transposed": ((3, 5), (4, 5), ((), (), (1,), (1,))),
    "transposed times matrix": ((5, 3), (5, 4), ((), (), (0,), (0,))),
    "matrix times vector": ((3, 5), (5,), ((), (), (1,), (0,))),
    "vector times matrix": ((5,), (5, 4), ((), (), (0,), (0,))),
    "vectors": ((7,), (7,), ((), (), (0,), (0,))),
    "outer": ((3,), (4,), ((), (), (), ())),
    "scalars": ((), (), ((), (), (), ())),
    "scalar times matrix": ((), (3, 4), ((), (), (), ())),
    "batch": ((2, 3, 5), (2, 5, 4), ((0,), (0,), (2,), (1,))),
    "batch behind": ((3, 5, 2), (5, 2, 4), ((2,), (1,), (1,), (0,))),
    "two batches": ((2, 3, 4, 5), (2, 3, 5, 6), ((0, 1), (0, 1), (3,), (2,))),
    "two batches, exchanged": ((2, 3, 4, 5), (3, 2, 5, 6), ((0, 1), (1, 0), (3,), (2,))),
    "batch of vectors": ((4, 5), (4, 5), ((0,), (0,), (1,), (1,))),
    "batch of rows": ((4, 5), (4, 5, 3), ((0,), (0,), (1,), (1,))),
    "batch of products": ((4, 5), (4, 5), ((0, 1), (0, 1), (), ())),
    "two sums": ((3, 4, 5), (4, 5, 2), ((), (), (1, 2), (0, 1))),
    "two sums, exchanged": ((3, 4, 5), (5, 4, 2), ((), (), (2, 1), (0, 1))),
    "sums apart": ((4, 3, 5), (5, 2, 4), ((), (), (0, 2), (2, 0))),
    "all is summed": ((3, 4), (3, 4), ((), (), (0, 1), (0, 1))),
    "free in front and behind": ((2, 5, 3), (4, 5, 2), ((), (), (1,), (1,))),
    "batch, sum and free mixed": ((5, 2, 3, 4), (4, 6, 2, 5), ((1,), (2,), (0, 3), (3, 0))),
    "nothing to sum": ((3, 0), (0, 4), ((), (), (1,), (0,))),
    "nothing to sum, in a batch": ((2, 3, 0), (2, 0, 4), ((0,), (0,), (2,), (1,))),
    "nothing to sum, vectors": ((0,), (0,), ((), (), (0,), (0,))),
    "one of two sums empty": ((3, 0, 2), (0, 2, 4), ((), (), (1, 2), (0, 1))),
    "no rows": ((0, 5), (5, 4), ((), (), (1,), (0,))),
    "no columns": ((3, 5), (5, 0), ((), (), (1,), (0,))),
    "an empty batch": ((0, 3, 5), (0, 5, 4), ((0,), (0,), (2,), (1,))),
    "nothing at all": ((0, 0), (0, 0), ((), (), (1,), (0,))),
    "one by one": ((1, 1), (1, 1), ((), (), (1,), (0,))),
    "larger": ((33, 65), (65, 47), ((), (), (1,), (0,))),
}  # fmt: skip


def product(x: np.ndarray, y: np.ndarray, dims: tuple[Dims, Dims, Dims, Dims]) -> np.ndarray:
    """Batch dimensions, then those of lhs, then those of rhs, by Einstein's rule."""
    a, b = list(range(x.ndim)), [100 + d for d in range(y.ndim)]
    for left, right in zip(dims[0] + dims[2], dims[1] + dims[3], strict=True):
        b[right] = a[left]
    letters = {n: chr(97 + i) for i, n in enumerate(dict.fromkeys([*a, *b]))}
    free = [a[d] for d in dims[0]]
    free += [n for d, n in enumerate(a) if d not in (*dims[0], *dims[2])]
    free += [n for d, n in enumerate(b) if d not in (*dims[1], *dims[3])]
    left, right, out = ("".join(letters[n] for n in part) for part in (a, b, free))
    return np.asarray(np.einsum(f"{left},{right}->{out}", x, y))


def of(
    what: str,
    x: np.ndarray,
    y: np.ndarray,
    dims: tuple[Dims, Dims, Dims, Dims],
    result: str,
    extra: str = "",
) -> Case:
    widest = _exact(result)
    numbers = product(wide(x).astype(widest), wide(y).astype(widest), dims)
    names = ("lhs_batching_dimensions", "rhs_batching_dimensions", "lhs_contracting_dimensions", "rhs_contracting_dimensions")  # fmt: skip
    parts = [f"{name} = {list(v)}" for name, v in zip(names, dims, strict=True) if v]
    with np.errstate(all="ignore"):
        expected = numbers.astype(dtype(result)) if dtype(result).kind in "biu" else numbers
    made = np.empty(numbers.shape, dtype(result))
    case = one_op(
        f"dot_general/{what}",
        [x, y],
        [made],
        f"dot_dimension_numbers = #stablehlo.dot<{', '.join(parts)}>{extra}",
    )
    scale = float(np.abs(numbers).max(initial=0))
    # A sum of nothing but zeros may have either sign.
    signed = (np.where(expected == 0, -expected, expected),) if expected.dtype.kind in "fc" else ()
    floor = _eps(result) * scale
    ulps = 4 if dtype(result).itemsize > 2 else 1  # summed in float32, and then rounded
    return replace(case, expected=(expected,), ulps=ulps, floor=floor, flushed=signed)


def _exact(result: str) -> str:
    kind = dtype(result).kind
    return {"b": "bool", "i": "int64", "u": "uint64", "c": "complex128"}.get(kind, "float64")


def _eps(name: str) -> float:
    kind = np.zeros(0, dtype(name)).real.dtype
    sum_ = kind if kind.itemsize > 2 else np.dtype("float32")
    return 0.0 if kind.kind in "biu" else float(ml_dtypes.finfo(sum_).eps)


def cases() -> Iterator[Case]:
    for what, (left, right, dims) in FORMS.items():
        for kind in ("float32", "int32"):
            yield of(f"{what}, {kind}", sample(left, kind), sample(right, kind, 1), dims, kind)
    left, right, dims = FORMS["batch"]
    empty = FORMS["nothing to sum"]
    for kind in EVERY:
        yield of(f"of {kind}", sample(left, kind), sample(right, kind, 1), dims, kind)
        yield of(f"nothing to sum of {kind}", sample(empty[0], kind), sample(empty[1], kind), empty[2], kind)  # fmt: skip
    for kind in ("float16", "bfloat16"):
        x, y = (np.abs(sample((4096,), kind, n)) for n in range(2))
        yield of(f"long, {kind}", x, y, FORMS["vectors"][2], kind)
        yield of(f"long rows, {kind}", x[None], y[:, None], FORMS["matrices"][2], kind)
    yield from mixed()
    yield from converted()
    yield from dots()


MIXED = [
    ("bfloat16", "bfloat16", "float32"), ("float16", "float16", "float32"), ("int8", "int8", "int32"),
    ("uint8", "uint8", "int32"), ("uint8", "uint8", "uint32"), ("int16", "int16", "int32"), ("int8", "int8", "float32"),
    ("int32", "int32", "int64"), ("float32", "float32", "float64"), ("int8", "int8", "int16"),
    ("float8_e4m3fn", "float8_e4m3fn", "float32"), ("float8_e5m2", "float8_e5m2", "float32"),
    ("float8_e4m3fn", "float8_e4m3fn", "float8_e4m3fn"),
]  # fmt: skip


def mixed() -> Iterator[Case]:
    for form in ("matrices", "batch", "matrix times transposed", "larger"):
        left, right, dims = FORMS[form]
        for a, b, result in MIXED:
            x, y = sample(left, a), sample(right, b, 1)
            if dtype(a).kind == "u":
                x = x + np.array(200, x.dtype)  # which would be negative with a sign
            if result.startswith("float8"):
                x, y = (v.astype("float32") / 8 for v in (x, y))
                x, y = x.astype(dtype(a)), y.astype(dtype(b))
            yield of(f"{a} to {result}, {form}", x, y, dims, result)
    precise = ", precision_config = [#stablehlo<precision HIGHEST>, #stablehlo<precision HIGHEST>]"
    yield of("highest precision", sample((3, 5)), sample((5, 4)), ((), (), (1,), (0,)), "float32", precise)  # fmt: skip
    algorithm = (
        ", algorithm = #stablehlo.dot_algorithm<lhs_precision_type = tf32, rhs_precision_type = tf32, "
        "accumulation_type = f32, lhs_component_count = 1, rhs_component_count = 1, "
        "num_primitive_operations = 1, allow_imprecise_accumulation = false>"
    )
    yield of("with an algorithm", sample((3, 5)), sample((5, 4)), ((), (), (1,), (0,)), "float32", algorithm)  # fmt: skip


CONVERTED = [
    ("bool", "float32"), ("bool", "int32"), ("int8", "float32"), ("uint8", "float32"), ("uint8", "float16"),
    ("uint8", "int32"), ("uint8", "uint16"), ("uint16", "float32"), ("uint16", "int64"), ("uint32", "float64"),
    ("uint32", "uint64"),
]  # fmt: skip


def converted() -> Iterator[Case]:
    """Operands of a narrower type that is made wide just before."""
    for form, (narrow, result) in product_of(("matrices", "batch", "batch of rows"), CONVERTED):
        left, right, dims = FORMS[form]
        x, y = sample(left, narrow), sample(right, result, 1)
        if dtype(narrow).kind == "u":
            x = x + np.array(2 ** (8 * x.itemsize - 1), x.dtype)
        if result == "float16":
            y = y / y.dtype.type(64)
        case = of(f"{narrow} converted to {result}, {form}", x.astype(result), y, dims, result)
        given, made = tensor(left, narrow), tensor(left, result)
        text = case.text.replace(f"%0: {made}", f"%0: {given}", 1)
        text = text.replace("\n", f"\n%w = stablehlo.convert %0 : ({given}) -> {made}\n", 1)
        yield replace(case, text=text.replace("(%0, %1)", "(%w, %1)"), arguments=(x, y))


def dots() -> Iterator[Case]:
    """The older op: the last dimension with the first."""
    for left, right in [((3, 5), (5, 4)), ((5,), (5, 4)), ((3, 5), (5,)), ((5,), (5,)), ((3, 0), (0, 4))]:  # fmt: skip
        for kind in ("float32", "float64", "int32", "complex64", "bfloat16"):
            x, y = sample(left, kind), sample(right, kind, 1)
            made = np.asarray(wide(x) @ wide(y)).astype(kind if kind != "bfloat16" else dtype(kind))
            yield one_op(f"dot/{left} {right} {kind}", [x, y], [made], ulps=4)
