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

func.func @sum_of_many(%x: tensor<33x127xf32>) -> tensor<f32> {
  %z = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = stablehlo.reduce(%x init: %z) applies stablehlo.add across dimensions = [0, 1] : (tensor<33x127xf32>, tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}

func.func @sum_of_many.after(%arg0: tensor<33x127xf32>) -> tensor<f32> {
  %cst = stablehlo.constant dense<0.000000e+00> : tensor<f32>
  %0 = stablehlo.reduce(%arg0 init: %cst) applies stablehlo.add across dimensions = [1] : (tensor<33x127xf32>, tensor<f32>) -> tensor<33xf32>
  %1 = stablehlo.reduce(%0 init: %cst) applies stablehlo.add across dimensions = [0] : (tensor<33xf32>, tensor<f32>) -> tensor<f32>
  return %1 : tensor<f32>
}

func.func @sum_of_many.cut(%x: tensor<65552xf32>) -> tensor<f32> {
  %z = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = stablehlo.reduce(%x init: %z) applies stablehlo.add across dimensions = [0] : (tensor<65552xf32>, tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}

func.func @sum_of_many.cut.after(%arg0: tensor<65552xf32>) -> tensor<f32> {
  %cst = stablehlo.constant dense<0.000000e+00> : tensor<f32>
  %0 = stablehlo.reshape %arg0 : (tensor<65552xf32>) -> tensor<241x272xf32>
  %1 = stablehlo.reduce(%0 init: %cst) applies stablehlo.add across dimensions = [1] : (tensor<241x272xf32>, tensor<f32>) -> tensor<241xf32>
  %2 = stablehlo.reduce(%1 init: %cst) applies stablehlo.add across dimensions = [0] : (tensor<241xf32>, tensor<f32>) -> tensor<f32>
  return %2 : tensor<f32>
}

func.func @sum_of_many.padded(%x: tensor<3x4101xf32>) -> tensor<3xf32> {
  %z = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = stablehlo.reduce(%x init: %z) applies stablehlo.add across dimensions = [1] : (tensor<3x4101xf32>, tensor<f32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

func.func @sum_of_many.padded.after(%arg0: tensor<3x4101xf32>) -> tensor<3xf32> {
  %cst = stablehlo.constant dense<0.000000e+00> : tensor<f32>
  %0 = stablehlo.pad %arg0, %cst, low = [0, 0], high = [0, 59], interior = [0, 0] : (tensor<3x4101xf32>, tensor<f32>) -> tensor<3x4160xf32>
  %1 = stablehlo.reshape %0 : (tensor<3x4160xf32>) -> tensor<3x65x64xf32>
  %2 = stablehlo.reduce(%1 init: %cst) applies stablehlo.add across dimensions = [2] : (tensor<3x65x64xf32>, tensor<f32>) -> tensor<3x65xf32>
  %3 = stablehlo.reduce(%2 init: %cst) applies stablehlo.add across dimensions = [1] : (tensor<3x65xf32>, tensor<f32>) -> tensor<3xf32>
  return %3 : tensor<3xf32>
}

func.func @sum_of_many.kept_abreast(%x: tensor<2x16384xf32>) -> tensor<f32> {
  %z = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = stablehlo.reduce(%x init: %z) applies stablehlo.add across dimensions = [0, 1] : (tensor<2x16384xf32>, tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}

func.func @sum_of_many.kept_short(%x: tensor<5x4095xf32>) -> tensor<5xf32> {
  %z = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = stablehlo.reduce(%x init: %z) applies stablehlo.add across dimensions = [1] : (tensor<5x4095xf32>, tensor<f32>) -> tensor<5xf32>
  return %0 : tensor<5xf32>
}
