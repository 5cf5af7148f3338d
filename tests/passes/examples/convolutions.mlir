// Examples of the patterns in slopec/passes/simplify/convolutions.py: a function, and as `.after` what becomes of it.
// A function whose variant begins with `kept` stays as it is.

func.func @convolution_of_transposed(%x: tensor<1x2x5x6xf32>, %k: tensor<3x3x2x4xf32>) -> tensor<1x3x4x4xf32> {
  %0 = stablehlo.transpose %x, dims = [0, 2, 3, 1] : (tensor<1x2x5x6xf32>) -> tensor<1x5x6x2xf32>
  %1 = stablehlo.convolution(%0, %k) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x5x6x2xf32>, tensor<3x3x2x4xf32>) -> tensor<1x3x4x4xf32>
  return %1 : tensor<1x3x4x4xf32>
}

func.func @convolution_of_transposed.after(%x: tensor<1x2x5x6xf32>, %k: tensor<3x3x2x4xf32>) -> tensor<1x3x4x4xf32> {
  %0 = stablehlo.convolution(%x, %k) dim_numbers = [b, f, 0, 1]x[0, 1, i, o]->[b, 0, 1, f], window = {} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x2x5x6xf32>, tensor<3x3x2x4xf32>) -> tensor<1x3x4x4xf32>
  return %0 : tensor<1x3x4x4xf32>
}

func.func @convolution_with_transposed(%x: tensor<1x5x6x2xf32>, %k: tensor<4x2x3x2xf32>) -> tensor<1x3x5x4xf32> {
  %0 = stablehlo.transpose %k, dims = [2, 3, 1, 0] : (tensor<4x2x3x2xf32>) -> tensor<3x2x2x4xf32>
  %1 = stablehlo.convolution(%x, %0) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x5x6x2xf32>, tensor<3x2x2x4xf32>) -> tensor<1x3x5x4xf32>
  return %1 : tensor<1x3x5x4xf32>
}

func.func @convolution_with_transposed.after(%x: tensor<1x5x6x2xf32>, %k: tensor<4x2x3x2xf32>) -> tensor<1x3x5x4xf32> {
  %0 = stablehlo.convolution(%x, %k) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x5x6x2xf32>, tensor<4x2x3x2xf32>) -> tensor<1x3x5x4xf32>
  return %0 : tensor<1x3x5x4xf32>
}

func.func @transpose_convolution(%x: tensor<1x5x6x2xf32>, %k: tensor<3x2x2x4xf32>) -> tensor<1x4x3x5xf32> {
  %0 = stablehlo.convolution(%x, %k) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x5x6x2xf32>, tensor<3x2x2x4xf32>) -> tensor<1x3x5x4xf32>
  %1 = stablehlo.transpose %0, dims = [0, 3, 1, 2] : (tensor<1x3x5x4xf32>) -> tensor<1x4x3x5xf32>
  return %1 : tensor<1x4x3x5xf32>
}

func.func @transpose_convolution.after(%x: tensor<1x5x6x2xf32>, %k: tensor<3x2x2x4xf32>) -> tensor<1x4x3x5xf32> {
  %0 = stablehlo.convolution(%x, %k) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, f, 0, 1], window = {} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x5x6x2xf32>, tensor<3x2x2x4xf32>) -> tensor<1x4x3x5xf32>
  return %0 : tensor<1x4x3x5xf32>
}

func.func @convolution_with_reversed(%x: tensor<1x5x6x2xf32>, %k: tensor<3x2x2x4xf32>) -> tensor<1x3x5x4xf32> {
  %0 = stablehlo.convolution(%x, %k) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {reverse = [true, false]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x5x6x2xf32>, tensor<3x2x2x4xf32>) -> tensor<1x3x5x4xf32>
  return %0 : tensor<1x3x5x4xf32>
}

func.func @convolution_with_reversed.after(%x: tensor<1x5x6x2xf32>, %k: tensor<3x2x2x4xf32>) -> tensor<1x3x5x4xf32> {
  %0 = stablehlo.reverse %k, dims = [0] : tensor<3x2x2x4xf32>
  %1 = stablehlo.convolution(%x, %0) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {reverse = [false, false]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x5x6x2xf32>, tensor<3x2x2x4xf32>) -> tensor<1x3x5x4xf32>
  return %1 : tensor<1x3x5x4xf32>
}

func.func @convolution_of_padded(%x: tensor<1x3x4x2xf32>, %k: tensor<3x2x2x4xf32>) -> tensor<1x6x8x4xf32> {
  %z = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = stablehlo.pad %x, %z, low = [0, 1, 2, 0], high = [0, 0, 1, 0], interior = [0, 1, 0, 0] : (tensor<1x3x4x2xf32>, tensor<f32>) -> tensor<1x6x7x2xf32>
  %1 = stablehlo.convolution(%0, %k) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {pad = [[1, 1], [0, 2]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x6x7x2xf32>, tensor<3x2x2x4xf32>) -> tensor<1x6x8x4xf32>
  return %1 : tensor<1x6x8x4xf32>
}

func.func @convolution_of_padded.after(%x: tensor<1x3x4x2xf32>, %k: tensor<3x2x2x4xf32>) -> tensor<1x6x8x4xf32> {
  %0 = stablehlo.convolution(%x, %k) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {pad = [[2, 1], [2, 3]], lhs_dilate = [2, 1]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x3x4x2xf32>, tensor<3x2x2x4xf32>) -> tensor<1x6x8x4xf32>
  return %0 : tensor<1x6x8x4xf32>
}

func.func @convolution_of_nothing(%x: tensor<1x5x6x0xf32>, %k: tensor<3x2x0x4xf32>) -> tensor<1x3x5x4xf32> {
  %0 = stablehlo.convolution(%x, %k) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x5x6x0xf32>, tensor<3x2x0x4xf32>) -> tensor<1x3x5x4xf32>
  return %0 : tensor<1x3x5x4xf32>
}

func.func @convolution_of_nothing.after(%x: tensor<1x5x6x0xf32>, %k: tensor<3x2x0x4xf32>) -> tensor<1x3x5x4xf32> {
  %cst = stablehlo.constant dense<0.000000e+00> : tensor<1x3x5x4xf32>
  return %cst : tensor<1x3x5x4xf32>
}
