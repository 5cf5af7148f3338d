"""`jit`: a function compiled for the host, once per shapes, dtypes and static arguments."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from slopec import ir, tracing, tree
from slopec.diagnostics import TransformError
from slopec.lazy.compiled import compile_module
from slopec.lazy.graph import Value
from slopec.tensor import Tensor
from slopec.transforms.api import Function
from slopec.transforms.function import Arguments, Traced, call, trace_function


@dataclass(frozen=True)
class _Compiled:
    """A loaded program, what it takes besides the arguments, and how its results nest."""

    run: Callable[[Sequence[Value]], list[Any]]
    captures: tuple[Tensor, ...]
    result: tree.TreeDef


class Jitted:
    """A function that compiles itself for every new combination of argument types."""

    def __init__(
        self,
        function: Function,
        static_argnums: Sequence[int],
        static_argnames: Sequence[str],
        target: str,
    ) -> None:
        """See `jit`."""
        functools.update_wrapper(self, function)
        self.function = function
        self.static_argnums = tuple(static_argnums)
        self.static_argnames = tuple(static_argnames)
        self.target = target
        self._compiled: dict[Any, _Compiled] = {}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the compiled function; inside a trace, call it as a function of that trace."""
        arguments = Arguments.of(args, kwargs, self._is_static(args, kwargs))
        if tracing.is_tracing():
            here = tracing.current()
            traced = trace_function(self.function, arguments, here, here.module)
            flat = call(traced.symbol, [*arguments.tensors, *traced.captures], traced.outputs)
            return traced.result.unflatten(flat)
        compiled = self._get(arguments)
        given = [t.eval()._value for t in (*arguments.tensors, *compiled.captures)]
        return compiled.result.unflatten(map(Tensor._of_array, compiled.run(given)))

    def _is_static(self, args: Sequence[Any], kwargs: dict[str, Any]) -> Callable[[str], bool]:
        numbers = {n % len(args) for n in self.static_argnums if -len(args) <= n < len(args)}
        prefixes = [f"0.{n}" for n in numbers] + [f"1.{n}" for n in self.static_argnames]
        return lambda path: any((path + ".").startswith(prefix + ".") for prefix in prefixes)

    def _get(self, arguments: Arguments) -> _Compiled:
        key = _key(self.function, arguments)
        compiled = self._compiled.get(key)
        if compiled is None:
            compiled = self._compiled[key] = _compile(self.function, arguments, self.target)
        return compiled

    def lower(self, *args: Any, **kwargs: Any) -> ir.Module:
        """The StableHLO module that a call with these arguments would compile."""
        arguments = Arguments.of(args, kwargs, self._is_static(args, kwargs))
        return _trace(self.function, arguments)[0]


def _key(function: Function, arguments: Arguments) -> Any:
    types = tuple((t.shape, t.dtype) for t in arguments.tensors)
    key = (arguments.treedef, arguments.static, types)
    try:
        hash(key)
    except TypeError as error:
        name = getattr(function, "__name__", "the function")
        raise TransformError(
            "S0209",
            f"jit: a static argument of {name} is not hashable: {error}",
            span=tracing.here(),
            hint="pass arrays as tensors, and make static arguments tuples, strings or numbers",
        ) from None
    return key


def _trace(function: Function, arguments: Arguments) -> tuple[ir.Module, Traced]:
    module = ir.new_module()
    traced = trace_function(function, arguments, None, module)
    ir.function(module, traced.symbol).attributes["sym_visibility"] = ir.string("public")
    return module, traced


def _compile(function: Function, arguments: Arguments, target: str) -> _Compiled:
    module, traced = _trace(function, arguments)
    compiled = compile_module(module, traced.symbol, target=target)
    return _Compiled(compiled.run, traced.captures, traced.result)


def jit(
    function: Function | None = None,
    *,
    static_argnums: int | Sequence[int] = (),
    static_argnames: str | Sequence[str] = (),
    target: str = "llvm-cpu",
) -> Any:
    """Compile `function` with IREE, once per combination of argument types, and call that.

    Leaves of the arguments that are tensors, arrays or numbers become inputs; everything else, and
    the arguments named by `static_argnums` and `static_argnames`, is part of the key and must be
    hashable. Inside another trace the function is simply traced, so `jit` composes with `grad` and
    its kin in either order.

    Raises TransformError for unhashable static arguments and CompileError when the back end
    refuses the program.

    >>> import slopec as sp
    >>> double = sp.jit(lambda x: x + x)
    >>> print(double(sp.tensor([1.0, 2.0])))
    tensor([2. 4.], float32[2], cpu)
    """
    numbers = (static_argnums,) if isinstance(static_argnums, int) else tuple(static_argnums)
    names = (static_argnames,) if isinstance(static_argnames, str) else tuple(static_argnames)
    if function is None:
        return lambda f: Jitted(f, numbers, names, target)
    return Jitted(function, numbers, names, target)
