"""Fifty steps of training against PyTorch, from the same weights, over a covering set of modules.

Each network is written once, over a namespace of modules; every parameter and buffer is compared
after every step. All is computed in float64.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

import slopec as sp
from slopec import nn

STEPS = 50


@dataclass(frozen=True)
class Network:
    """`make(nn)` gives the modules by name, `run(modules, x)` what they compute of an input."""

    name: str
    make: Any
    run: Any
    shape: tuple[int, ...]
    high: int | None = None
    """Inputs are integers below this, where given."""

    def __str__(self) -> str:
        return self.name


def chain(*names):
    def run(m, x):
        for name in names:
            x = m[name](x)
        return x

    return run


NETWORKS = [
    Network(
        "volumes",
        lambda nn: {
            "conv": nn.Conv3d(2, 4, 2, padding=1, groups=2),
            "norm": nn.BatchNorm3d(4, momentum=None),
            "act": nn.ELU(0.7),
            "pool": nn.AvgPool3d(2),
            "mean": nn.AdaptiveAvgPool3d(1),
            "flat": nn.Flatten(),
            "out": nn.Linear(4, 3),
        },
        chain("conv", "norm", "act", "pool", "mean", "flat", "out"),
        (3, 2, 4, 4, 4),
    ),
    Network(
        "signals",
        lambda nn: {
            "conv": nn.Conv1d(3, 6, 3, stride=2, padding=2, dilation=2),
            "norm": nn.GroupNorm(3, 6),
            "act": nn.PReLU(6),
            "lrn": nn.LocalResponseNorm(3),
            "up": nn.ConvTranspose1d(6, 4, 4, stride=2, padding=1),
            "instance": nn.InstanceNorm1d(4, affine=True, track_running_stats=True),
            "pool": nn.MaxPool1d(3, 2, 1),
        },
        chain("conv", "norm", "act", "lrn", "up", "instance", "pool"),
        (2, 3, 11),
    ),
    Network(
        "images",
        lambda nn: {
            "pad": nn.ReflectionPad2d(1),
            "conv": nn.Conv2d(2, 8, 3, bias=False),
            "shuffle": nn.PixelShuffle(2),
            "norm": nn.BatchNorm2d(2, momentum=0.3),
            "act": nn.Mish(),
            "up": nn.ConvTranspose2d(2, 3, 3, stride=2, padding=1, output_padding=1),
            "resize": nn.Upsample(scale_factor=0.5, mode="bilinear"),
            "pool": nn.AdaptiveMaxPool2d((3, 2)),
        },
        chain("pad", "conv", "shuffle", "norm", "act", "up", "resize", "pool"),
        (2, 2, 4, 4),
    ),
    Network(
        "sentences",
        lambda nn: {
            "embed": nn.Embedding(9, 6),
            "lstm": nn.LSTM(6, 4, num_layers=2, bidirectional=True, batch_first=True),
            "gru": nn.GRU(8, 5, batch_first=True),
            "rnn": nn.RNN(5, 4, nonlinearity="relu", batch_first=True),
            "norm": nn.LayerNorm(4),
        },
        lambda m, x: m["norm"](m["rnn"](m["gru"](m["lstm"](m["embed"](x))[0])[0])[0]),
        (2, 5),
        9,
    ),
    Network(
        "cells",
        lambda nn: {"lstm": nn.LSTMCell(3, 4), "gru": nn.GRUCell(4, 3), "rnn": nn.RNNCell(3, 2)},
        lambda m, x: m["rnn"](m["gru"](m["lstm"](x)[0])),
        (4, 3),
    ),
    Network(
        "transformer",
        lambda nn: {
            "embed": nn.Embedding(7, 8),
            "encoder": nn.TransformerEncoderLayer(8, 2, 12, 0.0, batch_first=True),
            "decoder": nn.TransformerDecoderLayer(
                8, 2, 12, 0.0, "gelu", batch_first=True, norm_first=True
            ),
            "norm": nn.RMSNorm(8),
            "out": nn.Linear(8, 3),
        },
        lambda m, x: m["out"](
            m["norm"](m["decoder"](m["embed"](x), m["encoder"](m["embed"](x))))
        ),
        (2, 4),
        7,
    ),
    Network(
        "attention",
        lambda nn: {
            "attention": nn.MultiheadAttention(6, 3, batch_first=True, kdim=4, vdim=4),
            "pair": nn.Bilinear(6, 4, 5),
            "act": nn.Softplus(),
        },
        lambda m, x: m["act"](
            m["pair"](m["attention"](x, x[..., :4], x[..., 2:], need_weights=False)[0], x[..., 1:5])
        ),
        (2, 3, 6),
    ),
]  # fmt: skip

ACTIVATIONS = (
    "CELU ELU GELU Hardshrink Hardsigmoid Hardswish Hardtanh LeakyReLU LogSigmoid Mish ReLU ReLU6 "
    "SELU Sigmoid SiLU Softplus Softshrink Softsign Tanh Tanhshrink"
).split()
NETWORKS.append(
    Network(
        "activations",
        lambda nn: (
            {f"w{i}": nn.Linear(3, 3) for i in range(len(ACTIVATIONS))}
            | {f"a{i}": getattr(nn, name)() for i, name in enumerate(ACTIVATIONS)}
        ),
        lambda m, x: sum(m[f"a{i}"](m[f"w{i}"](x)) for i in range(len(ACTIVATIONS))),
        (4, 3),
    )
)


@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_weights_come_over_in_files(network, tmp_path):
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    theirs = torch.nn.ModuleDict(network.make(torch.nn))
    arrays = {name: x.numpy().copy(order="C") for name, x in theirs.state_dict().items()}
    save_file(arrays, tmp_path / "weights.safetensors")

    ours = nn.load_torch_state_dict(
        nn.ModuleDict(network.make(nn)), tmp_path / "weights.safetensors"
    )

    x = np.random.default_rng(0).normal(size=network.shape).astype(np.float32)
    if network.high is not None:
        x = np.abs(x).astype(np.int64)
    expected = network.run(theirs.eval(), torch.tensor(x)).detach().numpy()
    with sp.device("reference"):
        found = network.run(ours.eval(), sp.asarray(x)).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_every_parameter_follows_pytorch_for_fifty_steps(network):
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)  # its threads wait for each other longer than they compute
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    theirs = torch.nn.ModuleDict(network.make(torch.nn)).double().train()
    ours = nn.ModuleDict(network.make(nn)).to("float64").train()
    nn.load_torch_state_dict(ours, theirs.state_dict())
    reference = torch.optim.SGD(theirs.parameters(), lr=0.02, momentum=0.9, weight_decay=1e-3)
    optimizer = sp.optim.SGD(ours.parameters(), lr=0.02, momentum=0.9, weight_decay=1e-3)
    for _ in range(STEPS):
        x = rng.normal(size=network.shape)
        if network.high is not None:
            x = rng.integers(0, network.high, network.shape)
        given = torch.tensor(x)
        found = network.run(theirs, given)
        target = rng.normal(size=tuple(found.shape))
        reference.zero_grad()
        ((found - torch.tensor(target)) ** 2).mean().backward()
        reference.step()
        with sp.device("reference"):
            optimizer.zero_grad()
            ((network.run(ours, sp.asarray(x)) - sp.asarray(target)) ** 2).mean().backward()
            optimizer.step()
            own = {name: x.numpy() for name, x in ours.state_dict().items()}
        for name, expected in theirs.state_dict().items():
            # The rate is float32, so steps agree to its precision and differences grow.
            np.testing.assert_allclose(own[name], expected.numpy(), rtol=1e-5, atol=2e-6)
