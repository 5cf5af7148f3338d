"""NVIDIA's GPUs by generation, name and card, and the newest code that IREE can make for each.

PTX is forward compatible: a driver compiles the PTX of an older generation for a newer one when the
program is loaded. So a GPU that IREE has no code generator for gets the newest that it has.
"""

from slopec.diagnostics import UsageError, did_you_mean

DEFAULT = "sm_80"

# What IREE 3.13 generates, each with the names that mean it.
NATIVE = {
    "sm_60": ("pascal", "p100"),
    "sm_61": ("gtx1080", "gtx1080ti", "p4", "p40"),
    "sm_62": ("tx2",),
    "sm_70": ("volta", "v100", "titanv"),
    "sm_72": ("xavier",),
    "sm_75": ("turing", "t4", "rtx2060", "rtx2070", "rtx2080", "rtx2080ti", "rtx20"),
    "sm_80": ("ampere", "a100", "a30"),
    "sm_86": (
        *("a10", "a10g", "a16", "a40", "rtxa4000", "rtxa5000", "rtxa6000", "rtx30"),
        *("rtx3060", "rtx3070", "rtx3070ti", "rtx3080", "rtx3080ti", "rtx3090", "rtx3090ti"),
    ),
    "sm_87": ("orin",),
    "sm_89": (
        *("ada", "l4", "l40", "l40s", "rtx6000ada", "rtx40"),
        *("rtx4060", "rtx4070", "rtx4070ti", "rtx4080", "rtx4090"),
    ),
    "sm_120": ("rtx5060", "rtx5070", "rtx5070ti", "rtx5080", "rtx5090", "rtx50", "rtxpro6000"),
    "sm_121": ("gb10",),
}
# What it does not, each with its name in prose and the names that mean it.
NEWER = {
    "sm_90": ("Hopper", ("sm_90a", "hopper", "h100", "h200", "h800", "h20", "gh200")),
    "sm_100": ("Blackwell", ("sm_100a", "blackwell", "b100", "b200", "gb200")),
    "sm_103": ("Blackwell Ultra", ("sm_103a", "b300", "gb300")),
    "sm_110": ("Thor", ("sm_101", "thor")),
}
NEWEST_PORTABLE = "sm_89"
"""The newest PTX that all of `NEWER` take: sm_120 is for newer devices than they are."""

_NATIVE_NAMES = {name: arch for arch, names in NATIVE.items() for name in (arch, *names)}
_NEWER_NAMES = {name: arch for arch, (_, names) in NEWER.items() for name in (arch, *names)}


def cuda_architecture(name: str | None) -> tuple[str, tuple[str, ...]]:
    """The generation to make code for, and what the user should know about that choice.

    Upper case and punctuation do not matter. Raises UsageError S0421 for an unknown name.

    >>> cuda_architecture("RTX 4090")
    ('sm_89', ())
    >>> arch, notes = cuda_architecture("h100")
    >>> arch, notes[0][:43]
    ('sm_89', 'IREE has no code generator for sm_90 (Hoppe')
    """
    if name is None:
        return DEFAULT, (
            f"compiled for {DEFAULT} (Ampere), which newer GPUs run too; choose with --arch",
        )
    key = name.lower().replace(" ", "").replace("-", "").replace("sm_", "sm").replace("sm", "sm_")
    if key in _NATIVE_NAMES:
        return _NATIVE_NAMES[key], ()
    if key in _NEWER_NAMES:
        arch = _NEWER_NAMES[key]
        note = (
            f"IREE has no code generator for {arch} ({NEWER[arch][0]}): the artifact holds PTX for "
            f"{NEWEST_PORTABLE}, which the driver compiles for {arch} when it loads"
        )
        return NEWEST_PORTABLE, (note,)
    by_number = key.removeprefix("sm_").isdigit()
    close = did_you_mean(key, [*_NATIVE_NAMES, *_NEWER_NAMES])
    raise UsageError(
        "S0421",
        f"cuda does not compile for `{name}`",
        notes=(
            f"generations: {', '.join([*NATIVE, *NEWER])}",
            "or a card by name, such as a100, h100, rtx4090",
        ),
        hint=f"the oldest is {next(iter(NATIVE))}" if by_number else close,
    )
