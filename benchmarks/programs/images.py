"""Convolutional networks: a small one, ResNet-20 and one of depthwise convolutions."""

from types import SimpleNamespace
from typing import Any

from benchmarks.programs import Arrays, Draw, Program, named, within

Weights = dict[str, Any]


def _cnn(o: Any, p: Weights, s: Any, x: Any, y: Any) -> Any:
    for name in ("first", "second"):
        x = o.max_pool(o.relu(o.conv(x, p[name], padding=1)))
    x = o.relu(o.linear(x.reshape(s.batch, -1), p["hidden"]))
    return o.cross_entropy(o.linear(x, p["head"]), y)


def _cnn_weights(draw: Draw, s: SimpleNamespace) -> Arrays:
    flat = 2 * s.width * (s.size // 4) ** 2
    return {
        "first": draw.weight(s.width, 1, 3, 3),
        "second": draw.weight(2 * s.width, s.width, 3, 3),
        "hidden": draw.weight(128, flat),
        "head": draw.weight(10, 128),
    }


def _images(draw: Draw, s: SimpleNamespace) -> Arrays:
    return {"x": draw.normal(s.batch, s.channels, s.size, s.size)}


def _labelled(draw: Draw, s: SimpleNamespace) -> Arrays:
    return {**_images(draw, s), "y": draw.whole(10, s.batch)}


def _normed(o: Any, p: Weights, name: str, x: Any, **options: int) -> Any:
    """A convolution and its batch norm."""
    q = within(p, name)
    x = o.conv(x, q["kernel"], **options)
    return o.batch_norm(x, q["scale"], q["shift"], q.get("mean"), q.get("variance"))


def _normed_weights(draw: Draw, known: bool, *kernel: int) -> Arrays:
    """A kernel and the parameters of its norm, with its statistics if they are `known`."""
    made = {
        "kernel": draw.weight(*kernel),
        "scale": 1 + draw.normal(kernel[0], scale=0.1),
        "shift": draw.normal(kernel[0], scale=0.1),
    }
    if known:
        made["mean"] = draw.normal(kernel[0], scale=0.1)
        made["variance"] = 1 + draw.normal(kernel[0], scale=0.1) ** 2
    return made


def _blocks(s: Any) -> list[tuple[str, int, int]]:
    """Name, stride and width of a residual network's blocks."""
    return [
        (f"{stage}.{i}", 2 if stage and not i else 1, s.width << stage)
        for stage in range(3)
        for i in range(s.depth)
    ]


def _resnet(o: Any, p: Weights, s: Any, x: Any) -> Any:
    """He et al., 2015, section 4.2, with projections where the size changes."""
    x = o.relu(_normed(o, p, "stem", x, padding=1))
    for name, stride, _ in _blocks(s):
        y = o.relu(_normed(o, p, f"{name}.a", x, stride=stride, padding=1))
        y = _normed(o, p, f"{name}.b", y, padding=1)
        x = o.relu(y + (_normed(o, p, f"{name}.c", x, stride=stride) if stride > 1 else x))
    return o.linear(x.mean((2, 3)), p["head"])


def _resnet_weights(draw: Draw, s: SimpleNamespace) -> Arrays:
    known, width = not s.training, s.width
    weights = dict(named("stem", _normed_weights(draw, known, width, s.channels, 3, 3)))
    for name, stride, out in _blocks(s):
        kernels = {"a": (out, width, 3, 3), "b": (out, out, 3, 3)}
        if stride > 1:
            kernels["c"] = (out, width, 1, 1)
        for part, kernel in kernels.items():
            weights.update(named(f"{name}.{part}", _normed_weights(draw, known, *kernel)))
        width = out
    return {**weights, "head": draw.weight(10, width)}


def _resnet_loss(o: Any, p: Weights, s: Any, x: Any, y: Any) -> Any:
    return o.cross_entropy(_resnet(o, p, s, x), y)


# Expansion, channels, repetitions and stride (Sandler et al., 2018, table 2).
MOBILENET = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def _inverted(s: Any) -> list[tuple[str, int, int, int, int]]:
    """Name, channels going in, within and out, and stride of a MobileNet's blocks."""
    rows, width = [], 32
    for stage, (expansion, out, count, stride) in enumerate(MOBILENET[: s.depth]):
        for i in range(count):
            rows.append((f"{stage}.{i}", width, expansion * width, out, 1 if i else stride))
            width = out
    return rows


def _mobilenet(o: Any, p: Weights, s: Any, x: Any) -> Any:
    x = o.relu6(_normed(o, p, "stem", x, stride=2, padding=1))
    for name, given, wide, out, stride in _inverted(s):
        y = o.relu6(_normed(o, p, f"{name}.widen", x)) if wide > given else x
        options = {"stride": stride, "padding": 1, "groups": wide}
        y = o.relu6(_normed(o, p, f"{name}.each", y, **options))
        y = _normed(o, p, f"{name}.narrow", y)
        x = x + y if given == out and stride == 1 else y
    x = o.relu6(_normed(o, p, "last", x))
    return o.linear(x.mean((2, 3)), p["head"])


def _mobilenet_weights(draw: Draw, s: SimpleNamespace) -> Arrays:
    kernels = {"stem": (32, 3, 3, 3)}
    for name, given, wide, out, _ in _inverted(s):
        if wide > given:
            kernels[f"{name}.widen"] = (wide, given, 1, 1)
        kernels[f"{name}.each"] = (wide, 1, 3, 3)
        kernels[f"{name}.narrow"] = (out, wide, 1, 1)
    kernels["last"] = (s.width, _inverted(s)[-1][3], 1, 1)
    weights: Arrays = {}
    for name, kernel in kernels.items():
        weights.update(named(name, _normed_weights(draw, True, *kernel)))
    return {**weights, "head": draw.weight(1000, s.width)}


_RESNET = {"channels": 3, "size": 32, "width": 16, "depth": 3, "batch": 32}
_RESNET_GROWS = {"batch": (8, 32, 128), "depth": (1, 3, 5)}

ROWS = [
    Program(
        "cnn-step",
        "CNN 32-64, batch 64, 28², Adam step",
        _cnn,
        _labelled,
        _cnn_weights,
        kind="step",
        sizes={"channels": 1, "size": 28, "width": 32, "batch": 64},
        tiny={"size": 8, "width": 2, "batch": 3},
        grows={"batch": (16, 64, 256)},
    ),
    Program(
        "resnet20",
        "ResNet-20 inference, batch 32, 32²",
        _resnet,
        _images,
        _resnet_weights,
        sizes={**_RESNET, "training": 0},
        tiny={"size": 8, "width": 2, "depth": 1, "batch": 2},
        grows=_RESNET_GROWS,
    ),
    Program(
        "resnet20-step",
        "ResNet-20, batch 32, 32², Adam step",
        _resnet_loss,
        _labelled,
        _resnet_weights,
        kind="step",
        sizes={**_RESNET, "training": 1},
        tiny={"size": 8, "width": 2, "depth": 1, "batch": 4},
        grows=_RESNET_GROWS,
    ),
    Program(
        "mobilenet",
        "MobileNetV2 inference, batch 1, 224²",
        _mobilenet,
        _images,
        _mobilenet_weights,
        sizes={"channels": 3, "size": 224, "width": 1280, "depth": 7, "batch": 1},
        tiny={"size": 16, "width": 8, "depth": 2},
        grows={"batch": (1, 4, 16)},
    ),
]
