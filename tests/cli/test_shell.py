"""The shell around the commands: help, mistakes, exit codes, interruptions, faults of ours."""

import os
import re
import signal
import subprocess
import sys

import click
import pytest

from slopec import cache, cli, tracing
from slopec.cli import errors, files, group
from slopec.cli.ui import Ui
from slopec.diagnostics import CompileError, ShapeError, UsageError
from slopec.targets import BACKENDS
from slopec_runtime.errors import Error


@pytest.fixture
def shell(capsys):
    """Run the command line in this process: exit code, stdout, stderr."""

    def run(*arguments: str) -> tuple[int, str, str]:
        code = cli.main(arguments)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def process(*arguments: str, **options) -> subprocess.CompletedProcess:
    program = "import sys; from slopec.cli import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",)])
def test_help_lists_every_command_with_its_summary(shell, arguments):
    code, out, err = shell(*arguments)

    assert (code, err) == (0, "")
    for name, summary in group.SUMMARIES.items():
        assert re.search(rf"^  {name} +{re.escape(summary[:20])}", out, re.MULTILINE)


@pytest.mark.parametrize("name", group.SUMMARIES)
def test_every_command_loads_and_explains_itself(shell, name):
    code, out, _ = shell(name, "--help")

    assert code == 0
    assert out.startswith(f"Usage: slopec {name}")
    assert "--quiet" in out or "Commands:" in out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("rnu",), "error[S0401]: `slopec` has no command `rnu`\n  = hint: did you mean `run`?"),
        (("xyzzy",), "error[S0401]: `slopec` has no command `xyzzy`\n  = hint: `slopec --help`"),
        (("cache", "clera"), "error[S0401]: `slopec cache` has no command `clera`\n  = hint: did"),
        (("--verbos",), "error[S0402]: `slopec` has no option `--verbos`"),
        (
            ("info", "--jsn", "x.vmfb"),
            "error[S0402]: `slopec info` has no option `--jsn`\n  = hint: did you mean `--json`?",
        ),
        (("info",), "error[S0403]: `slopec info` needs the argument `ARTIFACT`"),
        (("version", "now"), "error[S0403]: `slopec version`: got unexpected extra argument"),
        (("explain", "S9999"), "error[S0408]: there is no error code `S9999`"),
    ],
)
def test_mistakes_on_the_command_line_end_with_2(shell, arguments, told):
    code, out, err = shell(*arguments)

    assert (code, out) == (2, "")
    assert told in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ShapeError("S0101", "…"), 1),
        (UsageError("S0401", "…"), 2),
        (Error("S0511", "…"), 2),
        (CompileError("S0301", "…"), 3),
        (UsageError("S0404", "…"), 4),
        (Error("S0503", "…"), 4),
        (UsageError("S0602", "…"), 4),
    ],
)
def test_exit_codes_follow_the_kind_of_error(error, expected):
    assert errors.exit_code(error) == expected


def failing(monkeypatch, exception: BaseException) -> None:
    """Make `slopec version` raise."""

    @click.command(cls=group.Command)
    def command() -> None:
        raise exception

    monkeypatch.setattr("slopec.cli.version.command", command)


def test_what_the_system_refuses_is_told_in_one_line(shell, monkeypatch):
    failing(monkeypatch, PermissionError(13, "Permission denied", "weights.bin"))

    assert shell("version") == (
        4,
        "",
        "error[S0405]: cannot use `weights.bin`: permission denied\n",
    )


def test_a_missing_file_is_told_with_its_neighbour(shell, tmp_path, monkeypatch):
    (tmp_path / "model.vmfb").write_bytes(b"")
    monkeypatch.chdir(tmp_path)

    code, _, err = shell("info", "modle.vmfb")

    assert code == 4
    assert err == (
        "error[S0404]: there is no file `modle.vmfb`\n  = hint: did you mean `model.vmfb`?\n"
    )


@pytest.mark.parametrize("kind", files.KINDS, ids=lambda kind: kind.name)
def test_a_file_of_another_kind_is_told_with_what_takes_it(shell, tmp_path, kind):
    file = tmp_path / f"m{kind.endings[0]}"
    file.write_text("x = 1\n")
    takes = {"compile": (files.PROGRAM, files.MODULE), "opt": (files.MODULE,)}
    takes |= {"train": (files.RECIPE,), "info": (files.ARTIFACT,), "run": (files.ARTIFACT,)}

    for command in (command for command, kinds in takes.items() if kind not in kinds):
        code, out, err = shell(command, str(file))

        assert (code, out) == (4, "")
        assert f"error[S0406]: `{file}` is {kind.name}, and " in err
        assert kind.use.format(path=str(file)) in err


def test_what_is_no_file_is_told(shell, tmp_path):
    (tmp_path / "link.py").symlink_to("nowhere")

    assert "error[S0405]" in shell("compile", str(tmp_path))[2]
    assert "error[S0405]" in shell("opt", os.devnull)[2]
    assert "which leads nowhere" in shell("compile", str(tmp_path / "link.py"))[2]


@pytest.mark.parametrize(
    "last", ["sys.exit(0)", "os._exit(0)", "raise Mine", "raise GeneratorExit"]
)
def test_a_model_file_ends_no_process(shell, tmp_path, last):
    file = tmp_path / "m.py"
    file.write_text(f"import os, sys\nclass Mine(BaseException): pass\n{last}\n")

    code, _, err = shell("compile", str(file))

    assert code == 1
    assert "error[S0115]" in err
    assert f"3 | {last}" in err
    assert os._exit.__module__ == "posix"


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), MemoryError()])
def test_what_ran_out_is_told(shell, monkeypatch, error):
    failing(monkeypatch, error)

    code, _, err = shell("version")

    assert code == 4
    assert re.match(r"error\[S0405\]: cannot go on: (no space left|out of memory)", err)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("info none.vmfb 2>&-", 4),
        ("info none.vmfb 2>/dev/full", 4),
        ("explain S0101 >&-", 0),
        ("explain S0101 >/dev/full", 4),
        ("opt - <&-", 0),
    ],
)
def test_streams_that_take_nothing(command, expected):
    program = f"{sys.executable} -m slopec {command}"

    done = subprocess.run(["sh", "-c", program], capture_output=True, text=True, check=False)

    assert (done.returncode, "Traceback" in done.stderr) == (expected, False)


def test_letters_that_a_stream_lacks_are_escaped(tmp_path):
    done = process("info", f"{tmp_path}/ü.vmfb", env={**os.environ, "PYTHONIOENCODING": "ascii"})

    assert done.returncode == 4
    assert "\\xfc.vmfb" in done.stderr


def test_an_interruption_ends_with_130(shell, monkeypatch):
    failing(monkeypatch, KeyboardInterrupt())

    code, _, err = shell("version")

    assert code == 130
    assert "Traceback" not in err


@pytest.mark.parametrize(("name", "said"), [("SIGINT", "interrupted"), ("SIGTERM", "terminated")])
def test_signals_end_the_command_in_order(name, said, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(f"import os, signal\nos.kill(os.getpid(), signal.{name})\n")
    command = [sys.executable, "-m", "slopec", "compile", str(program)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr.strip()) == (128 + getattr(signal, name), said)


def test_a_fault_of_ours_leaves_its_traceback_in_a_file(shell, monkeypatch, tmp_path):
    monkeypatch.setattr(errors, "_log_folders", lambda: [tmp_path / "faults"])
    failing(monkeypatch, ZeroDivisionError("unforeseen"))

    code, _, err = shell("version")

    assert code == 70
    assert "error[S0499]: internal error" in err
    assert "ZeroDivisionError: unforeseen" in err
    (log,) = (tmp_path / "faults").iterdir()
    assert str(log) in err
    assert "Traceback" in log.read_text()


def test_a_traceback_is_there_for_who_asks(shell, monkeypatch):
    monkeypatch.setenv("SLOPEC_TRACEBACK", "1")
    failing(monkeypatch, ZeroDivisionError("unforeseen"))

    with pytest.raises(ZeroDivisionError):
        shell("version")


@pytest.mark.parametrize("place", ["before", "after"])
@pytest.mark.parametrize(("option", "said"), [("-q", ""), ("", "info\n"), ("-v", "info\ndetail\n")])
def test_verbosity_is_set_before_or_after_the_command(shell, monkeypatch, place, option, said):
    @click.command(cls=group.Command)
    @click.pass_obj
    def command(ui: Ui) -> None:
        ui.data("data")
        ui.info("info")
        ui.detail("detail")

    monkeypatch.setattr("slopec.cli.version.command", command)
    arguments = [option, "version"] if place == "before" else ["version", option]

    assert shell(*filter(None, arguments)) == (0, "data\n", said)


def test_colour_only_where_it_is_wanted(shell, monkeypatch):
    plain = shell("rnu")[2]
    assert "\x1b[" not in plain

    monkeypatch.setenv("FORCE_COLOR", "1")
    coloured = shell("rnu")[2]
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain

    monkeypatch.setenv("NO_COLOR", "1")
    assert shell("rnu")[2] == plain


def test_tables_align(capsys):
    Ui().table(("name", "size"), [("a", "1"), ("longer", "22")])

    assert capsys.readouterr().out == "name    size\na       1\nlonger  22\n"


def test_explain_shows_texts_of_slopec_and_of_the_runtime(shell):
    listed = shell("explain")[1]

    assert "S0401  the command does not exist" in listed
    for code in ("s0401", "S0503"):
        status, text, _ = shell("explain", code)
        assert status == 0
        assert text.startswith("# ")
        assert text.splitlines()[0].removeprefix("# ") in listed


def test_version_names_what_matters(shell):
    out = shell("version")[1]

    for name in ("slopec", "iree-base-compiler", "python", "system"):
        assert re.search(rf"^{name} +\S", out, re.MULTILINE)
    assert re.fullmatch(r"slopec \d+\.\d+\.\d+\n", shell("--version")[1])


def test_targets_lists_every_back_end(shell):
    code, out, _ = shell("targets")
    rows = {line.split()[0]: line for line in out.splitlines()}

    assert code == 0
    assert set(rows) == {"target", *BACKENDS}
    assert re.search(r" yes ", rows["llvm-cpu"])
    assert "rtx4090" in shell("targets", "-v")[1]


def test_cache_is_seen_and_emptied(shell, monkeypatch, tmp_path):
    monkeypatch.setenv("SLOPEC_CACHE_DIR", str(tmp_path))
    held = cache.artifacts()
    for name in ("a", "b"):
        held.write(cache.key([name]), {}, bytes(1000))

    shown = shell("cache", "info")[1]
    cleared = shell("cache", "clear")

    assert re.search(r"^entries +2$", shown, re.MULTILINE)
    assert str(tmp_path) in shown
    assert cleared[0] == 0
    assert cleared[2].startswith("removed 2 entries, 2.")
    assert held.info().entries == 0


def test_a_reader_that_stops_early_is_no_error():
    program = "import sys; from slopec.cli import main;sys.exit(main(['explain']))"
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-c", program], stdout=writing, stderr=subprocess.PIPE, check=False
    )
    os.close(writing)

    assert (done.returncode, done.stderr) == (0, b"")


def test_the_process_ends_with_the_exit_code():
    done = process("rnu", env={**os.environ, "NO_COLOR": "1"})

    assert done.returncode == 2
    assert done.stderr.startswith("error[S0401]")


def test_completion_knows_commands_and_codes():
    environment = {**os.environ, "_SLOPEC_COMPLETE": "bash_complete"}

    commands = process(env={**environment, "COMP_WORDS": "slopec ex", "COMP_CWORD": "1"})
    codes = process(env={**environment, "COMP_WORDS": "slopec explain s040", "COMP_CWORD": "2"})

    assert commands.stdout.strip() == "plain,explain"
    assert "plain,S0401" in codes.stdout


def test_what_click_calls_is_on_no_line_of_the_user():
    command = click.Command("here", callback=tracing.here)
    assert command.main([], standalone_mode=False) is None
