"""Ops without a derivative: random bits, tokens, places in a process grid; and the barrier."""

from collections.abc import Sequence

from slopec import hlo
from slopec.transforms.rule import Point, Tangent, derivatives, not_differentiable, unsupported

not_differentiable(
    "chlo.constant",
    "chlo.constant_like",
    "chlo.mulhi",
    "stablehlo.after_all",
    "stablehlo.create_token",
    "stablehlo.dynamic_iota",
    "stablehlo.infeed",
    "stablehlo.outfeed",
    "stablehlo.partition_id",
    "stablehlo.replica_id",
    "stablehlo.return",
    "stablehlo.rng",
    "stablehlo.rng_bit_generator",
)

unsupported(
    "stablehlo.async_done",
    "stablehlo.async_start",
    why="runs beside other ops and has no derivative rule",
    hint="differentiate the program before its ops are made asynchronous",
)
unsupported(
    "stablehlo.recv",
    "stablehlo.send",
    why="exchanges data with a program that is not known here",
    hint="use collective_permute, whose derivative sends cotangents back",
)
unsupported(
    "stablehlo.collective_reduce",
    why="leaves a result on one process of a group only",
    hint="use all_reduce",
)
unsupported(
    "stablehlo.uniform_dequantize",
    "stablehlo.uniform_quantize",
    why="rounds to a few values and has no derivative",
    hint="differentiate the float program and quantize afterwards, or give a straight-through "
    "derivative with `sp.custom_vjp`",
)
unsupported(
    "stablehlo.set_dimension_size",
    why="makes a dimension whose size is known only at run time",
    hint="pad to a fixed size and mask",
)
unsupported(
    "chlo._asin_acos_kernel",
    why="is an intermediate of a lowering",
    hint="differentiate the program while it still has chlo.asin and chlo.acos",
)


def _together(point: Point, tangents: Sequence[Tangent]) -> Sequence[Tangent]:
    """Tangents that exist wait for one another, as the values do."""
    given = [(i, t) for i, t in enumerate(tangents) if t is not None]
    passed = hlo.optimization_barrier([t for _, t in given])
    found = dict(zip([i for i, _ in given], passed, strict=True))
    return [found.get(i) for i in range(len(tangents))]


derivatives("stablehlo.optimization_barrier", jvp=_together, vjp=_together)
