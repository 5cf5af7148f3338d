"""Uniform quantisation: q = round(x / scale) + zero point, kept as integers of the storage type."""

import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from slopec import dtypes, ir
from slopec.dtypes import DType
from slopec.reference.table import Array, Kernel, cannot, result_dtype, rule

_ELEMENT = re.compile(
    r"!quant\.uniform<(?P<storage>[iu]+\d+)(?:<(?P<low>-?\d+):(?P<high>-?\d+)>)?:(?P<real>\w+)"
    r"(?::(?P<axis>\d+), \{(?P<many>[^}]*)\}|, (?P<one>[^>]*))>"
)


@dataclass(frozen=True)
class Quantized:
    """An element type `!quant.uniform<…>`, per tensor or per slice along `axis`."""

    storage: DType
    low: int
    high: int
    real: DType
    axis: int | None
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]

    def parameters(self, rank: int) -> tuple[Array, Array]:
        """Scales and zero points, shaped to meet a tensor of `rank` dimensions."""
        shape = () if self.axis is None else (-1,) + (1,) * (rank - self.axis - 1)
        return np.array(self.scales).reshape(shape), np.array(self.zero_points).reshape(shape)

    def quantize(self, x: Array) -> Array:
        """Real values to the nearest stored ones."""
        scale, zero = self.parameters(x.ndim)
        steps = np.rint(x.astype(np.float64) / scale) + zero
        stored: Array = np.clip(np.nan_to_num(steps), self.low, self.high)
        return stored.astype(self.storage)

    def dequantize(self, x: Array) -> Array:
        """Stored values to the real ones they stand for."""
        scale, zero = self.parameters(x.ndim)
        real: Array = (x.astype(np.float64) - zero) * scale
        return real.astype(self.real)


@lru_cache(maxsize=1024)
def quantized(text: str) -> Quantized | None:
    """The quantised element type in the text of a tensor type."""
    match = _ELEMENT.search(text)
    if match is None:
        return None
    name = match["storage"]
    kind, bits = ("uint" if name[0] == "u" else "int"), int(name.lstrip("iu"))
    storage = np.dtype(f"{kind}{max(8, bits)}")
    low, high = (0, 2**bits - 1) if kind == "uint" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    pairs = [pair.partition(":") for pair in (match["many"] or match["one"]).split(",")]
    return Quantized(
        storage,
        int(match["low"] or low),
        int(match["high"] or high),
        dtypes.FROM_MLIR[match["real"]],
        int(match["axis"]) if match["axis"] else None,
        tuple(float(scale) for scale, _, _ in pairs),
        tuple(int(zero or 0) for _, _, zero in pairs),
    )


@rule("stablehlo.uniform_quantize")
def uniform_quantize(op: ir.Operation) -> Kernel:
    """Stored integers for real values, or for values quantised otherwise."""
    result = quantized(str(op.results[0].type))
    source = quantized(str(op.operands[0].type))
    if result is None:
        raise cannot(op, f"the type {op.results[0].type}")
    if source is None:
        return result.quantize
    return lambda x: result.quantize(source.dequantize(x))


@rule("stablehlo.uniform_dequantize")
def uniform_dequantize(op: ir.Operation) -> Kernel:
    """The real values that stored integers stand for."""
    source = quantized(str(op.operands[0].type))
    if source is None:
        raise cannot(op, f"the type {op.operands[0].type}")
    dtype = result_dtype(op)
    return lambda x: source.dequantize(x).astype(dtype)
