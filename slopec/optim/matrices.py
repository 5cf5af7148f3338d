"""Transformations that treat a parameter as a matrix: Muon and Adafactor."""

import math
from collections.abc import Callable
from typing import Any

import ml_dtypes

from slopec import dtypes, ops
from slopec.ops.common import bad_argument
from slopec.optim.adaptive import counter
from slopec.optim.basic import times
from slopec.optim.transformation import (
    Hyper,
    Number,
    Transformation,
    filled_like,
    filled_state,
    tmap,
    tmap_many,
    wide,
)
from slopec.tensor import Tensor

Coefficients = tuple[float, float, float]
MUON: Coefficients = (3.4445, -4.7750, 2.0315)


def _original(rows: int, columns: int) -> float:
    return math.sqrt(max(1.0, rows / columns))


RATES: dict[str | None, Callable[[int, int], float]] = {
    None: _original,
    "original": _original,
    "match_rms_adamw": lambda rows, columns: 0.2 * math.sqrt(max(rows, columns)),
}
"""What the steps of Muon are times: Jordan's, or so that AdamW's rates fit (Liu et al., 2025)."""


def orthogonalized(
    g: Tensor,
    coefficients: Coefficients = MUON,
    steps: int = 5,
    eps: float = 1e-7,
) -> Tensor:
    """A matrix near U Vᵀ, for g = U S Vᵀ: a few steps of X ← aX + (bA + cA²)X with A = XXᵀ.

    The singular values end up between about 0.7 and 1.2 (Jordan et al., *Muon*, 2024).
    """
    a, b, c = coefficients
    tall = g.shape[0] > g.shape[1]
    x = g.T if tall else g
    x = x / ops.maximum(ops.norm(x), eps)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return x.T if tall else x


def scale_by_muon(
    momentum: Number = 0.95,
    nesterov: bool = True,
    coefficients: Coefficients = MUON,
    steps: int = 5,
    eps: float = 1e-7,
    adjust_lr_fn: str | None = None,
) -> Transformation:
    """The orthogonalised momentum of matrices, scaled as `RATES` says.

    The momentum is the running mean b ← momentum · b + (1 − momentum) · g. Unlike PyTorch, which
    iterates in bfloat16, the iteration is done in the gradient's type.
    """
    if adjust_lr_fn not in RATES:
        raise bad_argument(f"muon: adjust_lr_fn is one of {list(RATES)}, got {adjust_lr_fn!r}")
    hyper, scaled = Hyper({"momentum": momentum}), RATES[adjust_lr_fn]

    def update(updates: Any, state: Any, params: Any) -> tuple[Any, Any]:
        (rate,) = hyper.now(state["hyper"])

        def moved(g: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
            keep = times(rate, g)
            b = b + (1.0 - keep) * (g - b)
            direction = g + keep * (b - g) if nesterov else b
            return orthogonalized(direction, coefficients, steps, eps) * scaled(*g.shape), b

        stepped, buffer = tmap_many(moved, 2, updates, state["buffer"])
        return stepped, {"hyper": hyper.after(state["hyper"]), "buffer": buffer}

    return Transformation(
        lambda params: {"hyper": hyper.init(), "buffer": filled_like(params)}, update
    )


def partitioned(
    chosen: Callable[[Any], bool], one: Transformation, other: Transformation
) -> Transformation:
    """`one` for the parameters that `chosen` is true of, `other` for the rest.

    >>> import slopec as sp
    >>> from slopec import optim
    >>> rule = partitioned(lambda p: p.ndim == 2, optim.centralize(), optim.scale(2.0))
    >>> slopes = {"w": sp.tensor([[1.0, 3.0]]), "b": sp.tensor([1.0])}
    >>> updates, state = rule.update(slopes, rule.init(slopes), slopes)
    >>> print(updates["w"], updates["b"])
    tensor([[-1.  1.]], float32[1, 2], cpu) tensor([2.], float32[1], cpu)
    """

    def parts(of: Any, params: Any) -> tuple[Any, Any]:
        taken = tmap(lambda p, value: value if chosen(p) else None, params, of)
        left = tmap(lambda p, value: None if chosen(p) else value, params, of)
        return taken, left

    def init(params: Any) -> Any:
        taken, left = parts(params, params)
        return one.init(taken), other.init(left)

    def update(updates: Any, state: Any, params: Any) -> tuple[Any, Any]:
        mine, yours = parts(updates, params)
        taken, left = parts(params, params)
        first, after = one.update(mine, state[0], taken)
        second, rest = other.update(yours, state[1], left)
        both = tmap(lambda p, a, b: a if b is None else b, params, first, second)
        return both, (after, rest)

    return Transformation(init, update)


def adafactor_step(
    lr: Number,
    beta2_decay: float = -0.8,
    eps: tuple[float | None, float] = (None, 1e-3),
    d: float = 1.0,
    weight_decay: Number = 0.0,
) -> Transformation:
    """Adafactor's whole step: second moments kept as row and column means, step size relative.

    The step is −max(eps₂, rms(p)) · min(lr, 1/√t) · u / max(1, rms(u) / d) with u = g / √v, and
    v's running mean forgets at the rate t^beta2_decay (Shazeer & Stern, 2018; PyTorch's form).
    """
    hyper = Hyper({"lr": lr, "weight_decay": weight_decay})

    def rows(p: Any) -> Tensor:
        shape = (*p.shape[:-1], 1) if p.ndim > 1 else p.shape
        return filled_state(shape, 0.0, wide(p.dtype))

    def columns(p: Any) -> Tensor:
        shape = (*p.shape[:-2], 1, p.shape[-1]) if p.ndim > 1 else ()
        return filled_state(shape, 0.0, wide(p.dtype))

    def init(params: Any) -> Any:
        return {
            "hyper": hyper.init(),
            "step": counter(),
            "rows": tmap(rows, params),
            "columns": tmap(columns, params),
        }

    def update(updates: Any, state: Any, params: Any) -> tuple[Any, Any]:
        rate, decay = hyper.now(state["hyper"])
        step = state["step"] + 1
        t = ops.astype(step, dtypes.float32)
        forget, size = ops.exp(ops.log(t) * beta2_decay), ops.minimum(rate, ops.rsqrt(t))

        def moved(g: Tensor, p: Tensor, r: Tensor, c: Tensor) -> tuple[Tensor, ...]:
            least = float(ml_dtypes.finfo(p.dtype).eps) if eps[0] is None else eps[0]
            p, share = ops.astype(p, g.dtype), times(forget, g)
            u, r, c = _factored(g, r, c, share, least)
            length = ops.maximum(_rms(u) / d, 1.0)
            relative = times(size, g) * ops.maximum(_rms(p), eps[1]) / length
            return -times(rate * decay, g) * p - relative * u, r, c

        stepped, r, c = tmap_many(moved, 3, updates, params, state["rows"], state["columns"])
        new = {"hyper": hyper.after(state["hyper"]), "step": step, "rows": r, "columns": c}
        return stepped, new

    return Transformation(init, update)


def _rms(x: Tensor) -> Tensor:
    return ops.sqrt(ops.mean(ops.square(x)))


def _factored(
    g: Tensor, r: Tensor, c: Tensor, share: Tensor, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """(g / √v, new row means, new column means); a vector's v is its row means."""
    squares = ops.square(g)
    if g.ndim < 2:
        v = r = r + share * (squares - r)
    else:
        r = r + share * (ops.mean(squares, axis=-1, keepdims=True) - r)
        c = c + share * (ops.mean(squares, axis=-2, keepdims=True) - c)
        v = r * c / ops.maximum(ops.mean(r, axis=-2, keepdims=True), eps)
    return g * ops.rsqrt(ops.maximum(v, eps * eps)), r, c
