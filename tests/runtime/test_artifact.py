"""The file format: what is written comes back, and nothing damaged gets through."""

import dataclasses
import io
import json
import random
import shutil
import subprocess
import zipfile

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from slopec_runtime import Error, artifact, load
from slopec_runtime.manifest import Manifest, Producer

WEIGHT = np.arange(6, dtype=np.float32).reshape(3, 2)
STATE = {"w": WEIGHT.tobytes()}
SEEDS = range(8)
CONSTANTS = {"0": bytes(range(100)), "1": WEIGHT, "2": b""}


def outcome(function, *args, **kwargs):
    """What a function returns, or the runtime's Error it raises; any other exception passes."""
    try:
        return function(*args, **kwargs)
    except Error as problem:
        return problem


def reseal(module, manifest, edit, state=STATE):
    """An artifact whose manifest JSON went through `edit`, with a seal that fits."""

    class Edited(Manifest):
        def to_json(self):
            document = json.loads(super().to_json())
            edit(document)
            return json.dumps(document)

    facts = {f.name: getattr(manifest, f.name) for f in dataclasses.fields(Manifest)}
    return artifact.pack(module, Edited(**facts), state)


def test_it_comes_back_as_written(packed, module, manifest):
    found = artifact.read(packed)

    assert bytes(found.module) == module
    assert bytes(found.state("w")) == WEIGHT.tobytes()
    assert found.state("m") is None
    assert bytes(found.stablehlo) == b"ML\xefR"
    assert found.manifest == dataclasses.replace(manifest, module=found.manifest.module)
    assert found.manifest.module.size == len(module)


@pytest.mark.parametrize("shift", [0, 1, 32])
def test_constants_lie_where_vectors_can_be_read(tmp_path, module, manifest, shift):
    path = tmp_path / "program.vmfb"
    artifact.write(path, module, manifest, STATE, constants=CONSTANTS)
    moved = bytearray(shift) + path.read_bytes()
    for found in (artifact.read(path), artifact.read(memoryview(moved)[shift:])):
        assert bytes(found.module) == module
        assert {name: bytes(c) for name, c in found.constants.items()} == {
            name: bytes(memoryview(c)) for name, c in CONSTANTS.items()
        }
        places = [np.frombuffer(c, np.uint8).ctypes.data for c in found.constants.values() if c]
        assert not any(place % 64 for place in places)


def test_every_flipped_bit_of_constants_is_noticed(module, manifest):
    packed = artifact.pack(module, manifest, STATE, constants=CONSTANTS)
    placed = artifact.read(packed).manifest.constants
    first, last = placed["0"].start, placed["2"].start
    for position in range(first - 1, last + 64):
        damaged = bytearray(packed)
        damaged[position] ^= 1
        with pytest.raises(Error) as caught:
            load(bytes(damaged))
        assert caught.value.code in ("S0502", "S0503"), position


@pytest.mark.parametrize("extent", [(0, 8), (-64, 8), (1 << 40, -1)])
def test_constants_that_cannot_be_are_refused(failure, module, manifest, extent):
    start, size = extent

    def place(document):
        document["constants"] = {"0": {"start": start, "size": size, "sha256": ""}}

    assert "must lie behind" in failure("S0504", load, reseal(module, manifest, place))


def test_packing_is_deterministic(packed, module, manifest):
    assert artifact.pack(module, manifest, STATE, stablehlo=b"ML\xefR") == packed


def test_a_file_is_mapped_not_read(tmp_path, packed, module, manifest):
    path = tmp_path / "program.vmfb"
    artifact.write(path, module, manifest, STATE, b"ML\xefR")

    assert path.read_bytes() == packed
    assert artifact.read(path).is_mapped
    assert [child.name for child in tmp_path.iterdir()] == ["program.vmfb"]
    assert_array_equal(load(path).predict(np.eye(3, dtype=np.float32))[0], WEIGHT)


def test_a_file_may_be_replaced_while_it_is_loaded(tmp_path, module, manifest):
    path = tmp_path / "program.vmfb"
    artifact.write(path, module, manifest, STATE)
    program = load(path)
    artifact.write(path, module, manifest, {"w": (WEIGHT * 2).tobytes()})
    twin = program.clone()

    x = np.eye(3, dtype=np.float32)
    assert_array_equal(program.predict(x)[0], WEIGHT)
    assert_array_equal(twin.predict(x)[0], WEIGHT)
    assert_array_equal(load(path).predict(x)[0], 2 * WEIGHT)


def test_other_tools_can_read_it(tmp_path, packed, module):
    """unzip sees the members, sha256sum the seal, IREE the module."""
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [
            "slopec/manifest.json",
            "slopec/state/w",
            "slopec/module.mlirbc",
        ]
        assert json.loads(archive.read("slopec/manifest.json"))["name"] == "zoo"
    tool = shutil.which("sha256sum")
    if tool is None:
        pytest.skip("no sha256sum")
    done = subprocess.run([tool], input=packed[:-64], capture_output=True, check=True)
    assert done.stdout.split()[0] == packed[-64:]


def test_plain_iree_loads_the_file(artifact):
    from iree.runtime import VmModule

    from slopec_runtime.devices import instance

    names = VmModule.copy_buffer(instance(), artifact.read_bytes()).function_names
    assert "predict.4" in names


def test_files_that_are_not_there(tmp_path, failure, module, manifest):
    assert "No such file" in failure("S0501", load, tmp_path / "absent.vmfb")
    assert "Is a directory" in failure("S0501", load, tmp_path)
    missing = tmp_path / "absent" / "x.vmfb"
    assert "No such file" in failure("S0501", artifact.write, missing, module, manifest, STATE)


OTHER_FILES = {
    "empty": b"",
    "short": b"PK",
    "text": b"hello " * 100,
    "zeros": bytes(1000),
    "seal only": b"sha256:" + b"0" * 64,
    "zip": None,
}


@pytest.mark.parametrize("name", OTHER_FILES)
def test_files_that_are_something_else(tmp_path, failure, name):
    content = OTHER_FILES[name]
    if content is None:
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr("a.txt", "a")
        content = stream.getvalue()
    path = tmp_path / "other.vmfb"
    path.write_bytes(content)

    for source in (path, content):
        with pytest.raises(Error) as caught:
            load(source)
        assert caught.value.code in ("S0502", "S0503")


def test_a_plain_iree_module_has_no_manifest(failure, module):
    assert "compile with `slopec compile`" in failure("S0502", load, module)


def test_every_truncation_is_noticed(packed):
    lengths = {*range(0, len(packed), 97), *range(len(packed) - 300, len(packed))}
    for length in lengths:
        with pytest.raises(Error) as caught:
            load(packed[:length])
        assert caught.value.code in ("S0502", "S0503"), length


@pytest.mark.parametrize("seed", SEEDS)
def test_every_flipped_bit_is_noticed(packed, seed):
    chance = random.Random(seed)
    for _ in range(250):
        damaged = bytearray(packed)
        position = chance.randrange(len(packed))
        damaged[position] ^= 1 << chance.randrange(8)
        with pytest.raises(Error) as caught:
            load(bytes(damaged))
        assert caught.value.code in ("S0502", "S0503"), position


@pytest.mark.parametrize("seed", SEEDS)
def test_every_flipped_bit_in_the_directory_is_noticed(packed, module, seed):
    """The zip at the end is a small part of the file, so it gets flips of its own."""
    chance = random.Random(seed)
    for _ in range(100):
        damaged = bytearray(packed)
        position = chance.randrange(len(packed) - 500, len(packed))
        damaged[position] ^= 1 << chance.randrange(8)
        with pytest.raises(Error):
            load(bytes(damaged))


@pytest.mark.parametrize("seed", SEEDS)
def test_damage_without_verification_is_an_error_or_unnoticed(packed, module, seed):
    """Reading must not stumble, whatever the bytes; nothing is given to IREE here."""
    chance = random.Random(seed)
    for _ in range(200):
        damaged = bytearray(packed)
        for _ in range(chance.choice([1, 4, 64])):
            damaged[chance.randrange(len(module), len(packed))] = chance.randrange(256)
        found = outcome(artifact.read, bytes(damaged), verify=False)
        assert isinstance(found, Error) or found.manifest.name


@pytest.mark.parametrize("seed", SEEDS)
def test_garbage_is_noticed(packed, seed):
    chance = random.Random(seed)
    start = chance.randrange(len(packed) - 64)
    for damaged in (
        packed[:start] + chance.randbytes(64) + packed[start + 64 :],
        packed[:start] + packed[start + 1 :],
        packed[:start] + b"\0" + packed[start:],
        packed + b"\0",
        packed + packed,
        chance.randbytes(len(packed)),
    ):
        with pytest.raises(Error):
            load(damaged)


def test_a_module_that_is_not_the_one_described(packed, failure, module, manifest):
    def other(document):
        document["module"]["sha256"] = "0" * 64

    def long(document):
        document["module"]["size"] = 10**9

    assert "another module" in failure("S0503", load, reseal(module, manifest, other))
    assert "shorter than" in failure("S0503", load, reseal(module, manifest, long))


def test_a_module_iree_refuses(failure, manifest):
    assert "IREE cannot read" in failure("S0516", load, artifact.pack(b"x" * 999, manifest, STATE))


@pytest.mark.parametrize("version", ["3.12.0", "3.14.1", "4.0.0", "2.13.0"])
def test_another_minor_version_of_iree_is_refused(failure, module, manifest, version):
    made = dataclasses.replace(manifest, producer=Producer("0.1.0", version))

    assert f"IREE {version}" in failure("S0505", load, artifact.pack(module, made, STATE))


def test_another_patch_version_of_iree_is_accepted(module, manifest):
    made = dataclasses.replace(manifest, producer=Producer("0.1.0", "3.13.9"))

    assert load(artifact.pack(module, made, STATE)).manifest.name == "zoo"


def test_a_function_the_module_lacks(failure, module, manifest):
    def rename(document):
        document["entries"]["peek"]["variants"][0]["symbol"] = "pekk"

    assert "did you mean 'peek'?" in failure("S0504", load, reseal(module, manifest, rename))


MEMBERS = [
    ({}, "state 'w' is initial"),
    ({"w": b"123"}, "has 3 bytes, its shape needs 24"),
    ({**STATE, "m": STATE["w"]}, "state 'm' is initial"),
    ({**STATE, "zzz": b""}, "state 'zzz' is initial"),
]


@pytest.mark.parametrize(("state", "part"), MEMBERS)
def test_state_that_does_not_fit_its_slots(failure, module, manifest, state, part):
    assert part in failure("S0504", artifact.pack, module, manifest, state)


def test_any_buffer_can_be_state(module, manifest):
    for value in (WEIGHT, memoryview(WEIGHT), bytearray(WEIGHT.tobytes())):
        assert_array_equal(load(artifact.pack(module, manifest, {"w": value})).peek(), WEIGHT)
