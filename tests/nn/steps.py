"""Training steps: one of every module and of every model in `models/`, for every target to compile.

A step is the loss and the parameters after a step of gradient descent. Sizes are tiny, but where
what a target fails on needs a larger one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import slopec as sp
from slopec import nn, optim, programs, random, tree
from slopec.lower import Lowered, lower
from slopec.programs import Program, Weights
from tests.nn import cases, test_activations, test_losses, test_torch_modules

MODELS = Path(__file__).parents[2] / "models"
RNG = np.random.default_rng(0)
WAVES, PLANES = RNG.normal(size=(2, 3, 8)), RNG.normal(size=(2, 3, 6, 6))
VOLUMES = RNG.normal(size=(2, 3, 4, 4, 4))
IMAGES, PHOTOGRAPHS = RNG.normal(size=(4, 8, 8)), RNG.normal(size=(4, 3, 16, 16))
LABELS = np.array([2, 0, 9, 2], np.int32)
KEY = sp.spec("uint32", (2,))
TOKENS = RNG.integers(0, 128, (2, 16)).astype(np.int32)


@dataclass(frozen=True)
class Step:
    """A module and what it is called with; `call(model, *inputs)` if not `model(*inputs)`."""

    make: Callable[[], Any]
    inputs: tuple[Any, ...]
    call: Callable[..., Any] | None = None
    optimizer: Callable[[], optim.Optimizer] = lambda: optim.sgd(1e-2)
    narrow: str | None = None
    """The type that products take, of mixed precision."""


def single(x: Any) -> np.ndarray:
    """Arrays as programs of single precision take them."""
    array = np.asarray(x)
    narrow = {"float64": "float32", "int64": "int32"}.get(array.dtype.name, array.dtype.name)
    return array.astype(narrow)


def score(outputs: Any) -> Any:
    """A number that depends on every result in another way."""
    total = sp.tensor(0.0)
    for leaf in tree.leaves(outputs):
        if leaf is not None and leaf.dtype.name == "float32":
            weights = sp.cos(sp.arange(leaf.size, dtype="float32")).reshape(leaf.shape)
            total = total + (leaf * weights).sum()
    return total


def forward_of(step: Step, name: str) -> Program:
    """The program that runs the module."""

    @sp.program(name=f"forward_{name}", model=untied(step.make()), inputs=specs(step), key=KEY)
    def forward(model: Any, inputs: Any, key: Any) -> Any:
        return called(step, model, inputs, key), model

    return forward


def step_of(step: Step, name: str) -> Program:
    """The program that trains the module, or, without weights, has its inputs' gradients."""

    @sp.program(name=f"step_{name}", model=untied(step.make()), inputs=specs(step), key=KEY)
    def train(model: Any, inputs: Any, key: Any) -> Any:
        moving = [i for i, x in enumerate(inputs) if x.dtype.name == "float32"]

        def loss(model: Any, given: Sequence[Any]) -> Any:
            full = list(inputs)
            for i, x in zip(moving, given, strict=True):
                full[i] = x
            return score(called(step, model, full, key)), model

        slope_of = sp.value_and_grad(loss, (0, 1), has_aux=True)
        slope_of = sp.amp(slope_of, step.narrow) if step.narrow else slope_of
        (value, model), (slope, slopes) = slope_of(model, [inputs[i] for i in moving])
        optimizer = step.optimizer()
        return value, optimizer.update(slope, optimizer.init(model), model), slopes

    return train


def specs(step: Step) -> list[Any]:
    """The types of a step's inputs."""
    return [sp.spec(x.dtype, x.shape) for x in map(single, step.inputs)]


def untied(model: Any) -> Any:
    """The module with types in place of its parameters, which come at run time."""
    leaves, treedef = tree.flatten(model)
    return treedef.unflatten(sp.spec(leaf.dtype, leaf.shape) for leaf in leaves)


def called(step: Step, model: Any, inputs: Sequence[Any], key: Any) -> Any:
    """What a module makes of inputs; what it draws, it draws from one key."""
    with random.stream(key):
        return (step.call or (lambda model, *xs: model(*xs)))(model, *inputs)


def lowered(steps: dict[str, Step]) -> Lowered:
    """One module with a forward program and a training step of each."""
    marked = []
    for number, step in enumerate(steps.values()):
        marked += [forward_of(step, str(number)), step_of(step, str(number))]
    sp.manual_seed(0)
    return lower(marked, name="steps", weights=Weights())


# --- modules ----------------------------------------------------------------------------------


def of_cases() -> dict[str, Step]:
    """The modules with weights or windows."""
    found = {}
    for number, case in enumerate(cases.CASES):

        def make(case: cases.Case = case) -> Any:
            return getattr(nn, case.name)(*case.args, **case.kwargs)

        def call(model: Any, *xs: Any, case: cases.Case = case) -> Any:
            options = {
                k: sp.tensor(single(v)) if isinstance(v, np.ndarray) else v
                for k, v in case.call.items()
            }
            return model(xs[0], tuple(xs[1:]), **options) if case.nested else model(*xs, **options)

        found[f"{case.name} {number}"] = Step(make, tuple(case.inputs), call)
    return found


def of_torch_cases() -> dict[str, Step]:
    """The modules with PyTorch's arguments."""
    found = {}
    for name, case in test_torch_modules.CASES.items():

        def make(case: test_torch_modules.Case = case) -> Any:
            return case.make(sp)

        def call(model: Any, *xs: Any, case: test_torch_modules.Case = case) -> Any:
            return model(*xs, **(case.options(sp) if case.options else {}))

        found[name] = Step(make, case.inputs, call)
    return found


def of_activations() -> dict[str, Step]:
    """The activations."""
    given = test_activations.ARGUMENTS
    return {
        name: Step(
            lambda name=name: getattr(nn, name)(*given.get(name, ())), (test_activations.PLANE,)
        )
        for name in test_activations.MODULES
    }


def of_losses() -> dict[str, Step]:
    """The losses."""
    found = {}
    for name, (_, options, arguments, _) in test_losses.ELEMENTWISE.items():
        made = name.split(",")[0]
        found[name] = Step(lambda made=made, o=options: getattr(nn, made)(**o), arguments)
    for name, (x, labels, options) in test_losses.LABELLED.items():
        weights = {
            k: sp.tensor(single(v)) if isinstance(v, np.ndarray) else v for k, v in options.items()
        }
        found[f"CrossEntropyLoss {name}"] = Step(
            lambda o=weights: nn.CrossEntropyLoss(**o), (x, labels)
        )
    picked = np.log(test_losses.SOFT)
    found["NLLLoss"] = Step(nn.NLLLoss, (picked, test_losses.LABELS))
    words = np.array([[1, 2], [2, 1], [1, 1]], np.int32)
    lengths = np.array([6, 6, 5], np.int32), np.array([2, 2, 1], np.int32)
    found["CTCLoss"] = Step(nn.CTCLoss, (RNG.normal(size=(6, 3, 3)), words, *lengths))
    return found


def seen(module: Any, x: np.ndarray) -> Any:
    """A lazy module that knows its sizes from an input."""
    module(sp.tensor(single(x)))
    return module


def of_the_rest() -> dict[str, Step]:
    """Containers, what draws numbers, what is lazy."""
    layer = (8, 2, 16, 0.1)
    sequence, memory = RNG.normal(size=(4, 2, 8)), RNG.normal(size=(5, 2, 8))
    planes = {1: WAVES, 2: PLANES, 3: VOLUMES}
    found = {
        "Sequential": Step(
            lambda: nn.Sequential(nn.Identity(), nn.Linear(8, 4), nn.Unflatten(-1, (2, 2)), nn.Flatten()),
            (WAVES[:, 0],),
        ),
        "TransformerEncoder": Step(
            lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(*layer), 2), (sequence,)
        ),
        "TransformerDecoder": Step(
            lambda: nn.TransformerDecoder(nn.TransformerDecoderLayer(*layer), 2), (sequence, memory)
        ),
        "RotaryEmbedding": Step(lambda: nn.RotaryEmbedding(8), (RNG.normal(size=(2, 2, 5, 8)),)),
        "SinusoidalEmbedding": Step(lambda: nn.SinusoidalEmbedding(8), (np.float32([0, 1, 5]),)),
        "GlobalAvgPool": Step(nn.GlobalAvgPool, (PLANES,)),
        "GlobalMaxPool": Step(nn.GlobalMaxPool, (PLANES,)),
        "InstanceNorm3d": Step(lambda: nn.InstanceNorm3d(3), (VOLUMES,)),
        "RReLU training": Step(nn.RReLU, (PLANES,)),
        "LazyLinear": Step(lambda: seen(nn.LazyLinear(4), WAVES), (WAVES,)),
    }  # fmt: skip
    for name in (
        "Dropout",
        "Dropout1d",
        "Dropout2d",
        "Dropout3d",
        "AlphaDropout",
        "FeatureAlphaDropout",
    ):
        found[name] = Step(getattr(nn, name), (planes[int(name[-2]) if name[-1] == "d" else 2],))
    for rank, x in planes.items():
        for name in ("Conv", "ConvTranspose"):
            lazy = getattr(nn, f"Lazy{name}{rank}d")
            found[f"Lazy{name}{rank}d"] = Step(lambda lazy=lazy, x=x: seen(lazy(4, 3), x), (x,))
        for name in ("BatchNorm", "InstanceNorm"):
            lazy = getattr(nn, f"Lazy{name}{rank}d")
            found[f"Lazy{name}{rank}d"] = Step(lambda lazy=lazy, x=x: seen(lazy(), x), (x,))

        def unpooled(model: Any, x: Any, rank: int = rank) -> Any:
            made, places = getattr(nn, f"MaxPool{rank}d")(2, return_indices=True)(x)
            return model(made, places)

        found[f"MaxUnpool{rank}d"] = Step(
            lambda rank=rank: getattr(nn, f"MaxUnpool{rank}d")(2), (x,), unpooled
        )
    return found


# --- models -----------------------------------------------------------------------------------


def model(file: str) -> Any:
    """A file of `models/`."""
    return programs.load_file(MODELS / f"{file}.py")


def cross_entropy(labels: np.ndarray) -> Callable[..., Any]:
    """The loss of a model of logits, and the logits."""

    def call(model: Any, x: Any) -> Any:
        logits = model(x)
        return nn.functional.cross_entropy(logits, sp.tensor(labels), dim=-1), logits

    return call


def of_models() -> dict[str, Step]:
    """The models, with Adam; `gpt` also with the vocabulary and width that it has by default."""
    classify, follow = cross_entropy(LABELS), cross_entropy(np.roll(TOKENS, -1, 1))
    sizes = {"heads": 2, "layers": 2}
    large = RNG.normal(size=(4, 3, 32, 32))
    rows: dict[str, tuple[Callable[[], Any], np.ndarray, Callable[..., Any]]] = {
        "mlp": (model("mlp").MLP, IMAGES, classify),
        "convnet": (lambda: model("convnet").ConvNet(width=4), IMAGES, classify),
        "resnet": (lambda: model("resnet").ResNet(width=4, blocks=2), PHOTOGRAPHS, classify),
        "alexnet": (lambda: model("alexnet").AlexNet(width=4, classes=10), large, classify),
        "vit": (lambda: model("vit").ViT(width=8, **sizes), IMAGES, classify),
        "gpt": (lambda: model("gpt").GPT(128, 16, 16, **sizes), TOKENS, follow),
        "gpt2": (lambda: model("gpt2").GPT2(128, 16, 16, **sizes), TOKENS, follow),
    }
    # With the vocabulary and width of the recipe sums are long enough to be spread over threads.
    full = (lambda: model("gpt").GPT(layers=1), RNG.integers(0, 128, (8, 64)).astype(np.int32))
    rows["gpt, wide"] = (*full, cross_entropy(np.roll(full[1], -1, 1)))
    found = {
        name: Step(make, (x,), call, lambda: optim.adam(1e-3))
        for name, (make, x, call) in rows.items()
    }
    for narrow in ("bfloat16", "float16"):
        for name in ("mlp", "convnet", "resnet", "gpt", "gpt, wide"):
            found[f"{name}, {narrow}"] = replace(found[name], narrow=narrow)
    return found


def of_optimizers() -> dict[str, Step]:
    """A perceptron with every optimiser."""
    return {
        name: Step(
            model("mlp").MLP,
            (IMAGES,),
            cross_entropy(LABELS),
            lambda name=name: optim.clipped(optim.by_name(name, 1e-3), 1.0),
        )
        for name in optim.OPTIMIZERS
    }


def gan() -> Lowered:
    """The programs of two models that train each other, in their own file."""
    return lower(list(programs.programs_in(model("gan"))), name="gan")


GROUPS = {
    "modules": of_cases,
    "modules as in PyTorch": of_torch_cases,
    "activations": of_activations,
    "losses": of_losses,
    "other modules": of_the_rest,
    "models": of_models,
    "optimizers": of_optimizers,
}
"""What is tried."""
