"""Transformers: GPT in training, at inference and token by token, BERT, and one of images."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks.programs import Arrays, Draw, Program, named, within

Weights = dict[str, Any]


def _linear(o: Any, p: Weights, name: str, x: Any) -> Any:
    return o.linear(x, p[f"{name}.weight"], p[f"{name}.bias"])


def _norm(o: Any, p: Weights, name: str, x: Any) -> Any:
    return o.norm(x, p[f"{name}.weight"], p[f"{name}.bias"])


def _heads(o: Any, p: Weights, s: Any, x: Any) -> list[Any]:
    """Queries, keys and values (N, heads, T, D) of (N, T, width)."""
    batch, length, _ = x.shape
    parts = _linear(o, p, "qkv", x).reshape(batch, length, 3, s.heads, s.width // s.heads)
    return [o.permute(parts[:, :, i], (0, 2, 1, 3)) for i in range(3)]


def _joined(o: Any, p: Weights, s: Any, y: Any) -> Any:
    """The heads' results (N, heads, T, D) as (N, T, width)."""
    y = o.permute(y, (0, 2, 1, 3))
    return _linear(o, p, "project", y.reshape(y.shape[0], y.shape[1], s.width))


def _perceptron(o: Any, p: Weights, x: Any) -> Any:
    return _linear(o, p, "narrow", o.gelu(_linear(o, p, "widen", x)))


def _block(o: Any, p: Weights, s: Any, x: Any, causal: bool) -> Any:
    """Norms before attention and perceptron (Radford et al., 2019)."""
    y = o.attention(*_heads(o, p, s, _norm(o, p, "norm1", x)), causal)
    x = x + _joined(o, p, s, y)
    return x + _perceptron(o, p, _norm(o, p, "norm2", x))


def _after_block(o: Any, p: Weights, s: Any, x: Any) -> Any:
    """Norms after attention and perceptron (Devlin et al., 2018)."""
    x = _norm(o, p, "norm1", x + _joined(o, p, s, o.attention(*_heads(o, p, s, x), False)))
    return _norm(o, p, "norm2", x + _perceptron(o, p, x))


def _affine(draw: Draw, name: str, out: int, into: int) -> Arrays:
    return {f"{name}.weight": draw.weight(out, into), f"{name}.bias": draw.normal(out, scale=0.02)}


def _scale(draw: Draw, name: str, width: int) -> Arrays:
    weight = 1 + draw.normal(width, scale=0.02)
    return {f"{name}.weight": weight, f"{name}.bias": draw.normal(width, scale=0.02)}


def _block_weights(draw: Draw, width: int) -> Arrays:
    return {
        **_scale(draw, "norm1", width),
        **_affine(draw, "qkv", 3 * width, width),
        **_affine(draw, "project", width, width),
        **_scale(draw, "norm2", width),
        **_affine(draw, "widen", 4 * width, width),
        **_affine(draw, "narrow", width, 4 * width),
    }


def _weights(draw: Draw, s: SimpleNamespace) -> Arrays:
    """Of a decoder, or an encoder, of tokens."""
    made = {
        "token": draw.normal(s.vocabulary, s.width, scale=0.1),
        "position": draw.normal(s.context, s.width, scale=0.1),
        **_scale(draw, "norm", s.width),
    }
    for i in range(s.depth):
        made.update(named(f"blocks.{i}", _block_weights(draw, s.width)))
    return made


def _embedded(o: Any, p: Weights, tokens: Any) -> Any:
    return o.embedding(tokens, p["token"]) + p["position"][: tokens.shape[1]]


def _gpt(o: Any, p: Weights, s: Any, tokens: Any) -> Any:
    """Logits of each next token; the head's weight is the embedding's."""
    x = _embedded(o, p, tokens)
    for i in range(s.depth):
        x = _block(o, within(p, f"blocks.{i}"), s, x, causal=True)
    return o.linear(_norm(o, p, "norm", x), p["token"])


def _gpt_loss(o: Any, p: Weights, s: Any, tokens: Any, y: Any) -> Any:
    return o.cross_entropy(_gpt(o, p, s, tokens), y)


def _bert(o: Any, p: Weights, s: Any, tokens: Any) -> Any:
    x = _norm(o, p, "norm", _embedded(o, p, tokens))
    for i in range(s.depth):
        x = _after_block(o, within(p, f"blocks.{i}"), s, x)
    return x


def _tokens(draw: Draw, s: SimpleNamespace) -> Arrays:
    return {"tokens": draw.whole(s.vocabulary, s.batch, s.sequence)}


def _text(draw: Draw, s: SimpleNamespace) -> Arrays:
    return {**_tokens(draw, s), "y": draw.whole(s.vocabulary, s.batch, s.sequence)}


def _decode(o: Any, p: Weights, s: Any, kept: Weights, token: Any, position: Any) -> Any:
    """The logits after one more token, whose keys and values join those kept."""
    x = o.embedding(token, p["token"]) + p["place"]
    kept = dict(kept)
    for i in range(s.depth):
        q = within(p, f"blocks.{i}")
        query, key, value = _heads(o, q, s, _norm(o, q, "norm1", x))
        keys = kept[f"{i}.keys"] = o.write(kept[f"{i}.keys"], key, position)
        values = kept[f"{i}.values"] = o.write(kept[f"{i}.values"], value, position)
        x = x + _joined(o, q, s, o.cached_attention(query, keys, values, position))
        x = x + _perceptron(o, q, _norm(o, q, "norm2", x))
    return kept, o.linear(_norm(o, p, "norm", x), p["token"])


def _decode_weights(draw: Draw, s: SimpleNamespace) -> Arrays:
    """As a decoder's, of whose positions one is used."""
    made = _weights(draw, s)
    return {**made, "place": made.pop("position")[s.context // 2]}


def _cache(draw: Draw, s: SimpleNamespace) -> Arrays:
    shape = (s.batch, s.heads, s.context, s.width // s.heads)
    names = [f"{i}.{part}" for i in range(s.depth) for part in ("keys", "values")]
    return {name: draw.normal(*shape) for name in names}


def _one_token(draw: Draw, s: SimpleNamespace) -> Arrays:
    position = np.array(s.context // 2, np.int32)
    return {"token": draw.whole(s.vocabulary, s.batch, 1), "position": position}


def _vit_loss(o: Any, p: Weights, s: Any, x: Any, y: Any) -> Any:
    """Patches as tokens (Dosovitskiy et al., 2021), averaged instead of a class token."""
    x = o.conv(x, p["patch"], stride=s.patch)
    x = o.permute(x.reshape(s.batch, s.width, -1), (0, 2, 1)) + p["position"]
    for i in range(s.depth):
        x = _block(o, within(p, f"blocks.{i}"), s, x, causal=False)
    return o.cross_entropy(o.linear(_norm(o, p, "norm", x).mean(1), p["head"]), y)


def _vit_weights(draw: Draw, s: SimpleNamespace) -> Arrays:
    made = {
        "patch": draw.weight(s.width, 3, s.patch, s.patch),
        "position": draw.normal((s.size // s.patch) ** 2, s.width, scale=0.1),
        **_scale(draw, "norm", s.width),
        "head": draw.weight(10, s.width),
    }
    for i in range(s.depth):
        made.update(named(f"blocks.{i}", _block_weights(draw, s.width)))
    return made


def _images(draw: Draw, s: SimpleNamespace) -> Arrays:
    return {"x": draw.normal(s.batch, 3, s.size, s.size), "y": draw.whole(10, s.batch)}


def _sizes(
    vocabulary: int, context: int, width: int, heads: int, depth: int, batch: int = 1
) -> dict[str, int]:
    shape = {"vocabulary": vocabulary, "context": context, "width": width, "heads": heads}
    return {**shape, "depth": depth, "batch": batch, "sequence": context}


_GPT = _sizes(8192, 256, 384, 6, 6)
_TINY = _sizes(11, 8, 8, 2, 2)

ROWS = [
    Program(
        "gpt-step",
        "GPT 4×128, 8 × 128 tokens, Adam step",
        _gpt_loss,
        _text,
        _weights,
        kind="step",
        sizes=_sizes(256, 128, 128, 4, 4, batch=8),
        tiny={**_TINY, "batch": 2},
        grows={"batch": (2, 8, 32), "depth": (1, 2, 4, 8), "sequence": (32, 64, 128)},
    ),
    Program(
        "gpt",
        "GPT 6×384 inference, 1 × 256 tokens",
        _gpt,
        _tokens,
        _weights,
        sizes=_GPT,
        tiny=_TINY,
        grows={"batch": (1, 2, 4), "depth": (1, 3, 6), "sequence": (64, 128, 256)},
    ),
    Program(
        "bert",
        "BERT base inference, 1 × 128 tokens",
        _bert,
        _tokens,
        _weights,
        sizes={**_sizes(30522, 512, 768, 12, 12), "sequence": 128},
        tiny=_TINY,
    ),
    Program(
        "decode",
        "GPT 6×384, one token with a cache of 256",
        _decode,
        _one_token,
        _decode_weights,
        _cache,
        kind="decode",
        sizes=_GPT,
        tiny=_TINY,
        grows={"batch": (1, 4, 16), "depth": (1, 3, 6), "context": (128, 256, 512)},
    ),
    Program(
        "vit-step",
        "ViT 6×192, batch 16, 32² in 4² patches, Adam step",
        _vit_loss,
        _images,
        _vit_weights,
        kind="step",
        sizes={"size": 32, "patch": 4, "width": 192, "heads": 3, "depth": 6, "batch": 16},
        tiny={"size": 8, "width": 8, "heads": 2, "depth": 1, "batch": 2},
        grows={"batch": (4, 16, 64), "depth": (1, 3, 6)},
    ),
]
