"""Functions of float64 that no processor's code brings along: against extended precision, everywhere."""

from fractions import Fraction

import numpy as np
import pytest

from slopec import ir, reference
from slopec.build import build
from slopec.passes import parse_pipeline, run_pipeline
from slopec.targets import parse_target
from tests.sweep.case import distance
from tests.sweep.programs import one_op
from tests.sweep.worker import Job, lowered

RANDOM = np.random.default_rng(0)
COUNT = 4000
SIZES = np.exp2(RANDOM.uniform(-1000, 1023.9, COUNT)) * RANDOM.choice([-1, 1], COUNT)
MULTIPLES = np.round(np.exp2(RANDOM.uniform(1, 50, COUNT))) * (np.pi / 2)
# The float64 nearest to a multiple of π/2 (J.-M. Muller, *Elementary Functions*, 2006), and others.
HARD = np.array([6381956970095103 * 2.0**797, 5.319372648326541e255, 1e300, 1e22, 2.0**1023, 0.5])
POINTS = np.concatenate([RANDOM.uniform(-10, 10, COUNT), SIZES, MULTIPLES, HARD, -HARD])
EDGES = np.array([0.0, -0.0, 1.0, 5.5, -3.25, 1e300, 2.0**-1022, np.inf, -np.inf, np.nan])
FUNCTIONS = {"sine": np.sin, "cosine": np.cos, "tan": np.tan, "tanh": np.tanh}


def evaluated(op, *arrays):
    """What legalization makes of an op, computed with NumPy."""
    module = ir.parse(one_op(f"stablehlo.{op}", arrays, "float64"))
    run_pipeline(module, parse_pipeline("exact-elementwise"))
    assert f"stablehlo.{op} " not in str(module)
    return reference.evaluate(module, "main", *arrays)[0]


@pytest.mark.parametrize("op", FUNCTIONS)
def test_accurate_at_every_size(op):
    for x in (POINTS, EDGES):
        with np.errstate(invalid="ignore"):
            expected = FUNCTIONS[op](x.astype(np.longdouble))
        assert distance(evaluated(op, x), expected).max() <= 1.3


def test_the_nearest_to_a_multiple_of_a_right_angle():
    """cos x is there the distance x leaves, 2⁻⁶⁰·⁹, of which π to 1200 bits tells the digits."""
    from slopec.passes.numerics.waves import _pi

    x = HARD[0]
    right_angle = Fraction(_pi(1200), 1 << 1201)
    rest = Fraction(x) / right_angle
    rest = (rest - round(rest)) * right_angle
    assert abs(float(rest)) < 2.0**-60
    assert abs(evaluated("cosine", np.array([x]))[0]) == abs(float(rest))


def test_remainders_are_exact():
    x = np.concatenate([SIZES, POINTS[:COUNT], np.full(COUNT, 1.7e308)])
    y = np.concatenate([RANDOM.permutation(SIZES), RANDOM.uniform(-3, 3, 2 * COUNT)])
    pairs = [(x, y), tuple(v.ravel() for v in np.meshgrid(EDGES, EDGES))]
    for a, b in pairs:
        with np.errstate(invalid="ignore"):
            expected = np.fmod(a, b)
        got = evaluated("remainder", a, b)
        tiny = np.abs(expected) < 2.0**-1022  # subnormal numbers count as zeros
        np.testing.assert_array_equal(got[~tiny], expected[~tiny])
        there = ~np.isnan(expected)
        np.testing.assert_array_equal(np.signbit(got[there]), np.signbit(expected[there]))
    first, second = (Fraction(float(v)) for v in (x[-1], y[-1]))
    assert Fraction(float(got_of(x[-1], y[-1]))) == first - second * int(first / second)


def got_of(x, y):
    return evaluated("remainder", np.array([x]), np.array([y]))[0]


@pytest.mark.parametrize("arch", ["x86_64", "aarch64", "riscv64"])
def test_compiles_for_every_processor(arch):
    x = np.ones(8)
    names = [*FUNCTIONS, "remainder"]
    operands = [(x, x) if name == "remainder" else (x,) for name in names]
    jobs = [
        Job(i, one_op(f"stablehlo.{name}", xs, "float64"), xs)
        for i, (name, xs) in enumerate(zip(names, operands, strict=True))
    ]
    (artifact,) = build(lowered(jobs), [parse_target(f"llvm-cpu:{arch}")], carry_stablehlo=False)
    compilation = artifact.manifest.compilation
    assert compilation is not None
    assert "library" not in compilation.configuration
