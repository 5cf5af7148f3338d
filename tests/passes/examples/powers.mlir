// Examples of the patterns in slopec/passes/simplify/powers.py: a function, and as `.after` what becomes of it.
// A function whose variant begins with `kept` stays as it is.

func.func @power_one(%x: tensor<6xf32>) -> tensor<6xf32> {
  %c = stablehlo.constant dense<1.0> : tensor<6xf32>
  %0 = stablehlo.power %x, %c : tensor<6xf32>
  return %0 : tensor<6xf32>
}

func.func @power_one.after(%x: tensor<6xf32>) -> tensor<6xf32> {
  return %x : tensor<6xf32>
}

func.func @power_zero(%x: tensor<6xf32>) -> tensor<6xf32> {
  %c = stablehlo.constant dense<0.0> : tensor<6xf32>
  %0 = stablehlo.power %x, %c : tensor<6xf32>
  return %0 : tensor<6xf32>
}

func.func @power_zero.after(%x: tensor<6xf32>) -> tensor<6xf32> {
  %cst = stablehlo.constant dense<1.000000e+00> : tensor<6xf32>
  return %cst : tensor<6xf32>
}

func.func @power_of_one(%x: tensor<6xf32>) -> tensor<6xf32> {
  %c = stablehlo.constant dense<1.0> : tensor<6xf32>
  %0 = stablehlo.power %c, %x : tensor<6xf32>
  return %0 : tensor<6xf32>
}

func.func @power_of_one.after(%x: tensor<6xf32>) -> tensor<6xf32> {
  %cst = stablehlo.constant dense<1.000000e+00> : tensor<6xf32>
  return %cst : tensor<6xf32>
}

func.func @power_integer(%x: tensor<6xf32>) -> tensor<6xf32> {
  %c = stablehlo.constant dense<5.0> : tensor<6xf32>
  %0 = stablehlo.power %x, %c : tensor<6xf32>
  return %0 : tensor<6xf32>
}

func.func @power_integer.after(%x: tensor<6xf32>) -> tensor<6xf32> {
  %0 = stablehlo.multiply %x, %x : tensor<6xf32>
  %1 = stablehlo.multiply %0, %0 : tensor<6xf32>
  %2 = stablehlo.multiply %x, %1 : tensor<6xf32>
  return %2 : tensor<6xf32>
}

func.func @power_integer.kept(%x: tensor<6xf32>) -> tensor<6xf32> {
  %c = stablehlo.constant dense<2.5> : tensor<6xf32>
  %0 = stablehlo.power %x, %c : tensor<6xf32>
  return %0 : tensor<6xf32>
}

func.func @power_minus_one(%x: tensor<6xf32>) -> tensor<6xf32> {
  %c = stablehlo.constant dense<-1.0> : tensor<6xf32>
  %0 = stablehlo.power %x, %c : tensor<6xf32>
  return %0 : tensor<6xf32>
}

func.func @power_minus_one.after(%x: tensor<6xf32>) -> tensor<6xf32> {
  %cst = stablehlo.constant dense<1.000000e+00> : tensor<6xf32>
  %0 = stablehlo.divide %cst, %x : tensor<6xf32>
  return %0 : tensor<6xf32>
}

func.func @power_half(%x: tensor<6xf32>) -> tensor<6xf32> {
  %c = stablehlo.constant dense<0.5> : tensor<6xf32>
  %0 = stablehlo.abs %x : tensor<6xf32>
  %1 = stablehlo.power %0, %c : tensor<6xf32>
  return %1 : tensor<6xf32>
}

func.func @power_half.after(%x: tensor<6xf32>) -> tensor<6xf32> {
  %0 = stablehlo.abs %x : tensor<6xf32>
  %1 = stablehlo.sqrt %0 : tensor<6xf32>
  return %1 : tensor<6xf32>
}

func.func @power_half.kept(%x: tensor<6xf32>) -> tensor<6xf32> {
  %c = stablehlo.constant dense<0.5> : tensor<6xf32>
  %0 = stablehlo.power %x, %c : tensor<6xf32>
  return %0 : tensor<6xf32>
}

func.func @power_half_loosely(%x: tensor<6xf32>) -> tensor<6xf32> {
  %c = stablehlo.constant dense<0.5> : tensor<6xf32>
  %0 = stablehlo.power %x, %c : tensor<6xf32>
  return %0 : tensor<6xf32>
}

func.func @power_half_loosely.after(%x: tensor<6xf32>) -> tensor<6xf32> {
  %0 = stablehlo.sqrt %x : tensor<6xf32>
  return %0 : tensor<6xf32>
}

func.func @power_minus_half(%x: tensor<6xf32>) -> tensor<6xf32> {
  %c = stablehlo.constant dense<-0.5> : tensor<6xf32>
  %0 = stablehlo.exponential %x : tensor<6xf32>
  %1 = stablehlo.power %0, %c : tensor<6xf32>
  return %1 : tensor<6xf32>
}

func.func @power_minus_half.after(%x: tensor<6xf32>) -> tensor<6xf32> {
  %0 = stablehlo.exponential %x : tensor<6xf32>
  %1 = stablehlo.rsqrt %0 : tensor<6xf32>
  return %1 : tensor<6xf32>
}

func.func @reciprocal_of_root(%x: tensor<6xf32>) -> tensor<6xf32> {
  %c = stablehlo.constant dense<1.0> : tensor<6xf32>
  %0 = stablehlo.sqrt %x : tensor<6xf32>
  %1 = stablehlo.divide %c, %0 : tensor<6xf32>
  return %1 : tensor<6xf32>
}

func.func @reciprocal_of_root.after(%x: tensor<6xf32>) -> tensor<6xf32> {
  %0 = stablehlo.rsqrt %x : tensor<6xf32>
  return %0 : tensor<6xf32>
}

func.func @root_of_square(%x: tensor<6xf32>) -> tensor<6xf32> {
  %0 = stablehlo.multiply %x, %x : tensor<6xf32>
  %1 = stablehlo.sqrt %0 : tensor<6xf32>
  return %1 : tensor<6xf32>
}

func.func @root_of_square.after(%x: tensor<6xf32>) -> tensor<6xf32> {
  %0 = stablehlo.abs %x : tensor<6xf32>
  return %0 : tensor<6xf32>
}

func.func @square_of_root(%x: tensor<6xf32>) -> tensor<6xf32> {
  %0 = stablehlo.sqrt %x : tensor<6xf32>
  %1 = stablehlo.multiply %0, %0 : tensor<6xf32>
  return %1 : tensor<6xf32>
}

func.func @square_of_root.after(%x: tensor<6xf32>) -> tensor<6xf32> {
  return %x : tensor<6xf32>
}

func.func @exponential_and_log(%x: tensor<6xf32>) -> (tensor<6xf32>, tensor<6xf32>) {
  %0 = stablehlo.log %x : tensor<6xf32>
  %1 = stablehlo.exponential %0 : tensor<6xf32>
  %2 = stablehlo.exponential %x : tensor<6xf32>
  %3 = stablehlo.log %2 : tensor<6xf32>
  return %1, %3 : tensor<6xf32>, tensor<6xf32>
}

func.func @exponential_and_log.after(%x: tensor<6xf32>) -> (tensor<6xf32>, tensor<6xf32>) {
  return %x, %x : tensor<6xf32>, tensor<6xf32>
}

func.func @product_of_exponentials(%x: tensor<6xf32>, %y: tensor<6xf32>) -> tensor<6xf32> {
  %0 = stablehlo.exponential %x : tensor<6xf32>
  %1 = stablehlo.exponential %y : tensor<6xf32>
  %2 = stablehlo.multiply %0, %1 : tensor<6xf32>
  return %2 : tensor<6xf32>
}

func.func @product_of_exponentials.after(%x: tensor<6xf32>, %y: tensor<6xf32>) -> tensor<6xf32> {
  %0 = stablehlo.add %x, %y : tensor<6xf32>
  %1 = stablehlo.exponential %0 : tensor<6xf32>
  return %1 : tensor<6xf32>
}

func.func @logistic_written_out(%x: tensor<6xf32>) -> tensor<6xf32> {
  %one = stablehlo.constant dense<1.0> : tensor<6xf32>
  %0 = stablehlo.negate %x : tensor<6xf32>
  %1 = stablehlo.exponential %0 : tensor<6xf32>
  %2 = stablehlo.add %1, %one : tensor<6xf32>
  %3 = stablehlo.divide %one, %2 : tensor<6xf32>
  return %3 : tensor<6xf32>
}

func.func @logistic_written_out.after(%x: tensor<6xf32>) -> tensor<6xf32> {
  %0 = stablehlo.logistic %x : tensor<6xf32>
  return %0 : tensor<6xf32>
}
