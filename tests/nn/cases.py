"""Every module with weights or windows: its arguments, its reference in JAX, its inputs."""

from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from tests.nn import references as ref


@dataclass(frozen=True)
class Case:
    """`nn.<name>(*args, **kwargs)` of inputs of these shapes; integers stand for indices below."""

    name: str
    args: tuple[Any, ...]
    shapes: tuple[Any, ...]
    reference: Any
    kwargs: dict[str, Any] = field(default_factory=dict)
    call: dict[str, Any] = field(default_factory=dict)
    nested: bool = False
    """Whether the inputs after the first are one tuple, as an LSTM's states are."""

    @property
    def inputs(self):
        rng = np.random.default_rng(len(self.name))
        return [
            rng.integers(0, s, (2, 3)).astype(np.int32)
            if isinstance(s, int)
            else rng.normal(size=s)
            for s in self.shapes
        ]


CAUSAL = np.triu(np.ones((4, 4), bool), 1)
SEQ, SEQ7 = (2, 4, 8), (2, 7, 8)

CASES = [
    Case("Linear", (4, 5), ((2, 3, 4),), ref.linear),
    Case("Linear", (4, 5, False), ((4,),), ref.linear),
    Case("Bilinear", (3, 4, 5), ((2, 3), (2, 4)), ref.bilinear),
    Case("Embedding", (7, 3), (7,), ref.embedding),
    Case(
        "Conv1d",
        (4, 6, 3),
        ((2, 4, 9),),
        ref.conv(1, 2, 1, 1, 2),
        {"stride": 2, "padding": 1, "groups": 2},
    ),
    Case("Conv1d", (4, 6, 3), ((2, 4, 9),), ref.conv(1, padding="same"), {"padding": "same"}),
    Case("Conv2d", (3, 4, 3), ((2, 3, 8, 8),), ref.conv(2, 2, 1), {"stride": 2, "padding": 1}),
    Case(
        "Conv2d",
        (3, 6, 2),
        ((2, 3, 7, 7),),
        ref.conv(2, 1, 0, 2, 3),
        {"dilation": 2, "groups": 3, "bias": False},
    ),
    Case("Conv3d", (2, 3, 2), ((1, 2, 4, 4, 4),), ref.conv(3)),
    Case(
        "ConvTranspose1d",
        (4, 6, 3),
        ((2, 4, 5),),
        ref.conv_transpose(1, 2, 1, 1, 2),
        {"stride": 2, "padding": 1, "output_padding": 1, "groups": 2},
    ),
    Case(
        "ConvTranspose2d",
        (3, 4, 3),
        ((2, 3, 4, 4),),
        ref.conv_transpose(2, 2, 1),
        {"stride": 2, "padding": 1},
    ),
    Case("ConvTranspose3d", (2, 3, 2), ((1, 2, 3, 3, 3),), ref.conv_transpose(3, 2), {"stride": 2}),
    Case("MaxPool1d", (3,), ((2, 3, 9),), ref.max_pool(1, 3, 3)),
    Case("MaxPool2d", (3, 2, 1), ((2, 3, 7, 7),), ref.max_pool(2, 3, 2, 1)),
    Case("MaxPool3d", (2,), ((1, 2, 4, 4, 4),), ref.max_pool(3, 2, 2)),
    Case("AvgPool1d", (3,), ((2, 3, 9),), ref.avg_pool(1, 3, 3)),
    Case("AvgPool2d", (3, 2, 1), ((2, 3, 7, 7),), ref.avg_pool(2, 3, 2, 1)),
    Case("AvgPool3d", (2,), ((1, 2, 4, 4, 4),), ref.avg_pool(3, 2, 2)),
    Case("AdaptiveAvgPool1d", (3,), ((2, 3, 7),), ref.adaptive(jnp.mean, 3)),
    Case("AdaptiveAvgPool2d", (3,), ((2, 3, 6, 7),), ref.adaptive(jnp.mean, 3)),
    Case("AdaptiveAvgPool3d", (2,), ((1, 2, 3, 4, 5),), ref.adaptive(jnp.mean, 2)),
    Case("AdaptiveMaxPool1d", (3,), ((2, 3, 7),), ref.adaptive(jnp.max, 3)),
    Case("AdaptiveMaxPool2d", (3,), ((2, 3, 6, 7),), ref.adaptive(jnp.max, 3)),
    Case("AdaptiveMaxPool3d", (2,), ((1, 2, 3, 4, 5),), ref.adaptive(jnp.max, 2)),
    Case(
        "Upsample",
        (None, 2),
        ((2, 3, 4, 5),),
        lambda p, x: x.repeat(2, 2).repeat(2, 3),
    ),
    Case("Upsample", ((7, 9),), ((2, 3, 4, 5),), ref.resize((7, 9)), {"mode": "bilinear"}),
    *(
        Case(f"{kind}Pad{n}d", given, ((2, 3, 5, 6, 7)[: n + 2],), ref.pad(mode, *given))
        for kind, mode in ref.PAD_MODES.items()
        for n, given in enumerate(ref.MARGINS[kind == "Constant"], 1)
    ),
    Case("EmbeddingBag", (7, 3), (7,), lambda p, i: p["weight"][i].mean(1)),
    Case("CosineSimilarity", (), ((2, 5), (2, 5)), ref.cosine_similarity),
    Case(
        "PairwiseDistance",
        (),
        ((2, 5), (2, 5)),
        lambda p, x, y: jnp.linalg.norm(x - y + 1e-6, axis=-1),
    ),
    Case("Unfold", (2,), ((2, 3, 4, 4),), ref.unfold),
    Case("Fold", (4, 2), ((1, 12, 9),), ref.fold),
    Case("PixelShuffle", (2,), ((2, 8, 3, 4),), ref.pixel_shuffle(2)),
    Case("PixelUnshuffle", (2,), ((2, 2, 6, 8),), ref.pixel_unshuffle(2)),
    Case("ChannelShuffle", (3,), ((2, 6, 3, 4),), ref.channel_shuffle(3)),
    Case("LayerNorm", (5,), ((2, 3, 5),), ref.layer_norm),
    Case(
        "LayerNorm", ((3, 5), 1e-3, False), ((2, 3, 5),), lambda p, x: ref.layer_norm(p, x, 2, 1e-3)
    ),
    Case("RMSNorm", (5, 1e-3), ((2, 3, 5),), lambda p, x: ref.rms_norm(p, x, 1e-3)),
    Case("GroupNorm", (3, 6), ((2, 6, 4, 5),), ref.group_norm(3)),
    Case("InstanceNorm1d", (3,), ((2, 3, 7),), ref.instance_norm),
    Case("InstanceNorm2d", (3,), ((2, 3, 4, 5),), ref.instance_norm, {"affine": True}),
    Case("BatchNorm1d", (4,), ((6, 4),), ref.batch_norm),
    Case("BatchNorm2d", (3,), ((4, 3, 5, 5),), ref.batch_norm),
    Case("BatchNorm3d", (2,), ((2, 2, 3, 3, 3),), ref.batch_norm, {"affine": False}),
    Case(
        "LocalResponseNorm",
        (3, 0.1, 0.7, 2.0),
        ((2, 6, 3, 3),),
        ref.local_response_norm(3, 0.1, 0.7, 2.0),
    ),
    Case("PReLU", (4,), ((2, 4, 3),), lambda p, x: jnp.where(x > 0, x, x * p["weight"][:, None])),
    Case(
        "MultiheadAttention",
        (8, 2),
        (SEQ, SEQ7, SEQ7),
        ref.attention(2),
        {"batch_first": True},
        {"need_weights": False},
    ),
    Case(
        "MultiheadAttention",
        (8, 4),
        (SEQ, SEQ, SEQ),
        ref.attention(4, CAUSAL),
        {"batch_first": True, "bias": False},
        {"attn_mask": CAUSAL},
    ),
    Case(
        "MultiheadAttention",
        (8, 2),
        (SEQ, (2, 7, 3), (2, 7, 5)),
        ref.attention(2),
        {"batch_first": True, "kdim": 3, "vdim": 5},
        {"need_weights": False},
    ),
    Case(
        "TransformerEncoderLayer",
        (8, 2, 16, 0.0),
        (SEQ,),
        ref.encoder_layer(2, False, CAUSAL),
        {"batch_first": True},
        {"src_mask": CAUSAL},
    ),
    Case(
        "TransformerEncoderLayer",
        (8, 2, 16, 0.0),
        (SEQ,),
        ref.encoder_layer(2, True, None, lambda x: jax.nn.gelu(x, approximate=False)),
        {"batch_first": True, "norm_first": True, "activation": "gelu"},
    ),
    Case(
        "TransformerDecoderLayer",
        (8, 2, 16, 0.0),
        (SEQ, SEQ7),
        ref.decoder_layer(2, CAUSAL),
        {"batch_first": True},
        {"tgt_mask": CAUSAL},
    ),
    Case(
        "Transformer",
        (8, 2, 2, 1, 16, 0.0),
        (SEQ7, SEQ),
        ref.transformer(2, CAUSAL),
        {"batch_first": True},
        {"tgt_mask": CAUSAL},
    ),
    Case("RNN", (3, 4, 2), ((5, 2, 3), (2, 2, 4)), ref.recurrent(ref.rnn, 2)),
    Case(
        "GRU",
        (3, 4),
        ((2, 5, 3), (2, 2, 4)),
        ref.recurrent(ref.gru, 1, 2, True),
        {"bidirectional": True, "batch_first": True},
    ),
    Case("GRU", (3, 4), ((5, 2, 3), (1, 2, 4)), ref.recurrent(ref.gru), {"bias": False}),
    Case(
        "LSTM",
        (3, 4, 2),
        ((5, 2, 3), (4, 2, 4), (4, 2, 4)),
        ref.recurrent(ref.lstm, 2, 2),
        {"bidirectional": True},
        nested=True,
    ),
    Case(
        "LSTM",
        (3, 5, 2),
        ((2, 4, 3), (4, 2, 2), (4, 2, 5)),
        ref.recurrent(ref.lstm, 2, 2, True),
        {"bidirectional": True, "batch_first": True, "proj_size": 2},
        nested=True,
    ),
    Case("RNNCell", (3, 4), ((2, 3), (2, 4)), ref.recurrent_cell(ref.rnn)),
    Case("GRUCell", (3, 4), ((2, 3), (2, 4)), ref.recurrent_cell(ref.gru)),
    Case("LSTMCell", (3, 4), ((2, 3), (2, 4), (2, 4)), ref.recurrent_cell(ref.lstm), nested=True),
]
