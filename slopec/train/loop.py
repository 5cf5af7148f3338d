"""The training loop: one artifact steps and evaluates, its state stays on the device."""

import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import slopec_runtime
from slopec import nn, optim, programs, random
from slopec.build import build
from slopec.diagnostics import UsageError, refusals, writing
from slopec.lower import lower
from slopec.programs import Program, Weights, program, reporting, spec
from slopec.targets import parse_target
from slopec.tensor import Tensor
from slopec.train import tasks
from slopec.train.batches import Batches
from slopec.train.checkpoint import read_arrays, read_metadata, write_arrays
from slopec.train.recipe import Recipe
from slopec.transforms import amp, grad


@dataclass(frozen=True)
class Epoch:
    """What an epoch gave: the mean training loss, and loss and accuracy on the held-out rows."""

    epoch: int
    step: int
    train_loss: float
    test_loss: float
    test_accuracy: float


@dataclass(frozen=True)
class Traffic:
    """Bytes that a training step moves between host and device."""

    uploaded: float
    downloaded: float
    state: int


@dataclass(frozen=True)
class Outcome:
    """A finished run: its folder, its last epoch, seconds, and traffic per step."""

    folder: Path
    artifact: Path
    last: Epoch
    compile_seconds: float
    total_seconds: float
    traffic: Traffic


Report = Callable[[Epoch, float], None]


class Training:
    """A recipe made ready: data loaded, model made, step compiled, state on the device."""

    def __init__(self, recipe: Recipe, device: str | None = None) -> None:
        """Compile the recipe's step and evaluation for this machine."""
        self.prepare(recipe)
        started = time.perf_counter()
        self.program = self._compile(device)
        self.compile_seconds = time.perf_counter() - started

    def prepare(self, recipe: Recipe) -> None:
        """Load the data and make the model; nothing is compiled yet."""
        self.recipe = recipe
        self.task = tasks.load(recipe.data, recipe.path.parent)
        self.batches = Batches(self.task.train, recipe.train.batch, seed=recipe.train.seed)
        epochs, steps = recipe.train.epochs, recipe.train.steps
        self.steps = epochs * len(self.batches) if steps is None else steps
        self.model = self._model()
        self.step = 0

    def _model(self) -> nn.Module:
        """The model, its weights drawn from the recipe's seed."""
        random.manual_seed(self.recipe.train.seed)
        self.source = programs.load_file(self.recipe.model_file)
        cls = getattr(self.source, self.recipe.model.name, None)
        if cls is None:
            raise UsageError(
                "S0609", f"{self.recipe.model.file} has no class `{self.recipe.model.name}`"
            )
        with reporting("while the model was made"):
            made: nn.Module = cls(**{**self.task.arguments, **self.recipe.model.arguments})
        return made

    def _optimizer(self) -> optim.Optimizer:
        part = self.recipe.optimizer
        rate = optim.schedule(
            part.schedule, part.learning_rate, self.steps, warmup=int(part.warmup * self.steps)
        )
        made = optim.by_name(
            part.name, rate, weight_decay=part.weight_decay, momentum=part.momentum
        )
        made = made if part.clip_norm is None else optim.clipped(made, part.clip_norm)
        return optim.loss_scaled(made) if self.recipe.train.amp == "float16" else made

    def programs(self) -> tuple[list[Program], Weights]:
        """The step and the evaluation, and the values that their state begins with."""
        optimizer, smoothing = self._optimizer(), self.recipe.train.label_smoothing
        inputs, targets = (self.task.train[n] for n in (self.task.inputs, self.task.targets))
        rows, narrow = self.recipe.train.batch, self.recipe.train.amp

        @program(
            state=("model", "optimizer", "key"),
            inputs=spec(inputs.dtype, (rows, *inputs.shape[1:])),
            targets=spec(targets.dtype, (rows, *targets.shape[1:])),
        )
        def step(model: Any, optimizer: Any, key: Any, inputs: Any, targets: Any) -> Any:
            """Train on one batch; returns its loss."""
            following, chosen = random.split(key)
            scale = optim.loss_scale(optimizer) if narrow == "float16" else None

            def loss(model: nn.Module) -> tuple[Tensor, Tensor]:
                with random.stream(chosen):
                    value = tasks.loss_of(model(inputs), targets, smoothing)
                return value if scale is None else value * scale, value

            def slope_of(model: nn.Module) -> Any:
                return grad(loss, has_aux=True)(model)

            slope, value = (amp(slope_of, narrow) if narrow else slope_of)(model)
            model, optimizer = update(slope, optimizer, model)
            return model, optimizer, following, {"loss": value}

        @program(
            inputs=spec(inputs.dtype, ("batch", *inputs.shape[1:])),
            targets=spec(targets.dtype, ("batch", *targets.shape[1:])),
        )
        def evaluate(model: Any, inputs: Any, targets: Any) -> Any:
            """Loss and accuracy of every row."""
            return tasks.scores(model.eval()(inputs), targets)

        update = optimizer.update
        weights = {
            "model": self.model,
            "optimizer": optimizer.init(self.model),
            "key": random.key(self.recipe.train.seed),
        }
        return [step, evaluate], Weights(weights)

    def _compile(self, device: str | None) -> slopec_runtime.Program:
        marked, weights = self.programs()
        rows = min(256, len(self.task.test[self.task.targets]))
        lowered = lower(marked, name="train", dims={"batch": [rows]}, weights=weights)
        name = "llvm-cpu" if device in (None, "cpu") else str(device).split(":")[0]
        target = parse_target(name, cpu="host" if name == "llvm-cpu" else None)
        (artifact,) = build(lowered, [target], carry_stablehlo=False)
        return artifact.load(device)

    def epochs(self) -> Iterator[tuple[Epoch, float]]:
        """Train; after every epoch give what it came to and the seconds it took."""
        while self.step < self.steps:
            started = time.perf_counter()
            last = min(self.steps, self.step + len(self.batches) - self.step % len(self.batches))
            losses = [self._train_step() for _ in range(last - self.step)]
            mean = float(np.mean([float(np.asarray(loss)) for loss in losses], dtype=np.float64))
            test = self.evaluate()
            number = -(-self.step // len(self.batches))
            yield (
                Epoch(number, self.step, mean, test["loss"], test["accuracy"]),
                time.perf_counter() - started,
            )

    def _train_step(self) -> Any:
        batch = self.batches.batch(self.step)
        if self.task.augment is not None:
            batch = self.task.augment(batch, self.step)
        self.step += 1
        result = self.program["step"](
            inputs=batch[self.task.inputs], targets=batch[self.task.targets]
        )
        return result["loss"]

    def evaluate(self) -> dict[str, float]:
        """Mean loss and accuracy over the held-out rows."""
        rows = self.task.test
        result = self.program["evaluate"](
            inputs=np.ascontiguousarray(rows[self.task.inputs]),
            targets=np.ascontiguousarray(rows[self.task.targets]),
        )
        return {name: float(np.mean(np.asarray(v), dtype=np.float64)) for name, v in result.items()}

    def traffic(self) -> Traffic:
        """What one more step moves; the state is read before and put back after."""
        kept = {name: np.array(value) for name, value in self.program.state.items()}
        before = self.program.stats
        step, loss = self.step, self._train_step()
        np.asarray(loss)
        moved = self.program.stats - before
        self.step = step
        for name, value in kept.items():
            self.program.state[name] = value
        size = sum(value.nbytes for value in kept.values())
        return Traffic(moved.uploaded, moved.downloaded, size)

    def save(self, path: Path) -> None:
        """Write model, optimiser state, key and step as a checkpoint."""
        state = {name: np.asarray(value) for name, value in self.program.state.items()}
        write_arrays(path, state, {"step": str(self.step), "recipe": self.recipe.name})

    def restore(self, path: Path) -> None:
        """Go on from a checkpoint; raises UsageError (S0605) when it is of another model."""
        arrays = read_arrays(path)
        for name in self.program.manifest.state:
            if name not in arrays:
                raise UsageError("S0605", f"{path} holds no `{name}`: it is of another model")
            self.program.state[name] = arrays[name]
        self.step = int(read_metadata(path).get("step", "0"))

    def export(self, path: Path) -> Path:
        """Compile the model file's programs with the trained weights into an artifact."""
        marked = list(programs.programs_in(self.source))
        arrays = {
            name: np.asarray(value)
            for name, value in self.program.state.items()
            if name.startswith("model.")
        }
        weights = Weights({"model": self.model})
        lowered = lower(marked, name=self.recipe.model_file.stem, params=arrays, weights=weights)
        (artifact,) = build(lowered, [parse_target("llvm-cpu")])
        return artifact.save(path)


def run(
    recipe: Recipe,
    folder: Path,
    report: Report,
    *,
    resume: Path | None = None,
    device: str | None = None,
) -> Outcome:
    """Train a recipe into `folder`: metrics, checkpoint and the compiled artifact."""
    started = time.perf_counter()
    training = Training(recipe, device)
    if resume is not None:
        training.restore(resume)
    if training.step >= training.steps:
        raise UsageError("S0609", "nothing to train: the checkpoint has all the recipe's steps")
    with refusals(folder):
        folder.mkdir(parents=True, exist_ok=True)
    metrics = folder / "metrics.jsonl"
    lines = [] if resume is None else _history(metrics, training.step)
    for epoch, seconds in training.epochs():
        last = epoch
        lines.append(json.dumps(asdict(epoch)) + "\n")
        _write(metrics, "".join(lines))
        report(epoch, seconds)
        _refuse_divergence(epoch)
        training.save(folder / "checkpoint.safetensors")
    _write(folder / "recipe.toml", recipe.path.read_text(encoding="utf-8"))
    artifact = training.export(folder / "model.vmfb")
    return Outcome(
        folder,
        artifact,
        last,
        training.compile_seconds,
        time.perf_counter() - started,
        training.traffic(),
    )


def _write(path: Path, text: str) -> None:
    with writing(path) as file:
        file.write_text(text, encoding="utf-8")


def _history(metrics: Path, step: int) -> list[str]:
    """The lines of an earlier run into the same folder, up to the step that is gone on from."""
    if not metrics.exists():
        return []
    with refusals(metrics):
        data = metrics.read_bytes()
    try:
        lines = data.decode().splitlines(keepends=True)
        return [line for line in lines if json.loads(line)["step"] <= step]
    except (ValueError, KeyError, TypeError):
        raise UsageError(
            "S0605",
            f"`{metrics}`, which the run would go on with, does not hold the metrics of one",
            hint="move it away, or train into another folder",
        ) from None


def _refuse_divergence(epoch: Epoch) -> None:
    """Raise UsageError (S0610) when the loss is no number, before that reaches the checkpoint."""
    if math.isnan(epoch.train_loss):
        raise UsageError(
            "S0610",
            f"the training loss is not a number in epoch {epoch.epoch}",
            notes=("the checkpoint of the epoch before, if there is one, is kept",),
            hint="try --set optimizer.learning-rate=… with a tenth of it, or optimizer.clip-norm=1",
        )
