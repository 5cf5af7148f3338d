"""ATen's recurrent layers, which stay loops instead of being unrolled."""

from collections.abc import Callable, Sequence
from typing import Any

from slopec import ops
from slopec.nn import recurrent
from slopec.tensor import Tensor


def _layers(step: recurrent.Step, per_cell: bool = False) -> Callable[..., Any]:
    """Layers of one kind of cell; `per_cell` if the state is a pair."""

    def run(
        x: Tensor,
        state: Any,
        parameters: Sequence[Tensor],
        has_biases: bool,
        num_layers: int,
        dropout: float,
        train: bool,
        bidirectional: bool,
        batch_first: bool = False,
    ) -> tuple[Tensor, ...]:
        directions = 2 if bidirectional else 1
        each = len(parameters) // (num_layers * directions)  # one more with projections
        groups = [parameters[i : i + each] for i in range(0, len(parameters), each)]
        y, ends = recurrent.run_layers(
            step,
            ops.swapaxes(x, 0, 1) if batch_first else x,
            tuple(state) if per_cell else (state,),
            groups,
            directions,
            dropout if train else 0.0,
        )
        return (ops.swapaxes(y, 0, 1) if batch_first else y), *ends

    return run


TABLE: dict[str, Callable[..., Any]] = {
    "lstm.input": _layers(recurrent.lstm, per_cell=True),
    "gru.input": _layers(recurrent.gru),
    "rnn_tanh.input": _layers(recurrent.elman(ops.tanh)),
    "rnn_relu.input": _layers(recurrent.elman(ops.relu)),
}
