// Examples of the patterns in slopec/passes/simplify/iotas.py: a function, and as `.after` what becomes of it.
// A function whose variant begins with `kept` stays as it is.

func.func @iota_of_one() -> tensor<1x3xi32> {
  %0 = stablehlo.iota dim = 0 : tensor<1x3xi32>
  return %0 : tensor<1x3xi32>
}

func.func @iota_of_one.after() -> tensor<1x3xi32> {
  %c = stablehlo.constant dense<0> : tensor<1x3xi32>
  return %c : tensor<1x3xi32>
}

func.func @broadcast_iota() -> tensor<2x3xi32> {
  %0 = stablehlo.iota dim = 0 : tensor<3xi32>
  %1 = stablehlo.broadcast_in_dim %0, dims = [1] : (tensor<3xi32>) -> tensor<2x3xi32>
  return %1 : tensor<2x3xi32>
}

func.func @broadcast_iota.after() -> tensor<2x3xi32> {
  %0 = stablehlo.iota dim = 1 : tensor<2x3xi32>
  return %0 : tensor<2x3xi32>
}

func.func @transpose_iota() -> tensor<3x2xi32> {
  %0 = stablehlo.iota dim = 1 : tensor<2x3xi32>
  %1 = stablehlo.transpose %0, dims = [1, 0] : (tensor<2x3xi32>) -> tensor<3x2xi32>
  return %1 : tensor<3x2xi32>
}

func.func @transpose_iota.after() -> tensor<3x2xi32> {
  %0 = stablehlo.iota dim = 0 : tensor<3x2xi32>
  return %0 : tensor<3x2xi32>
}

func.func @reshape_iota() -> tensor<6x4x1xi32> {
  %0 = stablehlo.iota dim = 2 : tensor<2x3x4xi32>
  %1 = stablehlo.reshape %0 : (tensor<2x3x4xi32>) -> tensor<6x4x1xi32>
  return %1 : tensor<6x4x1xi32>
}

func.func @reshape_iota.after() -> tensor<6x4x1xi32> {
  %0 = stablehlo.iota dim = 1 : tensor<6x4x1xi32>
  return %0 : tensor<6x4x1xi32>
}

func.func @reshape_iota.kept() -> tensor<2x3xi32> {
  %0 = stablehlo.iota dim = 0 : tensor<6xi32>
  %1 = stablehlo.reshape %0 : (tensor<6xi32>) -> tensor<2x3xi32>
  return %1 : tensor<2x3xi32>
}

func.func @slice_iota() -> tensor<3xi32> {
  %0 = stablehlo.iota dim = 0 : tensor<6xi32>
  %1 = stablehlo.slice %0 [2:5] : (tensor<6xi32>) -> tensor<3xi32>
  return %1 : tensor<3xi32>
}

func.func @slice_iota.after() -> tensor<3xi32> {
  %c = stablehlo.constant dense<2> : tensor<3xi32>
  %0 = stablehlo.iota dim = 0 : tensor<3xi32>
  %1 = stablehlo.add %0, %c : tensor<3xi32>
  return %1 : tensor<3xi32>
}

func.func @convert_iota() -> tensor<6xf32> {
  %0 = stablehlo.iota dim = 0 : tensor<6xi32>
  %1 = stablehlo.convert %0 : (tensor<6xi32>) -> tensor<6xf32>
  return %1 : tensor<6xf32>
}

func.func @convert_iota.after() -> tensor<6xf32> {
  %0 = stablehlo.iota dim = 0 : tensor<6xf32>
  return %0 : tensor<6xf32>
}

func.func @convert_iota.kept() -> tensor<300xi32> {
  %0 = stablehlo.iota dim = 0 : tensor<300xi8>
  %1 = stablehlo.convert %0 : (tensor<300xi8>) -> tensor<300xi32>
  return %1 : tensor<300xi32>
}
