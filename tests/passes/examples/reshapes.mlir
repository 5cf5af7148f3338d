// Examples of the patterns in slopec/passes/simplify/reshapes.py: a function, and as `.after` what becomes of it.
// A function whose variant begins with `kept` stays as it is.

func.func @reshape_to_same(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = stablehlo.reshape %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

func.func @reshape_to_same.after(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  return %x : tensor<2x3xf32>
}

func.func @reshape_twice(%x: tensor<2x3xf32>) -> tensor<3x2xf32> {
  %0 = stablehlo.reshape %x : (tensor<2x3xf32>) -> tensor<6xf32>
  %1 = stablehlo.reshape %0 : (tensor<6xf32>) -> tensor<3x2xf32>
  return %1 : tensor<3x2xf32>
}

func.func @reshape_twice.after(%x: tensor<2x3xf32>) -> tensor<3x2xf32> {
  %0 = stablehlo.reshape %x : (tensor<2x3xf32>) -> tensor<3x2xf32>
  return %0 : tensor<3x2xf32>
}

func.func @move_constant() -> (tensor<6xf32>, tensor<3x2xf32>, tensor<2x3xf32>) {
  %c = stablehlo.constant dense<2.0> : tensor<2x3xf32>
  %0 = stablehlo.reshape %c : (tensor<2x3xf32>) -> tensor<6xf32>
  %1 = stablehlo.transpose %c, dims = [1, 0] : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %2 = stablehlo.reverse %c, dims = [0] : tensor<2x3xf32>
  return %0, %1, %2 : tensor<6xf32>, tensor<3x2xf32>, tensor<2x3xf32>
}

func.func @move_constant.after() -> (tensor<6xf32>, tensor<3x2xf32>, tensor<2x3xf32>) {
  %cst = stablehlo.constant dense<2.000000e+00> : tensor<6xf32>
  %cst_0 = stablehlo.constant dense<2.000000e+00> : tensor<3x2xf32>
  %cst_1 = stablehlo.constant dense<2.000000e+00> : tensor<2x3xf32>
  return %cst, %cst_0, %cst_1 : tensor<6xf32>, tensor<3x2xf32>, tensor<2x3xf32>
}

func.func @reshape_transposed(%x: tensor<2x1x3xf32>) -> tensor<6xf32> {
  %0 = stablehlo.transpose %x, dims = [1, 0, 2] : (tensor<2x1x3xf32>) -> tensor<1x2x3xf32>
  %1 = stablehlo.reshape %0 : (tensor<1x2x3xf32>) -> tensor<6xf32>
  return %1 : tensor<6xf32>
}

func.func @reshape_transposed.after(%x: tensor<2x1x3xf32>) -> tensor<6xf32> {
  %0 = stablehlo.reshape %x : (tensor<2x1x3xf32>) -> tensor<6xf32>
  return %0 : tensor<6xf32>
}

func.func @reshape_transposed.kept(%x: tensor<2x3xf32>) -> tensor<6xf32> {
  %0 = stablehlo.transpose %x, dims = [1, 0] : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %1 = stablehlo.reshape %0 : (tensor<3x2xf32>) -> tensor<6xf32>
  return %1 : tensor<6xf32>
}

func.func @transpose_nothing(%x: tensor<2x1x3xf32>) -> (tensor<2x1x3xf32>, tensor<2x3x1xf32>) {
  %0 = stablehlo.transpose %x, dims = [0, 1, 2] : (tensor<2x1x3xf32>) -> tensor<2x1x3xf32>
  %1 = stablehlo.transpose %x, dims = [0, 2, 1] : (tensor<2x1x3xf32>) -> tensor<2x3x1xf32>
  return %0, %1 : tensor<2x1x3xf32>, tensor<2x3x1xf32>
}

func.func @transpose_nothing.after(%x: tensor<2x1x3xf32>) -> (tensor<2x1x3xf32>, tensor<2x3x1xf32>) {
  %0 = stablehlo.reshape %x : (tensor<2x1x3xf32>) -> tensor<2x3x1xf32>
  return %x, %0 : tensor<2x1x3xf32>, tensor<2x3x1xf32>
}

func.func @transpose_twice(%x: tensor<2x3x4xf32>) -> tensor<3x2x4xf32> {
  %0 = stablehlo.transpose %x, dims = [1, 2, 0] : (tensor<2x3x4xf32>) -> tensor<3x4x2xf32>
  %1 = stablehlo.transpose %0, dims = [0, 2, 1] : (tensor<3x4x2xf32>) -> tensor<3x2x4xf32>
  return %1 : tensor<3x2x4xf32>
}

func.func @transpose_twice.after(%x: tensor<2x3x4xf32>) -> tensor<3x2x4xf32> {
  %0 = stablehlo.transpose %x, dims = [1, 0, 2] : (tensor<2x3x4xf32>) -> tensor<3x2x4xf32>
  return %0 : tensor<3x2x4xf32>
}

func.func @transpose_reshaped(%x: tensor<2x3xf32>) -> tensor<3x1x2xf32> {
  %0 = stablehlo.reshape %x : (tensor<2x3xf32>) -> tensor<1x2x3xf32>
  %1 = stablehlo.transpose %0, dims = [2, 0, 1] : (tensor<1x2x3xf32>) -> tensor<3x1x2xf32>
  return %1 : tensor<3x1x2xf32>
}

func.func @transpose_reshaped.after(%x: tensor<2x3xf32>) -> tensor<3x1x2xf32> {
  %0 = stablehlo.transpose %x, dims = [1, 0] : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %1 = stablehlo.reshape %0 : (tensor<3x2xf32>) -> tensor<3x1x2xf32>
  return %1 : tensor<3x1x2xf32>
}
