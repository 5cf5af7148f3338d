"""Calling entries: names, nesting, dtypes, memory, and every mistake a caller can make."""

import fractions
import gc

import ml_dtypes
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from slopec_runtime.dtypes import NAMES, numpy_dtype

WEIGHT = np.arange(6, dtype=np.float32).reshape(3, 2)
X = np.float32([[1, 2, 3]])
FOUR = np.arange(4, dtype=np.float32)
NAN = float("nan")


def test_positional_and_named_arguments_agree(program):
    for result in (program.predict(X), program.predict(x=X), program["predict"](X)):
        assert isinstance(result, tuple)
        y, t, one = result
        assert_array_equal(y, X @ WEIGHT)
        assert_array_equal(t, (X @ WEIGHT).T)
        assert one.item() == 1.0


@pytest.mark.parametrize("name", NAMES)
def test_every_dtype_goes_in_and_comes_out(program, name):
    dtype = numpy_dtype(name)
    x = np.array([[0, 1, 2], [3, 4, 5]]).astype(dtype)

    y = program[f"flip_{name}"](x)

    assert (y.shape, y.dtype) == ((3, 2), dtype)
    assert y.numpy().dtype == dtype
    assert_array_equal(y.numpy(), x.T)


def test_arguments_and_results_nest(program):
    result = program.nested({"b": [[1, 2], None], "a": np.float32([5, 7])}, count=3)

    assert list(result) == ["d", "c", "n"]
    assert_array_equal(result["d"], [4, 5])
    assert isinstance(result["c"], list)
    assert result["c"][0].item() == 3
    assert result["n"] is None


LAYOUTS = {
    "transposed": WEIGHT.T.copy().T,
    "strided": np.repeat(WEIGHT, 2, axis=0)[::2],
    "reversed": WEIGHT[::-1].copy()[::-1],
    "broadcast": np.broadcast_to(np.float32(2), (3, 2)),
    "big-endian": WEIGHT.astype(">f4"),
    "read-only": np.frombuffer(WEIGHT.tobytes(), np.float32).reshape(3, 2),
    "unaligned": np.frombuffer(b"x" + WEIGHT.tobytes(), np.float32, offset=1).reshape(3, 2),
    "subclass": np.ma.array(WEIGHT),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layout_in_memory_does_not_matter(program, layout):
    program.state["w"] = LAYOUTS[layout]

    assert_array_equal(program.state["w"].numpy(), np.asarray(LAYOUTS[layout]))


EXACT = [
    ("float32", np.float16([0.5] * 6)),
    ("float32", np.int16(range(6))),
    ("float32", np.array([True] * 6)),
    ("float32", ml_dtypes.bfloat16(0.5) * np.ones(6, ml_dtypes.bfloat16)),
    ("float64", np.float32([0.1] * 6)),
    ("int32", np.uint16(range(6))),
    ("complex64", np.float32([1.5] * 6)),
    # Python numbers and lists have no dtype of their own.
    ("float32", [0.1, 0.2, 1, 2, True, NAN]),
    ("bfloat16", [0.1, 0.2, 1, 2, 3, float("inf")]),
    ("float16", [np.float64(0.1)] * 6),
    ("uint8", [0, 1, 2, 3, 254, 255]),
    ("int8", [np.int64(5), -128, 127, 0, 0, 0]),
    ("complex64", [1, 2.0, 3j, 4, 5, 6]),
    ("bool", [True, False] * 3),
]


@pytest.mark.parametrize(("name", "value"), EXACT, ids=str)
def test_what_fits_is_converted(program, name, value):
    nested = value.reshape(2, 3) if isinstance(value, np.ndarray) else [value[:3], value[3:]]

    y = program[f"flip_{name}"](nested)

    assert_array_equal(y.numpy(), np.asarray(nested).astype(numpy_dtype(name)).T)


LOSSY = [
    ("float32", np.zeros((2, 3)), ["must be float32, got float64", 'x.astype("float32")']),
    ("float32", np.zeros((2, 3), np.int64), ["got int64", 'x.astype("float32")']),
    ("int32", np.zeros((2, 3), np.int64), ['x.astype("int32")']),
    ("uint8", np.zeros((2, 3), np.int8), ['x.astype("uint8")']),
    ("float32", np.zeros((2, 3), np.complex64), ["got complex64"]),
    ("bool", np.zeros((2, 3), np.int8), ["must be bool"]),
    ("float64", np.zeros((2, 3), np.int64), ["got int64"]),
    ("uint8", [[0, 1, 2], [3, 4, 256]], ["cannot hold 256", "holds 0 to 255"]),
    ("uint8", [[0, -1, 2], [3, 4, 5]], ["cannot hold -1"]),
    ("int32", [[0.5, 1, 2], [3, 4, 5]], ["must be int32, got float"]),
    ("float32", [[1j, 1, 2], [3, 4, 5]], ["must be float32, got complex"]),
    ("bool", [[0, 1, 2], [3, 4, 5]], ["must be bool, got int"]),
    ("float32", [[1e300, 1, 2], [3, 4, 5]], ["too large"]),
    ("int64", [[1 << 70, 1, 2], [3, 4, 5]], ["must be int64"]),
    ("float32", [["a", "b", "c"], ["d", "e", "f"]], ["must be float32"]),
    ("float32", np.array([["a"] * 3] * 2), ["must be float32"]),
    ("float32", np.array([[None] * 3] * 2), ["must be float32, got object"]),
    ("float32", np.zeros((2, 3), [("f", "f4")]), ["must be float32"]),
    ("float32", None, ["got NoneType", "expected float32[2, 3]"]),
    ("float32", "abc", ["got str"]),
    ("float32", {"x": 1}, ["got dict"]),
    ("float32", fractions.Fraction(1, 2), ["got Fraction"]),
]


@pytest.mark.parametrize(("name", "value", "parts"), LOSSY, ids=str)
def test_what_does_not_fit_is_refused(program, failure, name, value, parts):
    text = failure("S0512", program[f"flip_{name}"], value)

    assert f"input 'x' of flip_{name}()" in text
    for part in parts:
        assert part in text


SHAPES = [
    ((2, 4), ["needs size 3 on axis 1, got 4", "expected float32[2, 3]", "got float32[2, 4]"]),
    ((6,), ["needs 2 dimensions, got 1"]),
    ((2, 3, 1), ["needs 2 dimensions, got 3"]),
    ((), ["needs 2 dimensions, got 0"]),
    ((0, 3), ["needs size 2 on axis 0, got 0"]),
]


@pytest.mark.parametrize(("shape", "parts"), SHAPES, ids=str)
def test_wrong_shapes_are_named(program, failure, shape, parts):
    text = failure("S0511", program.flip_float32, np.zeros(shape, np.float32))

    for part in ["input 'x' of flip_float32()", *parts]:
        assert part in text


class WithArray:
    """An array of another library that NumPy can read; None stands for one it cannot."""

    def __init__(self, value):
        self.value = value

    def __array__(self, dtype=None, copy=None):
        if self.value is None:
            raise RuntimeError("the tensor lies on another device")
        return self.value


class WithDlpack:
    """An array of another library that only speaks DLPack."""

    def __init__(self, value):
        self.value = value

    def __dlpack__(self, **options):
        return self.value.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.value.__dlpack_device__()


def test_arrays_of_other_libraries_are_read(program, failure):
    for value in (WithArray(FOUR), WithDlpack(FOUR)):
        assert_array_equal(program.add(value, FOUR), 2 * FOUR)
    assert "lies on another device" in failure("S0512", program.add, WithArray(None), FOUR)


def test_a_ragged_list_is_no_array(program, failure):
    assert "not a regular array" in failure("S0511", program.add, [1, [2, 3]], FOUR)


def test_one_row_gets_a_hint(program, failure):
    assert "x[None]" in failure("S0511", program.predict, X[0])


PAIR = {"a": [1, 2], "b": ([1, 2], None)}
ARGUMENTS = [
    ("predict", (), {}, ["needs the argument 'x'", "predict(x: float32[batch, 3]) -> ("]),
    ("predict", (X, X), {}, ["takes 1 arguments, got 2"]),
    ("predict", (X,), {"x": X}, ["got 'x' twice"]),
    ("nested", (PAIR,), {"cuont": 1}, ["has no argument 'cuont'", "did you mean 'count'?"]),
    ("nested", ([1, 2], 1), {}, ["'pair' must be a dict with keys 'a', 'b', got list"]),
    ("nested", ({"a": [1, 2]}, 1), {}, ["'pair' lacks the key 'b'"]),
    ("nested", ({**PAIR, "c": 1}, 1), {}, ["unknown key 'c'", "expected keys: 'a', 'b'"]),
    ("nested", ({**PAIR, "b": [1]}, 1), {}, ["'pair['b']' needs a tuple of 2 items, got 1"]),
    ("nested", ({**PAIR, "b": 1}, 1), {}, ["'pair['b']' must be a tuple of 2, got int"]),
    ("nested", ({**PAIR, "b": (1, 1)}, 1), {}, ["'pair['b'][1]' must be None, got int"]),
]


@pytest.mark.parametrize(("entry", "args", "kwargs", "parts"), ARGUMENTS)
def test_wrong_arguments_are_named(program, failure, entry, args, kwargs, parts):
    text = failure("S0510", program[entry], *args, **kwargs)

    for part in parts:
        assert part in text


def test_unknown_entries_get_a_suggestion(program, failure):
    assert "did you mean 'predict'?" in failure("S0509", lambda: program.predct)
    assert "did you mean 'predict'?" in failure("S0509", lambda: program["predct"])
    assert not hasattr(program, "predct")
    assert "name the one to call" in failure("S0509", program, X)


def test_empty_arrays_pass_through(program):
    n, s = program.nothing(np.zeros((0, 4), np.float32))

    assert n.numpy().shape == (0, 4)
    assert_array_equal(s, [0, 0, 0, 0])
    assert repr(n) == "Array([], shape=(0, 4), dtype=float32, device='local-sync')"


def test_results_go_into_the_next_call_without_passing_the_host(program):
    program.init()
    first = program.flip_float32(WEIGHT.reshape(2, 3))
    before = program.stats

    program.step(first)

    assert (program.stats - before).uploaded == 0


def test_an_array_put_on_the_device_is_sent_once(program):
    x = program.put(X)
    before = program.stats
    for _ in range(3):
        assert_array_equal(program.predict(x)[0], X @ WEIGHT)

    assert (program.stats - before).uploaded == X.nbytes


def test_traffic_counts_what_crosses(program):
    before = program.stats
    y, _, _ = program.predict(X)
    y.numpy()
    y.numpy()
    seen = program.stats - before

    assert (seen.calls, seen.uploaded, seen.downloaded) == (1, X.nbytes, 8)


def test_equal_results_do_not_share_memory(program):
    """IREE gives one buffer for all; donating one result must not change the others."""
    x = program.add(FOUR, np.zeros(4, np.float32))
    for _ in range(2):
        n, r, s = program.twins(x)
        program.add(n, FOUR + 1)
        assert_array_equal(r, -FOUR.reshape(2, 2))
        assert_array_equal(s, FOUR.reshape(2, 2))
    program.add(x, FOUR + 1)
    assert_array_equal(s, FOUR.reshape(2, 2))


def test_a_donated_array_is_gone(program, failure):
    x = program.add(FOUR, FOUR)
    y = program.add(x, FOUR)

    assert_array_equal(y, 3 * FOUR)
    assert "donated to add(x)" in failure("S0515", x.numpy)
    assert "use the result of that call" in failure("S0515", program.add, FOUR, x)
    assert repr(x) == "Array(donated to add(x), shape=(4,), dtype=float32)"


def test_an_array_cannot_be_donated_and_read_in_one_call(program, failure):
    x = program.add(FOUR, FOUR)

    assert "same array twice" in failure("S0515", program.add, x, x)
    assert_array_equal(x, 2 * FOUR)


def test_donated_numpy_arrays_are_left_alone(program):
    x = FOUR.copy()
    program.add(x, FOUR)

    assert_array_equal(x, FOUR)


def test_a_donated_array_that_is_cast_is_left_alone(program):
    x = program.put(FOUR.astype("int8"))
    program.add(x, FOUR)

    assert_array_equal(x, FOUR)


@pytest.mark.parametrize("look", [np.asarray, np.from_dlpack, memoryview])
def test_what_was_looked_at_survives_donation(program, look):
    x = program.add(FOUR, FOUR)
    seen = look(x.numpy() if look is memoryview else x)
    program.add(x, FOUR + 1)
    del x
    gc.collect()

    assert_array_equal(np.asarray(seen), 2 * FOUR)
