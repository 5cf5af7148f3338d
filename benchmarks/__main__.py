"""`make bench`: run every benchmark of this folder, each in a process of its own."""

import subprocess
import sys
from pathlib import Path


def main() -> int:
    """Run the benchmarks; the exit code says whether all went through."""
    failed = 0
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.stem.startswith("_"):
            continue
        print(f"\n## {path.stem.replace('_', ' ')}\n", flush=True)
        failed += subprocess.run([sys.executable, path], check=False).returncode != 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
