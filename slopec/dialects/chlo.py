"""The CHLO dialect: client ops that frameworks emit beside StableHLO's."""

from slopec.dialects._views import register

OPERANDS = register(
    "chlo",
    """
_asin_acos_kernel operand
acos operand
acosh operand
asin operand
asinh operand
atan operand
atanh operand
bessel_i1e operand
broadcast_add lhs rhs
broadcast_and lhs rhs
broadcast_atan2 lhs rhs
broadcast_compare lhs rhs
broadcast_complex lhs rhs
broadcast_divide lhs rhs
broadcast_maximum lhs rhs
broadcast_minimum lhs rhs
broadcast_multiply lhs rhs
broadcast_next_after lhs rhs
broadcast_or lhs rhs
broadcast_polygamma lhs rhs
broadcast_power lhs rhs
broadcast_remainder lhs rhs
broadcast_select pred on_true on_false
broadcast_shift_left lhs rhs
broadcast_shift_right_arithmetic lhs rhs
broadcast_shift_right_logical lhs rhs
broadcast_subtract lhs rhs
broadcast_xor lhs rhs
broadcast_zeta lhs rhs
conj operand
constant
constant_like operand
cosh operand
digamma operand
erf operand
erf_inv operand
erfc operand
is_inf operand
is_neg_inf operand
is_pos_inf operand
lgamma operand
mulhi lhs rhs
next_after x y
polygamma n x
ragged_dot lhs rhs group_sizes
scan *inputs
sinh operand
square operand
tan operand
top_k operand
zeta x q
""",
)
