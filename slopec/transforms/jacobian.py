"""Whole matrices of derivatives: `jvp` or `vjp` in every direction at once, by `vmap`."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from slopec import dtypes, hlo, tracing, tree
from slopec.diagnostics import DTypeError, TransformError
from slopec.tensor import Tensor
from slopec.tracing import TensorType
from slopec.transforms.api import grad, jvp, vjp
from slopec.transforms.function import as_tensor, check_callable, is_array, name_of
from slopec.transforms.vmap import vmap

Function = Callable[..., Any]
ArgNums = int | Sequence[int]


def jacfwd(function: Function, argnums: ArgNums = 0, *, has_aux: bool = False) -> Function:
    """The Jacobian of `function`, computed forward: cheap for few inputs and many outputs.

    The result has the structure of the value, in whose leaves is the structure of the argument
    `argnums` (a tuple when several are chosen); each leaf has the shape of its output followed by
    that of its input. With `has_aux`, `function` returns (value, aux) and the result is
    (Jacobian, aux).

    Raises DTypeError for inputs that are not real floats.

    >>> import slopec as sp
    >>> print(sp.jacfwd(lambda x: x * x)(sp.tensor([1.0, 2.0])))
    tensor([[2. 0.]
            [0. 4.]], float32[2, 2], cpu)
    """
    check_callable("jacfwd", function)

    @functools.wraps(function)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        chosen = _Chosen(function, args, kwargs, argnums)
        leaves, treedef = _real("jacfwd", function, "argument", chosen.value)
        types = [(x.shape, x.dtype) for x in leaves]

        def push(*tangents: Tensor) -> Any:
            given = (treedef.unflatten(tangents),)
            return jvp(chosen.run, (chosen.value,), given, has_aux=has_aux)[1]

        columns = vmap(push, out_axes=-1)(*_basis(types))
        rows = [_split(x, types, last=True) for x in tree.leaves(columns)]
        made = tree.structure(columns).unflatten(treedef.unflatten(row) for row in rows)
        # A second call of the function, which `cse` unites with the one that is differentiated.
        return (made, vjp(chosen.run, chosen.value, has_aux=True)[2]) if has_aux else made

    return jacobian


def jacrev(function: Function, argnums: ArgNums = 0, *, has_aux: bool = False) -> Function:
    """The Jacobian of `function`, computed in reverse: cheap for many inputs and few outputs.

    The result is as that of `jacfwd`. Raises DTypeError for inputs or outputs that are not real
    floats.

    >>> import slopec as sp
    >>> print(sp.jacrev(lambda x: (x * x).sum())(sp.tensor([1.0, 2.0])))
    tensor([2. 4.], float32[2], cpu)
    """
    check_callable("jacrev", function)

    @functools.wraps(function)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        chosen = _Chosen(function, args, kwargs, argnums)
        _, treedef = _real("jacrev", function, "argument", chosen.value)
        value, pullback, *aux = vjp(chosen.run, chosen.value, has_aux=has_aux)
        leaves, result = _real("jacrev", function, "result", value)
        types = [(x.shape, x.dtype) for x in leaves]

        def pull(*cotangents: Tensor) -> Any:
            return pullback(result.unflatten(cotangents))[0]

        rows = vmap(pull)(*_basis(types))
        columns = [_split(x, types, last=False) for x in tree.leaves(rows)]
        pairs = zip(*columns, strict=True)
        made = result.unflatten(treedef.unflatten(column) for column in pairs)
        return (made, *aux) if has_aux else made

    return jacobian


def hessian(function: Function, argnums: ArgNums = 0, *, has_aux: bool = False) -> Function:
    """The matrix of second derivatives of a `function`, forward over reverse.

    With `has_aux`, `function` returns (value, aux) and the result is (Hessian, aux).

    >>> import slopec as sp
    >>> print(sp.hessian(lambda x: (x**3).sum())(sp.tensor([1.0, 2.0])))
    tensor([[ 6.  0.]
            [ 0. 12.]], float32[2, 2], cpu)
    """
    return jacfwd(jacrev(function, argnums, has_aux=has_aux), argnums, has_aux=has_aux)


def hvp(function: Function, primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """The Hessian of a scalar `function` at `primals` times `tangents`, without the matrix.

    Both are sequences with an entry per argument. The result has the structure of the argument, or
    is a tuple when there are several.

    >>> import slopec as sp
    >>> print(sp.hvp(lambda x: (x**3).sum(), (sp.tensor([1.0, 2.0]),), (sp.tensor([1.0, 1.0]),)))
    tensor([ 6. 12.], float32[2], cpu)
    """
    check_callable("hvp", function)
    argnums = 0 if len(primals) == 1 else tuple(range(len(primals)))
    return jvp(grad(function, argnums), primals, tangents)[1]


class _Chosen:
    """The arguments that a Jacobian is taken by, and the function of them alone."""

    def __init__(
        self, function: Function, args: Sequence[Any], kwargs: dict[str, Any], argnums: ArgNums
    ) -> None:
        numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        wrong = [n for n in numbers if not -len(args) <= n < len(args)]
        if wrong:
            raise TransformError(
                "S0204",
                f"argnums={wrong[0]}, but {name_of(function)} was called with {len(args)} "
                "positional arguments",
                span=tracing.here(),
            )
        self.function, self.args, self.kwargs = function, args, kwargs
        self.places = [n % len(args) for n in numbers]
        self.single = isinstance(argnums, int)
        values = tuple(args[n] for n in self.places)
        self.value = values[0] if self.single else values

    def run(self, value: Any) -> Any:
        """The function with other values of the chosen arguments."""
        args = list(self.args)
        values = (value,) if self.single else value
        for place, given in zip(self.places, values, strict=True):
            args[place] = given
        return self.function(*args, **self.kwargs)


def _real(
    verb: str, function: Function, role: str, value: Any
) -> tuple[list[Tensor], tree.TreeDef]:
    """The leaves of a pytree, all of which are real floats, and its structure."""
    leaves, treedef = tree.flatten(value)
    for leaf in leaves:
        dtype = as_tensor(leaf).dtype if is_array(leaf) else type(leaf).__name__
        if not is_array(leaf) or not dtypes.is_floating(as_tensor(leaf).dtype):
            raise DTypeError(
                "S0205",
                f"{verb}: the {role} of {name_of(function)} holds {dtype} data; a Jacobian is one "
                "of real floats",
                span=tracing.here(),
                hint="pass float32 data, choose other argnums, or use `jvp` and `vjp` themselves",
            )
    return [as_tensor(leaf) for leaf in leaves], treedef


def _basis(types: Sequence[TensorType]) -> list[Tensor]:
    """Every direction of tensors of some types: row i of all of them together is the i-th."""
    sizes = [int(np.prod(shape)) for shape, _ in types]
    total, before, basis = sum(sizes), 0, []
    for (shape, dtype), size in zip(types, sizes, strict=True):
        rows = np.eye(total, size, -before).astype(dtype)
        basis.append(hlo.constant(rows.reshape(total, *shape)))
        before += size
    return basis


def _split(x: Tensor, types: Sequence[TensorType], *, last: bool) -> list[Tensor]:
    """Cut a tensor along its directions, which are its last or first axis, and shape each piece."""
    axis = x.ndim - 1 if last else 0
    rest = [n for d, n in enumerate(x.shape) if d != axis]
    before, pieces = 0, []
    for shape, _ in types:
        after = before + int(np.prod(shape))
        low = [before if d == axis else 0 for d in range(x.ndim)]
        high = [after if d == axis else n for d, n in enumerate(x.shape)]
        piece = hlo.slice_(x, low, high)
        pieces.append(hlo.reshape(piece, (*rest, *shape) if last else (*shape, *rest)))
        before = after
    return pieces
