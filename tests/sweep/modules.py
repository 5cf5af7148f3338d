"""Programs of one op with regions and attributes, and programs that JAX writes.

Expected values come from NumPy by definition, or from JAX with every float in double precision.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from tests.sweep.case import EXACT, Case
from tests.sweep.programs import program, tensor
from tests.sweep.values import ALL, dtype
from tests.transforms.harness import lower

EVERY = tuple(name for name in ALL if not name.startswith("float8"))


def sample(shape: Sequence[int], name: str = "float32", seed: int = 0) -> np.ndarray:
    """Quarters between ±8 of a type, small integers, fair Booleans: sums of few are exact."""
    random = np.random.default_rng([seed, *shape])
    kind = dtype(name)
    if name == "bool":
        return random.random(shape) < 0.5
    if kind.kind in "iu":
        return random.integers(-9 if kind.kind == "i" else 0, 10, shape).astype(kind)
    values = random.integers(-32, 33, shape) / 4
    if kind.kind == "c":
        values = values + 1j * random.integers(-32, 33, shape) / 4
    return values.astype(kind)


def wide(array: np.ndarray) -> np.ndarray:
    """Floats in double precision; integers and Booleans as they are."""
    if array.dtype.kind in "biu":
        return array
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)


def type_of(array: np.ndarray) -> str:
    """`tensor<2x3xf32>`."""
    return tensor(array.shape, array.dtype.name)


def numbers(values: Sequence[int]) -> str:
    """`array<i64: 1, 2>`."""
    return f"array<i64: {', '.join(map(str, values))}>" if len(values) else "array<i64>"


def pairs(rows: Sequence[Sequence[int]]) -> str:
    """`dense<[[1, 2]]> : tensor<1x2xi64>`."""
    listed = [list(map(int, row)) for row in rows]
    return f"dense<{listed or ''}> : tensor<{len(listed)}x2xi64>"


def flag(value: bool) -> str:
    """`true` or `false`."""
    return str(bool(value)).lower()


def case(
    name: str,
    inputs: Sequence[np.ndarray],
    outputs: Sequence[np.ndarray],
    body: str,
    *,
    ulps: float = EXACT,
    floor: float = 0.0,
) -> Case:
    """A case whose `body` makes `%r` of `%0, %1 …`; the outputs are of the results' types."""
    text = program(inputs, body, *map(type_of, outputs))
    names = tuple(y.dtype.name for y in outputs)
    return Case(name, text, tuple(inputs), tuple(outputs), names, ulps, floor)


def one_op(
    name: str,
    inputs: Sequence[np.ndarray],
    outputs: Sequence[np.ndarray],
    attributes: str = "",
    regions: Sequence[str] = (),
    *,
    ulps: float = EXACT,
    floor: float = 0.0,
) -> Case:
    """A case `op/what` of that StableHLO op."""
    operands = ", ".join(f"%{i}" for i in range(len(inputs)))
    types = ", ".join(map(type_of, inputs))
    made = ", ".join(map(type_of, outputs))
    region = f" ({', '.join(regions)})" if regions else ""
    count = f":{len(outputs)}" if len(outputs) > 1 else ""
    op = f'"stablehlo.{name.partition("/")[0]}"'
    body = f"%r{count} = {op}({operands}){region} {{{attributes}}} : ({types}) -> ({made})"
    return case(name, inputs, outputs, body, ulps=ulps, floor=floor)


def traced(
    name: str,
    function: Callable[..., Any],
    *arrays: np.ndarray,
    reference: Callable[..., Any] | None = None,
    ulps: float = EXACT,
    floor: float = 0.0,
) -> Case:
    """A case of what JAX makes of `function`; `reference`, or it, on wide arrays says the results.

    Results of a type of their own, integers above all, are the same on wide arrays.
    """
    shapes = jax.tree.leaves(jax.eval_shape(function, *arrays))
    wider = jax.tree.leaves((reference or function)(*(jnp.asarray(wide(a)) for a in arrays)))
    outputs = tuple(np.asarray(leaf) for leaf in wider)
    names = tuple(shape.dtype.name for shape in shapes)
    return Case(name, lower(function, *arrays), arrays, outputs, names, ulps, floor)


# --- regions ---------------------------------------------------------------------------------


def block(names: Sequence[str], ops: str, returned: Sequence[str]) -> str:
    """A region; arguments and results are spelled `a:float32`."""
    typed = [(n.partition(":")[0], tensor((), n.partition(":")[2])) for n in (*names, *returned)]
    arguments = ", ".join(f"%{n}: {t}" for n, t in typed[: len(names)])
    values = ", ".join(f"%{n}" for n, _ in typed[len(names) :])
    types = ", ".join(t for _, t in typed[len(names) :])
    return f"{{ ^bb0({arguments}):\n{ops}\nstablehlo.return {values} : {types} }}"


def combine(op: str, name: str) -> str:
    """A region of one binary op; `first` and `second` return an argument."""
    arguments = [f"a:{name}", f"b:{name}"]
    if op in ("first", "second"):
        return block(arguments, "", [f"{'a' if op == 'first' else 'b'}:{name}"])
    return block(arguments, f"%c = stablehlo.{op} %a, %b : {tensor((), name)}", [f"c:{name}"])


def before(direction: str, *names: str, key: int = 0, kind: str = "") -> str:
    """A comparator of sort that compares the operands number `key`."""
    arguments = [f"{side}{i}:{name}" for i, name in enumerate(names) for side in "ab"]
    type_ = tensor((), names[key])
    compared = f"stablehlo.compare {direction}, %a{key}, %b{key}{', ' + kind if kind else ''}"
    return block(arguments, f"%c = {compared} : ({type_}, {type_}) -> tensor<i1>", ["c:bool"])


FOLDS: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda a, b: a + b,
    "multiply": lambda a, b: a * b,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
    "subtract": lambda a, b: a - b,
    "first": lambda a, b: a,
    "second": lambda a, b: b,
}
"""What the binary ops of regions do, in NumPy; sums of Booleans are disjunctions."""
