"""The text of programs of one op, and cases made of them."""

from collections.abc import Callable, Sequence

import numpy as np

from slopec import ir
from tests.sweep.case import EXACT, Case
from tests.sweep.values import dtype, flush_subnormals, spelled, wide

Array = np.ndarray


def tensor(shape: Sequence[int], name: str) -> str:
    """`tensor<2x3xf32>`."""
    return f"tensor<{''.join(f'{n}x' for n in shape)}{spelled(name)}>"


def type_of(array: Array) -> str:
    """The type of a tensor that holds an array."""
    return tensor(array.shape, array.dtype.name)


def program(arguments: Sequence[Array], body: str, *results: str) -> str:
    """A function `main` of `%0, %1 …`; `body` makes `%r`.

    Of several results it makes `%r:n`, by one op, or `%r0, %r1 …`, by several.
    """
    given = ", ".join(f"%{i}: {type_of(a)}" for i, a in enumerate(arguments))
    several = "%r#{}" if "%r:" in body else "%r{}"
    names = ["%r"] if len(results) == 1 else [several.format(i) for i in range(len(results))]
    types = ", ".join(results)
    return f"func.func @main({given}) -> ({types}) {{\n{body}\nreturn {', '.join(names)} : {types}\n}}\n"


def constant(array: Array) -> str:
    """The op that makes an array."""
    return f"stablehlo.constant {ir.dense(array)}"


def line(op: str, operands: Sequence[tuple[str, str]], out: str, attributes: str = "") -> str:
    """An op in generic form on operands, each a name and a type."""
    names, types = (", ".join(part) for part in zip(*operands, strict=True))
    facts = f" <{{{attributes}}}>" if attributes else ""
    return f'"{op}"({names}){facts} : ({types}) -> {out}'


def one_op(op: str, arguments: Sequence[Array], result: str, attributes: str = "") -> str:
    """A program that is one op, whose result is as large as the largest argument."""
    operands = [(f"%{i}", type_of(a)) for i, a in enumerate(arguments)]
    out = tensor(max((a.shape for a in arguments), key=len), result)
    return program(arguments, f"%r = {line(op, operands, out, attributes)}", out)


def short_name(op: str) -> str:
    """An op without its dialect, but for CHLO's namesakes of ops of StableHLO."""
    dialect, _, name = op.partition(".")
    return op if dialect == "chlo" and name == "tan" else name


def elementwise(
    op: str,
    what: str,
    arguments: Sequence[Array],
    reference: Callable[..., Array],
    *,
    result: str | None = None,
    attributes: str = "",
    ulps: float = EXACT,
    floor: float = 0.0,
    widened: bool = True,
) -> Case:
    """A case of an op of one result, whose reference takes the arguments in a wider type.

    That subnormal arguments and results count as zeros is right too. With `widened` false the
    reference takes the arguments as they are.
    """
    name = result or arguments[-1].dtype.name
    widen = wide if widened else np.asarray
    with np.errstate(all="ignore"):
        expected = np.asarray(reference(*map(widen, arguments)))
        zeroed = np.asarray(reference(*(widen(flush_subnormals(a)) for a in arguments)))
        flushed = flush_subnormals(zeroed, dtype(name))
    return Case(
        f"{short_name(op)}/{what}",
        one_op(op, arguments, name, attributes),
        tuple(arguments),
        (expected,),
        (name,),
        ulps,
        floor,
        (flushed,),
    )


def by_constants(
    op: str,
    what: str,
    x: Array,
    values: Sequence[float],
    reference: Callable[..., Array],
    *,
    swapped: bool = False,
    ulps: float = EXACT,
) -> Case:
    """A case of a binary op of one argument and each of several constants, second or first.

    Zeros have no sign here: x + 0 is simplified to x.
    """
    name, out = x.dtype.name, type_of(x)
    lines, expected, flushed = [], [], []
    for i, value in enumerate(values):
        given = np.full(x.shape, value, x.dtype)
        pair = [("%0", out), (f"%c{i}", out)]
        lines.append(f"%c{i} = {constant(given)}")
        lines.append(f"%r{i} = {line(op, pair[::-1] if swapped else pair, out)}")
        with np.errstate(all="ignore"):
            for results, data in ((expected, x), (flushed, flush_subnormals(x))):
                both = [wide(data), wide(given)]
                results.append(np.asarray(reference(*(both[::-1] if swapped else both))))
    text = program([x], "\n".join(lines), *[out] * len(values))
    names = (name,) * len(values)
    zeroed = tuple(flush_subnormals(y, x.dtype) for y in flushed)
    short = op.partition(".")[2]
    return Case(
        f"{short}/{what}", text, (x,), tuple(expected), names, ulps, flushed=zeroed, signs=False
    )
