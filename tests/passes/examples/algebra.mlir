// Examples of the patterns in slopec/passes/simplify/algebra.py: a function, and as `.after` what becomes of it.
// A function whose variant begins with `kept` stays as it is.

func.func @constant_to_the_right(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c = stablehlo.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %0 = stablehlo.multiply %c, %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}

func.func @constant_to_the_right.after(%x: tensor<4xf32>) -> tensor<4xf32> {
  %cst = stablehlo.constant dense<[1.000000e+00, 2.000000e+00, 3.000000e+00, 4.000000e+00]> : tensor<4xf32>
  %0 = stablehlo.multiply %x, %cst : tensor<4xf32>
  return %0 : tensor<4xf32>
}

func.func @add_zero(%x: tensor<6xi32>) -> tensor<6xi32> {
  %c = stablehlo.constant dense<0> : tensor<6xi32>
  %0 = stablehlo.add %x, %c : tensor<6xi32>
  return %0 : tensor<6xi32>
}

func.func @add_zero.after(%x: tensor<6xi32>) -> tensor<6xi32> {
  return %x : tensor<6xi32>
}

func.func @add_zero.negative(%x: tensor<6xf32>) -> tensor<6xf32> {
  %c = stablehlo.constant dense<-0.0> : tensor<6xf32>
  %0 = stablehlo.add %x, %c : tensor<6xf32>
  return %0 : tensor<6xf32>
}

func.func @add_zero.negative.after(%x: tensor<6xf32>) -> tensor<6xf32> {
  return %x : tensor<6xf32>
}

func.func @add_zero.square(%x: tensor<6xf32>, %y: tensor<6xf32>) -> tensor<6xf32> {
  %c = stablehlo.constant dense<0.0> : tensor<6xf32>
  %0 = stablehlo.multiply %x, %x : tensor<6xf32>
  %1 = stablehlo.add %y, %0 : tensor<6xf32>
  %2 = stablehlo.add %1, %c : tensor<6xf32>
  return %2 : tensor<6xf32>
}

func.func @add_zero.square.after(%x: tensor<6xf32>, %y: tensor<6xf32>) -> tensor<6xf32> {
  %0 = stablehlo.multiply %x, %x : tensor<6xf32>
  %1 = stablehlo.add %y, %0 : tensor<6xf32>
  return %1 : tensor<6xf32>
}

func.func @add_zero.kept(%x: tensor<6xf32>) -> tensor<6xf32> {
  %c = stablehlo.constant dense<0.0> : tensor<6xf32>
  %0 = stablehlo.add %x, %c : tensor<6xf32>
  return %0 : tensor<6xf32>
}

func.func @add_plus_zero(%x: tensor<6xf32>) -> tensor<6xf32> {
  %c = stablehlo.constant dense<0.0> : tensor<6xf32>
  %0 = stablehlo.add %x, %c : tensor<6xf32>
  return %0 : tensor<6xf32>
}

func.func @add_plus_zero.after(%x: tensor<6xf32>) -> tensor<6xf32> {
  return %x : tensor<6xf32>
}

func.func @subtract_zero(%x: tensor<6xf32>) -> tensor<6xf32> {
  %c = stablehlo.constant dense<0.0> : tensor<6xf32>
  %0 = stablehlo.subtract %x, %c : tensor<6xf32>
  return %0 : tensor<6xf32>
}

func.func @subtract_zero.after(%x: tensor<6xf32>) -> tensor<6xf32> {
  return %x : tensor<6xf32>
}

func.func @subtract_zero.kept(%x: tensor<6xf32>) -> tensor<6xf32> {
  %c = stablehlo.constant dense<-0.0> : tensor<6xf32>
  %0 = stablehlo.subtract %x, %c : tensor<6xf32>
  return %0 : tensor<6xf32>
}

func.func @subtract_from_zero(%x: tensor<6xf32>) -> tensor<6xf32> {
  %c = stablehlo.constant dense<-0.0> : tensor<6xf32>
  %0 = stablehlo.subtract %c, %x : tensor<6xf32>
  return %0 : tensor<6xf32>
}

func.func @subtract_from_zero.after(%x: tensor<6xf32>) -> tensor<6xf32> {
  %0 = stablehlo.negate %x : tensor<6xf32>
  return %0 : tensor<6xf32>
}

func.func @subtract_from_plus_zero(%x: tensor<6xf32>) -> tensor<6xf32> {
  %c = stablehlo.constant dense<0.0> : tensor<6xf32>
  %0 = stablehlo.subtract %c, %x : tensor<6xf32>
  return %0 : tensor<6xf32>
}

func.func @subtract_from_plus_zero.after(%x: tensor<6xf32>) -> tensor<6xf32> {
  %0 = stablehlo.negate %x : tensor<6xf32>
  return %0 : tensor<6xf32>
}

func.func @subtract_itself(%x: tensor<6xi32>) -> tensor<6xi32> {
  %0 = stablehlo.subtract %x, %x : tensor<6xi32>
  return %0 : tensor<6xi32>
}

func.func @subtract_itself.after(%x: tensor<6xi32>) -> tensor<6xi32> {
  %c = stablehlo.constant dense<0> : tensor<6xi32>
  return %c : tensor<6xi32>
}

func.func @subtract_itself_loosely(%x: tensor<6xf32>) -> tensor<6xf32> {
  %0 = stablehlo.subtract %x, %x : tensor<6xf32>
  return %0 : tensor<6xf32>
}

func.func @subtract_itself_loosely.after(%x: tensor<6xf32>) -> tensor<6xf32> {
  %cst = stablehlo.constant dense<0.000000e+00> : tensor<6xf32>
  return %cst : tensor<6xf32>
}

func.func @add_negated(%x: tensor<6xf32>, %y: tensor<6xf32>) -> (tensor<6xf32>, tensor<6xf32>) {
  %0 = stablehlo.negate %y : tensor<6xf32>
  %1 = stablehlo.add %x, %0 : tensor<6xf32>
  %2 = stablehlo.negate %x : tensor<6xf32>
  %3 = stablehlo.add %2, %y : tensor<6xf32>
  return %1, %3 : tensor<6xf32>, tensor<6xf32>
}

func.func @add_negated.after(%x: tensor<6xf32>, %y: tensor<6xf32>) -> (tensor<6xf32>, tensor<6xf32>) {
  %0 = stablehlo.subtract %x, %y : tensor<6xf32>
  %1 = stablehlo.subtract %y, %x : tensor<6xf32>
  return %0, %1 : tensor<6xf32>, tensor<6xf32>
}

func.func @subtract_negated(%x: tensor<6xf32>, %y: tensor<6xf32>) -> tensor<6xf32> {
  %0 = stablehlo.negate %y : tensor<6xf32>
  %1 = stablehlo.subtract %x, %0 : tensor<6xf32>
  return %1 : tensor<6xf32>
}

func.func @subtract_negated.after(%x: tensor<6xf32>, %y: tensor<6xf32>) -> tensor<6xf32> {
  %0 = stablehlo.add %x, %y : tensor<6xf32>
  return %0 : tensor<6xf32>
}

func.func @negate_negated(%x: tensor<6xf32>) -> tensor<6xf32> {
  %0 = stablehlo.negate %x : tensor<6xf32>
  %1 = stablehlo.negate %0 : tensor<6xf32>
  return %1 : tensor<6xf32>
}

func.func @negate_negated.after(%x: tensor<6xf32>) -> tensor<6xf32> {
  return %x : tensor<6xf32>
}

func.func @negate_difference(%x: tensor<6xi32>, %y: tensor<6xi32>) -> tensor<6xi32> {
  %0 = stablehlo.subtract %x, %y : tensor<6xi32>
  %1 = stablehlo.negate %0 : tensor<6xi32>
  return %1 : tensor<6xi32>
}

func.func @negate_difference.after(%x: tensor<6xi32>, %y: tensor<6xi32>) -> tensor<6xi32> {
  %0 = stablehlo.subtract %y, %x : tensor<6xi32>
  return %0 : tensor<6xi32>
}

func.func @negate_difference_loosely(%x: tensor<6xf32>, %y: tensor<6xf32>) -> tensor<6xf32> {
  %0 = stablehlo.subtract %x, %y : tensor<6xf32>
  %1 = stablehlo.negate %0 : tensor<6xf32>
  return %1 : tensor<6xf32>
}

func.func @negate_difference_loosely.after(%x: tensor<6xf32>, %y: tensor<6xf32>) -> tensor<6xf32> {
  %0 = stablehlo.subtract %y, %x : tensor<6xf32>
  return %0 : tensor<6xf32>
}

func.func @multiply_one(%x: tensor<6xf32>) -> tensor<6xf32> {
  %c = stablehlo.constant dense<1.0> : tensor<6xf32>
  %0 = stablehlo.multiply %x, %c : tensor<6xf32>
  return %0 : tensor<6xf32>
}

func.func @multiply_one.after(%x: tensor<6xf32>) -> tensor<6xf32> {
  return %x : tensor<6xf32>
}

func.func @multiply_one.truth(%x: tensor<6xi1>) -> tensor<6xi1> {
  %c = stablehlo.constant dense<true> : tensor<6xi1>
  %0 = stablehlo.multiply %x, %c : tensor<6xi1>
  return %0 : tensor<6xi1>
}

func.func @multiply_one.truth.after(%x: tensor<6xi1>) -> tensor<6xi1> {
  return %x : tensor<6xi1>
}

func.func @multiply_minus_one(%x: tensor<6xbf16>) -> tensor<6xbf16> {
  %c = stablehlo.constant dense<-1.0> : tensor<6xbf16>
  %0 = stablehlo.multiply %x, %c : tensor<6xbf16>
  return %0 : tensor<6xbf16>
}

func.func @multiply_minus_one.after(%x: tensor<6xbf16>) -> tensor<6xbf16> {
  %0 = stablehlo.negate %x : tensor<6xbf16>
  return %0 : tensor<6xbf16>
}

func.func @multiply_zero(%x: tensor<6xi32>) -> tensor<6xi32> {
  %c = stablehlo.constant dense<0> : tensor<6xi32>
  %0 = stablehlo.multiply %x, %c : tensor<6xi32>
  return %0 : tensor<6xi32>
}

func.func @multiply_zero.after(%x: tensor<6xi32>) -> tensor<6xi32> {
  %c = stablehlo.constant dense<0> : tensor<6xi32>
  return %c : tensor<6xi32>
}

func.func @multiply_zero.kept(%x: tensor<6xf32>) -> tensor<6xf32> {
  %c = stablehlo.constant dense<0.0> : tensor<6xf32>
  %0 = stablehlo.multiply %x, %c : tensor<6xf32>
  return %0 : tensor<6xf32>
}

func.func @multiply_zero_loosely(%x: tensor<6xf32>) -> tensor<6xf32> {
  %c = stablehlo.constant dense<0.0> : tensor<6xf32>
  %0 = stablehlo.multiply %x, %c : tensor<6xf32>
  return %0 : tensor<6xf32>
}

func.func @multiply_zero_loosely.after(%x: tensor<6xf32>) -> tensor<6xf32> {
  %cst = stablehlo.constant dense<0.000000e+00> : tensor<6xf32>
  return %cst : tensor<6xf32>
}

func.func @negations_cancel(%x: tensor<6xf32>, %y: tensor<6xf32>) -> (tensor<6xf32>, tensor<6xf32>) {
  %0 = stablehlo.negate %x : tensor<6xf32>
  %1 = stablehlo.negate %y : tensor<6xf32>
  %2 = stablehlo.multiply %0, %1 : tensor<6xf32>
  %3 = stablehlo.divide %0, %1 : tensor<6xf32>
  return %2, %3 : tensor<6xf32>, tensor<6xf32>
}

func.func @negations_cancel.after(%x: tensor<6xf32>, %y: tensor<6xf32>) -> (tensor<6xf32>, tensor<6xf32>) {
  %0 = stablehlo.multiply %x, %y : tensor<6xf32>
  %1 = stablehlo.divide %x, %y : tensor<6xf32>
  return %0, %1 : tensor<6xf32>, tensor<6xf32>
}

func.func @negation_into_constant(%x: tensor<3xf32>) -> tensor<3xf32> {
  %c = stablehlo.constant dense<[2.0, -3.0, 0.0]> : tensor<3xf32>
  %0 = stablehlo.negate %x : tensor<3xf32>
  %1 = stablehlo.multiply %0, %c : tensor<3xf32>
  return %1 : tensor<3xf32>
}

func.func @negation_into_constant.after(%x: tensor<3xf32>) -> tensor<3xf32> {
  %cst = stablehlo.constant dense<[-2.000000e+00, 3.000000e+00, -0.000000e+00]> : tensor<3xf32>
  %0 = stablehlo.multiply %x, %cst : tensor<3xf32>
  return %0 : tensor<3xf32>
}

func.func @negate_scaled(%x: tensor<6xf32>) -> tensor<6xf32> {
  %c = stablehlo.constant dense<3.0> : tensor<6xf32>
  %0 = stablehlo.divide %x, %c : tensor<6xf32>
  %1 = stablehlo.negate %0 : tensor<6xf32>
  return %1 : tensor<6xf32>
}

func.func @negate_scaled.after(%x: tensor<6xf32>) -> tensor<6xf32> {
  %cst = stablehlo.constant dense<-3.000000e+00> : tensor<6xf32>
  %0 = stablehlo.divide %x, %cst : tensor<6xf32>
  return %0 : tensor<6xf32>
}

func.func @divide_one(%x: tensor<6xf32>) -> tensor<6xf32> {
  %c = stablehlo.constant dense<1.0> : tensor<6xf32>
  %0 = stablehlo.divide %x, %c : tensor<6xf32>
  return %0 : tensor<6xf32>
}

func.func @divide_one.after(%x: tensor<6xf32>) -> tensor<6xf32> {
  return %x : tensor<6xf32>
}

func.func @divide_minus_one(%x: tensor<6xf32>) -> tensor<6xf32> {
  %c = stablehlo.constant dense<-1.0> : tensor<6xf32>
  %0 = stablehlo.divide %x, %c : tensor<6xf32>
  return %0 : tensor<6xf32>
}

func.func @divide_minus_one.after(%x: tensor<6xf32>) -> tensor<6xf32> {
  %0 = stablehlo.negate %x : tensor<6xf32>
  return %0 : tensor<6xf32>
}

func.func @divide_power_of_two(%x: tensor<3xf32>) -> tensor<3xf32> {
  %c = stablehlo.constant dense<[8.0, -0.5, 1.0e+0]> : tensor<3xf32>
  %0 = stablehlo.divide %x, %c : tensor<3xf32>
  return %0 : tensor<3xf32>
}

func.func @divide_power_of_two.after(%x: tensor<3xf32>) -> tensor<3xf32> {
  %cst = stablehlo.constant dense<[1.250000e-01, -2.000000e+00, 1.000000e+00]> : tensor<3xf32>
  %0 = stablehlo.multiply %x, %cst : tensor<3xf32>
  return %0 : tensor<3xf32>
}

func.func @divide_power_of_two.kept(%x: tensor<6xf32>) -> tensor<6xf32> {
  %c = stablehlo.constant dense<3.0> : tensor<6xf32>
  %0 = stablehlo.divide %x, %c : tensor<6xf32>
  return %0 : tensor<6xf32>
}

func.func @divide_power_of_two.kept_tiny(%x: tensor<6xf32>) -> tensor<6xf32> {
  %c = stablehlo.constant dense<0x00000001> : tensor<6xf32>
  %0 = stablehlo.divide %x, %c : tensor<6xf32>
  return %0 : tensor<6xf32>
}

func.func @divide_constant(%x: tensor<6xf32>) -> tensor<6xf32> {
  %c = stablehlo.constant dense<5.0> : tensor<6xf32>
  %0 = stablehlo.divide %x, %c : tensor<6xf32>
  return %0 : tensor<6xf32>
}

func.func @divide_constant.after(%x: tensor<6xf32>) -> tensor<6xf32> {
  %cst = stablehlo.constant dense<2.000000e-01> : tensor<6xf32>
  %0 = stablehlo.multiply %x, %cst : tensor<6xf32>
  return %0 : tensor<6xf32>
}

func.func @divide_itself(%x: tensor<6xf32>) -> tensor<6xf32> {
  %0 = stablehlo.divide %x, %x : tensor<6xf32>
  return %0 : tensor<6xf32>
}

func.func @divide_itself.after(%x: tensor<6xf32>) -> tensor<6xf32> {
  %cst = stablehlo.constant dense<1.000000e+00> : tensor<6xf32>
  return %cst : tensor<6xf32>
}

func.func @divide_quotient(%x: tensor<6xf32>, %y: tensor<6xf32>, %z: tensor<6xf32>) -> tensor<6xf32> {
  %0 = stablehlo.divide %x, %y : tensor<6xf32>
  %1 = stablehlo.divide %0, %z : tensor<6xf32>
  return %1 : tensor<6xf32>
}

func.func @divide_quotient.after(%x: tensor<6xf32>, %y: tensor<6xf32>, %z: tensor<6xf32>) -> tensor<6xf32> {
  %0 = stablehlo.multiply %y, %z : tensor<6xf32>
  %1 = stablehlo.divide %x, %0 : tensor<6xf32>
  return %1 : tensor<6xf32>
}

func.func @multiply_reciprocal(%x: tensor<6xf32>, %y: tensor<6xf32>) -> tensor<6xf32> {
  %c = stablehlo.constant dense<1.0> : tensor<6xf32>
  %0 = stablehlo.divide %c, %y : tensor<6xf32>
  %1 = stablehlo.multiply %x, %0 : tensor<6xf32>
  return %1 : tensor<6xf32>
}

func.func @multiply_reciprocal.after(%x: tensor<6xf32>, %y: tensor<6xf32>) -> tensor<6xf32> {
  %0 = stablehlo.divide %x, %y : tensor<6xf32>
  return %0 : tensor<6xf32>
}

func.func @abs_of_abs(%x: tensor<6xf32>) -> tensor<6xf32> {
  %0 = stablehlo.abs %x : tensor<6xf32>
  %1 = stablehlo.abs %0 : tensor<6xf32>
  return %1 : tensor<6xf32>
}

func.func @abs_of_abs.after(%x: tensor<6xf32>) -> tensor<6xf32> {
  %0 = stablehlo.abs %x : tensor<6xf32>
  return %0 : tensor<6xf32>
}

func.func @abs_of_negated(%x: tensor<6xf32>) -> tensor<6xf32> {
  %0 = stablehlo.negate %x : tensor<6xf32>
  %1 = stablehlo.abs %0 : tensor<6xf32>
  return %1 : tensor<6xf32>
}

func.func @abs_of_negated.after(%x: tensor<6xf32>) -> tensor<6xf32> {
  %0 = stablehlo.abs %x : tensor<6xf32>
  return %0 : tensor<6xf32>
}

func.func @abs_of_nonnegative(%x: tensor<6xf32>) -> tensor<6xf32> {
  %c = stablehlo.constant dense<1.0> : tensor<6xf32>
  %0 = stablehlo.multiply %x, %x : tensor<6xf32>
  %1 = stablehlo.add %0, %c : tensor<6xf32>
  %2 = stablehlo.sqrt %1 : tensor<6xf32>
  %3 = stablehlo.abs %2 : tensor<6xf32>
  return %3 : tensor<6xf32>
}

func.func @abs_of_nonnegative.after(%x: tensor<6xf32>) -> tensor<6xf32> {
  %cst = stablehlo.constant dense<1.000000e+00> : tensor<6xf32>
  %0 = stablehlo.multiply %x, %x : tensor<6xf32>
  %1 = stablehlo.add %0, %cst : tensor<6xf32>
  %2 = stablehlo.sqrt %1 : tensor<6xf32>
  return %2 : tensor<6xf32>
}

func.func @abs_of_nonnegative.kept(%x: tensor<6xf32>) -> tensor<6xf32> {
  %0 = stablehlo.tanh %x : tensor<6xf32>
  %1 = stablehlo.abs %0 : tensor<6xf32>
  return %1 : tensor<6xf32>
}

func.func @combine_constants(%x: tensor<6xi32>) -> tensor<6xi32> {
  %c = stablehlo.constant dense<5> : tensor<6xi32>
  %d = stablehlo.constant dense<7> : tensor<6xi32>
  %0 = stablehlo.add %x, %c : tensor<6xi32>
  %1 = stablehlo.add %0, %d : tensor<6xi32>
  return %1 : tensor<6xi32>
}

func.func @combine_constants.after(%x: tensor<6xi32>) -> tensor<6xi32> {
  %c = stablehlo.constant dense<5> : tensor<6xi32>
  %c_0 = stablehlo.constant dense<7> : tensor<6xi32>
  %0 = stablehlo.add %c, %c_0 : tensor<6xi32>
  %1 = stablehlo.add %x, %0 : tensor<6xi32>
  return %1 : tensor<6xi32>
}

func.func @combine_constants.kept(%x: tensor<6xf32>) -> tensor<6xf32> {
  %c = stablehlo.constant dense<1.0e+20> : tensor<6xf32>
  %d = stablehlo.constant dense<-1.0e+20> : tensor<6xf32>
  %0 = stablehlo.add %x, %c : tensor<6xf32>
  %1 = stablehlo.add %0, %d : tensor<6xf32>
  return %1 : tensor<6xf32>
}

func.func @combine_bounds(%x: tensor<6xf32>) -> tensor<6xf32> {
  %c = stablehlo.constant dense<5.0> : tensor<6xf32>
  %d = stablehlo.constant dense<7.0> : tensor<6xf32>
  %0 = stablehlo.maximum %x, %c : tensor<6xf32>
  %1 = stablehlo.maximum %0, %d : tensor<6xf32>
  return %1 : tensor<6xf32>
}

func.func @combine_bounds.after(%x: tensor<6xf32>) -> tensor<6xf32> {
  %cst = stablehlo.constant dense<5.000000e+00> : tensor<6xf32>
  %cst_0 = stablehlo.constant dense<7.000000e+00> : tensor<6xf32>
  %0 = stablehlo.maximum %cst, %cst_0 : tensor<6xf32>
  %1 = stablehlo.maximum %x, %0 : tensor<6xf32>
  return %1 : tensor<6xf32>
}

func.func @combine_constants_loosely(%x: tensor<6xf32>) -> tensor<6xf32> {
  %c = stablehlo.constant dense<5.0> : tensor<6xf32>
  %d = stablehlo.constant dense<7.0> : tensor<6xf32>
  %0 = stablehlo.multiply %x, %c : tensor<6xf32>
  %1 = stablehlo.multiply %0, %d : tensor<6xf32>
  return %1 : tensor<6xf32>
}

func.func @combine_constants_loosely.after(%x: tensor<6xf32>) -> tensor<6xf32> {
  %cst = stablehlo.constant dense<5.000000e+00> : tensor<6xf32>
  %cst_0 = stablehlo.constant dense<7.000000e+00> : tensor<6xf32>
  %0 = stablehlo.multiply %cst, %cst_0 : tensor<6xf32>
  %1 = stablehlo.multiply %x, %0 : tensor<6xf32>
  return %1 : tensor<6xf32>
}

func.func @factor_out(%x: tensor<6xf32>, %y: tensor<6xf32>, %z: tensor<6xf32>) -> tensor<6xf32> {
  %0 = stablehlo.multiply %z, %x : tensor<6xf32>
  %1 = stablehlo.multiply %y, %z : tensor<6xf32>
  %2 = stablehlo.subtract %0, %1 : tensor<6xf32>
  return %2 : tensor<6xf32>
}

func.func @factor_out.after(%x: tensor<6xf32>, %y: tensor<6xf32>, %z: tensor<6xf32>) -> tensor<6xf32> {
  %0 = stablehlo.subtract %x, %y : tensor<6xf32>
  %1 = stablehlo.multiply %0, %z : tensor<6xf32>
  return %1 : tensor<6xf32>
}
