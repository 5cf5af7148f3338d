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
EAGER = (
    "import slopec as sp; x, w = sp.tensor([[1., -2.]]), sp.tensor([[3.], [1.]]); "
    "print((x @ w).relu())"
)
MEDIUM = "import slopec as sp; x = sp.ones((1024, 1024)); print((x @ x).relu().mean())"
STEP = """
import numpy as np, slopec as sp
from slopec import nn
model = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))
optimizer = sp.optim.Adam(model.parameters(), lr=1e-3)
x, y = np.ones((64, 784), "float32"), np.zeros(64, "int32")
loss = nn.functional.cross_entropy(model(sp.tensor(x)), sp.tensor(y))
loss.backward()
optimizer.step()
print(loss)
"""
PROGRAMS = {
    "python -c pass": ["-c", "pass"],
    "import slopec_runtime": ["-c", "import slopec_runtime"],
    "import slopec": ["-c", "import slopec"],
    "slopec --help": ["-m", "slopec", "--help"],
    "slopec version": ["-m", "slopec", "version"],
    "slopec explain S0101": ["-m", "slopec", "explain", "S0101"],
    "print a gradient": ["-c", ONE_LINER],
    "print (x @ w).relu()": ["-c", EAGER],
    "the same of 1024 x 1024": ["-c", MEDIUM],
    "a step of an MLP": ["-c", STEP],
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
