// Examples of the patterns in slopec/passes/simplify/logic.py: a function, and as `.after` what becomes of it.
// A function whose variant begins with `kept` stays as it is.

func.func @not_not(%p: tensor<6xi1>) -> tensor<6xi1> {
  %0 = stablehlo.not %p : tensor<6xi1>
  %1 = stablehlo.not %0 : tensor<6xi1>
  return %1 : tensor<6xi1>
}

func.func @not_not.after(%p: tensor<6xi1>) -> tensor<6xi1> {
  return %p : tensor<6xi1>
}

func.func @idempotent(%x: tensor<6xi32>, %y: tensor<6xf32>) -> (tensor<6xi32>, tensor<6xf32>) {
  %0 = stablehlo.or %x, %x : tensor<6xi32>
  %1 = stablehlo.maximum %y, %y : tensor<6xf32>
  return %0, %1 : tensor<6xi32>, tensor<6xf32>
}

func.func @idempotent.after(%x: tensor<6xi32>, %y: tensor<6xf32>) -> (tensor<6xi32>, tensor<6xf32>) {
  return %x, %y : tensor<6xi32>, tensor<6xf32>
}

func.func @logic_with_constant(%p: tensor<6xi1>, %x: tensor<6xui8>) -> (tensor<6xi1>, tensor<6xi1>, tensor<6xui8>, tensor<6xui8>) {
  %t = stablehlo.constant dense<true> : tensor<6xi1>
  %z = stablehlo.constant dense<0> : tensor<6xui8>
  %o = stablehlo.constant dense<255> : tensor<6xui8>
  %0 = stablehlo.and %p, %t : tensor<6xi1>
  %1 = stablehlo.or %p, %t : tensor<6xi1>
  %2 = stablehlo.and %x, %z : tensor<6xui8>
  %3 = stablehlo.xor %x, %o : tensor<6xui8>
  return %0, %1, %2, %3 : tensor<6xi1>, tensor<6xi1>, tensor<6xui8>, tensor<6xui8>
}

func.func @logic_with_constant.after(%p: tensor<6xi1>, %x: tensor<6xui8>) -> (tensor<6xi1>, tensor<6xi1>, tensor<6xui8>, tensor<6xui8>) {
  %c = stablehlo.constant dense<true> : tensor<6xi1>
  %c_0 = stablehlo.constant dense<0> : tensor<6xui8>
  %0 = stablehlo.not %x : tensor<6xui8>
  return %p, %c, %c_0, %0 : tensor<6xi1>, tensor<6xi1>, tensor<6xui8>, tensor<6xui8>
}

func.func @xor_itself(%x: tensor<6xi32>) -> tensor<6xi32> {
  %0 = stablehlo.xor %x, %x : tensor<6xi32>
  return %0 : tensor<6xi32>
}

func.func @xor_itself.after(%x: tensor<6xi32>) -> tensor<6xi32> {
  %c = stablehlo.constant dense<0> : tensor<6xi32>
  return %c : tensor<6xi32>
}

func.func @compare_itself(%x: tensor<6xi32>, %y: tensor<6xf32>) -> (tensor<6xi1>, tensor<6xi1>) {
  %0 = stablehlo.compare LE, %x, %x : (tensor<6xi32>, tensor<6xi32>) -> tensor<6xi1>
  %1 = stablehlo.compare LT, %y, %y : (tensor<6xf32>, tensor<6xf32>) -> tensor<6xi1>
  return %0, %1 : tensor<6xi1>, tensor<6xi1>
}

func.func @compare_itself.after(%x: tensor<6xi32>, %y: tensor<6xf32>) -> (tensor<6xi1>, tensor<6xi1>) {
  %c = stablehlo.constant dense<true> : tensor<6xi1>
  %c_0 = stablehlo.constant dense<false> : tensor<6xi1>
  return %c, %c_0 : tensor<6xi1>, tensor<6xi1>
}

func.func @compare_itself.kept(%y: tensor<6xf32>) -> tensor<6xi1> {
  %0 = stablehlo.compare EQ, %y, %y : (tensor<6xf32>, tensor<6xf32>) -> tensor<6xi1>
  return %0 : tensor<6xi1>
}

func.func @compare_truth(%p: tensor<6xi1>) -> (tensor<6xi1>, tensor<6xi1>) {
  %c = stablehlo.constant dense<false> : tensor<6xi1>
  %0 = stablehlo.compare NE, %p, %c : (tensor<6xi1>, tensor<6xi1>) -> tensor<6xi1>
  %1 = stablehlo.compare EQ, %p, %c : (tensor<6xi1>, tensor<6xi1>) -> tensor<6xi1>
  return %0, %1 : tensor<6xi1>, tensor<6xi1>
}

func.func @compare_truth.after(%p: tensor<6xi1>) -> (tensor<6xi1>, tensor<6xi1>) {
  %0 = stablehlo.not %p : tensor<6xi1>
  return %p, %0 : tensor<6xi1>, tensor<6xi1>
}

func.func @compare_converted_truth(%p: tensor<6xi1>) -> tensor<6xi1> {
  %c = stablehlo.constant dense<0.0> : tensor<6xf32>
  %0 = stablehlo.convert %p : (tensor<6xi1>) -> tensor<6xf32>
  %1 = stablehlo.compare EQ, %0, %c : (tensor<6xf32>, tensor<6xf32>) -> tensor<6xi1>
  return %1 : tensor<6xi1>
}

func.func @compare_converted_truth.after(%p: tensor<6xi1>) -> tensor<6xi1> {
  %0 = stablehlo.not %p : tensor<6xi1>
  return %0 : tensor<6xi1>
}

func.func @not_compare(%x: tensor<6xi32>, %y: tensor<6xi32>, %a: tensor<6xf32>, %b: tensor<6xf32>) -> (tensor<6xi1>, tensor<6xi1>) {
  %0 = stablehlo.compare LT, %x, %y : (tensor<6xi32>, tensor<6xi32>) -> tensor<6xi1>
  %1 = stablehlo.not %0 : tensor<6xi1>
  %2 = stablehlo.compare EQ, %a, %b : (tensor<6xf32>, tensor<6xf32>) -> tensor<6xi1>
  %3 = stablehlo.not %2 : tensor<6xi1>
  return %1, %3 : tensor<6xi1>, tensor<6xi1>
}

func.func @not_compare.after(%x: tensor<6xi32>, %y: tensor<6xi32>, %a: tensor<6xf32>, %b: tensor<6xf32>) -> (tensor<6xi1>, tensor<6xi1>) {
  %0 = stablehlo.compare GE, %x, %y, SIGNED : (tensor<6xi32>, tensor<6xi32>) -> tensor<6xi1>
  %1 = stablehlo.compare NE, %a, %b, FLOAT : (tensor<6xf32>, tensor<6xf32>) -> tensor<6xi1>
  return %0, %1 : tensor<6xi1>, tensor<6xi1>
}

func.func @not_compare.kept(%a: tensor<6xf32>, %b: tensor<6xf32>) -> tensor<6xi1> {
  %0 = stablehlo.compare LT, %a, %b : (tensor<6xf32>, tensor<6xf32>) -> tensor<6xi1>
  %1 = stablehlo.not %0 : tensor<6xi1>
  return %1 : tensor<6xi1>
}

func.func @select_constant(%x: tensor<6xf32>, %y: tensor<6xf32>) -> tensor<6xf32> {
  %c = stablehlo.constant dense<false> : tensor<i1>
  %0 = stablehlo.select %c, %x, %y : tensor<i1>, tensor<6xf32>
  return %0 : tensor<6xf32>
}

func.func @select_constant.after(%x: tensor<6xf32>, %y: tensor<6xf32>) -> tensor<6xf32> {
  return %y : tensor<6xf32>
}

func.func @select_same(%p: tensor<6xi1>, %x: tensor<6xf32>) -> tensor<6xf32> {
  %0 = stablehlo.select %p, %x, %x : tensor<6xi1>, tensor<6xf32>
  return %0 : tensor<6xf32>
}

func.func @select_same.after(%p: tensor<6xi1>, %x: tensor<6xf32>) -> tensor<6xf32> {
  return %x : tensor<6xf32>
}

func.func @select_not(%p: tensor<6xi1>, %x: tensor<6xf32>, %y: tensor<6xf32>) -> tensor<6xf32> {
  %0 = stablehlo.not %p : tensor<6xi1>
  %1 = stablehlo.select %0, %x, %y : tensor<6xi1>, tensor<6xf32>
  return %1 : tensor<6xf32>
}

func.func @select_not.after(%p: tensor<6xi1>, %x: tensor<6xf32>, %y: tensor<6xf32>) -> tensor<6xf32> {
  %0 = stablehlo.select %p, %y, %x : tensor<6xi1>, tensor<6xf32>
  return %0 : tensor<6xf32>
}

func.func @select_truth(%p: tensor<6xi1>) -> (tensor<6xi1>, tensor<6xi1>) {
  %t = stablehlo.constant dense<true> : tensor<6xi1>
  %f = stablehlo.constant dense<false> : tensor<6xi1>
  %0 = stablehlo.select %p, %t, %f : tensor<6xi1>, tensor<6xi1>
  %1 = stablehlo.select %p, %f, %t : tensor<6xi1>, tensor<6xi1>
  return %0, %1 : tensor<6xi1>, tensor<6xi1>
}

func.func @select_truth.after(%p: tensor<6xi1>) -> (tensor<6xi1>, tensor<6xi1>) {
  %0 = stablehlo.not %p : tensor<6xi1>
  return %p, %0 : tensor<6xi1>, tensor<6xi1>
}

func.func @select_nested(%p: tensor<6xi1>, %x: tensor<6xf32>, %y: tensor<6xf32>, %z: tensor<6xf32>) -> (tensor<6xf32>, tensor<6xf32>) {
  %0 = stablehlo.select %p, %x, %y : tensor<6xi1>, tensor<6xf32>
  %1 = stablehlo.select %p, %0, %z : tensor<6xi1>, tensor<6xf32>
  %2 = stablehlo.select %p, %z, %0 : tensor<6xi1>, tensor<6xf32>
  return %1, %2 : tensor<6xf32>, tensor<6xf32>
}

func.func @select_nested.after(%p: tensor<6xi1>, %x: tensor<6xf32>, %y: tensor<6xf32>, %z: tensor<6xf32>) -> (tensor<6xf32>, tensor<6xf32>) {
  %0 = stablehlo.select %p, %x, %z : tensor<6xi1>, tensor<6xf32>
  %1 = stablehlo.select %p, %z, %y : tensor<6xi1>, tensor<6xf32>
  return %0, %1 : tensor<6xf32>, tensor<6xf32>
}

func.func @bound_without_effect(%x: tensor<6xf32>, %y: tensor<6xi8>) -> (tensor<6xf32>, tensor<6xi8>) {
  %c = stablehlo.constant dense<0xFF800000> : tensor<6xf32>
  %d = stablehlo.constant dense<127> : tensor<6xi8>
  %0 = stablehlo.maximum %x, %c : tensor<6xf32>
  %1 = stablehlo.minimum %y, %d : tensor<6xi8>
  return %0, %1 : tensor<6xf32>, tensor<6xi8>
}

func.func @bound_without_effect.after(%x: tensor<6xf32>, %y: tensor<6xi8>) -> (tensor<6xf32>, tensor<6xi8>) {
  return %x, %y : tensor<6xf32>, tensor<6xi8>
}

func.func @clamp_unbounded(%x: tensor<6xf32>, %y: tensor<f32>) -> (tensor<6xf32>, tensor<6xf32>) {
  %c = stablehlo.constant dense<0xFF800000> : tensor<f32>
  %d = stablehlo.constant dense<0x7F800000> : tensor<f32>
  %0 = stablehlo.clamp %c, %x, %d : (tensor<f32>, tensor<6xf32>, tensor<f32>) -> tensor<6xf32>
  %1 = stablehlo.clamp %c, %x, %y : (tensor<f32>, tensor<6xf32>, tensor<f32>) -> tensor<6xf32>
  return %0, %1 : tensor<6xf32>, tensor<6xf32>
}

func.func @clamp_unbounded.after(%x: tensor<6xf32>, %y: tensor<f32>) -> (tensor<6xf32>, tensor<6xf32>) {
  %0 = stablehlo.broadcast_in_dim %y, dims = [] : (tensor<f32>) -> tensor<6xf32>
  %1 = stablehlo.minimum %x, %0 : tensor<6xf32>
  return %x, %1 : tensor<6xf32>, tensor<6xf32>
}
