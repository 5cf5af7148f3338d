"""Pipelines: reading and spelling them, the errors, and what observers see."""

from dataclasses import FrozenInstanceError, dataclass, fields, is_dataclass
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slopec import ir
from slopec.diagnostics import UsageError
from slopec.passes import (
    PASSES,
    Dump,
    Measure,
    PassError,
    Pipeline,
    Together,
    Verify,
    find,
    op_counts,
    options,
    parse_pipeline,
    run_pipeline,
)
from slopec.passes import base as registry
from slopec.passes.catalogue import README, document
from slopec.passes.mlir import Cse
from slopec.passes.simplify import Simplify

TEXT = """
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = stablehlo.negate %x : tensor<4xf32> loc("model.py":3:5)
  %1 = stablehlo.negate %x : tensor<4xf32>
  %2 = stablehlo.add %0, %1 : tensor<4xf32> loc("model.py":7:9)
  return %2 : tensor<4xf32>
}"""


@dataclass(frozen=True)
class Options:
    """A pass with every kind of option."""

    name: ClassVar[str] = "options"
    count: int = 1
    ratio: float = 0.5
    loud: bool = False
    title: str = ""
    places: tuple[int, ...] = ()
    maybe: tuple[int, ...] | None = None

    def run(self, module: ir.Module) -> None:
        """Leave the module as it is."""


@dataclass(frozen=True)
class Needs:
    """A pass with an option that must be given, and not be odd."""

    even: int
    name: ClassVar[str] = "needs"

    def __post_init__(self) -> None:
        """Refuse odd numbers."""
        if self.even % 2:
            raise ValueError(f"{self.even} is odd")

    def run(self, module: ir.Module) -> None:
        """Leave the module as it is."""


@dataclass(frozen=True)
class Breaks:
    """A pass that leaves an op of the wrong type behind."""

    name: ClassVar[str] = "breaks"

    def run(self, module: ir.Module) -> None:
        """Let the function return something else than it says."""
        function = ir.function(module, "main")
        ir.set_function_type(function, [], ir.function_type(function)[1])


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    classes = {made.name: made for made in (Options, Needs, Breaks)}
    looked_up = registry.find
    monkeypatch.setattr(
        "slopec.passes.pipeline.find", lambda name: classes.get(name) or looked_up(name)
    )


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("cse", (Cse(),)),
        (" cse , simplify ", (Cse(), Simplify())),
        ("simplify{}", (Simplify(),)),
        ("simplify{max-iterations=4}", (Simplify(max_iterations=4),)),
        ("simplify{max-iterations=4 fast-math}", (Simplify(max_iterations=4, fast_math=True),)),
        ("simplify{fast-math, max-iterations=4}", (Simplify(max_iterations=4, fast_math=True),)),
        ("simplify{signed-zeros=false}", (Simplify(signed_zeros=False),)),
        ('simplify{without="add_zero fold"}', (Simplify(without="add_zero fold"),)),
        ("options{places=0,1 count=3}", (Options(places=(0, 1), count=3),)),
        ("options{places=0 1 loud}", (Options(places=(0, 1), loud=True),)),
        ("options{maybe=-2 ratio=1e-3}", (Options(maybe=(-2,), ratio=1e-3),)),
        ("options{title=main},needs{even=2}", (Options(title="main"), Needs(2))),
    ],
)
def test_a_pipeline_is_read_and_spelled(text: str, passes: tuple[object, ...]) -> None:
    pipeline = parse_pipeline(text)

    assert pipeline.passes == passes
    assert parse_pipeline(str(pipeline)) == pipeline


def test_derivatives_are_asked_for_in_pipelines() -> None:
    (vjp, _) = parse_pipeline("vjp{function=main wrt=0,1},derive")
    given = {field.name: getattr(vjp, field.name) for field in fields(vjp)}

    assert given["function"] == "main"
    assert tuple(given["wrt"]) == (0, 1)


@given(
    st.builds(
        Options,
        st.integers(-(10**9), 10**9),
        st.floats(allow_nan=False),
        st.booleans(),
        st.text("ab z9_-.,=", max_size=8),
        st.lists(st.integers(-5, 5), max_size=3).map(tuple),
    )
)
def test_every_spelling_is_read_back(options: Options) -> None:
    assert parse_pipeline(str(Pipeline((options,)))) == Pipeline((options,))


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("derive,simplfy", "S0430", "did you mean `simplify`?"),
        ("derive,simplfy", "S0430", "derive,simplfy\n                 ^^^^^^^"),
        ("", "S0431", "the name of a pass is expected here"),
        ("cse,", "S0431", "the name of a pass is expected here"),
        ("cse;canonicalize", "S0431", "a comma or the end is expected here"),
        ("simplify{fast-math", "S0431", "this brace is not closed"),
        ("builtin.module(cse)", "S0430", "there is no pass called `builtin.module`"),
        ("simplify{max-iteration=3}", "S0432", "did you mean `max-iterations`?"),
        ("cse{hard}", "S0432", "pass `cse` has no option `hard`"),
        ("simplify{max-iterations=many}", "S0432", "must be an integer, got `many`"),
        ("simplify{fast-math=perhaps}", "S0432", "must be true or false, got `perhaps`"),
        ("options{ratio=x}", "S0432", "must be a number, got `x`"),
        ("options{places=0,x}", "S0432", "must be integers such as 0,1, got `0 x`"),
        ("options{count=1 2}", "S0432", "has no option `2`"),
        ("simplify{max-iterations=4 fst-math}", "S0432", "did you mean `fast-math`?"),
        ("needs", "S0432", "pass `needs` needs the option `even`"),
        ("needs{even=3}", "S0432", "3 is odd"),
    ],
)
def test_mistakes_are_explained(text: str, code: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_pipeline(text)

    assert caught.value.code == code
    assert says in str(caught.value)


@pytest.mark.parametrize("name", PASSES)
def test_a_pass_is_a_frozen_dataclass_with_a_name(name: str) -> None:
    made = find(name)

    assert is_dataclass(made)
    assert made.name == name
    assert made.__doc__
    assert all(option.kind for option in options(made).values())
    given = " ".join(f"{o.spelling}=2" for o in options(made).values() if o.required)
    instance = parse_pipeline(f"{name}{{{given}}}").passes[0]
    with pytest.raises(FrozenInstanceError):
        instance.name = "other"  # type: ignore[misc]


def test_the_page_about_passes_is_up_to_date() -> None:
    assert README.read_text(encoding="utf-8") == document(), "run `make patterns`"


def test_observers_see_every_pass(tmp_path: Path) -> None:
    clock, module = Measure(), ir.parse(TEXT)
    pipeline = parse_pipeline("cse,simplify,canonicalize")
    run_pipeline(module, pipeline, Together((clock, Dump(tmp_path / "dumps"))))

    assert [m.spelling for m in clock.results] == ["cse", "simplify", "canonicalize"]
    assert [(m.ops_before, m.ops_after) for m in clock.results] == [(4, 3), (3, 3), (3, 3)]
    assert all(m.seconds > 0 for m in clock.results)
    names = ["00-input.mlir", "01-cse.mlir", "02-simplify.mlir", "03-canonicalize.mlir"]
    dumps = sorted((tmp_path / "dumps").iterdir())
    assert [path.name for path in dumps] == names
    for path in dumps:
        ir.parse(path.read_text(encoding="utf-8"))
    assert dumps[1].read_text(encoding="utf-8").startswith("// cse: 3 ops\n//        1 ")


def test_ops_are_counted() -> None:
    counts = op_counts(ir.parse(TEXT))

    assert counts == {"stablehlo.negate": 2, "stablehlo.add": 1, "func.return": 1}


def test_a_pass_that_leaves_nonsense_is_named() -> None:
    with pytest.raises(PassError, match="pass `breaks` failed or left an invalid module"):
        run_pipeline(ir.parse(TEXT), parse_pipeline("cse,breaks,canonicalize"), Verify())
    with pytest.raises(PassError, match="one of the passes `cse,breaks` failed or left"):
        run_pipeline(ir.parse(TEXT), parse_pipeline("cse,breaks"))


def test_new_ops_come_from_the_line_of_the_op_they_replace() -> None:
    module = ir.parse(TEXT)
    run_pipeline(module, parse_pipeline("simplify"))
    made = [op.operation for op in ir.body_of(ir.function(module, "main")).operations]
    places = {op.name: ir.span_of(op) for op in made}

    assert places["stablehlo.subtract"].line == 7
    assert places["stablehlo.negate"].line == 3


def test_dynamic_shapes_are_left_alone() -> None:
    text = TEXT.replace("4xf32", "?xf32")
    module, same = ir.parse(text), ir.parse(text)
    run_pipeline(module, parse_pipeline("simplify"))

    assert str(module) == str(same)


def test_patterns_may_be_left_out() -> None:
    module = ir.parse(TEXT)
    run_pipeline(module, parse_pipeline('simplify{without="add_negated"}'))

    assert "stablehlo.add" in op_counts(module)


def test_layouts_may_be_kept() -> None:
    text = (Path(__file__).parent / "examples" / "convolutions.mlir").read_text(encoding="utf-8")
    free, kept = ir.parse(text), ir.parse(text)
    run_pipeline(free, parse_pipeline("simplify"))
    run_pipeline(kept, parse_pipeline("simplify{keep-layouts}"))

    assert "stablehlo.transpose" not in op_counts(free)
    assert op_counts(kept)["stablehlo.transpose"] == 3
