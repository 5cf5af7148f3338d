"""A pass is a frozen dataclass: its name is what the command line calls it, its fields are options.

`PASSES` is the one table of them. A pass lives in a file of its own name and is imported when it is
first wanted.
"""

from dataclasses import MISSING, dataclass, fields
from functools import cache
from importlib import import_module
from types import UnionType
from typing import Any, Protocol, get_args, get_origin, get_type_hints

from slopec import ir
from slopec.diagnostics import UsageError, did_you_mean

PASSES: dict[str, str] = {
    "amp": "slopec.transforms.amp:Amp",
    "vjp": "slopec.transforms.declare:Vjp",
    "jvp": "slopec.transforms.declare:Jvp",
    "vmap": "slopec.transforms.declare:Vmap",
    "derive": "slopec.transforms.derive:Derive",
    "simplify": "slopec.passes.simplify:Simplify",
    "canonicalize": "slopec.passes.mlir:Canonicalize",
    "chlo-legalize-to-stablehlo": "slopec.passes.mlir:ChloLegalizeToStablehlo",
    "cse": "slopec.passes.mlir:Cse",
    "absorb-scales": "slopec.passes.absorb_scales:AbsorbScales",
    "block-loops": "slopec.passes.block_loops:BlockLoops",
    "channels-last": "slopec.passes.channels_last:ChannelsLast",
    "close-windows": "slopec.passes.close_windows:CloseWindows",
    "constant-positions": "slopec.passes.constant_positions:ConstantPositions",
    "contract-convolutions": "slopec.passes.contract_convolutions:ContractConvolutions",
    "drop-loop-barriers": "slopec.passes.drop_loop_barriers:DropLoopBarriers",
    "exact-elementwise": "slopec.passes.exact_elementwise:ExactElementwise",
    "expand-ops": "slopec.passes.expand_ops:ExpandOps",
    "expand-random": "slopec.passes.expand_random:ExpandRandom",
    "expand-select-and-scatter": "slopec.passes.expand_select_and_scatter:ExpandSelectAndScatter",
    "expand-sorts": "slopec.passes.expand_sorts:ExpandSorts",
    "fold-constants": "slopec.passes.fold_constants:FoldConstants",
    "guard-indices": "slopec.passes.guard_indices:GuardIndices",
    "inline": "slopec.passes.mlir:Inline",
    "inner-first": "slopec.passes.inner_first:InnerFirst",
    "inline-routines": "slopec.passes.inline_routines:InlineRoutines",
    "loop-invariant-code-motion": "slopec.passes.mlir:LoopInvariantCodeMotion",
    "native-types": "slopec.passes.native_types:NativeTypes",
    "read-carried": "slopec.passes.read_carried:ReadCarried",
    "raise-logistic": "slopec.passes.raise_logistic:RaiseLogistic",
    "refine-shapes": "slopec.passes.refine_shapes:RefineShapes",
    "refuse": "slopec.passes.refuse:Refuse",
    "rematerialize": "slopec.passes.rematerialize:Rematerialize",
    "separate-buffers": "slopec.passes.separate_buffers:SeparateBuffers",
    "separate-complex": "slopec.passes.separate_complex:SeparateComplex",
    "separate-factors": "slopec.passes.separate_factors:SeparateFactors",
    "separate-constants": "slopec.passes.separate_constants:SeparateConstants",
    "separate-divisors": "slopec.passes.separate_divisors:SeparateDivisors",
    "separate-folds": "slopec.passes.separate_folds:SeparateFolds",
    "separate-inputs": "slopec.passes.separate_inputs:SeparateInputs",
    "separate-gaps": "slopec.passes.separate_gaps:SeparateGaps",
    "separate-pads": "slopec.passes.separate_pads:SeparatePads",
    "separate-reductions": "slopec.passes.separate_reductions:SeparateReductions",
    "separate-loops": "slopec.passes.separate_loops:SeparateLoops",
    "separate-scalars": "slopec.passes.separate_scalars:SeparateScalars",
    "separate-updates": "slopec.passes.separate_updates:SeparateUpdates",
    "separate-widened": "slopec.passes.separate_widened:SeparateWidened",
    "separate-windows": "slopec.passes.separate_windows:SeparateWindows",
    "sum-sliced-products": "slopec.passes.sum_sliced_products:SumSlicedProducts",
    "separate-orientations": "slopec.passes.separate_orientations:SeparateOrientations",
    "slice-numbers": "slopec.passes.slice_numbers:SliceNumbers",
    "slim-loops": "slopec.passes.slim_loops:SlimLoops",
    "split-folds": "slopec.passes.split_folds:SplitFolds",
    "split-sums": "slopec.passes.split_sums:SplitSums",
    "stack-products": "slopec.passes.stack_products:StackProducts",
    "strip-debuginfo": "slopec.passes.mlir:StripDebuginfo",
    "trim-windows": "slopec.passes.trim_windows:TrimWindows",
    "flatten-branches": "slopec.passes.flatten_branches:FlattenBranches",
    "unroll-loops": "slopec.passes.unroll_loops:UnrollLoops",
    "widen-sums": "slopec.passes.widen_sums:WidenSums",
    "widen-bfloat16": "slopec.passes.widen_bfloat16:WidenBfloat16",
    "symbol-dce": "slopec.passes.mlir:SymbolDce",
}
"""Where each pass is: its name, then the file and class that define it."""


class Pass(Protocol):
    """What a pass is: a frozen dataclass with a name and a way to rewrite a module."""

    @property
    def name(self) -> str:
        """The name in pipelines, the same for all instances."""

    def run(self, module: ir.Module) -> None:
        """Rewrite `module` in place and leave it valid."""


@dataclass(frozen=True)
class Option:
    """One option of a pass: a field of its dataclass."""

    name: str
    type: Any
    default: Any

    @property
    def spelling(self) -> str:
        """The name on the command line."""
        return self.name.replace("_", "-")

    @property
    def required(self) -> bool:
        """Whether it has no default."""
        return self.default is MISSING

    @property
    def accepts(self) -> type:
        """`int`, `float`, `bool`, `str`, or `tuple` for a list of integers."""
        if isinstance(self.type, UnionType):
            given = next(t for t in get_args(self.type) if t is not type(None))
            return get_origin(given) or given
        return get_origin(self.type) or self.type

    @property
    def kind(self) -> str:
        """What a value must be, in words."""
        words = {
            int: "an integer",
            float: "a number",
            bool: "true or false",
            str: "text",
            tuple: "integers such as 0,1",
        }
        return words[self.accepts]


@cache
def find(name: str) -> type[Any]:
    """The class of the pass called `name`, imported now.

    Raises UsageError (S0430) for a name that no pass has.

    >>> find("simplify").__name__
    'Simplify'
    """
    if name not in PASSES:
        raise UsageError(
            "S0430",
            f"there is no pass called `{name}`",
            notes=(f"the passes are {', '.join(PASSES)}",),
            hint=did_you_mean(name, list(PASSES)),
        )
    module, _, class_name = PASSES[name].partition(":")
    found: type[Any] = getattr(import_module(module), class_name)
    return found


def options(pass_class: type[Any]) -> dict[str, Option]:
    """The options of a pass by their spelling."""
    types = get_type_hints(pass_class)
    found = [Option(f.name, types[f.name], f.default) for f in fields(pass_class)]
    return {option.spelling: option for option in found}


def spell(pass_: Pass) -> str:
    """A pass as a pipeline spells it, with the options that differ from their defaults."""
    given = [
        f"{option.spelling}={_spell_value(getattr(pass_, option.name))}"
        for option in options(type(pass_)).values()
        if getattr(pass_, option.name) != option.default
    ]
    return f"{pass_.name}{{{' '.join(given)}}}" if given else pass_.name


def _spell_value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    text = str(value)
    return f'"{text}"' if isinstance(value, str) and not text.isidentifier() else text
