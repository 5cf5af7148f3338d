// Examples of the patterns in slopec/passes/simplify/conversions.py: a function, and as `.after` what becomes of it.
// A function whose variant begins with `kept` stays as it is.

func.func @convert_to_same(%x: tensor<6xf32>) -> tensor<6xf32> {
  %0 = stablehlo.convert %x : tensor<6xf32>
  return %0 : tensor<6xf32>
}

func.func @convert_to_same.after(%x: tensor<6xf32>) -> tensor<6xf32> {
  return %x : tensor<6xf32>
}

func.func @convert_twice(%x: tensor<6xbf16>) -> (tensor<6xbf16>, tensor<6xi32>) {
  %0 = stablehlo.convert %x : (tensor<6xbf16>) -> tensor<6xf32>
  %1 = stablehlo.convert %0 : (tensor<6xf32>) -> tensor<6xbf16>
  %2 = stablehlo.convert %0 : (tensor<6xf32>) -> tensor<6xi32>
  return %1, %2 : tensor<6xbf16>, tensor<6xi32>
}

func.func @convert_twice.after(%x: tensor<6xbf16>) -> (tensor<6xbf16>, tensor<6xi32>) {
  %0 = stablehlo.convert %x : (tensor<6xbf16>) -> tensor<6xi32>
  return %x, %0 : tensor<6xbf16>, tensor<6xi32>
}

func.func @convert_twice.kept(%x: tensor<6xf32>) -> tensor<6xf32> {
  %0 = stablehlo.convert %x : (tensor<6xf32>) -> tensor<6xf16>
  %1 = stablehlo.convert %0 : (tensor<6xf16>) -> tensor<6xf32>
  return %1 : tensor<6xf32>
}

func.func @bitcast_twice(%x: tensor<6xf32>) -> tensor<6xf32> {
  %0 = stablehlo.bitcast_convert %x : (tensor<6xf32>) -> tensor<6xui32>
  %1 = stablehlo.bitcast_convert %0 : (tensor<6xui32>) -> tensor<6xf32>
  return %1 : tensor<6xf32>
}

func.func @bitcast_twice.after(%x: tensor<6xf32>) -> tensor<6xf32> {
  %0 = stablehlo.bitcast_convert %x : (tensor<6xf32>) -> tensor<6xf32>
  return %0 : tensor<6xf32>
}

func.func @part_of_complex(%x: tensor<6xf32>, %y: tensor<6xf32>) -> (tensor<6xf32>, tensor<6xf32>) {
  %0 = stablehlo.complex %x, %y : tensor<6xcomplex<f32>>
  %1 = stablehlo.real %0 : (tensor<6xcomplex<f32>>) -> tensor<6xf32>
  %2 = stablehlo.imag %0 : (tensor<6xcomplex<f32>>) -> tensor<6xf32>
  return %1, %2 : tensor<6xf32>, tensor<6xf32>
}

func.func @part_of_complex.after(%x: tensor<6xf32>, %y: tensor<6xf32>) -> (tensor<6xf32>, tensor<6xf32>) {
  return %x, %y : tensor<6xf32>, tensor<6xf32>
}

func.func @complex_of_parts(%z: tensor<6xcomplex<f32>>) -> tensor<6xcomplex<f32>> {
  %0 = stablehlo.real %z : (tensor<6xcomplex<f32>>) -> tensor<6xf32>
  %1 = stablehlo.imag %z : (tensor<6xcomplex<f32>>) -> tensor<6xf32>
  %2 = stablehlo.complex %0, %1 : tensor<6xcomplex<f32>>
  return %2 : tensor<6xcomplex<f32>>
}

func.func @complex_of_parts.after(%z: tensor<6xcomplex<f32>>) -> tensor<6xcomplex<f32>> {
  return %z : tensor<6xcomplex<f32>>
}
