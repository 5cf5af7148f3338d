"""Dilated convolutions in groups do not touch what lies in the gaps of their windows."""

from itertools import product

import jax
import numpy as np
from jax import lax

from slopec import ir
from slopec.build import build
from slopec.passes.close_windows import CloseWindows
from slopec.targets import parse_target
from slopec.variants import KERNELS, Variant
from tests.sweep.worker import Job, entry_name, lowered
from tests.transforms.harness import lower

rng = np.random.default_rng(0)


def convolution(rank, last, groups, by_sample, dilation, stride, gaps):
    """A function, and arguments with infinities and a NaN in every sample."""
    shape, window = [9 if rank < 3 else 5] * rank, [3] * rank
    features = 4 // (1 if by_sample else groups)
    x = rng.standard_normal((4, 4, *shape)).astype("float32")
    x[(..., *[2] * rank)] = np.inf
    x[(slice(1, 3), 1, *[3] * rank)] = np.nan
    kernel = rng.standard_normal((4, features, *window)).astype("float32")
    if last:
        x, kernel = np.moveaxis(x, 1, -1), np.moveaxis(kernel, (0, 1), (-1, -2))
    s = "0123"[:rank]
    facts = {
        "window_strides": [stride] * rank,
        "padding": [(1, 2)] * (rank - 1) + [(2, -1)],
        "lhs_dilation": [gaps] * rank,
        "rhs_dilation": [dilation] + [2] * (rank - 1),
        "dimension_numbers": (f"N{s}C", f"{s}IO", f"N{s}C")
        if last
        else (f"NC{s}", f"OI{s}", f"N{s}C"),
        "batch_group_count" if by_sample else "feature_group_count": groups,
    }
    return lambda x, kernel: lax.conv_general_dilated(x, kernel, **facts), (x, kernel)


CASES = [
    *product((1, 2), (True, False), (2,), (True, False), (2, 3), (1, 2), (1, 2)),
    *product((3,), (True,), (2,), (True, False), (2,), (1, 4), (1,)),
    (4, True, 4, False, 2, 1, 1),
    (2, True, 4, True, 2, 6, 1),
]


def test_results():
    jobs, expected = [], []
    for number, case in enumerate(CASES):
        function, arrays = convolution(*case)
        jobs.append(Job(number, lower(function, *arrays), arrays))
        expected.append(np.asarray(jax.jit(function)(*arrays)))
    without = Variant((KERNELS,))
    (artifact,) = build(lowered(jobs), [parse_target("llvm-cpu")], variant=without)
    program = artifact.load("local-sync")
    for job, wanted in zip(jobs, expected, strict=True):
        made = program[entry_name(job)](*job.arguments).numpy()
        np.testing.assert_allclose(made, wanted, 1e-4, 1e-4, err_msg=str(CASES[job.number]))


def test_windows_of_each_feature_alone_stay():
    function, arrays = convolution(2, True, 4, False, 2, 1, 1)
    module = ir.parse(lower(function, *arrays))
    CloseWindows().run(module)
    assert not ir.ops_in(module, "stablehlo.concatenate")
