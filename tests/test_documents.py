"""What the documents show is run: their Python blocks, one after the other in one namespace."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("name", ["README.md", "docs/quickstart.md", "docs/differences.md"])
def test_blocks_run(name, capsys):
    text = (ROOT / name).read_text(encoding="utf-8")
    namespace = {"__name__": name}
    for found in re.finditer(r"```python\n(.*?)```", text, re.DOTALL):
        line = text.count("\n", 0, found.start(1))
        exec(compile("\n" * line + found.group(1), str(ROOT / name), "exec"), namespace)
    assert capsys.readouterr().out
