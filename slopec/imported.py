"""Functions of foreign StableHLO: called, transformed and compiled as if traced by slopec.

`from_stablehlo` reads a module of JAX, PyTorch or TensorFlow; `load_function` reads the StableHLO
that an artifact carries. A call copies the module's functions into the module being written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from inspect import Parameter, Signature
from pathlib import Path
from typing import Any

from slopec import ir, tracing
from slopec.diagnostics import ShapeError, UsageError, did_you_mean
from slopec.dtypes import DType
from slopec.foreign import parse_module, read_module, typed
from slopec.lazy.record import outlined
from slopec.lower import Lowered, lower
from slopec.ops.common import check_dtype
from slopec.programs import Program, Spec
from slopec.sizing import names_of_sizes, number_of_size, sized
from slopec.tensor import Tensor
from slopec.tracing import TensorType
from slopec.transforms.function import as_tensor, call
from slopec.transforms.inline import copy_functions, named_by_calls
from slopec_runtime import artifact
from slopec_runtime.manifest import EntryPoint

Shapes = tuple[ir.Shape, ...]


@dataclass(frozen=True, eq=False)
class Imported:
    """A function of a StableHLO module; takes tensors by position, returns one or a tuple.

    A size that the module leaves open is None in `inputs`, and whatever arguments have there; the
    function is written once for each choice of shapes.
    """

    module: ir.Module
    entry: str
    inputs: tuple[tuple[tuple[int | None, ...], DType], ...]
    _written: dict[Shapes, tuple[ir.Module, list[TensorType]]] = field(default_factory=dict)

    @property
    def __name__(self) -> str:
        """The entry's name, as error messages use it."""
        return self.entry

    @outlined
    def __call__(self, *args: Any) -> Any:
        """Call the function; raises ShapeError and DTypeError for arguments that do not fit."""
        operands = self._operands(args)
        module, outputs = self._for(tuple(x.shape for x in operands))
        where = tracing.current()
        names = copy_functions(module, self.entry, where.module, where.fresh_symbol)
        results = call(names[self.entry], operands, outputs)
        return results[0] if len(results) == 1 else tuple(results)

    def _for(self, shapes: Shapes) -> tuple[ir.Module, list[TensorType]]:
        """A module whose function takes arguments of these shapes, and what it returns."""
        if shapes not in self._written:
            is_static = all(None not in shape for shape, _ in self.inputs)
            module = self.module if is_static else sized(self.module, self.entry, shapes)
            function = ir.function(module, self.entry)
            outputs, span = ir.function_type(function)[1], ir.span_of(function)
            self._written[shapes] = (module, [typed(type_, span) for type_ in outputs])
        return self._written[shapes]

    def _operands(self, args: Sequence[Any]) -> list[Tensor]:
        if len(args) != len(self.inputs):
            raise ShapeError(
                "S0101",
                f"{self.entry} takes {len(self.inputs)} arguments, got {len(args)}",
                span=tracing.here(),
            )
        operands = []
        for i, (arg, (shape, dtype)) in enumerate(zip(args, self.inputs, strict=True)):
            tensor = arg if isinstance(arg, Tensor) else Tensor(arg, dtype)
            if len(tensor.shape) != len(shape) or any(
                size not in (n, None) for n, size in zip(tensor.shape, shape, strict=True)
            ):
                expected = str(shape).replace("None", "any")
                raise ShapeError(
                    "S0101",
                    f"{self.entry}: argument {i} has shape {tensor.shape}, expected {expected}",
                    span=tracing.here(),
                )
            check_dtype(f"{self.entry}: argument {i}", tensor, dtype)
            operands.append(as_tensor(tensor))
        return operands


_SUFFIXES = (".mlir", ".mlirbc", ".stablehlo")
"""How a `str` that is a path, rather than the text of a module, ends."""


def from_stablehlo(source: str | bytes | Path, entry: str = "main") -> Imported:
    r'''The function `entry` of a StableHLO module: its text, its bytes, or a path to either.

    Bytes are MLIR bytecode or a portable artifact, as `jax.export` serializes modules.

    The result composes with every transform, `jit` and `compile`. CHLO ops, calls, loops and
    several results are fine. Sizes of arguments may be left open, as in modules that `jax.export`
    writes for symbolic shapes; they are those of the tensors that the function is called with.

    Raises UsageError for text that does not parse (S0433, at its line), for an unknown entry
    (S0411) and for a missing file (S0404). A call raises ShapeError and DTypeError (S0101, S0102)
    for arguments that do not fit, and UsageError (S0434) where sizes depend on values.

    >>> import slopec as sp
    >>> text = """func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
    ...   %y = stablehlo.multiply %x, %x : tensor<2xf32>
    ...   return %y : tensor<2xf32>
    ... }"""
    >>> square = sp.from_stablehlo(text)
    >>> print(sp.grad(lambda x: square(x).sum())(sp.tensor([1.0, 3.0])))
    tensor([2. 6.], float32[2], cpu)
    '''
    if isinstance(source, str) and source.endswith(_SUFFIXES) and "\n" not in source:
        source = Path(source)
    if isinstance(source, Path):
        if not source.is_file():
            raise UsageError("S0404", f"there is no file `{source}`", span=tracing.here())
        module = read_module(source)
    else:
        data = source.encode() if isinstance(source, str) else bytes(source)
        module = parse_module(data, Path("<stablehlo>"))
    return _imported(module, entry)


def _imported(module: ir.Module, entry: str) -> Imported:
    names = [ir.symbol_name(op) for op in ir.functions(module)]
    if entry not in names:
        raise UsageError(
            "S0411",
            f"the module has no function `{entry}`",
            notes=(f"it has {', '.join(names) or 'none'}",),
            span=tracing.here(),
            hint=did_you_mean(entry, names),
        )
    function = ir.function(module, entry)
    if not ir.has_body(function):
        raise UsageError("S0411", f"the function `{entry}` has no body", span=ir.span_of(function))
    types, span = ir.function_type(function)[0], ir.span_of(function)
    inputs = tuple(
        (tuple(None if n == ir.DYNAMIC else n for n in shape), dtype)
        for shape, dtype in (typed(type_, span, open_=True) for type_ in types)
    )
    return Imported(module, entry, inputs)


def lower_file(
    path: Path, wanted: str | None, dims: Mapping[str, Sequence[int]] | None = None
) -> Lowered:
    """A module file as a lowered program whose public functions are the entries.

    `dims` gives the sizes to compile for, of those that the module leaves open. Which of them must
    be equal is known of those that have names; others are fixed where one number is given.
    """
    module = read_module(path)
    public = [op for op in ir.functions(module) if ir.is_public(op) and ir.has_body(op)]
    bodies = named_by_calls(module)
    names = [name for name in map(ir.symbol_name, public) if name not in bodies]
    if wanted is not None and wanted not in names:
        raise UsageError(
            "S0411",
            f"{path} has no public function `{wanted}`",
            notes=(f"it has {', '.join(names) or 'none'}",),
            hint=did_you_mean(wanted, names),
        )
    if not names:
        raise UsageError("S0411", f"{path} has no public function to compile")
    chosen = [name for name in names if wanted in (None, name)]
    sizes = {name: names_of_sizes(module, name) for name in chosen}
    untold = {n for named in sizes.values() for p, n in named.items() if n == number_of_size(*p)}
    fixed = {d: n[0] for d, n in (dims or {}).items() if d in untold and len(n) == 1}
    free = {d: n for d, n in (dims or {}).items() if d not in fixed}
    programs = [_program(_imported(module, name), sizes[name], fixed) for name in chosen]
    return lower(programs, name=path.stem, dims=free)


def _program(
    function: Imported, names: Mapping[tuple[int, int], str], fixed: Mapping[str, int]
) -> Program:
    """A function as a program: arguments by position, a result or a tuple of them."""
    specs = {}
    for i, (shape, dtype) in enumerate(function.inputs):
        sizes = [names[i, d] if n is None else n for d, n in enumerate(shape)]
        specs[f"arg{i}"] = Spec(dtype, tuple(fixed.get(str(n), n) for n in sizes))

    def run(**given: Tensor) -> Any:
        return function(*given.values())

    parameters = [Parameter(name, Parameter.KEYWORD_ONLY) for name in specs]
    run.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    span = ir.span_of(ir.function(function.module, function.entry))
    return Program(run, specs, span=span, name=function.entry)


def load_function(
    path: str | Path, entry: str | None = None, *, dims: Mapping[str, int] | None = None
) -> Imported:
    """The StableHLO function that an artifact carries, to be differentiated or compiled again.

    It takes the entry's arrays in the order of the manifest, those of its state among them, and
    returns all that the compiled function gives. `entry` names the entry and may be left out when
    there is one; `dims` gives the sizes of its symbolic dimensions where several were compiled.

    Raises UsageError: S0425 for an artifact without StableHLO (it was larger than what is carried
    by default, or left out), S0411 for an unknown entry or size; and the runtime's errors for files
    that are no artifacts.
    """
    opened = artifact.read(path)
    if opened.stablehlo is None:
        raise UsageError(
            "S0425",
            f"{path} carries no StableHLO",
            span=tracing.here(),
            hint="compile it with `--carry-stablehlo`",
        )
    symbol = _symbol(opened.manifest.entries, entry, dims or {})
    return _imported(parse_module(bytes(opened.stablehlo), Path(path)), symbol)


def _symbol(entries: Mapping[str, EntryPoint], entry: str | None, dims: Mapping[str, int]) -> str:
    """The function of an entry for the given sizes."""
    if entry is None and len(entries) == 1:
        (entry,) = entries
    if entry is None or entry not in entries:
        what = "which entry is not said" if entry is None else f"there is no entry `{entry}`"
        raise UsageError(
            "S0411",
            f"{what}; the artifact has {', '.join(entries) or 'none'}",
            span=tracing.here(),
            hint=did_you_mean(entry or "", list(entries)) or "name it: `entry=…`",
        )
    variants = entries[entry].variants
    fitting = [v for v in variants if all(v.dims.get(d) == n for d, n in dims.items())]
    if len(fitting) != 1:
        compiled = "; ".join(
            ", ".join(f"{d}={n}" for d, n in variant.dims.items()) for variant in variants
        )
        asked = ", ".join(f"{d}={n}" for d, n in dims.items())
        raise UsageError(
            "S0411",
            f"`{entry}` was not compiled for {asked}"
            if not fitting
            else f"`{entry}` was compiled for several sizes",
            notes=(f"it was compiled for {compiled or 'no symbolic sizes'}",),
            span=tracing.here(),
            hint="choose with `dims`, such as `dims={'batch': 1}`",
        )
    return fitting[0].symbol
