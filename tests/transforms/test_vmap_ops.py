"""Every op on a batch: the batched function gives what a loop over the batch gives.

The cases are those of the derivatives, whose functions are batched by every argument alone and by
all of them; so are their reverse derivatives.
"""

import numpy as np
import pytest

import slopec as sp
from slopec import hlo, ir, reference
from slopec.diagnostics import TransformError
from slopec.dialects import chlo, stablehlo
from slopec.transforms.batch_rule import batch_rules
from slopec.transforms.derive import derive
from slopec.transforms.function import declare_vjp, declare_vmap, differentiable
from slopec.transforms.rule import rewrites
from tests.transforms.cases import every
from tests.transforms.harness import close, parsed, random, traced_of

CASES = every()
SIZE = 3
REFUSED = {"window: max from a value", "window: sum from a value"}


def members(array: np.ndarray, seed: int) -> list[np.ndarray]:
    """Variations of an argument: nudged floats, other places, and permuted others, which stay in range."""
    generator = np.random.default_rng(seed)
    array = np.asarray(array)
    found = [array]
    for i in range(1, SIZE):
        if array.ndim == 0 and array.dtype.kind in "iu":
            found.append((array + i).astype(array.dtype))
        elif array.dtype.kind in "fc" and array.dtype.itemsize >= 4:
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
            agrees(parsed(case.text), "main", case.inputs, [True] * len(case.inputs))
        return
    for flags in subsets(len(case.inputs)):
        agrees(parsed(case.text), "main", case.inputs, flags)


DERIVED = [
    name
    for name, case in CASES.items()
    if name not in REFUSED and (case.wrt is None or case.wrt) and case.order == 2
]


@pytest.mark.parametrize("name", DERIVED)
def test_derivative(name):
    """Batching the reverse derivative, and the reverse derivative of what is batched."""
    case = CASES[name]
    module = parsed(case.text)
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


PLACES = np.array([[0, 3], [2, -1], [9, 1]], np.int32)
"""Start indices, some of which are moved so that the window lies inside."""


@pytest.mark.parametrize("flags", [(True, True), (False, True), (True, False)])
def test_windows_at_places_of_their_own(flags):
    x = np.arange(3 * 5 * 6, dtype=np.float64).reshape(3, 5, 6)
    operand, places = x if flags[0] else x[0], PLACES if flags[1] else PLACES[0]

    def take(x, p):
        return hlo.dynamic_slice(x, [p[0], p[1]], (2, 3))

    def put(x, p):
        window = hlo.full((2, 3), -1.0, x.dtype)
        return hlo.dynamic_update_slice(x, window, [p[0], p[1]])

    axes = tuple(0 if flag else None for flag in flags)
    for f in (take, put):
        got = sp.vmap(f, in_axes=axes)(operand, places).numpy()
        each = [
            f(sp.tensor(x[i] if flags[0] else x[0]), sp.tensor(PLACES[i if flags[1] else 0]))
            for i in range(SIZE)
        ]
        np.testing.assert_array_equal(got, np.stack([y.numpy() for y in each]))


def test_folds_that_begin_with_a_value_of_their_own():
    x = np.arange(24.0).reshape(3, 2, 4)
    inits = np.array([1.0, 50.0, -2.0])

    got = sp.vmap(lambda x, init: hlo.reduce(x, init, "maximum", [0, 1]))(x, inits)
    same = sp.vmap(lambda init: hlo.reduce(sp.tensor(x), init, "add", [1]))(inits)

    np.testing.assert_array_equal(got.numpy(), np.maximum(x.max((1, 2)), inits))
    np.testing.assert_array_equal(same.numpy(), x.sum(1) + inits[:, None, None])


def test_padding_with_values_of_their_own():
    def f(x, v):
        return hlo.pad(x, v, [1, 0], [0, 2], [0, 1])

    x, values = np.arange(12.0).reshape(3, 2, 2), np.array([7.0, 8.0, 9.0])

    got = sp.vmap(f)(x, values).numpy()

    each = [f(sp.tensor(a), sp.tensor(v)).numpy() for a, v in zip(x, values, strict=True)]
    np.testing.assert_array_equal(got, np.stack(each))


def test_one_state_of_random_bits_cannot_differ():
    states = np.arange(6, dtype=np.uint64).reshape(3, 2)

    with pytest.raises(TransformError, match=r"S0213[^$]*`sp.random` with a key"):
        sp.vmap(lambda s: hlo.rng_bit_generator(s, (4,), np.dtype("uint32")))(states)[1].numpy()


UNBATCHED = """
chlo._asin_acos_kernel chlo.constant stablehlo.after_all stablehlo.async_done stablehlo.async_start
stablehlo.collective_broadcast stablehlo.collective_reduce stablehlo.constant stablehlo.create_token
stablehlo.infeed stablehlo.iota stablehlo.outfeed stablehlo.partition_id stablehlo.recv
stablehlo.return stablehlo.send stablehlo.set_dimension_size stablehlo.tuple
stablehlo.uniform_dequantize stablehlo.uniform_quantize
""".split()
"""Ops on processes and tokens, quantized and dynamic types, and what only a lowering makes."""


def test_every_other_op_has_a_batch_rule():
    known = {*batch_rules(), *rewrites()}

    assert [n for n in sorted({*stablehlo.OPERANDS, *chlo.OPERANDS}) if n not in known] == UNBATCHED
