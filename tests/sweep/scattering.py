"""Scatter: every combiner, windows inside, outside and astride the border, several operands."""

from collections.abc import Iterator, Sequence

import numpy as np

from tests.sweep.case import Case
from tests.sweep.definitions import scatter
from tests.sweep.gathering import FORMS, HOSTILE, Shapes, places
from tests.sweep.modules import EVERY, FOLDS, block, combine, flag, one_op, sample
from tests.sweep.programs import tensor
from tests.sweep.values import COMPLEX

SET = "second"


def updates(form: Shapes, kind: str = "float32", seed: int = 7) -> np.ndarray:
    """Updates of the shape that a gather of this form has."""
    _, dims, sizes, shape = form
    dropped = {*dims.collapsed, *dims.batching}
    window = [n for d, n in enumerate(sizes) if d not in dropped]
    return sample(dims.laid_out(np.empty(shape), window), kind, seed)


def of(
    what: str,
    form: Shapes,
    x: np.ndarray,
    indices: np.ndarray,
    y: np.ndarray,
    fold: str = "add",
    *,
    ordered: bool = False,
    unique: bool = False,
) -> Case:
    dims = form[1]
    with np.errstate(all="ignore"):
        expected = scatter([x], indices, [y], dims, FOLDS[fold])
    attributes = (
        f"scatter_dimension_numbers = {dims.of_scatter()}, "
        f"indices_are_sorted = {flag(ordered)}, unique_indices = {flag(unique)}"
    )
    region = combine(fold, x.dtype.name)
    return one_op(f"scatter/{what}", [x, indices, y], expected, attributes, [region])


def permuted(form: Shapes, seed: int) -> np.ndarray:
    """Index vectors no two of which are the same, some of them outside."""
    _, dims, _, shape = form
    count = int(np.prod(shape)) // max(len(dims.start), 1)
    vectors = np.random.default_rng(seed).permutation(64)[:count]
    columns = [(vectors // 8) - 1, (vectors % 8) - 1][: len(dims.start)]
    return np.stack(columns, -1).reshape(shape).astype(np.int32) if columns else np.zeros(shape, np.int32)  # fmt: skip


def cases() -> Iterator[Case]:
    for seed, (name, form) in enumerate(FORMS.items()):
        x, y = sample(form[0]), updates(form)
        for low, high, word in ((0, 3, "inside"), (-3, 8, "anywhere")):
            yield of(f"add {name} {word}", form, x, places(form, seed, low, high), y)
        if name not in ("points of a cube", "everything") and not name.startswith("no index dims"):
            yield of(f"set {name}", form, x, places(form, seed, -2, 7), y, SET)
    yield from combiners()
    yield from hostile()
    yield from several()


def combiners() -> Iterator[Case]:
    rows, points, windows = (FORMS[n] for n in ("rows", "points", "windows"))
    folds = ("add", "multiply", "maximum", "minimum", SET, "subtract", "first")
    for kind in EVERY:
        logic = ("and", "or", "xor") if sample((), kind).dtype.kind in "biu" else ()
        for fold in (*folds, *logic):
            if (kind == "bool" and fold == "subtract") or (
                kind in COMPLEX and fold in ("maximum", "minimum")
            ):
                continue
            form = points if fold in ("add", SET) else rows
            y = updates(form, kind)
            yield of(f"{fold} of {kind}", form, sample(form[0], kind), places(form, 3), y, fold)  # fmt: skip
    for kind in ("bool", "bfloat16", "int8", "complex64", "float64"):
        for fold in ("add", SET):
            y = updates(windows, kind)
            yield of(f"{fold} windows of {kind}", windows, sample((5, 4), kind), places(windows, 4), y, fold)  # fmt: skip
    for form, word in ((rows, "rows"), (windows, "windows")):
        y, inside = updates(form), np.sort(places(form, 5, 0, 2), axis=0)
        yield of(f"add {word}, sorted", form, sample(form[0]), inside, y, ordered=True)
    for form, word in ((rows, "rows"), (points, "points")):
        y = updates(form)
        yield of(f"set {word}, unique", form, sample(form[0]), permuted(form, 6), y, SET, unique=True)  # fmt: skip


def hostile() -> Iterator[Case]:
    for kind, values in HOSTILE.items():
        for name in ("rows", "elements", "windows", "points"):
            form = FORMS[name]
            given = np.resize(np.array([*values, 0, 1, 3], kind), form[3])
            yield of(f"add {name} at hostile {kind}", form, sample(form[0]), given, updates(form))  # fmt: skip


def several() -> Iterator[Case]:
    """Several operands at once, and bodies of several ops."""
    for name in ("rows", "points", "windows"):
        form = FORMS[name]
        kinds = ("float32", "int32")
        xs = [sample(form[0], kind) for kind in kinds]
        ys = [updates(form, kind) for kind in kinds]
        yield variadic(f"of two, {name}", form, xs, ys)
    form = FORMS["rows"]
    x, y, indices = sample(form[0]), updates(form), places(form, 8)
    body = """%k = stablehlo.constant dense<5.0e-1> : tensor<f32>
      %m = stablehlo.multiply %b, %k : tensor<f32>
      %c = stablehlo.add %a, %m : tensor<f32>"""
    region = block(["a:float32", "b:float32"], body, ["c:float32"])
    attributes = f"scatter_dimension_numbers = {form[1].of_scatter()}"
    expected = scatter([x], indices, [y], form[1], lambda a, b: a + b / 2)
    yield one_op("scatter/by a body of two ops", [x, indices, y], expected, attributes, [region])  # fmt: skip


def variadic(what: str, form: Shapes, xs: Sequence[np.ndarray], ys: Sequence[np.ndarray]) -> Case:
    kinds = [x.dtype.name for x in xs]
    names = [f"{side}{i}:{kind}" for side in "ab" for i, kind in enumerate(kinds)]
    ops = "\n".join(f"%c{i} = stablehlo.add %a{i}, %b{i} : {tensor((), kind)}" for i, kind in enumerate(kinds))  # fmt: skip
    region = block(names, ops, [f"c{i}:{kind}" for i, kind in enumerate(kinds)])
    indices = places(form, 9)
    expected = scatter(xs, indices, ys, form[1], FOLDS["add"])
    attributes = f"scatter_dimension_numbers = {form[1].of_scatter()}"
    return one_op(f"scatter/{what}", [*xs, indices, *ys], expected, attributes, [region])
