"""Single operations: products, elementwise chains, reductions, convolutions, a factorization."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks.programs import Arrays, Draw, Program


def _next(o: Any, p: Any, s: Any, x: Any) -> Any:
    return x + 1.0


def _matmul(o: Any, p: Any, s: Any, a: Any, b: Any) -> Any:
    return a @ b


def _matrices(draw: Draw, s: SimpleNamespace) -> Arrays:
    return {"a": draw.normal(s.n, s.n), "b": draw.normal(s.n, s.n)}


def _elementwise(o: Any, p: Any, s: Any, x: Any, y: Any, z: Any) -> Any:
    return o.tanh(x * y + z) * o.exp(-(x * x)) + o.sqrt(z * z + y * y)


def _softmax(o: Any, p: Any, s: Any, x: Any) -> Any:
    return o.softmax(x)


def _norm(o: Any, p: Any, s: Any, x: Any) -> Any:
    return o.norm(x, p["weight"], p["bias"])


def _rows(draw: Draw, s: SimpleNamespace) -> Arrays:
    return {"x": draw.normal(s.rows, s.width)}


def _scale(draw: Draw, s: SimpleNamespace) -> Arrays:
    return {"weight": 1 + draw.normal(s.width, scale=0.1), "bias": draw.normal(s.width)}


def _conv(o: Any, p: Any, s: Any, x: Any) -> Any:
    return o.conv(x, p["weight"], padding=1)


def _kernel(draw: Draw, s: SimpleNamespace) -> Arrays:
    return {"weight": draw.weight(s.channels, s.channels, 3, 3)}


def _images(draw: Draw, s: SimpleNamespace) -> Arrays:
    return {"x": draw.normal(s.batch, s.channels, s.size, s.size)}


def _solve(o: Any, p: Any, s: Any, a: Any, b: Any) -> Any:
    return o.solve_spd(a, b)


def _positive(draw: Draw, s: SimpleNamespace) -> Arrays:
    half = draw.normal(s.n, s.n)
    a = half @ half.T / s.n + np.eye(s.n, dtype=np.float32)
    return {"a": a, "b": draw.normal(s.n, s.columns)}


def _convolution(batch: int, channels: int, size: int) -> Program:
    return Program(
        f"conv-{channels}x{size}",
        f"3×3 convolution, {batch}×{channels}×{size}²",
        _conv,
        _images,
        _kernel,
        sizes={"batch": batch, "channels": channels, "size": size},
        tiny={"batch": 2, "channels": 4, "size": 6},
    )


def _triad(draw: Draw, s: SimpleNamespace) -> Arrays:
    return {name: draw.normal(s.n) for name in "xyz"}


ROWS = [
    Program("call", "x + 1 of four numbers", _next, lambda draw, s: {"x": draw.normal(4)}, tiny={}),
    *(
        Program(
            f"matmul-{n}",
            f"matrix product, {n}³",
            _matmul,
            _matrices,
            sizes={"n": n},
            tiny={"n": 16},
        )
        for n in (256, 1024, 2048)
    ),
    Program(
        "elementwise",
        "elementwise chain, 3 × 4 million",
        _elementwise,
        _triad,
        sizes={"n": 1 << 22},
        tiny={"n": 100},
    ),
    Program(
        "softmax",
        "softmax, 4096×1024",
        _softmax,
        _rows,
        sizes={"rows": 4096, "width": 1024},
        tiny={"rows": 4, "width": 8},
    ),
    Program(
        "layer-norm",
        "layer norm, 4096×1024",
        _norm,
        _rows,
        _scale,
        sizes={"rows": 4096, "width": 1024},
        tiny={"rows": 4, "width": 8},
    ),
    _convolution(32, 16, 32),
    _convolution(32, 64, 8),
    _convolution(8, 64, 56),
    Program(
        "cholesky-solve",
        "Cholesky solve, 512², 16 right-hand sides",
        _solve,
        _positive,
        sizes={"n": 512, "columns": 16},
        tiny={"n": 8, "columns": 2},
    ),
]
