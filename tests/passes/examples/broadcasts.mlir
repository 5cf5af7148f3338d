// Examples of the patterns in slopec/passes/simplify/broadcasts.py: a function, and as `.after` what becomes of it.
// A function whose variant begins with `kept` stays as it is.

func.func @broadcast_nothing(%x: tensor<2x3xf32>) -> (tensor<2x1x3xf32>, tensor<3x2xf32>) {
  %0 = stablehlo.broadcast_in_dim %x, dims = [0, 2] : (tensor<2x3xf32>) -> tensor<2x1x3xf32>
  %1 = stablehlo.broadcast_in_dim %x, dims = [1, 0] : (tensor<2x3xf32>) -> tensor<3x2xf32>
  return %0, %1 : tensor<2x1x3xf32>, tensor<3x2xf32>
}

func.func @broadcast_nothing.after(%x: tensor<2x3xf32>) -> (tensor<2x1x3xf32>, tensor<3x2xf32>) {
  %0 = stablehlo.reshape %x : (tensor<2x3xf32>) -> tensor<2x1x3xf32>
  %1 = stablehlo.transpose %x, dims = [1, 0] : (tensor<2x3xf32>) -> tensor<3x2xf32>
  return %0, %1 : tensor<2x1x3xf32>, tensor<3x2xf32>
}

func.func @broadcast_constant() -> tensor<2x3xf32> {
  %c = stablehlo.constant dense<2.0> : tensor<3xf32>
  %0 = stablehlo.broadcast_in_dim %c, dims = [1] : (tensor<3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

func.func @broadcast_constant.after() -> tensor<2x3xf32> {
  %cst = stablehlo.constant dense<2.000000e+00> : tensor<2x3xf32>
  return %cst : tensor<2x3xf32>
}

func.func @broadcast_twice(%x: tensor<3xf32>) -> tensor<4x2x3xf32> {
  %0 = stablehlo.broadcast_in_dim %x, dims = [1] : (tensor<3xf32>) -> tensor<2x3xf32>
  %1 = stablehlo.broadcast_in_dim %0, dims = [1, 2] : (tensor<2x3xf32>) -> tensor<4x2x3xf32>
  return %1 : tensor<4x2x3xf32>
}

func.func @broadcast_twice.after(%x: tensor<3xf32>) -> tensor<4x2x3xf32> {
  %0 = stablehlo.broadcast_in_dim %x, dims = [2] : (tensor<3xf32>) -> tensor<4x2x3xf32>
  return %0 : tensor<4x2x3xf32>
}

func.func @broadcast_reshaped(%x: tensor<3xf32>, %y: tensor<2x1xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32>) {
  %0 = stablehlo.reshape %x : (tensor<3xf32>) -> tensor<1x3xf32>
  %1 = stablehlo.broadcast_in_dim %0, dims = [0, 1] : (tensor<1x3xf32>) -> tensor<2x3xf32>
  %2 = stablehlo.reshape %y : (tensor<2x1xf32>) -> tensor<2xf32>
  %3 = stablehlo.broadcast_in_dim %2, dims = [0] : (tensor<2xf32>) -> tensor<2x3xf32>
  return %1, %3 : tensor<2x3xf32>, tensor<2x3xf32>
}

func.func @broadcast_reshaped.after(%x: tensor<3xf32>, %y: tensor<2x1xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32>) {
  %0 = stablehlo.broadcast_in_dim %x, dims = [1] : (tensor<3xf32>) -> tensor<2x3xf32>
  %1 = stablehlo.broadcast_in_dim %y, dims = [0, 1] : (tensor<2x1xf32>) -> tensor<2x3xf32>
  return %0, %1 : tensor<2x3xf32>, tensor<2x3xf32>
}

func.func @broadcast_reshaped.kept(%y: tensor<2x1xf32>) -> tensor<3x2xf32> {
  %0 = stablehlo.reshape %y : (tensor<2x1xf32>) -> tensor<2xf32>
  %1 = stablehlo.broadcast_in_dim %0, dims = [1] : (tensor<2xf32>) -> tensor<3x2xf32>
  return %1 : tensor<3x2xf32>
}

func.func @broadcast_out_of_order(%x: tensor<2x3xf32>) -> tensor<3x4x2xf32> {
  %0 = stablehlo.broadcast_in_dim %x, dims = [2, 0] : (tensor<2x3xf32>) -> tensor<3x4x2xf32>
  return %0 : tensor<3x4x2xf32>
}

func.func @broadcast_out_of_order.after(%x: tensor<2x3xf32>) -> tensor<3x4x2xf32> {
  %0 = stablehlo.transpose %x, dims = [1, 0] : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %1 = stablehlo.broadcast_in_dim %0, dims = [0, 2] : (tensor<3x2xf32>) -> tensor<3x4x2xf32>
  return %1 : tensor<3x4x2xf32>
}

func.func @broadcast_old(%x: tensor<3xf32>) -> tensor<2x3xf32> {
  %0 = stablehlo.broadcast %x, sizes = [2] : (tensor<3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

func.func @broadcast_old.after(%x: tensor<3xf32>) -> tensor<2x3xf32> {
  %0 = stablehlo.broadcast_in_dim %x, dims = [1] : (tensor<3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

func.func @elementwise_of_broadcasts(%x: tensor<3xf32>, %y: tensor<3xf32>) -> (tensor<2x3xf32>, tensor<2x3xi1>) {
  %c = stablehlo.constant dense<2.0> : tensor<2x3xf32>
  %0 = stablehlo.broadcast_in_dim %x, dims = [1] : (tensor<3xf32>) -> tensor<2x3xf32>
  %1 = stablehlo.broadcast_in_dim %y, dims = [1] : (tensor<3xf32>) -> tensor<2x3xf32>
  %2 = stablehlo.multiply %0, %1 : tensor<2x3xf32>
  %3 = stablehlo.compare LT, %0, %c : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xi1>
  return %2, %3 : tensor<2x3xf32>, tensor<2x3xi1>
}

func.func @elementwise_of_broadcasts.after(%x: tensor<3xf32>, %y: tensor<3xf32>) -> (tensor<2x3xf32>, tensor<2x3xi1>) {
  %cst = stablehlo.constant dense<2.000000e+00> : tensor<f32>
  %0 = stablehlo.multiply %x, %y : tensor<3xf32>
  %1 = stablehlo.broadcast_in_dim %0, dims = [1] : (tensor<3xf32>) -> tensor<2x3xf32>
  %2 = stablehlo.broadcast_in_dim %cst, dims = [] : (tensor<f32>) -> tensor<3xf32>
  %3 = stablehlo.compare LT, %x, %2 : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xi1>
  %4 = stablehlo.broadcast_in_dim %3, dims = [1] : (tensor<3xi1>) -> tensor<2x3xi1>
  return %1, %4 : tensor<2x3xf32>, tensor<2x3xi1>
}

func.func @elementwise_of_broadcasts.kept(%x: tensor<3xf32>, %y: tensor<2xf32>) -> tensor<2x3xf32> {
  %0 = stablehlo.broadcast_in_dim %x, dims = [1] : (tensor<3xf32>) -> tensor<2x3xf32>
  %1 = stablehlo.broadcast_in_dim %y, dims = [0] : (tensor<2xf32>) -> tensor<2x3xf32>
  %2 = stablehlo.multiply %0, %1 : tensor<2x3xf32>
  return %2 : tensor<2x3xf32>
}

func.func @transpose_broadcast(%x: tensor<3xf32>, %y: tensor<2x3xf32>) -> (tensor<3x2xf32>, tensor<3x4x2xf32>) {
  %0 = stablehlo.broadcast_in_dim %x, dims = [1] : (tensor<3xf32>) -> tensor<2x3xf32>
  %1 = stablehlo.transpose %0, dims = [1, 0] : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %2 = stablehlo.broadcast_in_dim %y, dims = [0, 2] : (tensor<2x3xf32>) -> tensor<2x4x3xf32>
  %3 = stablehlo.transpose %2, dims = [2, 1, 0] : (tensor<2x4x3xf32>) -> tensor<3x4x2xf32>
  return %1, %3 : tensor<3x2xf32>, tensor<3x4x2xf32>
}

func.func @transpose_broadcast.after(%x: tensor<3xf32>, %y: tensor<2x3xf32>) -> (tensor<3x2xf32>, tensor<3x4x2xf32>) {
  %0 = stablehlo.broadcast_in_dim %x, dims = [0] : (tensor<3xf32>) -> tensor<3x2xf32>
  %1 = stablehlo.transpose %y, dims = [1, 0] : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %2 = stablehlo.broadcast_in_dim %1, dims = [0, 2] : (tensor<3x2xf32>) -> tensor<3x4x2xf32>
  return %0, %2 : tensor<3x2xf32>, tensor<3x4x2xf32>
}

func.func @reshape_broadcast(%x: tensor<3xf32>, %y: tensor<f32>) -> (tensor<2x1x3xf32>, tensor<6xf32>) {
  %0 = stablehlo.broadcast_in_dim %x, dims = [1] : (tensor<3xf32>) -> tensor<2x3xf32>
  %1 = stablehlo.reshape %0 : (tensor<2x3xf32>) -> tensor<2x1x3xf32>
  %2 = stablehlo.broadcast_in_dim %y, dims = [] : (tensor<f32>) -> tensor<2x3xf32>
  %3 = stablehlo.reshape %2 : (tensor<2x3xf32>) -> tensor<6xf32>
  return %1, %3 : tensor<2x1x3xf32>, tensor<6xf32>
}

func.func @reshape_broadcast.after(%x: tensor<3xf32>, %y: tensor<f32>) -> (tensor<2x1x3xf32>, tensor<6xf32>) {
  %0 = stablehlo.broadcast_in_dim %x, dims = [2] : (tensor<3xf32>) -> tensor<2x1x3xf32>
  %1 = stablehlo.broadcast_in_dim %y, dims = [] : (tensor<f32>) -> tensor<6xf32>
  return %0, %1 : tensor<2x1x3xf32>, tensor<6xf32>
}
