"""Element types that NumPy lacks: refused where arrays would come in or go out, and inside too."""

from collections.abc import Iterator

import numpy as np

from tests.sweep.case import Case

INTEGERS = ("i2", "i4", "ui2", "ui4")
FLOATS = (
    *("f4E2M1FN", "f6E2M3FN", "f6E3M2FN", "f8E3M4", "f8E4M3", "f8E4M3B11FNUZ"),
    *("f8E4M3FNUZ", "f8E5M2FNUZ", "f8E8M0FNU"),
)
X = np.array([0.0, 1.0, 1.0, 0.0], np.float32)


def cases() -> Iterator[Case]:
    for name in (*INTEGERS, *FLOATS):
        kind = f"tensor<4x{name}>"
        given = f"func.func @main(%0: {kind}) -> {kind} {{\nreturn %0 : {kind}\n}}\n"
        yield Case(f"argument/{name}", given, (X,), (X,), ("float32",), refusal="S0434")
        inside = (
            f"func.func @main(%0: tensor<4xf32>) -> tensor<4xf32> {{\n"
            f"%m = stablehlo.convert %0 : (tensor<4xf32>) -> {kind}\n"
            f"%s = stablehlo.add %m, %m : {kind}\n"
            f"%r = stablehlo.convert %s : ({kind}) -> tensor<4xf32>\n"
            "return %r : tensor<4xf32>\n}\n"
        )
        yield Case(f"inside/{name}", inside, (X,), (X + X,), ("float32",), refusal="S0434")
