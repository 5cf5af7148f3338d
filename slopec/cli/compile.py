"""`slopec compile`: a model file, or a StableHLO module, becomes an artifact per target."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from slopec.cli.files import MODULE, PROGRAM, WEIGHTS, existing
from slopec.cli.group import Command
from slopec.cli.ui import Ui
from slopec.cli.watching import Watch, watched
from slopec.diagnostics import UsageError

if TYPE_CHECKING:
    from slopec.build import Artifact
    from slopec.lower import Lowered
    from slopec.targets import Target
    from slopec.variants import Variant

STAGES = ("stablehlo", "grad", "optimized")


@click.command(cls=Command)
@click.argument("source", metavar="FILE[:PROGRAM]")
@click.option(
    "--target",
    "-t",
    default="llvm-cpu",
    show_default=True,
    metavar="NAMES",
    help="llvm-cpu, cuda, metal, vmvx; several with commas.",
)
@click.option("--arch", metavar="ARCH", help="GPU generation (sm_80, a100, h100) or architecture.")
@click.option("--cpu", metavar="CPU", help="Processor for llvm-cpu: host, generic, x86-64-v3 …")
@click.option(
    "--params",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Weights from a .safetensors file, by dotted name (model.fc1.weight).",
)
@click.option(
    "--dim",
    "dims",
    multiple=True,
    metavar="NAME=N,…",
    help="Sizes to compile a symbolic dimension for. Repeat for each.",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Seed of the weights that no file gives."
)
@click.option("--emit", "stage", type=click.Choice(STAGES), help="Print that stage and stop.")
@click.option("--passes", "-p", metavar="PIPELINE", help="Optimisation passes instead of slopec's.")
@click.option("--amp", metavar="DTYPE", help="Multiply matrices in bfloat16 or float16.")
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="The artifact, or the folder for several.",
)
@click.option("--fat", is_flag=True, help="One artifact that holds all the targets.")
@watched
@click.option("--no-cache", is_flag=True, help="Compile even what was compiled before.")
@click.option(
    "--carry-stablehlo/--no-carry-stablehlo",
    default=None,
    help="Keep the traced module in the artifact, to be differentiated; by default when small.",
)
@click.option(
    "--tune",
    "seconds",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="First measure other ways to compile; see `slopec tune`.",
)
@click.option(
    "--tuned",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Compile as was fastest when tuned; with --tune, keep the results there.",
)
@click.pass_obj
def command(
    ui: Ui,
    source: str,
    target: str,
    arch: str | None,
    cpu: str | None,
    params: Path | None,
    dims: Sequence[str],
    seed: int,
    stage: str | None,
    passes: str | None,
    amp: str | None,
    output: Path | None,
    fat: bool,
    watch: Watch,
    no_cache: bool,
    carry_stablehlo: bool | None,
    seconds: float | None,
    tuned: Path | None,
) -> None:
    """Compile every function marked with `@sp.program` in FILE, or only PROGRAM.

    \b
    slopec compile models/mlp.py --target llvm-cpu,cuda,metal
    slopec compile models/gpt.py:predict --params gpt.safetensors --dim batch=1,8
    slopec compile models/mlp.py --emit optimized

    FILE may also be a StableHLO module (.mlir text or .mlirbc bytecode), whose public functions
    become the entries. Artifacts are written to the current folder unless --output says otherwise.
    """
    from slopec import emit
    from slopec.targets import fat as joined
    from slopec.targets import parse_targets

    targets = parse_targets(target, arch=arch, cpu=cpu)
    if stage is None:
        emit.warm(*targets)
    if fat:
        targets = [joined(targets)]
    lowered = lowered_from(source, params, sizes_of(dims), seed)
    if amp is not None:
        from slopec.build import OPTIMIZE

        passes = f"amp{{dtype={amp}}},{OPTIMIZE if passes is None else passes}"
    if stage is not None:
        from slopec.build import transform

        transform(lowered.module, stage, pipeline=passes, observer=watch.observer)
        ui.data(str(lowered.module).rstrip())
        watch.report(ui)
        return
    from slopec.build import build

    def made(chosen: "Sequence[Target]", variant: "Variant | None" = None) -> "list[Artifact]":
        return build(
            lowered,
            chosen,
            options=emit.EmitOptions(cache=not no_cache),
            pipeline=passes,
            observer=watch.observer,
            carry_stablehlo=carry_stablehlo,
            variant=variant,
        )

    if seconds is None and tuned is None:
        artifacts = made(targets)
    else:
        from slopec.cli.tune import variant_for

        found = [variant_for(ui, lowered, one, seconds, tuned, passes) for one in targets]
        artifacts = [made([one], v)[0] for one, v in zip(targets, found, strict=True)]
    watch.report(ui)
    for artifact in artifacts:
        path = _path(lowered.name, artifact, output, several=len(artifacts) > 1)
        artifact.save(path)
        _tell(ui, artifact, path)


def _tell(ui: Ui, artifact: "Artifact", path: Path) -> None:
    """The path on stdout; what to know about it on stderr."""
    for diagnostic in artifact.diagnostics:
        ui.diagnostic(str(diagnostic))
    for note in artifact.target.notes:
        ui.info(f"note: {note}")
    how = "from the cache" if artifact.cached else f"in {artifact.seconds:.1f} s"
    ui.info(f"{artifact.target.name}: {len(artifact.data):,} bytes, {how}")
    ui.data(str(path))


def _path(name: str, artifact: "Artifact", output: Path | None, *, several: bool) -> Path:
    """Where to write an artifact: next to the others when there are several."""
    stem = f"{name}.{artifact.target.name}.vmfb" if several else f"{name}.vmfb"
    if output is None:
        return Path(stem)
    if several or output.is_dir():
        output.mkdir(parents=True, exist_ok=True)
        return output / stem
    output.parent.mkdir(parents=True, exist_ok=True)
    return output


def sizes_of(dims: Sequence[str]) -> dict[str, list[int]]:
    """`--dim batch=1,32` as {"batch": [1, 32]}."""
    result: dict[str, list[int]] = {}
    for text in dims:
        name, _, sizes = text.partition("=")
        parts = [part.strip() for part in sizes.split(",")]
        if not name.isidentifier() or not all(part.isdigit() for part in parts):
            raise UsageError(
                "S0412",
                f"`--dim {text}` is not of the form NAME=SIZE,SIZE…",
                hint="write it as `--dim batch=1,32`",
            )
        result[name] = [int(part) for part in parts]
    return result


def lowered_from(
    source: str, params: Path | None, dims: Mapping[str, Sequence[int]], seed: int
) -> "Lowered":
    """The program that `FILE[:PROGRAM]` names, traced, or read where FILE is a module."""
    path, _, wanted = source.partition(":")
    file = existing(Path(path), PROGRAM, MODULE)
    if file.suffix in MODULE.endings:
        from slopec.imported import lower_file

        return lower_file(file, wanted or None, dims)
    import slopec
    from slopec import programs
    from slopec.lower import lower

    slopec.manual_seed(seed)
    module = programs.load_file(file)
    chosen = programs.select(module, wanted or None, path)
    arrays = None
    if params is not None:
        from slopec.train.checkpoint import read_arrays

        arrays = read_arrays(existing(params, WEIGHTS))
    return lower(chosen, name=file.stem, params=arrays, dims=dims)
