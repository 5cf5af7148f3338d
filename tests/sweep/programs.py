"""The text of programs of one op, and cases made of them."""

from collections.abc import Callable, Sequence

import numpy as np

from tests.sweep.case import EXACT, Case
from tests.sweep.values import dtype, flush_subnormals, spelled, wide

Array = np.ndarray


def tensor(shape: Sequence[int], name: str) -> str:
    """`tensor<2x3xf32>`."""
    return f"tensor<{''.join(f'{n}x' for n in shape)}{spelled(name)}>"


def program(arguments: Sequence[Array], body: str, *results: str) -> str:
    """A function `main` of `%0, %1 …`; `body` makes `%r`, or `%r:n` where it has n results."""
    given = ", ".join(f"%{i}: {tensor(a.shape, a.dtype.name)}" for i, a in enumerate(arguments))
    names = ["%r"] if len(results) == 1 else [f"%r#{i}" for i in range(len(results))]
    types = ", ".join(results)
    return f"func.func @main({given}) -> ({types}) {{\n{body}\nreturn {', '.join(names)} : {types}\n}}\n"


def one_op(op: str, arguments: Sequence[Array], result: str, attributes: str = "") -> str:
    """A program that is one op, in generic form."""
    operands = ", ".join(f"%{i}" for i in range(len(arguments)))
    types = ", ".join(tensor(a.shape, a.dtype.name) for a in arguments)
    shape = arguments[0].shape if arguments else ()
    out = tensor(shape, result)
    facts = f" <{{{attributes}}}>" if attributes else ""
    return program(arguments, f'%r = "{op}"({operands}){facts} : ({types}) -> {out}', out)


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
    flush: bool = True,
) -> Case:
    """A case of an op of one result, whose reference takes the arguments in a wider type.

    `flush` allows that subnormal arguments and results count as zeros.
    """
    name = result or arguments[0].dtype.name
    with np.errstate(all="ignore"):
        expected = np.asarray(reference(*map(wide, arguments)))
        zeroed = np.asarray(reference(*(wide(flush_subnormals(a)) for a in arguments)))
        flushed = flush_subnormals(zeroed, dtype(name))
    return Case(
        f"{op.partition('.')[2]}/{what}",
        one_op(op, arguments, name, attributes),
        tuple(arguments),
        (expected,),
        (name,),
        ulps,
        floor,
        (flushed,) if flush else (),
    )
