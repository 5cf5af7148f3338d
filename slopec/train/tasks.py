"""What a recipe's data and loss are: images with labels, or text with the next token."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from slopec import nn, ops
from slopec.diagnostics import UsageError, did_you_mean
from slopec.tensor import Tensor
from slopec.train import data, text
from slopec.train.batches import Arrays
from slopec.train.recipe import DataPart

Augment = Callable[[dict[str, Any], int], dict[str, Any]]


@dataclass(frozen=True)
class Task:
    """Two arrays to train on (`inputs` and `targets` name them), the same held out, and facts.

    `arguments` are constructor arguments of the model that the data decides.
    """

    train: Arrays
    test: Arrays
    inputs: str
    targets: str
    arguments: dict[str, Any]
    augment: Augment | None = None


def load(part: DataPart, folder: Path) -> Task:
    """The data that a recipe names; relative paths start from `folder`.

    Raises UsageError (S0608) for an unknown name.
    """
    if part.name == "digits":
        split = data.digits(part.held_out)
        return _images(split, part)
    if part.name == "mnist":
        if part.folder is None:
            raise UsageError("S0608", "data `mnist` needs `folder`, where its IDX files are")
        return _images(data.load_idx(folder / part.folder), part)
    if part.name == "text":
        return _text(part, folder)
    known = ["digits", "mnist", "text"]
    raise UsageError(
        "S0608",
        f"there is no data called `{part.name}`",
        hint=did_you_mean(part.name, known) or f"known are {', '.join(known)}",
    )


def _images(split: data.Split, part: DataPart) -> Task:
    train, test = (
        {"image": rows["image"].astype(np.float32), "label": rows["label"]}
        for rows in (split.train, split.test)
    )
    return Task(train, test, "image", "label", {}, shifted if part.augment else None)


def shifted(batch: dict[str, Any], step: int) -> dict[str, Any]:
    """Images moved by up to one pixel in each direction, as the step's number decides."""
    images = batch["image"]
    moves = np.random.PCG64([step, 1]).random_raw(2 * len(images)) % 3
    rows = np.arange(images.shape[1])
    result = np.empty_like(images)
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    for i, (down, right) in enumerate(moves.reshape(-1, 2).astype(int)):
        result[i] = padded[i][np.ix_(rows + down, rows + right)]
    return {**batch, "image": result}


def _text(part: DataPart, folder: Path) -> Task:
    """The file's text, or Python's own reference; its end is held out."""
    if part.file is None:
        content = text.python_reference()
    else:
        try:
            content = (folder / part.file).read_text(encoding="utf-8")
        except OSError as error:
            raise UsageError("S0404", f"cannot read {part.file}: {error.strerror}") from None
    tokenizer = text.CharTokenizer.of(content)
    tokens = tokenizer.encode(content)
    cut = len(tokens) - int(len(tokens) * part.held_out)
    train = text.windows(tokens[:cut], part.context, stride=max(1, part.context // 4))
    test = text.windows(tokens[cut:], part.context)
    facts = {"vocabulary": tokenizer.size, "context": part.context}
    return Task(train, test, "tokens", "target", facts)


def loss_of(logits: Tensor, targets: Tensor, smoothing: float = 0.0) -> Tensor:
    """Mean cross entropy, the classes along the last dimension."""
    return nn.functional.cross_entropy(logits, targets, label_smoothing=smoothing, dim=-1)


def scores(logits: Tensor, targets: Tensor) -> dict[str, Tensor]:
    """Per row the loss and the share of right answers, float32 of shape (rows,)."""
    values = nn.functional.cross_entropy(logits, targets, reduction="none", dim=-1)
    right = ops.astype(ops.argmax(logits, axis=-1) == targets, logits.dtype)
    rest = tuple(range(1, values.ndim))
    if rest:
        values, right = ops.mean(values, axis=rest), ops.mean(right, axis=rest)
    return {"loss": values, "accuracy": right}
