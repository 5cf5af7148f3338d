"""All programs compiled for a device that is not here, packed with what measures them there.

    python -m benchmarks.bundle --target cuda    # or `make bench-bundle`

The archive holds the artifacts, this folder, the runtime's wheel, and a script that makes an
environment and runs the benchmark: one command on a machine with a CUDA device. For a target that
no script can run on, such as metal, compiling is what is tried.
"""

import subprocess
import sys
import tarfile
from pathlib import Path

import click

from benchmarks.measure import artifact_path, compile_into
from benchmarks.programs import programs
from benchmarks.tables import amount, duration
from benchmarks.worker import WorkerError

HERE = Path(__file__).parent
SCRIPT = """#!/bin/sh
# Measure the artifacts here on this machine's CUDA device, beside JAX and PyTorch.
set -eu
cd "$(dirname "$0")"
${PYTHON:-python3} -m venv environment
environment/bin/pip install --quiet *.whl click 'jax[cuda12]' torch matplotlib
environment/bin/python -m benchmarks --device cuda --reuse --folder artifacts --save "$@"
"""


@click.command()
@click.option("--target", default="cuda", show_default=True, help="As `slopec compile` has it.")
@click.option("--only", help="Programs, with commas; else all.")
@click.option("--folder", type=click.Path(path_type=Path), default="build/bench")
def main(target: str, only: str | None, folder: Path) -> None:
    """Compile for a target, say what fails, and pack the rest."""
    failed = 0
    paths = []
    for name, program in programs().items():
        if only is not None and name not in only.split(","):
            continue
        path = artifact_path(folder, target, program)
        try:
            facts = compile_into(path, program, target)
        except WorkerError as error:
            failed += 1
            print(f"| {name} | {error} |", flush=True)
            continue
        paths += [path, path.with_suffix(".json")]
        print(f"| {name} | {amount(facts['size'], 'B')}, {duration(facts['iree'])} |", flush=True)
    if target.partition(":")[0] == "cuda":
        print(pack(folder, target, paths))
    sys.exit(1 if failed else 0)


def pack(folder: Path, target: str, paths: list[Path]) -> Path:
    """The archive of artifacts, script, benchmark and runtime."""
    wheel = _wheel(folder)
    script = folder / "run.sh"
    script.write_text(SCRIPT, encoding="utf-8")
    script.chmod(0o755)
    archive = folder / f"bench-{target.replace(':', '-')}.tar"
    with tarfile.open(archive, "w") as file:
        root = Path("slopec-bench")
        file.add(script, root / "run.sh")
        file.add(wheel, root / wheel.name)
        for path in paths:
            file.add(path, root / "artifacts" / "cuda" / path.name)
        for path in [*HERE.rglob("*.py"), HERE / "README.md"]:
            file.add(path, root / "benchmarks" / path.relative_to(HERE))
    return archive


def _wheel(folder: Path) -> Path:
    """The runtime's wheel, built now."""
    source = HERE.parent / "runtime"
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", folder, source]
    subprocess.run(command, check=True)
    return max(folder.glob("slopec_runtime-*.whl"), key=lambda path: path.stat().st_mtime)


if __name__ == "__main__":
    main()
