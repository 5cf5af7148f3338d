"""The StableHLO dialect: every op with the specification's names for its operands."""

from slopec.dialects._views import register

OPERANDS = register(
    "stablehlo",
    """
abs operand
add lhs rhs
after_all *inputs
all_gather *operands
all_reduce *operands
all_to_all *operands
and lhs rhs
async_done operand
async_start *inputs
atan2 lhs rhs
batch_norm_grad operand scale mean variance grad_output
batch_norm_inference operand scale offset mean variance
batch_norm_training operand scale offset
bitcast_convert operand
broadcast operand
broadcast_in_dim operand
case index
cbrt operand
ceil operand
cholesky a
clamp min operand max
collective_broadcast operand
collective_permute operand
collective_reduce *operands
compare lhs rhs
complex lhs rhs
composite *inputs
concatenate *inputs
constant
convert operand
convolution lhs rhs
cosine operand
count_leading_zeros operand
create_token
cross-replica-sum operand
custom_call *inputs
divide lhs rhs
dot lhs rhs
dot_general lhs rhs
dynamic_broadcast_in_dim operand output_dimensions
dynamic_conv lhs rhs padding
dynamic_gather operand start_indices slice_sizes
dynamic_iota output_shape
dynamic_pad operand padding_value edge_padding_low edge_padding_high interior_padding
dynamic_reshape operand output_shape
dynamic_slice operand *start_indices
dynamic_update_slice operand update *start_indices
einsum lhs rhs
exponential operand
exponential_minus_one operand
fft operand
floor operand
gather operand start_indices
get_dimension_size operand
get_tuple_element operand
if pred
imag operand
infeed token
iota
is_finite operand
log operand
log_plus_one operand
logistic operand
map *inputs
maximum lhs rhs
minimum lhs rhs
multiply lhs rhs
negate operand
not operand
optimization_barrier *operands
or lhs rhs
outfeed *inputs
pad operand padding_value
partition_id
popcnt operand
power lhs rhs
real operand
real_dynamic_slice operand start_indices limit_indices strides
recv token
reduce *inputs_and_init_values
reduce_precision operand
reduce_scatter operand
reduce_window *inputs_and_init_values
remainder lhs rhs
replica_id
reshape operand
return *results_
reverse operand
rng a b shape
rng_bit_generator initial_state
round_nearest_afz operand
round_nearest_even operand
rsqrt operand
scatter *operands
select pred on_true on_false
select_and_scatter operand source init_value
send *inputs
set_dimension_size operand size
shift_left lhs rhs
shift_right_arithmetic lhs rhs
shift_right_logical lhs rhs
sign operand
sine operand
slice operand
sort *inputs
sqrt operand
subtract lhs rhs
tan operand
tanh operand
torch_index_select operand index
transpose operand
triangular_solve a b
tuple *val
unary_einsum operand
uniform_dequantize operand
uniform_quantize operand
while *operand
xor lhs rhs
""",
)
