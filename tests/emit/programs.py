"""Small modules that IREE compiles, refuses, or crashes on; the last are its known faults."""

PLACE = 'loc("model.py":12:9 to :22)'


def function(body: str, *arguments: str, result: str) -> bytes:
    """A module of one public function `main`; its results are %0."""
    given = ", ".join(f"%a{i}: {type_}" for i, type_ in enumerate(arguments))
    text = f"func.func @main({given}) -> {result} {{\n{body}\n  return %0 : {result}\n}}"
    return text.encode()


def scaled(factor: float, place: str = PLACE) -> bytes:
    """Four numbers times a factor: programs that differ as much as one likes."""
    return function(
        f"  %c = stablehlo.constant dense<{factor:e}> : tensor<4xf32>\n"
        f"  %0 = stablehlo.multiply %a0, %c : tensor<4xf32> {place}",
        "tensor<4xf32>",
        result="tensor<4xf32>",
    )


def product(m: int, k: int, n: int, dtype: str = "f32") -> bytes:
    """A matrix product."""
    left, right, out = f"tensor<{m}x{k}x{dtype}>", f"tensor<{k}x{n}x{dtype}>", f"{m}x{n}x{dtype}"
    return function(
        f"  %0 = stablehlo.dot_general %a0, %a1, contracting_dims = [1] x [0] "
        f": ({left}, {right}) -> tensor<{out}> {PLACE}",
        left,
        right,
        result=f"tensor<{out}>",
    )


def unary(op: str, type_: str, place: str = PLACE) -> bytes:
    """One elementwise operation."""
    return function(f"  %0 = {op} %a0 : {type_} {place}", type_, result=type_)


CRASHES = product(2, 0, 3)
"""Dividing by the length of an empty sum, IREE ends with SIGFPE."""

UNSUPPORTED = unary("stablehlo.cholesky", "tensor<4x4xf32>")

SINE64 = unary("stablehlo.sine", "tensor<8xf64>")

SINE64_AND_PRODUCT = b"""
func.func @main(%x: tensor<8xf64>, %a: tensor<64x64xf32>, %b: tensor<64x64xf32>)
    -> (tensor<8xf64>, tensor<64x64xf32>) {
  %0 = stablehlo.sine %x : tensor<8xf64>
  %1 = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0]
    : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
  return %0, %1 : tensor<8xf64>, tensor<64x64xf32>
}"""

DEPTHWISE = function(
    "  %0 = stablehlo.convolution(%a0, %a1) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], "
    "window = {} {batch_group_count = 1 : i64, feature_group_count = 8 : i64} "
    ": (tensor<2x8x8x8xf64>, tensor<3x3x1x8xf64>) -> tensor<2x6x6x8xf64>",
    "tensor<2x8x8x8xf64>",
    "tensor<3x3x1x8xf64>",
    result="tensor<2x6x6x8xf64>",
)
"""No kernel takes it; as a matrix product it does not compile, as a convolution it does."""

NEGATED_SUM = function(
    "  %n = stablehlo.negate %a0 : tensor<64x256xf32>\n"
    "  %c = stablehlo.constant dense<0.0> : tensor<f32>\n"
    "  %0 = stablehlo.reduce(%n init: %c) applies stablehlo.add across dimensions = [1] "
    f": (tensor<64x256xf32>, tensor<f32>) -> tensor<64xf32> {PLACE}",
    "tensor<64x256xf32>",
    result="tensor<64xf32>",
)
"""A sum that IREE cannot spread over the threads of a GPU."""


def slow(products: int = 60) -> bytes:
    """Many products of different sizes, which take IREE several seconds."""
    lines = []
    for i in range(products):
        size = 33 + i
        lines += [
            f"  %z{i} = stablehlo.constant dense<1.0> : tensor<32x{size}xf32>",
            (
                f"  %p{i} = stablehlo.dot_general %a0, %z{i}, contracting_dims = [1] x [0] "
                f": (tensor<32x32xf32>, tensor<32x{size}xf32>) -> tensor<32x{size}xf32>"
            ),
            (
                f"  %s{i} = stablehlo.slice %p{i} [0:32, 0:32] "
                f": (tensor<32x{size}xf32>) -> tensor<32x32xf32>"
            ),
        ]
    total = "%s0"
    for i in range(1, products):
        name = "%0" if i == products - 1 else f"%t{i}"
        lines.append(f"  {name} = stablehlo.maximum {total}, %s{i} : tensor<32x32xf32>")
        total = name
    return function("\n".join(lines), "tensor<32x32xf32>", result="tensor<32x32xf32>")
