"""StableHLO from elsewhere: what is read, what is said about what is not."""

import contextlib
import random
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export
from jax.sharding import Mesh, NamedSharding, PartitionSpec

import slopec as sp
from slopec import ir, portable
from slopec.diagnostics import DTypeError, ShapeError, TransformError, UsageError

SQUARE = """func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  %y = stablehlo.multiply %x, %x : tensor<2xf32>
  return %y : tensor<2xf32>
}"""
GENERIC = """"builtin.module"() ({
  "func.func"() <{function_type = (tensor<2xf32>) -> tensor<2xf32>, sym_name = "main"}> ({
  ^bb0(%x: tensor<2xf32>):
    %y = "stablehlo.multiply"(%x, %x) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
    "func.return"(%y) : (tensor<2xf32>) -> ()
  }) : () -> ()
}) : () -> ()"""
# What torch-xla and TensorFlow write: their names, attributes and calls.
TORCH_XLA = """module @IrToHlo.14 attributes {mhlo.cross_program_prefetches = [],
    mhlo.is_dynamic = false, mhlo.use_auto_spmd_partitioning = false} {
  func.func @main(%arg0: tensor<2xf32>, %arg1: tensor<2x2xf32>) -> tensor<2xf32> {
    %0 = stablehlo.transpose %arg1, dims = [1, 0] {result_layout = dense<[0, 1]> : tensor<2xindex>,
      xla_shape = "f32[2,2]{0,1}"} : (tensor<2x2xf32>) -> tensor<2x2xf32>
    %1 = stablehlo.dot %arg0, %0, precision = [DEFAULT, DEFAULT]
      : (tensor<2xf32>, tensor<2x2xf32>) -> tensor<2xf32>
    %2 = stablehlo.custom_call @Sharding(%1) {mhlo.sharding = "{replicated}"}
      : (tensor<2xf32>) -> tensor<2xf32>
    return %2 : tensor<2xf32>
  }
}"""
TENSORFLOW = """module attributes {tf.versions = {producer = 1882 : i32}, tf_saved_model.semantics} {
  func.func @main(%arg0: tensor<2xf32> {tf._user_specified_name = "x",
      tf_saved_model.index_path = [0]}) -> (tensor<2xf32> {tf_saved_model.index_path = ["y"]})
      attributes {tf.entry_function = {control_outputs = "", inputs = "x", outputs = "y"},
      tf_saved_model.exported_names = ["serving_default"]} {
    %0 = func.call @relu(%arg0) : (tensor<2xf32>) -> tensor<2xf32>
    return %0 : tensor<2xf32>
  }
  func.func private @relu(%arg0: tensor<2xf32>) -> tensor<2xf32> {
    %0 = stablehlo.constant dense<0.0> : tensor<f32>
    %1 = chlo.broadcast_maximum %arg0, %0 : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
    return %1 : tensor<2xf32>
  }
}"""
X = np.array([-3.0, 2.0], np.float32)
W = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)


@pytest.mark.parametrize(
    ("text", "arguments", "value"),
    [
        (SQUARE, (X,), X * X),
        (GENERIC, (X,), X * X),
        (TORCH_XLA, (X, W), X @ W.T),
        (TENSORFLOW, (X,), np.maximum(X, 0)),
    ],
    ids=["plain", "generic form", "torch-xla", "TensorFlow"],
)
def test_texts_and_bytecode(text, arguments, value, tmp_path):
    file, binary = tmp_path / "m.mlir", tmp_path / "m.mlirbc"
    file.write_text(text)
    binary.write_bytes(ir.bytecode(ir.parse(text)))
    for source in (text, text.encode(), file, str(file), binary, binary.read_bytes()):
        function = sp.from_stablehlo(source)
        np.testing.assert_array_equal(function(*arguments), value)
    slope = sp.grad(lambda *args: function(*args).sum())(*arguments)
    assert np.isfinite(slope.numpy()).all()


def sharded():
    mesh = Mesh(np.array(jax.devices()[:1]), ("rows",))
    place = NamedSharding(mesh, PartitionSpec("rows"))

    def run(x):
        return jax.lax.with_sharding_constraint(jnp.sin(x), place) * 2.0

    return export.export(jax.jit(run, in_shardings=place, out_shardings=place))(W)


def test_shardings_are_advice():
    module = sharded()
    assert "sdy.mesh" in module.mlir_module()
    function = sp.from_stablehlo(module.mlir_module())
    np.testing.assert_allclose(function(W), 2 * np.sin(W), rtol=1e-6)
    with pytest.raises(UsageError, match="mlir_module") as caught:
        sp.from_stablehlo(module.mlir_module_serialized)
    assert caught.value.code == "S0433"


def test_ops_of_text_point_at_its_file(tmp_path):
    file = tmp_path / "call.mlir"
    file.write_text(
        SQUARE.replace(
            "stablehlo.multiply %x, %x : tensor<2xf32>",
            "stablehlo.custom_call @f(%x) : (tensor<2xf32>) -> tensor<2xf32>",
        )
    )
    with pytest.raises(TransformError) as caught:
        sp.jit(sp.grad(lambda x: sp.from_stablehlo(file)(x).sum()))(np.ones(2, np.float32))
    assert caught.value.span.file == str(file)


@pytest.mark.parametrize("spelling", ["mhlo.multiply %x, %x", '"mhlo.multiply"(%x, %x)'])
def test_a_dialect_that_is_not_known_is_named(spelling):
    with pytest.raises(UsageError, match="the dialect `mhlo` is not known") as caught:
        sp.from_stablehlo(SQUARE.replace("stablehlo.multiply %x, %x", spelling))
    assert "allow-unregistered" not in str(caught.value)


def test_keys_are_folded():
    def fold(key):
        return jax.random.key_data(jax.random.fold_in(jax.random.wrap_key_data(key), 7))

    key = np.array([1, 2], np.uint32)
    function = sp.from_stablehlo(export.export(jax.jit(fold))(key).mlir_module())
    np.testing.assert_array_equal(sp.jit(function)(key), fold(key))


def test_functions_with_poles_that_were_expanded():
    x = np.float32([0.5, -0.99, 1, -1])
    function = sp.from_stablehlo(export.export(jax.jit(jax.lax.erf_inv))(x).mlir_module())
    (slope,) = sp.vjp(function, x)[1](sp.ones(4))
    (wanted,) = jax.vjp(jax.lax.erf_inv, x)[1](np.ones(4, np.float32))
    np.testing.assert_allclose(slope.numpy()[:2], wanted[:2], rtol=1e-5)


def test_the_smallest_of_whole_numbers():
    text = """func.func @main(%x: tensor<4xi32>) -> (tensor<2xi32>, tensor<2xi32>) {
      %r:2 = "stablehlo.custom_call"(%x) {call_target_name = "mhlo.topk",
        mhlo.attributes = {k = 2 : i64, largest = false}}
        : (tensor<4xi32>) -> (tensor<2xi32>, tensor<2xi32>)
      return %r#0, %r#1 : tensor<2xi32>, tensor<2xi32>
    }"""
    x = np.array([5, -(2**31), -3, 2**31 - 1], np.int32)
    function = sp.from_stablehlo(text)
    for values, places in (function(x), sp.jit(function)(x)):
        assert (values.tolist(), places.tolist()) == ([-(2**31), -3], [1, 2])


def test_arguments_that_do_not_fit():
    function = sp.from_stablehlo(SQUARE)
    with pytest.raises(ShapeError, match="expected"):
        function(sp.ones((3,)))
    with pytest.raises(ShapeError, match="takes 1 arguments, got 2"):
        function(X, X)
    with pytest.raises(DTypeError, match="astype"):
        function(sp.tensor([1, 2]))


BAD = {
    "no such entry": (SQUARE.replace("@main", "@f"), "S0411"),
    "half a line": ("func.func @f( {", "S0433"),
    "nothing": ("", "S0411"),
    "no text": (b"\x00\xff\xfe\x01" * 20, "S0433"),
    "bytecode cut short": (ir.bytecode(ir.parse(SQUARE))[:80], "S0433"),
    "only the magic": (portable.MAGIC, "S0433"),
    "an op with other types": (SQUARE.replace("tensor<2xf32>\n  return", "tensor<3xf32>\n  return"), "S0433"),
    "a dialect that is not known": (SQUARE.replace("stablehlo.multiply", "torch.aten.mul"), "S0433"),
    "a token": ("func.func @main(%t: !stablehlo.token) -> !stablehlo.token { return %t : !stablehlo.token }", "S0434"),
    "no body": ("func.func private @main(tensor<2xf32>) -> tensor<2xf32>", "S0411"),
    "a portable artifact cut short": (lambda: sharded().mlir_module_serialized[:100], "S0433"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_modules(name):
    source, code = BAD[name]
    with pytest.raises(UsageError) as caught:
        sp.from_stablehlo(source() if callable(source) else source)
    assert caught.value.code == code


def test_damaged_bytecode_stays_outside(monkeypatch):
    """MLIR's reader hangs and crashes on some of these; each must be an error of ours, or fine."""
    monkeypatch.setattr(portable, "SECONDS", 5)
    good = ir.bytecode(ir.parse(SQUARE))
    chance = random.Random(0)
    for _ in range(25):
        bad = bytearray(good)
        for _ in range(chance.randint(1, 4)):
            bad[chance.randrange(4, len(bad))] = chance.randrange(256)
        with contextlib.suppress(UsageError):
            sp.from_stablehlo(bytes(bad))


def test_paths_are_named():
    with pytest.raises(UsageError, match=r"<stablehlo> is not a valid module"):
        sp.from_stablehlo(portable.MAGIC)
    for path in ("/nowhere/at/all.mlir", Path("/nowhere/at/all")):
        with pytest.raises(UsageError, match="S0404"):
            sp.from_stablehlo(path)


def test_names_that_look_like_ours():
    """A module's `f.1` and the second `f` that is traced are two functions."""
    numbered = SQUARE.replace("@main", "@f.1").replace("multiply", "add")
    text = SQUARE.replace(
        "stablehlo.multiply %x, %x : tensor<2xf32>",
        "call @f.1(%x) : (tensor<2xf32>) -> tensor<2xf32>",
    )
    function = sp.from_stablehlo(f"{numbered}\n{text}")

    def f(x):
        return function(x) * 10.0

    def g():
        def f(x):
            return x * 100.0

        return f

    nested = sp.jit(lambda x: (sp.jit(f)(x), sp.jit(g())(x), sp.jit(f)(x), function(x)))
    for ours, factor in zip(nested(X), (20.0, 100.0, 20.0, 2.0), strict=True):
        np.testing.assert_array_equal(ours, factor * X)
