// Examples of the patterns in slopec/passes/channels_last.py: a function, and as `.after` what becomes of it.
// A function whose variant begins with `kept` stays as it is.

func.func @convolution_channels_last(%x: tensor<1x2x5x6xf32>, %k: tensor<4x2x3x3xf32>) -> tensor<1x4x3x4xf32> {
  %0 = stablehlo.convolution(%x, %k) dim_numbers = [b, f, 0, 1]x[o, i, 0, 1]->[b, f, 0, 1], window = {} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x2x5x6xf32>, tensor<4x2x3x3xf32>) -> tensor<1x4x3x4xf32>
  return %0 : tensor<1x4x3x4xf32>
}

func.func @convolution_channels_last.after(%arg0: tensor<1x2x5x6xf32>, %arg1: tensor<4x2x3x3xf32>) -> tensor<1x4x3x4xf32> {
  %0 = stablehlo.transpose %arg0, dims = [0, 2, 3, 1] : (tensor<1x2x5x6xf32>) -> tensor<1x5x6x2xf32>
  %1 = stablehlo.transpose %arg1, dims = [2, 3, 1, 0] : (tensor<4x2x3x3xf32>) -> tensor<3x3x2x4xf32>
  %2 = stablehlo.convolution(%0, %1) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[0, 0], [0, 0]], lhs_dilate = [1, 1], rhs_dilate = [1, 1], reverse = [false, false]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x5x6x2xf32>, tensor<3x3x2x4xf32>) -> tensor<1x3x4x4xf32>
  %3 = stablehlo.transpose %2, dims = [0, 3, 1, 2] : (tensor<1x3x4x4xf32>) -> tensor<1x4x3x4xf32>
  return %3 : tensor<1x4x3x4xf32>
}

func.func @convolution_channels_last.gradient(%x: tensor<2x3x5x6xf32>, %k: tensor<2x4x5x6xf32>) -> tensor<4x3x3x3xf32> {
  %0 = stablehlo.convolution(%x, %k) dim_numbers = [f, b, 0, 1]x[i, o, 0, 1]->[f, b, 0, 1], window = {pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<2x3x5x6xf32>, tensor<2x4x5x6xf32>) -> tensor<4x3x3x3xf32>
  return %0 : tensor<4x3x3x3xf32>
}

func.func @convolution_channels_last.gradient.after(%arg0: tensor<2x3x5x6xf32>, %arg1: tensor<2x4x5x6xf32>) -> tensor<4x3x3x3xf32> {
  %0 = stablehlo.transpose %arg0, dims = [0, 2, 3, 1] : (tensor<2x3x5x6xf32>) -> tensor<2x5x6x3xf32>
  %1 = stablehlo.transpose %arg1, dims = [0, 2, 3, 1] : (tensor<2x4x5x6xf32>) -> tensor<2x5x6x4xf32>
  %2 = stablehlo.convolution(%0, %1) dim_numbers = [f, 0, 1, b]x[i, 0, 1, o]->[0, 1, b, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]], lhs_dilate = [1, 1], rhs_dilate = [1, 1], reverse = [false, false]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<2x5x6x3xf32>, tensor<2x5x6x4xf32>) -> tensor<3x3x3x4xf32>
  %3 = stablehlo.transpose %2, dims = [3, 2, 0, 1] : (tensor<3x3x3x4xf32>) -> tensor<4x3x3x3xf32>
  return %3 : tensor<4x3x3x3xf32>
}

func.func @convolution_channels_last.kept(%x: tensor<1x5x6x2xf32>, %k: tensor<3x3x2x4xf32>) -> tensor<1x3x4x4xf32> {
  %0 = stablehlo.convolution(%x, %k) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x5x6x2xf32>, tensor<3x3x2x4xf32>) -> tensor<1x3x4x4xf32>
  return %0 : tensor<1x3x4x4xf32>
}

func.func @elementwise_channels_last(%x: tensor<1x4x5x2xf32>, %y: tensor<2xf32>) -> tensor<1x2x4x5xf32> {
  %t = stablehlo.transpose %x, dims = [0, 3, 1, 2] : (tensor<1x4x5x2xf32>) -> tensor<1x2x4x5xf32>
  %b = stablehlo.broadcast_in_dim %y, dims = [1] : (tensor<2xf32>) -> tensor<1x2x4x5xf32>
  %0 = stablehlo.add %t, %b : tensor<1x2x4x5xf32>
  return %0 : tensor<1x2x4x5xf32>
}

func.func @elementwise_channels_last.after(%arg0: tensor<1x4x5x2xf32>, %arg1: tensor<2xf32>) -> tensor<1x2x4x5xf32> {
  %0 = stablehlo.broadcast_in_dim %arg1, dims = [1] : (tensor<2xf32>) -> tensor<1x2x4x5xf32>
  %1 = stablehlo.transpose %0, dims = [0, 2, 3, 1] : (tensor<1x2x4x5xf32>) -> tensor<1x4x5x2xf32>
  %2 = stablehlo.add %arg0, %1 : tensor<1x4x5x2xf32>
  %3 = stablehlo.transpose %2, dims = [0, 3, 1, 2] : (tensor<1x4x5x2xf32>) -> tensor<1x2x4x5xf32>
  return %3 : tensor<1x2x4x5xf32>
}

func.func @elementwise_channels_last.shared(%x: tensor<1x4x5x2xf32>, %y: tensor<1x2x4x5xf32>) -> (tensor<1x2x4x5xf32>, tensor<1x4x5x2xf32>) {
  %t = stablehlo.transpose %x, dims = [0, 3, 1, 2] : (tensor<1x4x5x2xf32>) -> tensor<1x2x4x5xf32>
  %l = stablehlo.transpose %y, dims = [0, 2, 3, 1] : (tensor<1x2x4x5xf32>) -> tensor<1x4x5x2xf32>
  %0 = stablehlo.multiply %t, %y : tensor<1x2x4x5xf32>
  return %0, %l : tensor<1x2x4x5xf32>, tensor<1x4x5x2xf32>
}

func.func @elementwise_channels_last.shared.after(%arg0: tensor<1x4x5x2xf32>, %arg1: tensor<1x2x4x5xf32>) -> (tensor<1x2x4x5xf32>, tensor<1x4x5x2xf32>) {
  %0 = stablehlo.transpose %arg1, dims = [0, 2, 3, 1] : (tensor<1x2x4x5xf32>) -> tensor<1x4x5x2xf32>
  %1 = stablehlo.transpose %arg1, dims = [0, 2, 3, 1] : (tensor<1x2x4x5xf32>) -> tensor<1x4x5x2xf32>
  %2 = stablehlo.multiply %arg0, %1 : tensor<1x4x5x2xf32>
  %3 = stablehlo.transpose %2, dims = [0, 3, 1, 2] : (tensor<1x4x5x2xf32>) -> tensor<1x2x4x5xf32>
  return %3, %0 : tensor<1x2x4x5xf32>, tensor<1x4x5x2xf32>
}

func.func @elementwise_channels_last.kept(%x: tensor<1x4x5x2xf32>, %y: tensor<1x2x4x5xf32>) -> tensor<1x2x4x5xf32> {
  %t = stablehlo.transpose %x, dims = [0, 3, 1, 2] : (tensor<1x4x5x2xf32>) -> tensor<1x2x4x5xf32>
  %0 = stablehlo.add %t, %y : tensor<1x2x4x5xf32>
  return %0 : tensor<1x2x4x5xf32>
}

func.func @pad_channels_last(%x: tensor<1x4x5x2xf32>) -> tensor<1x3x7x6xf32> {
  %t = stablehlo.transpose %x, dims = [0, 3, 1, 2] : (tensor<1x4x5x2xf32>) -> tensor<1x2x4x5xf32>
  %z = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = stablehlo.pad %t, %z, low = [0, 1, 2, 0], high = [0, 0, 1, 1], interior = [0, 0, 0, 0] : (tensor<1x2x4x5xf32>, tensor<f32>) -> tensor<1x3x7x6xf32>
  return %0 : tensor<1x3x7x6xf32>
}

func.func @pad_channels_last.after(%arg0: tensor<1x4x5x2xf32>) -> tensor<1x3x7x6xf32> {
  %cst = stablehlo.constant dense<0.000000e+00> : tensor<f32>
  %0 = stablehlo.pad %arg0, %cst, low = [0, 2, 0, 1], high = [0, 1, 1, 0], interior = [0, 0, 0, 0] : (tensor<1x4x5x2xf32>, tensor<f32>) -> tensor<1x7x6x3xf32>
  %1 = stablehlo.transpose %0, dims = [0, 3, 1, 2] : (tensor<1x7x6x3xf32>) -> tensor<1x3x7x6xf32>
  return %1 : tensor<1x3x7x6xf32>
}

func.func @concatenate_channels_last(%x: tensor<1x4x5x2xf32>) -> tensor<1x4x4x5xf32> {
  %t = stablehlo.transpose %x, dims = [0, 3, 1, 2] : (tensor<1x4x5x2xf32>) -> tensor<1x2x4x5xf32>
  %0 = stablehlo.concatenate %t, %t, dim = 1 : (tensor<1x2x4x5xf32>, tensor<1x2x4x5xf32>) -> tensor<1x4x4x5xf32>
  return %0 : tensor<1x4x4x5xf32>
}

func.func @concatenate_channels_last.after(%arg0: tensor<1x4x5x2xf32>) -> tensor<1x4x4x5xf32> {
  %0 = stablehlo.concatenate %arg0, %arg0, dim = 3 : (tensor<1x4x5x2xf32>, tensor<1x4x5x2xf32>) -> tensor<1x4x5x4xf32>
  %1 = stablehlo.transpose %0, dims = [0, 3, 1, 2] : (tensor<1x4x5x4xf32>) -> tensor<1x4x4x5xf32>
  return %1 : tensor<1x4x4x5xf32>
}

func.func @reduce_window_channels_last(%x: tensor<1x4x5x2xf32>) -> tensor<1x2x2x4xf32> {
  %t = stablehlo.transpose %x, dims = [0, 3, 1, 2] : (tensor<1x4x5x2xf32>) -> tensor<1x2x4x5xf32>
  %z = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = "stablehlo.reduce_window"(%t, %z) <{padding = dense<[[0, 0], [0, 0], [1, 0], [0, 0]]> : tensor<4x2xi64>, window_dimensions = array<i64: 1, 1, 2, 2>, window_strides = array<i64: 1, 1, 2, 1>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %1 = stablehlo.add %a, %b : tensor<f32>
    stablehlo.return %1 : tensor<f32>
  }) : (tensor<1x2x4x5xf32>, tensor<f32>) -> tensor<1x2x2x4xf32>
  return %0 : tensor<1x2x2x4xf32>
}

func.func @reduce_window_channels_last.after(%arg0: tensor<1x4x5x2xf32>) -> tensor<1x2x2x4xf32> {
  %cst = stablehlo.constant dense<0.000000e+00> : tensor<f32>
  %0 = "stablehlo.reduce_window"(%arg0, %cst) <{padding = dense<[[0, 0], [1, 0], [0, 0], [0, 0]]> : tensor<4x2xi64>, window_dimensions = array<i64: 1, 2, 2, 1>, window_strides = array<i64: 1, 2, 1, 1>}> ({
  ^bb0(%arg1: tensor<f32>, %arg2: tensor<f32>):
    %2 = stablehlo.add %arg1, %arg2 : tensor<f32>
    stablehlo.return %2 : tensor<f32>
  }) : (tensor<1x4x5x2xf32>, tensor<f32>) -> tensor<1x2x4x2xf32>
  %1 = stablehlo.transpose %0, dims = [0, 3, 1, 2] : (tensor<1x2x4x2xf32>) -> tensor<1x2x2x4xf32>
  return %1 : tensor<1x2x2x4xf32>
}

func.func @select_and_scatter_channels_last(%x: tensor<1x4x5x2xf32>, %y: tensor<1x2x2x4xf32>) -> tensor<1x2x4x5xf32> {
  %t = stablehlo.transpose %x, dims = [0, 3, 1, 2] : (tensor<1x4x5x2xf32>) -> tensor<1x2x4x5xf32>
  %z = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = "stablehlo.select_and_scatter"(%t, %y, %z) <{window_dimensions = array<i64: 1, 1, 2, 2>, window_strides = array<i64: 1, 1, 2, 1>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %1 = stablehlo.compare GE, %a, %b : (tensor<f32>, tensor<f32>) -> tensor<i1>
    stablehlo.return %1 : tensor<i1>
  }, {
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %1 = stablehlo.add %a, %b : tensor<f32>
    stablehlo.return %1 : tensor<f32>
  }) : (tensor<1x2x4x5xf32>, tensor<1x2x2x4xf32>, tensor<f32>) -> tensor<1x2x4x5xf32>
  return %0 : tensor<1x2x4x5xf32>
}

func.func @select_and_scatter_channels_last.after(%arg0: tensor<1x4x5x2xf32>, %arg1: tensor<1x2x2x4xf32>) -> tensor<1x2x4x5xf32> {
  %cst = stablehlo.constant dense<0.000000e+00> : tensor<f32>
  %0 = stablehlo.transpose %arg1, dims = [0, 2, 3, 1] : (tensor<1x2x2x4xf32>) -> tensor<1x2x4x2xf32>
  %1 = "stablehlo.select_and_scatter"(%arg0, %0, %cst) <{window_dimensions = array<i64: 1, 2, 2, 1>, window_strides = array<i64: 1, 2, 1, 1>}> ({
  ^bb0(%arg2: tensor<f32>, %arg3: tensor<f32>):
    %3 = stablehlo.compare GE, %arg2, %arg3 : (tensor<f32>, tensor<f32>) -> tensor<i1>
    stablehlo.return %3 : tensor<i1>
  }, {
  ^bb0(%arg2: tensor<f32>, %arg3: tensor<f32>):
    %3 = stablehlo.add %arg2, %arg3 : tensor<f32>
    stablehlo.return %3 : tensor<f32>
  }) : (tensor<1x4x5x2xf32>, tensor<1x2x4x2xf32>, tensor<f32>) -> tensor<1x4x5x2xf32>
  %2 = stablehlo.transpose %1, dims = [0, 3, 1, 2] : (tensor<1x4x5x2xf32>) -> tensor<1x2x4x5xf32>
  return %2 : tensor<1x2x4x5xf32>
}

func.func @shuffle_channels_last(%x: tensor<1x4x5x6xf32>) -> tensor<1x6x4x5xf32> {
  %0 = stablehlo.transpose %x, dims = [0, 3, 1, 2] : (tensor<1x4x5x6xf32>) -> tensor<1x6x4x5xf32>
  %1 = stablehlo.reshape %0 : (tensor<1x6x4x5xf32>) -> tensor<1x2x3x4x5xf32>
  %2 = stablehlo.transpose %1, dims = [0, 2, 1, 3, 4] : (tensor<1x2x3x4x5xf32>) -> tensor<1x3x2x4x5xf32>
  %3 = stablehlo.reshape %2 : (tensor<1x3x2x4x5xf32>) -> tensor<1x6x4x5xf32>
  return %3 : tensor<1x6x4x5xf32>
}
func.func @shuffle_channels_last.after(%arg0: tensor<1x4x5x6xf32>) -> tensor<1x6x4x5xf32> {
  %0 = stablehlo.slice %arg0 [0:1, 0:4, 0:5, 0:3] : (tensor<1x4x5x6xf32>) -> tensor<1x4x5x3xf32>
  %1 = stablehlo.slice %arg0 [0:1, 0:4, 0:5, 3:6] : (tensor<1x4x5x6xf32>) -> tensor<1x4x5x3xf32>
  %2 = stablehlo.reshape %0 : (tensor<1x4x5x3xf32>) -> tensor<1x4x5x3x1xf32>
  %3 = stablehlo.reshape %1 : (tensor<1x4x5x3xf32>) -> tensor<1x4x5x3x1xf32>
  %4 = stablehlo.concatenate %2, %3, dim = 4 : (tensor<1x4x5x3x1xf32>, tensor<1x4x5x3x1xf32>) -> tensor<1x4x5x3x2xf32>
  %5 = stablehlo.reshape %4 : (tensor<1x4x5x3x2xf32>) -> tensor<1x4x5x6xf32>
  %6 = stablehlo.transpose %5, dims = [0, 3, 1, 2] : (tensor<1x4x5x6xf32>) -> tensor<1x6x4x5xf32>
  return %6 : tensor<1x6x4x5xf32>
}

func.func @shuffle_channels_last.kept_split_over_places(%x: tensor<1x4x4x6xf32>) -> tensor<1x6x4x4xf32> {
  %0 = stablehlo.transpose %x, dims = [0, 3, 1, 2] : (tensor<1x4x4x6xf32>) -> tensor<1x6x4x4xf32>
  %1 = stablehlo.reshape %0 : (tensor<1x6x4x4xf32>) -> tensor<1x4x6x4x1xf32>
  %2 = stablehlo.transpose %1, dims = [0, 2, 1, 3, 4] : (tensor<1x4x6x4x1xf32>) -> tensor<1x6x4x4x1xf32>
  %3 = stablehlo.reshape %2 : (tensor<1x6x4x4x1xf32>) -> tensor<1x6x4x4xf32>
  return %3 : tensor<1x6x4x4xf32>
}
