"""Functions as models of ONNX: values as ONNX's own evaluators have them, names, and errors."""

from pathlib import Path

import numpy as np
import pytest

import slopec as sp
from slopec import nn
from slopec.diagnostics import TransformError, UsageError
from slopec.interop import from_onnx as reader
from slopec.programs import load_file

MODELS = Path(__file__).resolve().parents[2] / "models"
X = np.random.default_rng(0).standard_normal((2, 3, 6, 6)).astype(np.float32)
K = np.random.default_rng(1).standard_normal((4, 3, 3, 3)).astype(np.float32)
PLACES = np.array([[2, 0, 1], [1, -1, 0]], dtype=np.int32)

CASES = {
    "elementwise": lambda x: sp.tanh(x) * sp.exp(-sp.abs(x)) + sp.erf(x) / (1 + x**2),
    "near zero": lambda x: sp.expm1(x * 1e-4) + sp.log1p(x * x) + sp.log1p(x * 1e-5),
    "far from zero": lambda x: sp.log1p(sp.stack([x * 1e38, x * sp.inf, x - sp.inf, x - 1.0])),
    "comparisons": lambda x: sp.where((x > 0) & (x != 1) | sp.isnan(x), sp.round(x), sp.sign(x)),
    "integers": lambda x: (sp.astype(x * 9, "int32") // 2) % 3 ^ 1,
    "parts": lambda x: sp.concat([x[:, :1, ::2, 1:4], sp.flip(x, axis=3)[:, :1, ::2, :3]], axis=2),
    "margins": lambda x: sp.pad(x, [(0, 0), (1, 0), (2, 1), (-1, 0)], constant_values=3.0),
    "products": lambda x: sp.einsum("nchw,ncwk,c->kcn", x, x, x[0, :, 0, 0]),
    "lookups": lambda x: sp.take(x, PLACES, axis=1) + sp.arange(6.0),
    "convolution": lambda x: sp.conv2d(x, K, stride=2, padding=[(1, 0), (2, 1)], dilation=2),
    "groups": lambda x: sp.conv2d(x, K[:3, :1], groups=3, padding=1),
    "pools": lambda x: sp.max_pool2d(x, 3, 2, 1) - sp.avg_pool2d(x, 3, 2, 1),
    "reductions": lambda x: (x.max(axis=(1, 3)) * x.mean(axis=(1, 3)), (x > 2).any(), x.prod()),
    "normalised": lambda x: nn.functional.softmax(nn.functional.layer_norm(x, (6, 6)), 1),
    "gradient": sp.grad(lambda x: (sp.tanh(sp.conv2d(x, K, padding=1)) ** 2).mean()),
}


@pytest.mark.parametrize("name", CASES)
def test_values_are_those_of_the_reference(name):
    onnx = pytest.importorskip("onnx")
    reference = pytest.importorskip("onnx.reference")
    wanted = sp.jit(CASES[name])(X)
    proto = onnx.load_from_string(sp.to_onnx(CASES[name], X))

    onnx.checker.check_model(proto, full_check=True)
    found = reference.ReferenceEvaluator(proto).run(None, {"x": X})
    for ours, theirs in zip(wanted if isinstance(wanted, tuple) else [wanted], found, strict=True):
        assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
        np.testing.assert_allclose(ours.numpy(), theirs, rtol=2e-5, atol=2e-6)


def _model(name):
    file, kind, shape = {
        "mlp": ("mlp", "MLP", (2, 8, 8)),
        "convnet": ("convnet", "ConvNet", (2, 8, 8)),
        "vit": ("vit", "ViT", (2, 8, 8)),
        "gpt": ("gpt", "GPT", (2, 64)),
    }[name]
    net = getattr(load_file(MODELS / f"{file}.py"), kind)().eval()
    random = np.random.default_rng(2)
    if name == "gpt":
        return net, random.integers(0, 20, shape).astype(np.int32)
    return net, random.standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("name", ["convnet", "gpt"])
def test_models_come_back_as_they_were(name):
    pytest.importorskip("onnx")
    net, x = _model(name)
    back = sp.from_onnx(sp.to_onnx(net, x))

    names = {path for path, _ in net.named_parameters()}
    assert names <= {path for path, _ in back.named_parameters()}
    np.testing.assert_allclose(back(x).numpy(), net(x).numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["mlp", "convnet", "vit", "gpt"])
def test_onnx_runtime_computes_the_same(name):
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    net, x = _model(name)
    session = runtime.InferenceSession(sp.to_onnx(net, x), providers=["CPUExecutionProvider"])

    (found,) = session.run(None, {session.get_inputs()[0].name: x})
    np.testing.assert_allclose(found, net(x).numpy(), rtol=1e-4, atol=1e-5)


def test_tied_weights_come_once_under_their_first_name():
    onnx = pytest.importorskip("onnx")

    class Tied(nn.Module):
        def __init__(self):
            self.first = nn.Linear(6, 6, bias=False)
            self.second = self.first

        def forward(self, x):
            return self.second(self.first(x))

    proto = onnx.load_from_string(sp.to_onnx(Tied(), X))
    names = [tensor.name for tensor in proto.graph.initializer if "weight" in tensor.name]
    assert names == ["first.weight"]


def test_what_is_no_function_is_refused():
    pytest.importorskip("onnx")
    with pytest.raises(TransformError, match="to_onnx takes a function, got ndarray"):
        sp.to_onnx(X)


def test_what_onnx_has_not_is_refused_at_its_line():
    pytest.importorskip("onnx")
    with pytest.raises(UsageError, match="S0166") as caught:
        sp.to_onnx(lambda x: sp.sort(x), X)
    assert caught.value.span.file.endswith("test_to_onnx.py")


def test_without_the_package_the_error_says_so(monkeypatch):
    monkeypatch.setattr(reader, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match="S0163"):
        sp.to_onnx(sp.exp, X)
