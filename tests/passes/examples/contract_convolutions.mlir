// Examples of the patterns in slopec/passes/contract_convolutions.py: a function, and as `.after` what becomes of it.
// A function whose variant begins with `kept` stays as it is.

func.func @kernel_gradient(%x: tensor<2x3x2x2xf32>, %k: tensor<2x3x2x3xf32>) -> tensor<1x2x2x3xf32> {
  %0 = stablehlo.convolution(%x, %k) dim_numbers = [f, 0, 1, b]x[i, 0, 1, o]->[0, 1, b, f], window = {pad = [[0, 0], [1, 0]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<2x3x2x2xf32>, tensor<2x3x2x3xf32>) -> tensor<1x2x2x3xf32>
  return %0 : tensor<1x2x2x3xf32>
}

func.func @kernel_gradient.after(%arg0: tensor<2x3x2x2xf32>, %arg1: tensor<2x3x2x3xf32>) -> tensor<1x2x2x3xf32> {
  %cst = stablehlo.constant dense<0.000000e+00> : tensor<f32>
  %0 = stablehlo.pad %arg0, %cst, low = [0, 0, 1, 0], high = [0, 0, 0, 0], interior = [0, 0, 0, 0] : (tensor<2x3x2x2xf32>, tensor<f32>) -> tensor<2x3x3x2xf32>
  %1 = stablehlo.optimization_barrier %0 : tensor<2x3x3x2xf32>
  %2 = stablehlo.optimization_barrier %arg1 : tensor<2x3x2x3xf32>
  %3 = stablehlo.slice %1 [0:2, 0:3, 0:2, 0:2] : (tensor<2x3x3x2xf32>) -> tensor<2x3x2x2xf32>
  %4 = stablehlo.dot_general %3, %2, batching_dims = [0] x [0], contracting_dims = [1, 2] x [1, 2] : (tensor<2x3x2x2xf32>, tensor<2x3x2x3xf32>) -> tensor<2x2x3xf32>
  %5 = stablehlo.reduce(%4 init: %cst) applies stablehlo.add across dimensions = [0] : (tensor<2x2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
  %6 = stablehlo.slice %1 [0:2, 0:3, 1:3, 0:2] : (tensor<2x3x3x2xf32>) -> tensor<2x3x2x2xf32>
  %7 = stablehlo.dot_general %6, %2, batching_dims = [0] x [0], contracting_dims = [1, 2] x [1, 2] : (tensor<2x3x2x2xf32>, tensor<2x3x2x3xf32>) -> tensor<2x2x3xf32>
  %8 = stablehlo.reduce(%7 init: %cst) applies stablehlo.add across dimensions = [0] : (tensor<2x2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
  %9 = stablehlo.reshape %5 : (tensor<2x3xf32>) -> tensor<1x6xf32>
  %10 = stablehlo.reshape %8 : (tensor<2x3xf32>) -> tensor<1x6xf32>
  %11 = stablehlo.concatenate %9, %10, dim = 0 : (tensor<1x6xf32>, tensor<1x6xf32>) -> tensor<2x6xf32>
  %12 = stablehlo.reshape %11 : (tensor<2x6xf32>) -> tensor<1x2x2x3xf32>
  return %12 : tensor<1x2x2x3xf32>
}

func.func @kernel_gradient.strided(%x: tensor<2x5x5x8xf32>, %k: tensor<2x3x3x8xf32>) -> tensor<1x2x8x8xf32> {
  %0 = stablehlo.convolution(%x, %k) dim_numbers = [f, 0, 1, b]x[i, 0, 1, o]->[0, 1, b, f], window = {pad = [[0, 0], [0, 1]], rhs_dilate = [2, 2]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<2x5x5x8xf32>, tensor<2x3x3x8xf32>) -> tensor<1x2x8x8xf32>
  return %0 : tensor<1x2x8x8xf32>
}

func.func @kernel_gradient.strided.after(%arg0: tensor<2x5x5x8xf32>, %arg1: tensor<2x3x3x8xf32>) -> tensor<1x2x8x8xf32> {
  %cst = stablehlo.constant dense<0.000000e+00> : tensor<f32>
  %0 = stablehlo.pad %arg0, %cst, low = [0, 0, 0, 0], high = [0, 0, 1, 0], interior = [0, 0, 0, 0] : (tensor<2x5x5x8xf32>, tensor<f32>) -> tensor<2x5x6x8xf32>
  %1 = stablehlo.optimization_barrier %0 : tensor<2x5x6x8xf32>
  %2 = stablehlo.optimization_barrier %arg1 : tensor<2x3x3x8xf32>
  %3 = stablehlo.slice %1 [0:2, 0:5:2, 0:5:2, 0:8] : (tensor<2x5x6x8xf32>) -> tensor<2x3x3x8xf32>
  %4 = stablehlo.dot_general %3, %2, batching_dims = [0] x [0], contracting_dims = [1, 2] x [1, 2] : (tensor<2x3x3x8xf32>, tensor<2x3x3x8xf32>) -> tensor<2x8x8xf32>
  %5 = stablehlo.reduce(%4 init: %cst) applies stablehlo.add across dimensions = [0] : (tensor<2x8x8xf32>, tensor<f32>) -> tensor<8x8xf32>
  %6 = stablehlo.slice %1 [0:2, 0:5:2, 1:6:2, 0:8] : (tensor<2x5x6x8xf32>) -> tensor<2x3x3x8xf32>
  %7 = stablehlo.dot_general %6, %2, batching_dims = [0] x [0], contracting_dims = [1, 2] x [1, 2] : (tensor<2x3x3x8xf32>, tensor<2x3x3x8xf32>) -> tensor<2x8x8xf32>
  %8 = stablehlo.reduce(%7 init: %cst) applies stablehlo.add across dimensions = [0] : (tensor<2x8x8xf32>, tensor<f32>) -> tensor<8x8xf32>
  %9 = stablehlo.reshape %5 : (tensor<8x8xf32>) -> tensor<1x64xf32>
  %10 = stablehlo.reshape %8 : (tensor<8x8xf32>) -> tensor<1x64xf32>
  %11 = stablehlo.concatenate %9, %10, dim = 0 : (tensor<1x64xf32>, tensor<1x64xf32>) -> tensor<2x64xf32>
  %12 = stablehlo.reshape %11 : (tensor<2x64xf32>) -> tensor<1x2x8x8xf32>
  return %12 : tensor<1x2x8x8xf32>
}

func.func @kernel_gradient.grouped(%x: tensor<3x2x3x4xf32>, %k: tensor<3x2x3x6xf32>) -> tensor<1x2x2x6xf32> {
  %0 = stablehlo.convolution(%x, %k) dim_numbers = [f, 0, 1, b]x[i, 0, 1, o]->[0, 1, b, f], window = {pad = [[0, 0], [1, 0]]} {batch_group_count = 2 : i64, feature_group_count = 1 : i64} : (tensor<3x2x3x4xf32>, tensor<3x2x3x6xf32>) -> tensor<1x2x2x6xf32>
  return %0 : tensor<1x2x2x6xf32>
}

func.func @kernel_gradient.grouped.after(%arg0: tensor<3x2x3x4xf32>, %arg1: tensor<3x2x3x6xf32>) -> tensor<1x2x2x6xf32> {
  %cst = stablehlo.constant dense<0.000000e+00> : tensor<f32>
  %0 = stablehlo.pad %arg0, %cst, low = [0, 0, 1, 0], high = [0, 0, 0, 0], interior = [0, 0, 0, 0] : (tensor<3x2x3x4xf32>, tensor<f32>) -> tensor<3x2x4x4xf32>
  %1 = stablehlo.reshape %0 : (tensor<3x2x4x4xf32>) -> tensor<3x2x4x2x2xf32>
  %2 = stablehlo.optimization_barrier %1 : tensor<3x2x4x2x2xf32>
  %3 = stablehlo.reshape %arg1 : (tensor<3x2x3x6xf32>) -> tensor<3x2x3x2x3xf32>
  %4 = stablehlo.optimization_barrier %3 : tensor<3x2x3x2x3xf32>
  %5 = stablehlo.slice %2 [0:3, 0:2, 0:3, 0:2, 0:2] : (tensor<3x2x4x2x2xf32>) -> tensor<3x2x3x2x2xf32>
  %6 = stablehlo.dot_general %5, %4, batching_dims = [0, 3] x [0, 3], contracting_dims = [1, 2] x [1, 2] : (tensor<3x2x3x2x2xf32>, tensor<3x2x3x2x3xf32>) -> tensor<3x2x2x3xf32>
  %7 = stablehlo.reduce(%6 init: %cst) applies stablehlo.add across dimensions = [0] : (tensor<3x2x2x3xf32>, tensor<f32>) -> tensor<2x2x3xf32>
  %8 = stablehlo.transpose %7, dims = [1, 0, 2] : (tensor<2x2x3xf32>) -> tensor<2x2x3xf32>
  %9 = stablehlo.reshape %8 : (tensor<2x2x3xf32>) -> tensor<2x6xf32>
  %10 = stablehlo.slice %2 [0:3, 0:2, 1:4, 0:2, 0:2] : (tensor<3x2x4x2x2xf32>) -> tensor<3x2x3x2x2xf32>
  %11 = stablehlo.dot_general %10, %4, batching_dims = [0, 3] x [0, 3], contracting_dims = [1, 2] x [1, 2] : (tensor<3x2x3x2x2xf32>, tensor<3x2x3x2x3xf32>) -> tensor<3x2x2x3xf32>
  %12 = stablehlo.reduce(%11 init: %cst) applies stablehlo.add across dimensions = [0] : (tensor<3x2x2x3xf32>, tensor<f32>) -> tensor<2x2x3xf32>
  %13 = stablehlo.transpose %12, dims = [1, 0, 2] : (tensor<2x2x3xf32>) -> tensor<2x2x3xf32>
  %14 = stablehlo.reshape %13 : (tensor<2x2x3xf32>) -> tensor<2x6xf32>
  %15 = stablehlo.reshape %9 : (tensor<2x6xf32>) -> tensor<1x12xf32>
  %16 = stablehlo.reshape %14 : (tensor<2x6xf32>) -> tensor<1x12xf32>
  %17 = stablehlo.concatenate %15, %16, dim = 0 : (tensor<1x12xf32>, tensor<1x12xf32>) -> tensor<2x12xf32>
  %18 = stablehlo.reshape %17 : (tensor<2x12xf32>) -> tensor<1x2x2x6xf32>
  return %18 : tensor<1x2x2x6xf32>
}

func.func @kernel_gradient.channels_apart(%x: tensor<3x2x3x2xf32>, %k: tensor<3x2x3x2xf32>) -> tensor<1x2x1x2xf32> {
  %0 = stablehlo.convolution(%x, %k) dim_numbers = [f, 0, 1, b]x[i, 0, 1, o]->[0, 1, b, f], window = {pad = [[0, 0], [1, 0]]} {batch_group_count = 2 : i64, feature_group_count = 1 : i64} : (tensor<3x2x3x2xf32>, tensor<3x2x3x2xf32>) -> tensor<1x2x1x2xf32>
  return %0 : tensor<1x2x1x2xf32>
}

func.func @kernel_gradient.channels_apart.after(%arg0: tensor<3x2x3x2xf32>, %arg1: tensor<3x2x3x2xf32>) -> tensor<1x2x1x2xf32> {
  %cst = stablehlo.constant dense<0.000000e+00> : tensor<f32>
  %0 = stablehlo.pad %arg0, %cst, low = [0, 0, 1, 0], high = [0, 0, 0, 0], interior = [0, 0, 0, 0] : (tensor<3x2x3x2xf32>, tensor<f32>) -> tensor<3x2x4x2xf32>
  %1 = stablehlo.reshape %0 : (tensor<3x2x4x2xf32>) -> tensor<3x2x4x2x1xf32>
  %2 = stablehlo.optimization_barrier %1 : tensor<3x2x4x2x1xf32>
  %3 = stablehlo.reshape %arg1 : (tensor<3x2x3x2xf32>) -> tensor<3x2x3x2x1xf32>
  %4 = stablehlo.optimization_barrier %3 : tensor<3x2x3x2x1xf32>
  %5 = stablehlo.slice %2 [0:3, 0:2, 0:3, 0:2, 0:1] : (tensor<3x2x4x2x1xf32>) -> tensor<3x2x3x2x1xf32>
  %6 = stablehlo.multiply %5, %4 : tensor<3x2x3x2x1xf32>
  %7 = stablehlo.reduce(%6 init: %cst) applies stablehlo.add across dimensions = [0, 1, 2] : (tensor<3x2x3x2x1xf32>, tensor<f32>) -> tensor<2x1xf32>
  %8 = stablehlo.slice %2 [0:3, 0:2, 1:4, 0:2, 0:1] : (tensor<3x2x4x2x1xf32>) -> tensor<3x2x3x2x1xf32>
  %9 = stablehlo.multiply %8, %4 : tensor<3x2x3x2x1xf32>
  %10 = stablehlo.reduce(%9 init: %cst) applies stablehlo.add across dimensions = [0, 1, 2] : (tensor<3x2x3x2x1xf32>, tensor<f32>) -> tensor<2x1xf32>
  %11 = stablehlo.reshape %7 : (tensor<2x1xf32>) -> tensor<1x2xf32>
  %12 = stablehlo.reshape %10 : (tensor<2x1xf32>) -> tensor<1x2xf32>
  %13 = stablehlo.concatenate %11, %12, dim = 0 : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<2x2xf32>
  %14 = stablehlo.reshape %13 : (tensor<2x2xf32>) -> tensor<1x2x1x2xf32>
  return %14 : tensor<1x2x1x2xf32>
}

func.func @kernel_gradient.kept(%x: tensor<1x5x6x2xf32>, %k: tensor<3x3x2x4xf32>) -> tensor<1x3x4x4xf32> {
  %0 = stablehlo.convolution(%x, %k) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x5x6x2xf32>, tensor<3x3x2x4xf32>) -> tensor<1x3x4x4xf32>
  return %0 : tensor<1x3x4x4xf32>
}

func.func @dilated_pointwise(%x: tensor<1x3x3x2xf32>, %k: tensor<1x1x2x4xf32>) -> tensor<1x6x5x4xf32> {
  %0 = stablehlo.convolution(%x, %k) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {pad = [[0, 1], [0, 0]], lhs_dilate = [2, 2]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x3x3x2xf32>, tensor<1x1x2x4xf32>) -> tensor<1x6x5x4xf32>
  return %0 : tensor<1x6x5x4xf32>
}

func.func @dilated_pointwise.after(%arg0: tensor<1x3x3x2xf32>, %arg1: tensor<1x1x2x4xf32>) -> tensor<1x6x5x4xf32> {
  %cst = stablehlo.constant dense<0.000000e+00> : tensor<f32>
  %0 = stablehlo.convolution(%arg0, %arg1) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[0, 0], [0, 0]], lhs_dilate = [1, 1], rhs_dilate = [1, 1], reverse = [false, false]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x3x3x2xf32>, tensor<1x1x2x4xf32>) -> tensor<1x3x3x4xf32>
  %1 = stablehlo.pad %0, %cst, low = [0, 0, 0, 0], high = [0, 1, 0, 0], interior = [0, 1, 1, 0] : (tensor<1x3x3x4xf32>, tensor<f32>) -> tensor<1x6x5x4xf32>
  return %1 : tensor<1x6x5x4xf32>
}

func.func @dilated_by_phases(%x: tensor<1x3x4x2xf32>, %k: tensor<3x2x2x4xf32>) -> tensor<1x6x7x4xf32> {
  %0 = stablehlo.convolution(%x, %k) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {pad = [[1, 2], [0, 1]], lhs_dilate = [2, 2]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x3x4x2xf32>, tensor<3x2x2x4xf32>) -> tensor<1x6x7x4xf32>
  return %0 : tensor<1x6x7x4xf32>
}

func.func @dilated_by_phases.after(%arg0: tensor<1x3x4x2xf32>, %arg1: tensor<3x2x2x4xf32>) -> tensor<1x6x7x4xf32> {
  %cst = stablehlo.constant dense<0.000000e+00> : tensor<f32>
  %0 = stablehlo.slice %arg1 [1:3:2, 0:2, 0:2, 0:4] : (tensor<3x2x2x4xf32>) -> tensor<1x2x2x4xf32>
  %1 = stablehlo.pad %0, %cst, low = [0, 0, 0, 0], high = [1, 0, 0, 0], interior = [0, 0, 0, 0] : (tensor<1x2x2x4xf32>, tensor<f32>) -> tensor<2x2x2x4xf32>
  %2 = stablehlo.slice %arg1 [0:3:2, 0:2, 0:2, 0:4] : (tensor<3x2x2x4xf32>) -> tensor<2x2x2x4xf32>
  %3 = stablehlo.concatenate %1, %2, dim = 3 : (tensor<2x2x2x4xf32>, tensor<2x2x2x4xf32>) -> tensor<2x2x2x8xf32>
  %4 = stablehlo.slice %3 [0:2, 0:2:2, 0:2, 0:8] : (tensor<2x2x2x8xf32>) -> tensor<2x1x2x8xf32>
  %5 = stablehlo.pad %4, %cst, low = [0, 0, 0, 0], high = [0, 1, 0, 0], interior = [0, 0, 0, 0] : (tensor<2x1x2x8xf32>, tensor<f32>) -> tensor<2x2x2x8xf32>
  %6 = stablehlo.slice %3 [0:2, 1:2:2, 0:2, 0:8] : (tensor<2x2x2x8xf32>) -> tensor<2x1x2x8xf32>
  %7 = stablehlo.pad %6, %cst, low = [0, 1, 0, 0], high = [0, 0, 0, 0], interior = [0, 0, 0, 0] : (tensor<2x1x2x8xf32>, tensor<f32>) -> tensor<2x2x2x8xf32>
  %8 = stablehlo.concatenate %5, %7, dim = 3 : (tensor<2x2x2x8xf32>, tensor<2x2x2x8xf32>) -> tensor<2x2x2x16xf32>
  %9 = stablehlo.convolution(%arg0, %8) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[0, 1], [0, 1]], lhs_dilate = [1, 1], rhs_dilate = [1, 1], reverse = [false, false]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x3x4x2xf32>, tensor<2x2x2x16xf32>) -> tensor<1x3x4x16xf32>
  %10 = stablehlo.reshape %9 : (tensor<1x3x4x16xf32>) -> tensor<1x3x4x2x2x4xf32>
  %11 = stablehlo.transpose %10, dims = [0, 1, 4, 2, 3, 5] : (tensor<1x3x4x2x2x4xf32>) -> tensor<1x3x2x4x2x4xf32>
  %12 = stablehlo.reshape %11 : (tensor<1x3x2x4x2x4xf32>) -> tensor<1x6x8x4xf32>
  %13 = stablehlo.slice %12 [0:1, 0:6, 0:7, 0:4] : (tensor<1x6x8x4xf32>) -> tensor<1x6x7x4xf32>
  return %13 : tensor<1x6x7x4xf32>
}

func.func @dilated_by_phases.line(%x: tensor<2x4x2xf32>, %k: tensor<4x2x3xf32>) -> tensor<2x12x3xf32> {
  %0 = stablehlo.convolution(%x, %k) dim_numbers = [b, 0, f]x[0, i, o]->[b, 0, f], window = {pad = [[2, 3]], lhs_dilate = [3]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<2x4x2xf32>, tensor<4x2x3xf32>) -> tensor<2x12x3xf32>
  return %0 : tensor<2x12x3xf32>
}

func.func @dilated_by_phases.line.after(%arg0: tensor<2x4x2xf32>, %arg1: tensor<4x2x3xf32>) -> tensor<2x12x3xf32> {
  %cst = stablehlo.constant dense<0.000000e+00> : tensor<f32>
  %0 = stablehlo.slice %arg1 [2:4:3, 0:2, 0:3] : (tensor<4x2x3xf32>) -> tensor<1x2x3xf32>
  %1 = stablehlo.pad %0, %cst, low = [0, 0, 0], high = [1, 0, 0], interior = [0, 0, 0] : (tensor<1x2x3xf32>, tensor<f32>) -> tensor<2x2x3xf32>
  %2 = stablehlo.slice %arg1 [1:4:3, 0:2, 0:3] : (tensor<4x2x3xf32>) -> tensor<1x2x3xf32>
  %3 = stablehlo.pad %2, %cst, low = [0, 0, 0], high = [1, 0, 0], interior = [0, 0, 0] : (tensor<1x2x3xf32>, tensor<f32>) -> tensor<2x2x3xf32>
  %4 = stablehlo.slice %arg1 [0:4:3, 0:2, 0:3] : (tensor<4x2x3xf32>) -> tensor<2x2x3xf32>
  %5 = stablehlo.concatenate %1, %3, %4, dim = 2 : (tensor<2x2x3xf32>, tensor<2x2x3xf32>, tensor<2x2x3xf32>) -> tensor<2x2x9xf32>
  %6 = stablehlo.convolution(%arg0, %5) dim_numbers = [b, 0, f]x[0, i, o]->[b, 0, f], window = {stride = [1], pad = [[0, 1]], lhs_dilate = [1], rhs_dilate = [1], reverse = [false]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<2x4x2xf32>, tensor<2x2x9xf32>) -> tensor<2x4x9xf32>
  %7 = stablehlo.reshape %6 : (tensor<2x4x9xf32>) -> tensor<2x4x3x3xf32>
  %8 = stablehlo.reshape %7 : (tensor<2x4x3x3xf32>) -> tensor<2x12x3xf32>
  return %8 : tensor<2x12x3xf32>
}

func.func @single_channel(%x: tensor<1x5x6x1xf32>, %k: tensor<3x3x1x4xf32>) -> tensor<1x3x4x4xf32> {
  %0 = stablehlo.convolution(%x, %k) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x5x6x1xf32>, tensor<3x3x1x4xf32>) -> tensor<1x3x4x4xf32>
  return %0 : tensor<1x3x4x4xf32>
}

func.func @single_channel.after(%arg0: tensor<1x5x6x1xf32>, %arg1: tensor<3x3x1x4xf32>) -> tensor<1x3x4x4xf32> {
  %cst = stablehlo.constant dense<0.000000e+00> : tensor<f32>
  %0 = stablehlo.pad %arg0, %cst, low = [0, 0, 0, 0], high = [0, 0, 0, 1], interior = [0, 0, 0, 0] : (tensor<1x5x6x1xf32>, tensor<f32>) -> tensor<1x5x6x2xf32>
  %1 = stablehlo.pad %arg1, %cst, low = [0, 0, 0, 0], high = [0, 0, 1, 0], interior = [0, 0, 0, 0] : (tensor<3x3x1x4xf32>, tensor<f32>) -> tensor<3x3x2x4xf32>
  %2 = stablehlo.convolution(%0, %1) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[0, 0], [0, 0]], lhs_dilate = [1, 1], rhs_dilate = [1, 1], reverse = [false, false]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x5x6x2xf32>, tensor<3x3x2x4xf32>) -> tensor<1x3x4x4xf32>
  return %2 : tensor<1x3x4x4xf32>
}

func.func @single_channel.kept(%x: tensor<1x5x6x2xf32>, %k: tensor<3x3x1x4xf32>) -> tensor<1x3x4x4xf32> {
  %0 = stablehlo.convolution(%x, %k) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {} {batch_group_count = 1 : i64, feature_group_count = 2 : i64} : (tensor<1x5x6x2xf32>, tensor<3x3x1x4xf32>) -> tensor<1x3x4x4xf32>
  return %0 : tensor<1x3x4x4xf32>
}

func.func @padding_apart(%w: tensor<1x2x5x6xf32>, %k: tensor<3x3x2x4xf32>) -> tensor<1x5x4x4xf32> {
  %x = stablehlo.transpose %w, dims = [0, 2, 3, 1] : (tensor<1x2x5x6xf32>) -> tensor<1x5x6x2xf32>
  %0 = stablehlo.convolution(%x, %k) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {pad = [[1, 1], [0, 0]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x5x6x2xf32>, tensor<3x3x2x4xf32>) -> tensor<1x5x4x4xf32>
  return %0 : tensor<1x5x4x4xf32>
}

func.func @padding_apart.after(%arg0: tensor<1x2x5x6xf32>, %arg1: tensor<3x3x2x4xf32>) -> tensor<1x5x4x4xf32> {
  %cst = stablehlo.constant dense<0.000000e+00> : tensor<f32>
  %0 = stablehlo.transpose %arg0, dims = [0, 2, 3, 1] : (tensor<1x2x5x6xf32>) -> tensor<1x5x6x2xf32>
  %1 = stablehlo.pad %0, %cst, low = [0, 1, 0, 0], high = [0, 1, 0, 0], interior = [0, 0, 0, 0] : (tensor<1x5x6x2xf32>, tensor<f32>) -> tensor<1x7x6x2xf32>
  %2 = stablehlo.optimization_barrier %1 : tensor<1x7x6x2xf32>
  %3 = stablehlo.convolution(%2, %arg1) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[0, 0], [0, 0]], lhs_dilate = [1, 1], rhs_dilate = [1, 1], reverse = [false, false]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x7x6x2xf32>, tensor<3x3x2x4xf32>) -> tensor<1x5x4x4xf32>
  return %3 : tensor<1x5x4x4xf32>
}

func.func @moves_apart(%x: tensor<1x5x6x2xf32>, %w: tensor<4x2x3x3xf32>) -> tensor<1x3x4x4xf32> {
  %k = stablehlo.transpose %w, dims = [2, 3, 1, 0] : (tensor<4x2x3x3xf32>) -> tensor<3x3x2x4xf32>
  %0 = stablehlo.convolution(%x, %k) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x5x6x2xf32>, tensor<3x3x2x4xf32>) -> tensor<1x3x4x4xf32>
  return %0 : tensor<1x3x4x4xf32>
}

func.func @moves_apart.after(%arg0: tensor<1x5x6x2xf32>, %arg1: tensor<4x2x3x3xf32>) -> tensor<1x3x4x4xf32> {
  %0 = stablehlo.transpose %arg1, dims = [2, 3, 1, 0] : (tensor<4x2x3x3xf32>) -> tensor<3x3x2x4xf32>
  %1 = stablehlo.optimization_barrier %0 : tensor<3x3x2x4xf32>
  %2 = stablehlo.convolution(%arg0, %1) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x5x6x2xf32>, tensor<3x3x2x4xf32>) -> tensor<1x3x4x4xf32>
  return %2 : tensor<1x3x4x4xf32>
}

func.func @patches(%x: tensor<2x3x8x7xf32>, %k: tensor<5x3x4x3xf32>) -> tensor<2x5x2x2xf32> {
  %0 = stablehlo.convolution(%x, %k) dim_numbers = [b, f, 0, 1]x[o, i, 0, 1]->[b, f, 0, 1], window = {stride = [4, 3]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<2x3x8x7xf32>, tensor<5x3x4x3xf32>) -> tensor<2x5x2x2xf32>
  return %0 : tensor<2x5x2x2xf32>
}

func.func @patches.after(%arg0: tensor<2x3x8x7xf32>, %arg1: tensor<5x3x4x3xf32>) -> tensor<2x5x2x2xf32> {
  %0 = stablehlo.transpose %arg0, dims = [0, 2, 3, 1] : (tensor<2x3x8x7xf32>) -> tensor<2x8x7x3xf32>
  %1 = stablehlo.transpose %arg1, dims = [2, 3, 1, 0] : (tensor<5x3x4x3xf32>) -> tensor<4x3x3x5xf32>
  %2 = stablehlo.slice %0 [0:2, 0:8, 0:6, 0:3] : (tensor<2x8x7x3xf32>) -> tensor<2x8x6x3xf32>
  %3 = stablehlo.reshape %2 : (tensor<2x8x6x3xf32>) -> tensor<2x2x4x2x3x3xf32>
  %4 = stablehlo.transpose %3, dims = [0, 1, 3, 2, 4, 5] : (tensor<2x2x4x2x3x3xf32>) -> tensor<2x2x2x4x3x3xf32>
  %5 = stablehlo.dot_general %4, %1, contracting_dims = [3, 4, 5] x [0, 1, 2] : (tensor<2x2x2x4x3x3xf32>, tensor<4x3x3x5xf32>) -> tensor<2x2x2x5xf32>
  %6 = stablehlo.transpose %5, dims = [0, 3, 1, 2] : (tensor<2x2x2x5xf32>) -> tensor<2x5x2x2xf32>
  return %6 : tensor<2x5x2x2xf32>
}

func.func @patches.gradient(%x: tensor<2x8x7x3xf32>, %k: tensor<2x2x2x5xf32>) -> tensor<4x3x3x5xf32> {
  %0 = stablehlo.convolution(%x, %k) dim_numbers = [f, 0, 1, b]x[i, 0, 1, o]->[0, 1, b, f], window = {pad = [[0, 0], [0, -1]], rhs_dilate = [4, 3]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<2x8x7x3xf32>, tensor<2x2x2x5xf32>) -> tensor<4x3x3x5xf32>
  return %0 : tensor<4x3x3x5xf32>
}

func.func @patches.gradient.after(%arg0: tensor<2x8x7x3xf32>, %arg1: tensor<2x2x2x5xf32>) -> tensor<4x3x3x5xf32> {
  %cst = stablehlo.constant dense<0.000000e+00> : tensor<f32>
  %0 = stablehlo.transpose %arg0, dims = [3, 1, 2, 0] : (tensor<2x8x7x3xf32>) -> tensor<3x8x7x2xf32>
  %1 = stablehlo.transpose %arg1, dims = [1, 2, 0, 3] : (tensor<2x2x2x5xf32>) -> tensor<2x2x2x5xf32>
  %2 = stablehlo.pad %0, %cst, low = [0, 0, 0, 0], high = [0, 0, -1, 0], interior = [0, 0, 0, 0] : (tensor<3x8x7x2xf32>, tensor<f32>) -> tensor<3x8x6x2xf32>
  %3 = stablehlo.reshape %2 : (tensor<3x8x6x2xf32>) -> tensor<3x2x4x2x3x2xf32>
  %4 = stablehlo.transpose %3, dims = [0, 2, 4, 1, 3, 5] : (tensor<3x2x4x2x3x2xf32>) -> tensor<3x4x3x2x2x2xf32>
  %5 = stablehlo.dot_general %4, %1, contracting_dims = [3, 4, 5] x [0, 1, 2] : (tensor<3x4x3x2x2x2xf32>, tensor<2x2x2x5xf32>) -> tensor<3x4x3x5xf32>
  %6 = stablehlo.transpose %5, dims = [1, 2, 0, 3] : (tensor<3x4x3x5xf32>) -> tensor<4x3x3x5xf32>
  return %6 : tensor<4x3x3x5xf32>
}

func.func @patches.padded(%x: tensor<2x5x3xf32>, %k: tensor<3x3x4xf32>) -> tensor<2x2x4xf32> {
  %0 = stablehlo.convolution(%x, %k) dim_numbers = [b, 0, f]x[0, i, o]->[b, 0, f], window = {stride = [3], pad = [[1, 0]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<2x5x3xf32>, tensor<3x3x4xf32>) -> tensor<2x2x4xf32>
  return %0 : tensor<2x2x4xf32>
}

func.func @patches.padded.after(%arg0: tensor<2x5x3xf32>, %arg1: tensor<3x3x4xf32>) -> tensor<2x2x4xf32> {
  %cst = stablehlo.constant dense<0.000000e+00> : tensor<f32>
  %0 = stablehlo.pad %arg0, %cst, low = [0, 1, 0], high = [0, 0, 0], interior = [0, 0, 0] : (tensor<2x5x3xf32>, tensor<f32>) -> tensor<2x6x3xf32>
  %1 = stablehlo.reshape %0 : (tensor<2x6x3xf32>) -> tensor<2x2x3x3xf32>
  %2 = stablehlo.dot_general %1, %arg1, contracting_dims = [2, 3] x [0, 1] : (tensor<2x2x3x3xf32>, tensor<3x3x4xf32>) -> tensor<2x2x4xf32>
  return %2 : tensor<2x2x4xf32>
}

func.func @patches.kept(%x: tensor<2x7x3xf32>, %k: tensor<3x3x4xf32>) -> tensor<2x3x4xf32> {
  %0 = stablehlo.convolution(%x, %k) dim_numbers = [b, 0, f]x[0, i, o]->[b, 0, f], window = {stride = [2]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<2x7x3xf32>, tensor<3x3x4xf32>) -> tensor<2x3x4xf32>
  return %0 : tensor<2x3x4xf32>
}
