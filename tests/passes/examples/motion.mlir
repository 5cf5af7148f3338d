// Examples of the patterns in slopec/passes/simplify/motion.py: a function, and as `.after` what becomes of it.
// A function whose variant begins with `kept` stays as it is.

func.func @elementwise_of_transposes(%x: tensor<2x3xf32>, %y: tensor<2x3xf32>, %b: tensor<3xf32>) -> tensor<3x2xf32> {
  %0 = stablehlo.transpose %x, dims = [1, 0] : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %1 = stablehlo.transpose %y, dims = [1, 0] : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %2 = stablehlo.multiply %0, %1 : tensor<3x2xf32>
  %3 = stablehlo.broadcast_in_dim %b, dims = [0] : (tensor<3xf32>) -> tensor<3x2xf32>
  %4 = stablehlo.add %2, %3 : tensor<3x2xf32>
  return %4 : tensor<3x2xf32>
}

func.func @elementwise_of_transposes.after(%x: tensor<2x3xf32>, %y: tensor<2x3xf32>, %b: tensor<3xf32>) -> tensor<3x2xf32> {
  %0 = stablehlo.multiply %x, %y : tensor<2x3xf32>
  %1 = stablehlo.broadcast_in_dim %b, dims = [1] : (tensor<3xf32>) -> tensor<2x3xf32>
  %2 = stablehlo.add %0, %1 : tensor<2x3xf32>
  %3 = stablehlo.transpose %2, dims = [1, 0] : (tensor<2x3xf32>) -> tensor<3x2xf32>
  return %3 : tensor<3x2xf32>
}

func.func @elementwise_of_transposes.kept(%x: tensor<2x3xf32>, %y: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %0 = stablehlo.transpose %x, dims = [1, 0] : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %1 = stablehlo.multiply %0, %y : tensor<3x2xf32>
  return %1 : tensor<3x2xf32>
}

func.func @elementwise_of_reshapes(%p: tensor<6xi1>, %x: tensor<6xf32>) -> tensor<2x3xf32> {
  %c = stablehlo.constant dense<2.0> : tensor<2x3xf32>
  %0 = stablehlo.reshape %p : (tensor<6xi1>) -> tensor<2x3xi1>
  %1 = stablehlo.reshape %x : (tensor<6xf32>) -> tensor<2x3xf32>
  %2 = stablehlo.select %0, %1, %c : tensor<2x3xi1>, tensor<2x3xf32>
  return %2 : tensor<2x3xf32>
}

func.func @elementwise_of_reshapes.after(%p: tensor<6xi1>, %x: tensor<6xf32>) -> tensor<2x3xf32> {
  %cst = stablehlo.constant dense<2.000000e+00> : tensor<6xf32>
  %0 = stablehlo.select %p, %x, %cst : tensor<6xi1>, tensor<6xf32>
  %1 = stablehlo.reshape %0 : (tensor<6xf32>) -> tensor<2x3xf32>
  return %1 : tensor<2x3xf32>
}

func.func @slice_elementwise(%x: tensor<6xf32>, %y: tensor<6xf32>) -> tensor<2xf32> {
  %0 = stablehlo.multiply %x, %y : tensor<6xf32>
  %1 = stablehlo.slice %0 [1:3] : (tensor<6xf32>) -> tensor<2xf32>
  return %1 : tensor<2xf32>
}

func.func @slice_elementwise.after(%x: tensor<6xf32>, %y: tensor<6xf32>) -> tensor<2xf32> {
  %0 = stablehlo.slice %x [1:3] : (tensor<6xf32>) -> tensor<2xf32>
  %1 = stablehlo.slice %y [1:3] : (tensor<6xf32>) -> tensor<2xf32>
  %2 = stablehlo.multiply %0, %1 : tensor<2xf32>
  return %2 : tensor<2xf32>
}

func.func @slice_elementwise.strides(%x: tensor<6xf32>) -> (tensor<3xf32>, tensor<3xf32>) {
  %0 = stablehlo.sqrt %x : tensor<6xf32>
  %1 = stablehlo.slice %0 [0:6:2] : (tensor<6xf32>) -> tensor<3xf32>
  %2 = stablehlo.slice %0 [1:6:2] : (tensor<6xf32>) -> tensor<3xf32>
  return %1, %2 : tensor<3xf32>, tensor<3xf32>
}

func.func @slice_elementwise.strides.after(%x: tensor<6xf32>) -> (tensor<3xf32>, tensor<3xf32>) {
  %0 = stablehlo.slice %x [0:6:2] : (tensor<6xf32>) -> tensor<3xf32>
  %1 = stablehlo.sqrt %0 : tensor<3xf32>
  %2 = stablehlo.slice %x [1:6:2] : (tensor<6xf32>) -> tensor<3xf32>
  %3 = stablehlo.sqrt %2 : tensor<3xf32>
  return %1, %3 : tensor<3xf32>, tensor<3xf32>
}

func.func @slice_elementwise.kept_strides(%x: tensor<6xf32>) -> (tensor<3xf32>, tensor<4xf32>) {
  %0 = stablehlo.sqrt %x : tensor<6xf32>
  %1 = stablehlo.slice %0 [0:6:2] : (tensor<6xf32>) -> tensor<3xf32>
  %2 = stablehlo.slice %0 [1:5] : (tensor<6xf32>) -> tensor<4xf32>
  return %1, %2 : tensor<3xf32>, tensor<4xf32>
}

func.func @slice_elementwise.kept(%x: tensor<6xf32>, %y: tensor<6xf32>) -> (tensor<2xf32>, tensor<6xf32>) {
  %0 = stablehlo.multiply %x, %y : tensor<6xf32>
  %1 = stablehlo.slice %0 [1:3] : (tensor<6xf32>) -> tensor<2xf32>
  return %1, %0 : tensor<2xf32>, tensor<6xf32>
}
