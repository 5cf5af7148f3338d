// Examples of the patterns in slopec/passes/split_sums.py: a function, and as `.after` what becomes of it.
// A function whose variant begins with `kept` stays as it is.

func.func @sum_of_rows(%x: tensor<8x16x8x2xf64>) -> tensor<2xf64> {
  %z = stablehlo.constant dense<0.0> : tensor<f64>
  %0 = stablehlo.reduce(%x init: %z) applies stablehlo.add across dimensions = [0, 1, 2] : (tensor<8x16x8x2xf64>, tensor<f64>) -> tensor<2xf64>
  return %0 : tensor<2xf64>
}

func.func @sum_of_rows.after(%arg0: tensor<8x16x8x2xf64>) -> tensor<2xf64> {
  %cst = stablehlo.constant dense<0.000000e+00> : tensor<f64>
  %0 = stablehlo.reduce(%arg0 init: %cst) applies stablehlo.add across dimensions = [1, 2] : (tensor<8x16x8x2xf64>, tensor<f64>) -> tensor<8x2xf64>
  %1 = stablehlo.reduce(%0 init: %cst) applies stablehlo.add across dimensions = [0] : (tensor<8x2xf64>, tensor<f64>) -> tensor<2xf64>
  return %1 : tensor<2xf64>
}

func.func @sum_of_rows.parts(%x: tensor<2048x3xf64>) -> tensor<3xf64> {
  %z = stablehlo.constant dense<0.0> : tensor<f64>
  %0 = stablehlo.reduce(%x init: %z) applies stablehlo.add across dimensions = [0] : (tensor<2048x3xf64>, tensor<f64>) -> tensor<3xf64>
  return %0 : tensor<3xf64>
}

func.func @sum_of_rows.parts.after(%arg0: tensor<2048x3xf64>) -> tensor<3xf64> {
  %cst = stablehlo.constant dense<0.000000e+00> : tensor<f64>
  %0 = stablehlo.reshape %arg0 : (tensor<2048x3xf64>) -> tensor<32x64x3xf64>
  %1 = stablehlo.reduce(%0 init: %cst) applies stablehlo.add across dimensions = [1] : (tensor<32x64x3xf64>, tensor<f64>) -> tensor<32x3xf64>
  %2 = stablehlo.reduce(%1 init: %cst) applies stablehlo.add across dimensions = [0] : (tensor<32x3xf64>, tensor<f64>) -> tensor<3xf64>
  return %2 : tensor<3xf64>
}

func.func @sum_of_rows.kept(%x: tensor<2048x129xf64>) -> tensor<129xf64> {
  %z = stablehlo.constant dense<0.0> : tensor<f64>
  %0 = stablehlo.reduce(%x init: %z) applies stablehlo.add across dimensions = [0] : (tensor<2048x129xf64>, tensor<f64>) -> tensor<129xf64>
  return %0 : tensor<129xf64>
}

func.func @sum_of_rows.kept_across(%x: tensor<3x2048xf64>) -> tensor<3xf64> {
  %z = stablehlo.constant dense<0.0> : tensor<f64>
  %0 = stablehlo.reduce(%x init: %z) applies stablehlo.add across dimensions = [1] : (tensor<3x2048xf64>, tensor<f64>) -> tensor<3xf64>
  return %0 : tensor<3xf64>
}
