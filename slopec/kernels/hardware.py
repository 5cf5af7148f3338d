"""What kernels need to know of a processor: how wide its vectors are, and how many it holds."""

from dataclasses import dataclass

from slopec.dtypes import DType
from slopec.targets import Target


@dataclass(frozen=True)
class Vectors:
    """A vector register's bytes, and how many registers there are."""

    bytes: int
    registers: int

    def lanes(self, dtype: DType) -> int:
        """How many numbers a register holds."""
        return self.bytes // dtype.itemsize


def vectors_of(target: Target) -> Vectors | None:
    """The vectors of a resolved target; None where there is no use for kernels.

    >>> vectors_of(Target("llvm-cpu", "x86_64", features=("avx2", "fma")))
    Vectors(bytes=32, registers=16)
    >>> vectors_of(Target("cuda", "sm_80"))
    """
    if target.name != "llvm-cpu":
        return None
    if target.arch == "aarch64":  # Advanced SIMD belongs to the architecture
        return Vectors(16, 32)
    has = set(target.features)
    if target.arch != "x86_64" or "fma" not in has:
        return None
    return Vectors(64, 32) if "avx512f" in has else Vectors(32, 16)
