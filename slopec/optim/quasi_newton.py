"""L-BFGS: the inverse of the Hessian, guessed from how the gradient changed in the last few steps.

With steps s and changes of the gradient y, each pair corrects the guess H so that H y = s:

    H ← (I − ρ s yᵀ) H (I − ρ y sᵀ) + ρ s sᵀ,  ρ = 1 / sᵀy

beginning with H = γ I, γ = sᵀy / yᵀy of the latest pair. H g is found without writing H down
(Nocedal & Wright, *Numerical Optimization*, 2006, algorithm 7.4). The pairs stand in rings of rows;
a row that was never written has ρ = 0 and corrects nothing.
"""

from typing import Any

from slopec import dtypes, ops
from slopec.dtypes import DType
from slopec.ops.common import bad_argument
from slopec.optim.transformation import (
    Transformation,
    filled_like,
    filled_state,
    kept_leaves,
    tmap,
    wide,
)
from slopec.tensor import Tensor
from slopec.transforms import fori_loop

Memory = dict[str, Any]
"""`steps` and `changes`, `weights` (the ρ), `scale` (γ), and `count`, the pairs written so far."""


def inner(a: Any, b: Any) -> Tensor:
    """Σ Re(ā b) over all elements of all leaves."""
    pairs = zip(kept_leaves(a), kept_leaves(b), strict=True)
    products = [ops.real(ops.sum(ops.conj(x) * y)) for x, y in pairs]
    total = products[0] if products else ops.zeros(())
    for product in products[1:]:
        total = total + product
    return total


def no_memory(params: Any, size: int) -> Memory:
    """Room for `size` pairs of trees like `params`; γ = 1."""

    def rows() -> Any:
        return tmap(lambda p: filled_state((size, *p.shape), 0.0, wide(p.dtype)), params)

    real = _real(params)
    return {
        "steps": rows(),
        "changes": rows(),
        "weights": filled_state((size,), 0.0, real),
        "scale": filled_state((), 1.0, real),
        "count": filled_state((), 0, dtypes.int32),
    }


def grown(memory: Memory, size: int) -> Memory:
    """A full memory with room for `size` pairs."""

    def longer(rows: Tensor) -> Tensor:
        return ops.pad(rows, [(0, size - rows.shape[0])] + [(0, 0)] * (rows.ndim - 1))

    return {
        **memory,
        **{name: tmap(longer, memory[name]) for name in ("steps", "changes", "weights")},
    }


def remember(memory: Memory, step: Any, change: Any, least: float = 0.0) -> Memory:
    """The memory with another pair in place of the oldest; as it was unless sᵀy > `least`.

    Where the function curves down, H would lose its positive eigenvalues, and H g would not lead
    uphill any more.
    """
    curvature = inner(step, change)
    kept = ops.greater(curvature, least)
    size = memory["weights"].shape[0]
    row = memory["count"] % size
    safe = ops.where(kept, curvature, ops.ones_like(curvature))

    def put(rows: Tensor, new: Tensor) -> Tensor:
        chosen: Tensor = rows.at[row].set(ops.where(kept, ops.astype(new, rows.dtype), rows[row]))
        return chosen

    scale = safe / ops.where(kept, inner(change, change), ops.ones_like(curvature))
    return {
        "steps": tmap(put, memory["steps"], step),
        "changes": tmap(put, memory["changes"], change),
        "weights": put(memory["weights"], 1.0 / safe),
        "scale": ops.where(kept, ops.astype(scale, memory["scale"].dtype), memory["scale"]),
        "count": memory["count"] + ops.astype(kept, dtypes.int32),
    }


def preconditioned(memory: Memory, gradients: Any, scale: Tensor | None = None) -> Any:
    """H g; H begins with `scale` · I, by default γ I."""
    size, count, weights = memory["weights"].shape[0], memory["count"], memory["weights"]
    begin = memory["scale"] if scale is None else scale

    def at(name: str, row: Tensor) -> Any:
        return tmap(lambda rows: rows[row], memory[name])

    def newest_first(i: Tensor, carry: Any) -> Any:
        q, shares = carry
        row = (count + (size - 1 - i)) % size
        share = weights[row] * ops.astype(inner(at("steps", row), q), weights.dtype)
        return _added(q, at("changes", row), -share), shares.at[row].set(share)

    q, shares = fori_loop(0, size, newest_first, (gradients, ops.zeros_like(weights)))

    def oldest_first(i: Tensor, r: Any) -> Any:
        row = (count + i) % size
        share = weights[row] * ops.astype(inner(at("changes", row), r), weights.dtype)
        return _added(r, at("steps", row), shares[row] - share)

    first = tmap(lambda x: x * ops.astype(begin, x.dtype), q)
    return fori_loop(0, size, oldest_first, first)


def scale_by_lbfgs(memory_size: int = 10, scale_init_precond: bool = True) -> Transformation:
    """H g from the pairs of the last `memory_size` steps (Liu & Nocedal, 1989).

    H begins with γ I, or with I unless `scale_init_precond`; before there is a pair γ is
    min(1, 1/‖g‖), so that the first step is no longer than 1. Pairs with sᵀy ≤ 0 are left out.
    """
    if memory_size < 1:
        raise bad_argument(f"lbfgs: the memory holds at least one pair, got {memory_size}")

    def init(params: Any) -> Any:
        last = {"params": filled_like(params), "gradients": filled_like(params)}
        return {"memory": no_memory(params, memory_size), "first": Tensor(True), **last}

    def update(updates: Any, state: Any, params: Any) -> tuple[Any, Any]:
        here = tmap(lambda p, like: ops.astype(p, like.dtype), params, state["params"])
        step = _masked(state["first"], here, state["params"])
        change = _masked(state["first"], updates, state["gradients"])
        memory = remember(state["memory"], step, change)
        if scale_init_precond:
            norm = ops.sqrt(inner(updates, updates))
            early = ops.equal(memory["count"], 0)
            scale = ops.where(early, 1.0 / ops.maximum(norm, 1.0), memory["scale"])
        else:
            scale = ops.ones_like(memory["scale"])
        after = {"memory": memory, "first": Tensor(False), "params": here, "gradients": updates}
        return preconditioned(memory, updates, scale), after

    return Transformation(init, update)


def _masked(first: Tensor, new: Any, old: Any) -> Any:
    """new − old, and zeros at the first step, which has no past."""
    return tmap(lambda a, b: ops.where(first, ops.zeros_like(a), a - b), new, old)


def _added(vector: Any, direction: Any, share: Tensor) -> Any:
    return tmap(lambda x, d: x + ops.astype(share, x.dtype) * d, vector, direction)


def _real(params: Any) -> DType:
    """The type of inner products."""
    types = [dtypes.real_of(wide(leaf.dtype)) for leaf in kept_leaves(params)]
    return ops.result_type(*types) if types else dtypes.float32
