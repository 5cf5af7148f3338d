"""Files named on the command line: that they are there, and of a kind that the command takes.

A kind is told by the ending of the name. What has another ending, or the right one and something
else inside, is met by whoever reads it.
"""

from dataclasses import dataclass
from pathlib import Path

from slopec.diagnostics import UsageError, did_you_mean


@dataclass(frozen=True)
class Kind:
    """A kind of file: what it is called, how names of such files end, and what takes them."""

    name: str
    endings: tuple[str, ...]
    use: str


PROGRAM = Kind("a Python file", (".py",), "`slopec compile {path}` compiles its programs")
MODULE = Kind(
    "a StableHLO module",
    (".mlir", ".mlirbc", ".stablehlo"),
    "`slopec compile {path}` makes an artifact of it, `slopec opt` runs passes over it",
)
RECIPE = Kind("a recipe", (".toml",), "`slopec train {path}` trains it")
ARTIFACT = Kind(
    "an artifact",
    (".vmfb",),
    "`slopec info {path}` shows what it holds, `slopec run` calls it",
)
WEIGHTS = Kind(
    "a file of weights",
    (".safetensors",),
    "`slopec compile FILE --params {path}` compiles a program with them",
)
ARRAYS = Kind(
    "a file of arrays",
    (".npy", ".npz", ".csv"),
    "`slopec run ARTIFACT --input NAME=@{path}` calls a program with one",
)
ONNX = Kind("a model of ONNX", (".onnx",), "in a Python file, `sp.from_onnx({path!r})` reads it")
TORCH = Kind(
    "a file of PyTorch",
    (".pt", ".pth", ".pt2"),
    "in a Python file, `torch.load` and `sp.from_torch` take it over",
)
KINDS = (PROGRAM, MODULE, RECIPE, ARTIFACT, WEIGHTS, ARRAYS, ONNX, TORCH)


def existing(path: Path, *kinds: Kind) -> Path:
    """`path`, if it is a file that is there, and of no other kind than `kinds` where any are given.

    Raises `UsageError`: S0404 where there is none, S0405 for a folder or a device, S0406 for
    another kind.
    """
    if path.is_dir():
        raise UsageError("S0405", f"`{path}` is a folder, and a file is wanted")
    if path.is_char_device():  # some give as much as anybody reads
        raise UsageError("S0405", f"`{path}` is a device, and a file is wanted")
    if not path.exists():
        raise missing(path)
    found = next((kind for kind in KINDS if path.suffix.lower() in kind.endings), None)
    if not kinds or found is None or found in kinds:
        return path
    wanted = " or ".join(kind.name for kind in kinds)
    raise UsageError(
        "S0406",
        f"`{path}` is {found.name}, and {wanted} is wanted",
        hint=found.use.format(path=str(path)),
    )


def missing(path: Path) -> UsageError:
    """The error for a file that is not there, with the nearest name that is."""
    folder = path.parent
    message = f"there is no file `{path}`"
    if path.is_symlink():
        note = f"it is a link to `{path.readlink()}`, which leads nowhere"
        return UsageError("S0404", message, notes=(note,))
    if not folder.is_dir():
        return UsageError("S0404", message, notes=(f"there is no folder `{folder}` either",))
    close = did_you_mean(path.name, sorted(entry.name for entry in folder.iterdir()))
    return UsageError("S0404", message, hint=close)
