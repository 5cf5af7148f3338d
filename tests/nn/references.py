"""The modules once more, in JAX: functions of parameters by dotted name and of the inputs."""

import jax
import jax.numpy as jnp
from jax import lax


def pick(p, prefix):
    return {k.removeprefix(prefix): v for k, v in p.items() if k.startswith(prefix)}


def linear(p, x):
    y = x @ p["weight"].T
    return y + p["bias"] if "bias" in p else y


def bilinear(p, x1, x2):
    return jnp.einsum("ni,kij,nj->nk", x1, p["weight"], x2) + p["bias"]


def embedding(p, indices):
    return p["weight"][indices]


def cosine_similarity(p, x, y):
    return (x * y).sum(1) / (jnp.linalg.norm(x, axis=1) * jnp.linalg.norm(y, axis=1))


def unfold(p, x):
    columns = lax.conv_general_dilated_patches(x, (2, 2), (1, 1), "VALID")
    return columns.reshape(*columns.shape[:2], -1)


def fold(p, x):
    """The transpose of `unfold`, taken from its own derivative."""
    like = jnp.zeros((x.shape[0], x.shape[1] // 4, 4, 4), x.dtype)
    return jax.linear_transpose(lambda y: unfold(p, y), like)(x)[0]


def conv(rank, stride=1, padding=0, dilation=1, groups=1):
    letters = "DHW"[-rank:]

    def run(p, x):
        pad = padding if isinstance(padding, str) else [(padding, padding)] * rank
        y = lax.conv_general_dilated(
            x,
            p["weight"],
            (stride,) * rank,
            pad.upper() if isinstance(pad, str) else pad,
            rhs_dilation=(dilation,) * rank,
            dimension_numbers=(f"NC{letters}", f"OI{letters}", f"NC{letters}"),
            feature_group_count=groups,
        )
        return y + p["bias"].reshape(-1, *(1,) * rank) if "bias" in p else y

    return run


def conv_transpose(rank, stride=1, padding=0, output_padding=0, groups=1):
    """The transpose of the convolution, taken from its own derivative."""

    def run(p, x):
        w = p["weight"]
        sizes = [
            (n - 1) * stride - 2 * padding + k + output_padding
            for n, k in zip(x.shape[2:], w.shape[2:], strict=True)
        ]
        forward = conv(rank, stride, padding, groups=groups)
        like = jnp.zeros((x.shape[0], w.shape[1] * groups, *sizes), x.dtype)
        (y,) = jax.linear_transpose(lambda z: forward({"weight": w}, z), like)(x)
        return y + p["bias"].reshape(-1, *(1,) * rank) if "bias" in p else y

    return run


def max_pool(rank, window, stride, padding=0):
    def run(p, x):
        return lax.reduce_window(
            x,
            -jnp.inf,
            lax.max,
            (1, 1, *(window,) * rank),
            (1, 1, *(stride,) * rank),
            [(0, 0)] * 2 + [(padding, padding)] * rank,
        )

    return run


def avg_pool(rank, window, stride, padding=0):
    def run(p, x):
        total = lax.reduce_window(
            x,
            0.0,
            lax.add,
            (1, 1, *(window,) * rank),
            (1, 1, *(stride,) * rank),
            [(0, 0)] * 2 + [(padding, padding)] * rank,
        )
        return total / window**rank

    return run


def adaptive(reduce, count):
    def run(p, x):
        for axis in range(2, x.ndim):
            size = x.shape[axis]
            edges = [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]
            parts = [lax.slice_in_dim(x, a, b, axis=axis) for a, b in edges]
            x = jnp.concatenate([reduce(part, axis=axis, keepdims=True) for part in parts], axis)
        return x

    return run


def resize(size):
    def run(p, x):
        return jax.image.resize(x, (*x.shape[:2], *size), "linear", antialias=False)

    return run


def normed(x, axes, eps):
    mean = x.mean(axis=axes, keepdims=True)
    return (x - mean) / jnp.sqrt(x.var(axis=axes, keepdims=True) + eps)


def affine(p, x):
    """Scale and shift along dimension 1."""
    shape = (-1, *(1,) * (x.ndim - 2))
    x = x * p["weight"].reshape(shape) if "weight" in p else x
    return x + p["bias"].reshape(shape) if "bias" in p else x


def layer_norm(p, x, rank=1, eps=1e-5):
    y = normed(x, tuple(range(x.ndim - rank, x.ndim)), eps)
    y = y * p["weight"] if "weight" in p else y
    return y + p["bias"] if "bias" in p else y


def rms_norm(p, x, eps):
    return x / jnp.sqrt((x * x).mean(axis=-1, keepdims=True) + eps) * p["weight"]


def group_norm(groups, eps=1e-5):
    def run(p, x):
        return affine(p, normed(x.reshape(x.shape[0], groups, -1), 2, eps).reshape(x.shape))

    return run


def instance_norm(p, x):
    return affine(p, normed(x, tuple(range(2, x.ndim)), 1e-5))


def batch_norm(p, x):
    return affine(p, normed(x, (0, *range(2, x.ndim)), 1e-5))


def local_response_norm(size, alpha, beta, k):
    def run(p, x):
        square = jnp.pad(x * x, [(0, 0), (size // 2, size - 1 - size // 2), (0, 0), (0, 0)])
        total = sum(square[:, i : i + x.shape[1]] for i in range(size))
        return x / (k + alpha / size * total) ** beta

    return run


def attend(q, k, v, mask=0.0):
    scores = jnp.einsum("...td,...sd->...ts", q, k) / q.shape[-1] ** 0.5 + mask
    return jax.nn.softmax(scores, axis=-1) @ v


def attention(heads, hide=None):
    """Multi-head attention of (N, T, E); `hide` is a boolean (T, S), True being hidden."""

    def split(x):
        return x.reshape(*x.shape[:2], heads, -1).swapaxes(1, 2)

    def run(p, query, key, value):
        size = query.shape[-1]
        if "in_proj_weight" in p:
            weights = jnp.split(p["in_proj_weight"], 3)
        else:
            weights = [p[f"{n}_proj_weight"] for n in "qkv"]
        biases = jnp.split(p["in_proj_bias"], 3) if "in_proj_bias" in p else [0.0] * 3
        q, k, v = (
            split(x @ w.T + b) for x, w, b in zip((query, key, value), weights, biases, strict=True)
        )
        y = attend(q, k, v, 0.0 if hide is None else jnp.where(hide, -jnp.inf, 0.0))
        y = y.swapaxes(1, 2).reshape(*query.shape[:2], size)
        return linear(pick(p, "out_proj."), y)

    return run


def encoder_layer(heads, first, hide=None, activation=jax.nn.relu):
    def run(p, x):
        norms = [lambda x, i=i: layer_norm(pick(p, f"norm{i}."), x) for i in (1, 2)]

        def attended(x):
            return attention(heads, hide)(pick(p, "self_attn."), x, x, x)

        def perceptron(x):
            return linear(pick(p, "linear2."), activation(linear(pick(p, "linear1."), x)))

        for norm, part in zip(norms, (attended, perceptron), strict=True):
            x = x + part(norm(x)) if first else norm(x + part(x))
        return x

    return run


def decoder_layer(heads, hide):
    def run(p, x, memory):
        own = attention(heads, hide)(pick(p, "self_attn."), x, x, x)
        x = layer_norm(pick(p, "norm1."), x + own)
        other = attention(heads)(pick(p, "multihead_attn."), x, memory, memory)
        x = layer_norm(pick(p, "norm2."), x + other)
        wide = jax.nn.relu(linear(pick(p, "linear1."), x))
        return layer_norm(pick(p, "norm3."), x + linear(pick(p, "linear2."), wide))

    return run


def rnn(given, kept, state):
    return (jnp.tanh(given + kept),)


def lstm(given, kept, state):
    i, f, g, o = jnp.split(given + kept, 4, axis=-1)
    c = jax.nn.sigmoid(f) * state[1] + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


def gru(given, kept, state):
    (r1, z1, n1), (r2, z2, n2) = (jnp.split(x, 3, axis=-1) for x in (given, kept))
    n = jnp.tanh(n1 + jax.nn.sigmoid(r1 + r2) * n2)
    z = jax.nn.sigmoid(z1 + z2)
    return ((1 - z) * n + z * state[0],)


def recurrent(cell, layers=1, directions=1, batch_first=False):
    """Outputs and, stacked, last states of a recurrent network, step after step."""

    def run(p, x, *states):
        x = x.swapaxes(0, 1) if batch_first else x
        ends = []
        for layer in range(layers):
            sides = []
            for side in range(directions):
                suffix = f"l{layer}" + ("_reverse" if side else "")
                w, u = p[f"weight_ih_{suffix}"], p[f"weight_hh_{suffix}"]
                b, c = p.get(f"bias_ih_{suffix}", 0.0), p.get(f"bias_hh_{suffix}", 0.0)
                state = tuple(s[layer * directions + side] for s in states)
                ys = []
                for row in x[::-1] if side else x:
                    h, *others = cell(row @ w.T + b, state[0] @ u.T + c, state)
                    if f"weight_hr_{suffix}" in p:
                        h = h @ p[f"weight_hr_{suffix}"].T
                    state = (h, *others)
                    ys.append(h)
                sides.append(jnp.stack(ys[::-1] if side else ys))
                ends.append(state)
            x = jnp.concatenate(sides, axis=-1)
        last = [jnp.stack(part) for part in zip(*ends, strict=True)]
        return [x.swapaxes(0, 1) if batch_first else x, *last]

    return run


def recurrent_cell(cell):
    def run(p, x, *states):
        given = x @ p["weight_ih"].T + p["bias_ih"]
        kept = states[0] @ p["weight_hh"].T + p["bias_hh"]
        return list(cell(given, kept, states))

    return run


PAD_MODES = {
    "Constant": "constant",
    "Zero": "constant",
    "Reflection": "reflect",
    "Replication": "edge",
    "Circular": "wrap",
}
MARGINS = [
    [((1, 2),), ((2, 1, 0, 3),), ((1, 2, 3, 0, 1, 1),)],
    [((1, 2), 7.0), (2, -3.0), ((1, 2, 3, 0, 1, 1), 0.5)],
]
"""Arguments for one, two and three dimensions: without a value, and with one."""


def pad(mode, margins, *value):
    """NumPy's order of margins is the reverse of PyTorch's."""

    def run(p, x):
        sides = (margins,) * (2 * (x.ndim - 2)) if isinstance(margins, int) else margins
        pairs = list(zip(sides[::2], sides[1::2], strict=True))[::-1]
        widths = [(0, 0)] * (x.ndim - len(pairs)) + pairs
        options = {"constant_values": value[0]} if value else {}
        return jnp.pad(x, widths, mode=mode, **options)

    return run


def pixel_shuffle(r):
    def run(p, x):
        n, c, h, w = x.shape
        y = x.reshape(n, c // r**2, r, r, h, w)
        return y.transpose(0, 1, 4, 2, 5, 3).reshape(n, c // r**2, h * r, w * r)

    return run


def pixel_unshuffle(r):
    def run(p, x):
        n, c, h, w = x.shape
        y = x.reshape(n, c, h // r, r, w // r, r)
        return y.transpose(0, 1, 3, 5, 2, 4).reshape(n, c * r**2, h // r, w // r)

    return run


def channel_shuffle(groups):
    def run(p, x):
        n, c, *rest = x.shape
        return x.reshape(n, groups, c // groups, *rest).swapaxes(1, 2).reshape(x.shape)

    return run


def transformer(heads, mask):
    def run(p, source, target):
        memory = source
        for i in range(2):
            memory = encoder_layer(heads, False, None)(pick(p, f"encoder.layers.{i}."), memory)
        memory = layer_norm(pick(p, "encoder.norm."), memory)
        result = decoder_layer(heads, mask)(pick(p, "decoder.layers.0."), target, memory)
        return layer_norm(pick(p, "decoder.norm."), result)

    return run
