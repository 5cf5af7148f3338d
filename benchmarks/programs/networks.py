"""A perceptron, a recurrent network and an embedding, in training."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks.programs import Arrays, Draw, Program


def _mlp(o: Any, p: Any, s: Any, x: Any, y: Any) -> Any:
    for i in range(s.depth):
        x = o.relu(o.linear(x, p[f"{i}.weight"], p[f"{i}.bias"]))
    return o.cross_entropy(o.linear(x, p["head.weight"], p["head.bias"]), y)


def _mlp_weights(draw: Draw, s: SimpleNamespace) -> Arrays:
    weights, width = {}, s.features
    for i in range(s.depth):
        weights[f"{i}.weight"] = draw.weight(s.width, width)
        weights[f"{i}.bias"] = draw.normal(s.width, scale=0.1)
        width = s.width
    return {**weights, "head.weight": draw.weight(10, width), "head.bias": draw.normal(10)}


def _labelled_rows(draw: Draw, s: SimpleNamespace) -> Arrays:
    return {"x": draw.normal(s.batch, s.features), "y": draw.whole(10, s.batch)}


def _lstm(o: Any, p: Any, s: Any, x: Any, y: Any) -> Any:
    h = o.lstm(x, p["input"], p["state"], p["bias"])
    return o.cross_entropy(o.linear(h[-1], p["head"]), y)


def _lstm_weights(draw: Draw, s: SimpleNamespace) -> Arrays:
    return {
        "input": draw.weight(4 * s.width, s.features),
        "state": draw.weight(4 * s.width, s.width),
        "bias": draw.normal(4 * s.width, scale=0.1),
        "head": draw.weight(10, s.width),
    }


def _sequences(draw: Draw, s: SimpleNamespace) -> Arrays:
    return {"x": draw.normal(s.sequence, s.batch, s.features), "y": draw.whole(10, s.batch)}


def _bag(o: Any, p: Any, s: Any, words: Any, y: Any) -> Any:
    return o.cross_entropy(o.linear(o.embedding(words, p["words"]).mean(1), p["head"]), y)


def _bag_weights(draw: Draw, s: SimpleNamespace) -> Arrays:
    return {"words": draw.normal(s.vocabulary, s.width), "head": draw.weight(10, s.width)}


def _zipf(draw: Draw, s: SimpleNamespace) -> Arrays:
    """Words as often as in language: the n-th a share of 1/n (Zipf, 1949), so that many recur."""
    share = 1.0 / np.arange(1, s.vocabulary + 1)
    words = draw.random.choice(s.vocabulary, (s.batch, s.sequence), p=share / share.sum())
    return {"words": words.astype(np.int32), "y": draw.whole(10, s.batch)}


ROWS = [
    Program(
        "mlp-step",
        "MLP 784-512-512-10, batch 128, Adam step",
        _mlp,
        _labelled_rows,
        _mlp_weights,
        kind="step",
        sizes={"features": 784, "width": 512, "depth": 2, "batch": 128},
        tiny={"features": 6, "width": 5, "batch": 4},
        grows={"batch": (32, 128, 512), "depth": (1, 2, 4, 8)},
    ),
    Program(
        "lstm-step",
        "LSTM 256, batch 32, 64 × 128, Adam step",
        _lstm,
        _sequences,
        _lstm_weights,
        kind="step",
        sizes={"features": 128, "width": 256, "batch": 32, "sequence": 64},
        tiny={"features": 3, "width": 4, "batch": 2, "sequence": 5},
        grows={"batch": (8, 32, 128), "sequence": (16, 64, 256)},
    ),
    Program(
        "embedding-step",
        "10,000 × 128 embedding, 64 bags of 32 recurring words, Adam step",
        _bag,
        _zipf,
        _bag_weights,
        kind="step",
        sizes={"vocabulary": 10_000, "width": 128, "batch": 64, "sequence": 32},
        tiny={"vocabulary": 12, "width": 4, "batch": 3, "sequence": 7},
        grows={"batch": (16, 64, 256), "sequence": (8, 32, 128)},
    ),
]
