"""Devices and processors: the right one is chosen, and what is missing is said."""

import dataclasses
import os
import re
import subprocess
import sys

import numpy as np
import pytest

from slopec_runtime import hostcpu, load
from slopec_runtime.artifact import pack
from slopec_runtime.devices import choose, instance, open_device
from slopec_runtime.manifest import Cost, Target

STATE = {"w": bytes(24)}
HOST = Target("llvm-cpu", ("local-task", "local-sync"))
CUDA = Target("cuda", ("cuda",), arch="sm_80")
SMALL, LARGE = Cost(1e6, 4e6), Cost(1e9, 1e6)

CHOICES = [
    (None, HOST, SMALL, "local-sync"),
    (None, HOST, LARGE, "local-task"),
    (None, HOST, Cost(1e6, 1e9), "local-task"),
    (None, HOST, None, "local-task"),
    ("cpu", HOST, SMALL, "local-sync"),
    ("cpu", HOST, LARGE, "local-task"),
    ("local-task", HOST, SMALL, "local-task"),
    ("local-sync", HOST, LARGE, "local-sync"),
    (None, Target("vmvx", ("local-sync",)), LARGE, "local-sync"),
    (None, Target("llvm-cpu", ("local-task",)), SMALL, "local-task"),
    (None, CUDA, SMALL, "cuda"),
    ("cuda", CUDA, SMALL, "cuda"),
    ("cuda:1", CUDA, None, "cuda:1"),
    ("cuda://1", CUDA, None, "cuda://1"),
    (None, Target("fat", ("cuda", "local-task", "local-sync")), LARGE, "local-task"),
    ("cuda", Target("fat", ("cuda", "local-task")), LARGE, "cuda"),
]


@pytest.mark.parametrize(("requested", "target", "cost", "chosen"), CHOICES)
def test_the_device_that_fits_is_chosen(requested, target, cost, chosen):
    assert choose(requested, target, cost, "x.vmfb") == chosen


@pytest.mark.parametrize(
    ("requested", "target"), [("cuda", HOST), ("cpu", CUDA), ("metal", HOST), ("cuda:1", HOST)]
)
def test_a_device_of_another_target_is_refused(failure, requested, target):
    text = failure("S0508", choose, requested, target, SMALL, "x.vmfb")

    assert f"x.vmfb was compiled for {target.name}, it cannot run on '{requested}'" in text


def test_devices_and_the_instance_are_shared():
    assert open_device("cpu") is open_device("local-task")
    assert open_device("local-sync") is open_device("local-sync")
    assert instance() is instance()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems count faults differently")
def test_memory_that_was_freed_is_used_again_without_page_faults():
    program = """
import resource
import numpy as np
from iree.runtime import asdevicearray
from slopec_runtime.devices import open_device

handle, array = open_device("local-sync").handle, np.ones(16 << 20, np.uint8)
asdevicearray(handle, array)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
asdevicearray(handle, array)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert int(done.stdout) < 100  # and not the 4,096 of a new block


WORKERS = """
import os
from slopec_runtime.devices import open_device

before = len(os.listdir("/proc/self/task"))
open_device("local-task")
print(len(os.listdir("/proc/self/task")) - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts the threads in /proc")
def test_the_environment_sizes_the_pool_of_threads():
    def started(**environment: str) -> "subprocess.CompletedProcess[str]":
        variables = {**os.environ, **environment}
        return subprocess.run(
            [sys.executable, "-c", WORKERS], env=variables, capture_output=True, text=True
        )

    one, three, placed = (
        int(started(**given).stdout)
        for given in ({"SLOPEC_THREADS": "1"}, {"SLOPEC_THREADS": "3"}, {"SLOPEC_CPUS": "0,1"})
    )
    assert (three - one, placed - one) == (2, 1)
    for wrong in ({"SLOPEC_THREADS": "0"}, {"SLOPEC_CPUS": "a"}):
        assert "S0507" in started(**wrong).stderr


def test_unknown_devices_are_named(failure):
    assert "did you mean 'local-sync'?" in failure("S0507", open_device, "local-snyc")
    assert "known here: cpu, " in failure("S0507", open_device, "tpu")
    assert "cannot be opened" in failure("S0507", open_device, "local-task://nowhere")


def test_a_missing_driver_says_what_to_install(failure):
    """On a machine without NVIDIA's driver; elsewhere an impossible number must be refused."""
    text = failure("S0507", open_device, "cuda:99")

    assert "libcuda" in text or "there is no device 'cuda:99'" in text
    assert not re.search(r"\.c:\d+", text)


@pytest.mark.parametrize("device", ["cpu", "local-sync", "local-task"])
def test_programs_run_on_every_host_driver(artifact, device):
    program = load(artifact, device=device)
    y, _, _ = program.predict(np.eye(3, dtype=np.float32))

    assert y.numpy().sum() == 15
    assert program.device in ("local-sync", "local-task")
    assert program.device in repr(y)


def test_arrays_move_between_devices(artifact):
    task, sync = load(artifact, device="local-task"), load(artifact, device="local-sync")
    y = task.flip_float32([[1, 2, 3], [4, 5, 6]])

    sync.state["w"] = y

    assert sync.peek().tolist() == y.tolist()
    sync.state["m"] = np.zeros((3, 2), np.float32)
    assert sync.step(y)["w"].tolist() == [[0, 0], [0, 0], [0, 0]]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_gets_an_error_not_a_hang(artifact):
    program = """
import os, signal, sys
from slopec_runtime import Error, load
task, sync = load(sys.argv[1], device="local-task"), load(sys.argv[1], device="local-sync")
task.spin(3)
child = os.fork()
if child:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
signal.alarm(60)
assert sync.spin(3).item() == 3
for attempt in (lambda: task.spin(3), task.clone, lambda: load(sys.argv[1], device="local-task")):
    try:
        attempt()
    except Error as problem:
        assert problem.code == "S0507" and "forked" in str(problem), problem
    else:
        raise SystemExit("no error")
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(artifact)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("kept", ["y", "y.numpy()", "np.from_dlpack(y)", "program.state"])
def test_results_may_outlive_everything_at_exit(artifact, kept):
    """Python frees a module's variables and their devices in any order."""
    program = f"""
import sys
import numpy as np
from slopec_runtime import load

program = load(sys.argv[1], device="local-task")
y = program.spin(3)
kept = {kept}
"""
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", program, str(artifact)], capture_output=True, text=True
        )
        assert (done.returncode, done.stderr) == (0, "")


def host(module, manifest, **facts):
    return pack(module, dataclasses.replace(manifest, target=Target(**facts)), STATE)


def test_code_for_another_processor_is_refused(module, manifest, failure, monkeypatch):
    monkeypatch.setattr(hostcpu, "architecture", lambda name=None: name or "x86_64")
    monkeypatch.setattr(hostcpu, "host_flags", lambda: frozenset({"avx", "avx2", "fma"}))
    facts = {"name": "llvm-cpu", "drivers": ("local-sync",), "arch": "x86_64", "cpu": "znver4"}
    newer = host(module, manifest, **facts, features=("avx2", "+avx512f", "+avx512vnni", "-sse4a"))
    older = host(module, manifest, **facts, features=("avx2", "fma", "fast-gather"))
    other = host(module, manifest, **{**facts, "arch": "aarch64"})

    text = failure("S0506", load, newer)
    assert "lacks: avx512f, avx512vnni" in text
    assert "processor 'znver4'" in text
    assert "compiled for aarch64, this machine is x86_64" in failure("S0506", load, other)
    assert load(older).device == "local-sync"


CPUINFO = """processor : 0
flags\t\t: fpu sse4_1 avx avx2 avx512_vnni abm
processor : 1
flags\t\t: fpu sse4_1 avx abm
"""


def test_linux_features_are_those_every_core_has(tmp_path):
    path = tmp_path / "cpuinfo"
    path.write_text(CPUINFO)

    flags = hostcpu.linux_flags(path)

    assert flags == {"fpu", "sse41", "avx", "abm"}
    wanted = ["sse4.1", "avx", "avx2", "lzcnt", "avx512vnni"]
    assert hostcpu.missing_features(wanted, flags, "x86_64") == ["avx2", "avx512vnni"]
    assert hostcpu.linux_flags(tmp_path / "absent") is None


def test_arm_features_are_known_by_both_systems(tmp_path):
    path = tmp_path / "cpuinfo"
    path.write_text("Features : fp asimd asimdhp asimddp bf16\n")
    linux = hostcpu.linux_flags(path)
    mac = hostcpu.darwin_flags(
        "hw.optional.AdvSIMD: 1\nhw.optional.floatingpoint: 1\nhw.optional.arm.FEAT_FP16: 1\n"
        "hw.optional.arm.FEAT_DotProd: 1\nhw.optional.arm.FEAT_BF16: 1\n"
        "hw.optional.arm.FEAT_I8MM: 0\n"
    )
    wanted = ["neon", "fp-armv8", "fullfp16", "dotprod", "bf16", "i8mm"]

    for flags in (linux, mac):
        assert hostcpu.missing_features(wanted, flags, "aarch64") == ["i8mm"]


def test_this_machine_tells_its_features():
    known = hostcpu.host_flags()

    assert known is None or known
    assert hostcpu.missing_features([], known or frozenset(), hostcpu.architecture()) == []


def test_nothing_is_told_of_leaks_when_modules_outlive_the_interpreter():
    script = """
import ctypes, sys
from slopec_runtime.awake import pool_beside
from slopec_runtime.devices import open_device
pool_beside(open_device("local-task"))
for name in list(sys.modules):  # as torch.export does
    if name.startswith("slopec_runtime"):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(vars(sys.modules[name])))
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "")
