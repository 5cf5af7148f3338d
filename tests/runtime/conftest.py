"""One IREE module with every kind of entry the runtime serves, compiled once, and its manifest."""

import dataclasses
import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from slopec_runtime.artifact import pack
from slopec_runtime.dtypes import NAMES
from slopec_runtime.manifest import (
    Cost,
    Dim,
    EntryPoint,
    Input,
    Manifest,
    ModuleFacts,
    Output,
    Producer,
    Slot,
    Target,
    Variant,
)
from slopec_runtime.tree import Branch

ELEMENTS = {
    "bool": "i1",
    "bfloat16": "bf16",
    "float8_e4m3fn": "f8E4M3FN",
    "float8_e5m2": "f8E5M2",
    "complex64": "complex<f32>",
    "complex128": "complex<f64>",
}

FUNCTIONS = """
func.func @init() -> (tensor<3x2xf32>, tensor<3x2xf32>) {
  %z = stablehlo.constant dense<0.0> : tensor<3x2xf32>
  return %z, %z : tensor<3x2xf32>, tensor<3x2xf32>
}
func.func @step(%g: tensor<3x2xf32>, %w: tensor<3x2xf32> {tf.aliasing_output = 1 : i32},
                %m: tensor<3x2xf32> {tf.aliasing_output = 2 : i32})
    -> (tensor<f32>, tensor<3x2xf32>, tensor<3x2xf32>) {
  %half = stablehlo.constant dense<0.5> : tensor<3x2xf32>
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %old = stablehlo.multiply %m, %half : tensor<3x2xf32>
  %new = stablehlo.add %old, %g : tensor<3x2xf32>
  %out = stablehlo.subtract %w, %new : tensor<3x2xf32>
  %loss = stablehlo.reduce(%out init: %zero) applies stablehlo.add across dimensions = [0, 1]
    : (tensor<3x2xf32>, tensor<f32>) -> tensor<f32>
  return %loss, %out, %new : tensor<f32>, tensor<3x2xf32>, tensor<3x2xf32>
}
func.func @turn(%w: tensor<3x2xf32>, %next: tensor<3x2xf32> {tf.aliasing_output = 1 : i32})
    -> (tensor<3x2xf32>, tensor<3x2xf32>) attributes {iree.reflection = {slopec.turning = "1"}} {
  %old = stablehlo.add %w, %w : tensor<3x2xf32>
  %new = stablehlo.reverse %w, dims = [0] : tensor<3x2xf32>
  return %old, %new : tensor<3x2xf32>, tensor<3x2xf32>
}
func.func @peek(%w: tensor<3x2xf32>) -> tensor<3x2xf32> {
  return %w : tensor<3x2xf32>
}
func.func @add(%x: tensor<4xf32> {tf.aliasing_output = 0 : i32}, %y: tensor<4xf32>)
    -> tensor<4xf32> {
  %s = stablehlo.add %x, %y : tensor<4xf32>
  return %s : tensor<4xf32>
}
func.func @twins(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<2x2xf32>, tensor<2x2xf32>) {
  %n = stablehlo.negate %x : tensor<4xf32>
  %r = stablehlo.reshape %n : (tensor<4xf32>) -> tensor<2x2xf32>
  %s = stablehlo.reshape %x : (tensor<4xf32>) -> tensor<2x2xf32>
  return %n, %r, %s : tensor<4xf32>, tensor<2x2xf32>, tensor<2x2xf32>
}
func.func @nested(%a: tensor<2xf32>, %b: tensor<2xf32>, %c: tensor<i32>)
    -> (tensor<2xf32>, tensor<i32>) {
  %s = stablehlo.subtract %a, %b : tensor<2xf32>
  return %s, %c : tensor<2xf32>, tensor<i32>
}
func.func @nothing(%x: tensor<0x4xf32>) -> (tensor<0x4xf32>, tensor<4xf32>) {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %n = stablehlo.negate %x : tensor<0x4xf32>
  %s = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [0]
    : (tensor<0x4xf32>, tensor<f32>) -> tensor<4xf32>
  return %n, %s : tensor<0x4xf32>, tensor<4xf32>
}
func.func @spin(%n: tensor<i32>) -> tensor<i32> {
  %zero = stablehlo.constant dense<0> : tensor<i32>
  %one = stablehlo.constant dense<1> : tensor<i32>
  %r:2 = stablehlo.while(%i = %zero, %a = %zero) : tensor<i32>, tensor<i32>
    cond {
      %p = stablehlo.compare LT, %i, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %p : tensor<i1>
    } do {
      %j = stablehlo.add %i, %one : tensor<i32>
      %b = stablehlo.add %a, %i : tensor<i32>
      stablehlo.return %j, %b : tensor<i32>, tensor<i32>
    }
  return %r#1 : tensor<i32>
}
"""

PREDICT = """
func.func @predict.{b}(%x: tensor<{b}x3xf32>, %w: tensor<3x2xf32>)
    -> (tensor<{b}x2xf32>, tensor<2x{b}xf32>, tensor<f32>) {{
  %one = stablehlo.constant dense<1.0> : tensor<f32>
  %y = stablehlo.dot %x, %w : (tensor<{b}x3xf32>, tensor<3x2xf32>) -> tensor<{b}x2xf32>
  %t = stablehlo.transpose %y, dims = [1, 0] : (tensor<{b}x2xf32>) -> tensor<2x{b}xf32>
  return %y, %t, %one : tensor<{b}x2xf32>, tensor<2x{b}xf32>, tensor<f32>
}}
"""

CENTER = """
func.func @center.{b}.{s}(%x: tensor<{b}x{s}xf32>) -> tensor<{b}x{s}xf32> {{
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %t = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [1]
    : (tensor<{b}x{s}xf32>, tensor<f32>) -> tensor<{b}xf32>
  %u = stablehlo.broadcast_in_dim %t, dims = [0] : (tensor<{b}xf32>) -> tensor<{b}x{s}xf32>
  %y = stablehlo.subtract %x, %u : tensor<{b}x{s}xf32>
  return %y : tensor<{b}x{s}xf32>
}}
"""

FLIP = """
func.func @flip.{name}(%x: tensor<2x3x{t}>) -> tensor<3x2x{t}> {{
  %y = stablehlo.transpose %x, dims = [1, 0] : (tensor<2x3x{t}>) -> tensor<3x2x{t}>
  return %y : tensor<3x2x{t}>
}}
"""

PREDICT_SIZES = (1, 4)
CENTER_SIZES = ((2, 3), (4, 3), (2, 5), (4, 5))
WEIGHT = np.arange(6, dtype=np.float32).reshape(3, 2)


def element(name: str) -> str:
    """The MLIR spelling of a dtype."""
    plain = name.replace("uint", "ui").replace("int", "i").replace("uii", "ui")
    return ELEMENTS.get(name, plain.replace("float", "f"))


def source() -> str:
    return "".join(
        [
            "module @zoo {\n",
            FUNCTIONS,
            *(PREDICT.format(b=size) for size in PREDICT_SIZES),
            *(CENTER.format(b=b, s=s) for b, s in CENTER_SIZES),
            *(FLIP.format(name=name, t=element(name)) for name in NAMES),
            "}\n",
        ]
    )


def weight(name: str, **facts) -> dict:
    return {"name": name, "shape": (3, 2), "dtype": "float32", **facts}


def plain(shape, *, inputs=("x",), outputs=("y",), **facts) -> EntryPoint:
    """An entry of float32 arrays of one shape, one argument per input, a tuple of the outputs."""
    leaves = tuple(range(len(outputs)))
    return EntryPoint(
        inputs=tuple(Input(name, shape, "float32") for name in inputs),
        outputs=tuple(Output(name, shape, "float32") for name in outputs),
        arguments=tuple((name, i) for i, name in enumerate(inputs)),
        result=0 if len(leaves) == 1 else Branch("tuple", leaves),
        **facts,
    )


def entries() -> dict[str, EntryPoint]:
    flips = {
        f"flip_{name}": EntryPoint(
            inputs=(Input("x", (2, 3), name),),
            outputs=(Output("y", (3, 2), name),),
            arguments=(("x", 0),),
            result=0,
            variants=(Variant(f"flip.{name}"),),
        )
        for name in NAMES
    }
    return {
        "predict": EntryPoint(
            inputs=(Input("x", ("batch", 3), "float32"), Input(**weight("w", slot="w"))),
            outputs=(
                Output("y", ("batch", 2), "float32"),
                Output("t", (2, "batch"), "float32"),
                Output("one", (), "float32"),
            ),
            arguments=(("x", 0),),
            result=Branch("tuple", (0, 1, 2)),
            variants=tuple(Variant(f"predict.{b}", {"batch": b}) for b in PREDICT_SIZES),
            doc="Multiply by the weight.",
        ),
        "init": EntryPoint(
            inputs=(),
            outputs=(Output(**weight("w", slot="w")), Output(**weight("m", slot="m"))),
            arguments=(),
            result=Branch("none"),
            variants=(Variant("init"),),
        ),
        "step": EntryPoint(
            inputs=(
                Input(**weight("g")),
                Input(**weight("w", slot="w", donated=True)),
                Input(**weight("m", slot="m", donated=True)),
            ),
            outputs=(
                Output("loss", (), "float32"),
                Output(**weight("w", slot="w")),
                Output(**weight("m", slot="m")),
            ),
            arguments=(("g", 0),),
            result=Branch("dict", (0, 1), ("loss", "w")),
            variants=(Variant("step"),),
        ),
        "turn": EntryPoint(
            inputs=(Input(**weight("w", slot="w", donated=True)),),
            outputs=(Output(**weight("old")), Output(**weight("w", slot="w"))),
            arguments=(),
            result=Branch("tuple", (0, 1)),
            variants=(Variant("turn"),),
        ),
        "peek": EntryPoint(
            inputs=(Input(**weight("w", slot="w")),),
            outputs=(Output(**weight("w")),),
            arguments=(),
            result=0,
            variants=(Variant("peek"),),
        ),
        "add": dataclasses.replace(
            plain((4,), inputs=("x", "y"), outputs=("s",), variants=(Variant("add"),)),
            inputs=(Input("x", (4,), "float32", donated=True), Input("y", (4,), "float32")),
        ),
        "twins": EntryPoint(
            inputs=(Input("x", (4,), "float32"),),
            outputs=(
                Output("n", (4,), "float32"),
                Output("r", (2, 2), "float32"),
                Output("s", (2, 2), "float32"),
            ),
            arguments=(("x", 0),),
            result=Branch("tuple", (0, 1, 2)),
            variants=(Variant("twins"),),
        ),
        "nested": EntryPoint(
            inputs=(
                Input("pair['a']", (2,), "float32"),
                Input("pair['b'][0]", (2,), "float32"),
                Input("count", (), "int32"),
            ),
            outputs=(Output("d", (2,), "float32"), Output("count", (), "int32")),
            arguments=(
                ("pair", Branch("dict", (0, Branch("tuple", (1, Branch("none")))), ("a", "b"))),
                ("count", 2),
            ),
            result=Branch("dict", (0, Branch("list", (1,)), Branch("none")), ("d", "c", "n")),
            variants=(Variant("nested"),),
        ),
        "nothing": EntryPoint(
            inputs=(Input("x", (0, 4), "float32"),),
            outputs=(Output("n", (0, 4), "float32"), Output("s", (4,), "float32")),
            arguments=(("x", 0),),
            result=Branch("list", (0, 1)),
            variants=(Variant("nothing"),),
        ),
        "spin": EntryPoint(
            inputs=(Input("n", (), "int32"),),
            outputs=(Output("s", (), "int32"),),
            arguments=(("n", 0),),
            result=0,
            variants=(Variant("spin"),),
        ),
        "center": plain(
            ("rows", "width"),
            variants=tuple(
                Variant(f"center.{b}.{s}", {"rows": b, "width": s}) for b, s in CENTER_SIZES
            ),
        ),
        **flips,
    }


def zoo_manifest() -> Manifest:
    return Manifest(
        name="zoo",
        producer=Producer("0.1.0", "3.13.0"),
        target=Target("llvm-cpu", ("local-task", "local-sync")),
        module=ModuleFacts(0, ""),
        dims={
            "batch": Dim(PREDICT_SIZES, independent=True),
            "rows": Dim((2, 4), independent=True),
            "width": Dim((3, 5)),
        },
        cost=Cost(100.0, 100.0),
        entries=entries(),
        state={
            "w": Slot((3, 2), "float32", initial=True),
            "m": Slot((3, 2), "float32"),
        },
        sources={"zoo.py": "0" * 64},
    )


@pytest.fixture(scope="session")
def module(tmp_path_factory) -> bytes:
    """The compiled IREE module; workers of one test run share it."""
    return compiled(tmp_path_factory)


def compiled(tmp_path_factory, *flags: str) -> bytes:
    """The module compiled with further flags, once for all workers of a test run."""
    text = source()
    base = tmp_path_factory.getbasetemp()
    folder = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    key = repr((text, flags)).encode()
    path = Path(folder) / f"{hashlib.sha256(key).hexdigest()[:16]}.vmfb"
    if not path.exists():
        import iree.compiler

        flags = (
            "--iree-llvmcpu-target-cpu=generic",
            "--iree-input-demote-f64-to-f32=false",
            *flags,
        )
        content = iree.compiler.compile_str(
            text, target_backends=["llvm-cpu"], input_type="stablehlo", extra_args=flags
        )
        scratch = path.with_suffix(f".{os.getpid()}")
        scratch.write_bytes(content)
        scratch.replace(path)
    return path.read_bytes()


@pytest.fixture(scope="session")
def manifest() -> Manifest:
    return zoo_manifest()


@pytest.fixture(scope="session")
def packed(module, manifest) -> bytes:
    """The artifact as bytes."""
    return pack(module, manifest, {"w": WEIGHT.tobytes()}, stablehlo=b"ML\xefR")


@pytest.fixture(scope="session")
def handed_over(manifest, tmp_path_factory) -> bytes:
    """The artifact with functions that return before their work is done."""
    module = compiled(tmp_path_factory, "--iree-execution-model=async-external")
    return pack(module, manifest, {"w": WEIGHT.tobytes()})


@pytest.fixture(scope="session")
def artifact(packed, tmp_path_factory) -> Path:
    """The artifact as a file."""
    path = tmp_path_factory.mktemp("artifact") / "zoo.vmfb"
    path.write_bytes(packed)
    return path


@pytest.fixture
def program(artifact):
    from slopec_runtime import load

    return load(artifact)


@pytest.fixture
def failure():
    """Run a function that must raise the runtime's Error with a code; gives the error's text."""
    from slopec_runtime import Error

    def check(code, function, *args, **kwargs):
        with pytest.raises(Error) as caught:
            function(*args, **kwargs)
        assert caught.value.code == code, str(caught.value)
        assert str(caught.value).startswith(f"error[{code}]: ")
        return str(caught.value)

    return check
