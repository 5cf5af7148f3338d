"""Rows of what JAX does not write: old ops, tokens, control at its ends, dynamic shapes, custom calls."""

from collections.abc import Iterator, Sequence

import numpy as np
import scipy.special

from tests.sweep.case import Case
from tests.sweep.modules import combine, one_op, type_of, wide
from tests.sweep.programs import program
from tests.sweep.surveyed.rows import array, case, known, numbers, opened, refused, row

X, V = array((4, 6), "f32"), array((6,), "f32", 1)
T, S = type_of(X), "tensor<f32>"
OURS = "S0302"
"""What a compiled program cannot do."""


def cases() -> Iterator[Case]:
    yield from old_ops()
    yield from control()
    yield from numeric()
    yield from random_bits()
    yield from exchanges()
    yield from dynamic()
    yield from tops()
    yield from calls()


def made(name: str, inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray], body: str, times: float = 16) -> Case:  # fmt: skip
    """A module whose `body` makes `%r`, or `%r0, %r1 …`, which are these."""
    outputs = [np.asarray(y) for y in outputs]
    text = program(inputs, body, *map(type_of, outputs))
    return case(name, text, inputs, outputs, times)


def old_ops() -> Iterator[Case]:
    yield made("broadcast.deprecated", [V], [np.stack([V, V])], '%r = "stablehlo.broadcast"(%0) {broadcast_sizes = array<i64: 2>} : (tensor<6xf32>) -> tensor<2x6xf32>')  # fmt: skip
    yield made("constant.mixed", [], [np.float32([[1, -2.5], [0, np.inf]])], "%r = stablehlo.constant dense<[[1.0, -2.5], [0.0, 0x7F800000]]> : tensor<2x2xf32>")  # fmt: skip
    y = array((6, 5), "f32", 1)
    types = f"({T}, {type_of(y)}) -> tensor<4x5xf32>"
    yield made("dot", [X, y], [X @ y], f"%r = stablehlo.dot %0, %1 : {types}")
    yield made("einsum", [X, y], [X @ y], f'%r = "stablehlo.einsum"(%0, %1) {{einsum_config = "ab,bc->ac"}} : {types}')  # fmt: skip
    tf32 = "algorithm = <lhs_precision_type = tf32, rhs_precision_type = tf32, accumulation_type = f32, lhs_component_count = 1, rhs_component_count = 1, num_primitive_operations = 1, allow_imprecise_accumulation = false>"
    yield made("dot_general.algorithm_tf32", [X, y], [X @ y], f"%r = stablehlo.dot_general %0, %1, contracting_dims = [1] x [0], {tf32} : {types}")  # fmt: skip
    image, kernel = array((1, 6, 6, 2), "f32"), array((3, 3, 2, 4), "f32", 1)
    facts = "dimension_numbers = #stablehlo.conv<[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]>, window_reversal = array<i1: true, true>, feature_group_count = 1 : i64, batch_group_count = 1 : i64"
    out = np.empty((1, 4, 4, 4), "float32")
    yield row("conv2d.window_reversal", one_op("convolution/x", [image, kernel], [out], facts).text, image, kernel)  # fmt: skip
    z = V + 1j * V[::-1]
    yield made("complex_real_imag", [V, V[::-1].copy()], [V, V[::-1]], "%z = stablehlo.complex %0, %1 : tensor<6xcomplex<f32>>\n%r0 = stablehlo.real %z : (tensor<6xcomplex<f32>>) -> tensor<6xf32>\n%r1 = stablehlo.imag %z : (tensor<6xcomplex<f32>>) -> tensor<6xf32>")  # fmt: skip
    d = V.astype("float64")
    yield made("complex.f64", [d, d], [d + 1j * d], "%r = stablehlo.complex %0, %1 : tensor<6xcomplex<f64>>")  # fmt: skip
    for part in ("real", "imag"):
        yield made(f"{part}.f32", [z.astype("complex64")], [getattr(z, part).astype("float32")], f"%r = stablehlo.{part} %0 : (tensor<6xcomplex<f32>>) -> tensor<6xf32>")  # fmt: skip
    for name, bits in (("reduce_precision", "e5m10"), ("reduce_precision.e8m7", "e8m7")):
        body = f"%r = stablehlo.reduce_precision %0, format = {bits} : {T}"
        yield row(name, program([X / 3], body, T), X / 3, keep=True)
    yield made("optimization_barrier", [X], [X + 1], f"%b = stablehlo.optimization_barrier %0 : {T}\n%c = stablehlo.constant dense<1.0> : {T}\n%r = stablehlo.add %b, %c : {T}")  # fmt: skip
    mapped = f'%r = "stablehlo.map"(%0, %1) ({{\n^bb0(%a: {S}, %b: {S}):\n%c = stablehlo.multiply %a, %b : {S}\nstablehlo.return %c : {S} }}) {{dimensions = array<i64: 0, 1>}} : ({T}, {T}) -> {T}'
    yield made("map", [X, X], [X * X], mapped)
    double = f"func.func private @double(%0: {T}) -> {T} {{\n%1 = stablehlo.add %0, %0 : {T}\nreturn %1 : {T} }}\n"
    for name, line in (("composite", '%r = stablehlo.composite "a.double" %0 {decomposition = @double} : '), ("func_call", "%r = func.call @double(%0) : ")):  # fmt: skip
        yield known(name, double + program([X], f"{line}({T}) -> {T}", T), X, expected=[X * 2])
    yield made("tuple_gte", [X], [X], f'%t = stablehlo.tuple %0, %0 : tuple<{T}, {T}>\n%r = stablehlo.get_tuple_element %t[1] : (tuple<{T}, {T}>) -> {T}')  # fmt: skip
    yield made("tokens", [X], [X * 2], f"%t = stablehlo.create_token : !stablehlo.token\n%u = stablehlo.after_all %t, %t : !stablehlo.token\n%r = stablehlo.add %0, %0 : {T}")  # fmt: skip
    yield made("get_dimension_size", [X], [np.int32(6)], f"%r = stablehlo.get_dimension_size %0, dim = 1 : ({T}) -> tensor<i32>")  # fmt: skip
    text = program([X, np.int32(3)], f"%r = stablehlo.set_dimension_size %0, %1, dim = 1 : ({T}, tensor<i32>) -> {T}", T)  # fmt: skip
    yield refused("set_dimension_size", text, X, np.int32(3), code=OURS)
    yield made("return_const", [], [np.int32([1, 2])], "%r = stablehlo.constant dense<[1, 2]> : tensor<2xi32>")  # fmt: skip


def control() -> Iterator[Case]:
    branch = "%n{0} = stablehlo.constant dense<{0}.0> : tensor<f32>\n%m{0} = stablehlo.multiply %1, %n{0} : tensor<f32>\nstablehlo.return %m{0} : tensor<f32>"
    x = np.float32(7)
    body = f'%r = "stablehlo.if"(%0) ({{ {branch.format(2)} }}, {{ {branch.format(3)} }}) : (tensor<i1>) -> {S}'
    yield made("if", [np.bool_(True), x], [x * 2], body)
    regions = ", ".join(f"{{ {branch.format(i)} }}" for i in (1, 2, 3))
    for name, which, factor in (("in", 1, 2), ("oob", 9, 3), ("neg", -4, 3)):
        body = f'%r = "stablehlo.case"(%0) ({regions}) : (tensor<i32>) -> {S}'
        yield made(f"case.{name}", [np.int32(which), x], [x * factor], body)
    loop = "%z = stablehlo.constant dense<0> : tensor<i32>\n%one = stablehlo.constant dense<1> : tensor<i32>\n%n = stablehlo.constant dense<4> : tensor<i32>\n"
    counter = (
        loop
        + f"%r:2 = stablehlo.while(%i = %z, %v = %0) : tensor<i32>, {T} cond {{\n%p = stablehlo.compare LT, %i, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>\nstablehlo.return %p : tensor<i1> }} do {{\n%j = stablehlo.add %i, %one : tensor<i32>\n%w = stablehlo.add %v, %v : {T}\nstablehlo.return %j, %w : tensor<i32>, {T} }}"
    )
    yield made("while.counter", [X], [np.int32(4), X * 16], counter)
    halves = f"%h = stablehlo.constant dense<0.5> : {S}\n%o = stablehlo.constant dense<1.0> : {S}\n%r = stablehlo.while(%v = %0) : {S} cond {{\n%p = stablehlo.compare GT, %v, %o : ({S}, {S}) -> tensor<i1>\nstablehlo.return %p : tensor<i1> }} do {{\n%w = stablehlo.multiply %v, %h : {S}\nstablehlo.return %w : {S} }}"
    yield made("while.data_dependent", [np.float32(100)], [np.float32(100 / 128)], halves)
    filled = np.repeat(np.arange(4, dtype="float32")[:, None], 6, 1) * 0 + X[0]
    nested = (
        loop
        + f"%r:2 = stablehlo.while(%i = %z, %v = %0) : tensor<i32>, {T} cond {{\n%p = stablehlo.compare LT, %i, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>\nstablehlo.return %p : tensor<i1> }} do {{\n%s = stablehlo.slice %v [0:1, 0:6] : ({T}) -> tensor<1x6xf32>\n%q:2 = stablehlo.while(%k = %z, %u = %v) : tensor<i32>, {T} cond {{\n%pp = stablehlo.compare LE, %k, %i : (tensor<i32>, tensor<i32>) -> tensor<i1>\nstablehlo.return %pp : tensor<i1> }} do {{\n%d = stablehlo.dynamic_update_slice %u, %s, %k, %z : ({T}, tensor<1x6xf32>, tensor<i32>, tensor<i32>) -> {T}\n%l = stablehlo.add %k, %one : tensor<i32>\nstablehlo.return %l, %d : tensor<i32>, {T} }}\n%j = stablehlo.add %i, %one : tensor<i32>\nstablehlo.return %j, %q#1 : tensor<i32>, {T} }}"
    )
    yield made("while.nested_dus", [X], [np.int32(4), filled], nested)


def numeric() -> Iterator[Case]:
    a = (array((5, 5), "f32") / 32 + 2 * np.eye(5)).astype("float32")
    spd = (a @ a.T).astype("float32")
    factor = np.linalg.cholesky(wide(spd))
    for name, lower in (("lower", True), ("upper", False)):
        compare = "GE" if lower else "LE"
        body = f"%l = stablehlo.cholesky %0, lower = {str(lower).lower()} : tensor<5x5xf32>\n%i = stablehlo.iota dim = 0 : tensor<5x5xi32>\n%j = stablehlo.iota dim = 1 : tensor<5x5xi32>\n%p = stablehlo.compare {compare}, %i, %j : (tensor<5x5xi32>, tensor<5x5xi32>) -> tensor<5x5xi1>\n%z = stablehlo.constant dense<0.0> : tensor<5x5xf32>\n%r = stablehlo.select %p, %l, %z : tensor<5x5xi1>, tensor<5x5xf32>"
        yield made(f"cholesky.{name}", [spd], [(factor if lower else factor.T).astype("float32")], body, 64)  # fmt: skip
    b = array((5, 5), "f32", 1)
    low = np.tril(wide(a))
    for left in (True, False):
        for word in ("NO_TRANSPOSE", "TRANSPOSE"):
            m = low if word == "NO_TRANSPOSE" else low.T
            y = np.linalg.solve(m, wide(b)) if left else np.linalg.solve(m.T, wide(b).T).T
            facts = f"left_side = {str(left).lower()}, lower = true, unit_diagonal = false, transpose_a = #stablehlo<transpose {word}>"
            text = one_op("triangular_solve/x", [a, b], [b], facts).text
            yield case(f"triangular_solve.left_{str(left).lower()}.{word}", text, [a, b], [y], 64)
    yield from spectra()
    x, n = array((4, 3), "f32") / 4, array((3,), "f32", 2)
    spread = np.abs(n) + np.float32(0.5)
    facts = "epsilon = 1.0e-3 : f32, feature_index = 1 : i64"
    inferred = one_op("batch_norm_inference/x", [x, n, n, n, spread], [x], facts).text
    yield row("batch_norm_inference", inferred, x, n, n, n, spread, times=64)
    trained = one_op("batch_norm_training/x", [x, n, n], [x, n, n], facts).text
    yield row("batch_norm_training", trained, x, n, n, times=64)
    slopes = one_op("batch_norm_grad/x", [x, n, n, spread, x], [x, n, n], facts).text
    yield row("batch_norm_grad", slopes, x, n, n, spread, x, times=64)


def spectra() -> Iterator[Case]:
    rows = [(f"{k}.{n}", k, (n,), ()) for k in ("FFT", "IFFT", "RFFT") for n in (16, 12, 1)]
    rows += [("IRFFT.16", "IRFFT", (16,), ()), ("IRFFT.12", "IRFFT", (12,), ())]
    rows += [("RFFT.batch", "RFFT", (16,), (3,)), ("FFT.2d", "FFT", (4, 8), ())]
    rows += [("FFT.batch", "FFT", (16,), (3,)), ("RFFT.64b", "RFFT", (64,), (2,))]
    functions = {"FFT": np.fft.fftn, "IFFT": np.fft.ifftn, "RFFT": np.fft.rfftn}
    for name, word, lengths, batch in rows:
        axes = tuple(range(-len(lengths), 0))
        real = array((*batch, *lengths), "f32")
        x = np.fft.rfftn(real, axes=axes).astype("complex64") if word == "IRFFT" else real
        x = x + 1j * x[::-1] if word in ("FFT", "IFFT") else x
        x = x.astype("complex64") if word != "RFFT" else x
        y = np.fft.irfftn(wide(x), lengths, axes) if word == "IRFFT" else functions[word](wide(x), axes=axes)  # fmt: skip
        y = y.astype("float32" if word == "IRFFT" else "complex64")
        facts = f"fft_type = #stablehlo<fft_type {word}>, fft_length = array<i64: {', '.join(map(str, lengths))}>"
        text = one_op("fft/x", [x], [y], facts).text
        yield case(f"fft.{name}", text, [x], [y], 64)


def random_bits() -> Iterator[Case]:
    shape = "%s = stablehlo.constant dense<8> : tensor<1xi64>\n"
    for name, law, kind in (("uniform", "UNIFORM", "f32"), ("uniform_i32", "UNIFORM", "i32"), ("normal", "NORMAL", "f32")):  # fmt: skip
        ends = numbers(0, kind), numbers(4, kind)
        end, out = f"tensor<{kind}>", f"tensor<8x{kind}>"
        body = f"{shape}%r = stablehlo.rng %0, %1, %s, distribution = {law} : ({end}, {end}, tensor<1xi64>) -> {out}"
        yield refused(f"rng.{name}", program(ends, body, out), *ends, code=OURS)
    for algorithm, words in (("THREE_FRY", 2), ("PHILOX", 2), ("PHILOX", 3), ("DEFAULT", 2)):
        state = np.uint64([7, 9, 11])[:words]
        for kind in ("ui32", "ui64", "ui8", "f32"):
            raw = "ui32" if kind == "f32" else kind
            line = f"stablehlo.rng_bit_generator %0, algorithm = {algorithm} : (tensor<{words}xui64>) -> (tensor<{words}xui64>, tensor<4x6x{kind}>)"
            cast = f"%r1 = stablehlo.bitcast_convert %b : (tensor<4x6x{kind}>) -> tensor<4x6xui32>"
            body = f"%r0, %b = {line}\n{cast}" if kind == "f32" else f"%r0, %r1 = {line}"
            text = program([state], body, f"tensor<{words}xui64>", f"tensor<4x6x{raw}>")
            plain = program([state], f"%r0, %r1 = {line.replace('f32', 'ui32')}", f"tensor<{words}xui64>", f"tensor<4x6x{raw}>")  # fmt: skip
            expected = row("rng", plain, state, keep=True).expected
            yield known(f"rng_bit_generator.{algorithm}{words}.{kind}", text, state, expected=expected)  # fmt: skip


def exchanges() -> Iterator[Case]:
    yield made("partition_id", [], [np.uint32(0)], "%r = stablehlo.partition_id : tensor<ui32>")
    yield made("replica_id", [], [np.uint32(0)], "%r = stablehlo.replica_id : tensor<ui32>")
    group, add = "replica_groups = dense<0> : tensor<1x1xi64>", combine("add", "float32")
    alone = {
        "all_reduce": (group, [add]), "all_gather": (f"all_gather_dim = 0 : i64, {group}", ()),
        "all_to_all": (f"split_dimension = 0 : i64, concat_dimension = 1 : i64, split_count = 1 : i64, {group}", ()),
        "reduce_scatter": (f"scatter_dimension = 0 : i64, {group}", [add]),
        "collective_permute": ("source_target_pairs = dense<0> : tensor<1x2xi64>", ()),
        "collective_broadcast": (group, ()),
    }  # fmt: skip
    for name, (facts, regions) in alone.items():
        yield case(name, one_op(f"{name}/x", [X], [X], facts, regions).text, [X], [X], 16)
    yield made("cross_replica_sum", [X], [X], f'%r = "stablehlo.cross-replica-sum"(%0) {{{group}}} : ({T}) -> {T}')  # fmt: skip
    body = f'%t = stablehlo.create_token : !stablehlo.token\n%u = "stablehlo.outfeed"(%0, %t) {{outfeed_config = ""}} : ({T}, !stablehlo.token) -> !stablehlo.token\n%r = stablehlo.add %0, %0 : {T}'
    yield refused("send_recv_infeed.outfeed", program([X], body, T), X, code=OURS)
    q = "tensor<4x6x!quant.uniform<i8:f32, 5.0e-1:3>>"
    body = f"%q = stablehlo.uniform_quantize %0 : ({T}) -> {q}\n%r = stablehlo.uniform_dequantize %q : ({q}) -> {T}"
    yield refused("uniform_quantize", program([X], body, T), X, code=OURS)


DYNAMIC = {
    "add": ("tensor<?x6xf32>", "stablehlo.add %0, %0 : tensor<?x6xf32>", "tensor<?x6xf32>"),
    "reduce": ("tensor<?x6xf32>", "stablehlo.reduce(%0 init: %z) applies stablehlo.add across dimensions = [1] : (tensor<?x6xf32>, tensor<f32>) -> tensor<?xf32>", "tensor<?xf32>"),
    "reduce_dyn_dim": ("tensor<?x6xf32>", "stablehlo.reduce(%0 init: %z) applies stablehlo.add across dimensions = [0] : (tensor<?x6xf32>, tensor<f32>) -> tensor<6xf32>", "tensor<6xf32>"),
    "dot_general": ("tensor<?x6xf32>", "stablehlo.dot_general %0, %0, contracting_dims = [1] x [1] : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x?xf32>", "tensor<?x?xf32>"),
    "dot_general_dynK": ("tensor<?x6xf32>", "stablehlo.dot_general %0, %0, contracting_dims = [0] x [0] : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<6x6xf32>", "tensor<6x6xf32>"),
    "batch_dot": ("tensor<?x6xf32>", "stablehlo.dot_general %0, %0, batching_dims = [0] x [0], contracting_dims = [1] x [1] : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?xf32>", "tensor<?xf32>"),
    "transpose": ("tensor<?x6xf32>", "stablehlo.transpose %0, dims = [1, 0] : (tensor<?x6xf32>) -> tensor<6x?xf32>", "tensor<6x?xf32>"),
    "concatenate": ("tensor<?x6xf32>", "stablehlo.concatenate %0, %0, dim = 0 : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>", "tensor<?x6xf32>"),
    "slice_static": ("tensor<?x6xf32>", "stablehlo.slice %0 [0:2, 0:6:2] : (tensor<?x6xf32>) -> tensor<2x3xf32>", "tensor<2x3xf32>"),
    "pad_on_dyn": ("tensor<?x6xf32>", "stablehlo.pad %0, %z, low = [1, 0], high = [0, 1], interior = [0, 0] : (tensor<?x6xf32>, tensor<f32>) -> tensor<?x7xf32>", "tensor<?x7xf32>"),
    "dynamic_slice": ("tensor<?x6xf32>", "stablehlo.dynamic_slice %0, %i, %i, sizes = [2, 3] : (tensor<?x6xf32>, tensor<i32>, tensor<i32>) -> tensor<2x3xf32>", "tensor<2x3xf32>"),
    "dynamic_update_slice": ("tensor<?x6xf32>", "stablehlo.dynamic_update_slice %0, %0, %i, %i : (tensor<?x6xf32>, tensor<?x6xf32>, tensor<i32>, tensor<i32>) -> tensor<?x6xf32>", "tensor<?x6xf32>"),
    "reshape_static_from_dyn": ("tensor<?x6xf32>", "stablehlo.reshape %0 : (tensor<?x6xf32>) -> tensor<24xf32>", "tensor<24xf32>"),
    "softmax": ("tensor<?x6xf32>", "stablehlo.exponential %0 : tensor<?x6xf32>", "tensor<?x6xf32>"),
    "chlo_broadcast_add": ("tensor<?x6xf32>", "chlo.broadcast_add %0, %z : (tensor<?x6xf32>, tensor<f32>) -> tensor<?x6xf32>", "tensor<?x6xf32>"),
    "sort": ("tensor<?x6xf32>", '"stablehlo.sort"(%0) ({\n^bb0(%a: tensor<f32>, %b: tensor<f32>):\n%c = stablehlo.compare LT, %a, %b : (tensor<f32>, tensor<f32>) -> tensor<i1>\nstablehlo.return %c : tensor<i1> }) {dimension = 1 : i64} : (tensor<?x6xf32>) -> tensor<?x6xf32>', "tensor<?x6xf32>"),
    "gather_embedding": ("tensor<?x6xf32>", '"stablehlo.gather"(%0, %k) {dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, slice_sizes = array<i64: 1, 6>} : (tensor<?x6xf32>, tensor<2xi32>) -> tensor<2x6xf32>', "tensor<2x6xf32>"),
    "scatter_add": ("tensor<?x6xf32>", '"stablehlo.scatter"(%0, %k, %y) ({\n^bb0(%a: tensor<f32>, %b: tensor<f32>):\n%c = stablehlo.add %a, %b : tensor<f32>\nstablehlo.return %c : tensor<f32> }) {scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>} : (tensor<?x6xf32>, tensor<2xi32>, tensor<2x6xf32>) -> tensor<?x6xf32>', "tensor<?x6xf32>"),
    "while": ("tensor<?x6xf32>", "stablehlo.while(%v = %0) : tensor<?x6xf32> cond {\nstablehlo.return %f : tensor<i1> } do {\n%w = stablehlo.add %v, %v : tensor<?x6xf32>\nstablehlo.return %w : tensor<?x6xf32> }", "tensor<?x6xf32>"),
    "conv2d": ("tensor<?x6x6x1xf32>", "stablehlo.convolution(%0, %kernel) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {} {feature_group_count = 1 : i64, batch_group_count = 1 : i64} : (tensor<?x6x6x1xf32>, tensor<2x2x1x1xf32>) -> tensor<?x5x5x1xf32>", "tensor<?x5x5x1xf32>"),
    "maxpool": ("tensor<?x6xf32>", '"stablehlo.reduce_window"(%0, %z) ({\n^bb0(%a: tensor<f32>, %b: tensor<f32>):\n%c = stablehlo.maximum %a, %b : tensor<f32>\nstablehlo.return %c : tensor<f32> }) {window_dimensions = array<i64: 1, 2>} : (tensor<?x6xf32>, tensor<f32>) -> tensor<?x5xf32>', "tensor<?x5xf32>"),
}  # fmt: skip
"""An argument of unknown size, an op on it, its result."""
CONSTANTS = "%z = stablehlo.constant dense<0.0> : tensor<f32>\n%i = stablehlo.constant dense<1> : tensor<i32>\n%k = stablehlo.constant dense<[1, 0]> : tensor<2xi32>\n%y = stablehlo.constant dense<2.0> : tensor<2x6xf32>\n%f = stablehlo.constant dense<false> : tensor<i1>\n%kernel = stablehlo.constant dense<1.0> : tensor<2x2x1x1xf32>\n"
COMPUTED = {
    "dynamic_broadcast_in_dim": "stablehlo.dynamic_broadcast_in_dim %0, %1, dims = [0, 1] : (tensor<4x6xf32>, tensor<2xi32>) -> tensor<?x?xf32>",
    "dynamic_iota": "stablehlo.dynamic_iota %1, dim = 1 : (tensor<2xi32>) -> tensor<?x?xf32>",
    "dynamic_reshape": "stablehlo.dynamic_reshape %0, %1 : (tensor<4x6xf32>, tensor<2xi32>) -> tensor<?x?xf32>",
    "dynamic_pad": "stablehlo.dynamic_pad %0, %z, %1, %1, %1 : (tensor<4x6xf32>, tensor<f32>, tensor<2xi32>, tensor<2xi32>, tensor<2xi32>) -> tensor<?x?xf32>",
    "dynamic_gather": '"stablehlo.dynamic_gather"(%0, %k, %1) {dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>} : (tensor<4x6xf32>, tensor<2xi32>, tensor<2xi32>) -> tensor<?x?xf32>',
}  # fmt: skip
"""Ops whose sizes are an argument's values."""


def dynamic() -> Iterator[Case]:
    """Sizes of arguments are those of what comes; sizes that are values are refused."""
    for name, (given, op, out) in DYNAMIC.items():
        text = (
            f"func.func @main(%0: {given}) -> {out} {{\n{CONSTANTS}%r = {op}\nreturn %r : {out}\n}}"
        )
        yield opened(f"dyn.{name}", text, array((2, 6, 6, 1), "f32") if "6x6" in given else X)
    sizes = np.int32([4, 6])
    for name, op in COMPUTED.items():
        out = "tensor<?x?xf32>"
        text = f"func.func @main(%0: {T}, %1: tensor<2xi32>) -> {out} {{\n{CONSTANTS}%r = {op}\nreturn %r : {out}\n}}"
        yield refused(f"dyn.{name}", text, X, sizes, code="S0434")
    image = array((1, 6, 6, 1), "f32")
    body = f'{CONSTANTS}%r = "stablehlo.dynamic_conv"(%0, %kernel, %1) {{dimension_numbers = #stablehlo.conv<[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]>, feature_group_count = 1 : i64, batch_group_count = 1 : i64}} : ({type_of(image)}, tensor<2x2x1x1xf32>, tensor<2x2xi32>) -> tensor<1x?x?x1xf32>'
    text = f"func.func @main(%0: {type_of(image)}, %1: tensor<2x2xi32>) -> tensor<1x?x?x1xf32> {{\n{body}\nreturn %r : tensor<1x?x?x1xf32>\n}}"
    yield refused("dyn.dynamic_conv", text, image, np.zeros((2, 2), "int32"), code="S0434")


def tops() -> Iterator[Case]:
    distinct = np.random.default_rng(0).permutation(24).reshape(4, 6)
    rows = {k: numbers(distinct, k) for k in ("f32", "i32", "bf16", "f16")}
    for name, x in {**rows, "1d": numbers(distinct[0]), "ties": numbers(distinct // 8)}.items():
        order = np.argsort(-wide(x).astype("float64"), axis=-1, kind="stable")[..., :3]
        best = np.take_along_axis(x, order, -1)
        body = f"%r0, %r1 = chlo.top_k(%0, k = 3) : {type_of(x)} -> ({type_of(best)}, {type_of(order.astype('int32'))})"
        yield made(f"chlo.top_k.{name}", [x], [best, order.astype("int32")], body)
    left, right, groups = array((4, 3), "f32"), array((2, 3, 5), "f32", 1), np.int32([1, 3])
    y = np.concatenate([left[:1] @ right[0], left[1:] @ right[1]])
    facts = "#chlo.ragged_dot<lhs_batching_dimensions = [], rhs_batching_dimensions = [], lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [1], lhs_ragged_dimensions = [0], rhs_group_dimensions = [0]>"
    body = f'%r = "chlo.ragged_dot"(%0, %1, %2) {{ragged_dot_dimension_numbers = {facts}}} : ({type_of(left)}, {type_of(right)}, {type_of(groups)}) -> {type_of(y)}'
    yield made("chlo.ragged_dot", [left, right, groups], [y], body)


def call(target: str, inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray], facts: str = "") -> str:  # fmt: skip
    """The module of one custom call."""
    operands = ", ".join(f"%{i}" for i in range(len(inputs)))
    count = f":{len(outputs)}" if len(outputs) > 1 else ""
    types, results = (", ".join(map(type_of, xs)) for xs in (inputs, outputs))
    body = f'%r{count} = "stablehlo.custom_call"({operands}) {{call_target_name = "{target}"{facts}}} : ({types}) -> ({results})'
    return program(inputs, body, *map(type_of, outputs))


def calls() -> Iterator[Case]:
    for target in ("Sharding", "SPMDFullToShardShape", "SPMDShardToFullShape", "annotate_device_placement"):  # fmt: skip
        yield case(f"custom_call.{target}", call(target, [X], [X]), [X], [X], 16)
    version = ", mhlo.version = 1 : i64"
    for name, target, function in (("mhlo.erf", "mhlo.erf", scipy.special.erf), ("mhlo.erf_proper", "mhlo.erf", scipy.special.erf), ("mhlo.acos", "mhlo.acos", np.arccos), ("stablehlo.dynamic_erf", "stablehlo.dynamic_erf", scipy.special.erf)):  # fmt: skip
        given = X / 9
        facts = version if name.endswith("proper") else ""
        yield case(f"custom_call.{name}", call(target, [given], [X], facts), [given], [function(wide(given))], 32)  # fmt: skip
    order = np.argsort(-X, 1, kind="stable")[:, :3].astype("int32")
    best = np.take_along_axis(X, order, 1)
    largest = ", mhlo.attributes = {k = 3 : i64, largest = true}" + version
    for name, target, facts in (("mhlo.topk", "mhlo.topk", largest), ("mhlo.topk_proper", "mhlo.topk", largest), ("TopK", "TopK", ', backend_config = "{k = 3, largest = true}"'), ("stablehlo.dynamic_top_k", "stablehlo.dynamic_top_k", "")):  # fmt: skip
        inputs = [X, np.int32(3)] if "dynamic" in name else [X]
        text = call(target, inputs, [best, order], facts)
        yield case(f"custom_call.{name}", text, inputs, [best, order], 16)
    holds = f'"stablehlo.custom_call"(%1) {{call_target_name = "shape_assertion", error_message = "no", has_side_effect = true}} : (tensor<i1>) -> ()\n%r = stablehlo.add %0, %0 : {T}'
    yield made("custom_call.ShapeAssertion", [X, np.array(True)], [X * 2], holds)
    yield refused("custom_call.unknown_target", call("unknown_target", [X], [X]), X, code=OURS)
    yield refused("custom_call.Householder", call("Householder", [X], [X]), X, code=OURS)
    yield from factors()
    key, bits = np.uint32([7, 9]), np.arange(12, dtype="uint32")
    from jax.extend.random import threefry_2x32

    hashed = np.split(np.asarray(threefry_2x32(key, bits)), 2)
    words = [*(np.full(6, k) for k in key), *np.split(bits, 2)]
    yield case("custom_call.cu_threefry2x32", call("cu_threefry2x32", words, hashed), words, hashed, 16)  # fmt: skip


def factors() -> Iterator[Case]:
    """LAPACK's conventions for reflections and exchanges of rows."""
    import scipy.linalg

    a = (array((4, 4), "f32") / 32 + 2 * np.eye(4)).astype("float32")
    (packed, tau), _ = scipy.linalg.qr(wide(a), mode="raw")
    single = [np.asarray(y, "float32") for y in (packed, tau)]
    yield case("custom_call.Qr", call("Qr", [a], single), [a], [packed, tau], 64)
    whole = scipy.linalg.lapack.dorgqr(np.asarray(single[0], "float64"), single[1])[0]
    text = call("ProductOfElementaryHouseholderReflectors", single, [a])
    yield case("custom_call.ProductOfElementaryHouseholderReflectors", text, single, [whole], 64)
    lu, pivots = scipy.linalg.lu_factor(wide(a))
    rows = np.arange(4, dtype="int32")
    for i, p in enumerate(pivots):
        rows[[i, p]] = rows[[p, i]]
    results = [lu.astype("float32"), pivots.astype("int32"), rows]
    yield case("custom_call.LuDecomposition", call("LuDecomposition", [a], results), [a], results, 64)  # fmt: skip
    text = call("lapack_sgeqrf_ffi", [a], single)
    yield case("custom_call.lapack_sgeqrf", text, [a], [packed, tau], 64)
