"""ONNX's recurrent layers as loops over time, for sequences of different lengths too."""

from collections.abc import Callable, Sequence
from typing import Any

from slopec import ops
from slopec.diagnostics import UsageError
from slopec.tensor import Tensor
from slopec.transforms import scan

State = tuple[Tensor, ...]
Step = Callable[[Tensor, State], State]

_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": ops.tanh,
    "sigmoid": ops.sigmoid,
    "relu": ops.relu,
}


def _activations(
    names: Sequence[str] | None, default: Sequence[str], directions: int
) -> list[list[Callable[[Tensor], Tensor]]]:
    given = [str(name).lower() for name in names or ()] or [*default] * directions
    unknown = sorted(set(given) - _ACTIVATIONS.keys())
    if unknown:
        raise UsageError("S0164", f"the activation {unknown[0]!r} has no counterpart here")
    each = len(default)
    return [[_ACTIVATIONS[n] for n in given[d * each : (d + 1) * each]] for d in range(directions)]


def _over_time(
    step: Step, xs: Tensor, state: State, lengths: Tensor | None, backwards: bool
) -> tuple[Tensor, State]:
    """Outputs (T, N, H) and the last state; steps beyond a sequence's length do nothing."""
    if lengths is None:

        def following(state: State, given: Tensor) -> tuple[State, Tensor]:
            new = step(given, state)
            return new, new[0]

        end, ys = scan(following, state, xs, reverse=backwards)
        return ys, end

    def within(state: State, given: tuple[Tensor, Tensor]) -> tuple[State, Tensor]:
        x, lives = given
        kept = tuple(
            ops.where(lives, new, old) for new, old in zip(step(x, state), state, strict=True)
        )
        return kept, ops.where(lives, kept[0], ops.zeros_like(kept[0]))

    alive = ops.arange(xs.shape[0], dtype=lengths.dtype)[:, None] < lengths[None, :]
    end, ys = scan(within, state, (xs, ops.expand_dims(alive, -1)), reverse=backwards)
    return ys, end


def _layer(
    step_of: Callable[..., Step], gates: int, default: Sequence[str], parts: int
) -> Callable[..., Any]:
    """A layer whose step `step_of` makes from a direction's weights and activations."""

    def run(
        x: Tensor,
        weight: Tensor,
        recurrent: Tensor,
        bias: Tensor | None = None,
        lengths: Tensor | None = None,
        initial: Tensor | None = None,
        initial_cell: Tensor | None = None,
        peepholes: Tensor | None = None,
        *,
        hidden_size: int = 0,
        direction: str = "forward",
        activations: Sequence[str] | None = None,
        layout: int = 0,
        clip: float | None = None,
        linear_before_reset: int = 0,
        input_forget: int = 0,
        outputs: int,
    ) -> Any:
        if clip is not None or input_forget:
            raise UsageError("S0164", "`clip` and `input_forget` have no counterpart here")
        directions, _, size = recurrent.shape
        functions = _activations(activations, default, directions)
        xs = ops.swapaxes(x, 0, 1) if layout else x
        begins = [
            None if v is None else ops.swapaxes(v, 0, 1) if layout else v
            for v in (initial, initial_cell)
        ][:parts]
        empty = ops.zeros((xs.shape[1], size), dtype=x.dtype)
        sides, ends = [], []
        for d in range(directions):
            inner = ops.zeros((2 * gates * size,), dtype=x.dtype) if bias is None else bias[d]
            peep = None if peepholes is None else peepholes[d]
            step = step_of(
                weight[d], recurrent[d], inner, functions[d], peep, bool(linear_before_reset)
            )
            begin = tuple(empty if v is None else v[d] for v in begins)
            backwards = direction == "reverse" or d == 1
            y, end = _over_time(step, xs, begin, lengths, backwards)
            sides.append(y)
            ends.append(end)
        found = [ops.stack(sides, axis=1), *(ops.stack(list(p)) for p in zip(*ends, strict=True))]
        if layout:
            found = [
                ops.permute_dims(found[0], (2, 0, 1, 3)),
                *(ops.swapaxes(v, 0, 1) for v in found[1:]),
            ]
        return tuple(found)[:outputs] if outputs > 1 else found[0]

    return run


def _elman(w: Tensor, r: Tensor, b: Tensor, act: Any, _: Any, __: bool) -> Step:
    """h ← f(W x + R h + b)."""
    b1, b2 = ops.split(b, 2)

    def step(x: Tensor, state: State) -> State:
        return (act[0](x @ w.T + state[0] @ r.T + b1 + b2),)

    return step


def _gru(w: Tensor, r: Tensor, b: Tensor, act: Any, _: Any, before_reset: bool) -> Step:
    """h ← (1 − z) n + z h (Cho et al., 2014); the reset lies before or behind R's product."""
    b1, b2 = ops.split(b, 2)
    last = r.shape[0] // 3 * 2

    def step(x: Tensor, state: State) -> State:
        (h,) = state
        z1, r1, n1 = ops.split(x @ w.T + b1, 3, axis=-1)
        z2, r2 = ops.split(h @ r[:last].T + b2[:last], 2, axis=-1)
        z, reset = act[0](z1 + z2), act[0](r1 + r2)
        if before_reset:
            n2 = reset * (h @ r[last:].T + b2[last:])
        else:
            n2 = (reset * h) @ r[last:].T + b2[last:]
        return ((1 - z) * act[1](n1 + n2) + z * h,)

    return step


def _lstm(w: Tensor, r: Tensor, b: Tensor, act: Any, peepholes: Tensor | None, _: bool) -> Step:
    """c ← σ(f) c + σ(i) tanh(g), h ← σ(o) tanh(c), where gates may look at the cell."""
    b1, b2 = ops.split(b, 2)
    look = [0, 0, 0] if peepholes is None else ops.split(peepholes, 3)

    def step(x: Tensor, state: State) -> State:
        h, c = state
        i, o, f, g = ops.split(x @ w.T + h @ r.T + b1 + b2, 4, axis=-1)
        forget, enter = act[0](f + look[2] * c), act[0](i + look[0] * c)
        cell = forget * c + enter * act[1](g)
        return act[0](o + look[1] * cell) * act[2](cell), cell

    return step


TABLE: dict[str, Callable[..., Any]] = {
    "RNN": _layer(_elman, 1, ("tanh",), 1),
    "GRU": _layer(_gru, 3, ("sigmoid", "tanh"), 1),
    "LSTM": _layer(_lstm, 4, ("sigmoid", "tanh", "tanh"), 2),
}
