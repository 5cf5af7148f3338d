"""A cache of its own for every test, and the one compiler of the process."""

import pytest

from slopec import cache, emit_process


@pytest.fixture(autouse=True)
def cache_folder(tmp_path, monkeypatch):
    """The folder that the test's cache is in."""
    monkeypatch.setenv("SLOPEC_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("SLOPEC_CACHE_LIMIT", raising=False)
    return cache.directory()


@pytest.fixture
def compiler():
    """A compiler of the test's own, which it may kill."""
    own = emit_process.Compiler()
    yield own
    own.close()
