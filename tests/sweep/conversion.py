"""convert between all pairs of element types, bitcast_convert, reduce_precision."""

from collections.abc import Iterator

import numpy as np
from jax import lax

from tests.sweep.case import Case
from tests.sweep.programs import elementwise, program, tensor, type_of
from tests.sweep.values import (
    ALL,
    FLOATS,
    INTEGERS,
    SMALL_FLOATS,
    dtype,
    edges,
    every,
    flush_subnormals,
    magnitudes,
    subnormals,
)  # fmt: skip
from tests.sweep.xla import xla

Array = np.ndarray


def cases() -> Iterator[Case]:
    for given in ALL:
        for name in ALL:
            if given != name:
                yield elementwise(
                    "stablehlo.convert",
                    f"{given} to {name}",
                    [_arguments(given)],
                    lambda x, name=name: _converted(x, name),
                    result=name,
                )
    yield from _chains()
    yield from _counted()
    yield from _bitcasts()
    yield from _of_pairs()
    yield from _reduced()


def _arguments(name: str) -> Array:
    """Ends, halves, powers of two and their neighbours, which are the ends of other types."""
    kind = dtype(name)
    if name in SMALL_FLOATS:
        return every(name)
    if kind.kind in "iub":
        more = [
            n for k in (7, 8, 11, 15, 16, 24, 31, 32, 53, 63) for n in (2**k - 1, 2**k, 2**k + 1)
        ]
        more += [-n for n in more]
        more += [
            m * 2**k + d for m in (3, 257, 2049) for k in (8, 16, 22, 40, 50) for d in (-1, 0, 1)
        ]
        if name == "bool":
            return edges(name)
        ends = np.iinfo(kind)
        return np.concatenate(
            [edges(name), np.array([n for n in more if ends.min <= n <= ends.max], kind)]
        )
    powers = 2.0 ** np.array([7, 8, 15, 16, 24, 31, 32, 53, 63, 64])
    # Beside ties of narrower types, by less than float32 shows.
    ties = np.array([1 + 2.0**-k for k in (3, 4, 8, 9, 11, 12, 24, 25)])
    ties = np.concatenate([ties, ties + 2.0**-40, ties - 2.0**-40, ties * 3 + 2.0**-45])
    halves = np.array(
        [0.4, 0.5, 0.6, 1.5, 2.5, 448, 464, 465, 57344, 61440, 61441, 65504, 65519, 65520]
    )
    if kind.kind == "c":
        x = np.concatenate([edges("float32"), halves, powers, -powers])
        made = np.empty(x.size, kind)
        made.real, made.imag = x, np.roll(x, 7)
        return made
    with np.errstate(all="ignore"):
        sizes = np.concatenate([powers, powers - 1, powers + 1, halves, ties])
        sizes = np.concatenate([sizes, -sizes]).astype(kind)
        return np.concatenate([edges(name), sizes, subnormals(name), magnitudes(name, 32)])


def _converted(x: Array, name: str) -> Array:
    """The nearest float; the whole part, or the nearest integer there is, 0 for NaN; nonzero."""
    kind = dtype(name)
    if kind.kind == "b":
        return x != 0
    if kind.kind in "iu":
        real = x.real if x.dtype.kind == "c" else x
        return real.astype(kind) if real.dtype.kind in "iub" else _whole(real, kind)
    if kind.kind == "c":
        return x.astype(np.clongdouble) if x.dtype.kind != "c" else x
    real = x.real if x.dtype.kind == "c" else x
    return real.astype(np.longdouble)


def _whole(x: Array, kind: np.dtype) -> Array:
    low, high = (int(n) for n in (np.iinfo(kind).min, np.iinfo(kind).max))
    numbers = [0 if np.isnan(v) else high if v >= high else low if v <= low else int(v) for v in x]
    return np.array(numbers, kind)


def _chains() -> Iterator[Case]:
    """Two conversions in a row, of which the first must not be left out."""
    for first, middle, last in (
        ("float32", "int8", "float32"), ("float64", "float32", "float64"), ("int32", "int8", "int32"),
        ("int64", "float32", "int64"), ("int32", "float32", "bfloat16"), ("float32", "bool", "float32"),
        ("bool", "float32", "bfloat16"), ("float32", "bfloat16", "float32"), ("float64", "float16", "float64"), ("uint8", "int8", "int32"),
    ):  # fmt: skip
        x = _arguments(first)
        steps = [type_of(x), tensor(x.shape, middle), tensor(x.shape, last)]
        body = (
            f"%m = stablehlo.convert %0 : ({steps[0]}) -> {steps[1]}\n"
            f"%r = stablehlo.convert %m : ({steps[1]}) -> {steps[2]}"
        )
        with np.errstate(all="ignore"):
            expected, zeroed = (_through(v, middle, last) for v in (x, flush_subnormals(x)))
            flushed = flush_subnormals(zeroed, dtype(last))
        name = f"convert/{first} to {middle} to {last}"
        text = program([x], body, steps[2])
        yield Case(name, text, (x,), (expected,), (last,), flushed=(flushed,))


def _counted() -> Iterator[Case]:
    """Conversions of numbers that are made in the program, directly and moved."""
    for name in ("bfloat16", "float16", "float8_e4m3fn", "int8"):
        out, wide = tensor((6, 3), name), tensor((6, 3), "float32")
        body = (
            f"%i = stablehlo.iota dim = 0 : {tensor((6,), 'int32')}\n"
            f"%f = stablehlo.convert %i : ({tensor((6,), 'int32')}) -> {tensor((6,), 'float32')}\n"
            f"%b = stablehlo.broadcast_in_dim %f, dims = [0] : ({tensor((6,), 'float32')}) -> {wide}\n"
            f"%c = stablehlo.convert %b : ({wide}) -> {out}\n"
            f"%r = stablehlo.add %c, %0 : {out}"
        )
        x = np.ones((6, 3)).astype(dtype(name))
        expected = np.broadcast_to(np.arange(6.0)[:, None], (6, 3)) + 1
        yield Case(f"convert/iota to {name}", program([x], body, out), (x,), (expected,), (name,))


def _through(x: Array, middle: str, last: str) -> Array:
    """Converted twice. NumPy rounds extended precision to the narrow types in two steps."""
    between = _converted(x, middle)
    if dtype(middle).kind == "f":
        between = between.astype(np.float64)
    return _converted(between.astype(dtype(middle)), last)


def _bitcasts() -> Iterator[Case]:
    plain = (*INTEGERS, *SMALL_FLOATS, *FLOATS)
    for given in plain:
        for name in plain:
            ratio = dtype(given).itemsize / dtype(name).itemsize
            if given == name or ratio not in (1, 2, 0.5, 4, 0.25):
                continue
            x = _bits(given)
            x = x[: x.size // 8 * 8].reshape(-1, int(max(1, 1 / ratio)))
            x = x if ratio < 1 else x.reshape(-1)
            bits = np.ascontiguousarray(x).view(dtype(name))
            shape = (*x.shape, int(ratio)) if ratio > 1 else x.shape[:-1] if ratio < 1 else x.shape
            expected = bits.reshape(shape)
            # What is compared are the bits, so NaNs count too.
            raw = f"uint{8 * dtype(name).itemsize}"
            middle, out = tensor(shape, name), tensor(shape, raw)
            body = f"%m = stablehlo.bitcast_convert %0 : ({type_of(x)}) -> {middle}\n"
            if raw == name:
                body = body.replace("%m", "%r")
            else:
                body += f"%r = stablehlo.bitcast_convert %m : ({middle}) -> {out}"
            yield Case(
                f"bitcast_convert/{given} to {name}",
                program([x], body, out),
                (x,),
                (expected.view(raw),),
                (raw,),
            )


def _of_pairs() -> Iterator[Case]:
    """Between complex numbers of both widths; every second has a part of ordinary size."""
    one = (np.arange(1.0, 13.0) + 1j * np.arange(-6.0, 6.0)).astype("complex64")
    for x, name in ((one, "complex128"), (one.astype("complex128"), "complex64")):
        given = x.reshape(-1, 2) if name == "complex128" else x
        expected = given.view(name)
        shape = given.shape[:-1] if name == "complex128" else (*given.shape, 2)
        expected = expected.reshape(shape)
        body = f"%r = stablehlo.bitcast_convert %0 : ({type_of(given)}) -> {type_of(expected)}"
        made = program([given], body, type_of(expected))
        yield Case(f"bitcast_convert/{x.dtype} to {name}", made, (given,), (expected,), (name,))


def _bits(name: str) -> Array:
    kind = dtype(name)
    raw = np.random.default_rng(0).integers(0, 256, 64 * kind.itemsize, np.uint8)
    return raw.view(kind)


def _reduced() -> Iterator[Case]:
    for name in FLOATS:
        x = np.concatenate([_arguments(name), magnitudes(name, 64)])
        for exponent, mantissa in (
            (8, 23),
            (8, 7),
            (5, 10),
            (5, 2),
            (4, 3),
            (11, 52),
            (2, 1),
            (8, 0),
            (6, 9),
        ):
            reference = xla(lambda v, e=exponent, m=mantissa: lax.reduce_precision(v, e, m))
            facts = f"exponent_bits = {exponent} : i32, mantissa_bits = {mantissa} : i32"
            yield elementwise(
                "stablehlo.reduce_precision",
                f"{name}/e{exponent}m{mantissa}",
                [x],
                lambda v, f=reference, name=name: f(v.astype(dtype(name))),
                attributes=facts,
                widened=False,
            )
