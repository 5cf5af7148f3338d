"""The list of deviations from the Array API has reasons, and the page about them is of that list.

With ARRAY_API_TESTS set to a checkout of the suite, the suite itself runs.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conformance import PAGE, Result, deviations, document, main

NAMES = [test for deviation in deviations() for test in deviation.tests]


def test_every_deviation_has_a_reason():
    assert all(deviation.why for deviation in deviations())
    assert len(set(NAMES)) == len(NAMES)


def test_the_page_lists_them():
    heading, _, table = document([Result("test_x.py::test_y", "passed", "")], "x").partition(
        "## Dev"
    )

    assert table.partition("## Skipped")[0] in PAGE.read_text(encoding="utf-8")
    assert f"{len(NAMES)} failed as listed below" in PAGE.read_text(encoding="utf-8")
    assert "**1 passed, 0 failed" in heading


def test_without_the_suite_it_says_what_to_do(capsys, tmp_path):
    assert main([str(tmp_path)]) == 2
    assert "hint: clone it" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif("ARRAY_API_TESTS" not in os.environ, reason="ARRAY_API_TESTS names no checkout")
def test_the_suite():
    root = Path(__file__).resolve().parents[1]
    assert (
        subprocess.run(
            [sys.executable, "-m", "tests.conformance"], cwd=root, check=False
        ).returncode
        == 0
    )
