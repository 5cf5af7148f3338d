// Examples of the patterns in slopec/passes/simplify/dots.py: a function, and as `.after` what becomes of it.
// A function whose variant begins with `kept` stays as it is.

func.func @dot_old(%x: tensor<2x3xf32>, %y: tensor<3x4xf32>) -> tensor<2x4xf32> {
  %0 = stablehlo.dot %x, %y : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

func.func @dot_old.after(%x: tensor<2x3xf32>, %y: tensor<3x4xf32>) -> tensor<2x4xf32> {
  %0 = stablehlo.dot_general %x, %y, contracting_dims = [1] x [0] : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

func.func @dot_transposed_lhs(%x: tensor<3x5x2xf32>, %y: tensor<5x3x4xf32>) -> tensor<5x2x4xf32> {
  %0 = stablehlo.transpose %x, dims = [1, 2, 0] : (tensor<3x5x2xf32>) -> tensor<5x2x3xf32>
  %1 = stablehlo.dot_general %0, %y, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<5x2x3xf32>, tensor<5x3x4xf32>) -> tensor<5x2x4xf32>
  return %1 : tensor<5x2x4xf32>
}

func.func @dot_transposed_lhs.after(%x: tensor<3x5x2xf32>, %y: tensor<5x3x4xf32>) -> tensor<5x2x4xf32> {
  %0 = stablehlo.dot_general %x, %y, batching_dims = [1] x [0], contracting_dims = [0] x [1] : (tensor<3x5x2xf32>, tensor<5x3x4xf32>) -> tensor<5x2x4xf32>
  return %0 : tensor<5x2x4xf32>
}

func.func @dot_transposed_lhs.kept(%x: tensor<3x5x2xf32>, %y: tensor<3x4xf32>) -> tensor<2x5x4xf32> {
  %0 = stablehlo.transpose %x, dims = [2, 1, 0] : (tensor<3x5x2xf32>) -> tensor<2x5x3xf32>
  %1 = stablehlo.dot_general %0, %y, contracting_dims = [2] x [0] : (tensor<2x5x3xf32>, tensor<3x4xf32>) -> tensor<2x5x4xf32>
  return %1 : tensor<2x5x4xf32>
}

func.func @dot_transposed_rhs(%x: tensor<2x3xf32>, %y: tensor<4x3xf32>) -> tensor<2x4xf32> {
  %0 = stablehlo.transpose %y, dims = [1, 0] : (tensor<4x3xf32>) -> tensor<3x4xf32>
  %1 = stablehlo.dot_general %x, %0, contracting_dims = [1] x [0] : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}

func.func @dot_transposed_rhs.after(%x: tensor<2x3xf32>, %y: tensor<4x3xf32>) -> tensor<2x4xf32> {
  %0 = stablehlo.dot_general %x, %y, contracting_dims = [1] x [1] : (tensor<2x3xf32>, tensor<4x3xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

func.func @transpose_dot(%x: tensor<5x2x3xf32>, %y: tensor<5x3x4xf32>) -> tensor<5x4x2xf32> {
  %0 = stablehlo.dot_general %x, %y, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<5x2x3xf32>, tensor<5x3x4xf32>) -> tensor<5x2x4xf32>
  %1 = stablehlo.transpose %0, dims = [0, 2, 1] : (tensor<5x2x4xf32>) -> tensor<5x4x2xf32>
  return %1 : tensor<5x4x2xf32>
}

func.func @transpose_dot.after(%x: tensor<5x2x3xf32>, %y: tensor<5x3x4xf32>) -> tensor<5x4x2xf32> {
  %0 = stablehlo.dot_general %y, %x, batching_dims = [0] x [0], contracting_dims = [1] x [2] : (tensor<5x3x4xf32>, tensor<5x2x3xf32>) -> tensor<5x4x2xf32>
  return %0 : tensor<5x4x2xf32>
}

func.func @transpose_dot.batches(%x: tensor<5x6x2x3xf32>, %y: tensor<5x6x3x4xf32>) -> tensor<6x5x2x4xf32> {
  %0 = stablehlo.dot_general %x, %y, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [2] : (tensor<5x6x2x3xf32>, tensor<5x6x3x4xf32>) -> tensor<5x6x2x4xf32>
  %1 = stablehlo.transpose %0, dims = [1, 0, 2, 3] : (tensor<5x6x2x4xf32>) -> tensor<6x5x2x4xf32>
  return %1 : tensor<6x5x2x4xf32>
}

func.func @transpose_dot.batches.after(%x: tensor<5x6x2x3xf32>, %y: tensor<5x6x3x4xf32>) -> tensor<6x5x2x4xf32> {
  %0 = stablehlo.dot_general %x, %y, batching_dims = [1, 0] x [1, 0], contracting_dims = [3] x [2] : (tensor<5x6x2x3xf32>, tensor<5x6x3x4xf32>) -> tensor<6x5x2x4xf32>
  return %0 : tensor<6x5x2x4xf32>
}

func.func @transpose_dot.kept(%x: tensor<5x2x3xf32>, %y: tensor<5x3x4xf32>) -> tensor<2x5x4xf32> {
  %0 = stablehlo.dot_general %x, %y, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<5x2x3xf32>, tensor<5x3x4xf32>) -> tensor<5x2x4xf32>
  %1 = stablehlo.transpose %0, dims = [1, 0, 2] : (tensor<5x2x4xf32>) -> tensor<2x5x4xf32>
  return %1 : tensor<2x5x4xf32>
}

func.func @dot_of_nothing(%x: tensor<2x0xf32>, %y: tensor<0x4xf32>) -> tensor<2x4xf32> {
  %0 = stablehlo.dot_general %x, %y, contracting_dims = [1] x [0] : (tensor<2x0xf32>, tensor<0x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

func.func @dot_of_nothing.after(%x: tensor<2x0xf32>, %y: tensor<0x4xf32>) -> tensor<2x4xf32> {
  %cst = stablehlo.constant dense<0.000000e+00> : tensor<2x4xf32>
  return %cst : tensor<2x4xf32>
}

func.func @dot_of_single_products(%x: tensor<5x2x1xbf16>, %y: tensor<1x4x5xbf16>) -> tensor<5x2x4xf32> {
  %0 = stablehlo.dot_general %x, %y, batching_dims = [0] x [2], contracting_dims = [2] x [0] : (tensor<5x2x1xbf16>, tensor<1x4x5xbf16>) -> tensor<5x2x4xf32>
  return %0 : tensor<5x2x4xf32>
}

func.func @dot_of_single_products.after(%x: tensor<5x2x1xbf16>, %y: tensor<1x4x5xbf16>) -> tensor<5x2x4xf32> {
  %0 = stablehlo.reshape %x : (tensor<5x2x1xbf16>) -> tensor<5x2xbf16>
  %1 = stablehlo.convert %0 : (tensor<5x2xbf16>) -> tensor<5x2xf32>
  %2 = stablehlo.broadcast_in_dim %1, dims = [0, 1] : (tensor<5x2xf32>) -> tensor<5x2x4xf32>
  %3 = stablehlo.reshape %y : (tensor<1x4x5xbf16>) -> tensor<4x5xbf16>
  %4 = stablehlo.convert %3 : (tensor<4x5xbf16>) -> tensor<4x5xf32>
  %5 = stablehlo.transpose %4, dims = [1, 0] : (tensor<4x5xf32>) -> tensor<5x4xf32>
  %6 = stablehlo.broadcast_in_dim %5, dims = [0, 2] : (tensor<5x4xf32>) -> tensor<5x2x4xf32>
  %7 = stablehlo.multiply %2, %6 : tensor<5x2x4xf32>
  return %7 : tensor<5x2x4xf32>
}

func.func @dot_with_ones(%x: tensor<5x2x3xf32>) -> (tensor<5x2x4xf32>, tensor<5x4x2xf32>) {
  %c = stablehlo.constant dense<1.0> : tensor<5x3x4xf32>
  %0 = stablehlo.dot_general %x, %c, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<5x2x3xf32>, tensor<5x3x4xf32>) -> tensor<5x2x4xf32>
  %1 = stablehlo.dot_general %c, %x, batching_dims = [0] x [0], contracting_dims = [1] x [2] : (tensor<5x3x4xf32>, tensor<5x2x3xf32>) -> tensor<5x4x2xf32>
  return %0, %1 : tensor<5x2x4xf32>, tensor<5x4x2xf32>
}

func.func @dot_with_ones.after(%x: tensor<5x2x3xf32>) -> (tensor<5x2x4xf32>, tensor<5x4x2xf32>) {
  %cst = stablehlo.constant dense<0.000000e+00> : tensor<f32>
  %0 = stablehlo.reduce(%x init: %cst) applies stablehlo.add across dimensions = [2] : (tensor<5x2x3xf32>, tensor<f32>) -> tensor<5x2xf32>
  %1 = stablehlo.broadcast_in_dim %0, dims = [0, 1] : (tensor<5x2xf32>) -> tensor<5x2x4xf32>
  %2 = stablehlo.reduce(%x init: %cst) applies stablehlo.add across dimensions = [2] : (tensor<5x2x3xf32>, tensor<f32>) -> tensor<5x2xf32>
  %3 = stablehlo.broadcast_in_dim %2, dims = [0, 2] : (tensor<5x2xf32>) -> tensor<5x4x2xf32>
  return %1, %3 : tensor<5x2x4xf32>, tensor<5x4x2xf32>
}

func.func @dot_of_scaled(%x: tensor<2x3xf32>, %y: tensor<3x4xf32>) -> tensor<2x4xf32> {
  %c = stablehlo.constant dense<0.125> : tensor<2x3xf32>
  %0 = stablehlo.multiply %x, %c : tensor<2x3xf32>
  %1 = stablehlo.dot_general %0, %y, contracting_dims = [1] x [0] : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}

func.func @dot_of_scaled.after(%x: tensor<2x3xf32>, %y: tensor<3x4xf32>) -> tensor<2x4xf32> {
  %cst = stablehlo.constant dense<1.250000e-01> : tensor<2x4xf32>
  %0 = stablehlo.dot_general %x, %y, contracting_dims = [1] x [0] : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
  %1 = stablehlo.multiply %0, %cst : tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}

func.func @slice_dot(%x: tensor<5x2x3xf32>, %y: tensor<5x3x4xf32>) -> tensor<1x2x3xf32> {
  %0 = stablehlo.dot_general %x, %y, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<5x2x3xf32>, tensor<5x3x4xf32>) -> tensor<5x2x4xf32>
  %1 = stablehlo.slice %0 [4:5, 0:2, 1:4] : (tensor<5x2x4xf32>) -> tensor<1x2x3xf32>
  return %1 : tensor<1x2x3xf32>
}

func.func @slice_dot.after(%x: tensor<5x2x3xf32>, %y: tensor<5x3x4xf32>) -> tensor<1x2x3xf32> {
  %0 = stablehlo.slice %x [4:5, 0:2, 0:3] : (tensor<5x2x3xf32>) -> tensor<1x2x3xf32>
  %1 = stablehlo.slice %y [4:5, 0:3, 1:4] : (tensor<5x3x4xf32>) -> tensor<1x3x3xf32>
  %2 = stablehlo.dot_general %0, %1, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<1x2x3xf32>, tensor<1x3x3xf32>) -> tensor<1x2x3xf32>
  return %2 : tensor<1x2x3xf32>
}

func.func @slice_dot.number(%x: tensor<4x2xf32>, %y: tensor<f32>) -> tensor<2x2xf32> {
  %0 = stablehlo.dot_general %x, %y, contracting_dims = [] x [] : (tensor<4x2xf32>, tensor<f32>) -> tensor<4x2xf32>
  %1 = stablehlo.slice %0 [1:3, 0:2] : (tensor<4x2xf32>) -> tensor<2x2xf32>
  return %1 : tensor<2x2xf32>
}

func.func @slice_dot.number.after(%x: tensor<4x2xf32>, %y: tensor<f32>) -> tensor<2x2xf32> {
  %0 = stablehlo.slice %x [1:3, 0:2] : (tensor<4x2xf32>) -> tensor<2x2xf32>
  %1 = stablehlo.dot_general %0, %y, contracting_dims = [] x [] : (tensor<2x2xf32>, tensor<f32>) -> tensor<2x2xf32>
  return %1 : tensor<2x2xf32>
}
