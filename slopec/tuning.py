"""Tuning: variants of a program are compiled and measured until the time is up; the fastest stays.

The search starts at the best variant known and tries its neighbours one by one, going on from any
that is faster. Each is compiled in the compiler's own process and tried in another beside the best
so far, on the same inputs, in turns: one that does not compile, crashes or gives other results only
costs its time. What is known is in the file after every trial, so nothing is lost by stopping.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from slopec import tuned
from slopec.build import build
from slopec.diagnostics import CompileError, UsageError
from slopec.emit import EmitOptions
from slopec.lower import Lowered
from slopec.passes.observe import op_counts
from slopec.targets import Target
from slopec.tuned import Record, Trial
from slopec.variants import KERNELS, Variant, neighbours
from slopec_runtime.devices import choose, open_device
from slopec_runtime.hostcpu import architecture

TRIAL = Path(__file__).with_name("trial.py")
Notify = Callable[[Trial, Record], None]

_SLOWEST = 120.0
"""Seconds that a trial may take beyond those given to measuring."""


def tune(
    lowered: Lowered,
    target: Target,
    *,
    seconds: float = 60.0,
    device: str | None = None,
    path: Path | None = None,
    pipeline: str | None = None,
    notify: Notify = lambda trial, record: None,
) -> Record:
    """Search for the fastest variant of a program for about `seconds`, and keep it in a file.

    `path` is the file, by default the one beside the cache; a search that was made before goes on.
    `pipeline` are optimisation passes in place of the usual ones. `notify` is called after every
    trial. Give the winner to `slopec.build.build` as `variant`.

    Raises UsageError S0427 for a target whose code does not run here, S0426 for a file that cannot
    be used; Error S0507 where the device is missing, S0508 where it is not of the target;
    CompileError if the program does not compile as usual.
    """
    _check(target, device)
    path = path or tuned.default_path()
    key = tuned.key_of(lowered, target, device, pipeline)
    end = time.monotonic() + seconds
    record = tuned.find(tuned.read(path), key) or Record(lowered.name, key, Variant())
    tried = {record.winner, *(trial.variant for trial in record.trials)}
    convolutions = "stablehlo.convolution" in op_counts(lowered.outline)
    with TemporaryDirectory() as folder:
        bench = _Bench(lowered, target, device, pipeline, Path(folder), min(2.0, seconds / 20))
        used, _, more = bench.compile(record.winner, "champion", None).partition("+")
        kernels = KERNELS in more or KERNELS in record.winner.without
        tried.add(replace(record.winner, configuration=used))
        tuned.write(path, record)
        while time.monotonic() < end:
            near = neighbours(record.winner, target, convolutions=convolutions, kernels=kernels)
            variant = next((other for other in near if other not in tried), None)
            if variant is None:
                break
            tried.add(variant)
            trial = bench.measure(variant, end)
            if trial is None:
                break
            record = tuned.with_trial(record, trial)
            if record.winner == variant:
                bench.crown()
            tuned.write(path, record)
            notify(trial, record)
    return record


def winner(
    lowered: Lowered,
    target: Target,
    path: Path,
    *,
    device: str | None = None,
    pipeline: str | None = None,
) -> Variant:
    """The fastest variant of a program that a file knows for this machine.

    Raises UsageError S0428 where it knows none, S0426 for a file that cannot be used.
    """
    records = tuned.read(path)
    key = tuned.key_of(lowered, target, device, pipeline)
    found = tuned.find(records, key)
    if found is not None:
        return found.winner
    same = [r for r in records if r.key.program == key.program]
    others = [f"it has been tuned for {r.key.target} on {r.key.machine}" for r in same]
    raise UsageError(
        "S0428",
        f"{path} has nothing about this program for {key.target} on this machine",
        notes=(f"this machine is {key.machine}", *others),
        hint=f"`slopec tune … --target {target.name} --tuned {path}` measures it",
    )


def _check(target: Target, device: str | None) -> None:
    host = target.host_part
    if target.members or (host is not None and host.arch != architecture()):
        raise UsageError(
            "S0427",
            f"code for {target.name} {target.arch} cannot be measured here",
            hint="tune for one target, on the machine that it is for",
        )
    open_device(choose(device, target.manifest(()), None, f"code for {target.name}"))


@dataclass(frozen=True)
class _Bench:
    """Where variants meet: the best so far, "champion", and a challenger, as files in a folder."""

    lowered: Lowered
    target: Target
    device: str | None
    pipeline: str | None
    folder: Path
    share: float

    def compile(self, variant: Variant, name: str, timeout: float | None) -> str:
        """Compile a variant to a file; returns the configuration that it was compiled with."""
        options = EmitOptions() if timeout is None else EmitOptions(timeout=timeout)
        (artifact,) = build(
            self.lowered,
            [self.target],
            options=options,
            pipeline=self.pipeline,
            carry_stablehlo=False,
            variant=variant,
        )
        artifact.save(self._path(name))
        assert artifact.manifest.compilation is not None
        return artifact.manifest.compilation.configuration

    def measure(self, variant: Variant, end: float) -> Trial | None:
        """Compile a variant and measure it beside the champion; None if time is up before."""
        try:
            self.compile(variant, "challenger", max(1.0, end - time.monotonic()))
        except (CompileError, UsageError) as error:
            if error.code == "S0306":
                return None
            return Trial(variant, "not compiled", note=error.message)
        return _judged(variant, self._run())

    def crown(self) -> None:
        """Make the last challenger the champion."""
        self._path("challenger").replace(self._path("champion"))

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.vmfb"

    def _run(self) -> "subprocess.CompletedProcess[str] | None":
        """The process of the trial when it has ended; None when it took too long."""
        paths = (str(self._path(name)) for name in ("champion", "challenger"))
        command = [sys.executable, "-P", str(TRIAL), *paths, self.device or "", str(self.share)]
        try:
            return subprocess.run(
                command, capture_output=True, text=True, timeout=self.share + _SLOWEST, check=False
            )
        except subprocess.TimeoutExpired:
            return None


def _judged(variant: Variant, process: "subprocess.CompletedProcess[str] | None") -> Trial:
    if process is None:
        return Trial(variant, "crashed", note="it did not end in time")
    if process.returncode:
        said = process.stderr.strip().splitlines()
        died = f"signal {-process.returncode}" if process.returncode < 0 else ""
        return Trial(variant, "crashed", note=died or (said[-1] if said else "without a word"))
    found = json.loads(process.stdout)
    if not found["agrees"]:
        return Trial(variant, "wrong", note=f"results differ by {found['difference']:.1e}")
    milliseconds = 1e3 * found["candidate"]
    return Trial(variant, "measured", found["ratio"], milliseconds, upper=found["upper"])
