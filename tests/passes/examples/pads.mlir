// Examples of the patterns in slopec/passes/simplify/pads.py: a function, and as `.after` what becomes of it.
// A function whose variant begins with `kept` stays as it is.

func.func @pad_nothing(%x: tensor<1x4xf32>, %c: tensor<f32>) -> tensor<1x4xf32> {
  %0 = stablehlo.pad %x, %c, low = [0, 0], high = [0, 0], interior = [3, 0] : (tensor<1x4xf32>, tensor<f32>) -> tensor<1x4xf32>
  return %0 : tensor<1x4xf32>
}

func.func @pad_nothing.after(%x: tensor<1x4xf32>, %c: tensor<f32>) -> tensor<1x4xf32> {
  return %x : tensor<1x4xf32>
}

func.func @pad_by_less_than_nothing(%x: tensor<5xf32>, %c: tensor<f32>) -> tensor<2xf32> {
  %0 = stablehlo.pad %x, %c, low = [-1], high = [-2], interior = [0] : (tensor<5xf32>, tensor<f32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

func.func @pad_by_less_than_nothing.after(%x: tensor<5xf32>, %c: tensor<f32>) -> tensor<2xf32> {
  %0 = stablehlo.slice %x [1:3] : (tensor<5xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

func.func @pad_with_own_value() -> tensor<8xf32> {
  %x = stablehlo.constant dense<2.0> : tensor<5xf32>
  %c = stablehlo.constant dense<2.0> : tensor<f32>
  %0 = stablehlo.pad %x, %c, low = [1], high = [2], interior = [0] : (tensor<5xf32>, tensor<f32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

func.func @pad_with_own_value.after() -> tensor<8xf32> {
  %cst = stablehlo.constant dense<2.000000e+00> : tensor<8xf32>
  return %cst : tensor<8xf32>
}

func.func @pad_with_own_value.kept() -> tensor<8xf32> {
  %x = stablehlo.constant dense<-0.0> : tensor<5xf32>
  %c = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = stablehlo.pad %x, %c, low = [1], high = [2], interior = [0] : (tensor<5xf32>, tensor<f32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

func.func @pad_broadcast_of_value(%c: tensor<f32>) -> tensor<8xf32> {
  %x = stablehlo.broadcast_in_dim %c, dims = [] : (tensor<f32>) -> tensor<5xf32>
  %0 = stablehlo.pad %x, %c, low = [1], high = [2], interior = [0] : (tensor<5xf32>, tensor<f32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

func.func @pad_broadcast_of_value.after(%c: tensor<f32>) -> tensor<8xf32> {
  %0 = stablehlo.broadcast_in_dim %c, dims = [] : (tensor<f32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

func.func @pad_emptiness(%x: tensor<0xf32>, %c: tensor<f32>) -> tensor<3xf32> {
  %0 = stablehlo.pad %x, %c, low = [1], high = [2], interior = [0] : (tensor<0xf32>, tensor<f32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

func.func @pad_emptiness.after(%x: tensor<0xf32>, %c: tensor<f32>) -> tensor<3xf32> {
  %0 = stablehlo.broadcast_in_dim %c, dims = [] : (tensor<f32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

func.func @pad_twice(%x: tensor<3xf32>, %c: tensor<f32>) -> tensor<10xf32> {
  %0 = stablehlo.pad %x, %c, low = [1], high = [0], interior = [1] : (tensor<3xf32>, tensor<f32>) -> tensor<6xf32>
  %1 = stablehlo.pad %0, %c, low = [1], high = [3], interior = [0] : (tensor<6xf32>, tensor<f32>) -> tensor<10xf32>
  return %1 : tensor<10xf32>
}

func.func @pad_twice.after(%x: tensor<3xf32>, %c: tensor<f32>) -> tensor<10xf32> {
  %0 = stablehlo.pad %x, %c, low = [2], high = [3], interior = [1] : (tensor<3xf32>, tensor<f32>) -> tensor<10xf32>
  return %0 : tensor<10xf32>
}

func.func @concatenate_one(%x: tensor<3xf32>, %y: tensor<0xf32>) -> (tensor<3xf32>, tensor<3xf32>) {
  %0 = stablehlo.concatenate %x, dim = 0 : (tensor<3xf32>) -> tensor<3xf32>
  %1 = stablehlo.concatenate %x, %y, dim = 0 : (tensor<3xf32>, tensor<0xf32>) -> tensor<3xf32>
  return %0, %1 : tensor<3xf32>, tensor<3xf32>
}

func.func @concatenate_one.after(%x: tensor<3xf32>, %y: tensor<0xf32>) -> (tensor<3xf32>, tensor<3xf32>) {
  return %x, %x : tensor<3xf32>, tensor<3xf32>
}

func.func @concatenate_nested(%x: tensor<3xf32>, %y: tensor<2xf32>) -> tensor<8xf32> {
  %0 = stablehlo.concatenate %x, %y, dim = 0 : (tensor<3xf32>, tensor<2xf32>) -> tensor<5xf32>
  %1 = stablehlo.concatenate %x, %0, dim = 0 : (tensor<3xf32>, tensor<5xf32>) -> tensor<8xf32>
  return %1 : tensor<8xf32>
}

func.func @concatenate_nested.after(%x: tensor<3xf32>, %y: tensor<2xf32>) -> tensor<8xf32> {
  %0 = stablehlo.concatenate %x, %x, %y, dim = 0 : (tensor<3xf32>, tensor<3xf32>, tensor<2xf32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

func.func @concatenate_slices(%x: tensor<3x10xf32>, %y: tensor<3x1xf32>) -> tensor<3x8xf32> {
  %0 = stablehlo.slice %x [0:3, 1:4] : (tensor<3x10xf32>) -> tensor<3x3xf32>
  %1 = stablehlo.slice %x [0:3, 4:8] : (tensor<3x10xf32>) -> tensor<3x4xf32>
  %2 = stablehlo.concatenate %0, %1, %y, dim = 1 : (tensor<3x3xf32>, tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x8xf32>
  return %2 : tensor<3x8xf32>
}

func.func @concatenate_slices.after(%x: tensor<3x10xf32>, %y: tensor<3x1xf32>) -> tensor<3x8xf32> {
  %0 = stablehlo.slice %x [0:3, 1:8] : (tensor<3x10xf32>) -> tensor<3x7xf32>
  %1 = stablehlo.concatenate %0, %y, dim = 1 : (tensor<3x7xf32>, tensor<3x1xf32>) -> tensor<3x8xf32>
  return %1 : tensor<3x8xf32>
}

func.func @concatenate_slices.kept(%x: tensor<10xf32>) -> tensor<7xf32> {
  %0 = stablehlo.slice %x [1:4] : (tensor<10xf32>) -> tensor<3xf32>
  %1 = stablehlo.slice %x [5:9] : (tensor<10xf32>) -> tensor<4xf32>
  %2 = stablehlo.concatenate %0, %1, dim = 0 : (tensor<3xf32>, tensor<4xf32>) -> tensor<7xf32>
  return %2 : tensor<7xf32>
}

func.func @concatenate_copies(%x: tensor<1x2xf32>) -> (tensor<3x2xf32>, tensor<5xf32>) {
  %c = stablehlo.constant dense<2.0> : tensor<2xf32>
  %d = stablehlo.constant dense<2.0> : tensor<3xf32>
  %0 = stablehlo.concatenate %x, %x, %x, dim = 0 : (tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<3x2xf32>
  %1 = stablehlo.concatenate %c, %d, dim = 0 : (tensor<2xf32>, tensor<3xf32>) -> tensor<5xf32>
  return %0, %1 : tensor<3x2xf32>, tensor<5xf32>
}

func.func @concatenate_copies.after(%x: tensor<1x2xf32>) -> (tensor<3x2xf32>, tensor<5xf32>) {
  %cst = stablehlo.constant dense<2.000000e+00> : tensor<5xf32>
  %0 = stablehlo.broadcast_in_dim %x, dims = [0, 1] : (tensor<1x2xf32>) -> tensor<3x2xf32>
  return %0, %cst : tensor<3x2xf32>, tensor<5xf32>
}

func.func @concatenate_transposed(%x: tensor<2x3xf32>, %y: tensor<2x4xf32>) -> tensor<7x2xf32> {
  %0 = stablehlo.transpose %x, dims = [1, 0] : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %1 = stablehlo.transpose %y, dims = [1, 0] : (tensor<2x4xf32>) -> tensor<4x2xf32>
  %2 = stablehlo.concatenate %0, %1, dim = 0 : (tensor<3x2xf32>, tensor<4x2xf32>) -> tensor<7x2xf32>
  return %2 : tensor<7x2xf32>
}

func.func @concatenate_transposed.after(%x: tensor<2x3xf32>, %y: tensor<2x4xf32>) -> tensor<7x2xf32> {
  %0 = stablehlo.concatenate %x, %y, dim = 1 : (tensor<2x3xf32>, tensor<2x4xf32>) -> tensor<2x7xf32>
  %1 = stablehlo.transpose %0, dims = [1, 0] : (tensor<2x7xf32>) -> tensor<7x2xf32>
  return %1 : tensor<7x2xf32>
}
