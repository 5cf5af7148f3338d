// Examples of the patterns in slopec/passes/simplify/folding.py: a function, and as `.after` what becomes of it.
// A function whose variant begins with `kept` stays as it is.

func.func @nothing_at_all(%x: tensor<0x3xf32>, %i: tensor<0x3xi32>, %c: tensor<f32>, %k: tensor<i32>) -> (tensor<0x3xf32>, tensor<0xf32>, tensor<0xi32>) {
  %0 = stablehlo.tanh %x : tensor<0x3xf32>
  %1:2 = stablehlo.reduce(%x init: %c), (%i init: %k) across dimensions = [1] : (tensor<0x3xf32>, tensor<0x3xi32>, tensor<f32>, tensor<i32>) -> (tensor<0xf32>, tensor<0xi32>)
   reducer(%a: tensor<f32>, %b: tensor<f32>) (%m: tensor<i32>, %n: tensor<i32>) {
    %q = stablehlo.maximum %a, %b : tensor<f32>
    %r = stablehlo.maximum %m, %n : tensor<i32>
    stablehlo.return %q, %r : tensor<f32>, tensor<i32>
  }
  return %0, %1#0, %1#1 : tensor<0x3xf32>, tensor<0xf32>, tensor<0xi32>
}

func.func @nothing_at_all.after(%x: tensor<0x3xf32>, %i: tensor<0x3xi32>, %c: tensor<f32>, %k: tensor<i32>) -> (tensor<0x3xf32>, tensor<0xf32>, tensor<0xi32>) {
  %0 = stablehlo.constant dense<> : tensor<0x3xf32>
  %1 = stablehlo.constant dense<> : tensor<0xf32>
  %2 = stablehlo.constant dense<> : tensor<0xi32>
  return %0, %1, %2 : tensor<0x3xf32>, tensor<0xf32>, tensor<0xi32>
}

func.func @fold_splats(%x: tensor<1000x1000xf32>) -> tensor<1000x1000xf32> {
  %0 = stablehlo.constant dense<2.0> : tensor<1000x1000xf32>
  %1 = stablehlo.constant dense<3.0> : tensor<1000x1000xf32>
  %2 = stablehlo.subtract %0, %1 : tensor<1000x1000xf32>
  return %2 : tensor<1000x1000xf32>
}

func.func @fold_splats.after(%x: tensor<1000x1000xf32>) -> tensor<1000x1000xf32> {
  %cst = stablehlo.constant dense<-1.000000e+00> : tensor<1000x1000xf32>
  return %cst : tensor<1000x1000xf32>
}

func.func @fold() -> tensor<2xi32> {
  %0 = stablehlo.constant dense<[3, 5]> : tensor<2xi32>
  %1 = stablehlo.constant dense<[4, 6]> : tensor<2xi32>
  %2 = stablehlo.multiply %0, %1 : tensor<2xi32>
  return %2 : tensor<2xi32>
}

func.func @fold.after() -> tensor<2xi32> {
  %c = stablehlo.constant dense<[12, 30]> : tensor<2xi32>
  return %c : tensor<2xi32>
}

func.func @fold.sort() -> (tensor<3xi32>, tensor<3xf32>) {
  %0 = stablehlo.constant dense<[3, 1, 2]> : tensor<3xi32>
  %1 = stablehlo.constant dense<[0.5, -0.0, 0x7F800000]> : tensor<3xf32>
  %2:2 = "stablehlo.sort"(%0, %1) ({
  ^bb0(%a: tensor<i32>, %b: tensor<i32>, %c: tensor<f32>, %d: tensor<f32>):
    %3 = stablehlo.compare LT, %a, %b : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %3 : tensor<i1>
  }) {dimension = 0 : i64} : (tensor<3xi32>, tensor<3xf32>) -> (tensor<3xi32>, tensor<3xf32>)
  return %2#0, %2#1 : tensor<3xi32>, tensor<3xf32>
}

func.func @fold.sort.after() -> (tensor<3xi32>, tensor<3xf32>) {
  %c = stablehlo.constant dense<[1, 2, 3]> : tensor<3xi32>
  %cst = stablehlo.constant dense<[-0.000000e+00, 0x7F800000, 5.000000e-01]> : tensor<3xf32>
  return %c, %cst : tensor<3xi32>, tensor<3xf32>
}

func.func @fold.kept_large() -> tensor<300x300xf32> {
  %0 = stablehlo.constant dense<[[1.0, 2.0, 3.0]]> : tensor<1x3xf32>
  %1 = stablehlo.constant dense<0.0> : tensor<f32>
  %2 = stablehlo.pad %0, %1, low = [0, 0], high = [299, 297], interior = [0, 0] : (tensor<1x3xf32>, tensor<f32>) -> tensor<300x300xf32>
  return %2 : tensor<300x300xf32>
}
