// Examples of the patterns in slopec/passes/simplify/slices.py: a function, and as `.after` what becomes of it.
// A function whose variant begins with `kept` stays as it is.

func.func @slice_everything(%x: tensor<3x4xf32>) -> tensor<3x4xf32> {
  %0 = stablehlo.slice %x [0:3, 0:4] : (tensor<3x4xf32>) -> tensor<3x4xf32>
  return %0 : tensor<3x4xf32>
}

func.func @slice_everything.after(%x: tensor<3x4xf32>) -> tensor<3x4xf32> {
  return %x : tensor<3x4xf32>
}

func.func @slice_one(%x: tensor<4x2xf32>) -> tensor<2x1xf32> {
  %0 = stablehlo.slice %x [0:4:2, 1:2:2] : (tensor<4x2xf32>) -> tensor<2x1xf32>
  return %0 : tensor<2x1xf32>
}

func.func @slice_one.after(%x: tensor<4x2xf32>) -> tensor<2x1xf32> {
  %0 = stablehlo.slice %x [0:3:2, 1:2] : (tensor<4x2xf32>) -> tensor<2x1xf32>
  return %0 : tensor<2x1xf32>
}

func.func @slice_one.kept(%x: tensor<4x2xf32>) -> tensor<2x1xf32> {
  %0 = stablehlo.slice %x [0:4:2, 1:2] : (tensor<4x2xf32>) -> tensor<2x1xf32>
  return %0 : tensor<2x1xf32>
}

func.func @slice_splat() -> tensor<2xf32> {
  %c = stablehlo.constant dense<2.0> : tensor<5xf32>
  %0 = stablehlo.slice %c [1:3] : (tensor<5xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

func.func @slice_splat.after() -> tensor<2xf32> {
  %cst = stablehlo.constant dense<2.000000e+00> : tensor<2xf32>
  return %cst : tensor<2xf32>
}

func.func @slice_twice(%x: tensor<20xf32>) -> tensor<3xf32> {
  %0 = stablehlo.slice %x [3:19:2] : (tensor<20xf32>) -> tensor<8xf32>
  %1 = stablehlo.slice %0 [1:8:3] : (tensor<8xf32>) -> tensor<3xf32>
  return %1 : tensor<3xf32>
}

func.func @slice_twice.after(%x: tensor<20xf32>) -> tensor<3xf32> {
  %0 = stablehlo.slice %x [5:18:6] : (tensor<20xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

func.func @slice_transposed(%x: tensor<3x4xf32>) -> tensor<2x2xf32> {
  %0 = stablehlo.transpose %x, dims = [1, 0] : (tensor<3x4xf32>) -> tensor<4x3xf32>
  %1 = stablehlo.slice %0 [0:4:3, 1:3] : (tensor<4x3xf32>) -> tensor<2x2xf32>
  return %1 : tensor<2x2xf32>
}

func.func @slice_transposed.after(%x: tensor<3x4xf32>) -> tensor<2x2xf32> {
  %0 = stablehlo.slice %x [1:3, 0:4:3] : (tensor<3x4xf32>) -> tensor<2x2xf32>
  %1 = stablehlo.transpose %0, dims = [1, 0] : (tensor<2x2xf32>) -> tensor<2x2xf32>
  return %1 : tensor<2x2xf32>
}

func.func @slice_broadcast(%x: tensor<1x4xf32>) -> tensor<2x2xf32> {
  %0 = stablehlo.broadcast_in_dim %x, dims = [0, 1] : (tensor<1x4xf32>) -> tensor<3x4xf32>
  %1 = stablehlo.slice %0 [1:3, 1:3] : (tensor<3x4xf32>) -> tensor<2x2xf32>
  return %1 : tensor<2x2xf32>
}

func.func @slice_broadcast.after(%x: tensor<1x4xf32>) -> tensor<2x2xf32> {
  %0 = stablehlo.slice %x [0:1, 1:3] : (tensor<1x4xf32>) -> tensor<1x2xf32>
  %1 = stablehlo.broadcast_in_dim %0, dims = [0, 1] : (tensor<1x2xf32>) -> tensor<2x2xf32>
  return %1 : tensor<2x2xf32>
}

func.func @slice_reshaped(%x: tensor<3x4xf32>) -> (tensor<2x1x4xf32>, tensor<1xf32>) {
  %0 = stablehlo.reshape %x : (tensor<3x4xf32>) -> tensor<3x1x4xf32>
  %1 = stablehlo.slice %0 [1:3, 0:1, 0:4] : (tensor<3x1x4xf32>) -> tensor<2x1x4xf32>
  %2 = stablehlo.reshape %x : (tensor<3x4xf32>) -> tensor<12xf32>
  %3 = stablehlo.slice %2 [6:7] : (tensor<12xf32>) -> tensor<1xf32>
  return %1, %3 : tensor<2x1x4xf32>, tensor<1xf32>
}

func.func @slice_reshaped.after(%x: tensor<3x4xf32>) -> (tensor<2x1x4xf32>, tensor<1xf32>) {
  %0 = stablehlo.slice %x [1:3, 0:4] : (tensor<3x4xf32>) -> tensor<2x4xf32>
  %1 = stablehlo.reshape %0 : (tensor<2x4xf32>) -> tensor<2x1x4xf32>
  %2 = stablehlo.slice %x [1:2, 2:3] : (tensor<3x4xf32>) -> tensor<1x1xf32>
  %3 = stablehlo.reshape %2 : (tensor<1x1xf32>) -> tensor<1xf32>
  return %1, %3 : tensor<2x1x4xf32>, tensor<1xf32>
}

func.func @slice_reversed(%x: tensor<10xf32>) -> tensor<3xf32> {
  %0 = stablehlo.reverse %x, dims = [0] : tensor<10xf32>
  %1 = stablehlo.slice %0 [1:8:3] : (tensor<10xf32>) -> tensor<3xf32>
  return %1 : tensor<3xf32>
}

func.func @slice_reversed.after(%x: tensor<10xf32>) -> tensor<3xf32> {
  %0 = stablehlo.slice %x [2:9:3] : (tensor<10xf32>) -> tensor<3xf32>
  %1 = stablehlo.reverse %0, dims = [0] : tensor<3xf32>
  return %1 : tensor<3xf32>
}

func.func @slice_concatenated(%x: tensor<2xf32>, %y: tensor<3xf32>, %z: tensor<4xf32>) -> (tensor<2xf32>, tensor<3xf32>) {
  %0 = stablehlo.concatenate %x, %y, %z, dim = 0 : (tensor<2xf32>, tensor<3xf32>, tensor<4xf32>) -> tensor<9xf32>
  %1 = stablehlo.slice %0 [3:5] : (tensor<9xf32>) -> tensor<2xf32>
  %2 = stablehlo.slice %0 [5:9] : (tensor<9xf32>) -> tensor<4xf32>
  %3 = stablehlo.slice %2 [0:3] : (tensor<4xf32>) -> tensor<3xf32>
  return %1, %3 : tensor<2xf32>, tensor<3xf32>
}

func.func @slice_concatenated.after(%x: tensor<2xf32>, %y: tensor<3xf32>, %z: tensor<4xf32>) -> (tensor<2xf32>, tensor<3xf32>) {
  %0 = stablehlo.slice %y [1:3] : (tensor<3xf32>) -> tensor<2xf32>
  %1 = stablehlo.slice %z [0:3] : (tensor<4xf32>) -> tensor<3xf32>
  return %0, %1 : tensor<2xf32>, tensor<3xf32>
}

func.func @slice_concatenated.across(%x: tensor<2xf32>, %y: tensor<3xf32>, %z: tensor<4xf32>) -> tensor<3xf32> {
  %0 = stablehlo.concatenate %x, %y, %z, dim = 0 : (tensor<2xf32>, tensor<3xf32>, tensor<4xf32>) -> tensor<9xf32>
  %1 = stablehlo.slice %0 [4:7] : (tensor<9xf32>) -> tensor<3xf32>
  return %1 : tensor<3xf32>
}

func.func @slice_concatenated.across.after(%x: tensor<2xf32>, %y: tensor<3xf32>, %z: tensor<4xf32>) -> tensor<3xf32> {
  %0 = stablehlo.concatenate %y, %z, dim = 0 : (tensor<3xf32>, tensor<4xf32>) -> tensor<7xf32>
  %1 = stablehlo.slice %0 [2:5] : (tensor<7xf32>) -> tensor<3xf32>
  return %1 : tensor<3xf32>
}

func.func @slice_padded(%x: tensor<4x4xf32>) -> (tensor<3x2xf32>, tensor<4x2xf32>, tensor<1x8xf32>) {
  %c = stablehlo.constant dense<1.0> : tensor<f32>
  %0 = stablehlo.pad %x, %c, low = [1, 2], high = [1, 2], interior = [0, 0] : (tensor<4x4xf32>, tensor<f32>) -> tensor<6x8xf32>
  %1 = stablehlo.slice %0 [1:4, 3:5] : (tensor<6x8xf32>) -> tensor<3x2xf32>
  %2 = stablehlo.slice %0 [0:4, 1:3] : (tensor<6x8xf32>) -> tensor<4x2xf32>
  %3 = stablehlo.slice %0 [5:6, 0:8] : (tensor<6x8xf32>) -> tensor<1x8xf32>
  return %1, %2, %3 : tensor<3x2xf32>, tensor<4x2xf32>, tensor<1x8xf32>
}

func.func @slice_padded.after(%x: tensor<4x4xf32>) -> (tensor<3x2xf32>, tensor<4x2xf32>, tensor<1x8xf32>) {
  %cst = stablehlo.constant dense<1.000000e+00> : tensor<f32>
  %0 = stablehlo.slice %x [0:3, 1:3] : (tensor<4x4xf32>) -> tensor<3x2xf32>
  %1 = stablehlo.slice %x [0:3, 0:1] : (tensor<4x4xf32>) -> tensor<3x1xf32>
  %2 = stablehlo.pad %1, %cst, low = [1, 1], high = [0, 0], interior = [0, 0] : (tensor<3x1xf32>, tensor<f32>) -> tensor<4x2xf32>
  %3 = stablehlo.broadcast_in_dim %cst, dims = [] : (tensor<f32>) -> tensor<1x8xf32>
  return %0, %2, %3 : tensor<3x2xf32>, tensor<4x2xf32>, tensor<1x8xf32>
}

func.func @slice_padded.interior(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c = stablehlo.constant dense<1.0> : tensor<f32>
  %0 = stablehlo.pad %x, %c, low = [1], high = [2], interior = [2] : (tensor<4xf32>, tensor<f32>) -> tensor<13xf32>
  %1 = stablehlo.slice %0 [1:11:3] : (tensor<13xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

func.func @slice_padded.interior.after(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}

func.func @reverse_nothing(%x: tensor<1x4xf32>) -> (tensor<1x4xf32>, tensor<1x4xf32>) {
  %0 = stablehlo.reverse %x, dims = [0] : tensor<1x4xf32>
  %1 = stablehlo.reverse %x, dims = [0, 1] : tensor<1x4xf32>
  return %0, %1 : tensor<1x4xf32>, tensor<1x4xf32>
}

func.func @reverse_nothing.after(%x: tensor<1x4xf32>) -> (tensor<1x4xf32>, tensor<1x4xf32>) {
  %0 = stablehlo.reverse %x, dims = [1] : tensor<1x4xf32>
  return %x, %0 : tensor<1x4xf32>, tensor<1x4xf32>
}

func.func @reverse_twice(%x: tensor<3x4xf32>) -> tensor<3x4xf32> {
  %0 = stablehlo.reverse %x, dims = [0, 1] : tensor<3x4xf32>
  %1 = stablehlo.reverse %0, dims = [1] : tensor<3x4xf32>
  return %1 : tensor<3x4xf32>
}

func.func @reverse_twice.after(%x: tensor<3x4xf32>) -> tensor<3x4xf32> {
  %0 = stablehlo.reverse %x, dims = [0] : tensor<3x4xf32>
  return %0 : tensor<3x4xf32>
}

func.func @reverse_broadcast(%x: tensor<4xf32>) -> tensor<3x4xf32> {
  %0 = stablehlo.broadcast_in_dim %x, dims = [1] : (tensor<4xf32>) -> tensor<3x4xf32>
  %1 = stablehlo.reverse %0, dims = [0, 1] : tensor<3x4xf32>
  return %1 : tensor<3x4xf32>
}

func.func @reverse_broadcast.after(%x: tensor<4xf32>) -> tensor<3x4xf32> {
  %0 = stablehlo.reverse %x, dims = [0] : tensor<4xf32>
  %1 = stablehlo.broadcast_in_dim %0, dims = [1] : (tensor<4xf32>) -> tensor<3x4xf32>
  return %1 : tensor<3x4xf32>
}

func.func @reverse_transposed(%x: tensor<3x4xf32>) -> tensor<4x3xf32> {
  %0 = stablehlo.transpose %x, dims = [1, 0] : (tensor<3x4xf32>) -> tensor<4x3xf32>
  %1 = stablehlo.reverse %0, dims = [0] : tensor<4x3xf32>
  return %1 : tensor<4x3xf32>
}

func.func @reverse_transposed.after(%x: tensor<3x4xf32>) -> tensor<4x3xf32> {
  %0 = stablehlo.reverse %x, dims = [1] : tensor<3x4xf32>
  %1 = stablehlo.transpose %0, dims = [1, 0] : (tensor<3x4xf32>) -> tensor<4x3xf32>
  return %1 : tensor<4x3xf32>
}
