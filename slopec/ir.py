"""The only door to MLIR: one context, cached types and attributes, op creation, source spans.

Everything above this file sees MLIR through these names. One process has one context; its
StableHLO and CHLO ops are views registered by `slopec.dialects`.
"""

import io
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, TypeAlias

import numpy as np

from slopec import dtypes, literals
from slopec.diagnostics import Span
from slopec.dtypes import DType
from slopec_runtime.signals import uninterrupted

with uninterrupted():
    from iree.compiler import ir as mlir
    from iree.compiler import rewrite as mlir_rewrite
    from iree.compiler._mlir_libs import _mlir

Attribute: TypeAlias = mlir.Attribute
Block: TypeAlias = mlir.Block
InsertionPoint: TypeAlias = mlir.InsertionPoint
Location: TypeAlias = mlir.Location
MLIRError: TypeAlias = mlir.MLIRError
Module: TypeAlias = mlir.Module
Operation: TypeAlias = mlir.Operation
OpResult: TypeAlias = mlir.OpResult
OpView: TypeAlias = mlir.OpView
Type: TypeAlias = mlir.Type
Value: TypeAlias = mlir.Value
Attributes = Mapping[str, Attribute]

Shape = tuple[int, ...]
DYNAMIC: int = mlir.ShapedType.get_dynamic_size()


@cache
def context() -> mlir.Context:
    """The process's one MLIR context, with every dialect loaded."""
    _mlir.globals.append_dialect_search_prefix("slopec.dialects")
    created = mlir.Context()
    created.enable_multithreading(False)  # one function at a time, and always under Python's lock
    created.load_all_available_dialects()
    for namespace in ("stablehlo", "chlo", "func"):
        created.dialects[namespace]
    return created


@cache
def unknown() -> Location:
    """The location of what no source line made."""
    return Location.unknown(context())


# --- modules ---------------------------------------------------------------------------------


def new_module(name: str | None = None) -> Module:
    """An empty module."""
    module = Module.create(unknown())
    if name is not None:
        module.operation.attributes["sym_name"] = string(name)
    return module


def parse(source: str | bytes) -> Module:
    """The verified module read from MLIR text or bytecode; raises MLIRError with positions."""
    return Module.parse(source, context())


def bytecode(module: Module | OpView) -> bytes:
    """The module as MLIR bytecode, locations included."""
    stream = io.BytesIO()
    module.operation.write_bytecode(stream)
    return stream.getvalue()


def clone_module(module: Module) -> Module:
    """A deep copy, independent of the original but for the constants, which nobody changes."""
    copy = Module.create(module.operation.location)
    for name in module.operation.attributes:
        copy.operation.attributes[name] = module.operation.attributes[name]
    for op in module.body.operations:
        op.operation.clone(ip=InsertionPoint(copy.body))
    return copy


def verify(module: Module) -> None:
    """Raise MLIRError unless every op satisfies its dialect's verifier."""
    module.operation.verify()


def functions(module: Module) -> Iterator[Operation]:
    """The functions of a module, in order."""
    for op in module.body.operations:
        if op.operation.name == "func.func":
            yield op.operation


def function(module: Module, name: str) -> Operation:
    """The function called `name`; raises KeyError when there is none."""
    for op in functions(module):
        if symbol_name(op) == name:
            return op
    raise KeyError(name)


def symbol_name(op: Operation) -> str:
    """The name of a symbol op."""
    return str(mlir.StringAttr(op.attributes["sym_name"]).value)


def has_symbol(module: Module, name: str) -> bool:
    """Whether something in a module has that name."""
    return name in mlir.SymbolTable(module.operation)


# --- types -----------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def element_type(dtype: DType) -> Type:
    """The MLIR type of one element."""
    return Type.parse(dtypes.MLIR_NAMES[dtype], context())


@lru_cache(maxsize=65536)
def tensor_type(shape: Shape, dtype: DType) -> Type:
    """`tensor<shape x dtype>`."""
    return mlir.RankedTensorType.get(shape, element_type(dtype), loc=unknown())


@lru_cache(maxsize=65536)
def shape_and_dtype(type_: Type) -> tuple[Shape, DType]:
    """The shape and element type of a tensor type; dynamic sizes read `DYNAMIC`.

    Raises TypeError for a type that is no ranked tensor of a known element type.
    """
    if not isinstance(type_, mlir.RankedTensorType):
        raise TypeError(f"expected a ranked tensor, got {type_}")
    dtype = dtypes.FROM_MLIR.get(str(type_.element_type))
    if dtype is None:
        raise TypeError(f"element type {type_.element_type} has no NumPy counterpart")
    return tuple(type_.shape), dtype


@lru_cache(maxsize=4096)
def type_named(text: str) -> Type:
    """The type that `text` spells."""
    return Type.parse(text, context())


def type_of(value: Value) -> tuple[Shape, DType]:
    """The shape and element type of a value."""
    return shape_and_dtype(value.type)


@lru_cache(maxsize=65536)
def static_shape_and_dtype(type_: Type) -> tuple[Shape, DType] | None:
    """The shape and element type of a tensor type of which both are known; None for others."""
    try:
        found = shape_and_dtype(type_)
    except TypeError:
        return None
    return None if DYNAMIC in found[0] else found


def is_static(value: Value) -> bool:
    """Whether a value is a tensor whose shape and element type are known."""
    return static_shape_and_dtype(value.type) is not None


def size_in_bytes(value: Value) -> int:
    """The bytes of a tensor."""
    shape, dtype = type_of(value)
    return math.prod(shape) * dtype.itemsize


def function_type(op: Operation) -> tuple[list[Type], list[Type]]:
    """The parameter and result types of a `func.func`."""
    type_ = mlir.FunctionType(mlir.TypeAttr(op.attributes["function_type"]).value)
    return list(type_.inputs), list(type_.results)


# --- attributes ------------------------------------------------------------------------------


@lru_cache(maxsize=65536)
def attr(text: str) -> Attribute:
    """The attribute that `text` spells; parsing costs 50 µs, so the results are kept."""
    return Attribute.parse(text, context())


def string(text: str) -> Attribute:
    """A string attribute."""
    return mlir.StringAttr.get(text, context())


def string_rows(rows: Iterable[Iterable[str]]) -> Attribute:
    """`[["a", …], …]`, rows of strings."""
    made = [mlir.ArrayAttr.get([string(s) for s in row], context()) for row in rows]
    return mlir.ArrayAttr.get(made, context())


def rows_of_strings(attribute: Attribute) -> tuple[tuple[str, ...], ...]:
    """What `string_rows` made an attribute of."""
    return tuple(tuple(str(mlir.StringAttr(s).value) for s in row) for row in attribute)


def symbol(name: str) -> Attribute:
    """A reference to the symbol `name`."""
    return mlir.FlatSymbolRefAttr.get(name, context())


@lru_cache(maxsize=65536)
def i64s(*values: int) -> Attribute:
    """`array<i64: …>`."""
    return mlir.DenseI64ArrayAttr.get(list(values), context())


@lru_cache(maxsize=4096)
def i64(value: int) -> Attribute:
    """A 64-bit integer attribute."""
    return mlir.IntegerAttr.get(mlir.IntegerType.get_signless(64, context()), value)


@lru_cache(maxsize=4096)
def i32(value: int) -> Attribute:
    """A 32-bit integer attribute."""
    return mlir.IntegerAttr.get(mlir.IntegerType.get_signless(32, context()), value)


def boolean(value: bool) -> Attribute:
    """A boolean attribute."""
    return mlir.BoolAttr.get(value, context())


def unit() -> Attribute:
    """The attribute that says yes by being there."""
    return mlir.UnitAttr.get(context())


def matrix_i64(rows: Sequence[Sequence[int]]) -> Attribute:
    """`dense<[[…], …]> : tensor<n x 2 x i64>`, as paddings and replica groups are spelled."""
    array = np.array(rows, np.int64).reshape(len(rows), 2)
    return mlir.DenseElementsAttr.get(
        array, type=tensor_type(array.shape, dtypes.int64), context=context()
    )


def dense(array: np.ndarray) -> Attribute:
    """A constant's value; a uniform array becomes a splat."""
    type_ = tensor_type(array.shape, array.dtype)
    contiguous = np.ascontiguousarray(array).reshape(array.shape)
    if array.dtype in (dtypes.bfloat16, dtypes.float8_e4m3fn, dtypes.float8_e5m2):
        contiguous = contiguous.view(f"int{8 * array.itemsize}")
    return mlir.DenseElementsAttr.get(contiguous, type=type_, context=context())


def splat(value: bool | int | float | complex, shape: Shape, dtype: DType) -> Attribute:
    """A constant whose elements all equal `value`."""
    return _splat(value, str(value), shape, dtype)


@lru_cache(maxsize=4096)
def _splat(
    value: bool | int | float | complex, spelled: str, shape: Shape, dtype: DType
) -> Attribute:
    """`splat`, kept by the spelling too: 0.0 and -0.0 are equal but not the same."""
    if not shape or dtypes.is_complex(dtype) or dtype == dtypes.bool_:
        return dense(np.full(shape, value, dtype))
    element: Attribute
    if dtypes.is_integer(dtype):
        # The bindings take 64 bits with a sign.
        number = int(np.array(int(np.real(value)) % 2**64, np.uint64).view(np.int64))
        element = mlir.IntegerAttr.get(element_type(dtype), number)
    else:
        rounded = float(np.asarray(value).astype(dtype))
        element = mlir.FloatAttr.get(element_type(dtype), rounded, loc=unknown())
    return mlir.DenseElementsAttr.get_splat(tensor_type(shape, dtype), element)


def constant_array(op: Operation) -> np.ndarray:
    """The elements of a `stablehlo.constant`, as an array of the constant's shape and dtype.

    Raises TypeError for constants kept in a resource section, which the bindings cannot read.
    """
    shape, dtype = type_of(op.results[0])
    complex_ = dtypes.is_complex(dtype)  # the bindings fail to hand over such an attribute
    return literals.read(_alone(op), shape, dtype) if complex_ else elements(op.attributes["value"])


def is_uniform(op: Operation) -> bool:
    """Whether a `stablehlo.constant` says one element for all."""
    complex_ = dtypes.is_complex(type_of(op.results[0])[1])
    return "dense<(" in _alone(op) if complex_ else is_splat(op.attributes["value"])


def _alone(op: Operation) -> str:
    """An op as text: of a copy, as to print it in its place all values around it are numbered."""
    return str(op.operation.clone(ip=False))


def is_splat(value: Any) -> bool:
    """Whether a constant's value says one element for all."""
    return isinstance(value, mlir.DenseElementsAttr) and value.is_splat


def elements(value: Any) -> np.ndarray:
    """The elements of a constant's value, the attribute: a view that nobody may write to."""
    shape, dtype = shape_and_dtype(value.type)
    unreadable = (dtypes.float8_e4m3fn, dtypes.float8_e5m2, dtypes.bfloat16)
    readable = dtype.kind in "biuf" and dtype not in unreadable
    if readable and isinstance(value, mlir.DenseElementsAttr):
        if value.is_splat:
            element = np.asarray(value.get_splat_value().value)
            return np.broadcast_to(element.astype(dtype), shape)
        return np.asarray(value).astype(dtype, copy=False).reshape(shape)
    return literals.read(str(value), shape, dtype)


# --- ops -------------------------------------------------------------------------------------


def create(
    name: str,
    results: Sequence[Type] | None,
    operands: Sequence[Value],
    attributes: Attributes | None,
    location: Location,
    point: InsertionPoint | None,
    regions: int = 0,
) -> Operation:
    """Create an op at `point`; `results=None` asks MLIR to infer the result types."""
    return Operation.create(
        name,
        results=results,
        operands=operands,
        attributes=attributes,
        regions=regions,
        loc=location,
        ip=point,
        infer_type=results is None,
    )


def create_function(
    module: Module,
    name: str,
    inputs: Sequence[Type],
    results: Sequence[Type],
    attributes: Attributes,
    location: Location,
    *,
    body: bool,
) -> Operation:
    """Append a private `func.func` to `module`, with an entry block or without a body."""
    type_ = mlir.FunctionType.get(list(inputs), list(results), context())
    facts = {
        "sym_name": string(name),
        "function_type": mlir.TypeAttr.get(type_, context()),
        "sym_visibility": string("private"),
        **attributes,
    }
    point = InsertionPoint(module.body)
    op = create("func.func", [], [], facts, location, point, regions=1)
    if body:
        op.regions[0].blocks.append(*inputs, arg_locs=[location] * len(inputs))
    return op


def set_function_type(op: Operation, inputs: Sequence[Type], results: Sequence[Type]) -> None:
    """Give a `func.func` a new type; its entry block must agree."""
    type_ = mlir.FunctionType.get(list(inputs), list(results), context())
    op.attributes["function_type"] = mlir.TypeAttr.get(type_, context())


def symbol_in(op: Operation, name: str) -> str:
    """The function that the attribute `name` of an op refers to."""
    return str(mlir.FlatSymbolRefAttr(op.attributes[name]).value)


def string_in(op: Operation, name: str) -> str:
    """The text of the attribute `name` of an op."""
    return str(mlir.StringAttr(op.attributes[name]).value)


def kind_of(op: Operation) -> str:
    """What tables of rules know an op by: its name, or the target of a call of slopec's own."""
    if op.name != "stablehlo.custom_call":
        return str(op.name)
    target = string_in(op, "call_target_name")
    return target if target.startswith("slopec.") else "stablehlo.custom_call"


def is_symbol(attribute: Attribute) -> bool:
    """Whether an attribute refers to a function."""
    return isinstance(attribute, mlir.FlatSymbolRefAttr)


def symbols_in(op: Operation) -> list[str]:
    """The functions that a function names in its own attributes, `slope.of` above all."""
    return [symbol_in(op, name) for name in op.attributes if is_symbol(op.attributes[name])]


def ops_in(root: Module | Operation, *names: str) -> list[Operation]:
    """The ops in a module or op and itself, those in regions before their owner; those of `names`.

    Names are found by a pattern that never matches, in C++, which is 30 times as fast. Ops found do
    not keep their module alive: whoever calls does.
    """
    if not names:
        return _walked(root, mlir.WalkOrder.POST_ORDER)
    found: list[Operation] = []

    def visit(op: OpView, _: Any) -> bool:
        found.append(op.operation)
        return True  # which says that it does not match

    patterns = mlir_rewrite.RewritePatternSet(context())
    for name in dict.fromkeys(names):
        patterns.add(name, visit)
    mlir_rewrite.walk_and_apply_patterns(root.operation, patterns.freeze())
    return [*found, root.operation] if root.operation.name in names else found


def owners_first(root: Operation) -> list[Operation]:
    """An op and those inside of it, which come after their owners."""
    return _walked(root, mlir.WalkOrder.PRE_ORDER)


def _walked(root: Module | Operation, order: mlir.WalkOrder) -> list[Operation]:
    found: list[Operation] = []

    def visit(op: Operation) -> mlir.WalkResult:
        found.append(op)
        return mlir.WalkResult.ADVANCE

    try:
        root.operation.walk(visit, order)
    except RuntimeError as error:
        raise KeyboardInterrupt from error  # nothing else can be raised there
    return found


def is_public(op: Operation) -> bool:
    """Whether a function can be called from outside the module."""
    return "sym_visibility" not in op.attributes or string_in(op, "sym_visibility") == "public"


def body_of(op: Operation) -> Block:
    """The entry block of a function that has a body."""
    return op.regions[0].blocks[0]


def has_body(op: Operation) -> bool:
    """Whether a function is defined, not only declared."""
    return len(op.regions[0].blocks) > 0


# --- spans -----------------------------------------------------------------------------------


@lru_cache(maxsize=65536)
def location(span: Span | None) -> Location:
    """The MLIR location of a span."""
    if span is None:
        return unknown()
    return Location.file(
        span.file,
        span.line,
        span.column,
        span.end_line or span.line,
        span.end_column or span.column,
        context(),
    )


def span_of(op: Operation) -> Span | None:
    """Where the user's program made `op`, or None when no file is recorded."""
    return location_span(op.location)


def location_span(where: Any) -> Span | None:
    """The span of a location: files directly, names and call sites through what they wrap."""
    if hasattr(where, "start_line"):
        start, end = (where.start_line, where.start_col), (where.end_line, where.end_col)
        return Span(where.filename, *start, *end)
    match = re.search(r'"([^"]+)":(\d+):(\d+)', str(where))
    return Span(match[1], int(match[2]), int(match[3])) if match else None
