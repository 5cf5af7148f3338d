"""`pmap`: the copies of a data-parallel program as one batched program."""

from typing import Any

from slopec.jit import jit
from slopec.transforms import vmap
from slopec.transforms.api import Function
from slopec.transforms.function import check_callable


def pmap(
    function: Function,
    axis_name: str | None = None,
    *,
    in_axes: Any = 0,
    out_axes: Any = 0,
    axis_size: int | None = None,
) -> Function:
    """The copies of a data-parallel program: `function` on every shard, compiled as one program.

    It is called as in JAX: the arguments have a leading axis of shards, and `sp.pmean(x, name)`
    and its kin exchange values between the copies. `in_axes`, `out_axes` and `axis_size` are those
    of `vmap`. A device here is all cores of a CPU or a whole GPU, on which the copies run as one
    batched program. So, other than in JAX, there may be any number of copies, not one per device,
    and a result is one tensor, not one in shards.

    Raises TransformError as `vmap` does.

    >>> import slopec as sp
    >>> def step(w, x, y):
    ...     gradient = sp.grad(lambda w: ((w * x - y) ** 2).mean())(w)
    ...     return w - 0.1 * sp.pmean(gradient, "shards")
    >>> x, y = sp.tensor([[1.0], [2.0]]), sp.tensor([[3.0], [6.0]])
    >>> print(sp.pmap(step, "shards", in_axes=(None, 0, 0), out_axes=None)(1.0, x, y))
    tensor(2., float32[], cpu)
    """
    check_callable("pmap", function)
    mapped = vmap(function, in_axes, out_axes, axis_name=axis_name, axis_size=axis_size)
    jitted: Function = jit(mapped)
    return jitted
