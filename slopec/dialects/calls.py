"""Factorizations of matrices, which StableHLO has no ops for: calls that every stage knows.

A call `stablehlo.custom_call @slopec.lu` has derivatives, a batch rule and an evaluator, and
becomes loops and products where IREE compiles it. Matrices are in the last two dimensions.
"""

OPERANDS: dict[str, tuple[str, ...]] = {
    "slopec.lu": ("a",),
    "slopec.householder": ("a",),
    "slopec.householder_product": ("packed", "taus"),
    "slopec.qr": ("a",),
    "slopec.eigh": ("a",),
    "slopec.svd": ("a",),
}
"""The operands of each call; `slopec.hlo.factor` says what they return."""
