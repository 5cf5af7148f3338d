"""What reverse mode keeps between its two halves: ours beside JAX's, and what policies trade.

The first table sets bytes beside those that `jax.vjp` saves of the same loss, without and with the
automatic policy: slopec's own models and the same in JAX, then losses written in JAX, exported and
differentiated here. Arguments and constants, which are kept anyway, do not count. The second has
policies of `checkpoint` on the blocks of a GPT, the third segments of a recurrent network's loop:
what is kept, the most memory that the compiled gradient allocates, its flops and its time on one
core. The last shows that a gradient does not grow with the length of its loop. Tables can be chosen
by name.
"""

import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax._src.ad_checkpoint import saved_residuals as saved_by_jax

sys.path.insert(0, str(Path(__file__).parents[1]))

import slopec as sp
import slopec_runtime
from benchmarks.ir_economy import PROGRAMS, lowered
from slopec import ir, tree
from slopec.build import build, transform
from slopec.cost import spell_bytes
from slopec.emit import EmitOptions
from slopec.lower import Lowered
from slopec.targets import parse_target
from slopec_runtime.devices import open_device
from slopec_runtime.manifest import EntryPoint, Input, Output, Variant
from slopec_runtime.tree import Branch
from tests.models.test_gradients import CASES, load, loss_of
from tests.models.test_gradients import loss as model_loss

Arguments = tuple[Any, ...]


def bytes_of_jax(function: Callable[..., Any], *arguments: Any) -> int:
    """What `jax.vjp` saves besides arguments, constants and numbers."""
    return sum(
        int(np.prod(aval.shape)) * aval.dtype.itemsize
        for aval, why in saved_by_jax(function, *arguments)
        if not any(word in why for word in ("argument", "constant", "literal"))
    )


def of_model(name: str) -> tuple[Callable[..., Any], Arguments, int]:
    """The loss of a model of slopec, its weights, and what JAX keeps of the same."""
    make, forward, inputs, target = CASES[name]
    model = make().eval()
    params = {n: np.asarray(t) for n, t in model.state_dict().items()}
    expected = bytes_of_jax(lambda p: loss_of(forward(p, inputs), target), params)
    return lambda m: model_loss(m, sp.tensor(inputs), sp.tensor(target)), (model,), expected


def of_program(name: str) -> tuple[Callable[..., Any], Arguments, int]:
    """A loss written in JAX, for slopec, its arguments, and what JAX keeps of it."""
    loss, params, data = PROGRAMS[name]
    function = sp.from_stablehlo(str(lowered(loss, params, data)))
    return function, tuple(jax.tree.leaves((params, data))), bytes_of_jax(loss, params, data)


def beside_jax() -> None:
    """The bytes kept by JAX, by slopec, and with the automatic policy, and what that costs."""
    print("| loss | JAX keeps | slopec keeps | auto keeps | for flops |")
    print("|---|--:|--:|--:|--:|")
    cases = [(f"{name} model", *of_model(name)) for name in CASES]
    cases += [(name, *of_program(name)) for name in PROGRAMS]
    for name, function, arguments, theirs in cases:
        auto = sp.saved_residuals(sp.checkpoint(function, policy="auto"), *arguments)
        assert auto.plain is not None
        kept = " | ".join(spell_bytes(n) for n in (theirs, auto.plain.bytes, auto.bytes))
        print(f"| {name} | {kept} | {auto.extra_flops / auto.plain.flops:+.1%} |", flush=True)


def compiled(function: Callable[..., Any], arguments: Arguments) -> tuple[Any, float]:
    """A function as a program for one core, and the seconds that compiling took."""
    module = sp.jit(function).lower(*arguments)
    (symbol,) = [ir.symbol_name(op) for op in ir.functions(module) if ir.is_public(op)]
    types = [
        [ir.shape_and_dtype(type_) for type_ in types]
        for types in ir.function_type(ir.function(module, symbol))
    ]
    entry = EntryPoint(
        tuple(Input(f"x{i}", s, d.name) for i, (s, d) in enumerate(types[0])),
        tuple(Output(f"y{i}", s, d.name) for i, (s, d) in enumerate(types[1])),
        (("arguments", Branch("tuple", tuple(range(len(types[0]))))),),
        Branch("tuple", tuple(range(len(types[1])))),
        (Variant(symbol),),
    )
    started = time.perf_counter()
    (artifact,) = build(
        Lowered(symbol, module, {"main": entry}, {}, {}, False),
        [parse_target("llvm-cpu", cpu="host")],
        options=EmitOptions(cache=False),
    )
    seconds = time.perf_counter() - started
    return slopec_runtime.load(artifact.data, "local-sync")["main"], seconds


def measured(case: str, how: Any) -> tuple[int, float]:
    """The most bytes that a gradient allocates, and its milliseconds, in a process of its own."""
    loss, arguments = STEPS[case](how)
    run, _ = compiled(sp.grad(loss), arguments)
    given = tuple(tensor.numpy() for tensor in tree.leaves(arguments))
    times = []
    for _ in range(5):
        started = time.perf_counter()
        for result in run(given):
            result.numpy()
        times.append(1000 * (time.perf_counter() - started))
    statistics = open_device("local-sync").handle.allocator.statistics
    return statistics["device_bytes_peak"], min(times)


def gpt(policy: Any) -> tuple[Callable[..., Any], Arguments]:
    """A GPT whose blocks are checkpointed by a policy; "none" is without."""
    module = load("gpt")

    class Checkpointed(module.GPT):  # type: ignore[misc, name-defined]
        def forward(self, tokens: Any) -> Any:
            x = self.token(tokens) + self.position.weight[: tokens.shape[1]]
            for block in self.blocks:
                x = block(x) if policy == "none" else sp.checkpoint(block, policy=policy)(x)
            return self.head(self.norm(x))

    tokens = sp.tensor(np.arange(8 * 64, dtype=np.int32).reshape(8, 64) % 128)
    return lambda m, x: model_loss(m, x, x), (Checkpointed().eval(), tokens)


def rnn(segment: Any, length: int = 1000) -> tuple[Callable[..., Any], Arguments]:
    """A recurrent network whose loop is in segments; None is without."""

    def loss(w: Any, xs: Any) -> Any:
        def step(h: Any, x: Any) -> Any:
            h = sp.tanh(h @ w + x)
            return h, h.sum()

        return (sp.scan(step, xs[0], xs, checkpoint=segment)[1] ** 2).sum()

    draw = np.random.default_rng(0).normal(size=(length, 16, 64))
    return loss, (sp.ones((64, 64)) / 64.0, sp.tensor(draw.astype(np.float32)))


STEPS: dict[str, Callable[..., tuple[Callable[..., Any], Arguments]]] = {"gpt": gpt, "rnn": rnn}
POLICIES = ("none", "everything_saveable", "dots_saveable", "auto", "nothing_saveable")
SEGMENTS = (None, 250, 100, "sqrt", 10)


def trade(case: str, ways: tuple[Any, ...]) -> None:
    """What is kept, the memory of the compiled gradient, its flops and time, each way."""
    print(f"| {case} | kept | most memory | flops | time |")
    print("|---|--:|--:|--:|--:|")
    for how in ways:
        loss, arguments = STEPS[case](how)
        report = sp.saved_residuals(loss, *arguments)
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            peak, milliseconds = pool.submit(measured, case, how).result()
        memory = f"{spell_bytes(report.bytes)} | {spell_bytes(peak)}"
        name = "none" if how is None else how
        print(f"| {name} | {memory} | {report.flops:.3g} | {milliseconds:.1f} ms |", flush=True)


def lengths() -> None:
    """The size of a recurrent network's gradient and the time to compile it, by its length."""
    print("| steps | ops | compiling | ops, in segments | compiling |")
    print("|--:|--:|--:|--:|--:|")
    for length in (30, 130, 1000, 10_000):
        cells = []
        for segment in (None, "sqrt"):
            loss, arguments = rnn(segment, length)
            module = sp.jit(sp.grad(loss)).lower(*arguments)
            transform(module)
            _, seconds = compiled(sp.grad(loss), arguments)
            cells.append(f"{count(module)} | {seconds:.2f} s")
        print(f"| {length} | {' | '.join(cells)} |", flush=True)


def count(module: ir.Module) -> int:
    """How many ops a module has, constants aside."""
    return sum(op.name != "stablehlo.constant" for op in ir.ops_in(module))


TABLES = {
    "jax": beside_jax,
    "policies": lambda: trade("gpt", POLICIES),
    "segments": lambda: trade("rnn", SEGMENTS),
    "lengths": lengths,
}


def main() -> None:
    """Print the tables."""
    for name in sys.argv[1:] or TABLES:
        TABLES[name]()
        print()


if __name__ == "__main__":
    main()
