"""The table of targets: what names mean, which flags follow, what is tried first."""

import platform

import pytest

from slopec import architectures, targets
from slopec.configurations import Configuration, Workload, configurations, with_system_library
from slopec.diagnostics import UsageError
from slopec.targets import Target, fat, parse_target
from slopec_runtime import manifest as schema

AVX2 = ("avx2", "fma")


@pytest.mark.parametrize("name", targets.BACKENDS)
def test_every_back_end_is_a_target_that_keeps_float64(name):
    target = parse_target(name)
    assert target.name == name
    assert target.drivers
    assert "--iree-input-demote-f64-to-f32=false" in target.flags


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("llvm-cpu", set()),
        ("cuda", {"hal_target_cuda"}),
        ("vmvx", {"hal_target_vmvx"}),
        ("llvm-cpu,metal", {"hal_target_metal_spirv"}),
    ],
)
def test_parts_of_iree_that_a_target_does_without_are_off(text, kept):
    flags = fat(targets.parse_targets(text)).process_flags
    off = {flag.removeprefix("--iree-plugin=-") for flag in flags if "plugin" in flag}
    of_targets = {row.plugin for row in targets.BACKENDS.values() if row.plugin}
    assert "hal_target_rocm" in off
    assert of_targets - off == kept
    assert not off & {"input_stablehlo", "hal_target_llvm_cpu", "hal_target_local"}


@pytest.mark.parametrize(
    ("text", "arch", "cpu"),
    [
        ("cuda:sm_86", "sm_86", ""),
        ("cuda:sm86", "sm_86", ""),
        ("cuda:volta", "sm_70", ""),
        ("cuda:RTX-4090", "sm_89", ""),
        ("cuda:A100", "sm_80", ""),
        ("cuda:rtx5090", "sm_120", ""),
        ("metal", "macos", ""),
        ("metal-spirv:ios", "ios", ""),
        ("llvm-cpu:arm64", "aarch64", "generic"),
        ("llvm-cpu:riscv64", "riscv64", "generic-rv64"),
        ("llvm-cpu:x86_64", "x86_64", "x86-64-v3"),
        ("vmvx", "", ""),
    ],
)
def test_hardware_after_a_colon(text, arch, cpu):
    target = parse_target(text)
    assert (target.arch, target.cpu) == (arch, cpu)


@pytest.mark.parametrize("name", ["h100", "H200", "hopper", "sm_90", "sm_90a", "b200", "blackwell"])
def test_gpus_newer_than_iree_get_the_newest_code_and_a_note(name):
    target = parse_target("cuda", arch=name)
    assert target.arch == "sm_89"
    assert "PTX for sm_89" in target.notes[0]
    # What the driver must understand: CUDA 11.8, the first that knows Hopper, has PTX 7.8.
    assert "--iree-cuda-target-features=+ptx78" in target.flags


def test_cuda_without_an_architecture_says_what_it_chose():
    target = parse_target("cuda")
    assert target.arch == architectures.DEFAULT
    assert architectures.DEFAULT in target.notes[0]


@pytest.mark.parametrize(
    ("text", "code", "hint"),
    [
        ("cudda", "S0420", "did you mean `cuda`?"),
        ("", "S0420", None),
        ("cuda:hoper", "S0421", "did you mean `hopper`?"),
        ("cuda:sm_53", "S0421", "the oldest is sm_60"),
        ("metal:mac", "S0421", "did you mean `macos`?"),
    ],
)
def test_unknown_names(text, code, hint):
    with pytest.raises(UsageError) as caught:
        parse_target(text)
    assert caught.value.code == code
    assert caught.value.notes
    assert hint is None or caught.value.hint == hint


def test_an_unknown_architecture_of_processors():
    with pytest.raises(UsageError, match="S0421"):
        parse_target("llvm-cpu", arch="sparc")


def test_host_is_this_machine_only():
    elsewhere = "aarch64" if platform.machine() != "aarch64" else "x86_64"
    with pytest.raises(UsageError, match="this machine"):
        parse_target("llvm-cpu", arch=elsewhere, cpu="host")


def test_a_list_of_targets():
    chosen = targets.parse_targets("llvm-cpu, cuda,metal,cuda", arch="a100", cpu="znver3")
    assert [(t.name, t.arch) for t in chosen[1:]] == [("cuda", "sm_80"), ("metal", "macos")]
    assert chosen[0].cpu == "znver3"
    with pytest.raises(UsageError, match="S0420"):
        targets.parse_targets(" , ")


def test_a_fat_target_joins_its_members():
    both = fat(targets.parse_targets("llvm-cpu:x86_64,cuda:a100,metal"))
    assert both.flags[0] == "--iree-hal-target-device=local,cuda,metal"
    assert "--iree-cuda-target=sm_80" in both.flags
    assert both.drivers == ("local-task", "local-sync", "cuda", "metal")
    assert both.dtypes_missing == {"float64", "complex128"}
    assert both.manifest(both.flags).arch == "x86_64"
    single = parse_target("cuda:a100")
    assert fat([single]) == single
    with pytest.raises(UsageError, match="S0422"):
        fat(targets.parse_targets("llvm-cpu,vmvx"))


def test_the_manifest_takes_a_target():
    target = parse_target("llvm-cpu:x86_64").resolved('{cpu = "x86-64-v3", cpu_features = "+avx2"}')
    described = target.manifest(("--flag",))
    assert isinstance(described, schema.Target)
    assert (described.cpu, described.features) == ("x86-64-v3", ("avx2",))
    assert described.flags == ("--flag",)


@pytest.mark.parametrize(
    ("features", "work", "first"),
    [
        (AVX2, Workload(convolutions=True, products=True), "im2col"),
        ((), Workload(convolutions=True, products=True), "im2col"),
        ((*AVX2, "avx512f"), Workload(convolutions=True, products=True), "tiled"),
        (AVX2, Workload(products=True), "tiled"),
        ((), Workload(products=True), "default"),
        (("avx2",), Workload(products=True), "default"),
        (AVX2, Workload(products=True, bfloat16_products=True), "default"),
        ((*AVX2, "avx512bf16"), Workload(products=True, bfloat16_products=True), "tiled"),
        (AVX2, Workload(), "fused"),
    ],
)
def test_the_first_configuration_for_a_processor(features, work, first):
    ladder = configurations(Target("llvm-cpu", "x86_64", features=features), work)
    assert ladder[0].name == first
    assert [c.name for c in ladder[-3:]] == ["default", "widened", "scalar"]
    assert len({c.name for c in ladder}) == len(ladder)


@pytest.mark.parametrize("name", ["cuda", "metal", "vmvx"])
def test_other_targets_keep_reductions_apart_at_last(name):
    work = Workload(convolutions=True, products=True)
    assert [c.name for c in configurations(parse_target(name), work)] == ["default", "apart"]


@pytest.mark.skipif(platform.system() != "Linux", reason="kernels become Linux libraries")
@pytest.mark.parametrize(
    ("text", "symbols", "helps"),
    [
        ("llvm-cpu:host", ("sin", "cosf"), True),
        ("llvm-cpu:host", ("sin", "__truncsfbf2"), False),
        ("llvm-cpu:host", (), False),
        ("cuda", ("sin",), False),
    ],
)
def test_the_system_library_helps_with_its_own_functions(text, symbols, helps):
    base = Configuration("fused", ("--iree-opt-level=O2",), "")
    linked = with_system_library(parse_target(text), base, symbols)
    assert (linked is not None) == helps
    if linked is not None:
        assert linked.flags == (*base.flags, "--iree-llvmcpu-link-embedded=false")
