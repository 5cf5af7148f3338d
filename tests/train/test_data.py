"""The data that travels with slopec is what its README says, and damaged sets are refused."""

import gzip
import hashlib
import struct

import jax
import numpy as np
import pytest

from slopec.diagnostics import UsageError
from slopec.train import cifar, data, images, tasks
from slopec.train.recipe import DataPart


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


def write_cifar(folder, name):
    draw = np.random.default_rng(0)
    layout = cifar.LAYOUTS[name]
    for file in (*layout.train, *layout.test):
        draw.integers(0, 256, (3, layout.labels + 3072), np.uint8).tofile(folder / file)


@pytest.mark.parametrize(("name", "rows"), [("cifar10", 15), ("cifar100", 3)])
def test_cifar_loads(tmp_path, name, rows):
    write_cifar(tmp_path, name)

    parts = data.load_cifar(tmp_path, name)

    assert parts.train["image"].shape == (rows, 3, 32, 32)
    first = np.fromfile(tmp_path / cifar.LAYOUTS[name].train[0], np.uint8)
    places = cifar.LAYOUTS[name].labels
    assert parts.train["label"][0] == first[places - 1]
    assert parts.train["image"][0, 1, 2, 3] == first[places + 1024 + 2 * 32 + 3]
    assert len(parts.test["label"]) == 3
    task = tasks.load(DataPart(name, folder=".", augment=True), tmp_path)
    assert task.augment(task.train, 5)["image"].shape == (rows, 3, 32, 32)


def test_what_is_no_cifar_is_refused(tmp_path):
    write_cifar(tmp_path, "cifar100")
    with pytest.raises(UsageError, match=r"S0601\].*data_batch_1"):
        data.load_cifar(tmp_path)
    (tmp_path / "test.bin").write_bytes(b"short")
    with pytest.raises(UsageError, match=r"S0602\].*test.bin"):
        data.load_cifar(tmp_path, "cifar100")
    with pytest.raises(UsageError, match="needs `folder`"):
        tasks.load(DataPart("cifar100"), tmp_path)


IMAGES = np.arange(5 * 3 * 8 * 8, dtype=np.float32).reshape(5, 3, 8, 8) + 1


def test_images_move_and_turn_as_the_step_decides():
    both = images.chain(images.shifted(2), images.mirrored())
    moved = [both(IMAGES, step) for step in range(20)]

    assert (both(IMAGES, 7) == moved[7]).all()
    assert len({image.tobytes() for image in moved}) == 20
    centres = np.stack(moved)[:, 0, 0, 2:6, 2:6]  # of what came in there is nothing yet
    assert (centres > 0).all()
    known = {IMAGES[0, 0, r : r + 4, c : c + 4].tobytes() for r in range(5) for c in range(5)}
    assert {x.tobytes() for x in centres} <= known | {
        np.frombuffer(k, np.float32).reshape(4, 4)[:, ::-1].tobytes() for k in known
    }
    for image in moved:  # all channels alike
        assert (np.diff(image, axis=1)[image[:, 1:] > 0] == 64).all()


def test_images_are_scaled_and_resized():
    same = images.scaled((1.0, 2.0, 4.0), (0.0, 1.0, 2.0))(IMAGES, 0)
    np.testing.assert_allclose(same[:, 2], (IMAGES[:, 2] - 2) / 4)
    small = images.resized(4, 4)(IMAGES.astype(np.uint8), 0)
    np.testing.assert_allclose(
        small, IMAGES.astype(np.uint8).reshape(5, 3, 4, 2, 4, 2).mean((3, 5))
    )
    wanted = jax.image.resize(IMAGES[:, 0], (5, 16, 16), "bilinear")
    np.testing.assert_allclose(images.resized(16, 16)(IMAGES[:, 0], 0), wanted, rtol=1e-5)
