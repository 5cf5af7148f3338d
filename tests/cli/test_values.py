"""Arrays given on the command line: every form of file, conversions, and what is refused."""

import json

import ml_dtypes
import numpy as np
import pytest

from slopec import dtypes
from slopec.cli import values
from slopec.diagnostics import UsageError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    grid = np.arange(6).reshape(2, 3)
    np.save("grid.npy", grid)
    np.savez("one.npz", anything=grid)
    np.savez("two.npz", x=grid, y=grid + 1)
    (tmp_path / "grid.json").write_text("[[0, 1, 2], [3, 4, 5]]")
    (tmp_path / "grid.csv").write_text("0,1,2\n3,4,5\n")
    return tmp_path


@pytest.mark.parametrize(
    "source",
    [
        "@grid.npy",
        "@one.npz",
        "@two.npz",
        "@two.npz:x",
        "@grid.json",
        "@grid.csv",
        "[[0,1,2],[3,4,5]]",
    ],
)
def test_every_form_gives_the_same_array(folder, source):
    array = values.read("x", source, dtypes.float32)

    assert array.dtype == np.float32
    assert array.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_a_member_is_picked_by_name(folder):
    assert values.read("x", "@two.npz:y", dtypes.int32)[0, 0] == 1


@pytest.mark.parametrize(
    ("value", "dtype", "expected"),
    [
        ("true", dtypes.bool_, True),
        ("true", dtypes.float32, 1.0),
        ("7", dtypes.uint8, 7),
        ("2", dtypes.bfloat16, 2.0),
        ("2.5", dtypes.complex64, 2.5),
        ("NaN", dtypes.float16, np.nan),
    ],
)
def test_text_takes_the_elements_of_the_program(value, dtype, expected):
    array = values.read("x", value, dtype)

    assert array.dtype == dtype
    np.testing.assert_equal(np.asarray(array, np.complex128), np.complex128(expected))


@pytest.mark.parametrize(
    ("value", "told"),
    [("1,2, 3", "'x=[1, 2, 3]'"), ("(1 2)", "'x=[1, 2]'"), ("data.npy", "x=@data.npy")],
)
def test_what_is_no_json_is_answered_with_what_was_meant(value, told):
    with pytest.raises(UsageError) as caught:
        values.read("x", value, dtypes.float32)
    assert told in caught.value.hint


@pytest.mark.parametrize("path", ["/proc/x.npz", "no/folder/x.npy", "no/folder/x.json"])
def test_what_cannot_be_written_is_told_of_the_file(path):
    with pytest.raises(UsageError, match=f"cannot write `{path}`") as caught:
        values.write(path, {"x": np.ones(2)})
    assert caught.value.code == "S0405"


def test_stored_bfloat16_and_foreign_byte_order_are_understood():
    stored = np.array([1.5, 2.0], ml_dtypes.bfloat16)

    assert values.convert("x", stored.view("V2"), dtypes.bfloat16).tolist() == [1.5, 2.0]
    assert values.convert("x", np.array([1, 2], ">i4"), dtypes.int32).tolist() == [1, 2]


@pytest.mark.parametrize(
    ("value", "dtype", "told"),
    [
        ("2.5", dtypes.int32, "elements of int32, and float64 is given"),
        ("1", dtypes.bool_, "elements of bool, and int64 is given"),
        ("300", dtypes.uint8, "cannot hold 300"),
        ("-1", dtypes.uint8, "cannot hold -1"),
        ("image.npy", dtypes.float32, "a file is given with an at sign: x=@image.npy"),
        ("[1, [2]]", dtypes.float32, "its lists differ in length"),
        ('"text"', dtypes.float32, "other than numbers"),
    ],
)
def test_values_that_do_not_fit_are_refused(value, dtype, told):
    with pytest.raises(UsageError, match=told) as caught:
        values.read("x", value, dtype)
    assert caught.value.code == "S0407"


@pytest.mark.parametrize(
    ("name", "content", "code", "told"),
    [
        ("absent.npy", None, "S0404", "there is no file"),
        ("picture.png", b"", "S0406", "ends in none of .npy"),
        ("cut.npy", b"\x93NUMPY\x01\0", "S0406", "cannot be read as .npy"),
        ("text.npz", b"hello", "S0406", "cannot be read as .npz"),
        ("uneven.csv", b"1,2\n3\n", "S0406", "cannot be read as .csv"),
        ("words.csv", b"a,b\n", "S0406", "could not convert string to float"),
        ("cut.json", b"[1, 2", "S0406", "cannot be read as .json"),
    ],
)
def test_files_that_cannot_be_read_are_refused(tmp_path, name, content, code, told):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(UsageError, match=told) as caught:
        values.read("x", f"@{path}", dtypes.float32)
    assert caught.value.code == code


def test_pickled_objects_are_never_loaded(tmp_path):
    path = tmp_path / "objects.npy"
    np.save(path, np.array([{}], object), allow_pickle=True)

    with pytest.raises(UsageError, match=r"error\[S0406\]"):
        values.read("x", f"@{path}", dtypes.float32)


def test_a_member_that_is_not_there_is_told_with_those_that_are(folder):
    with pytest.raises(UsageError, match=r"arrays: x, y"):
        values.read("z", "@two.npz", dtypes.float32)


def test_outputs_come_back_from_every_form(tmp_path, capsys):
    outputs = {"a": np.array([1, 2], np.int32), "b": np.array(0.5, ml_dtypes.bfloat16)}

    values.write(str(tmp_path / "o.npz"), outputs)
    values.write(str(tmp_path / "o.json"), outputs)
    values.write("-", outputs)
    values.write(str(tmp_path / "a.npy"), {"a": outputs["a"]})

    with np.load(tmp_path / "o.npz") as stored:
        assert stored["a"].tolist() == [1, 2]
        assert stored["b"].dtype == np.float32
    expected = {"a": [1, 2], "b": 0.5}
    assert json.loads((tmp_path / "o.json").read_text()) == expected
    assert json.loads(capsys.readouterr().out) == expected
    assert np.load(tmp_path / "a.npy").tolist() == [1, 2]


@pytest.mark.parametrize(
    ("path", "outputs", "told"),
    [
        ("out.txt", {"a": np.zeros(1)}, "ends in none of .npz"),
        ("out.npy", {"a": np.zeros(1), "b": np.zeros(1)}, "there are 2 outputs"),
        ("-", {"a": np.zeros(1, np.complex64)}, "no complex numbers"),
    ],
)
def test_outputs_that_a_form_cannot_hold_are_refused(path, outputs, told):
    with pytest.raises(UsageError, match=told) as caught:
        values.write(path, outputs)
    assert caught.value.code == "S0409"
