// Examples of the patterns in slopec/passes/simplify/scatters.py: a function, and as `.after` what becomes of it.
// A function whose variant begins with `kept` stays as it is.

func.func @scatter_nothing(%x: tensor<5xf32>, %i: tensor<0x1xi32>, %y: tensor<0xf32>) -> tensor<5xf32> {
  %0 = "stablehlo.scatter"(%x, %i, %y) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    stablehlo.return %b : tensor<f32>
  }) : (tensor<5xf32>, tensor<0x1xi32>, tensor<0xf32>) -> tensor<5xf32>
  return %0 : tensor<5xf32>
}

func.func @scatter_nothing.after(%x: tensor<5xf32>, %i: tensor<0x1xi32>, %y: tensor<0xf32>) -> tensor<5xf32> {
  return %x : tensor<5xf32>
}

func.func @scatter_one_window(%x: tensor<5x4xf32>, %y: tensor<2xf32>) -> (tensor<5x4xf32>, tensor<5x4xf32>) {
  %c = stablehlo.constant dense<[1, 3]> : tensor<2xi32>
  %0 = "stablehlo.scatter"(%x, %c, %y) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [0], inserted_window_dims = [0], scatter_dims_to_operand_dims = [1, 0], index_vector_dim = 0>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    stablehlo.return %b : tensor<f32>
  }) : (tensor<5x4xf32>, tensor<2xi32>, tensor<2xf32>) -> tensor<5x4xf32>
  %1 = "stablehlo.scatter"(%x, %c, %y) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [0], inserted_window_dims = [0], scatter_dims_to_operand_dims = [1, 0], index_vector_dim = 0>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %2 = stablehlo.add %a, %b : tensor<f32>
    stablehlo.return %2 : tensor<f32>
  }) : (tensor<5x4xf32>, tensor<2xi32>, tensor<2xf32>) -> tensor<5x4xf32>
  return %0, %1 : tensor<5x4xf32>, tensor<5x4xf32>
}

func.func @scatter_one_window.after(%x: tensor<5x4xf32>, %y: tensor<2xf32>) -> (tensor<5x4xf32>, tensor<5x4xf32>) {
  %c = stablehlo.constant dense<1> : tensor<i32>
  %c_0 = stablehlo.constant dense<3> : tensor<i32>
  %0 = stablehlo.reshape %y : (tensor<2xf32>) -> tensor<1x2xf32>
  %1 = stablehlo.dynamic_update_slice %x, %0, %c_0, %c : (tensor<5x4xf32>, tensor<1x2xf32>, tensor<i32>, tensor<i32>) -> tensor<5x4xf32>
  %2 = stablehlo.reshape %y : (tensor<2xf32>) -> tensor<1x2xf32>
  %3 = stablehlo.slice %x [3:4, 1:3] : (tensor<5x4xf32>) -> tensor<1x2xf32>
  %4 = stablehlo.add %3, %2 : tensor<1x2xf32>
  %5 = stablehlo.dynamic_update_slice %x, %4, %c_0, %c : (tensor<5x4xf32>, tensor<1x2xf32>, tensor<i32>, tensor<i32>) -> tensor<5x4xf32>
  return %1, %5 : tensor<5x4xf32>, tensor<5x4xf32>
}

func.func @scatter_one_window.kept(%x: tensor<5x4xf32>, %y: tensor<2xf32>) -> tensor<5x4xf32> {
  %c = stablehlo.constant dense<[3, 0]> : tensor<2xi32>
  %0 = "stablehlo.scatter"(%x, %c, %y) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [0], inserted_window_dims = [0], scatter_dims_to_operand_dims = [1, 0], index_vector_dim = 0>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    stablehlo.return %b : tensor<f32>
  }) : (tensor<5x4xf32>, tensor<2xi32>, tensor<2xf32>) -> tensor<5x4xf32>
  return %0 : tensor<5x4xf32>
}

func.func @scatter_neighbours(%x: tensor<4x9xf32>, %y: tensor<3x4xf32>) -> tensor<4x9xf32> {
  %c = stablehlo.constant dense<[[2], [3], [4]]> : tensor<3x1xi32>
  %0 = "stablehlo.scatter"(%x, %c, %y) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [1], scatter_dims_to_operand_dims = [1], index_vector_dim = 1>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %1 = stablehlo.add %a, %b : tensor<f32>
    stablehlo.return %1 : tensor<f32>
  }) : (tensor<4x9xf32>, tensor<3x1xi32>, tensor<3x4xf32>) -> tensor<4x9xf32>
  return %0 : tensor<4x9xf32>
}

func.func @scatter_neighbours.after(%x: tensor<4x9xf32>, %y: tensor<3x4xf32>) -> tensor<4x9xf32> {
  %c = stablehlo.constant dense<2> : tensor<i32>
  %c_0 = stablehlo.constant dense<0> : tensor<i32>
  %0 = stablehlo.transpose %y, dims = [1, 0] : (tensor<3x4xf32>) -> tensor<4x3xf32>
  %1 = stablehlo.slice %x [0:4, 2:5] : (tensor<4x9xf32>) -> tensor<4x3xf32>
  %2 = stablehlo.add %1, %0 : tensor<4x3xf32>
  %3 = stablehlo.dynamic_update_slice %x, %2, %c_0, %c : (tensor<4x9xf32>, tensor<4x3xf32>, tensor<i32>, tensor<i32>) -> tensor<4x9xf32>
  return %3 : tensor<4x9xf32>
}
