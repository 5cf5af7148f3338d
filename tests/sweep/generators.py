"""Ops that make numbers from none: constant, iota, random bits and random numbers."""

from collections.abc import Iterator

import numpy as np

from tests.sweep.case import Case
from tests.sweep.programs import constant, program, tensor, type_of
from tests.sweep.values import ALL, FLOATS, INTEGERS, SMALL_FLOATS, dtype, edges, every
from tests.sweep.xla import run_text

Array = np.ndarray

ALGORITHMS = ("THREE_FRY", "PHILOX", "DEFAULT")
SHAPES = ((), (1,), (7,), (4, 6), (3, 5), (1000,), (2, 3, 4))


def cases() -> Iterator[Case]:
    for name in ALL:
        x = every(name) if name in SMALL_FLOATS else edges(name)
        for what, value in {
            "elements": x,
            "one": x[-2:-1].reshape(()),
            "same": np.full(5, x[1]),
        }.items():
            text = program([], f"%r = {constant(value)}", type_of(value))
            yield Case(f"constant/{name}/{what}", text, (), (value,), (name,))
        if name == "bool":
            continue
        for shape, along in (((9,), 0), ((2, 3, 4), 1), ((300, 2), 0)):
            if dtype(name).itemsize == 1 and max(shape) > 127:
                continue
            counted = np.arange(shape[along]).reshape(
                [-1 if d == along else 1 for d in range(len(shape))]
            )
            out = tensor(shape, name)
            text = program([], f"%r = stablehlo.iota dim = {along} : {out}", out)
            expected = np.broadcast_to(counted, shape).astype(dtype(name))
            yield Case(f"iota/{name}/{shape} along {along}", text, (), (expected,), (name,))
    yield from _bits()
    yield from _rng()


def _bits() -> Iterator[Case]:
    for kind in ALGORITHMS:
        for words in (2, 3):
            if kind == "THREE_FRY" and words == 3:
                continue
            for name in (*INTEGERS, *FLOATS):
                yield _bits_of(kind, words, name, (4, 6))
            for shape in SHAPES:
                if shape != (4, 6):
                    yield _bits_of(kind, words, "uint32", shape)
            yield _bits_of(kind, words, "uint64", (7,))
            yield _bits_of(kind, words, "uint8", (7,))
            yield _bits_of(kind, words, "uint16", (3, 5))
    yield _bits_of("PHILOX", 3, "uint32", (40,), start=2**64 - 3)
    yield _bits_of("THREE_FRY", 2, "uint32", (40,), start=2**32 - 3)


def _bits_of(kind: str, words: int, name: str, shape: tuple[int, ...], start: int = 9) -> Case:
    """Bits are those of XLA for unsigned integers of the width; other types are the same bits."""
    raw = f"uint{8 * dtype(name).itemsize}"
    state = np.array([0x123456789ABCDEF0, start, 77], np.uint64)[:words]
    what = f"{kind} {words} words {name} {list(shape)}" + (f" from {start}" if start != 9 else "")
    return Case(
        f"rng_bit_generator/{what}",
        _generator(kind, state, name, shape),
        (state,),
        tuple(run_text(_generator(kind, state, raw, shape), state)),
        ("uint64", raw),
    )


def _generator(kind: str, state: Array, name: str, shape: tuple[int, ...]) -> str:
    """A program that returns the state after, and the bits as unsigned integers."""
    raw = f"uint{8 * dtype(name).itemsize}"
    old, made, out = type_of(state), tensor(shape, name), tensor(shape, raw)
    call = f"stablehlo.rng_bit_generator %0, algorithm = {kind} : ({old}) -> ({old}, {made})"
    if raw == name:
        return program([state], f"%r0, %r1 = {call}", old, out)
    cast = f"%r1 = stablehlo.bitcast_convert %b : ({made}) -> {out}"
    return program([state], f"%r0, %b = {call}\n{cast}", old, out)


def _rng() -> Iterator[Case]:
    """Numbers whose state nobody sees: a program has none, so it is refused."""
    for law in ("UNIFORM", "NORMAL"):
        for name in ("float32", "float64", "int32"):
            if law == "NORMAL" and name == "int32":
                continue
            ends = [np.array(n).astype(dtype(name)) for n in (0, 4)]
            of, out = tensor((), name), tensor((8,), name)
            body = (
                "%s = stablehlo.constant dense<8> : tensor<1xi64>\n"
                f"%r = stablehlo.rng %0, %1, %s, distribution = {law} : "
                f"({of}, {of}, tensor<1xi64>) -> {out}"
            )
            text = program(ends, body, out)
            nothing = np.zeros(8, dtype(name))
            what = f"rng/{law} {name}"
            yield Case(what, text, tuple(ends), (nothing,), (name,), refusal="S0302")
