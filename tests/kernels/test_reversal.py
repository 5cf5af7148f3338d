"""Rows and whole tensors reversed by kernels equal NumPy's."""

import numpy as np

import slopec as sp
from slopec import ir
from slopec.emit import emit
from tests.kernels.run import ON_X86, TARGETS, legal, placed, run

RNG = np.random.default_rng(0)
CASES = (
    # shape, dimensions, type
    ((70, 133), (1,), "f4"),
    ((5001,), (0,), "i4"),
    ((3, 40, 41), (0, 1, 2), "f8"),
    ((100000, 1), (0,), "i8"),
    ((2, 3, 7000), (2,), "f4"),
)
STAY = (
    ((70, 133), (0,), "f4"),  # rows as they are
    ((30, 9), (1,), "f4"),  # few
    ((9, 9, 90), (0, 2), "f4"),
)


@ON_X86
def test_reversed_rows():
    given = [(RNG.standard_normal(s) * 99).astype(kind) for s, _, kind in CASES + STAY]

    def main(*given):
        return tuple(sp.flip(x, axis=d) for x, (_, d, _) in zip(given, CASES + STAY, strict=True))

    module = legal(main, given)
    assert placed(module).count("::@slopec_reversal") == len(CASES)
    for target in TARGETS:
        results = run(emit(ir.bytecode(module), target), *given)
        for got, x, (_, dims, _) in zip(results, given, CASES + STAY, strict=True):
            np.testing.assert_array_equal(got, np.flip(x, dims))
