"""A program is a function marked for compilation, with the types of what it will be called with.

`@program(image=spec("float32", ("batch", 784)))` says what comes at run time; every other
parameter is a weight: an instance, a class or a factory, built once and shared by all programs of
the file. Parameters named in `state` are kept on the device between calls.
"""

import inspect
import os
import sys
import threading
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from slopec import dtypes, tracing, tree
from slopec.diagnostics import Span, TraceError, UsageError, did_you_mean
from slopec.dtypes import DType
from slopec.tree import TreeDef
from slopec_runtime.errors import Error
from slopec_runtime.sizes import evaluate, names


@dataclass(frozen=True)
class Spec:
    """The type of an array that comes at run time.

    A name in `shape` is a symbolic dimension, and a formula such as `"batch * heads"` one of some.
    """

    dtype: DType
    shape: tuple[int | str, ...]

    def concrete(self, sizes: Mapping[str, int]) -> tuple[int, ...]:
        """The shape with every name replaced by its size."""
        return tuple(evaluate(d, sizes) for d in self.shape)

    def __str__(self) -> str:
        """`float32[batch, 784]`."""
        return f"{self.dtype.name}[{', '.join(map(str, self.shape))}]"


def spec(dtype: Any, shape: Sequence[int | str] = ()) -> Spec:
    """The type of a run-time argument: dtype and shape, where a name is a symbolic dimension.

    A size may be a formula of dimensions with `+`, `-`, `*` and `//`; each of them must stand alone
    in some argument, so that its size is known. In the program, sizes are ints.

    Raises TypeError for an unknown dtype and UsageError (S0110) for sizes that are no size.

    >>> print(spec("float32", ("batch", 784)), spec("int32", ("batch * heads", 2)))
    float32[batch, 784] int32[batch * heads, 2]
    """
    for size in shape:
        if not _is_size(size):
            raise UsageError(
                "S0110",
                f"{size!r} is neither a size nor a dimension",
                span=tracing.here(),
                hint="write sizes as ints and symbolic dimensions as names, such as "
                '"batch", or formulas of them, such as "2 * batch"',
            )
    return Spec(dtypes.as_dtype(dtype), tuple(shape))


def _is_size(size: Any) -> bool:
    if isinstance(size, str):
        try:
            return bool(names(size))
        except ValueError:
            return False
    return isinstance(size, int) and not isinstance(size, bool) and size >= 0


def _is_spec_tree(value: Any) -> bool:
    leaves = tree.leaves(value)
    return bool(leaves) and all(isinstance(leaf, Spec) for leaf in leaves)


@dataclass(frozen=True, eq=False)
class Program:
    """A marked function; calling it runs the function as it stands."""

    function: Callable[..., Any]
    arguments: Mapping[str, Any]
    state: tuple[str, ...] = ()
    span: Span | None = None
    name: str = field(default="")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the function itself."""
        return self.function(*args, **kwargs)

    @property
    def parameters(self) -> list[str]:
        """The function's parameters, in order."""
        return list(inspect.signature(self.function).parameters)

    @property
    def inputs(self) -> dict[str, tuple[list[Spec], TreeDef]]:
        """The parameters that come at run time: their leaves' types and their nesting."""
        return {
            name: tree.flatten(self.arguments[name])
            for name in self.parameters
            if _is_spec_tree(self.arguments.get(name))
        }

    @property
    def dims(self) -> list[str]:
        """The symbolic dimensions, in order of appearance."""
        found: dict[str, None] = {}
        for leaves, _ in self.inputs.values():
            for leaf in leaves:
                found.update((name, None) for size in leaf.shape for name in names(size))
        return list(found)


def program(
    *, state: Sequence[str] = (), name: str | None = None, **arguments: Any
) -> Callable[[Callable[..., Any]], Program]:
    """Mark a function as a program: what `slopec compile` compiles.

    Every keyword names a parameter: a `spec` (or a pytree of specs) comes at run time; anything
    else is a weight: a pytree, or a class or function that makes one. A parameter annotated with a
    class needs no keyword. The parameters in `state` stay on the device between calls; the
    function returns their new values first, as a tuple `(state…, result)`.

    Raises UsageError for keywords that are no parameters.

    >>> import slopec as sp
    >>> @sp.program(x=sp.spec("float32", ("batch", 3)))
    ... def double(x):
    ...     return x * 2.0
    >>> double.dims
    ['batch']
    """
    place = tracing.here()

    def mark(marked: Callable[..., Any]) -> Program:
        made = Program(
            marked,
            arguments,
            tuple(state),
            place,
            name or str(getattr(marked, "__name__", "program")),
        )
        _check(made)
        return made

    return mark


def _check(marked: Program) -> None:
    known = marked.parameters
    for keyword in [*marked.arguments, *marked.state]:
        if keyword not in known:
            raise UsageError(
                "S0111",
                f"program `{marked.name}` has no parameter `{keyword}`",
                span=marked.span,
                notes=(f"its parameters are {', '.join(known) or 'none'}",),
                hint=did_you_mean(keyword, known),
            )
    sizes = [d for leaves, _ in marked.inputs.values() for leaf in leaves for d in leaf.shape]
    for dim in marked.dims:
        if dim not in sizes:
            formula = next(size for size in sizes if dim in names(size))
            raise UsageError(
                "S0110",
                f"no argument of program `{marked.name}` has `{dim}` as a size of its own",
                span=marked.span,
                notes=(f"it is used in `{formula}`, from which it cannot be told",),
            )


class Weights:
    """The values of parameters that do not come at run time, each made once."""

    def __init__(self, given: Mapping[str, Any] | None = None) -> None:
        """`given` are values of parameters, by name, that are there already."""
        self._given = dict(given or {})
        self._made: dict[tuple[str, int], Any] = {}

    def of(self, marked: Program) -> dict[str, Any]:
        """The value of every weight and state parameter of a program."""
        values: dict[str, Any] = {}
        for name, parameter in inspect.signature(marked.function).parameters.items():
            if name not in marked.inputs:
                values[name] = self._value(marked, name, parameter, values)
        return values

    def _value(
        self, marked: Program, name: str, parameter: inspect.Parameter, values: dict[str, Any]
    ) -> Any:
        if name in self._given:
            return self._given[name]
        source = marked.arguments.get(name, parameter.default)
        if source is inspect.Parameter.empty:
            source = _annotation(marked, name)
        if not callable(source) or _is_instance(source):
            return source
        key = (name, id(source))
        if key not in self._made:
            wanted = inspect.signature(source).parameters
            self._made[key] = source(**{k: v for k, v in values.items() if k in wanted})
        return self._made[key]


def _is_instance(source: Any) -> bool:
    """Whether a callable is a weight itself, such as a module, rather than a maker of one."""
    return not isinstance(source, type) and tree.structure(source) != tree.LEAF


def _annotation(marked: Program, name: str) -> Any:
    try:
        hint = typing.get_type_hints(marked.function).get(name)
    except NameError:
        hint = None
    if isinstance(hint, type):
        return hint
    raise UsageError(
        "S0112",
        f"nothing says what the parameter `{name}` of program `{marked.name}` is",
        span=marked.span,
        hint=f"add `{name}=sp.spec(…)` for a run-time argument, or annotate it with a module class",
    )


def load_file(path: str | Path) -> ModuleType:
    """Import a Python file by its path, its folder being importable meanwhile."""
    file = Path(path)
    if not file.is_file():
        raise UsageError("S0404", f"there is no file `{file}`")
    found = spec_from_file_location(f"slopec_model_{file.stem}", file)
    if found is None or found.loader is None:
        raise UsageError(
            "S0406",
            f"`{file}` is not Python: its name ends in `{file.suffix}`",
            hint="name a `.py` file, or a StableHLO module (`.mlir`, `.mlirbc`)",
        )
    module = module_from_spec(found)
    sys.modules[found.name] = module
    folder = str(file.parent.resolve())
    sys.path.insert(0, folder)
    try:
        with reporting(f"while `{file}` was imported"), _exits_raised():
            found.loader.exec_module(module)
    finally:
        sys.path.remove(folder)
    return module


@contextmanager
def reporting(when: str) -> Iterator[None]:
    """Turn an exception of the user's code into an error at the user's line.

    Raises TraceError (S0115) in its place; errors of slopec pass as they are.
    """
    try:
        yield
    except (Error, KeyboardInterrupt):
        raise
    except SyntaxError as error:
        span = error.filename and Span(error.filename, error.lineno or 1, error.offset or 0)
        message = f"{type(error).__name__}: {error.msg}"
        raise TraceError("S0115", message, span=span or None, notes=(f"raised {when}",)) from error
    except BaseException as error:  # SystemExit too, and classes of the user's own
        where = tracing.span_of_traceback(error.__traceback__)
        if where is None:
            raise
        message = f"{type(error).__name__}: {error}"
        raise TraceError("S0115", message, span=where, notes=(f"raised {when}",)) from error


@contextmanager
def _exits_raised() -> Iterator[None]:
    """Let `os._exit` raise SystemExit here, so that it is told as `sys.exit` is.

    Forked children and other threads end as they mean to.
    """
    leave, here = os._exit, (os.getpid(), threading.get_ident())

    def exits(status: int) -> NoReturn:
        if (os.getpid(), threading.get_ident()) != here:
            leave(status)
        raise SystemExit(status)

    os._exit = exits
    try:
        yield
    finally:
        os._exit = leave


def programs_in(module: ModuleType) -> Iterator[Program]:
    """The marked functions of an imported file, in order of definition."""
    yield from (value for value in vars(module).values() if isinstance(value, Program))


def select(module: ModuleType, wanted: str | None, origin: str) -> list[Program]:
    """The programs of a file, or the one called `wanted`; raises UsageError without any."""
    found = list(programs_in(module))
    if not found:
        raise UsageError(
            "S0411",
            f"{origin} marks no program",
            hint="put `@sp.program(x=sp.spec(…))` above the function to compile",
        )
    if wanted is None:
        return found
    chosen = [marked for marked in found if marked.name == wanted]
    if not chosen:
        names = [marked.name for marked in found]
        raise UsageError(
            "S0411",
            f"{origin} has no program `{wanted}`",
            notes=(f"it has {', '.join(names)}",),
            hint=did_you_mean(wanted, names),
        )
    return chosen
