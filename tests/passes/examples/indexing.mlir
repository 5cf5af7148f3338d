// Examples of the patterns in slopec/passes/simplify/indexing.py: a function, and as `.after` what becomes of it.
// A function whose variant begins with `kept` stays as it is.

func.func @dynamic_slice_of_constants(%x: tensor<5x4xf32>, %i: tensor<i32>) -> tensor<2x4xf32> {
  %c = stablehlo.constant dense<7> : tensor<i32>
  %0 = stablehlo.dynamic_slice %x, %c, %i, sizes = [2, 4] : (tensor<5x4xf32>, tensor<i32>, tensor<i32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

func.func @dynamic_slice_of_constants.after(%x: tensor<5x4xf32>, %i: tensor<i32>) -> tensor<2x4xf32> {
  %0 = stablehlo.slice %x [3:5, 0:4] : (tensor<5x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

func.func @dynamic_slice_of_update(%x: tensor<5xf32>, %y: tensor<2xf32>, %i: tensor<i32>) -> tensor<2xf32> {
  %0 = stablehlo.dynamic_update_slice %x, %y, %i : (tensor<5xf32>, tensor<2xf32>, tensor<i32>) -> tensor<5xf32>
  %1 = stablehlo.dynamic_slice %0, %i, sizes = [2] : (tensor<5xf32>, tensor<i32>) -> tensor<2xf32>
  return %1 : tensor<2xf32>
}

func.func @dynamic_slice_of_update.after(%x: tensor<5xf32>, %y: tensor<2xf32>, %i: tensor<i32>) -> tensor<2xf32> {
  return %y : tensor<2xf32>
}

func.func @dynamic_update_of_everything(%x: tensor<5xf32>, %y: tensor<5xf32>, %i: tensor<i32>) -> tensor<5xf32> {
  %0 = stablehlo.dynamic_update_slice %x, %y, %i : (tensor<5xf32>, tensor<5xf32>, tensor<i32>) -> tensor<5xf32>
  return %0 : tensor<5xf32>
}

func.func @dynamic_update_of_everything.after(%x: tensor<5xf32>, %y: tensor<5xf32>, %i: tensor<i32>) -> tensor<5xf32> {
  return %y : tensor<5xf32>
}

func.func @dynamic_update_of_nothing(%x: tensor<5xf32>, %y: tensor<0xf32>, %i: tensor<i32>) -> tensor<5xf32> {
  %0 = stablehlo.dynamic_update_slice %x, %y, %i : (tensor<5xf32>, tensor<0xf32>, tensor<i32>) -> tensor<5xf32>
  return %0 : tensor<5xf32>
}

func.func @dynamic_update_of_nothing.after(%x: tensor<5xf32>, %y: tensor<0xf32>, %i: tensor<i32>) -> tensor<5xf32> {
  return %x : tensor<5xf32>
}

func.func @dynamic_update_of_splat(%y: tensor<2xf32>) -> tensor<5xf32> {
  %x = stablehlo.constant dense<2.0> : tensor<5xf32>
  %c = stablehlo.constant dense<1> : tensor<i32>
  %0 = stablehlo.dynamic_update_slice %x, %y, %c : (tensor<5xf32>, tensor<2xf32>, tensor<i32>) -> tensor<5xf32>
  return %0 : tensor<5xf32>
}

func.func @dynamic_update_of_splat.after(%y: tensor<2xf32>) -> tensor<5xf32> {
  %cst = stablehlo.constant dense<2.000000e+00> : tensor<f32>
  %0 = stablehlo.pad %y, %cst, low = [1], high = [2], interior = [0] : (tensor<2xf32>, tensor<f32>) -> tensor<5xf32>
  return %0 : tensor<5xf32>
}

func.func @gather_everything(%x: tensor<1x4xf32>, %i: tensor<3x1xi32>) -> tensor<3x4xf32> {
  %0 = "stablehlo.gather"(%x, %i) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, slice_sizes = array<i64: 1, 4>}> : (tensor<1x4xf32>, tensor<3x1xi32>) -> tensor<3x4xf32>
  return %0 : tensor<3x4xf32>
}

func.func @gather_everything.after(%x: tensor<1x4xf32>, %i: tensor<3x1xi32>) -> tensor<3x4xf32> {
  %0 = stablehlo.reshape %x : (tensor<1x4xf32>) -> tensor<4xf32>
  %1 = stablehlo.broadcast_in_dim %0, dims = [1] : (tensor<4xf32>) -> tensor<3x4xf32>
  return %1 : tensor<3x4xf32>
}

func.func @gather_one_window(%x: tensor<5x4xf32>, %i: tensor<2xi32>) -> tensor<2xf32> {
  %0 = "stablehlo.gather"(%x, %i) <{dimension_numbers = #stablehlo.gather<offset_dims = [0], collapsed_slice_dims = [0], start_index_map = [1, 0], index_vector_dim = 0>, slice_sizes = array<i64: 1, 2>}> : (tensor<5x4xf32>, tensor<2xi32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

func.func @gather_one_window.after(%x: tensor<5x4xf32>, %i: tensor<2xi32>) -> tensor<2xf32> {
  %0 = stablehlo.slice %i [0:1] : (tensor<2xi32>) -> tensor<1xi32>
  %1 = stablehlo.reshape %0 : (tensor<1xi32>) -> tensor<i32>
  %2 = stablehlo.slice %i [1:2] : (tensor<2xi32>) -> tensor<1xi32>
  %3 = stablehlo.reshape %2 : (tensor<1xi32>) -> tensor<i32>
  %4 = stablehlo.dynamic_slice %x, %3, %1, sizes = [1, 2] : (tensor<5x4xf32>, tensor<i32>, tensor<i32>) -> tensor<1x2xf32>
  %5 = stablehlo.reshape %4 : (tensor<1x2xf32>) -> tensor<2xf32>
  return %5 : tensor<2xf32>
}

func.func @gather_neighbours(%x: tensor<9x4xf32>) -> tensor<4x3xf32> {
  %c = stablehlo.constant dense<[[1], [4], [7]]> : tensor<3x1xi32>
  %0 = "stablehlo.gather"(%x, %c) <{dimension_numbers = #stablehlo.gather<offset_dims = [0], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, slice_sizes = array<i64: 1, 4>}> : (tensor<9x4xf32>, tensor<3x1xi32>) -> tensor<4x3xf32>
  return %0 : tensor<4x3xf32>
}

func.func @gather_neighbours.after(%x: tensor<9x4xf32>) -> tensor<4x3xf32> {
  %0 = stablehlo.slice %x [1:8:3, 0:4] : (tensor<9x4xf32>) -> tensor<3x4xf32>
  %1 = stablehlo.transpose %0, dims = [1, 0] : (tensor<3x4xf32>) -> tensor<4x3xf32>
  return %1 : tensor<4x3xf32>
}

func.func @gather_neighbours.counted(%x: tensor<4x9xf32>) -> tensor<4x2x3xf32> {
  %c = stablehlo.constant dense<2> : tensor<6xi32>
  %0 = stablehlo.iota dim = 0 : tensor<6xi32>
  %1 = stablehlo.add %0, %c : tensor<6xi32>
  %2 = stablehlo.reshape %1 : (tensor<6xi32>) -> tensor<2x3xi32>
  %3 = "stablehlo.gather"(%x, %2) <{dimension_numbers = #stablehlo.gather<offset_dims = [0], collapsed_slice_dims = [1], start_index_map = [1], index_vector_dim = 2>, slice_sizes = array<i64: 4, 1>}> : (tensor<4x9xf32>, tensor<2x3xi32>) -> tensor<4x2x3xf32>
  return %3 : tensor<4x2x3xf32>
}

func.func @gather_neighbours.counted.after(%x: tensor<4x9xf32>) -> tensor<4x2x3xf32> {
  %0 = stablehlo.slice %x [0:4, 2:8] : (tensor<4x9xf32>) -> tensor<4x6xf32>
  %1 = stablehlo.transpose %0, dims = [1, 0] : (tensor<4x6xf32>) -> tensor<6x4xf32>
  %2 = stablehlo.reshape %1 : (tensor<6x4xf32>) -> tensor<2x3x4xf32>
  %3 = stablehlo.transpose %2, dims = [2, 0, 1] : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
  return %3 : tensor<4x2x3xf32>
}

func.func @gather_neighbours.kept(%x: tensor<5x4xf32>) -> tensor<3x4xf32> {
  %c = stablehlo.constant dense<[[3], [4], [5]]> : tensor<3x1xi32>
  %0 = "stablehlo.gather"(%x, %c) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, slice_sizes = array<i64: 1, 4>}> : (tensor<5x4xf32>, tensor<3x1xi32>) -> tensor<3x4xf32>
  return %0 : tensor<3x4xf32>
}
