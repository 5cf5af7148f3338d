"""Labelled images: the digits that travel with slopec, MNIST and CIFAR from a folder.

Arrays come as stored (uint8 images, int32 labels); scaling is the recipe's to do.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import slopec
from slopec.train import cifar
from slopec.train.batches import Arrays, permutation
from slopec.train.idx import read_idx


@dataclass(frozen=True)
class Split:
    """A data set in two parts: named arrays to train on, and the held-out ones to test on."""

    train: Arrays
    test: Arrays


def models_folder() -> Path:
    """Where the model programs, recipes and their data lie: in the checkout, or as installed."""
    root = Path(slopec.__file__).resolve().parents[1]
    in_checkout = (root / "pyproject.toml").is_file()
    return root / ("models" if in_checkout else "slopec_models")


def load_digits() -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """The 1,797 handwritten digits of UCI's *Optical Recognition of Handwritten Digits*.

    Images are uint8 of shape (1797, 8, 8) with values 0 … 16, labels int32 of shape (1797,).
    Provenance and licence (CC BY 4.0) stand in `models/data/README.md`.

    >>> images, labels = load_digits()
    >>> images.shape, int(images.max()), labels[:5].tolist()
    ((1797, 8, 8), 16, [0, 1, 2, 3, 4])
    """
    with np.load(models_folder() / "data" / "digits.npz") as stored:
        return stored["images"], stored["labels"].astype(np.int32)


def split(
    images: NDArray[np.uint8], labels: NDArray[np.int32], held_out: float = 0.2, seed: int = 0
) -> Split:
    """Hold out the same share of every class for testing.

    Which rows are held out depends on `seed` alone, so a figure measured on the test part of one
    run is comparable with every other run's. Rows keep their order within each part.

    >>> parts = split(*load_digits())
    >>> len(parts.train["label"]), len(parts.test["label"])
    (1438, 359)
    """
    test = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        chosen = permutation(len(rows), seed, int(label))[: round(len(rows) * held_out)]
        test[rows[chosen]] = True
    return Split(
        train={"image": images[~test], "label": labels[~test]},
        test={"image": images[test], "label": labels[test]},
    )


def digits(held_out: float = 0.2, seed: int = 0) -> Split:
    """The digits of `load_digits`, a fifth of each class held out."""
    return split(*load_digits(), held_out=held_out, seed=seed)


def load_idx(folder: str | Path) -> Split:
    """MNIST, Fashion-MNIST and their like, from the four IDX files in `folder`, packed or not.

    The files are `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte`
    and `t10k-labels-idx1-ubyte`, each perhaps with `.gz`. Raises `UsageError`: S0601 if one is
    missing, S0602 if one is damaged.
    """
    return Split(train=_idx_part(Path(folder), "train"), test=_idx_part(Path(folder), "t10k"))


def _idx_part(folder: Path, part: str) -> Arrays:
    images = read_idx(folder, f"{part}-images-idx3-ubyte")
    labels = read_idx(folder, f"{part}-labels-idx1-ubyte")
    return {"image": images, "label": labels.astype(np.int32)}


def load_cifar(folder: str | Path, name: str = "cifar10") -> Split:
    """`cifar10` or `cifar100` from the files of its binary version in `folder`, unpacked.

    Images are uint8 (N, 3, 32, 32), labels int32, of CIFAR-100 the fine ones. Raises `UsageError`:
    S0601 if a file is missing, S0602 if one is damaged.
    """
    layout = cifar.LAYOUTS[name]
    parts = (cifar.read_part(Path(folder), f, layout.labels) for f in (layout.train, layout.test))
    return Split(*parts)
