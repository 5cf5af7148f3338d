"""Where the time of an artifact goes: its dispatches, each with runs, seconds and cores at work.

IREE's runtime records when each dispatch begins and ends, in the program as it is shipped; its own
benchmark tool runs the program, its own profile tool reads the record.
"""

import json
import math
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from iree.runtime import VmModule

from slopec.diagnostics import UsageError
from slopec_runtime.artifact import Artifact, read
from slopec_runtime.constants import indexed
from slopec_runtime.convention import CONSTANTS, scratch_size, turning
from slopec_runtime.devices import HOST_DRIVERS, choose, instance
from slopec_runtime.dtypes import numpy_dtype
from slopec_runtime.manifest import EntryPoint, Input, Output, Variant
from slopec_runtime.sizes import evaluate

_RECORDED = "host-execution,executable-metadata,queue-events"
_ELEMENTS = {"bool": "i8", "bfloat16": "bf16", "float8_e4m3fn": "f8E4M3FN", "float8_e5m2": "f8E5M2"}
_KINDS = {"i": "si", "u": "ui", "f": "f"}

# IREE names a contraction after its loops: `matmul_like_64x128x256_f32`, `mmt4d_…`, `conv_…`.
_CONTRACTION = re.compile(r"_\w*?(?:mat|mmt4d|conv|contract)\w*?_(\d+(?:x\d+)+)_")


@dataclass(frozen=True)
class Dispatch:
    """A kernel: how often a call runs it, seconds of a call spent in it, summed over cores in
    `core_seconds`, and the operations of one run, 0 where its name does not tell them."""

    name: str
    runs: float
    seconds: float
    core_seconds: float
    flops: float

    @property
    def rate(self) -> float:
        """Operations per second."""
        return self.flops * self.runs / self.seconds if self.seconds else 0.0


@dataclass(frozen=True)
class Profile:
    """An entry's seconds per call, and its dispatches, the dearest first."""

    entry: str
    device: str
    seconds: float
    dispatches: tuple[Dispatch, ...]


def profile(
    path: Path,
    entry: str,
    *,
    sizes: Mapping[str, int] | None = None,
    device: str | None = None,
    calls: int = 10,
) -> Profile:
    """Run one of an artifact's entries `calls` times and say where the time went.

    Inputs are random, integers zero, and the state is what the artifact brings along. `sizes`
    chooses among the sizes compiled; the largest are taken otherwise.

    Raises UsageError S0412 for sizes that were not compiled, S0414 where the device records
    nothing, and Error as `slopec_runtime.load` does.
    """
    artifact = read(path)
    facts = artifact.manifest.entries[entry]
    variant = _variant(facts, sizes or {})
    chosen = choose(device, artifact.manifest.target, artifact.manifest.cost, artifact.origin)
    if chosen not in HOST_DRIVERS:
        raise UsageError("S0414", f"dispatches are timed on the CPU only, not on `{chosen}`")
    with TemporaryDirectory() as folder:
        record = Path(folder) / "record.ireeprof"
        given = _arguments(artifact, facts, variant, Path(folder))
        output = _run(
            "iree-benchmark-module",
            f"--module={path}",
            f"--device={chosen}",
            f"--function={variant.symbol}",
            *given,
            *_constants(artifact, Path(folder)),
            f"--benchmark_min_time={calls}x",
            "--benchmark_format=json",
            f"--device_profiling_mode={_RECORDED}",
            f"--device_profiling_output={record}",
        )
        (row,) = json.loads(output)["benchmarks"]
        lines = _run("iree-profile", "dispatch", "--format=jsonl", str(record)).splitlines()
    runs = int(row["iterations"])
    found = sorted(_dispatches(map(json.loads, lines), runs), key=lambda d: -d.seconds)
    return Profile(entry, chosen, _seconds(row), tuple(found))


def _variant(entry: EntryPoint, sizes: Mapping[str, int]) -> Variant:
    fitting = [v for v in entry.variants if all(v.dims.get(d) == n for d, n in sizes.items())]
    if not fitting:
        compiled = "; ".join(
            ", ".join(f"{d}={n}" for d, n in v.dims.items()) for v in entry.variants
        )
        raise UsageError(
            "S0412", "it was not compiled for these sizes", notes=(f"it was for {compiled}",)
        )
    return max(fitting, key=lambda v: math.prod(v.dims.values()))


def _arguments(artifact: Artifact, entry: EntryPoint, variant: Variant, folder: Path) -> list[str]:
    """All that the function takes, as IREE's tools take it, what memory contains in files."""
    module = VmModule.copy_buffer(instance(), artifact.module)
    function = module.lookup_function(variant.symbol)
    written = [] if function is None else [entry.outputs[place] for place in turning(function)]
    given = []
    taken: list[Input | Output] = [*entry.inputs, *written]
    for number, facts in enumerate(taken):
        shape = [evaluate(size, variant.dims) for size in facts.shape]
        dtype = numpy_dtype(facts.dtype)
        kept = artifact.state(facts.slot) if facts.slot else None
        path = folder / f"{number}.bin"
        content = _random(shape, dtype) if kept is None else kept
        if dtype.kind == "c":  # whose name has the x in it that IREE splits shapes at
            np.save(path.with_suffix(".npy"), np.frombuffer(content, dtype).reshape(shape))
            given.append(f"--input=@{path.with_suffix('.npy')}")
            continue
        path.write_bytes(content)
        element = _ELEMENTS.get(facts.dtype) or f"{_KINDS[dtype.kind]}{8 * dtype.itemsize}"
        given.append(f"--input={'x'.join([*map(str, shape), element])}=@{path}")
    size = None if function is None else scratch_size(function)
    return given if size is None else [*given, f"--input=&{size}xi8"]


def _constants(artifact: Artifact, folder: Path) -> list[str]:
    """What the module asks for by name, in a file as IREE's tools take it."""
    if not artifact.constants:
        return []
    path = folder / "constants.irpa"
    indexed(artifact.constants).create_archive_file(str(path))
    return [f"--parameters={CONSTANTS}={path}"]


def _random(shape: Sequence[int], dtype: np.dtype[Any]) -> bytes:
    """Normal values; of integers zeros, which are indices everywhere."""
    if dtype.kind in "iub":
        return np.zeros(shape, dtype).tobytes()
    return np.random.default_rng(0).standard_normal(shape).astype(dtype).tobytes()


def _dispatches(rows: Iterator[dict[str, Any]], calls: int) -> Iterator[Dispatch]:
    """One for each kernel that every call runs; what ran less often prepared the constants."""
    for row in rows:
        if row["type"] != "host_dispatch_group" or row["count"] < calls:
            continue
        name = re.sub(r"^.*?_dispatch_", "", row["key"])
        yield Dispatch(
            name,
            row["count"] / calls,
            row["total_ns"] * 1e-9 / calls,
            row["total_tile_duration_sum_ns"] * 1e-9 / calls,
            flops_of(row["key"]),
        )


def flops_of(name: str) -> float:
    """The operations of contractions by a dispatch's name: twice the products of their loops.

    >>> flops_of("main_dispatch_3_matmul_like_4x8x16_f32"), flops_of("main_dispatch_1_pack_f32")
    (1024.0, 0.0)
    """
    found = _CONTRACTION.findall(name)
    return 2.0 * sum(math.prod(map(int, loops.split("x"))) for loops in found)


def _seconds(row: Mapping[str, Any]) -> float:
    unit = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}[row["time_unit"]]
    return float(row["real_time"]) * unit


def _run(tool: str, *arguments: str) -> str:
    """What one of IREE's tools prints."""
    found = find_spec("iree._runtime_libs")
    assert found is not None
    (folder,) = found.submodule_search_locations or [""]
    done = subprocess.run(
        [Path(folder) / tool, *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise UsageError(
            "S0414",
            "the program could not be profiled",
            notes=tuple(done.stderr.strip().splitlines()[:3]),
        )
    return done.stdout
