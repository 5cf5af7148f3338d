"""Every op on a batch: the batched function gives what a loop over the batch gives.

The cases are those of the derivatives, whose functions are batched by every argument alone and by
all of them; so are their reverse derivatives.
"""

import numpy as np
import pytest

from slopec import ir, reference
from slopec.diagnostics import TransformError
from slopec.transforms.derive import derive
from slopec.transforms.function import declare_vjp, declare_vmap, differentiable
from tests.transforms.cases import every
from tests.transforms.harness import close, random, traced_of

CASES = every()
SIZE = 3
REFUSED = {"window: max from a value", "window: sum from a value"}


def members(array: np.ndarray, seed: int) -> list[np.ndarray]:
    """Variations of an argument: nudged floats, and permuted others, which stay in range."""
    generator = np.random.default_rng(seed)
    array = np.asarray(array)
    found = [array]
    for _ in range(SIZE - 1):
        if array.dtype.kind in "fc" and array.dtype.itemsize >= 4:
            found.append((array * generator.uniform(0.9, 1.1)).astype(array.dtype))
        else:
            found.append(generator.permutation(array.ravel()).reshape(array.shape))
    return found


def subsets(count: int) -> list[tuple[bool, ...]]:
    alone = [tuple(i == j for j in range(count)) for i in range(count)]
    return [*alone, (True,) * count] if count > 1 else alone


def agrees(module: ir.Module, symbol: str, inputs, flags, tolerance=1e-6) -> None:
    """Compare the batched form of a function with the function itself on each member."""
    of = traced_of(module, symbol)
    vmapped, _ = declare_vmap(module, of, flags, SIZE)
    derive(module)
    ir.verify(module)
    lanes = [
        members(x, seed) if flag else [x] * SIZE
        for seed, (x, flag) in enumerate(zip(inputs, flags, strict=True))
    ]
    given = [np.stack(lane) if flag else lane[0] for lane, flag in zip(lanes, flags, strict=True)]
    got = reference.evaluate(module, vmapped, *given)
    each = [reference.evaluate(module, symbol, *(lane[i] for lane in lanes)) for i in range(SIZE)]
    for result, wanted in zip(got, zip(*each, strict=True), strict=True):
        close(result, np.stack(wanted), tolerance)


@pytest.mark.parametrize("name", CASES)
def test_case(name):
    case = CASES[name]
    if name in REFUSED:
        with pytest.raises(TransformError, match="S0213"):
            agrees(ir.parse(case.text), "main", case.inputs, [True] * len(case.inputs))
        return
    for flags in subsets(len(case.inputs)):
        agrees(ir.parse(case.text), "main", case.inputs, flags)


DERIVED = [
    name
    for name, case in CASES.items()
    if name not in REFUSED and (case.wrt is None or case.wrt) and case.order == 2
]


@pytest.mark.parametrize("name", DERIVED)
def test_derivative(name):
    """Batching the reverse derivative, and the reverse derivative of what is batched."""
    case = CASES[name]
    module = ir.parse(case.text)
    main = traced_of(module, "main")
    wrt = differentiable(main.inputs) if case.wrt is None else list(case.wrt)
    out = differentiable(main.outputs)
    reverse, _ = declare_vjp(module, main, wrt, out)
    seeds = random([main.outputs[i] for i in out], 1)
    inputs = [*case.inputs, *seeds]
    agrees(module, reverse, inputs, [True] * len(inputs))
    vmapped, _ = declare_vmap(module, main, [True] * len(case.inputs), SIZE)
    outer, _ = declare_vjp(module, traced_of(module, vmapped), wrt, out)
    derive(module)
    lanes = [members(x, seed) for seed, x in enumerate(inputs)]
    got = reference.evaluate(module, outer, *(np.stack(lane) for lane in lanes))
    each = [reference.evaluate(module, reverse, *(lane[i] for lane in lanes)) for i in range(SIZE)]
    for result, wanted in zip(got, zip(*each, strict=True), strict=True):
        close(result, np.stack(wanted), 1e-6)
