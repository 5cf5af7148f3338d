// Examples of the patterns in slopec/passes/simplify/sums.py: a function, and as `.after` what becomes of it.
// A function whose variant begins with `kept` stays as it is.

func.func @add_padded(%x: tensor<2x3xf32>, %y: tensor<2x4xf32>) -> (tensor<2x7xf32>) {
  %z = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = stablehlo.pad %x, %z, low = [0, 4], high = [0, 0], interior = [0, 0] : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x7xf32>
  %1 = stablehlo.pad %y, %z, low = [0, 0], high = [0, 3], interior = [0, 0] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2x7xf32>
  %2 = stablehlo.add %0, %1 : tensor<2x7xf32>
  return %2 : tensor<2x7xf32>
}

func.func @add_padded.after(%x: tensor<2x3xf32>, %y: tensor<2x4xf32>) -> tensor<2x7xf32> {
  %0 = stablehlo.concatenate %y, %x, dim = 1 : (tensor<2x4xf32>, tensor<2x3xf32>) -> tensor<2x7xf32>
  return %0 : tensor<2x7xf32>
}

func.func @add_padded.kept(%x: tensor<3xf32>, %y: tensor<4xf32>) -> (tensor<9xf32>) {
  %z = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = stablehlo.pad %x, %z, low = [0], high = [6], interior = [0] : (tensor<3xf32>, tensor<f32>) -> tensor<9xf32>
  %1 = stablehlo.pad %y, %z, low = [2], high = [3], interior = [0] : (tensor<4xf32>, tensor<f32>) -> tensor<9xf32>
  %2 = stablehlo.add %0, %1 : tensor<9xf32>
  return %2 : tensor<9xf32>
}

func.func @add_padded_later(%a: tensor<9xf32>, %x: tensor<3xf32>, %y: tensor<4xf32>) -> (tensor<9xf32>) {
  %z = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = stablehlo.pad %x, %z, low = [0], high = [6], interior = [0] : (tensor<3xf32>, tensor<f32>) -> tensor<9xf32>
  %1 = stablehlo.pad %y, %z, low = [3], high = [2], interior = [0] : (tensor<4xf32>, tensor<f32>) -> tensor<9xf32>
  %2 = stablehlo.add %a, %0 : tensor<9xf32>
  %3 = stablehlo.add %2, %1 : tensor<9xf32>
  return %3 : tensor<9xf32>
}

func.func @add_padded_later.after(%a: tensor<9xf32>, %x: tensor<3xf32>, %y: tensor<4xf32>) -> tensor<9xf32> {
  %cst = stablehlo.constant dense<0.000000e+00> : tensor<f32>
  %0 = stablehlo.concatenate %x, %y, dim = 0 : (tensor<3xf32>, tensor<4xf32>) -> tensor<7xf32>
  %1 = stablehlo.pad %0, %cst, low = [0], high = [2], interior = [0] : (tensor<7xf32>, tensor<f32>) -> tensor<9xf32>
  %2 = stablehlo.add %a, %1 : tensor<9xf32>
  return %2 : tensor<9xf32>
}

func.func @add_selected(%p: tensor<6xi1>, %x: tensor<6xf32>, %y: tensor<6xf32>) -> tensor<6xf32> {
  %z = stablehlo.constant dense<0.0> : tensor<6xf32>
  %0 = stablehlo.select %p, %z, %x : tensor<6xi1>, tensor<6xf32>
  %1 = stablehlo.select %p, %y, %z : tensor<6xi1>, tensor<6xf32>
  %2 = stablehlo.add %0, %1 : tensor<6xf32>
  return %2 : tensor<6xf32>
}

func.func @add_selected.after(%p: tensor<6xi1>, %x: tensor<6xf32>, %y: tensor<6xf32>) -> tensor<6xf32> {
  %0 = stablehlo.select %p, %y, %x : tensor<6xi1>, tensor<6xf32>
  return %0 : tensor<6xf32>
}
