"""The models in JAX's words: functions of the weights by name."""

import math
from typing import Any

import jax
import jax.numpy as jnp

Arrays = dict[str, Any]


def linear(p: Arrays, name: str, x: Any) -> Any:
    y = x @ p[f"{name}.weight"].T
    return y + p[f"{name}.bias"] if f"{name}.bias" in p else y


def mlp(p: Arrays, image: Any) -> Any:
    x = image.reshape(-1, 64) / 16.0
    return linear(p, "fc2", jax.nn.relu(linear(p, "fc1", x)))


def convolution(p: Arrays, name: str, x: Any, stride: int = 1, padding: int = 1) -> Any:
    margin = ((padding, padding), (padding, padding))
    y = jax.lax.conv_general_dilated(x, p[f"{name}.weight"], (stride, stride), margin)
    return y + p[f"{name}.bias"][:, None, None] if f"{name}.bias" in p else y


def max_pool(x: Any, size: int, stride: int) -> Any:
    window, steps = (1, 1, size, size), (1, 1, stride, stride)
    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, window, steps, "VALID")


def batch_norm(p: Arrays, name: str, x: Any) -> Any:
    mean, variance, weight, bias = (
        p[f"{name}.{n}"][:, None, None] for n in ("running_mean", "running_var", "weight", "bias")
    )
    return (x - mean) / jnp.sqrt(variance + 1e-5) * weight + bias


def convnet(p: Arrays, image: Any) -> Any:
    x = image.reshape(-1, 1, 8, 8) / 16.0
    for name in ("conv1", "conv2"):
        x = max_pool(jax.nn.relu(convolution(p, name, x)), 2, 2)
    x = jax.nn.relu(linear(p, "fc1", x.reshape(x.shape[0], -1)))
    return linear(p, "fc2", x)


def layer_norm(p: Arrays, name: str, x: Any) -> Any:
    centred = x - x.mean(-1, keepdims=True)
    scaled = centred / jnp.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    return scaled * p[f"{name}.weight"] + p[f"{name}.bias"]


def attention(qkv: Any, heads: int, seen: Any) -> Any:
    batch, length, width = qkv.shape[0], qkv.shape[1], qkv.shape[2] // 3
    parts = qkv.reshape(batch, length, 3, heads, width // heads)
    q, k, v = (parts[:, :, j].transpose(0, 2, 1, 3) for j in range(3))
    scores = q @ k.swapaxes(-1, -2) / math.sqrt(width // heads)
    y = jax.nn.softmax(jnp.where(seen, scores, -jnp.inf)) @ v
    return y.transpose(0, 2, 1, 3).reshape(batch, length, width)


def gpt(p: Arrays, tokens: Any, heads: int = 2) -> Any:
    x = p["token.weight"][tokens] + p["position.weight"][: tokens.shape[1]]
    layers = sum(name.endswith("norm1.weight") for name in p)
    for i in range(layers):
        name = f"blocks.{i}"
        qkv = linear(p, f"{name}.qkv", layer_norm(p, f"{name}.norm1", x))
        seen = jnp.tril(jnp.ones((x.shape[1], x.shape[1]), bool))
        x = x + linear(p, f"{name}.project", attention(qkv, heads, seen))
        y = linear(p, f"{name}.widen", layer_norm(p, f"{name}.norm2", x))
        x = x + linear(p, f"{name}.narrow", jax.nn.gelu(y, approximate=True))
    return linear(p, "head", layer_norm(p, "norm", x))


def gpt2(p: Arrays, tokens: Any, heads: int = 2) -> Any:
    def conv1d(name: str, x: Any) -> Any:
        return x @ p[f"{name}.weight"] + p[f"{name}.bias"]

    x = p["wte.weight"][tokens] + p["wpe.weight"][: tokens.shape[1]]
    seen = jnp.tril(jnp.ones((x.shape[1], x.shape[1]), bool))
    for i in range(sum(name.endswith("ln_1.weight") for name in p)):
        qkv = conv1d(f"h.{i}.attn.c_attn", layer_norm(p, f"h.{i}.ln_1", x))
        x = x + conv1d(f"h.{i}.attn.c_proj", attention(qkv, heads, seen))
        y = conv1d(f"h.{i}.mlp.c_fc", layer_norm(p, f"h.{i}.ln_2", x))
        x = x + conv1d(f"h.{i}.mlp.c_proj", jax.nn.gelu(y, approximate=True))
    return layer_norm(p, "ln_f", x) @ p["wte.weight"].T


def resnet(p: Arrays, image: Any) -> Any:
    x = jax.nn.relu(batch_norm(p, "norm", convolution(p, "conv", image / 127.5 - 1.0)))
    for i in range(sum(name.endswith("conv1.weight") for name in p)):
        name = f"blocks.{i}"
        stride = 2 if f"{name}.shortcut.0.weight" in p else 1
        y = jax.nn.relu(batch_norm(p, f"{name}.norm1", convolution(p, f"{name}.conv1", x, stride)))
        y = batch_norm(p, f"{name}.norm2", convolution(p, f"{name}.conv2", y))
        if stride == 2:
            narrow = convolution(p, f"{name}.shortcut.0", x, stride, padding=0)
            x = batch_norm(p, f"{name}.shortcut.1", narrow)
        x = jax.nn.relu(y + x)
    return linear(p, "head", x.mean((2, 3)))


def alexnet(p: Arrays, image: Any) -> Any:
    x = image / 127.5 - 1.0
    for i in range(5):
        x = jax.nn.relu(convolution(p, f"convs.{i}", x))
        x = max_pool(x, 3, 2) if i in (0, 1, 4) else x
    x = jax.nn.relu(linear(p, "fc1", x.reshape(x.shape[0], -1)))
    return linear(p, "head", jax.nn.relu(linear(p, "fc2", x)))


def vit(p: Arrays, image: Any, heads: int = 2) -> Any:
    size = p["patches.weight"].shape[2]
    grid = image.reshape(-1, 8 // size, size, 8 // size, size) / 16.0
    patches = grid.transpose(0, 1, 3, 2, 4).reshape(len(image), -1, size * size)
    x = patches @ p["patches.weight"].reshape(-1, size * size).T + p["patches.bias"]
    first = jnp.broadcast_to(p["first.weight"], (len(x), 1, x.shape[2]))
    x = jnp.concatenate([first, x], axis=1) + p["places.weight"]
    for i in range(sum(name.endswith("norm1.weight") for name in p)):
        name = f"encoder.layers.{i}"
        y = layer_norm(p, f"{name}.norm1", x)
        qkv = y @ p[f"{name}.self_attn.in_proj_weight"].T + p[f"{name}.self_attn.in_proj_bias"]
        x = x + linear(p, f"{name}.self_attn.out_proj", attention(qkv, heads, True))
        y = linear(p, f"{name}.linear1", layer_norm(p, f"{name}.norm2", x))
        x = x + linear(p, f"{name}.linear2", jax.nn.gelu(y, approximate=False))
    return linear(p, "head", layer_norm(p, "norm", x[:, 0]))


def loss_of(logits: Any, target: Any) -> Any:
    log_p = jax.nn.log_softmax(logits)
    return -jnp.take_along_axis(log_p, target[..., None], -1).mean()
