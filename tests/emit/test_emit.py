"""Emission: modules that run, errors at the user's line, fallbacks, the cache in front."""

import platform
from concurrent.futures import ThreadPoolExecutor

import iree.runtime as rt
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import slopec as sp
from slopec import cache, ir
from slopec.diagnostics import CompileError, SlopecError, UsageError
from slopec.emit import EmitOptions, emit, emit_many, resolve
from slopec.targets import fat, parse_target, parse_targets
from slopec_runtime.hostcpu import host_flags, missing_features
from tests.emit import programs
from tests.emit.processes import eventually

HOST = parse_target("llvm-cpu:host")


def run(vmfb, *arguments, driver="local-sync"):
    config = rt.Config(driver)
    module = rt.load_vm_module(rt.VmModule.copy_buffer(config.vm_instance, vmfb), config)
    made = module["main"](*arguments)
    return [each.to_host() for each in made] if isinstance(made, tuple) else made.to_host()


def test_a_module_compiles_and_runs():
    emitted = emit(programs.scaled(2.5), HOST)
    assert run(emitted.vmfb, np.arange(4, dtype=np.float32)).tolist() == [0.0, 2.5, 5.0, 7.5]
    assert emitted.flags[: len(HOST.flags)] == HOST.flags
    assert [attempt.failure for attempt in emitted.attempts] == [None]
    assert not emitted.cached
    assert emitted.diagnostics == ()
    assert emitted.stages[-1][0] == "end"
    assert sum(seconds for _, seconds in emitted.stages) <= emitted.seconds


def test_bytecode_gives_the_same_module_as_text():
    text = programs.scaled(3.0)
    plain = emit(text, HOST, options=EmitOptions(cache=False))
    coded = emit(ir.bytecode(ir.parse(text)), HOST, options=EmitOptions(cache=False))
    x = np.ones(4, np.float32)
    assert run(plain.vmfb, x).tolist() == run(coded.vmfb, x).tolist() == [3.0] * 4


@pytest.mark.parametrize("name", ["llvm-cpu", "llvm-cpu:aarch64", "cuda", "metal", "vmvx"])
def test_every_target_compiles_without_its_hardware(name):
    emitted = emit(programs.product(8, 8, 8), parse_target(name))
    described = emitted.target.manifest(emitted.flags)
    assert emitted.vmfb
    assert described.drivers == parse_target(name).drivers


def test_vmvx_runs_anywhere():
    emitted = emit(programs.scaled(2.0), parse_target("vmvx"))
    assert run(emitted.vmfb, np.ones(4, np.float32)).tolist() == [2.0] * 4


def test_a_fat_artifact_of_several_kernels_runs_on_this_processor():
    targets = fat(parse_targets("llvm-cpu,cuda:a100,metal"))
    emitted = emit(programs.slow(3), targets)
    for form in (b"cuda-nvptx-fb", b"metal-msl-fb"):
        assert form in bytes(emitted.vmfb)
    x = np.arange(1024, dtype=np.float32).reshape(32, 32)
    assert np.all(run(emitted.vmfb, x) == x.sum(axis=1, keepdims=True))


def test_the_processor_and_its_features_are_known():
    host, portable = resolve(HOST), resolve(parse_target("llvm-cpu:x86_64"))
    flags = host_flags()
    assert host.processor not in ("", "host")
    assert flags is None or not missing_features(host.features, flags, host.arch)
    assert {"avx2", "fma"} <= set(portable.features)
    assert "avx512f" not in portable.features


def test_hopper_is_compiled_as_ptx_that_its_first_driver_knows():
    vmfb = bytes(emit(programs.scaled(2.0), parse_target("cuda:h100")).vmfb)
    assert b".version 7.8" in vmfb
    assert b".target sm_89" in vmfb


# --- errors ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("program", "target", "code", "says"),
    [
        (programs.UNSUPPORTED, "llvm-cpu", "S0302", "stablehlo.cholesky"),
        (programs.CRASHES, "llvm-cpu", "S0305", "SIGFPE"),
        (programs.NEGATED_SUM, "cuda", "S0303", "negated"),
        (programs.NEGATED_SUM, "metal", "S0303", "negated"),
        (programs.SINE64, "metal", "S0308", "metal has no float64"),
        (programs.SINE64, "llvm-cpu:aarch64", "S0304", "sin"),
    ],
)
def test_an_error_shows_the_users_line(tmp_path, program, target, code, says):
    source = tmp_path / "model.py"
    source.write_text("\n" * 11 + "    y = compute(x, y)\n")
    with pytest.raises(CompileError) as caught:
        emit(program.replace(b"model.py", str(source).encode()), parse_target(target))
    error = caught.value
    assert error.code == code
    assert says in error.message
    assert (error.span.line, error.span.column, error.span.end_column) == (12, 9, 22)
    assert "12 |     y = compute(x, y)\n   |         ^^^^^^^^^^^^^" in str(error)
    assert error.hint


def test_places_inside_calls_and_names_are_found():
    place = 'loc(fused["w"(callsite("deep"("inner.py":3:4 to :9) at "outer.py":7:1)), "b.py":1:2])'
    with pytest.raises(CompileError) as caught:
        emit(programs.unary("stablehlo.cholesky", "tensor<4x4xf32>", place), HOST)
    assert str(caught.value.span) == "inner.py:3:4"
    assert [label.span.file for label in caught.value.labels] == ["outer.py", "b.py"]


@pytest.mark.parametrize("program", [b"ML\xefRgarbage", b"func.func @f() { nonsense }"])
def test_what_is_no_module_is_refused(program):
    with pytest.raises(CompileError, match="S0301"):
        emit(program, HOST)


def test_an_unknown_processor():
    with pytest.raises(UsageError) as caught:
        emit(programs.scaled(2.0), parse_target("llvm-cpu:x86_64", cpu="znver44"))
    assert caught.value.code == "S0421"
    assert caught.value.hint.startswith("did you mean `znver")


@pytest.mark.parametrize(
    "options", [EmitOptions(flags=("--iree-nonsense",)), EmitOptions(configuration="fastest")]
)
def test_settings_that_do_not_exist(options):
    with pytest.raises(UsageError, match="S0423"):
        emit(programs.scaled(2.0), HOST, options=options)


def test_a_crash_leaves_what_reproduces_it_and_the_next_module_compiles():
    with pytest.raises(CompileError) as caught:
        emit(programs.CRASHES, HOST)
    assert any(note.startswith("tried the configurations") for note in caught.value.notes)
    (folder,) = (cache.directory() / "crashes").iterdir()
    assert any(str(folder) in note for note in caught.value.notes)
    assert (folder / "module.mlirbc").read_bytes() == programs.CRASHES
    assert "iree-compile module.mlirbc" in (folder / "command.sh").read_text()
    assert emit(programs.scaled(2.0), HOST).vmfb


def test_time_is_limited():
    with pytest.raises(CompileError) as caught:
        emit(programs.slow(), HOST, options=EmitOptions(timeout=0.3))
    assert caught.value.code == "S0306"
    assert "phase" in caught.value.message


# --- configurations --------------------------------------------------------------------------


def test_what_fails_in_one_configuration_is_tried_in_the_next():
    emitted = emit(programs.DEPTHWISE, parse_target("llvm-cpu:x86_64"))
    assert [a.configuration for a in emitted.attempts] == ["im2col", "default"]
    assert emitted.attempts[0].failure
    assert "--iree-global-opt-use-im2col-for-convs" not in emitted.flags


def test_what_cannot_be_vectorised_is_compiled_for_single_numbers():
    x = np.random.default_rng(0).normal(size=(100, 16)).astype(np.float32)

    def loss(x):
        return jnp.tanh(lax.cummax(x, axis=1, reverse=True)).mean()

    gradient = jax.grad(loss)
    text = jax.jit(gradient).lower(x).as_text()
    found = sp.jit(sp.from_stablehlo(text))(x)
    np.testing.assert_allclose(found, gradient(x), rtol=1e-5, atol=1e-8)


def test_a_named_configuration_is_used_alone():
    with pytest.raises(CompileError, match="S0303"):
        emit(programs.DEPTHWISE, HOST, options=EmitOptions(configuration="im2col"))
    emitted = emit(programs.scaled(2.0), HOST, options=EmitOptions(configuration="tiled"))
    assert "--iree-global-opt-data-tiling" in emitted.flags


@pytest.mark.skipif(platform.system() != "Linux", reason="kernels become Linux libraries")
def test_functions_of_the_system_library_are_linked():
    emitted = emit(programs.SINE64, HOST)
    assert emitted.attempts[-1].configuration == "fused+system-library"
    x = np.linspace(-3, 3, 8)
    np.testing.assert_allclose(run(emitted.vmfb, x), np.sin(x), rtol=1e-15)


@pytest.mark.skipif(platform.system() != "Linux", reason="kernels become Linux libraries")
def test_kernels_stay_where_the_system_library_is_linked():
    portable = parse_target(f"llvm-cpu:{HOST.arch}")
    emitted = emit(programs.SINE64_AND_PRODUCT, portable)
    without = emit(programs.SINE64_AND_PRODUCT, portable, options=EmitOptions(kernels=False))
    (first, last), (_, plain) = emitted.attempts, without.attempts
    assert last.configuration == first.configuration.replace("+", "+system-library+")
    assert last.configuration == f"{plain.configuration}+kernels"
    x = np.linspace(-3, 3, 8)
    a, b = np.random.default_rng(0).normal(size=(2, 64, 64)).astype(np.float32)
    sine, product = run(emitted.vmfb, x, a, b)
    np.testing.assert_allclose(sine, np.sin(x), rtol=1e-15)
    np.testing.assert_allclose(product, a @ b, rtol=1e-4, atol=1e-5)


def test_float64_stays_float64():
    vmfb = emit(programs.product(4, 4, 4, "f64"), HOST).vmfb
    x = np.full((4, 4), 1 / 3)
    assert run(vmfb, x, x).dtype == np.float64


# --- the cache -------------------------------------------------------------------------------


def test_the_second_time_it_comes_from_the_cache():
    first, second = (emit(programs.DEPTHWISE, HOST) for _ in range(2))
    assert (first.cached, second.cached) == (False, True)
    assert second.vmfb == first.vmfb
    assert second.flags == first.flags
    assert second.attempts == first.attempts
    assert second.target == first.target


def test_places_do_not_matter_to_the_cache():
    emit(programs.scaled(2.0), HOST)
    assert emit(programs.scaled(2.0, 'loc("other.py":99:1)'), HOST).cached
    assert not emit(programs.scaled(2.5), HOST).cached


def test_everything_else_matters_to_the_cache():
    program = programs.scaled(2.0)
    emit(program, HOST)
    others = [
        (parse_target("llvm-cpu"), EmitOptions()),
        (HOST, EmitOptions(configuration="tiled")),
        (HOST, EmitOptions(flags=("--iree-opt-strip-assertions=true",))),
    ]
    assert [emit(program, t, options=o).cached for t, o in others] == [False] * len(others)


def test_without_the_cache_nothing_is_kept(monkeypatch):
    emit(programs.scaled(2.0), HOST, options=EmitOptions(cache=False))
    assert cache.artifacts().info().entries == 0
    monkeypatch.setenv("SLOPEC_CACHE_LIMIT", "0")
    emit(programs.scaled(2.0), HOST)
    assert not emit(programs.scaled(2.0), HOST).cached


def test_a_folder_that_cannot_be_written_is_a_warning(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SLOPEC_CACHE_DIR", str(tmp_path / "file" / "cache"))
    (warning,) = emit(programs.scaled(2.0), HOST).diagnostics
    assert (warning.code, warning.severity) == ("S0309", "warning")


# --- many ------------------------------------------------------------------------------------


def test_many_at_once_keep_their_order():
    results = emit_many([(programs.scaled(float(i)), HOST) for i in range(2, 8)])
    x = np.ones(4, np.float32)
    assert [run(r.vmfb, x)[0] for r in results] == [2.0, 3.0, 4.0, 5.0, 6.0, 7.0]
    assert emit_many([]) == []


def test_the_first_failure_stops_the_others():
    options = EmitOptions(cache=False)
    with pytest.raises(SlopecError, match="S0302"):
        emit_many([(programs.slow(), HOST), (programs.UNSUPPORTED, HOST)], options=options, jobs=2)


def test_threads_may_emit_at_once():
    wanted = [programs.scaled(i + 0.5) for i in range(6)] + [programs.CRASHES] * 2
    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(emit, program, HOST) for program in wanted]
    ends = [type(future.exception()) for future in futures]
    assert ends == [type(None)] * 6 + [CompileError] * 2


def test_nothing_is_left_in_the_folder_for_temporary_files(tmp_path, monkeypatch, compiler):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("slopec.emit.COMPILER", compiler)
    emit(programs.scaled(2.0), HOST, options=EmitOptions(cache=False))
    with pytest.raises(CompileError):
        emit(programs.slow(), HOST, options=EmitOptions(cache=False, timeout=1.0))
    compiler.close()
    assert eventually(lambda: not list(tmp_path.glob("slopec-*")))
