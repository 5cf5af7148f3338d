"""Recurrent layers: the inputs' share of all steps in one product, then a scan over time."""

import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from slopec import dtypes, ops, random, tracing
from slopec.diagnostics import ShapeError
from slopec.nn import functional, init
from slopec.nn.module import Module
from slopec.ops.common import at_least, bad_argument
from slopec.tensor import Tensor
from slopec.transforms import scan

State = tuple[Tensor, ...]
Step = Callable[[Tensor, Tensor, State], State]


def elman(activation: Callable[[Tensor], Tensor]) -> Step:
    """h ← activation(from input + from state) (Elman, 1990)."""

    def step(given: Tensor, kept: Tensor, state: State) -> State:
        return (activation(given + kept),)

    return step


def lstm(given: Tensor, kept: Tensor, state: State) -> State:
    """c ← σ(f) c + σ(i) tanh(g), h ← σ(o) tanh(c) (Hochreiter & Schmidhuber, 1997)."""
    i, f, g, o = ops.split(given + kept, 4, axis=-1)
    c = ops.sigmoid(f) * state[1] + ops.sigmoid(i) * ops.tanh(g)
    return ops.sigmoid(o) * ops.tanh(c), c


def gru(given: Tensor, kept: Tensor, state: State) -> State:
    """h ← (1 − z) n + z h with n = tanh(nᵢ + σ(r) nₕ), z = σ(zᵢ + zₕ) (Cho et al., 2014)."""
    (r1, z1, n1), (r2, z2, n2) = (ops.split(x, 3, axis=-1) for x in (given, kept))
    n = ops.tanh(n1 + ops.sigmoid(r1 + r2) * n2)
    z = ops.sigmoid(z1 + z2)
    return (n + z * (state[0] - n),)


def run_layers(
    step: Step,
    x: Tensor,
    state: State,
    parameters: Sequence[Sequence[Tensor]],
    directions: int = 1,
    dropout: float = 0.0,
) -> tuple[Tensor, State]:
    """Outputs and last states of layers over (T, N, features), dropout lying between the layers.

    `state` has the parts (layers · directions, N, H); `parameters` are, for every layer and in it
    for every direction, weights of input and state and, if there are any, their biases and the
    weight of a projection.
    """
    last: list[State] = []
    for first in range(0, len(parameters), directions):
        if first and dropout:
            x = functional.dropout(x, dropout)
        sides = []
        for place in range(first, first + directions):
            begin = tuple(part[place] for part in state)
            y, end = _layer(step, parameters[place], x, begin, reverse=place > first)
            sides.append(y)
            last.append(end)
        x = ops.concat(sides, axis=-1) if len(sides) > 1 else sides[0]
    return x, tuple(ops.stack(list(part)) for part in zip(*last, strict=True))


def _layer(
    step: Step, parameters: Sequence[Tensor], x: Tensor, state: State, reverse: bool
) -> tuple[Tensor, State]:
    """One direction of one layer over (T, N, features)."""
    weight, recurrent, *biases = parameters
    projection = biases.pop() if len(biases) % 2 else None
    given = functional.linear(x, weight, biases[0] if biases else None)

    def following(state: State, given: Tensor) -> tuple[State, Tensor]:
        kept = functional.linear(state[0], recurrent, biases[1] if biases else None)
        h, *others = step(given, kept, state)
        h = h if projection is None else functional.linear(h, projection)
        return (h, *others), h

    end, ys = scan(following, state, given, reverse=reverse)
    return ys, end


class _Recurrent(Module):
    """Layers of one kind of cell, one direction or both; parameters by PyTorch's names."""

    gates: ClassVar[int]
    states: ClassVar[int] = 1
    projects: ClassVar[bool] = False
    """Whether the state h may be a projection."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        *,
        dtype: Any = dtypes.float32,
        key: Any = None,
    ) -> None:
        """All parameters uniform within ±1/√hidden_size; dropout lies between layers.

        With a `proj_size`, which only an LSTM takes, h is projected to so many features.
        """
        at_least(type(self).__name__, "num_layers", [num_layers], 1)
        self._check_projection(proj_size, hidden_size)
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout = bias, batch_first, dropout
        self.bidirectional, self.proj_size = bidirectional, proj_size
        bound = 1.0 / math.sqrt(hidden_size)
        rows, kept = self.gates * hidden_size, proj_size or hidden_size
        with random.stream(key):
            for layer in range(num_layers):
                size = kept * self.directions if layer else input_size
                biases = [(rows,), (rows,)] if bias else []
                projection = [(proj_size, hidden_size)] if proj_size else []
                shapes = [(rows, size), (rows, kept), *biases, *projection]
                for direction in range(self.directions):
                    for name, shape in zip(self._names(layer, direction), shapes, strict=True):
                        setattr(self, name, init.uniform(shape, -bound, bound, dtype=dtype))

    def _check_projection(self, proj_size: int, hidden_size: int) -> None:
        name = type(self).__name__
        if proj_size and not self.projects:
            raise bad_argument(f"{name}: only an LSTM has a proj_size, got {proj_size}")
        if not 0 <= proj_size < hidden_size:
            raise bad_argument(
                f"{name}: proj_size is at least 0 and below {hidden_size}, got {proj_size}"
            )

    @property
    def directions(self) -> int:
        """1, or 2 for a bidirectional layer."""
        return 2 if self.bidirectional else 1

    def _names(self, layer: int, direction: int) -> list[str]:
        suffix = f"l{layer}" + ("_reverse" if direction else "")
        kinds = ["weight_ih", "weight_hh", *(["bias_ih", "bias_hh"] if self.bias else [])]
        kinds += ["weight_hr"] if self.proj_size else []
        return [f"{kind}_{suffix}" for kind in kinds]

    def _run(self, step: Step, x: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Outputs and the last states (layers · directions, N, H) of every layer of such cells."""
        single = x.ndim == 2
        axis = 0 if self.batch_first else 1
        if x.ndim not in (2, 3) or x.shape[-1] != self.input_size:
            raise ShapeError(
                "S0101",
                f"{type(self).__name__}({self.input_size}, {self.hidden_size}) got shape {x.shape}",
                span=tracing.here(),
                notes=("expected (T, N, I), (N, T, I) with batch_first, or (T, I)",),
            )
        if single:
            x = ops.expand_dims(x, 1)
            state = None if state is None else tuple(ops.expand_dims(s, 1) for s in state)
        elif self.batch_first:
            x = ops.swapaxes(x, 0, 1)
        if state is None:
            sizes = [self.proj_size or self.hidden_size, self.hidden_size][: self.states]
            count = self.num_layers * self.directions
            state = tuple(ops.zeros((count, x.shape[1], n), dtype=x.dtype) for n in sizes)
        parameters = [
            [getattr(self, name) for name in self._names(layer, direction)]
            for layer in range(self.num_layers)
            for direction in range(self.directions)
        ]
        dropout = self.dropout if self.training else 0.0
        x, ends = run_layers(step, x, state, parameters, self.directions, dropout)
        if single:
            return ops.squeeze(x, 1), tuple(ops.squeeze(s, 1) for s in ends)
        return (ops.swapaxes(x, 0, 1) if axis == 0 else x), ends

    def extra_repr(self) -> str:
        """The sizes and what differs from the defaults."""
        parts = [f"{self.input_size}, {self.hidden_size}"]
        defaults = {"proj_size": 0, "num_layers": 1, "bias": True, "batch_first": False}
        for name, default in defaults.items():
            value = getattr(self, name)
            parts += [f"{name}={value}"] if value != default else []
        parts += ["bidirectional=True"] if self.bidirectional else []
        return ", ".join(parts)


_NONLINEAR: dict[str, Callable[[Tensor], Tensor]] = {"tanh": ops.tanh, "relu": ops.relu}


def _checked(name: str, nonlinearity: str) -> str:
    if nonlinearity not in _NONLINEAR:
        raise bad_argument(f"{name}: nonlinearity is 'tanh' or 'relu', got {nonlinearity!r}")
    return nonlinearity


def _elman(nonlinearity: str) -> Step:
    return elman(_NONLINEAR[nonlinearity])


class RNN(_Recurrent):
    """h ← tanh(W x + b + U h + c), or with relu as `nonlinearity` (Elman, 1990).

    >>> import slopec as sp
    >>> y, h = sp.nn.RNN(3, 4)(sp.ones((5, 2, 3)))
    >>> y.shape, h.shape
    ((5, 2, 4), (1, 2, 4))
    """

    gates = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        *,
        dtype: Any = dtypes.float32,
        key: Any = None,
    ) -> None:
        """All parameters uniform within ±1/√hidden_size; `proj_size` is 0."""
        super().__init__(
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            proj_size,
            dtype=dtype,
            key=key,
        )
        self.nonlinearity = _checked("RNN", nonlinearity)

    def forward(self, x: Tensor, hx: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """(T, N, I) to outputs (T, N, D · H) and last states (layers · D, N, H), D directions."""
        y, (h,) = self._run(_elman(self.nonlinearity), x, None if hx is None else (hx,))
        return y, h


class GRU(_Recurrent):
    """Gated recurrent units (Cho et al., 2014).

    >>> import slopec as sp
    >>> y, h = sp.nn.GRU(3, 4, bidirectional=True)(sp.ones((5, 2, 3)))
    >>> y.shape, h.shape
    ((5, 2, 8), (2, 2, 4))
    """

    gates = 3

    def forward(self, x: Tensor, hx: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """(T, N, I) to outputs (T, N, D · H) and last states (layers · D, N, H), D directions."""
        y, (h,) = self._run(gru, x, None if hx is None else (hx,))
        return y, h


class LSTM(_Recurrent):
    """Long short-term memory (Hochreiter & Schmidhuber, 1997).

    With `proj_size`, h ← W h of so many features P (Sak et al., *Long short-term memory based
    recurrent neural network architectures*, 2014); c keeps the H of `hidden_size`.

    >>> import slopec as sp
    >>> y, (h, c) = sp.nn.LSTM(3, 4, num_layers=2, batch_first=True)(sp.ones((2, 5, 3)))
    >>> y.shape, h.shape, c.shape
    ((2, 5, 4), (2, 2, 4), (2, 2, 4))
    """

    gates, states, projects = 4, 2, True

    def forward(
        self, x: Tensor, hx: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """(T, N, I) to outputs (T, N, D · P) and the last (h, c) of every layer, D directions.

        P is `proj_size`, or `hidden_size` without a projection.
        """
        y, (h, c) = self._run(lstm, x, hx)
        return y, (h, c)


class _Cell(Module):
    """One step of one layer; parameters by PyTorch's names."""

    gates: ClassVar[int]

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        *,
        dtype: Any = dtypes.float32,
        key: Any = None,
    ) -> None:
        """All parameters uniform within ±1/√hidden_size."""
        self.input_size, self.hidden_size = input_size, hidden_size
        bound, rows = 1.0 / math.sqrt(hidden_size), self.gates * hidden_size
        with random.stream(key):
            self.weight_ih = init.uniform((rows, input_size), -bound, bound, dtype=dtype)
            self.weight_hh = init.uniform((rows, hidden_size), -bound, bound, dtype=dtype)
            self.bias_ih = init.uniform((rows,), -bound, bound, dtype=dtype) if bias else None
            self.bias_hh = init.uniform((rows,), -bound, bound, dtype=dtype) if bias else None

    def _next(self, step: Step, x: Tensor, state: Sequence[Tensor] | None, count: int) -> State:
        if state is None:
            zero = ops.zeros((*x.shape[:-1], self.hidden_size), dtype=x.dtype)
            state = (zero,) * count
        given = functional.linear(x, self.weight_ih, self.bias_ih)
        kept = functional.linear(state[0], self.weight_hh, self.bias_hh)
        return step(given, kept, tuple(state))

    def extra_repr(self) -> str:
        """The sizes."""
        return f"{self.input_size}, {self.hidden_size}"


class RNNCell(_Cell):
    """One step of `RNN`, with tanh or, for `nonlinearity="relu"`, relu.

    >>> import slopec as sp
    >>> sp.nn.RNNCell(3, 4)(sp.ones((2, 3))).shape
    (2, 4)
    """

    gates = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        *,
        dtype: Any = dtypes.float32,
        key: Any = None,
    ) -> None:
        """All parameters uniform within ±1/√hidden_size."""
        super().__init__(input_size, hidden_size, bias, dtype=dtype, key=key)
        self.nonlinearity = _checked("RNNCell", nonlinearity)

    def forward(self, x: Tensor, hx: Tensor | None = None) -> Tensor:
        """(N, I) and the state (N, H) to the next state."""
        return self._next(_elman(self.nonlinearity), x, None if hx is None else (hx,), 1)[0]


class GRUCell(_Cell):
    """One step of `GRU`.

    >>> import slopec as sp
    >>> sp.nn.GRUCell(3, 4)(sp.ones((2, 3))).shape
    (2, 4)
    """

    gates = 3

    def forward(self, x: Tensor, hx: Tensor | None = None) -> Tensor:
        """(N, I) and the state (N, H) to the next state."""
        return self._next(gru, x, None if hx is None else (hx,), 1)[0]


class LSTMCell(_Cell):
    """One step of `LSTM`.

    >>> import slopec as sp
    >>> h, c = sp.nn.LSTMCell(3, 4)(sp.ones((2, 3)))
    >>> h.shape, c.shape
    ((2, 4), (2, 4))
    """

    gates = 4

    def forward(self, x: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """(N, I) and the state (h, c) to the next (h, c)."""
        h, c = self._next(lstm, x, hx, 2)
        return h, c
