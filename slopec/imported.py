"""Functions of foreign StableHLO: called, transformed and compiled as if traced by slopec.

`from_stablehlo` reads a module of JAX, PyTorch or TensorFlow; `load_function` reads the StableHLO
that an artifact carries. A call copies the module's functions into the module being written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slopec import dtypes, ir, tracing
from slopec.diagnostics import ShapeError, UsageError, did_you_mean
from slopec.foreign import parse_module, read_module, typed
from slopec.lazy.record import outlined
from slopec.ops.common import check_dtype
from slopec.tensor import Tensor
from slopec.tracing import TensorType
from slopec.transforms.function import as_tensor, call
from slopec.transforms.inline import copy_functions
from slopec_runtime import artifact
from slopec_runtime.manifest import EntryPoint


@dataclass(frozen=True, eq=False)
class Imported:
    """A function of a StableHLO module; takes tensors by position, returns one or a tuple."""

    module: ir.Module
    entry: str
    inputs: tuple[TensorType, ...]
    outputs: tuple[TensorType, ...]

    @property
    def __name__(self) -> str:
        """The entry's name, as error messages use it."""
        return self.entry

    @outlined
    def __call__(self, *args: Any) -> Any:
        """Call the function; raises ShapeError and DTypeError for arguments that do not fit."""
        operands = self._operands(args)
        where = tracing.current()
        names = copy_functions(self.module, self.entry, where.module, where.fresh_symbol)
        results = call(names[self.entry], operands, self.outputs)
        return results[0] if len(results) == 1 else tuple(results)

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
            if tensor.shape != shape:
                raise ShapeError(
                    "S0101",
                    f"{self.entry}: argument {i} has shape {tensor.shape}, expected {shape}",
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
    several results are fine; the shapes must be static.

    Raises UsageError for text that does not parse (S0433, at its line), for an unknown entry
    (S0411), for sizes that are not static (S0434) and for a missing file (S0404).

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
    inputs, outputs = (
        tuple((shape, dtypes.as_dtype(name)) for shape, name in (typed(t, None) for t in types))
        for types in ir.function_type(function)
    )
    return Imported(module, entry, inputs, outputs)


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
