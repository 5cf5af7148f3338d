"""What StableHLO has no ops for: calls that every stage knows.

A call `stablehlo.custom_call @slopec.lu` has derivatives, a batch rule and an evaluator, and
becomes loops and products where IREE compiles it. Matrices are in the last two dimensions.
"""

FACTORIZATIONS: dict[str, tuple[str, ...]] = {
    "slopec.lu": ("a",),
    "slopec.householder": ("a",),
    "slopec.householder_product": ("packed", "taus"),
    "slopec.qr": ("a",),
    "slopec.eig": ("a",),
    "slopec.eigh": ("a",),
    "slopec.svd": ("a",),
}
"""`slopec.hlo.factor` says what they return."""

QUANTILES: dict[str, tuple[str, ...]] = {
    "slopec.gamma_quantile": ("x", "a"),
    "slopec.log_gamma_quantile": ("x", "a"),
}
"""The first operand, as a function of the parameters: `slopec.hlo.quantile`."""

OPERANDS = {**FACTORIZATIONS, **QUANTILES}
"""The operands of each call."""
