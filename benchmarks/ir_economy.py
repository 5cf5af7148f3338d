"""The IR of gradients: ours beside JAX's, of the same loss, after the same simplification.

The first table is about models: slopec's own, traced and differentiated here, beside the same
models in JAX. The second is about rules: losses written in JAX, without its custom derivatives;
JAX's side is its lowering of `value_and_grad`, ours the lowering of the loss alone, differentiated
by the `derive` pass. Constants are not counted as ops; bytes are what the ops read and write when
nothing is fused. Names given as arguments are shown in detail.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

sys.path.insert(0, str(Path(__file__).parents[1]))

import slopec as sp
from slopec import hlo, ir
from slopec.cost import Cost, cost_of
from slopec.passes import parse_pipeline, run_pipeline
from slopec.tensor import Tensor
from slopec.tracing import Trace, writing
from slopec.transforms.function import Traced, call, declare_vjp
from slopec.tree import LEAF
from tests.models.test_gradients import CASES, loss_of
from tests.models.test_gradients import loss as model_loss

_S = "simplify{signed-zeros=false}"
SIMPLIFY = "inline,symbol-dce," + _S + ",canonicalize,cse,slim-loops," + _S + ",canonicalize,cse"
PLAIN = ("tpu",)
"""The platform whose lowering makes no custom calls."""


def array(*shape: int, seed: int = 0) -> np.ndarray:
    """Normal values in float32."""
    return np.random.default_rng([seed, *shape]).normal(size=shape).astype(np.float32)


def cross_entropy(logits: Any, labels: Any) -> Any:
    """The mean negative log-probability of the labels."""
    log_p = logits - jnp.log(jnp.exp(logits).sum(-1, keepdims=True))
    return -jnp.take_along_axis(log_p, labels[:, None], 1, mode="clip").mean()


def relu(x: Any) -> Any:
    """max(x, 0) as a choice."""
    return jnp.where(x > 0, x, 0.0)


def softmax(x: Any) -> Any:
    """Exponentials over their sum."""
    e = jnp.exp(x)
    return e / e.sum(-1, keepdims=True)


LABELS = np.arange(8, dtype=np.int32) % 10


def mlp(p: Any, x: Any) -> Any:
    """A perceptron's loss."""
    for w, b in p[:-1]:
        x = relu(x @ w + b)
    w, b = p[-1]
    return cross_entropy(x @ w + b, LABELS)


def convnet(p: Any, x: Any) -> Any:
    """Convolutions, maximum pools and an average pool."""
    for kernel in p[:2]:
        layout = ("NHWC", "HWIO", "NHWC")
        x = lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=layout)
        x = relu(x)
        x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    x = lax.reduce_window(x, 0.0, lax.add, (1, 2, 2, 1), (1, 2, 2, 1), "VALID") / 4
    return cross_entropy(x.reshape(len(x), -1) @ p[2], LABELS)


def overlapping_pool(p: Any, x: Any) -> Any:
    """A strided convolution and a pool whose windows overlap."""
    x = lax.conv_general_dilated(x, p, (2, 2), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
    x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 2, 2, 1), "SAME")
    return (x * x).sum()


def layer_norm(x: Any) -> Any:
    """Zero mean and unit variance in the last dimension."""
    centered = x - x.mean(-1, keepdims=True)
    return centered * lax.rsqrt((centered * centered).mean(-1, keepdims=True) + 1e-5)


def attention(p: Any, x: Any) -> Any:
    """A transformer block."""
    q, k, v = jnp.split(layer_norm(x) @ p["qkv"], 3, -1)
    heads = [a.reshape(*a.shape[:2], 4, -1).transpose(0, 2, 1, 3) for a in (q, k, v)]
    scores = heads[0] @ heads[1].swapaxes(-1, -2) / 4.0
    scores = jnp.where(jnp.tril(jnp.ones(scores.shape[-2:], bool)), scores, -1e9)
    y = (softmax(scores) @ heads[2]).transpose(0, 2, 1, 3).reshape(x.shape)
    x = x + y @ p["out"]
    return x + jnp.tanh(layer_norm(x) @ p["up"]) @ p["down"]


def gpt(p: Any, tokens: Any) -> Any:
    """A small decoder's loss."""
    x = p["token"].at[tokens].get(mode="clip") + p["place"]
    for block in p["blocks"]:
        x = attention(block, x)
    logits = layer_norm(x) @ p["token"].T
    return cross_entropy(logits.reshape(-1, logits.shape[-1]), tokens.reshape(-1))


def lstm(p: Any, xs: Any) -> Any:
    """A recurrent network by scan."""

    def step(state: Any, x: Any) -> Any:
        h, c = state
        i, f, g, o = jnp.split(x @ p["x"] + h @ p["h"], 4, -1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    start = jnp.zeros((xs.shape[1], 16))
    return (lax.scan(step, (start, start), xs)[1] ** 2).mean()


def batch_norm(p: Any, x: Any) -> Any:
    """A layer whose statistics are differentiated too."""
    y = x @ p["w"]
    mean, variance = y.mean(0), y.var(0)
    y = (y - mean) / jnp.sqrt(variance + 1e-5) * p["scale"] + p["offset"]
    return (jnp.tanh(y) ** 2).sum()


def gaussian_process(p: Any, x: Any) -> Any:
    """The negative log-likelihood of a Gaussian process."""
    distance = ((x[:, None] - x[None]) / p["length"]) ** 2
    kernel = jnp.exp(-distance.sum(-1)) + p["noise"] * jnp.eye(len(x))
    factor = lax.linalg.cholesky(kernel)
    y = lax.linalg.triangular_solve(factor, x[:, :1], left_side=True, lower=True)
    return (y * y).sum() + jnp.log(jnp.diagonal(factor)).sum()


def ranking(p: Any, x: Any) -> Any:
    """Sorting, cumulative sums and a product."""
    scores = jnp.sort(x @ p)
    return (jnp.cumsum(scores) * jnp.arange(scores.shape[0])).sum() + jnp.prod(scores[:5])


def block_weights(seed: int) -> Any:
    """The weights of a transformer block."""
    sizes = {"qkv": (64, 192), "out": (64, 64), "up": (64, 256), "down": (256, 64)}
    return {name: array(*size, seed=seed) for name, size in sizes.items()}


GPT = {
    "token": array(50, 64),
    "place": array(16, 64),
    "blocks": [block_weights(seed) for seed in range(2)],
}
PROGRAMS: dict[str, tuple[Callable[..., Any], Any, Any]] = {
    "MLP": (mlp, [(array(32, 64), array(64)), (array(64, 10), array(10))], array(8, 32)),
    "CNN": (
        convnet,
        [array(3, 3, 1, 8), array(3, 3, 8, 16), array(4 * 16, 10)],
        array(8, 16, 16, 1),
    ),
    "overlapping pool": (overlapping_pool, array(3, 3, 3, 8), array(4, 17, 17, 3)),
    "attention block": (
        lambda p, x: (attention(p, x) ** 2).mean(),
        block_weights(0),
        array(2, 16, 64),
    ),
    "GPT": (gpt, GPT, np.arange(32, dtype=np.int32).reshape(2, 16)),
    "LSTM": (lstm, {"x": array(8, 64), "h": array(16, 64)}, array(12, 4, 8)),
    "batch norm": (
        batch_norm,
        {"w": array(16, 8), "scale": array(8), "offset": array(8)},
        array(32, 16),
    ),
    "Gaussian process": (
        gaussian_process,
        {"length": np.float32(1.5), "noise": np.float32(0.1)},
        array(12, 3),
    ),
    "ranking": (ranking, array(6), array(20, 6)),
}


def lowered(function: Callable[..., Any], *arguments: Any) -> ir.Module:
    """A JAX function as StableHLO."""
    traced = jax.jit(function, keep_unused=True).trace(*arguments)
    return ir.parse(traced.lower(lowering_platforms=PLAIN).as_text())


def theirs(loss: Callable[..., Any], p: Any, *data: Any) -> ir.Module:
    """The gradient by JAX."""
    module = lowered(jax.value_and_grad(loss), p, *data)
    run_pipeline(module, parse_pipeline(SIMPLIFY))
    return module


def ours(loss: Callable[..., Any], p: Any, x: Any) -> ir.Module:
    """The gradient by the derive pass."""
    module = lowered(loss, p, x)
    main = ir.function(module, "main")
    main.attributes["sym_visibility"] = ir.string("private")
    inputs, outputs = (
        tuple(ir.shape_and_dtype(t) for t in types) for types in ir.function_type(main)
    )
    wrt = range(len(jax.tree.leaves(p)))
    symbol, results = declare_vjp(module, Traced("main", inputs, outputs, LEAF, ()), wrt, [0])
    public = {"sym_visibility": ir.string("public")}
    types = [ir.tensor_type(*t) for t in inputs]
    made = [ir.tensor_type(*t) for t in results]
    op = ir.create_function(module, "step", types, made, public, ir.unknown(), body=True)
    where = Trace(module, ir.body_of(op), None, function=op)
    with writing(where):
        given = [
            Tensor._of_value(value, where, *type_)
            for value, type_ in zip(where.block.arguments, inputs, strict=True)
        ]
        found = call(symbol, [*given, hlo.full((), 1, outputs[0][1])], results)
        values = [where.value_of(t) for t in found]
        ir.create("func.return", [], values, None, ir.unknown(), where.point)
    run_pipeline(module, parse_pipeline(f"raise-logistic,derive,{SIMPLIFY}"))
    return module


def measure(module: ir.Module) -> tuple[Counter[str], Cost]:
    """How often each op occurs, and the cost, of all functions."""
    found: Counter[str] = Counter()
    total = Cost()
    for function in ir.functions(module):
        total = total + cost_of(function)
        found.update(op.name for op in ir.ops_in(function))
    for name in ("func.func", "func.return", "stablehlo.return", "stablehlo.constant"):
        found.pop(name, None)
    return found, total


MODELS = ("mlp", "convnet", "gpt")


def of_model(name: str) -> tuple[ir.Module, ir.Module]:
    """The gradient of a model's loss, ours and JAX's."""
    make, forward, inputs, target = CASES[name]
    model = make().eval()
    params = {n: np.asarray(t) for n, t in model.state_dict().items()}
    jitted = sp.jit(sp.value_and_grad(model_loss))
    module = jitted.lower(model, sp.tensor(inputs), sp.tensor(target))
    run_pipeline(module, parse_pipeline(f"raise-logistic,derive,{SIMPLIFY}"))

    def loss(p: Any, inputs: Any, target: Any) -> Any:
        return loss_of(forward(p, inputs), target)

    return module, theirs(loss, params, inputs, target)


def show(rows: Iterable[tuple[str, ir.Module, ir.Module]]) -> None:
    """Print a table of op counts and costs."""
    print("| program | ops | JAX | flops | JAX | bytes | JAX |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    for name, mine, other in rows:
        (ops, cost), (expected, reference) = measure(mine), measure(other)
        print(
            f"| {name} | {ops.total()} | {expected.total()} "
            f"| {cost.flops:.3g} | {reference.flops:.3g} "
            f"| {cost.bytes:.3g} | {reference.bytes:.3g} |"
        )
        if name in sys.argv[1:]:
            print(f"\nmore than JAX: {dict(ops - expected)}\nless: {dict(expected - ops)}\n")


def main() -> None:
    """Print both tables."""
    show((name, *of_model(name)) for name in MODELS)
    print()
    show((name, ours(*program), theirs(*program)) for name, program in PROGRAMS.items())


if __name__ == "__main__":
    main()
