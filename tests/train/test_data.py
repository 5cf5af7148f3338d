"""The data that travels with slopec is what its README says, and damaged sets are refused."""

import gzip
import hashlib
import struct

import numpy as np
import pytest

from slopec.diagnostics import UsageError
from slopec.train import data


def test_digits_are_the_original_ones():
    readme = (data.models_folder() / "data" / "README.md").read_text()
    stored = (data.models_folder() / "data" / "digits.npz").read_bytes()
    images, labels = data.load_digits()

    assert hashlib.sha256(stored).hexdigest() in readme
    assert hashlib.sha256(images.tobytes()).hexdigest() in readme
    assert hashlib.sha256(labels.astype(np.uint8).tobytes()).hexdigest() in readme
    assert images.dtype == np.uint8
    assert labels.dtype == np.int32
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_split_holds_out_a_fifth_of_every_class():
    parts = data.digits()
    train, test = parts.train["label"], parts.test["label"]

    assert len(train) + len(test) == 1797
    share = np.bincount(test) / (np.bincount(test) + np.bincount(train))
    np.testing.assert_allclose(share, 0.2, atol=0.003)


def test_split_is_a_partition_that_the_seed_decides():
    images = np.arange(100, dtype=np.uint8)
    labels = np.arange(100, dtype=np.int32) % 4
    first, again, other = (data.split(images, labels, seed=seed) for seed in (3, 3, 4))

    assert sorted([*first.train["image"], *first.test["image"]]) == list(range(100))
    assert (first.test["image"] == again.test["image"]).all()
    assert (first.test["image"] != other.test["image"]).any()
    assert (first.train["image"] % 4 == first.train["label"]).all()


def write_idx(path, array, code):
    header = bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    content = header + array.tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


@pytest.fixture
def idx_folder(tmp_path):
    images = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
    labels = np.array([7, 1], np.uint8)
    for part, packed in (("train", ""), ("t10k", ".gz")):
        write_idx(tmp_path / f"{part}-images-idx3-ubyte{packed}", images, 0x08)
        write_idx(tmp_path / f"{part}-labels-idx1-ubyte{packed}", labels, 0x08)
    return tmp_path


def test_idx_sets_load_packed_and_unpacked(idx_folder):
    parts = data.load_idx(idx_folder)

    for part in (parts.train, parts.test):
        assert part["image"].shape == (2, 3, 4)
        assert part["image"][1, 2, 3] == 23
        assert part["label"].dtype == np.int32
        assert part["label"].tolist() == [7, 1]


def test_idx_elements_are_big_endian(tmp_path):
    write_idx(tmp_path / "floats", np.array([1.5, -2.0], ">f4"), 0x0D)

    array = data.read_idx(tmp_path, "floats")

    assert array.dtype == np.float32
    assert array.tolist() == [1.5, -2.0]


def test_a_missing_idx_file_is_named(idx_folder):
    (idx_folder / "train-labels-idx1-ubyte").unlink()

    with pytest.raises(UsageError, match=r"error\[S0601\].*train-labels-idx1-ubyte"):
        data.load_idx(idx_folder)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "begins with nothing"),
        (b"\x89PNG and more", "begins with 89 50 4e 47"),
        (b"\0\0\x08\x03\0\0", "ends inside its header of 16 bytes"),
        (b"\0\0\x08\x01\0\0\0\x05abc", "11 bytes where shape \\(5,\\) needs 13"),
    ],
)
def test_a_damaged_idx_file_is_refused(idx_folder, content, told):
    (idx_folder / "train-images-idx3-ubyte").write_bytes(content)

    with pytest.raises(UsageError, match=told) as caught:
        data.load_idx(idx_folder)
    assert caught.value.code == "S0602"


def test_a_cut_archive_is_refused(idx_folder):
    path = idx_folder / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-9])

    with pytest.raises(UsageError, match=r"error\[S0602\]"):
        data.load_idx(idx_folder)
