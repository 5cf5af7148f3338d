"""The cache on disk: nothing lost, nothing mixed up, nothing fatal."""

import os
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slopec import cache
from slopec.cache import Cache
from slopec.diagnostics import UsageError

FACTS = st.dictionaries(st.text(), st.integers() | st.text() | st.lists(st.text()))


@pytest.fixture
def store(tmp_path):
    return Cache(tmp_path / "store")


@given(facts=FACTS, data=st.binary(max_size=200))
def test_what_is_written_is_read(tmp_path_factory, facts, data):
    store = Cache(tmp_path_factory.mktemp("store"))
    assert store.write(cache.key(["it"]), facts, data) is None
    entry = store.read(cache.key(["it"]))
    assert entry == cache.Entry(facts, data)


def test_data_may_be_written_piece_by_piece(tmp_path):
    def put(file):
        file.write(b"-" * 5)
        file.seek(1)
        assert file.read(1) == b"-"
        file.seek(0)
        file.write(b"abc")

    store, name = Cache(tmp_path), cache.key(["pieces"])
    assert store.write(name, {"a": 1}, put) is None
    assert store.read(name) == cache.Entry({"a": 1}, b"abc--")
    for limit in (0, 3):
        small = Cache(tmp_path / "small", limit)
        assert small.write(name, {}, put) is None
        assert small.info().entries == 0


@given(st.lists(st.binary(max_size=5)), st.lists(st.binary(max_size=5)))
def test_different_parts_have_different_keys(one, other):
    assert (cache.key(one) == cache.key(other)) == (one == other)


@given(position=st.integers(0), bit=st.integers(0, 7), cut=st.booleans())
def test_damage_is_noticed_and_dropped(tmp_path_factory, position, bit, cut):
    store = Cache(tmp_path_factory.mktemp("store"))
    name = cache.key(["damaged"])
    store.write(name, {"a": 1}, b"some code")
    (path,) = store.folder.rglob("*.entry")
    raw = bytearray(path.read_bytes())
    position %= len(raw)
    if cut:
        raw = raw[:position]
    else:
        raw[position] ^= 1 << bit
    path.write_bytes(raw)
    assert store.read(name) is None
    assert not path.exists()


def test_a_missing_entry(store):
    assert store.read(cache.key(["none"])) is None
    assert store.info() == cache.Info(store.folder, 0, 0, store.limit)
    assert store.clear() == 0


def test_the_least_recently_used_go_first(tmp_path):
    store = Cache(tmp_path, limit=5000)
    names = [cache.key([str(i)]) for i in range(8)]
    for age, name in enumerate(names[:4]):
        store.write(name, {}, bytes(1000))
        (path,) = tmp_path.glob(f"*/{name[2:]}*")
        os.utime(path, (age + 1.0, age + 1.0))
    assert store.read(names[0]) is not None  # its use is the latest now
    for name in names[4:6]:
        store.write(name, {}, bytes(1000))
    assert store.info().size <= 5000
    kept = [store.read(name) is not None for name in names[:6]]
    assert kept == [True, False, False, True, True, True]


def test_what_is_larger_than_the_limit_is_not_kept(tmp_path):
    store = Cache(tmp_path, limit=100)
    assert store.write(cache.key(["big"]), {}, bytes(1000)) is None
    assert store.info().entries == 0


def test_files_of_writers_that_died_are_swept_up(store):
    name = cache.key(["x"])
    store.write(name, {}, b"x")
    folder = store.folder / name[:2]
    old, fresh = folder / ".old", folder / ".fresh"
    for path in (old, fresh):
        path.write_bytes(b"half")
    os.utime(old, (1.0, 1.0))
    store.write(cache.key(["y"]), {}, b"y")
    assert not old.exists()
    assert fresh.exists()
    assert store.clear() == 2
    assert store.info().entries == 0


def test_a_folder_that_cannot_be_written_is_a_reason_and_no_exception(tmp_path):
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    store = Cache(in_the_way / "store")
    reason = store.write(cache.key(["x"]), {}, b"x")
    assert reason is not None
    assert str(in_the_way) in reason
    assert store.read(cache.key(["x"])) is None


def test_a_full_disk_leaves_nothing_behind(store, monkeypatch):
    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    assert "no space left" in (store.write(cache.key(["x"]), {}, b"x") or "")
    assert [path for path in store.folder.rglob("*") if path.is_file()] == []


def write_many(folder: str, seed: int) -> int:
    store = Cache(Path(folder), limit=20000)
    wrong = 0
    for i in range(60):
        name = cache.key([str((i * seed) % 20)])
        store.write(name, {"name": name}, name.encode() * 10)
        entry = store.read(cache.key([str(i % 20)]))
        wrong += entry is not None and entry.data != str(entry.facts["name"]).encode() * 10
    return wrong


def test_processes_share_a_folder(tmp_path):
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as pool:
        wrong = list(pool.map(write_many, [str(tmp_path)] * 3, [3, 7, 11]))
    assert wrong == [0, 0, 0]
    assert not [p for p in tmp_path.rglob(".*") if p.is_file()]


def test_readers_see_whole_entries_while_writers_write(store):
    name, stop = cache.key(["hot"]), threading.Event()
    values = [bytes([i]) * 50000 for i in range(4)]

    def keep_writing():
        while not stop.is_set():
            for value in values:
                store.write(name, {}, value)

    writer = threading.Thread(target=keep_writing)
    writer.start()
    try:
        end = time.monotonic() + 0.3
        seen = set()
        while time.monotonic() < end:
            entry = store.read(name)
            if entry is not None:
                seen.add(entry.data)
    finally:
        stop.set()
        writer.join()
    assert seen <= set(values)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("", cache.DEFAULT_LIMIT),
        ("0", 0),
        ("1234", 1234),
        ("500M", 500 << 20),
        ("2GiB", 2 << 30),
        ("1.5 kb", 1536),
    ],
)
def test_the_limit_from_the_environment(monkeypatch, text, size):
    monkeypatch.setenv("SLOPEC_CACHE_LIMIT", text)
    assert cache.limit() == size


@pytest.mark.parametrize("text", ["much", "-1", "2 apples"])
def test_a_limit_that_is_no_size(monkeypatch, text):
    monkeypatch.setenv("SLOPEC_CACHE_LIMIT", text)
    with pytest.raises(UsageError, match="S0424"):
        cache.limit()


def test_the_folder_from_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("SLOPEC_CACHE_DIR", str(tmp_path))
    assert cache.directory() == tmp_path
    monkeypatch.delenv("SLOPEC_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.directory() == tmp_path / "slopec"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache.directory() == tmp_path / ".cache" / "slopec"


def test_a_limit_of_zero_switches_the_cache_off(tmp_path):
    Cache(tmp_path).write(cache.key(["x"]), {}, b"x")
    off = Cache(tmp_path, limit=0)
    assert off.read(cache.key(["x"])) is None
    assert off.write(cache.key(["y"]), {}, b"y") is None
    assert Cache(tmp_path).info().entries == 1
