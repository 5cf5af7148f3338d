"""What a recipe's data and loss are: images with labels, or text with the next token."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from slopec import nn, ops
from slopec.diagnostics import UsageError, did_you_mean
from slopec.tensor import Tensor
from slopec.train import data, text
from slopec.train.batches import Arrays
from slopec.train.images import chain, mirrored, shifted
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


_FOLDERS: dict[str, Callable[[Path], data.Split]] = {
    "mnist": data.load_idx,
    "cifar10": partial(data.load_cifar, name="cifar10"),
    "cifar100": partial(data.load_cifar, name="cifar100"),
}
"""Data that does not travel with slopec, by the name that a recipe gives."""


def load(part: DataPart, folder: Path) -> Task:
    """The data that a recipe names; relative paths start from `folder`.

    Raises UsageError (S0608) for an unknown name.
    """
    if part.name == "digits":
        split = data.digits(part.held_out)
        return _images(split, part)
    if part.name in _FOLDERS:
        if part.folder is None:
            raise UsageError("S0608", f"data `{part.name}` needs `folder`, where its files are")
        return _images(_FOLDERS[part.name](folder / part.folder), part)
    if part.name == "text":
        return _text(part, folder)
    known = ["digits", *_FOLDERS, "text"]
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
    augment = _augmented(train["image"]) if part.augment else None
    return Task(train, test, "image", "label", {}, augment)


def _augmented(images: np.ndarray) -> Augment:
    """Images moved by an eighth of their size; those with channels, photographs, mirrored too."""
    move = shifted(images.shape[-1] // 8)
    transform = chain(move, mirrored()) if images.ndim == 4 else move
    return lambda batch, step: {**batch, "image": transform(batch["image"], step)}


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
