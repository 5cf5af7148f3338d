"""What one waits for before anything happens: medians in milliseconds, each in a fresh process.

    python benchmarks/startup.py

The processes run one at a time, after one that is not counted.
"""

import statistics
import subprocess
import sys
import time

REPEATS = 9
ONE_LINER = "import slopec as sp; print(sp.grad(lambda x: (x * 2.0).sum())(sp.tensor([1., 2.])))"
PROGRAMS = {
    "python -c pass": ["-c", "pass"],
    "import slopec_runtime": ["-c", "import slopec_runtime"],
    "import slopec": ["-c", "import slopec"],
    "slopec --help": ["-m", "slopec", "--help"],
    "slopec version": ["-m", "slopec", "version"],
    "slopec explain S0101": ["-m", "slopec", "explain", "S0101"],
    "print a gradient": ["-c", ONE_LINER],
}


def milliseconds(arguments: list[str]) -> float:
    """How long a Python process with these arguments takes."""
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    return 1000 * (time.perf_counter() - started)


def main() -> None:
    """Print a row for each program: median, fastest, slowest."""
    print(f"{'':24}{'median':>8}{'fastest':>9}{'slowest':>9}  ms")
    for name, arguments in PROGRAMS.items():
        milliseconds(arguments)
        times = [milliseconds(arguments) for _ in range(REPEATS)]
        row = (statistics.median(times), min(times), max(times))
        print(f"{name:24}{row[0]:8.0f}{row[1]:9.0f}{row[2]:9.0f}")


if __name__ == "__main__":
    main()
