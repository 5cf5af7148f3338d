// Examples of the patterns in slopec/passes/absorb_scales.py: a function, and as `.after` what becomes of it.
// A function whose variant begins with `kept` stays as it is.

func.func @scaled_convolution(%x: tensor<1x2x2x1xf32>) -> tensor<1x2x2x2xf32> {
  %k = stablehlo.constant dense<[[[[1.0, 2.0]]]]> : tensor<1x1x1x2xf32>
  %s = stablehlo.constant dense<[3.0, 4.0]> : tensor<2xf32>
  %0 = stablehlo.convolution(%x, %k) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x2x2x1xf32>, tensor<1x1x1x2xf32>) -> tensor<1x2x2x2xf32>
  %1 = stablehlo.broadcast_in_dim %s, dims = [3] : (tensor<2xf32>) -> tensor<1x2x2x2xf32>
  %2 = stablehlo.multiply %0, %1 : tensor<1x2x2x2xf32>
  return %2 : tensor<1x2x2x2xf32>
}

func.func @scaled_convolution.after(%x: tensor<1x2x2x1xf32>) -> tensor<1x2x2x2xf32> {
  %k = stablehlo.constant dense<[[[[3.0, 8.0]]]]> : tensor<1x1x1x2xf32>
  %0 = stablehlo.convolution(%x, %k) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x2x2x1xf32>, tensor<1x1x1x2xf32>) -> tensor<1x2x2x2xf32>
  return %0 : tensor<1x2x2x2xf32>
}

func.func @scaled_convolution.shifted(%x: tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32> {
  %k = stablehlo.constant dense<[[[[1.0]]], [[[2.0]]]]> : tensor<2x1x1x1xf32>
  %m = stablehlo.constant dense<[5.0, 6.0]> : tensor<2xf32>
  %s = stablehlo.constant dense<2.0> : tensor<1x2x2x2xf32>
  %0 = stablehlo.convolution(%x, %k) dim_numbers = [b, f, 0, 1]x[o, i, 0, 1]->[b, f, 0, 1], window = {} {batch_group_count = 1 : i64, feature_group_count = 2 : i64} : (tensor<1x2x2x2xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x2x2xf32>
  %1 = stablehlo.broadcast_in_dim %m, dims = [1] : (tensor<2xf32>) -> tensor<1x2x2x2xf32>
  %2 = stablehlo.subtract %0, %1 : tensor<1x2x2x2xf32>
  %3 = stablehlo.divide %2, %s : tensor<1x2x2x2xf32>
  return %3 : tensor<1x2x2x2xf32>
}

func.func @scaled_convolution.shifted.after(%x: tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32> {
  %c = stablehlo.constant dense<[-2.5, -3.0]> : tensor<2xf32>
  %k = stablehlo.constant dense<[[[[0.5]]], [[[1.0]]]]> : tensor<2x1x1x1xf32>
  %0 = stablehlo.convolution(%x, %k) dim_numbers = [b, f, 0, 1]x[o, i, 0, 1]->[b, f, 0, 1], window = {} {batch_group_count = 1 : i64, feature_group_count = 2 : i64} : (tensor<1x2x2x2xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x2x2xf32>
  %1 = stablehlo.broadcast_in_dim %c, dims = [1] : (tensor<2xf32>) -> tensor<1x2x2x2xf32>
  %2 = stablehlo.add %0, %1 : tensor<1x2x2x2xf32>
  return %2 : tensor<1x2x2x2xf32>
}

func.func @scaled_convolution.kept_used_twice(%x: tensor<1x2x2x1xf32>) -> (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>) {
  %k = stablehlo.constant dense<[[[[1.0, 2.0]]]]> : tensor<1x1x1x2xf32>
  %s = stablehlo.constant dense<2.0> : tensor<1x2x2x2xf32>
  %0 = stablehlo.convolution(%x, %k) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x2x2x1xf32>, tensor<1x1x1x2xf32>) -> tensor<1x2x2x2xf32>
  %1 = stablehlo.multiply %0, %s : tensor<1x2x2x2xf32>
  return %0, %1 : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>
}

func.func @scaled_convolution.kept_along_rows(%x: tensor<1x2x2x1xf32>) -> tensor<1x2x2x2xf32> {
  %k = stablehlo.constant dense<[[[[1.0, 2.0]]]]> : tensor<1x1x1x2xf32>
  %s = stablehlo.constant dense<[3.0, 4.0]> : tensor<2xf32>
  %0 = stablehlo.convolution(%x, %k) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x2x2x1xf32>, tensor<1x1x1x2xf32>) -> tensor<1x2x2x2xf32>
  %1 = stablehlo.broadcast_in_dim %s, dims = [1] : (tensor<2xf32>) -> tensor<1x2x2x2xf32>
  %2 = stablehlo.multiply %0, %1 : tensor<1x2x2x2xf32>
  return %2 : tensor<1x2x2x2xf32>
}

func.func @shifted_convolution(%x: tensor<1x2x2x1xf32>) -> tensor<1x2x2x2xf32> {
  %k = stablehlo.constant dense<[[[[1.0, 2.0]]]]> : tensor<1x1x1x2xf32>
  %c = stablehlo.constant dense<[3.0, 4.0]> : tensor<2xf32>
  %d = stablehlo.constant dense<[1.0, 7.0]> : tensor<2xf32>
  %0 = stablehlo.convolution(%x, %k) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x2x2x1xf32>, tensor<1x1x1x2xf32>) -> tensor<1x2x2x2xf32>
  %1 = stablehlo.broadcast_in_dim %c, dims = [3] : (tensor<2xf32>) -> tensor<1x2x2x2xf32>
  %2 = stablehlo.subtract %0, %1 : tensor<1x2x2x2xf32>
  %3 = stablehlo.broadcast_in_dim %d, dims = [3] : (tensor<2xf32>) -> tensor<1x2x2x2xf32>
  %4 = stablehlo.add %2, %3 : tensor<1x2x2x2xf32>
  return %4 : tensor<1x2x2x2xf32>
}

func.func @shifted_convolution.after(%x: tensor<1x2x2x1xf32>) -> tensor<1x2x2x2xf32> {
  %c = stablehlo.constant dense<[-2.0, 3.0]> : tensor<2xf32>
  %k = stablehlo.constant dense<[[[[1.0, 2.0]]]]> : tensor<1x1x1x2xf32>
  %0 = stablehlo.convolution(%x, %k) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x2x2x1xf32>, tensor<1x1x1x2xf32>) -> tensor<1x2x2x2xf32>
  %1 = stablehlo.broadcast_in_dim %c, dims = [3] : (tensor<2xf32>) -> tensor<1x2x2x2xf32>
  %2 = stablehlo.add %0, %1 : tensor<1x2x2x2xf32>
  return %2 : tensor<1x2x2x2xf32>
}
