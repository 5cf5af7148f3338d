"""Every pattern against its example: the form it gives, and that values stay.

`examples/FAMILY.mlir` holds for each pattern `@name` a function `@name`, maybe `@name.variant`s,
each with the function `….after` that it must become, and `@name.kept…` that must stay as they are.
"""

import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from slopec import dtypes, ir, reference
from slopec.dialects import chlo, stablehlo
from slopec.passes import absorb_scales, channels_last, contract_convolutions, op_counts, split_sums
from slopec.passes.pattern import Pattern, apply
from slopec.passes.simplify import Simplify, all_patterns

EXAMPLES = Path(__file__).parent / "examples"
OTHERS = (absorb_scales, channels_last, contract_convolutions, split_sums)
EVERY = (*all_patterns(), *(p for module in OTHERS for p in module.PATTERNS))
PATTERNS = {pattern.name: pattern for pattern in EVERY}
SPECIAL = [0.0, -0.0, 1.0, -1.0, 2.0, -3.0, 4.0, 9.0, np.inf, -np.inf, np.nan]
ORDER_MATTERS = re.compile("stablehlo.(dot|convolution|reduce)")


@cache
def functions() -> dict[str, str]:
    """The text of every example function."""
    found = {}
    for path in sorted(EXAMPLES.glob("*.mlir")):
        module = ir.parse(path.read_text(encoding="utf-8"))
        found |= {ir.symbol_name(op): str(op) for op in ir.functions(module)}
    return found


NAMES = [name for name in functions() if not name.endswith(".after")]
CHANGING = [name for name in NAMES if ".kept" not in name]


def pattern_of(name: str) -> Pattern:
    return PATTERNS[name.partition(".")[0]]


def parsed(name: str) -> ir.Module:
    """A module of one example function, called `f`."""
    return ir.parse(functions()[name].replace(f"@{name}(", "@f(", 1))


def inputs(module: ir.Module, draw: np.random.Generator, kind: str) -> list[np.ndarray]:
    types, _ = ir.function_type(ir.function(module, "f"))
    return [array(*ir.shape_and_dtype(type_), draw, kind) for type_ in types]


def array(shape: ir.Shape, dtype: dtypes.DType, draw: np.random.Generator, kind: str) -> np.ndarray:
    if dtypes.is_complex(dtype):
        pair = array((*shape, 2), dtypes.real_of(dtype), draw, kind)
        return pair.view(dtype)[..., 0]
    if dtypes.is_floating(dtype):
        values = {
            "special": lambda: draw.choice(SPECIAL, shape),
            "normal": lambda: draw.standard_normal(shape),
            "tame": lambda: draw.uniform(0.5, 2.0, shape),
        }[kind]()
        return np.asarray(values).astype(dtype)
    return draw.integers(0, 2 if dtype == dtypes.bool_ else 120, shape).astype(dtype)


def same_bits(x: np.ndarray, y: np.ndarray) -> None:
    """Equal, with NaN for NaN and the sign of zero."""
    np.testing.assert_array_equal(x, y)
    if x.dtype.kind == "f":
        zero = x == 0
        np.testing.assert_array_equal(np.signbit(x[zero]), np.signbit(y[zero]))


def widened(x: np.ndarray) -> np.ndarray:
    return x.astype(np.float64) if dtypes.is_floating(x.dtype) else x


def check(changes: str, kind: str, before: ir.Module, after: ir.Module, seed: int) -> None:
    arrays = inputs(before, np.random.default_rng(seed), kind)
    exact = changes == "nothing" and not (kind == "normal" and ORDER_MATTERS.search(str(before)))
    results = [map(widened, reference.evaluate(m, "f", *arrays)) for m in (before, after)]
    for x, y in zip(*results, strict=True):
        if exact:
            same_bits(x, y)
        elif changes == "zero sign":
            np.testing.assert_array_equal(x, y)
        else:
            np.testing.assert_allclose(y, x, rtol=2e-6, atol=1e-6)


def test_every_pattern_has_an_example() -> None:
    assert {name.partition(".")[0] for name in CHANGING} == set(PATTERNS)
    assert {name for name in functions() if name.endswith(".after")} == {
        f"{name}.after" for name in CHANGING
    }


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS)
def test_a_header_says_what_becomes_of_what(pattern: Pattern) -> None:
    lhs, arrow, rhs = pattern.header.partition(" → ")

    assert lhs
    assert arrow
    assert rhs
    assert {*pattern.roots} <= {*stablehlo.OPERANDS, *chlo.OPERANDS}


@pytest.mark.parametrize("name", NAMES)
def test_an_example_becomes_what_it_should(name: str) -> None:
    module, expected = parsed(name), parsed(name if ".kept" in name else f"{name}.after")
    matches = apply(module, [pattern_of(name)])
    apply(expected, [])

    ir.verify(module)
    assert str(module) == str(expected)
    assert bool(matches) == (name in CHANGING)


@pytest.mark.parametrize("name", CHANGING)
def test_an_example_keeps_its_values(name: str) -> None:
    before, after = parsed(name), parsed(f"{name}.after")
    changes = pattern_of(name).changes
    kinds = ["tame"] if changes == "special values" else ["special", "normal"]
    for seed in range(4):
        for kind in kinds:
            check(changes, kind, before, after, seed)


@pytest.mark.parametrize("name", NAMES)
def test_all_patterns_together_keep_the_values(name: str) -> None:
    before, after = parsed(name), parsed(name)
    Simplify().run(after)

    ir.verify(after)
    for kind in ("special", "normal"):
        check("rounding", kind, before, after, 0)
    assert not apply(after, Simplify().patterns())


@pytest.mark.parametrize("name", CHANGING)
def test_no_options_make_an_example_diverge(name: str) -> None:
    module = parsed(name)
    loosest = Simplify(signed_zeros=False, fast_math=True)
    loosest.run(module)

    assert not apply(module, loosest.patterns())
    assert sum(op_counts(module).values()) <= 40
